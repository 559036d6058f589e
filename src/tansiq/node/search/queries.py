"""Reads of searches."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.ids import is_id
from tansiq.node.search.models import Asked, InboundQuery, Search
from tansiq.node.search.policy import OfficerLike, visible_to


def get_search_for(officer: OfficerLike, search_id: str) -> Search:
    """One's own search; raises Rejected("search.not_found")."""
    rows = Search.objects.filter(visible_to(officer)).prefetch_related("partners")
    found = rows.filter(search_id=search_id).first() if is_id(search_id) else None
    if found is None:
        raise Rejected("search.not_found", search=str(search_id)[:40])
    return found


def searches_for(officer: OfficerLike) -> QuerySet[Search]:
    """One's own searches, newest first."""
    return Search.objects.filter(visible_to(officer)).prefetch_related("partners")


def is_complete(search: Search) -> bool:
    """Whether every partner that was asked has answered."""
    return all(asked.state != Asked.WAITING for asked in search.partners.all())


def spent_by(partner: str, day: datetime) -> int:
    """How many open questions of this partner were answered on the (UTC) day of ``day``."""
    start = day.replace(hour=0, minute=0, second=0, microsecond=0)
    return InboundQuery.objects.filter(partner=partner, is_blind=False, received_at__gte=start).count()


def asked_of(partner: str, day: datetime) -> int:
    """How many open questions this node asked the partner on the (UTC) day of ``day``."""
    start = day.replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Asked.objects.filter(partner=partner, is_blind=False, asked_at__gte=start)
    return rows.exclude(state=Asked.BARRED).count()


def answered(partner: str, query_id: str) -> InboundQuery | None:
    """Our answer to this question, if it was answered before."""
    return InboundQuery.objects.filter(partner=partner, query_id=query_id).first()
