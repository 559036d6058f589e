"""What an officer does with a plan: enter, move, cancel, finish, ask again; and a supervisor's word on partners that shall not be asked.

Every plan is recorded before anybody is asked, and nobody is asked but for a plan: there is no other door to the questions of
``plan_asking``. Plans of this node are compared here, openly, and never leave it: two of its units get a task each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.blind import batches, cells
from tansiq.engine.errors import Refused, Rejected
from tansiq.node.accounts import policy as roles
from tansiq.node.deconfliction import actions, policy, queries
from tansiq.node.deconfliction.entered import Entered, read_plan
from tansiq.node.deconfliction.extents import Keys, keys_of, meet
from tansiq.node.desk import actions as desk
from tansiq.node.flows import plan_asking, plan_conflicts
from tansiq.node.flows.plan_terms import COARSE, SUBJECT, askable_partners, may_ask, subject_families
from tansiq.node.partners import queries as partners

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.deconfliction.models import Conflict, Plan

MOST_FINE_HELD = 65_536
"""Fine keys that all standing plans of a node may have for one partner; what an answer's filter has room for."""

__all__ = [
    "Entered",
    "Preview",
    "add",
    "askable_partners",
    "cancel",
    "check",
    "consider",
    "contact_of_other",
    "decide_exception",
    "finish",
    "move",
    "read_plan",
    "settle_local",
    "tidy",
]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a plan comes to before it is recorded: its cells, what each partner would be asked at most, and who would not be.

    ``costs`` are cell-hours of the day's budget by partner; ``refused`` tells (code, clause) of those that may not be asked.
    """

    coarse: int
    fine: int
    subject_keys: int
    costs: Mapping[str, int]
    refused: Mapping[str, tuple[str, str]]


def consider(officer: Officer, entered: Entered, *, now: datetime) -> Preview:
    """What would be asked of whom; writes nothing. Raises Rejected for a plan that cannot be asked about, as ``add`` does."""
    roles.require(officer.roles, "plan")
    me = partners.my_id()
    keys = keys_of(entered_row(entered))
    costs: dict[str, int] = {}
    refused: dict[str, tuple[str, str]] = {}
    for partner in askable_partners(now):
        if partner in entered.leave_out:
            continue
        cost = _cost(keys_of(entered_row(entered), families=subject_families(me, partner, now)))
        decision = may_ask(me, partner, cost=cost, spent=queries.spent_at(partner, now), now=now)
        if decision.is_permitted:
            costs[partner] = cost
        else:
            refused[partner] = (decision.code, decision.clause)
    return Preview(len(keys.cells.coarse), len(keys.cells.fine), len(keys.asked), costs, refused)


def _cost(keys: Keys) -> int:
    asked = {COARSE: keys.cells.coarse, SUBJECT: keys.asked}
    return sum(cells.cost_of(level, batches.size_for(len(listed))) for level, listed in asked.items() if listed)


@dataclass(frozen=True, slots=True)
class _Row:
    """What was entered, in the form of a plan's row."""

    place: Any
    subjects: Any
    begins_at: datetime
    ends_at: datetime
    before_s: int
    after_s: int


def entered_row(entered: Entered) -> _Row:
    """What was entered as ``extents`` reads it."""
    told = entered.columns()
    return _Row(**{name: told[name] for name in _Row.__dataclass_fields__})


def add(officer: Officer, entered: Entered, *, circle: str = "", now: datetime) -> Plan:
    """Record a plan, compare it with the others of this node, and ask every partner whose accord lets it be asked.

    ``circle`` is the officer's unit's unless another of theirs is named. Raises Refused("account.role"), Rejected as ``read_plan`` and
    ``cells_of`` do, Rejected("plan.over_already") for a window that has passed.
    """
    roles.require(officer.roles, "plan")
    keys = _keys(entered, now)
    wanted = circle or (f"unit:{officer.unit.code}" if officer.unit else "")
    with transaction.atomic():
        plan = actions.add_plan(officer, entered, circle=wanted, partners=askable_partners(now), now=now)
        _require_room(plan, keys, now)
        _compare_here(plan, keys, now)
        plan_asking.owe(plan, now)
        if plan.held_back:
            _lay_before_supervisors(plan, now)
    plan_asking.ask_partners(plan, now)
    return plan


