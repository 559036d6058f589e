"""Who deals with data-subject requests and breaches: the data-protection officers, all of them with all, and nobody else.

Officers who work with the data learn of a request only what they must do for it: a task, a draft.
"""

from __future__ import annotations

from typing import Protocol

from django.db.models import Q

from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.node.accounts.policy import may, require
from tansiq.node.rights.models import Breach, Claim, Holding

BY_RIGHT = {
    Claim.ACCESS: frozenset({Holding.DISCLOSE, Holding.WITHHOLD}),
    Claim.RECTIFICATION: frozenset({Holding.RECTIFY, Holding.RESTRICT, Holding.ERASE, Holding.KEEP}),
    Claim.ERASURE: frozenset({Holding.ERASE, Holding.RESTRICT, Holding.KEEP}),
}
"""What may be done with what is held, by the right that is exercised."""
ADVERSE = frozenset({Holding.WITHHOLD, Holding.KEEP})
"""Measures by which the person does not get what they ask: each needs a ground of the law."""


class OfficerLike(Protocol):
    """What is asked of an officer here."""

    @property
    def reference(self) -> str: ...
    @property
    def roles(self) -> list[str]: ...


def may_see(officer: OfficerLike, row: Claim | Breach) -> bool:  # noqa: ARG001 - the shape of every room's policy
    """Whether the officer deals with data-subject requests and breaches."""
    return may(officer.roles, "claims")


def visible_to(officer: OfficerLike) -> Q:
    """:func:`may_see` as a condition on rows."""
    return Q() if may(officer.roles, "claims") else Q(pk__in=[])


def require_officer(officer: OfficerLike) -> None:
    """Raises Refused("account.role")."""
    require(officer.roles, "claims")


def require_open(claim: Claim) -> None:
    """Raises Conflict("rights.closed") once it is decided."""
    if claim.state != Claim.OPEN:
        raise Conflict("rights.closed")


def require_measure(claim: Claim, holding: Holding, measure: str, ground: str, own_node: str) -> None:
    """What may be decided about one holding.

    Raises Rejected("rights.measure") for another right's, Rejected("rights.ground_needed") for an adverse one without
    ground, Refused("rights.ask_originator") where another authority's information would be given away unasked or against
    its word (Directive (EU) 2016/680 art. 15(1); the accords' handling codes).
    """
    if measure not in BY_RIGHT[claim.right]:
        raise Rejected("rights.measure", at="/measure")
    if measure in ADVERSE and not ground:
        raise Rejected("rights.ground_needed", at="/ground")
    if measure == Holding.DISCLOSE and holding.provider != own_node and holding.originator_says != Holding.CONSENTS:
        raise Refused("rights.ask_originator", partner=holding.provider)


def require_decidable(claim: Claim, outcome: str) -> None:
    """Raises Rejected("rights.outcome"); Refused("rights.identity_missing"), ("rights.not_looked"), ("rights.undecided").

    An identity is not asked of a refusal: who cannot be identified is answered too.
    """
    if outcome not in Claim.OUTCOMES:
        raise Rejected("rights.outcome", at="/outcome")
    if outcome == Claim.REFUSED and claim.identified_at is None:
        return
    if claim.identified_at is None:
        raise Refused("rights.identity_missing")
    if claim.looked_at is None or claim.gone_through_at is None:
        raise Refused("rights.not_looked")
    rows = list(claim.holdings.all())
    if any(row.verdict == Holding.PENDING or (row.verdict == Holding.THEIRS and not row.measure) for row in rows):
        raise Refused("rights.undecided")
