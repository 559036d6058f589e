"""Who sees a plan: those of the circle it belongs to who work with plans, and nobody else at this node."""

from __future__ import annotations

from typing import Protocol

from django.db.models import Q

READING_ROLES = frozenset({"liaison", "analyst", "prosecutor", "duty", "approver", "senior"})
"""Roles that read plans of their circles; auditors read figures and logs, not plans."""
SUPERVISORS = frozenset({"approver", "senior"})
"""Roles that decide about exceptions."""


class OfficerLike(Protocol):
    """What is asked of an officer here."""

    @property
    def reference(self) -> str: ...
    @property
    def roles(self) -> list[str]: ...
    @property
    def circles(self) -> frozenset[str]: ...


class PlanLike(Protocol):
    """What is asked of a plan here."""

    circle: str


def may_see(officer: OfficerLike, plan: PlanLike) -> bool:
    """Whether the plan is of a circle of the officer's, and the officer's role reads plans."""
    return _may_read(officer) and plan.circle in officer.circles


def visible_to(officer: OfficerLike, *, through: str = "") -> Q:
    """:func:`may_see` as a condition on plans, or on rows that have one at ``through`` (``"plan__"``)."""
    circles = sorted(officer.circles) if _may_read(officer) else []
    return Q(**{f"{through}circle__in": circles})


def _may_read(officer: OfficerLike) -> bool:
    return bool(READING_ROLES & set(officer.roles))


def is_supervisor(officer: OfficerLike) -> bool:
    """Whether the officer decides about exceptions at all."""
    return bool(SUPERVISORS & set(officer.roles))