def move(officer: Officer, plan_id: str, entered: Entered, *, now: datetime) -> Plan:
    """Put the plan elsewhere or at another time; everything is asked anew, and open conflicts follow from the new answers."""
    roles.require(officer.roles, "plan")
    keys = _keys(entered, now)
    plan = queries.get_plan_for(officer, plan_id)
    with transaction.atomic():
        plan = actions.move_plan(officer, plan, entered, now)
        plan = actions.join_partners(plan, askable_partners(now), now)
        _require_room(plan, keys, now)
        _compare_here(plan, keys, now)
        _settle_tasks(plan, now)
        plan_asking.owe(plan, now)
    plan_asking.ask_partners(plan, now)
    return plan


def _keys(entered: Entered, now: datetime) -> Keys:
    if entered.ends_at <= now:
        raise Rejected("plan.over_already", at="/to")
    return keys_of(entered_row(entered))


def _require_room(plan: Plan, keys: Keys, now: datetime) -> None:
    """A plan that no answer has room for would never be met; better to hear it now."""
    others = [row for row in queries.standing_plans(now) if row.plan_id != plan.plan_id]
    held = len(keys.cells.fine) + sum(len(keys_of(row, families=()).cells.fine) for row in others)
    if held > MOST_FINE_HELD:
        raise Rejected("plan.too_many", most=MOST_FINE_HELD)


def cancel(officer: Officer, plan_id: str, *, now: datetime) -> Plan:
    """The plan is given up: partners who met it hear that it is, all others hear nothing."""
    plan = queries.get_plan_for(officer, plan_id)
    return _end(officer, plan, plan.CANCELLED, now)


def finish(officer: Officer, plan_id: str, *, now: datetime) -> Plan:
    """The plan is done. Raises Refused("plan.conflict_open") while a conflict waits for its outcome."""
    plan = queries.get_plan_for(officer, plan_id)
    if queries.open_conflicts(plan):
        raise Refused("plan.conflict_open", plan=str(plan.plan_id))
    return _end(officer, plan, plan.DONE, now)


def _end(officer: Officer, plan: Plan, state: str, now: datetime) -> Plan:
    roles.require(officer.roles, "plan")
    with transaction.atomic():
        plan = actions.end_plan(officer, plan, state, now)
        for conflict in queries.open_conflicts(plan):
            if conflict.other is not None:
                actions.close_local(plan, conflict.other, actor=officer.reference, now=now)
                _settle_local_tasks(plan, conflict.other, now)
            else:
                plan_conflicts.owe(plan, conflict.partner, now)
        _settle_tasks(plan, now)
        desk.settle_all(f"plan_exception/{plan.plan_id}", now=now)
    return plan


def check(officer: Officer, plan_id: str, *, now: datetime) -> Plan:
    """Ask again whoever could not be asked, refused, or may be asked by now."""
    roles.require(officer.roles, "plan")
    plan = queries.get_plan_for(officer, plan_id)
    with transaction.atomic():
        plan = actions.join_partners(plan, askable_partners(now), now)
        actions.begin_anew(plan)
        _settle_tasks(plan, now)
        plan_asking.owe(plan, now)
    plan_asking.ask_partners(plan, now)
    return plan


def _settle_tasks(plan: Plan, now: datetime) -> None:
    for what in ("plan_not_asked", "plan_unanswered", "plan_not_told"):
        desk.settle_all(f"{what}/{plan.plan_id}/", now=now)


# -- exceptions -----------------------------------------------------------------------------------------------------------


def decide_exception(supervisor: Officer, plan_id: str, *, granted: bool, reason: str, now: datetime) -> Plan:
    """A supervisor's written reason why partners stay unasked – or why not: then they are asked at once."""
    plan = next((one for one in queries.exceptions_for(supervisor) if str(one.plan_id) == plan_id), None)
    if plan is None:
        raise Rejected("plan.not_found", plan=str(plan_id)[:40])
    with transaction.atomic():
        plan = actions.decide_exception(supervisor, plan, granted=granted, reason=reason, now=now)
        desk.settle(f"plan_exception/{plan.plan_id}", now=now)
        plan_asking.owe(plan, now)
    plan_asking.ask_partners(plan, now)
    return plan


