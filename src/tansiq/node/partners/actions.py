"""Writes of partners: enrolment in person, newer cards, revocations, suspension, and the projection of accords."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from tansiq.engine.accords.decide import AccordInForce, LocalRules
from tansiq.engine.envelopes import words
from tansiq.engine.envelopes.cards import NodeCard, fingerprint, open_card, open_revocation, supersedes
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.engine.formats.codes import code_list
from tansiq.engine.formats.ids import is_external
from tansiq.engine.formats.times import format_time
from tansiq.node.audit.actions import record
from tansiq.node.partners import models
from tansiq.node.partners.models import Accord, CardHistory, Correspondent, Partner, RevokedKey


def enrol(signed_card: dict[str, Any], *, spoken: str, actor: str, now: datetime) -> Partner:
    """Enrol the node whose card this is, if the words heard over the telephone spell its root key.

    Raises Refused("partner.fingerprint_differs") when they do not: somebody stands between the two authorities.
    """
    signed = Signed.from_json(signed_card)
    card = open_card(signed, pinned_root=None)
    if words.parse(spoken) != fingerprint(card.root_public):
        raise Refused("partner.fingerprint_differs", node=card.node_id)
    if Partner.objects.filter(node_id=card.node_id, is_self=True).exists():
        raise Rejected("partner.is_this_node", node=card.node_id)
    if card.valid_until <= now:
        raise Rejected("partner.card_expired", node=card.node_id, until=format_time(card.valid_until))
    return _enrol(card, signed_card, is_self=False, actor=actor, now=now)


def install_self(signed_card: dict[str, Any], *, actor: str, now: datetime) -> Partner:
    """Keep this node's own card (at init, and after each rotation)."""
    card = open_card(Signed.from_json(signed_card), pinned_root=None)
    return _enrol(card, signed_card, is_self=True, actor=actor, now=now)


def _enrol(card: NodeCard, signed_card: dict[str, Any], *, is_self: bool, actor: str, now: datetime) -> Partner:
    with transaction.atomic():
        known = Partner.objects.select_for_update().filter(node_id=card.node_id).first()
        if known and bytes(known.root_public) != card.root_public:
            raise Conflict("partner.other_root", node=card.node_id)
        if known and known.serial > card.serial:
            raise Conflict("partner.older_card", node=card.node_id, serial=card.serial, known=known.serial)
        row, _ = Partner.objects.update_or_create(
            node_id=card.node_id,
            defaults={
                "is_self": is_self,
                "status": Partner.ENROLLED,
                "root_public": card.root_public,
                **_columns(card, signed_card),
                "enrolled_at": now,
                "enrolled_by": actor,
            },
        )
        _remember(card, signed_card, now)
        record(
            "partner.enrolled",
            actor=actor,
            facts={"partner": card.node_id, "serial": card.serial},
            log="exchange",
            now=now,
        )
    return row


def _columns(card: NodeCard, signed_card: dict[str, Any]) -> dict[str, Any]:
    return {
        "card": signed_card,
        "serial": card.serial,
        "names": dict(card.names),
        "state": card.state,
        "url": card.url or "",
        "dials_us": not card.url,
    }


def _remember(card: NodeCard, signed_card: dict[str, Any], now: datetime) -> None:
    CardHistory.objects.get_or_create(
        node_id=card.node_id, serial=card.serial, defaults={"card": signed_card, "accepted_at": now}
    )


def renew(sender: str, signed_card: dict[str, Any], *, now: datetime) -> bool:
    """Accept a newer card of an enrolled partner, in the caller's transaction; True when it changed anything.

    Raises Rejected when the card is another node's, is not signed by the pinned root, or does not supersede the known one.
    """
    row = Partner.objects.select_for_update().get(node_id=sender)
    old = open_card(Signed.from_json(row.card), pinned_root=bytes(row.root_public))
    new = open_card(Signed.from_json(signed_card), pinned_root=bytes(row.root_public))
    if new.node_id != sender:
        raise Rejected("partner.card_of_another", node=sender, card=new.node_id)
    if new.serial <= old.serial:
        return False
    supersedes(old, new)
    for name, value in _columns(new, signed_card).items():
        setattr(row, name, value)
    row.save()
    _remember(new, signed_card, now)
    record(
        "partner.card_renewed",
        actor=f"node:{sender}",
        facts={"partner": sender, "serial": new.serial},
        log="exchange",
        now=now,
    )
    return True


