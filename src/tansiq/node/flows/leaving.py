"""An officer leaves: in one act nobody is signed in as them any more, and their open work is with a colleague or back with its circle.

What the colleague may not see is not given to them: a hand-over opens no circle. It stays with its circle, on whose desk it is named. What was
signed, searched and decided keeps its author for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.errors import Conflict, Rejected
from tansiq.node.accounts import actions as accounts
from tansiq.node.accounts import policy as roles
from tansiq.node.accounts import queries as people
from tansiq.node.accounts import roster, sessions
from tansiq.node.audit.actions import record
from tansiq.node.deconfliction import actions as plans
from tansiq.node.deconfliction import queries as planned
from tansiq.node.desk import actions as desk
from tansiq.node.desk import queries as tasks
from tansiq.node.dossiers import drafts, erased, queries

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.deconfliction.models import Plan
    from tansiq.node.dossiers.models import Draft


@dataclass(frozen=True, slots=True)
class Held:
    """What stands with an officer now, in numbers: an administrator sees how much there is and nothing of what it is."""

    sessions: int
    tasks: int
    drafts: int
    plans: int
    shifts: int
    copies: int
    """Numbered copies that must come back to this authority and are with this officer."""
    only_holder_of: tuple[str, ...]
    """Roles that nobody else has."""


def held_by(officer: Officer, now: datetime) -> Held:
    """What would have to go somewhere if this officer left now."""
    return Held(
        sessions=len(sessions.sessions_of(officer)),
        tasks=tasks.count_held_by(officer.reference),
        drafts=len(drafts.open_of(officer.reference)),
        plans=len(planned.standing_of(officer.reference, now)),
        shifts=len(roster.shifts_of(officer, now)),
        copies=len(erased.copies_owed(officer.reference)),
        only_holder_of=people.roles_of_nobody_but(officer),
    )


def leave(officer: Officer, to: Officer | None, *, note: str = "", actor: str, now: datetime) -> dict[str, Any]:
    """The officer has left; their open work goes ``to`` a colleague, or back to its circles. Returns how much went where.

    {sessions, tasks_given, tasks_back, drafts_given, drafts_back, plans_given, plans_back, shifts}. Raises Rejected("account.left_to_oneself"),
    Conflict("account.left_already"), Rejected("account.left_own"): nobody ends their own account.
    """
    if not officer.is_active:
        raise Conflict("account.left_already", username=officer.username)
    if actor == officer.reference:
        raise Rejected("account.left_own", at="/officer")
    if to is not None and (to.pk == officer.pk or not to.is_active):
        raise Rejected("account.left_to_oneself", at="/to")
    with transaction.atomic():
        told: dict[str, Any] = {"sessions": sessions.end_sessions(officer, actor=actor, now=now)}
        told |= _give_tasks(officer, to, note, now)
        told |= _give_drafts(officer, to, now)
        told |= _give_plans(officer, to, now)
        told["shifts"] = _give_shifts(officer, to, actor, now)
        accounts.retire(officer)
        facts = {"officer": officer.reference, "to": to.reference if to else "", **told}
        record("account.left", actor=actor, facts=facts, log="internal", now=now)
    return told


def _give_tasks(officer: Officer, to: Officer | None, note: str, now: datetime) -> dict[str, int]:
    given, back = desk.leave(officer, by=str(officer), to=to, note=note, now=now)
    return {"tasks_given": given, "tasks_back": back}


def _give_drafts(officer: Officer, to: Officer | None, now: datetime) -> dict[str, int]:
    given = 0
    rows = drafts.open_of(officer.reference)
    for draft in rows:
        if to is not None and roles.may(to.roles, "act") and queries.sees_draft(to, draft):
            drafts.take_over(to, draft, now=now)
            desk.settle(f"approval/{draft.draft_id}", now=now)
            _lay(draft, officer, now, owner=to.reference)
            given += 1
        else:
            _lay(draft, officer, now, circle=draft.circle)
    return {"drafts_given": given, "drafts_back": len(rows) - given}


def _lay(draft: Draft, officer: Officer, now: datetime, *, owner: str = "", circle: str = "") -> None:
    facts = {"officer": str(officer), "act": draft.act, "kind": draft.kind}
    desk.put(
        "drafted",
        f"drafted/{draft.draft_id}",
        title_code="desk.draft_left",
        facts=facts,
        owner=owner,
        circle=circle,
        link=f"/drafts/{draft.draft_id}",
        now=now,
    )


def _give_plans(officer: Officer, to: Officer | None, now: datetime) -> dict[str, int]:
    rows = planned.standing_of(officer.reference, now)
    mine = [plan for plan in rows if to is not None and plan.circle in to.circles and roles.may(to.roles, "plan")]
    for plan in mine:
        assert to is not None
        plans.hand_over_plan(to, plan, now)
    for plan in rows:
        if plan not in mine:
            _lay_plan(plan, officer, now)
    return {"plans_given": len(mine), "plans_back": len(rows) - len(mine)}


def _lay_plan(plan: Plan, officer: Officer, now: datetime) -> None:
    desk.put(
        "plan",
        f"plan_left/{plan.plan_id}",
        title_code="desk.plan_left",
        facts={"officer": str(officer)},
        circle=plan.circle,
        link=f"/plans/{plan.plan_id}",
        now=now,
    )


def _give_shifts(officer: Officer, to: Officer | None, actor: str, now: datetime) -> int:
    """Whoever takes over stands in their ranks, if of the same unit and called at all; else the roster shows the gap."""
    rows = roster.shifts_of(officer, now)
    if rows:
        stands_in = to is not None and to.unit_id == officer.unit_id and to.has_role(*roster.ON_CALL_ROLES)
        ends_at = max(row.ends_at for row in rows)
        replacement = to.username if to is not None and stands_in else ""
        told = {"starts_at": now, "ends_at": ends_at, "replacement": replacement}
        accounts.add_absence(officer.username, **told, actor=actor, now=now)
    return len(rows)
