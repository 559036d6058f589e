"""Writes of data-subject requests: one function, one act, with its audit row. Audit rows name no person and quote no reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from tansiq.engine.errors import Conflict, Rejected
from tansiq.engine.formats.codes import code_list
from tansiq.engine.formats.times import format_time
from tansiq.node.audit.actions import record
from tansiq.node.desk import actions as desk
from tansiq.node.rights import policy, queries
from tansiq.node.rights.models import Claim, Holding
from tansiq.node.rights.policy import OfficerLike
from tansiq.node.rights.steps import lay_on_desks, require_text

ANSWER_WITHIN = timedelta(days=30)
"""Directive (EU) 2016/680 art. 12(3) says "without undue delay" and names no period; a month is what many national laws give.
From general knowledge, to be verified for the State of the node: the officer may set another date when registering."""
LONGEST = timedelta(days=183)


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that may be about the person."""

    place: str
    provider: str
    dossier: str
    circle: str
    band: str


def receive(
    officer: OfficerLike,
    *,
    right: str,
    channel: str,
    told: Mapping[str, Any],
    received_at: datetime,
    due_at: datetime | None,
    now: datetime,
) -> Claim:
    """Register a request that came by any channel.

    Raises Refused("account.role"); Rejected("rights.right"), ("rights.channel"), ("rights.received_in_future"), ("rights.due").
    """
    policy.require_officer(officer)
    if right not in Claim.RIGHTS:
        raise Rejected("rights.right", at="/right")
    if channel not in Claim.CHANNELS:
        raise Rejected("rights.channel", at="/channel")
    if received_at > now:
        raise Rejected("rights.received_in_future", at="/received")
    due = due_at or received_at + ANSWER_WITHIN
    if not received_at < due <= received_at + LONGEST:
        raise Rejected("rights.due", at="/due", limit=format_time(received_at + LONGEST))
    with transaction.atomic():
        claim = Claim.objects.create(
            right=right,
            channel=channel,
            told=dict(told),
            received_at=received_at,
            due_at=due,
            created_by=officer.reference,
        )
        _note(officer, "rights.received", claim, now, right=right, channel=channel, due=format_time(due))
        link = f"/rights/{claim.pk}/"
        lay_on_desks("claim", claim.pk, title_code=f"desk.claim_{right}", due_at=due, link=link, now=now)
    return claim


def note_read(officer: OfficerLike, claim: Claim, *, now: datetime) -> None:
    """That an officer looked at a request, and so at what was found."""
    with transaction.atomic():
        _note(officer, "rights.read", claim, now)


def identify(officer: OfficerLike, claim_id: object, *, how: str, now: datetime) -> Claim:
    """Note how it was made sure that the request comes from the person or for them (art. 12(5))."""
    policy.require_officer(officer)
    said = require_text(how, "/how")
    with transaction.atomic():
        claim = _open(officer, claim_id)
        claim.identity, claim.identified_by, claim.identified_at = said, officer.reference, now
        claim.save(update_fields=["identity", "identified_by", "identified_at"])
        _note(officer, "rights.identified", claim, now)
    return claim


def note_found(officer: OfficerLike, claim: Claim, found: Iterable[Found], now: datetime) -> int:
    """Keep what a search of the register found, in the caller's transaction; what is known already stays as it was decided."""
    count = keep(claim, found)
    Claim.objects.filter(pk=claim.pk).update(looked_at=now, gone_through_at=None)
    _note(officer, "rights.looked", claim, now, found=count)
    return count


def keep(claim: Claim, found: Iterable[Found]) -> int:
    """Keep findings, each once; for the job that goes through our own entries."""
    count = 0
    for one in found:
        _, is_new = Holding.objects.get_or_create(
            claim=claim,
            place=one.place,
            defaults={
                "provider": one.provider,
                "dossier": one.dossier,
                "circle": one.circle,
                "band": one.band,
            },
        )
        count += is_new
    return count


def gone_through(claim: Claim, now: datetime) -> None:
    """Our own entries were gone through; the machine says so."""
    Claim.objects.filter(pk=claim.pk).update(gone_through_at=now)
    facts = {"claim": str(claim.pk), "found": claim.holdings.count()}
    record("rights.gone_through", actor="machine", facts=facts, log="internal", now=now)


def judge(officer: OfficerLike, claim_id: object, holding_id: object, *, verdict: str, now: datetime) -> None:
    """Say whether something found is about this person or about another; a measure that was chosen falls with it."""
    policy.require_officer(officer)
    if verdict not in Holding.VERDICTS:
        raise Rejected("rights.verdict", at="/verdict")
    with transaction.atomic():
        claim = _open(officer, claim_id)
        holding = queries.get_holding(claim, holding_id)
        holding.verdict, holding.measure, holding.ground = verdict, "", ""
        holding.save(update_fields=["verdict", "measure", "ground"])
        _note(officer, "rights.judged", claim, now, place=holding.place, verdict=verdict)


