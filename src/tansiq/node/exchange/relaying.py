"""Relays this node uses: what is handed to them for partners who fetch there, and what is fetched from them for us.

A partner with a *route* is reached through the relays it names, in turn; a relay that fails is followed by the next. What a relay holds is
``RELAYED`` until the partner's receipt comes back the same way; without one it is offered again after six hours. A relay is trusted
with nothing: envelopes are sealed and signed as on a direct line, and its word is kept as evidence of the hand-over, no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
from django.db import transaction

from tansiq.engine.envelopes import words
from tansiq.engine.envelopes.cards import fingerprint
from tansiq.engine.envelopes.relaying import TOLD_TYPE, open_relayed, split
from tansiq.engine.envelopes.requests import PULL_TYPE
from tansiq.engine.errors import Refused, Rejected, TansiqError, Unavailable
from tansiq.engine.formats import canonical, strict_json
from tansiq.engine.formats.ids import b64decode
from tansiq.node.audit import actions as audit
from tansiq.node.exchange import accepting, actions
from tansiq.node.exchange.models import Link, OutEnvelope, Relay
from tansiq.node.exchange.pulling import signed_request
from tansiq.node.partners import queries as partners

OFFER_AGAIN = timedelta(hours=6)
PAUSE = timedelta(seconds=30)
CARD_WANTED = frozenset({"envelope.key_unknown", "envelope.key_not_valid", "dsse.signatures_differ"})
"""What a relay says when it has an older card of ours: then it is brought the newest."""
_LIMITS = strict_json.Limits(max_bytes=256 * 1024)


def add_relay(card: Any, *, spoken: str, actor: str, now: datetime) -> Relay:
    """Use the relay whose ``relay.json`` this is, if the words spell its key.

    Raises Rejected("relay.not_a_card"), Refused("relay.fingerprint_differs").
    """
    if not isinstance(card, dict) or not all(isinstance(card.get(n), str) for n in ("relay", "url", "key")):
        raise Rejected("relay.not_a_card", at="/")
    public = b64decode(card["key"])
    if words.parse(spoken) != fingerprint(public):
        raise Refused("relay.fingerprint_differs", node=card["relay"][:64])
    with transaction.atomic():
        told = {"url": card["url"][:300], "public": public, "is_used": True}
        row, _ = Relay.objects.update_or_create(relay_id=card["relay"][:160], defaults=told)
        audit.record("relay.added", actor=actor, facts={"relay": row.relay_id}, log="internal", now=now)
    return row


def drop_relay(relay_id: str, *, actor: str, now: datetime) -> None:
    """Use it no more, on no route; raises Rejected("relay.unknown")."""
    with transaction.atomic():
        if not Relay.objects.filter(relay_id=relay_id, is_used=True).update(is_used=False):
            raise Rejected("relay.unknown", relay=relay_id[:64])
        for link in Link.objects.select_for_update().exclude(route=[]):
            if relay_id in link.route:
                link.route = [one for one in link.route if one != relay_id]
                link.save(update_fields=["route"])
        audit.record("relay.dropped", actor=actor, facts={"relay": relay_id}, log="internal", now=now)


def set_route(partner: str, relays: Sequence[str], *, actor: str, now: datetime) -> None:
    """Reach ``partner`` through these relays, in this order; through none: by its own address again.

    Raises Rejected("relay.unknown") or Rejected("partner.unknown").
    """
    partners.get_partner(partner)
    for relay_id in relays:
        if not Relay.objects.filter(relay_id=relay_id, is_used=True).exists():
            raise Rejected("relay.unknown", relay=relay_id[:64])
    with transaction.atomic():
        link = Link.objects.select_for_update().get_or_create(partner=partner)[0]
        link.route, link.retry_at = list(relays), None
        link.save(update_fields=["route", "retry_at"])
        facts = {"partner": partner, "relays": list(relays)}
        audit.record("relay.route_set", actor=actor, facts=facts, log="internal", now=now)


def relays() -> list[Relay]:
    """The relays in use."""
    return list(Relay.objects.filter(is_used=True))


def routed() -> set[str]:
    """Partners that are reached through relays."""
    return set(Link.objects.exclude(route=[]).values_list("partner", flat=True))


def route_of(partner: str) -> list[str]:
    """The relays through which this partner is reached; none for one with a line of its own."""
    return list(Link.objects.filter(partner=partner).values_list("route", flat=True).first() or [])


# -- out -----------------------------------------------------------------------------------------------------------------


def hand_over(envelope: OutEnvelope, route: Sequence[str], http: httpx.Client, now: datetime) -> None:
    """Give a sealed envelope to the next relay of the route, and keep its word; raises Unavailable when that fails."""
    relay = Relay.objects.filter(relay_id=route[envelope.attempts % len(route)], is_used=True).first()
    if relay is None:
        raise Unavailable("relay.unknown", relay=route[envelope.attempts % len(route)])
    raw = _post(relay, "envelopes", bytes(envelope.raw), http)
    word = strict_json.loads(raw, limits=_LIMITS)
    open_relayed(word, relay=relay.relay_id, public=bytes(relay.public), manifest_digest=envelope.manifest_digest)
    with transaction.atomic():
        told = {"state": OutEnvelope.RELAYED, "relay": relay.relay_id, "relayed": word, "relayed_at": now}
        if OutEnvelope.objects.filter(pk=envelope.pk, state=OutEnvelope.READY).update(**told):
            facts = {"partner": envelope.partner, "envelope": envelope.envelope_id, "relay": relay.relay_id}
            audit.record("envelope.relayed", actor="machine", facts=facts, log="exchange", now=now)
    actions.note_reached(envelope.partner)


def offer_again(now: datetime) -> int:
    """What a relay has held for long without a receipt is offered again, to the next relay of the route; returns how many."""
    late = OutEnvelope.objects.filter(state=OutEnvelope.RELAYED, relayed_at__lt=now - OFFER_AGAIN, expires_at__gt=now)
    count = 0
    for row in late[:500]:
        count += OutEnvelope.objects.filter(pk=row.pk, state=OutEnvelope.RELAYED).update(
            state=OutEnvelope.READY, attempts=row.attempts + 1
        )
    return count


# -- in ------------------------------------------------------------------------------------------------------------------


def fetch_all(http: httpx.Client, clock: Callable[[], datetime]) -> int:
    """Fetch envelopes and receipts from every relay in use; one that fails rests half a minute. Returns how much came."""
    came = 0
    for relay in relays():
        if relay.retry_at and relay.retry_at > clock():
            continue
        try:
            came += _envelopes_at(relay, http, clock) + _receipts_at(relay, http, clock)
            if relay.last_error:
                Relay.objects.filter(pk=relay.pk).update(last_error="", retry_at=None)
        except TansiqError as error:
            code = str(error.facts.get("problem") or error.code)[:80]
            Relay.objects.filter(pk=relay.pk).update(last_error=code, retry_at=clock() + PAUSE)
    return came


def _envelopes_at(relay: Relay, http: httpx.Client, clock: Callable[[], datetime]) -> int:
    """Take in what waits; what is refused stays there until it expires and holds up nothing: the first refusal is raised in the end."""
    came = skip = 0
    refused: TansiqError | None = None
    while raws := list(
        split(_post(relay, "pull", signed_request(PULL_TYPE, relay.relay_id, clock(), skip=skip), http))
    ):
        for raw in raws:
            try:
                receipt = accepting.accept(raw, clock())
            except TansiqError as error:
                refused, skip = refused or error, skip + 1
                continue
            _post(relay, "receipts", canonical.dumps(receipt), http)
            came += 1
    if refused is not None:
        raise refused
    return came


def _receipts_at(relay: Relay, http: httpx.Client, clock: Callable[[], datetime]) -> int:
    """Take in receipts that came back. The place in their order moves past one that is not what it says: it never will be."""
    asked = signed_request(TOLD_TYPE, relay.relay_id, clock(), after=relay.receipts_after)
    came = 0
    for raw in split(_post(relay, "told", asked, http)):
        told = strict_json.loads(raw, limits=_LIMITS)
        if (
            not isinstance(told, dict)
            or not isinstance(told.get("number"), int)
            or not isinstance(told.get("receipt"), dict)
        ):
            raise Rejected("relay.other_word", relay=relay.relay_id)
        try:
            actions.record_receipt(_receipting(told["receipt"]), told["receipt"], clock())
            came += 1
        except Rejected as error:
            Relay.objects.filter(pk=relay.pk).update(last_error=error.code)
        Relay.objects.filter(pk=relay.pk).update(receipts_after=told["number"])
    return came


def _receipting(value: dict[str, Any]) -> str:
    """Who claims to receipt; ``record_receipt`` proves it against that node's keys."""
    claim = strict_json.loads(b64decode(str(value.get("payload", ""))), limits=_LIMITS)
    return str(claim.get("sender", "")) if isinstance(claim, dict) else ""


def _post(relay: Relay, path: str, raw: bytes, http: httpx.Client) -> bytes:
    try:
        answer = http.post(f"{relay.url.rstrip('/')}/relay/v1/{path}", content=raw)
        if answer.status_code != 200:
            problem = _problem(answer)
            if problem in CARD_WANTED:
                http.post(f"{relay.url.rstrip('/')}/relay/v1/cards", content=canonical.dumps(partners.myself().card))
            raise Unavailable("relay.answered", relay=relay.relay_id, status=answer.status_code, problem=problem)
    except httpx.HTTPError as error:
        raise Unavailable("relay.unreachable", relay=relay.relay_id, reason=type(error).__name__) from error
    return bytes(answer.content)


def _problem(answer: httpx.Response) -> str:
    try:
        value = strict_json.loads(answer.content[:65536], limits=_LIMITS)
    except TansiqError:
        return ""
    return str(value.get("code", ""))[:80] if isinstance(value, dict) else ""
