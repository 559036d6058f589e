"""Who sees a plan: the circle that it belongs to, and nobody else at this node."""

from __future__ import annotations

from typing import Protocol

from django.db.models import Q

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
    """Whether the plan is of a circle of the officer's."""
    return plan.circle in officer.circles


def visible_to(officer: OfficerLike, *, through: str = "") -> Q:
    """:func:`may_see` as a condition on plans, or on rows that have one at ``through`` (``"plan__"``)."""
    return Q(**{f"{through}circle__in": sorted(officer.circles)})


def is_supervisor(officer: OfficerLike) -> bool:
    """Whether the officer decides about exceptions at all."""
    return bool(SUPERVISORS & set(officer.roles))