def _lay_before_supervisors(plan: Plan, now: datetime) -> None:
    desk.put(
        "plan_exception",
        f"plan_exception/{plan.plan_id}",
        title_code="desk.plan_exception",
        facts={"count": len(plan.held_back)},
        circle=plan.circle,
        link="/plans/exceptions/",
        urgent=True,
        now=now,
    )


# -- plans of this node among themselves ----------------------------------------------------------------------------------


def _compare_here(plan: Plan, keys: Keys, now: datetime) -> None:
    """Open, update or end the conflicts with other plans of this node; no partner hears of them."""
    is_district = bool(plan.place.get("is_district"))
    known = {conflict.other_id for conflict in queries.open_conflicts(plan, partner="")}
    for other in queries.standing_plans(now):
        if other.plan_id == plan.plan_id:
            continue
        meeting = meet(keys, keys_of(other), is_district=is_district)
        if meeting.levels:
            actions.open_local(plan, other, meeting, now)
            _tell_local(plan, other, now)
            _tell_local(other, plan, now)
        elif other.plan_id in known:
            actions.close_local(plan, other, actor="machine", now=now)
            _settle_local_tasks(plan, other, now)


def _tell_local(plan: Plan, other: Plan, now: datetime) -> None:
    conflict = next(c for c in queries.open_conflicts(plan, partner="") if c.other_id == other.plan_id)
    desk.put(
        "plan_conflict_here",
        f"plan_conflict_here/{plan.plan_id}/{other.plan_id}",
        title_code="desk.plan_conflict_here",
        facts={"unit": other.circle.partition(":")[2]},
        circle=plan.circle,
        link=f"/plans/conflicts/{conflict.conflict_id}/",
        urgent=True,
        now=now,
    )


def _settle_local_tasks(plan: Plan, other: Plan, now: datetime) -> None:
    for one, two in ((plan, other), (other, plan)):
        desk.settle(f"plan_conflict_here/{one.plan_id}/{two.plan_id}", now=now)


def contact_of_other(officer: Officer, conflict: Conflict) -> dict[str, str]:
    """What the officer may know of the other plan of this node: its unit and whom to call, no more."""
    if conflict.other is None or not policy.may_see(officer, conflict.plan):
        return {}
    return {"unit": conflict.other.circle.partition(":")[2], **conflict.other.contact}


def settle_local(officer: Officer, conflict_id: str, *, outcome: str, reason: str, now: datetime) -> None:
    """Two units have agreed what becomes of their plans: proceed, joint, delay or cancel, with a reason.

    Raises Rejected("plan.outcome_unknown"), ("plan.reason_needed"), ("plan.conflict_not_found").
    """
    roles.require(officer.roles, "plan")
    conflict = queries.get_conflict_for(officer, conflict_id)
    if conflict.other is None or not conflict.is_open:
        raise Rejected("plan.conflict_not_found", conflict=conflict_id[:40])
    if outcome not in actions.OUTCOMES:
        raise Rejected("plan.outcome_unknown", at="/outcome", outcome=outcome[:40])
    if not reason.strip():
        raise Rejected("plan.reason_needed", at="/reason")
    with transaction.atomic():
        told = {"outcome": outcome, "reason": reason.strip(), "actor": officer.reference}
        actions.close_local(conflict.plan, conflict.other, **told, now=now)
        _settle_local_tasks(conflict.plan, conflict.other, now)


# -- what time alone brings about -----------------------------------------------------------------------------------------


def tidy(now: datetime) -> None:
    """Once an hour: destroy keys of answers that no hit can come for any more, and take tasks of plans that are over from desks."""
    with transaction.atomic():
        actions.forget_seeds(now)
        for plan in queries.plans_past(now):
            _settle_tasks(plan, now)