def revoke(signed_revocation: dict[str, Any], *, node_id: str, actor: str, now: datetime) -> bool:
    """Keep a key's revocation signed by its node's root, in the caller's transaction; True when it is new."""
    row = Partner.objects.select_for_update().get(node_id=node_id)
    revocation = open_revocation(Signed.from_json(signed_revocation), pinned_root=bytes(row.root_public))
    if revocation.node_id != node_id:
        raise Rejected("partner.card_of_another", node=node_id, card=revocation.node_id)
    me = Partner.objects.filter(is_self=True).values_list("node_id", flat=True).first()
    if node_id != me and revocation.recipient not in (None, me):
        # The copy for another partner names other dossiers: taken for ours, it would bar entries that are good.
        raise Rejected("partner.revocation_for_another", node=node_id, recipient=revocation.recipient or "")
    _, is_new = RevokedKey.objects.get_or_create(
        node_id=node_id,
        key_id=revocation.key_id,
        defaults={"from_time": revocation.from_time, "revocation": signed_revocation, "received_at": now},
    )
    if is_new:
        record(
            "partner.key_revoked",
            actor=actor,
            facts={"partner": node_id, "key": revocation.key_id},
            log="exchange",
            now=now,
        )
    return is_new


def suspend(node_id: str, *, suspended: bool, actor: str, now: datetime) -> None:
    """Stop (or resume) accepting and sending anything from and to this partner."""
    with transaction.atomic():
        changed = Partner.objects.filter(node_id=node_id, is_self=False).update(
            status=Partner.SUSPENDED if suspended else Partner.ENROLLED
        )
        if not changed:
            raise Rejected("partner.unknown", node=node_id)
        event = "partner.suspended" if suspended else "partner.resumed"
        record(event, actor=actor, facts={"partner": node_id}, log="exchange", now=now)


def set_by_hand(node_id: str, *, by_hand: bool, actor: str, now: datetime) -> None:
    """Say that no line leads to this partner, so that nothing dials it (or that one does again)."""
    with transaction.atomic():
        if not Partner.objects.filter(node_id=node_id, is_self=False).update(by_hand=by_hand):
            raise Rejected("partner.unknown", node=node_id)
        event = "partner.by_hand" if by_hand else "partner.by_line"
        record(event, actor=actor, facts={"partner": node_id}, log="exchange", now=now)


def keep_correspondent(
    party: str,
    *,
    name: str,
    state: str,
    channel: str,
    contact: str = "",
    languages: Sequence[str] = (),
    is_active: bool = True,
    actor: str,
    now: datetime,
) -> Correspondent:
    """Add a correspondent, or change the one of this id; what is exchanged with it stays as it was.

    ``party`` is ``ext:`` and a State, then words: ``ext:es-fiscalia-cadiz``. Raises Rejected naming the place.
    """
    if not is_external(party) or len(party) > 100:
        raise Rejected("partner.correspondent_id", at="/party", party=party[:64])
    if not name.strip() or len(name) > 200:
        raise Rejected("partner.correspondent_name", at="/name", limit=200)
    if state.upper() != party[4:6].upper():
        raise Rejected("partner.correspondent_state", at="/state", state=state[:8], party=party)
    code_list("correspondence_channels").require(channel, at="/channel")
    told = {
        "name": name.strip(),
        "state": state.upper(),
        "channel": channel,
        "contact": contact.strip()[:2000] or None,
        "languages": list(languages),
        "is_active": is_active,
        "changed_at": now,
    }
    with transaction.atomic():
        row, is_new = Correspondent.objects.update_or_create(
            party=party, defaults=told, create_defaults={**told, "added_by": actor, "added_at": now}
        )
        event = "correspondent.added" if is_new else "correspondent.changed"
        record(event, actor=actor, facts={"party": party}, log="internal", now=now)
    return row


def heard_from(node_id: str, now: datetime) -> None:
    """Note that the partner was heard from, at most once a minute (a write for every request would be the busiest row)."""
    from datetime import timedelta

    stale = Partner.objects.filter(node_id=node_id).exclude(last_heard_at__gt=now - timedelta(minutes=1))
    stale.update(last_heard_at=now)


def project_accord(in_force: AccordInForce, *, title: dict[str, str], parties: list[str], now: datetime) -> None:
    """Keep what the accord dossier comes to now, in the caller's transaction."""
    Accord.objects.update_or_create(
        accord_id=in_force.accord_id,
        defaults={
            "title": title,
            "parties": parties,
            "status": in_force.status,
            "version_digest": in_force.version_digest or "",
            "in_force": in_force.to_json(),
            "updated_at": now,
        },
    )


def set_local_rules(rules: LocalRules, *, actor: str, now: datetime) -> None:
    """Replace this node's own rules."""
    with transaction.atomic():
        models.LocalRules.objects.update_or_create(id=1, defaults={"rules": rules.to_json(), "updated_at": now})
        record("partner.local_rules_changed", actor=actor, facts={}, log="internal", now=now)
