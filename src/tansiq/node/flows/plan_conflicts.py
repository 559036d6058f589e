"""What plans that meet come to: a dossier with the partner at once, a task on both sides, a clock; and its end when they meet no more.

``reconcile`` brings one plan and one partner from what the answers say to what the dossiers say, and may run any number of times:

::

    answers show a meeting, no dossier stands      ──▶ this machine opens one (``meet``)
    they show another than was told                ──▶ ``update``
    all are answered after a move and show none    ──▶ ``withdraw``
    two dossiers stand about the same              ──▶ the one with the smaller id stays, the opener of the other withdraws

The other node finds its own plans by the marks (``flows.plan_met``), tells whom to call (``received``), or that nothing of it stands there
any more (``not_met``). Rows of conflicts are written in the transaction that appends the entry, so no dossier is ever without its row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.dossiers.entries import Part, SignedEntry
from tansiq.engine.dossiers.headers import Opening
from tansiq.engine.errors import Refused, Rejected
from tansiq.engine.formats import canonical
from tansiq.engine.formats.times import format_time, parse_time
from tansiq.engine.kinds.deconfliction import due_by
from tansiq.node.accounts.queries import officers
from tansiq.node.audit.actions import record
from tansiq.node.deconfliction import actions, queries
from tansiq.node.deconfliction.extents import Meeting, meeting_of
from tansiq.node.deconfliction.policy import is_supervisor
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import actions as dossier_actions
from tansiq.node.dossiers import queries as dossiers
from tansiq.node.flows.intents import Intent
from tansiq.node.flows.plan_holding import plans_met
from tansiq.node.flows.plan_terms import KIND
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners import queries as partners

if TYPE_CHECKING:
    from tansiq.node.deconfliction.models import Conflict, Plan, PlanQuery
    from tansiq.node.dossiers.models import Dossier, Entry

RECONCILE_JOB = "flows.plan_reconcile"
MET_JOB = "flows.plan_met"
ESCALATE_JOB = "flows.plan_escalate"
MARKS = "plan_marks"
CLAUSE = "deconfliction:met"


@dataclass(frozen=True, slots=True)
class Finding:
    """What the answers of one partner to one version of a plan show, with the marks that let it find its own."""

    meeting: Meeting
    marks: tuple[tuple[str, tuple[str, ...]], ...]
    is_complete: bool
    asked_at: datetime | None
    told_at: datetime | None
    """When the first question of this version was asked, and the last of those that met."""

    @property
    def digest(self) -> str:
        """What is told of it, so that it is told once."""
        return canonical.digest({"codes": self.codes(), "marks": [[query, list(m)] for query, m in self.marks]})

    def codes(self) -> dict[str, Any]:
        """As the acts ``meet`` and ``update`` say it."""
        told: dict[str, Any] = {"levels": list(self.meeting.levels)}
        if self.meeting.begins_at and self.meeting.ends_at:
            told |= {"begins": format_time(self.meeting.begins_at), "ends": format_time(self.meeting.ends_at)}
        return told

    def parts(self) -> tuple[Part, ...]:
        """The marks, one part for each question that met."""
        return tuple(Part(MARKS, {"query": query, "marks": list(marks)}) for query, marks in self.marks)


def finding_of(plan: Plan, partner: str) -> Finding:
    """What this version's answers of the partner come to."""
    rows = [row for row in queries.queries_of(plan) if row.partner == partner and row.state != row.OUTDATED]
    is_district = bool(plan.place.get("is_district"))
    telling = [row for row in rows if row.met and meeting_of(row.met, is_district=is_district).levels]
    met = [key for row in telling for key in row.met or []]
    return Finding(
        meeting_of(met, is_district=is_district),
        tuple((str(row.query_id), tuple(row.marks or ())) for row in telling),
        is_complete=bool(rows) and all(_is_through(row, rows, is_district) for row in rows),
        asked_at=min((row.asked_at for row in rows), default=None),
        told_at=max((row.asked_at for row in telling), default=None),
    )


def _is_through(row: PlanQuery, rows: list[PlanQuery], is_district: bool) -> bool:
    """Whether nothing more comes of a question: answered, and gone into where it met."""
    if row.state != row.ANSWERED:
        return False
    return not (row.level == row.COARSE and row.has_met and not is_district) or any(r.level == row.FINE for r in rows)


# -- from answers to dossiers ---------------------------------------------------------------------------------------------