def note_consulted(officer: OfficerLike, claim: Claim, holding: Holding, draft: str, now: datetime) -> None:
    """A draft to the originator lies on a desk, in the caller's transaction."""
    holding.consulted_at = now
    holding.save(update_fields=["consulted_at"])
    facts = {"place": holding.place, "partner": holding.provider, "draft": draft}
    _note(officer, "rights.consulted", claim, now, **facts)


def note_originator(
    officer: OfficerLike, claim_id: object, holding_id: object, *, says: str, note: str, now: datetime
) -> None:
    """Note what the originator answered, and where that stands."""
    policy.require_officer(officer)
    if says not in Holding.WORDS:
        raise Rejected("rights.originator_word", at="/says")
    said = require_text(note, "/note")
    with transaction.atomic():
        claim = _open(officer, claim_id)
        holding = queries.get_holding(claim, holding_id)
        holding.originator_says, holding.originator_note = says, said
        if says == Holding.OBJECTS and holding.measure == Holding.DISCLOSE:
            holding.measure, holding.ground = "", ""
        holding.save(update_fields=["originator_says", "originator_note", "measure", "ground"])
        facts = {"place": holding.place, "partner": holding.provider, "says": says}
        _note(officer, "rights.originator_said", claim, now, **facts)


def choose(
    officer: OfficerLike,
    claim_id: object,
    holding_id: object,
    *,
    measure: str,
    ground: str = "",
    own_node: str,
    now: datetime,
) -> None:
    """Choose what shall be done with something that is theirs; nothing is done before the whole request is decided."""
    policy.require_officer(officer)
    if ground:
        code_list("rights_grounds").require(ground, at="/ground")
    with transaction.atomic():
        claim = _open(officer, claim_id)
        holding = queries.get_holding(claim, holding_id)
        if holding.verdict != Holding.THEIRS:
            raise Rejected("rights.not_theirs", at="/measure")
        policy.require_measure(claim, holding, measure, ground, own_node)
        holding.measure, holding.ground = measure, ground if measure in policy.ADVERSE else ""
        holding.save(update_fields=["measure", "ground"])
        _note(officer, "rights.chosen", claim, now, place=holding.place, measure=measure, ground=holding.ground)


def decide(officer: OfficerLike, claim_id: object, *, outcome: str, reason: str, now: datetime) -> Claim:
    """Decide the request, in the caller's transaction, which carries the measures out."""
    claim = _open(officer, claim_id)
    said = require_text(reason, "/reason")
    policy.require_decidable(claim, outcome)
    claim.state, claim.outcome, claim.reason = Claim.DECIDED, outcome, said
    claim.decided_by, claim.decided_at = officer.reference, now
    claim.save(update_fields=["state", "outcome", "reason", "decided_by", "decided_at"])
    _note(officer, "rights.decided", claim, now, outcome=outcome)
    return claim


def mark_done(officer: OfficerLike, claim_id: object, holding_id: object, *, now: datetime) -> None:
    """A measure was carried out; again changes nothing."""
    policy.require_officer(officer)
    with transaction.atomic():
        claim = _locked(officer, claim_id)
        holding = queries.get_holding(claim, holding_id)
        if claim.state == Claim.OPEN or not holding.measure:
            raise Conflict("rights.not_decided")
        if holding.done_at is None:
            holding.done_at = now
            holding.save(update_fields=["done_at"])
            _note(officer, "rights.done", claim, now, place=holding.place, measure=holding.measure)


def answer(officer: OfficerLike, claim_id: object, *, digest: str, language: str, now: datetime) -> Claim:
    """The answer was made. The first one ends the request; another print of it is recorded alike.

    Raises Conflict("rights.not_decided"), Conflict("rights.not_done") while a measure is not carried out.
    """
    with transaction.atomic():
        claim = _locked(officer, claim_id)
        require_answerable(claim)
        if claim.state == Claim.DECIDED:
            claim.state, claim.answered_by, claim.answered_at = Claim.ANSWERED, officer.reference, now
            desk.settle_all(f"claim/{claim.pk}/", now=now)
        claim.answer_digest = digest
        claim.save(update_fields=["state", "answered_by", "answered_at", "answer_digest"])
        _note(officer, "rights.answered", claim, now, digest=digest, language=language)
    return claim


def require_answerable(claim: Claim) -> None:
    """Raises Conflict("rights.not_decided"), Conflict("rights.not_done")."""
    if claim.state == Claim.OPEN:
        raise Conflict("rights.not_decided")
    if claim.holdings.filter(verdict=Holding.THEIRS, done_at=None).exclude(measure="").exists():
        raise Conflict("rights.not_done")


def _locked(officer: OfficerLike, claim_id: object) -> Claim:
    found = queries.get_claim_for(officer, claim_id)
    return Claim.objects.select_for_update().get(pk=found.pk)


def _open(officer: OfficerLike, claim_id: object) -> Claim:
    claim = _locked(officer, claim_id)
    policy.require_open(claim)
    return claim


def _note(officer: OfficerLike, event: str, claim: Claim, now: datetime, **facts: Any) -> None:
    told = {"claim": str(claim.pk), **facts}
    record(event, actor=officer.reference, facts=told, log="internal", now=now)
