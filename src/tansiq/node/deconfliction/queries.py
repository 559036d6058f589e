"""Reads of plans, of the questions asked and answered for them, and of conflicts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet, Sum

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.ids import is_id
from tansiq.node.accounts.policy import require
from tansiq.node.deconfliction.models import Conflict, InboundPlanQuery, Plan, PlanQuery
from tansiq.node.deconfliction.policy import OfficerLike, is_supervisor, visible_to

# -- for officers -----------------------------------------------------------------------------------------------------


def get_plan_for(officer: OfficerLike, plan_id: str) -> Plan:
    """A plan of one of the officer's circles; raises Rejected("plan.not_found")."""
    rows = Plan.objects.filter(visible_to(officer))
    found = rows.filter(plan_id=plan_id).first() if is_id(plan_id) else None
    if found is None:
        raise Rejected("plan.not_found", plan=str(plan_id)[:40])
    return found


def plans_for(officer: OfficerLike, *, now: datetime | None = None) -> QuerySet[Plan]:
    """The plans of the officer's circles, the earliest first; with ``now`` only those that still stand."""
    rows = Plan.objects.filter(visible_to(officer))
    return rows if now is None else rows.filter(_standing(now))


def standing_of(officer: str, now: datetime) -> list[Plan]:
    """Plans that this officer answers for and that are not over, the next first."""
    return list(Plan.objects.filter(officer=officer, state=Plan.STANDING, ends_at__gt=now))


def queries_of(plan: Plan, *, every_version: bool = False) -> list[PlanQuery]:
    """The questions asked for a plan (for its present version), oldest first; for whoever has the plan already."""
    rows = plan.queries.select_related("plan")
    return list(rows if every_version else rows.filter(version=plan.version))


@dataclass(frozen=True, slots=True)
class Asked:
    """Where a plan stands with one partner: ``waiting``, ``clear``, ``near`` (a coarse cell met, no finer one), ``conflict``,
    ``refused`` (with ``code`` and ``clause``) or ``held_back``."""

    partner: str
    state: str
    code: str = ""
    clause: str = ""
    asked_at: datetime | None = None
    answered_at: datetime | None = None


def asked_for(plan: Plan) -> list[Asked]:
    """Where the present version of a plan stands with each partner, by node id."""
    rows: dict[str, list[PlanQuery]] = {}
    for row in queries_of(plan):
        rows.setdefault(row.partner, []).append(row)
    open_with = set(
        Conflict.objects.filter(plan=plan, state=Conflict.OPEN).exclude(partner="").values_list("partner", flat=True)
    )
    told = [_asked(partner, found, is_open=partner in open_with) for partner, found in rows.items()]
    left_out = [Asked(partner, "held_back") for partner in plan.held_back if plan.exception != Plan.REFUSED]
    return sorted([*told, *left_out], key=lambda one: one.partner)


def _asked(partner: str, rows: list[PlanQuery], *, is_open: bool) -> Asked:
    refused = next((row for row in rows if row.state in (PlanQuery.REFUSED, PlanQuery.BARRED)), None)
    if is_open:
        state = "conflict"
    elif refused is not None:
        state = "refused"
    elif any(row.state == PlanQuery.WAITING for row in rows):
        state = "waiting"
    else:
        state = "near" if any(row.has_met for row in rows) else "clear"
    answered = [row.answered_at for row in rows if row.answered_at]
    return Asked(
        partner,
        state,
        code=refused.code if refused else "",
        clause=refused.clause if refused else "",
        asked_at=min(row.asked_at for row in rows),
        answered_at=max(answered, default=None),
    )


def conflicts_for(officer: OfficerLike, *, open_only: bool = False) -> QuerySet[Conflict]:
    """The conflicts of plans of the officer's circles, newest first."""
    rows = Conflict.objects.filter(visible_to(officer, through="plan__")).select_related("plan", "other")
    return rows.filter(state=Conflict.OPEN) if open_only else rows


def get_conflict_for(officer: OfficerLike, conflict_id: str) -> Conflict:
    """A conflict of a plan of one of the officer's circles; raises Rejected("plan.conflict_not_found")."""
    rows = conflicts_for(officer)
    found = rows.filter(conflict_id=conflict_id).first() if is_id(conflict_id) else None
    if found is None:
        raise Rejected("plan.conflict_not_found", conflict=str(conflict_id)[:40])
    return found


def conflicts_of_dossier(officer: OfficerLike, dossier_id: str) -> list[Conflict]:
    """The conflicts that a dossier is about, as far as the officer sees their plans."""
    return list(conflicts_for(officer).filter(dossier_id=dossier_id)) if dossier_id else []


def exceptions_for(officer: OfficerLike) -> list[Plan]:
    """Plans whose officer asks to leave partners out, for supervisors: of every circle, oldest first; empty for others."""
    if not is_supervisor(officer):
        return []
    return list(Plan.objects.filter(exception=Plan.ASKED_FOR, state=Plan.STANDING).order_by("created_at"))


def asked_of_us(officer: OfficerLike, *, partner: str = "") -> QuerySet[InboundPlanQuery]:
    """Who asked this node about plans, how much and when, newest first; for every officer who may enter plans or audits."""
    require(officer.roles, "scans")
    rows = InboundPlanQuery.objects.all()
    return rows.filter(partner=partner) if partner else rows


@dataclass(frozen=True, slots=True)
class Ratio:
    """What one officer's questions came to: ``officer`` is an opaque id, ``partner`` empty for an officer of this node."""

    officer: str
    partner: str
    questions: int
    cost: int
    hits: int

    @property
    def share(self) -> float:
        """Hits per question."""
        return self.hits / self.questions if self.questions else 0.0