def owe(plan: Plan, partner: str, now: datetime) -> None:
    """Owe a look at how plan and partner stand, in the caller's transaction."""
    told = {"plan": str(plan.plan_id), "partner": partner}
    enqueue(RECONCILE_JOB, told, now=now, key=f"plan_reconcile/{plan.plan_id}/{partner}")


def reconcile_as_owed(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.plan_reconcile``."""
    plan = queries.plan_by_id(str(payload["plan"]))
    if plan is not None:
        reconcile(plan, str(payload["partner"]), now)


def reconcile(plan: Plan, partner: str, now: datetime) -> None:
    """Bring the dossiers about this plan and partner to what the answers show."""
    standing = queries.open_conflicts(plan, partner=partner)
    if plan.state != plan.STANDING:
        for conflict in standing:
            _withdraw(conflict, "cancelled" if plan.state == plan.CANCELLED else "done", now)
        return
    for double in standing[1:]:
        if double.is_own:
            _withdraw(double, "same_conflict", now)
    finding = finding_of(plan, partner)
    if not standing:
        if finding.told_at is not None and not queries.is_over_since(plan, partner, finding.told_at):
            _open(plan, partner, finding, now)
        return
    conflict = standing[0]
    if finding.meeting.levels:
        if conflict.told != finding.digest:
            _update(conflict, finding, now)
    elif finding.is_complete and finding.asked_at is not None and finding.asked_at > conflict.opened_at:
        _withdraw(conflict, "moved", now)


def _open(plan: Plan, partner: str, finding: Finding, now: datetime) -> None:
    """The machine opens the dossier; a refusal of the accord lies on the unit's desk, since then only the telephone is left."""
    from tansiq.node.flows.act import open_by_machine

    known, resolved = due_by(finding.meeting.begins_at, now)
    intent = Intent(
        kind=KIND,
        act="meet",
        participants=(partner,),
        codes={**finding.codes(), "acknowledge_by": format_time(known), "resolve_by": format_time(resolved)},
        parts=(contact_part(plan), *finding.parts()),
        circle=plan.circle,
        title=plan.reference,
    )
    try:
        open_by_machine(intent, CLAUSE, now=now)
    except Refused as error:
        with transaction.atomic():
            record("act.refused", actor="machine", facts={"act": "meet", "code": error.code}, log="internal", now=now)
            _tell_refused(plan, partner, error.code, now)


def contact_part(plan: Plan) -> Part:
    """Whom to call about a plan: all that a partner learns of it before both consent."""
    told = {name: value for name, value in plan.contact.items() if value}
    return Part("contact_point", {**told, "node": partners.my_id()})


def _update(conflict: Conflict, finding: Finding, now: datetime) -> None:
    _sign(conflict, "update", finding.codes(), finding.parts(), now)


def _withdraw(conflict: Conflict, ground: str, now: datetime) -> None:
    """Our plan meets theirs no more – unless another plan of ours stands in the same dossier."""
    others = [one for one in queries.conflicts_in(conflict.dossier_id) if one.pk != conflict.pk and one.is_open]
    if ground != "same_conflict" and others:
        with transaction.atomic():
            actions.close_conflict(conflict, conflict.ENDED, now=now)
            _settle(conflict, now)
        return
    _sign(conflict, "withdraw", {"ground": ground}, (), now)


def _sign(conflict: Conflict, act: str, codes: dict[str, Any], parts: tuple[Part, ...], now: datetime) -> None:
    from tansiq.node.flows.act import act_by_machine

    try:
        act_by_machine(conflict.dossier_id, act, codes, CLAUSE, now=now, parts=parts)
    except Refused as error:
        facts = {"act": act, "kind": KIND, "code": error.code}
        with transaction.atomic():
            record("act.refused", actor="machine", facts=facts, log="internal", now=now, dossier=conflict.dossier_id)


def _tell_refused(plan: Plan, partner: str, code: str, now: datetime) -> None:
    desk.put(
        "plan_not_told",
        f"plan_not_told/{plan.plan_id}/{partner}",
        title_code="desk.plan_not_told",
        facts={"partner": partner, "code": code},
        circle=plan.circle,
        link=f"/plans/{plan.plan_id}/",
        urgent=True,
        now=now,
    )


# -- the door -------------------------------------------------------------------------------------------------------------


def require_between_two(opening: Opening, sender: str) -> None:
    """Before a partner's dossier is taken in: nobody but the two reads it. Raises Rejected("deconfliction.only_two")."""
    if {*opening.participants} != {partners.my_id(), sender}:
        raise Rejected("deconfliction.only_two", at="/content/opening/participants")


# -- what follows from an entry, in its transaction -----------------------------------------------------------------------


def follow(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    """Keep the rows of conflicts true to the dossier; what needs reckoning is left as a job."""
    act, is_own = entry.header.act, entry.header.author == partners.my_id()
    if act in ("meet", "update"):
        if is_own:
            _note_own(dossier, entry, now)
        else:
            enqueue(MET_JOB, {"entry": entry.entry_id}, now=now, key=f"plan_met/{entry.entry_id}")
    if act == "meet":
        _set_clock(dossier, entry, now)
    if act == "acknowledge" and not is_own:
        desk.settle(f"plan_unacknowledged/{dossier.dossier_id}", now=now)
    if is_own and not entry.header.acted_by.is_machine:
        desk.settle_all(f"plan_conflict/{dossier.dossier_id}/", now=now)
    if dossier.is_closed:
        _end(dossier, now)


def _note_own(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    """What we told stands with the plan whose questions the marks belong to."""
    plans = {row.plan for query, _ in _marks(entry.parts) if (row := queries.query_by_id(query)) is not None}
    for plan in plans:
        partner = _other(dossier)
        finding = finding_of(plan, partner)
        conflict = actions.open_conflict(
            plan,
            finding.meeting,
            partner=partner,
            dossier_id=dossier.dossier_id,
            is_own=True,
            told=finding.digest,
            now=now,
        )
        actions.update_conflict(conflict, finding.meeting, told=finding.digest)
        _put_before(dossier, plan, conflict, now)


def _marks(parts: Iterable[Any]) -> list[tuple[str, list[str]]]:
    held = [salted.part for salted in parts if salted is not None]
    return [(str(p.content["query"]), [str(m) for m in p.content["marks"]]) for p in held if p.type == MARKS]


def _other(dossier: Dossier) -> str:
    me = partners.my_id()
    return str(next(party for party in dossier.participants if party != me))


def _put_before(dossier: Dossier, plan: Plan, conflict: Conflict, now: datetime) -> None:
    due = dossiers.folded_of(dossier).state.value("due")
    desk.put(
        "plan_conflict",
        f"plan_conflict/{dossier.dossier_id}/{plan.plan_id}",
        title_code="desk.plan_conflict",
        facts={"partner": conflict.partner},
        circle=plan.circle,
        due_at=parse_time(due["acknowledge_by"]) if due else None,
        link=f"/dossiers/{dossier.dossier_id}",
        urgent=True,
        now=now,
    )


def _set_clock(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    for name in ("acknowledge_by", "resolve_by"):
        at = parse_time(entry.header.codes[name])
        told = {"dossier": dossier.dossier_id, "due": name}
        enqueue(ESCALATE_JOB, told, now=now, run_at=max(at, now), key=f"plan_escalate/{dossier.dossier_id}/{name}")


def _end(dossier: Dossier, now: datetime) -> None:
    state = dossiers.folded_of(dossier).state
    outcome = state.value("outcome")
    for conflict in queries.conflicts_in(dossier.dossier_id):
        is_resolved = dossier.phase == "resolved"
        new = conflict.RESOLVED if is_resolved else conflict.ENDED
        actions.close_conflict(conflict, new, outcome=str(outcome or "") if is_resolved else "", now=now)
        _settle(conflict, now)
    desk.settle_all(f"plan_escalated/{dossier.dossier_id}/", now=now)
    desk.settle(f"plan_unacknowledged/{dossier.dossier_id}", now=now)


def _settle(conflict: Conflict, now: datetime) -> None:
    desk.settle(f"plan_conflict/{conflict.dossier_id}/{conflict.plan_id}", now=now)


# -- jobs -----------------------------------------------------------------------------------------------------------------


def meet_own(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.plan_met``: find which plans of ours a partner's marks belong to, put them before their units, say whom to call."""
    row = dossiers.entry_by_id(str(payload["entry"]))
    if row is None or row.dossier.is_closed:
        return
    met, is_known = _own_plans(row, now)
    if not met:
        if row.act == "meet":
            _say_once(row.dossier, "not_met", {"ground": "moved_or_ended" if is_known else "marks_unknown"}, (), now)
        return
    codes = dossiers.signed_entry(row).header.codes
    with transaction.atomic():
        dossier = dossier_actions.lock(row.dossier_id)
        if dossier is None or dossier.is_closed:
            return
        if row.act == "meet" and dossier.circle != met[0][0].circle:
            dossier_actions.route(dossier, met[0][0].circle, actor="machine", now=now)
        for plan, keys in met:
            found = meeting_of(keys, is_district=bool(plan.place.get("is_district")))
            meeting = Meeting(tuple(str(one) for one in codes["levels"]), found.begins_at, found.ends_at)
            conflict = actions.open_conflict(
                plan, meeting, partner=row.author, dossier_id=row.dossier_id, is_own=False, now=now
            )
            actions.update_conflict(conflict, meeting)
            _put_before(dossier, plan, conflict, now)
            owe(plan, row.author, now)
    _say_once(row.dossier, "received", {}, (contact_part(met[0][0]),), now)


def _own_plans(row: Entry, now: datetime) -> tuple[list[tuple[Plan, list[str]]], bool]:
    """Our standing plans that the entry's marks belong to, and whether the questions it names were answered here at all."""
    found: dict[Any, tuple[Plan, list[str]]] = {}
    is_known = False
    for query, marks in _marks(dossiers.signed_entry(row).parts):
        asked = queries.inbound(row.author, query)
        if asked is None or asked.seed is None:
            continue
        is_known = True
        for plan, keys in plans_met(asked, marks, now):
            found.setdefault(plan.pk, (plan, []))[1].extend(keys)
    return list(found.values()), is_known


def _say_once(dossier: Dossier, act: str, codes: dict[str, Any], parts: tuple[Part, ...], now: datetime) -> None:
    from tansiq.node.flows.act import act_by_machine

    if dossiers.folded_of(dossier).state.latest("received" if act == "received" else "ended") is not None:
        return
    try:
        act_by_machine(dossier.dossier_id, act, codes, CLAUSE, now=now, parts=parts)
    except Refused as error:
        facts = {"act": act, "kind": KIND, "code": error.code}
        with transaction.atomic():
            record("act.refused", actor="machine", facts=facts, log="internal", now=now, dossier=dossier.dossier_id)


def escalate(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.plan_escalate``: what nobody here acknowledged in time, or nobody resolved, goes to the supervisors of the circle.

    What the other side did not acknowledge is one more reason to use the telephone: its node may be down, or its desk unmanned.
    """
    dossier = dossiers.dossier_by_id(str(payload["dossier"]))
    if dossier is None or dossier.is_closed:
        return
    state, due = dossiers.folded_of(dossier).state, str(payload["due"])
    unseen = {party for party in dossier.participants if state.latest(f"acknowledged:{party}") is None}
    with transaction.atomic():
        if due == "resolve_by":
            _lay_before_supervisors(dossier, due, "desk.plan_conflict_unresolved", now)
        elif partners.my_id() in unseen:
            _lay_before_supervisors(dossier, due, "desk.plan_conflict_unseen", now)
        if due == "acknowledge_by" and _other(dossier) in unseen:
            _tell_unacknowledged(dossier, now)
        told = {"due": due, "unseen_by": sorted(unseen)}
        record("plan.escalated", actor="machine", facts=told, log="internal", now=now, dossier=dossier.dossier_id)


def _lay_before_supervisors(dossier: Dossier, due: str, title: str, now: datetime) -> None:
    """A task for each of them by name; for the whole circle where it has none."""
    having = [one for one in officers() if one.is_active and is_supervisor(one) and dossier.circle in one.circles]
    for owner in [one.reference for one in having] or [""]:
        desk.put(
            "plan_escalated",
            f"plan_escalated/{dossier.dossier_id}/{due}/{owner}",
            title_code=title,
            facts={"partner": _other(dossier)},
            circle="" if owner else dossier.circle,
            owner=owner,
            link=f"/dossiers/{dossier.dossier_id}",
            urgent=True,
            now=now,
        )


def _tell_unacknowledged(dossier: Dossier, now: datetime) -> None:
    desk.put(
        "plan_unacknowledged",
        f"plan_unacknowledged/{dossier.dossier_id}",
        title_code="desk.plan_unacknowledged",
        facts={"partner": _other(dossier)},
        circle=dossier.circle,
        link=f"/dossiers/{dossier.dossier_id}",
        urgent=True,
        now=now,
    )
