"""Writes of plans, their questions and their conflicts: one function is one act with its audit row, in the caller's transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tansiq.engine.errors import Conflict as Contradicted
from tansiq.engine.errors import Refused, Rejected
from tansiq.node.audit.actions import record
from tansiq.node.deconfliction import policy
from tansiq.node.deconfliction.entered import Entered
from tansiq.node.deconfliction.extents import Meeting
from tansiq.node.deconfliction.models import Conflict, InboundPlanQuery, Plan, PlanQuery
from tansiq.node.deconfliction.policy import OfficerLike

SEED_KEPT = timedelta(days=30)
"""How long a partner's hit is recognised: as long as an envelope may travel."""
OUTCOMES = frozenset({"proceed", "joint", "delay", "cancel"})

# -- plans ------------------------------------------------------------------------------------------------------------


def add_plan(officer: OfficerLike, entered: Entered, *, circle: str, partners: Sequence[str], now: datetime) -> Plan:
    """Record a plan for ``circle``; ``partners`` will be asked, but not those that the officer wants left out."""
    if circle not in officer.circles:
        raise Refused("dossier.not_your_circle", circle=circle)
    held_back = sorted(set(entered.leave_out))
    plan = Plan.objects.create(
        **entered.columns(),
        officer=officer.reference,
        circle=circle,
        partners=sorted(set(partners) - set(held_back)),
        held_back=held_back,
        exception=Plan.ASKED_FOR if held_back else "",
        exception_reason=entered.reason if held_back else None,
        created_at=now,
        changed_at=now,
    )
    _note("plan.added", plan, officer.reference, now, partners=plan.partners, held_back=held_back)
    return plan


def move_plan(officer: OfficerLike, plan: Plan, entered: Entered, now: datetime) -> Plan:
    """The plan as it is entered now, in its next version; what was asked for the last one counts no more."""
    row = _locked_standing(plan)
    for name, value in entered.columns().items():
        setattr(row, name, value)
    row.version, row.officer, row.changed_at = row.version + 1, officer.reference, now
    row.save()
    _outdate(row)
    _note("plan.moved", row, officer.reference, now, version=row.version)
    return row


def hand_over_plan(officer: OfficerLike, plan: Plan, now: datetime) -> Plan:
    """The officer answers for the plan from now on; what it says, and what was asked about it, stays."""
    row = _locked_standing(plan)
    before, row.officer, row.changed_at = row.officer, officer.reference, now
    row.save(update_fields=["officer", "changed_at"])
    _note("plan.handed_over", row, officer.reference, now, before=before)
    return row


def end_plan(officer: OfficerLike, plan: Plan, state: str, now: datetime) -> Plan:
    """The plan is cancelled or done: nobody can meet it any more, and what was to be asked is not asked."""
    row = _locked_standing(plan)
    row.state, row.changed_at = state, now
    row.save(update_fields=["state", "changed_at"])
    _outdate(row)
    _note(f"plan.{state}", row, officer.reference, now)
    return row


def decide_exception(supervisor: OfficerLike, plan: Plan, *, granted: bool, reason: str, now: datetime) -> Plan:
    """A supervisor's written word whether partners stay unasked; nobody decides about their own plan.

    Raises Refused("account.role") or ("plan.own_exception"), Rejected("plan.reason_needed"), Conflict("plan.no_exception").
    """
    if not policy.is_supervisor(supervisor):
        raise Refused("account.role", what="plan", roles=sorted(policy.SUPERVISORS))
    if plan.officer == supervisor.reference:
        raise Refused("plan.own_exception", plan=str(plan.plan_id))
    if not reason.strip():
        raise Rejected("plan.reason_needed", at="/reason")
    row = _locked_standing(plan)
    if row.exception != Plan.ASKED_FOR:
        raise Contradicted("plan.no_exception", plan=str(plan.plan_id))
    row.exception = Plan.GRANTED if granted else Plan.REFUSED
    row.exception_answer, row.excepted_by = reason.strip(), supervisor.reference
    if not granted:
        row.partners, row.held_back = sorted({*row.partners, *row.held_back}), []
    row.save()
    _note("plan.exception", row, supervisor.reference, now, granted=granted, held_back=row.held_back)
    return row


def join_partners(plan: Plan, partners: Sequence[str], now: datetime) -> Plan:
    """Partners that may be asked by now, and were not when the plan was entered, are asked as well."""
    row = _locked_standing(plan)
    new = sorted(set(partners) - set(row.partners) - set(row.held_back))
    if new:
        row.partners = sorted({*row.partners, *new})
        row.save(update_fields=["partners"])
        _note("plan.partners_joined", row, "machine", now, partners=new)
    return row


