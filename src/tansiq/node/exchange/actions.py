"""Writes of the exchange. Each function is one durable step; killed between any two, the next start goes on from the rows.

The functions whose docstring says *in the caller's transaction* are steps for other rooms' acts; the rest open their own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Least

from tansiq.engine.envelopes import bodies, receipts, sealing
from tansiq.engine.envelopes.age import HybridRecipient
from tansiq.engine.envelopes.cards import NodeCard
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.manifest import read_manifest
from tansiq.engine.envelopes.sequences import Outbound
from tansiq.engine.errors import Rejected, Unavailable
from tansiq.engine.formats.ids import new_id
from tansiq.node.audit import actions as audit
from tansiq.node.desk import actions as desk
from tansiq.node.exchange import witness
from tansiq.node.exchange.models import Item, Link, OutEnvelope
from tansiq.node.jobs import waking
from tansiq.node.partners import queries as partners
from tansiq.node.vault import keys
from tansiq.node.vault.prepared import Insert
from tansiq.node.vault.stores import on_disk

LEASE = timedelta(seconds=60)
EXPIRES = timedelta(days=30)
BATCH_ITEMS = 200
BATCH_BYTES = 2 * 1024 * 1024
MAX_ITEM = sealing.MAX_BODY - 256 * 1024
"""What is left for one item of a body beside the checkpoint and its proof."""
LATE = {False: 24, True: 2}
"""After how many hours what is undelivered lies on a desk: {urgent: hours}; two is a quarter of the shortest deadline."""
UNREACHABLE = "exchange.unreachable"
PAUSES = [1, 2, 5, 10, 30, 60, 300, 900]
KNOCKS = PAUSES.index(60) + 1
"""Who cannot be reached is tried every minute: nothing is carried, and it may be back. The longer pauses are for what was answered, and not taken."""
HEARD = 3
"""As many failures count at most once a partner was heard from: the next pause is ten seconds."""


_OWED = Insert(Item, or_nothing=True)


def queue(
    recipients: Iterable[str],
    type_: str,
    content: dict[str, Any],
    *,
    reference: str,
    dossier: str = "",
    urgent: bool = False,
    now: datetime,
) -> None:
    """Owe ``content`` to each of ``recipients``, in the caller's transaction; the same reference twice is owed once.

    The delivery loop is woken after the commit. Raises Rejected for what no partner could open: ``exchange.item_too_large``, or a
    ``json.…`` error with its place. It would stand at the head of the queue for ever.
    """
    _require_openable(bodies.Item(type_, content))
    told = {"type": type_, "reference": reference, "dossier": dossier, "content": content, "urgent": urgent}
    for partner in recipients:
        _OWED(Item(partner=partner, created_at=now, **told))
    waking.ring_after_commit(waking.DELIVER)


def _require_openable(item: bodies.Item) -> None:
    raw = bodies.Body((item,)).to_bytes()
    if len(raw) > MAX_ITEM:
        raise Rejected("exchange.item_too_large", at="/parts", size=len(raw), limit=MAX_ITEM)
    bodies.Body.from_bytes(raw)


def queue_again(
    partner: str, type_: str, content: dict[str, Any], *, reference: str, dossier: str = "", now: datetime
) -> None:
    """Owe a copy of something that may have been delivered before (repair), in the caller's transaction.

    Nothing while the first is still owed, and one copy a minute at most; the first and its receipt stay as evidence.
    """
    first = Item.objects.filter(partner=partner, type=type_, reference=reference)
    on_its_way = Q(envelope=None) | Q(envelope__state__in=OutEnvelope.UNDER_WAY)
    if first.filter(on_its_way, delivered_at=None).exists():
        return
    name = f"{reference}/{now:%d%H%M}" if first.exists() else reference
    queue([partner], type_, content, reference=name, dossier=dossier, now=now)


def begin_incarnation(now: datetime) -> int:
    """After a restore: every link starts a new incarnation, so that partners see an event and not an attack.

    In the caller's transaction. What was sealed before the copy was made is sealed anew. Returns the incarnation: minutes since 1970,
    or one more than the last, so that it is another one also when an old copy is restored twice, or for a partner whose link is
    younger than the copy.
    """
    Item.objects.filter(envelope__state__in=OutEnvelope.UNDER_WAY).update(envelope=None)
    OutEnvelope.objects.filter(state__in=OutEnvelope.UNDER_WAY).update(state=OutEnvelope.REPLACED, raw=None)
    Link.objects.bulk_create([Link(partner=row.node_id) for row in partners.partners()], ignore_conflicts=True)
    highest = max([1, *Link.objects.values_list("incarnation", flat=True)])
    incarnation = max(highest + 1, int(now.timestamp()) // 60)
    Link.objects.update(
        incarnation=incarnation, outbound=None, witnessed_size=0, leased_until=None, leased_by="", retry_at=None
    )
    audit.record("links.reopened", actor="machine", facts={"incarnation": incarnation}, log="exchange", now=now)
    return incarnation


def owed_of_type(partner: str, type_: str) -> int:
    """How many items of this type wait to be sealed for ``partner``."""
    return Item.objects.filter(partner=partner, type=type_, envelope=None, delivered_at=None).count()


def forget(dossier_id: str) -> None:
    """Owe nobody anything of this dossier any more, in the caller's transaction; envelopes and receipts stay as evidence.

    What is sealed already can be opened by nobody here, and goes as it is.
    """
    Item.objects.filter(dossier=dossier_id).delete()


def thin(reference: str, content: dict[str, Any]) -> int:
    """Put ``content``, from which something was erased, in the place of what waits unsealed to be sent under ``reference``.

    In the caller's transaction; returns how many items. What is sealed already can be opened by nobody here, and goes as it is.
    """
    waiting = Item.objects.filter(Q(reference=reference) | Q(reference__startswith=f"{reference}/"), type="entry")
    count = 0
    for item in waiting.filter(envelope=None, delivered_at=None).select_for_update():
        item.content = content
        item.save(update_fields=["content"])
        count += 1
    return count


# -- out ---------------------------------------------------------------------------------------------------------------


def lease(partner: str, worker: str, now: datetime, *, although_pausing: bool = False) -> bool:
    """Take the link to ``partner`` for one minute; False when another worker has it or it is pausing (unless that is no matter)."""
    with transaction.atomic():
        link = Link.objects.select_for_update().get_or_create(partner=partner)[0]
        if (link.leased_until and link.leased_until > now and link.leased_by != worker) or (
            link.retry_at and link.retry_at > now and not although_pausing
        ):
            return False
        link.leased_until, link.leased_by = now + LEASE, worker
        link.save(update_fields=["leased_until", "leased_by"])
    return True


def release(partner: str, worker: str) -> None:
    """Give the link back."""
    Link.objects.filter(partner=partner, leased_by=worker).update(leased_until=None, leased_by="")


def let_go(worker: str) -> None:
    """Give back every link that a worker of this name held when it died; called by the one that takes the name over."""
    Link.objects.filter(leased_by__startswith=f"{worker}/").update(leased_until=None, leased_by="")


@dataclass(frozen=True, slots=True)
class _Batch:
    items: list[Item]
    content: list[bodies.Item]


def seal_next(partner: str, worker: str, now: datetime) -> OutEnvelope | None:
    """Seal what waits for ``partner`` into one stored envelope; None when nothing waits. Needs the lease.

    Sealing happens outside the transaction; the lease makes sure that nobody takes the same sequence number meanwhile, and
    the unique constraint would refuse the second if somebody did.
    """
    card = partners.card_of(partner)
    if card is None:
        raise Unavailable("partner.suspended", node=partner)
    batch = _gather(partner)
    if not batch.items:
        return None
    link = Link.objects.get(partner=partner)
    outbound = Outbound.from_json(link.outbound) if link.outbound else Outbound.start(link.incarnation)
    told = witness.told_to(partner)
    body = bodies.Body(items=(bodies.Item(witness.ITEM, told), *batch.content), checkpoint=told["checkpoint"])
    envelope, following = _seal(body, card, outbound, now)
    with on_disk(), transaction.atomic():
        held = Link.objects.select_for_update().get(partner=partner)
        if held.leased_by != worker:
            raise Unavailable("exchange.lease_lost", partner=partner)
        envelope.save(force_insert=True)
        Item.objects.filter(pk__in=[i.pk for i in batch.items]).update(envelope=envelope)
        held.outbound = following.to_json()
        held.save(update_fields=["outbound"])
    return envelope


def _gather(partner: str) -> _Batch:
    items: list[Item] = []
    content: list[bodies.Item] = []
    size = 0
    waiting = Item.objects.filter(partner=partner, envelope=None, delivered_at=None, content__isnull=False)
    for item in waiting.order_by("-urgent", "id")[:BATCH_ITEMS]:
        piece = bodies.Item(item.type, item.content)
        size += bodies.size(piece)
        if items and size > BATCH_BYTES:
            break
        items.append(item)
        content.append(piece)
    return _Batch(items, content)


def _seal(body: bodies.Body, card: NodeCard, outbound: Outbound, now: datetime) -> tuple[OutEnvelope, Outbound]:
    mailbox = card.key_for("mailbox", now)
    place = outbound.next()
    me = partners.my_id()
    signer = keys.current().node
    expires = now + EXPIRES
    sealed = sealing.seal(
        body.to_bytes(),
        envelope_id=new_id(now, os.urandom),
        sender=me,
        recipient=card.node_id,
        incarnation=place.incarnation,
        sequence=place.sequence,
        previous_manifest_digest=place.previous_manifest_digest,
        created_at=now,
        expires_at=expires,
        mailbox=HybridRecipient.from_text(mailbox.public),
        mailbox_key_id=mailbox.key_id,
        node_signer=signer,
    )
    raw = sealed.to_bytes()
    manifest = sealed.opened_manifest
    row = OutEnvelope(
        envelope_id=manifest.envelope_id,
        partner=card.node_id,
        sequence=manifest.sequence,
        incarnation=manifest.incarnation,
        manifest=sealed.manifest.to_json(),
        manifest_digest=sealed.manifest_digest,
        raw=raw,
        size=len(raw),
        created_at=now,
        expires_at=expires,
    )
    return row, outbound.sent(sealed.manifest_digest)


def record_receipt(partner: str, signed_receipt: dict[str, Any], now: datetime) -> None:
    """Store the receipt of one of our envelopes and end its items; idempotent.

    Raises Rejected when the receipt is not signed by the partner, or names an envelope of ours that says otherwise.
    """
    receipt = receipts.open_receipt(
        Signed.from_json(signed_receipt), keys=partners.node_keys(partner, now), me=partners.my_id()
    )
    with transaction.atomic():
        row = OutEnvelope.objects.select_for_update().filter(envelope_id=receipt.envelope_id, partner=partner).first()
        told = (receipt.manifest_digest, receipt.sender)
        if row is None or told != (row.manifest_digest, partner):
            raise Rejected("exchange.receipt_for_other", partner=partner, envelope=receipt.envelope_id)
        if row.receipt is not None:
            return
        row.receipt, row.receipted_at, row.raw, row.code = signed_receipt, now, None, (receipt.code or "")[:80]
        row.state = OutEnvelope.REFUSED if receipt.status == "refused" else OutEnvelope.DELIVERED
        row.save()
        if row.state == OutEnvelope.DELIVERED:
            _settle_late(row, now)
            Item.objects.filter(envelope=row).update(delivered_at=now, content=None)
        else:
            _tell_refusal(row, receipt.code or "", now)
        facts = {
            "partner": partner,
            "envelope": row.envelope_id,
            "manifest": row.manifest_digest,
            "status": receipt.status,
        }
        audit.record("envelope.receipted", actor="machine", facts=facts, log="exchange", now=now)
        _link_is_well(partner, now)
    witness.learn(
        partner,
        {"checkpoint": receipt.checkpoint, "consistency": receipt.consistency, "cosigned": receipt.cosignature},
        now,
    )


def _settle_late(row: OutEnvelope, now: datetime) -> None:
    """What lay on a desk as undelivered is delivered; nothing can lie there that is younger than the shortest limit."""
    late = Item.objects.filter(envelope=row, created_at__lt=now - timedelta(hours=min(LATE.values())))
    for number in late.values_list("pk", flat=True):
        desk.settle(f"undelivered/{number}", now=now)


def _tell_refusal(row: OutEnvelope, code: str, now: datetime) -> None:
    for item in Item.objects.filter(envelope=row).defer("content"):
        desk.put(
            "delivery_refused",
            f"refused/{row.envelope_id}/{item.pk}",
            title_code="desk.delivery_refused",
            facts={"partner": row.partner, "code": code, "reference": item.reference},
            link=f"/dossiers/{item.dossier}" if item.dossier else "",
            urgent=True,
            now=now,
        )


def _link_is_well(partner: str, now: datetime) -> None:
    link = Link.objects.select_for_update().get_or_create(partner=partner)[0]
    link.failures, link.retry_at, link.last_error, link.last_delivered_at = 0, None, "", now
    link.save(update_fields=["failures", "retry_at", "last_error", "last_delivered_at"])


def record_failure(partner: str, envelope_id: str | None, code: str, now: datetime) -> None:
    """Note a failed attempt and pause the link: 1 s at first, a minute at most where nobody answers, else a quarter of an hour."""
    with transaction.atomic():
        link = Link.objects.select_for_update().get_or_create(partner=partner)[0]
        link.failures += 1
        most = KNOCKS if code == UNREACHABLE else len(PAUSES)
        pause = PAUSES[min(link.failures, most) - 1]
        # A spread of a quarter keeps many nodes from knocking at a returning partner in the same second.
        link.retry_at = now + timedelta(seconds=pause * (1 + os.urandom(1)[0] / 1024))
        link.last_error = code
        link.save(update_fields=["failures", "retry_at", "last_error"])
        if envelope_id:
            row = OutEnvelope.objects.get(pk=envelope_id)
            row.attempts += 1
            row.code = code
            row.save(update_fields=["attempts", "code"])


def note_reached(partner: str) -> None:
    """The partner answered: whatever failed before counts no longer."""
    Link.objects.filter(partner=partner, failures__gt=0).update(failures=0, retry_at=None, last_error="")


def wake(partner: str) -> None:
    """End the pause of a link, because the partner was heard from or an officer asks for it.

    The partner is there, so pauses are short again: else a partner that talks much wakes us into a failure each time, and the failures of
    half a minute of a bad line add up to a pause of minutes.
    """
    heard = Least(F("failures"), HEARD)
    if Link.objects.filter(partner=partner, retry_at__isnull=False).update(retry_at=None, failures=heard):
        waking.ring_after_commit(waking.DELIVER)


def replace_expired(now: datetime) -> int:
    """Put the items of envelopes that expired unreceipted back into the queue: they travel anew. Returns how many envelopes."""
    expired = list(OutEnvelope.objects.filter(state__in=OutEnvelope.UNDER_WAY, expires_at__lte=now)[:100])
    return sum(replace(row.envelope_id) for row in expired)


def replace(envelope_id: str) -> bool:
    """Put the items of an envelope that can never be accepted back into the queue: they travel anew, sealed and signed afresh."""
    with transaction.atomic():
        row = OutEnvelope.objects.select_for_update().filter(pk=envelope_id, state__in=OutEnvelope.UNDER_WAY).first()
        if row is None:
            return False
        Item.objects.filter(envelope=row).update(envelope=None)
        row.state, row.raw = OutEnvelope.REPLACED, None
        row.save(update_fields=["state", "raw"])
    return True


def seal_anew(partner: str) -> int:
    """Put back what waits sealed to a mailbox key that the partner's card names no more; returns how many envelopes.

    A partner that lost everything was made again with new keys: it would receipt such an envelope and never open it.
    """
    card = partners.card_of(partner)
    held = card.keys_by_id("mailbox") if card else {}
    rows = OutEnvelope.objects.filter(partner=partner, state__in=OutEnvelope.UNDER_WAY).values_list(
        "envelope_id", "manifest"
    )
    stale = [one for one, told in rows if read_manifest(Signed.from_json(told)).mailbox_key_id not in held]
    return sum(replace(one) for one in stale) if card else 0


def flag_undelivered(now: datetime) -> None:
    """Put on the desk what has waited for a receipt too long: 24 hours, urgent items 2 hours (a quarter of 8)."""
    from tansiq.node.exchange.queries import undelivered_since

    for urgent, hours in LATE.items():
        for item in undelivered_since(now - timedelta(hours=hours), urgent=urgent):
            desk.put(
                "undelivered",
                f"undelivered/{item.pk}",
                title_code="desk.undelivered",
                facts={"partner": item.partner, "hours": hours, "reference": item.reference},
                link=f"/dossiers/{item.dossier}" if item.dossier else "",
                urgent=urgent,
                once=True,
                now=now,
            )


def mark(partner: str, references: Sequence[str], status: str, now: datetime) -> None:
    """Note what a partner says became of items it has: opened by an officer, or not understood; in the caller's transaction."""
    items = Item.objects.filter(partner=partner, reference__in=list(references))
    if status == "opened":
        items.filter(opened_at=None).update(opened_at=now)
    elif status == "not_understood":
        items.update(not_understood=True)
