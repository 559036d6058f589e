"""May this officer see and do this with a dossier? Pure: values in, yes or no out.

``may_see`` and :func:`visible_to` say the same thing twice, once about a row in hand and once for the database; a property test holds
them together.
"""

from __future__ import annotations

from typing import Protocol

from django.db.models import Q

from tansiq.node.accounts.policy import may

READING_ROLES = frozenset({"liaison", "analyst", "prosecutor", "duty", "approver", "senior", "data_protection"})
RECEIVING_ROLES = frozenset({"liaison", "duty"})
"""Who looks after what no unit is competent for and no entry point takes (circle ``""``): it must not lie unseen."""
COUNTING_ROLES = frozenset({"programme", "auditor", "data_protection"})
"""Who is given the figures of the whole node."""


class OfficerLike(Protocol):
    """What a policy needs to know of an officer."""

    @property
    def reference(self) -> str: ...
    @property
    def circles(self) -> frozenset[str]: ...
    @property
    def roles(self) -> list[str]: ...


class InCircle(Protocol):
    """Anything that belongs to a circle."""

    circle: str


def may_see(officer: OfficerLike, record: InCircle) -> bool:
    """Whether ``officer`` needs to know ``record``: its circle is the officer's, and the role reads dossiers at all."""
    roles = set(officer.roles)
    if not record.circle:
        return bool(RECEIVING_ROLES & roles)
    return bool(READING_ROLES & roles) and record.circle in officer.circles


def visible_to(officer: OfficerLike) -> Q:
    """:func:`may_see` as a condition on rows."""
    roles = set(officer.roles)
    if not READING_ROLES & roles:
        return Q(pk__in=[])
    unrouted = [""] if RECEIVING_ROLES & roles else []
    return Q(circle__in=[*unrouted, *sorted(officer.circles - {""})])


def counted_for(officer: OfficerLike) -> Q:
    """The dossiers that may be counted for this officer: of all circles for whoever answers for the whole node, who reads none of
    them by this; for everybody else those of :func:`visible_to`, so that no figure tells of a record that is not theirs."""
    return Q() if COUNTING_ROLES & set(officer.roles) else visible_to(officer)


def may_count(officer: OfficerLike, record: InCircle) -> bool:
    """:func:`counted_for` of a row in hand, or of a group of rows of one circle."""
    return bool(COUNTING_ROLES & set(officer.roles)) or may_see(officer, record)


def may_approve(officer: OfficerLike, *, author: str, role: str) -> bool:
    """Whether ``officer`` may give the approval of ``role`` to a draft of ``author``: never one's own."""
    return may(officer.roles, "approve") and role in officer.roles and officer.reference != author