def _locked_standing(plan: Plan) -> Plan:
    row = Plan.objects.select_for_update().get(pk=plan.pk)
    if row.state != Plan.STANDING:
        raise Contradicted("plan.over", plan=str(row.plan_id), state=row.state)
    return row


def _outdate(plan: Plan) -> None:
    """Questions of earlier versions and what they met are of no more use; that they were asked stays."""
    rows = plan.queries.all() if plan.state != Plan.STANDING else plan.queries.exclude(version=plan.version)
    rows.filter(state=PlanQuery.WAITING).update(state=PlanQuery.OUTDATED)
    rows.update(kept=None, met=None, marks=None)


def _note(event: str, plan: Plan, actor: str, now: datetime, **facts: Any) -> None:
    record(event, actor=actor, facts={"plan": str(plan.plan_id), "kind": plan.kind, **facts}, log="internal", now=now)


# -- asking -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """An opaque question as it is sent: its level, size and cost, and what unblinds the answer."""

    level: str
    elements: int
    cost: int
    kept: Mapping[str, Any]
    follows: uuid.UUID | None = None


def lock_version(plan: Plan) -> bool:
    """Lock the plan; False where it is no longer the version in hand, or over."""
    row = Plan.objects.select_for_update().get(pk=plan.pk)
    return row.state == Plan.STANDING and row.version == plan.version


def ask(plan: Plan, partner: str, question: Question, now: datetime) -> PlanQuery:
    """Register a question; who asked, whom, how much, but not what, stands in the log that partners countersign."""
    _drop_failed(plan, partner, question.level)
    row = PlanQuery.objects.create(
        plan=plan,
        version=plan.version,
        partner=partner,
        level=question.level,
        officer=plan.officer,
        follows=question.follows,
        elements=question.elements,
        cost=question.cost,
        kept=dict(question.kept),
        asked_at=now,
    )
    _log_question("plan.asked", row, plan.officer, now)
    return row


def bar(plan: Plan, partner: str, level: str, *, code: str, clause: str, cost: int, now: datetime) -> None:
    """Note that a partner may not be asked, and why; nothing was sent."""
    _drop_failed(plan, partner, level)
    row = PlanQuery.objects.create(
        plan=plan,
        version=plan.version,
        partner=partner,
        level=level,
        state=PlanQuery.BARRED,
        code=code,
        clause=clause[:300],
        officer=plan.officer,
        elements=0,
        cost=cost,
        asked_at=now,
    )
    _log_question("plan.barred", row, plan.officer, now, code=code)


def _drop_failed(plan: Plan, partner: str, level: str) -> None:
    """A question that was barred is asked anew instead of a second time; the log keeps both."""
    rows = PlanQuery.objects.filter(plan=plan, version=plan.version, partner=partner, level=level)
    rows.filter(state=PlanQuery.BARRED).delete()
    rows.filter(state=PlanQuery.REFUSED).update(state=PlanQuery.OUTDATED)


def begin_anew(plan: Plan) -> None:
    """Where a partner refused something of this version, everything is asked of it again."""
    rows = PlanQuery.objects.filter(plan=plan, version=plan.version)
    failed = rows.filter(state=PlanQuery.REFUSED).values_list("partner", flat=True)
    rows.filter(partner__in=list(failed)).update(state=PlanQuery.OUTDATED, kept=None, met=None, marks=None)


def question_of(partner: str, query: str) -> PlanQuery:
    """The question that an answer is for; raises Rejected("plan.not_asked") for what this node never asked that partner."""
    row = PlanQuery.objects.filter(query_id=query, partner=partner).select_related("plan").first()
    if row is None or row.state == PlanQuery.BARRED:
        raise Rejected("plan.not_asked", partner=partner, query=query)
    return row


def keep_answer(query: PlanQuery, *, hits: Mapping[str, str], code: str, now: datetime) -> bool:
    """What the question came to; False where an answer is there already, or the plan was moved on since."""
    row = PlanQuery.objects.select_for_update().get(pk=query.pk)
    if row.state != PlanQuery.WAITING:
        return False
    row.state = PlanQuery.REFUSED if code else PlanQuery.ANSWERED
    row.code, row.kept, row.answered_at, row.has_met = code, None, now, bool(hits)
    row.met, row.marks = (sorted(hits), sorted(set(hits.values()))) if hits else (None, None)
    row.save()
    _log_question("plan.answered", row, f"node:{row.partner}", now, code=code)
    return True


def _log_question(event: str, row: PlanQuery, actor: str, now: datetime, **facts: Any) -> None:
    told = {
        "partner": row.partner,
        "query": str(row.query_id),
        "level": row.level,
        "elements": row.elements,
        "cost": row.cost,
    }
    record(event, actor=actor, facts={**told, **facts}, log="exchange", now=now)


