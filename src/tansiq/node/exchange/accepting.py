"""Writes of the exchange, inwards: an envelope arrives, is checked, stored and receipted; later it is opened.

Cheapest check first (:func:`tansiq.engine.envelopes.sealing.accept`); then envelope, receipt and the job that will open it are one
transaction. Killed before its commit, nothing happened and the sender sends again; after it, the rows go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from tansiq.engine.envelopes import bodies, receipts, sealing
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.manifest import read_manifest
from tansiq.engine.envelopes.sealing import Sealed
from tansiq.engine.envelopes.sequences import Inbound
from tansiq.engine.errors import Rejected
from tansiq.node.audit import actions as audit
from tansiq.node.desk import actions as desk
from tansiq.node.exchange import limits, witness
from tansiq.node.exchange.models import Contradiction, InEnvelope, Link
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners import queries as partners
from tansiq.node.partners.actions import heard_from
from tansiq.node.vault import keys
from tansiq.node.vault.stores import on_disk

OPEN_JOB = "exchange.open"


def accept(raw: bytes, now: datetime) -> dict[str, Any]:
    """Take an arriving envelope in, and answer with the signed receipt (JSON) that says so.

    Raises Rejected, unsigned, for everything before the sender is proved (a stranger gets no signature of ours), and for a proved
    sender whatever :func:`sealing.accept` refuses. Nothing is stored in those cases, but for a second manifest under an envelope id
    that is known: both are kept as evidence (protocol/envelopes.md §7). Raises Unavailable("exchange.too_much") for a partner that
    brings more than one may (:mod:`tansiq.node.exchange.limits`).
    """
    me = partners.my_id()
    try:
        accepted = sealing.accept(
            raw, me=me, card_of=partners.card_of, seen=_seen, is_revoked=partners.is_revoked, now=now
        )
    except Rejected as error:
        if error.code == "envelope.id_reused":
            _keep_contradiction(Sealed.from_bytes(raw), now)
        raise
    manifest = accepted.manifest
    known = InEnvelope.objects.filter(sender=manifest.sender, envelope_id=manifest.envelope_id).first()
    if known is not None:
        return dict(known.receipt)
    waits = limits.waiting(manifest.sender)
    limits.require_room(manifest.sender, len(raw), waits, now)
    signed = _receipt(accepted, now)
    with on_disk(), transaction.atomic():
        link = Link.objects.select_for_update().get_or_create(partner=manifest.sender)[0]
        known = InEnvelope.objects.filter(sender=manifest.sender, envelope_id=manifest.envelope_id).first()
        if known is not None:
            return dict(known.receipt)
        inbound = Inbound.from_json(link.inbound) if link.inbound else Inbound.start()
        rows = InEnvelope.objects.filter(
            sender=manifest.sender, incarnation=manifest.incarnation, sequence=manifest.sequence
        )
        stored = rows.values_list("manifest_digest", flat=True).first()
        inbound, seen = inbound.observe(manifest, accepted.manifest_digest, stored=stored)
        link.inbound = inbound.to_json()
        link.retry_at = None
        link.intake = limits.counted(link.intake, len(raw), now)
        link.save(update_fields=["inbound", "retry_at", "intake"])
        InEnvelope.objects.create(
            envelope_id=manifest.envelope_id,
            sender=manifest.sender,
            sequence=manifest.sequence,
            incarnation=manifest.incarnation,
            manifest=accepted.signed_manifest.to_json(),
            manifest_digest=accepted.manifest_digest,
            sealed=accepted.sealed,
            received_at=now,
            receipt=signed,
        )
        facts = {"partner": manifest.sender, "envelope": manifest.envelope_id, "manifest": accepted.manifest_digest}
        audit.record("envelope.accepted", actor=f"node:{manifest.sender}", facts=facts, log="exchange", now=now)
        _note_irregularity(manifest.sender, seen, now)
        enqueue(
            OPEN_JOB,
            {"sender": manifest.sender, "envelope": manifest.envelope_id},
            now=now,
            run_at=limits.opened_at(waits, now),
            key=f"open/{manifest.envelope_id}",
        )
        heard_from(manifest.sender, now)
    return signed


def _keep_contradiction(found: Sealed, now: datetime) -> None:
    """Keep the second manifest that its sender signed under one envelope id, and let an officer see it; a hundred of one partner."""
    manifest = found.opened_manifest
    if Contradiction.objects.filter(sender=manifest.sender).count() >= limits.KEPT_CONTRADICTIONS:
        return
    told = {"envelope_id": manifest.envelope_id, "manifest": found.manifest.to_json(), "received_at": now}
    with transaction.atomic():
        _, is_new = Contradiction.objects.get_or_create(
            sender=manifest.sender, manifest_digest=found.manifest_digest, defaults=told
        )
        if is_new:
            facts = {"partner": manifest.sender, "envelope": manifest.envelope_id, "manifest": found.manifest_digest}
            audit.record("envelope.id_reused", actor=f"node:{manifest.sender}", facts=facts, log="exchange", now=now)
            _tell_fork(manifest.sender, now)


def _seen(sender: str, envelope_id: str) -> str | None:
    return (
        InEnvelope.objects.filter(sender=sender, envelope_id=envelope_id)
        .values_list("manifest_digest", flat=True)
        .first()
    )


def _note_irregularity(sender: str, seen: Any, now: datetime) -> None:
    """A new incarnation or a forked sequence is an event that an officer must see; a gap is visible on the link."""
    name = type(seen).__name__
    if name == "NewIncarnation":
        code = "desk.partner_restored"
        key = f"link/{sender}/{code}/{now:%Y%m%d%H}"
        desk.put("link", key, title_code=code, facts={"partner": sender}, now=now)
    elif name == "Fork":
        _tell_fork(sender, now)
    else:
        return
    audit.record(f"link.{name.lower()}", actor=f"node:{sender}", facts={"partner": sender}, log="exchange", now=now)


def _tell_fork(sender: str, now: datetime) -> None:
    key = f"link/{sender}/desk.sequence_forked/{now:%Y%m%d%H}"
    desk.put("link", key, title_code="desk.sequence_forked", facts={"partner": sender}, urgent=True, now=now)


def _receipt(accepted: sealing.Accepted, now: datetime) -> dict[str, Any]:
    manifest = accepted.manifest
    told = witness.told_to(manifest.sender)
    receipt = receipts.Receipt(
        envelope_id=manifest.envelope_id,
        manifest_digest=accepted.manifest_digest,
        sender=manifest.recipient,
        recipient=manifest.sender,
        status="accepted",
        received_at=now,
        checkpoint=told["checkpoint"],
        consistency=told["consistency"],
        cosignature=told["cosigned"],
    )
    return receipts.sign_receipt(receipt, keys.current().node).to_json()


@dataclass(frozen=True, slots=True)
class Opened:
    """What an accepted envelope held."""

    sender: str
    envelope_id: str
    received_at: datetime
    body: bodies.Body


def open_envelope(sender: str, envelope_id: str) -> Opened | None:
    """Unseal an accepted envelope; None when it was taken over before. Raises Rejected when it does not open."""
    row = InEnvelope.objects.filter(sender=sender, envelope_id=envelope_id, state=InEnvelope.STORED).first()
    if row is None:
        return None
    manifest = read_manifest(Signed.from_json(row.manifest))
    raw = sealing.open_sealed(bytes(row.sealed), manifest, keys.current().identities)
    return Opened(sender, envelope_id, row.received_at, bodies.Body.from_bytes(raw))


def finish_envelope(sender: str, envelope_id: str, now: datetime, *, code: str = "") -> None:
    """Note that an envelope was taken over (or, with ``code``, that it could not be), in the caller's transaction."""
    row = InEnvelope.objects.select_for_update().get(sender=sender, envelope_id=envelope_id)
    row.state = InEnvelope.FAILED if code else InEnvelope.OPENED
    row.opened_at, row.code = now, code
    if not code:
        row.sealed = None
    row.save(update_fields=["state", "opened_at", "code", "sealed"])
