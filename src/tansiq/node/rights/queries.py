"""Reads of data-subject requests and breaches, each given the officer; *not found* and *not allowed* raise the same error."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from tansiq.engine.errors import Rejected
from tansiq.node.rights import policy
from tansiq.node.rights.models import Breach, Claim, Holding, Notice
from tansiq.node.rights.policy import OfficerLike

MAX_LISTED = 200
Row = TypeVar("Row", bound=Model)


def get_claim_for(officer: OfficerLike, claim_id: object) -> Claim:
    """The request; raises Rejected("rights.not_found")."""
    found = _by_id(Claim.objects.filter(policy.visible_to(officer)), claim_id)
    if found is None:
        raise Rejected("rights.not_found", claim=str(claim_id)[:40])
    return found


def claims_for(officer: OfficerLike, *, is_open: bool = True) -> list[Claim]:
    """Requests that are not answered, the first due first; else the answered ones, the newest first."""
    rows = Claim.objects.filter(policy.visible_to(officer))
    if is_open:
        return list(rows.exclude(state=Claim.ANSWERED)[:MAX_LISTED])
    return list(rows.filter(state=Claim.ANSWERED).order_by("-answered_at")[:MAX_LISTED])


def holdings_of(claim: Claim) -> list[Holding]:
    """What was found for a request the caller was given by one of these queries."""
    return list(claim.holdings.all())


def get_holding(claim: Claim, holding_id: object) -> Holding:
    """One of them; raises Rejected("rights.not_found")."""
    found = _by_number(claim.holdings.all(), holding_id)
    if found is None:
        raise Rejected("rights.not_found", claim=str(holding_id)[:40])
    return found


def claim_by_id(claim_id: str) -> Claim | None:
    """The request, for the machine."""
    return Claim.objects.filter(claim_id=claim_id).first()


def get_breach_for(officer: OfficerLike, breach_id: object) -> Breach:
    """The breach; raises Rejected("rights.breach_not_found")."""
    found = _by_id(Breach.objects.filter(policy.visible_to(officer)), breach_id)
    if found is None:
        raise Rejected("rights.breach_not_found", breach=str(breach_id)[:40])
    return found


def breaches_for(officer: OfficerLike, *, is_open: bool = True) -> list[Breach]:
    """Breaches that are not closed, the first due first; else the closed ones, the newest first."""
    rows = Breach.objects.filter(policy.visible_to(officer), closed_at__isnull=is_open).prefetch_related("notices")
    return list((rows if is_open else rows.order_by("-closed_at"))[:MAX_LISTED])


def notices_of(breach: Breach) -> list[Notice]:
    """What partners are told of a breach that the caller was given by one of these queries, in the order of making."""
    return list(breach.notices.all())


def get_notice(breach: Breach, notice_id: object) -> Notice:
    """One of them; raises Rejected("rights.notice_not_found")."""
    found = _by_number(breach.notices.all(), notice_id)
    if found is None:
        raise Rejected("rights.notice_not_found", notice=str(notice_id)[:40])
    return found


def _by_id(rows: QuerySet[Row], row_id: object) -> Row | None:
    try:
        known = UUID(str(row_id))
    except ValueError:
        return None
    return rows.filter(pk=known).first()


def _by_number(rows: QuerySet[Row], number: object) -> Row | None:
    known = str(number)
    return rows.filter(pk=int(known)).first() if known.isascii() and known.isdigit() else None