# -- being asked ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Arrived:
    """A partner's question, as far as this node learns of it."""

    partner: str
    query: str
    level: str
    asked_by: str
    elements: int
    cost: int
    follows: str | None = None


def note_question(arrived: Arrived, *, code: str, seed: bytes | None, bucket_bits: int, now: datetime) -> bool:
    """Register a partner's question and what became of it; False if it was answered before."""
    _, is_new = InboundPlanQuery.objects.get_or_create(
        partner=arrived.partner,
        query_id=arrived.query,
        defaults={
            "level": arrived.level,
            "outcome": "refused" if code else "answered",
            "code": code,
            "asked_by": arrived.asked_by,
            "follows": arrived.follows,
            "elements": arrived.elements,
            "cost": 0 if code else arrived.cost,
            "seed": seed,
            "bucket_bits": bucket_bits,
            "received_at": now,
        },
    )
    if is_new:
        facts = {
            "partner": arrived.partner,
            "query": arrived.query,
            "level": arrived.level,
            "elements": arrived.elements,
            "cost": arrived.cost,
            "asked_by": arrived.asked_by,
            "code": code,
        }
        record("plan.answered_for", actor=f"node:{arrived.partner}", facts=facts, log="exchange", now=now)
    return is_new


def forget_seeds(now: datetime) -> int:
    """Destroy the keys of answers that no hit can come for any more; returns how many."""
    old = InboundPlanQuery.objects.filter(received_at__lt=now - SEED_KEPT, seed__isnull=False)
    return old.update(seed=None)


# -- conflicts --------------------------------------------------------------------------------------------------------


def open_conflict(
    plan: Plan, meeting: Meeting, *, partner: str, dossier_id: str, is_own: bool, told: str = "", now: datetime
) -> Conflict:
    """A plan meets one of a partner's, in this dossier; brought up to date if it is known."""
    row, is_new = Conflict.objects.get_or_create(
        plan=plan,
        dossier_id=dossier_id,
        defaults={
            **_told(meeting),
            "partner": partner,
            "is_own": is_own,
            "told": told,
            "opened_at": now,
        },
    )
    if is_new:
        _log_conflict("plan.conflict", row, now)
    return row


def update_conflict(conflict: Conflict, meeting: Meeting, *, told: str | None = None) -> None:
    """How the plans meet by now; with ``told`` also what this node told the other."""
    for name, value in _told(meeting).items():
        setattr(conflict, name, value)
    conflict.told = conflict.told if told is None else told
    conflict.save(update_fields=["levels", "begins_at", "ends_at", "told"])


def open_local(plan: Plan, other: Plan, meeting: Meeting, now: datetime) -> bool:
    """Two plans of this node meet: one row for each; False if it is known."""
    is_new = False
    for one, two in ((plan, other), (other, plan)):
        row = Conflict.objects.filter(plan=one, other=two, state=Conflict.OPEN).first()
        if row is None:
            row = Conflict.objects.create(plan=one, other=two, is_own=True, opened_at=now, **_told(meeting))
            _log_conflict("plan.conflict", row, now)
            is_new = True
        else:
            update_conflict(row, meeting)
    return is_new


def close_local(plan: Plan, other: Plan, *, outcome: str = "", reason: str = "", actor: str, now: datetime) -> None:
    """Two plans of this node do not meet any more, or (with ``outcome``) their officers have settled it."""
    for one, two in ((plan, other), (other, plan)):
        for row in Conflict.objects.filter(plan=one, other=two, state=Conflict.OPEN):
            row.reason = reason or None
            _close(row, Conflict.RESOLVED if outcome else Conflict.ENDED, outcome, actor, now)


def close_conflict(conflict: Conflict, state: str, *, outcome: str = "", actor: str = "machine", now: datetime) -> None:
    """What the dossier came to."""
    if conflict.state == Conflict.OPEN:
        _close(conflict, state, outcome, actor, now)


def _close(row: Conflict, state: str, outcome: str, actor: str, now: datetime) -> None:
    row.state, row.outcome, row.closed_at = state, outcome, now
    row.save(update_fields=["state", "outcome", "reason", "closed_at"])
    _log_conflict("plan.conflict_closed", row, now, actor=actor, outcome=outcome or state)


def _told(meeting: Meeting) -> dict[str, Any]:
    return {"levels": list(meeting.levels), "begins_at": meeting.begins_at, "ends_at": meeting.ends_at}


def _log_conflict(event: str, row: Conflict, now: datetime, *, actor: str = "machine", **facts: Any) -> None:
    told = {"plan": str(row.plan_id), "partner": row.partner, "levels": row.levels, **facts}
    record(event, actor=actor, facts=told, log="internal", now=now, dossier=row.dossier_id)