def hit_ratios(officer: OfficerLike, *, since: datetime) -> list[Ratio]:
    """For each officer of this node: coarse and subject questions asked since then, and how many hit; most questions first.

    For auditors and the data-protection officer. Many questions that never hit, and many that hit and led to nothing, are both worth a
    question to the officer.
    """
    require(officer.roles, "audit")
    rows = PlanQuery.objects.filter(asked_at__gte=since).exclude(state=PlanQuery.BARRED).exclude(level=PlanQuery.FINE)
    told = rows.values("officer").annotate(n=Count("pk"), cost=Sum("cost"), hits=Count("pk", filter=Q(has_met=True)))
    return [Ratio(r["officer"], "", r["n"], r["cost"] or 0, r["hits"]) for r in told.order_by("-n", "officer")]


def ratios_of_partners(officer: OfficerLike, *, since: datetime) -> list[Ratio]:
    """For each officer of a partner: how often it asked here since then, and how many of its coarse questions went on to fine ones.

    A fine question is asked only after a coarse hit, so this node sees the share of hits without seeing one.
    """
    require(officer.roles, "audit")
    rows = InboundPlanQuery.objects.filter(received_at__gte=since, outcome="answered")
    told = rows.values("partner", "asked_by").annotate(
        n=Count("pk", filter=~Q(level=PlanQuery.FINE)),
        spent=Sum("cost"),
        hits=Count("pk", filter=Q(level=PlanQuery.FINE)),
    )
    found = [Ratio(r["asked_by"], r["partner"], r["n"], r["spent"] or 0, r["hits"]) for r in told]
    return sorted(found, key=lambda one: (-one.questions, one.partner, one.officer))


# -- for the machine --------------------------------------------------------------------------------------------------


def _standing(now: datetime) -> Q:
    return Q(state=Plan.STANDING, ends_at__gt=now)


def plan_by_id(plan_id: str) -> Plan | None:
    """The plan, whatever became of it."""
    return Plan.objects.filter(plan_id=plan_id).first()


def standing_plans(now: datetime, *, partner: str = "") -> list[Plan]:
    """The plans that still stand, their margins included; of those the ones that ``partner`` may hit."""
    # The margin after differs from plan to plan; none is longer than a day (``entered``).
    rows = Plan.objects.filter(state=Plan.STANDING, ends_at__gt=now - timedelta(days=1))
    standing = [row for row in rows.order_by("begins_at", "plan_id") if row.until_at > now]
    return [row for row in standing if partner in row.partners] if partner else standing


def plans_past(now: datetime) -> list[Plan]:
    """Plans whose window with its margins ended within the last days, whatever became of them."""
    rows = Plan.objects.filter(ends_at__lte=now, ends_at__gt=now - timedelta(days=3))
    return [row for row in rows if row.until_at <= now]


def query_by_id(query_id: str) -> PlanQuery | None:
    """A question asked by this node, with its plan."""
    return PlanQuery.objects.filter(query_id=query_id).select_related("plan").first() if is_id(query_id) else None


def is_asked(plan: Plan, partner: str, level: str) -> bool:
    """Whether this version's question of this level to the partner is out or answered."""
    rows = PlanQuery.objects.filter(plan=plan, version=plan.version, partner=partner, level=level)
    return rows.filter(state__in=(PlanQuery.WAITING, PlanQuery.ANSWERED)).exists()


def spent_by(partner: str, day: datetime) -> int:
    """What this partner's questions about plans took of its budget on the (UTC) day of ``day``."""
    rows = InboundPlanQuery.objects.filter(partner=partner, outcome="answered", received_at__gte=_midnight(day))
    return int(rows.aggregate(total=Sum("cost"))["total"] or 0)


def spent_at(partner: str, day: datetime) -> int:
    """What this node's questions to the partner took of the budget on the (UTC) day of ``day``."""
    rows = PlanQuery.objects.filter(partner=partner, asked_at__gte=_midnight(day))
    rows = rows.exclude(state__in=(PlanQuery.BARRED, PlanQuery.REFUSED))
    return int(rows.aggregate(total=Sum("cost"))["total"] or 0)


def _midnight(day: datetime) -> datetime:
    return day.replace(hour=0, minute=0, second=0, microsecond=0)


def inbound(partner: str, query_id: str) -> InboundPlanQuery | None:
    """The question of this partner, if it was answered here."""
    return InboundPlanQuery.objects.filter(partner=partner, query_id=query_id).first() if is_id(query_id) else None


def is_gone_into(partner: str, query_id: str) -> bool:
    """Whether a fine question into this coarse one was answered before."""
    return InboundPlanQuery.objects.filter(partner=partner, follows=query_id, outcome="answered").exists()


def open_conflicts(plan: Plan, *, partner: str | None = None) -> list[Conflict]:
    """The conflicts of a plan that are open (with this partner), by dossier."""
    rows = Conflict.objects.filter(plan=plan, state=Conflict.OPEN).select_related("other")
    return list((rows if partner is None else rows.filter(partner=partner)).order_by("dossier_id"))


def is_over_since(plan: Plan, partner: str, at: datetime) -> bool:
    """Whether a conflict with the partner was closed since then: what was asked before it shows nothing new."""
    return Conflict.objects.filter(plan=plan, partner=partner, closed_at__gte=at).exists()


def conflicts_in(dossier_id: str) -> list[Conflict]:
    """Every conflict of plans of this node that a dossier is about."""
    return list(Conflict.objects.filter(dossier_id=dossier_id).select_related("plan"))
