"""Writes of searches; all in the caller's transaction except :func:`keep_answer`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tansiq.engine.errors import Rejected
from tansiq.node.audit.actions import record
from tansiq.node.search.models import Asked, GivenHit, InboundQuery, Search


def open_search(
    officer_id: str,
    *,
    circle: str,
    asked: Mapping[str, Any],
    purpose: str,
    crime_area: str,
    reference: str,
    found_here: Sequence[Mapping[str, Any]],
    now: datetime,
) -> Search:
    """Keep a question and what the register answered."""
    search = Search.objects.create(
        officer=officer_id,
        circle=circle,
        asked=dict(asked),
        purpose=purpose,
        crime_area=crime_area,
        reference=reference or None,
        found_here=[dict(match) for match in found_here],
        asked_at=now,
    )
    facts = {"search": str(search.search_id), "purpose": purpose, "asked": dict(asked), "found": len(found_here)}
    record("search.made", actor=officer_id, facts=facts, log="internal", now=now)
    return search


def ask(search: Search, partner: str, *, now: datetime) -> Asked:
    """Note that a partner is asked."""
    row = Asked.objects.create(search=search, partner=partner, asked_at=now)
    facts = {"partner": partner, "query": str(search.search_id), "purpose": search.purpose}
    record("query.asked", actor=search.officer, facts=facts, log="exchange", now=now)
    return row


def bar(search: Search, partner: str, *, code: str, clause: str, now: datetime) -> Asked:
    """Note that the accord does not permit asking this partner, and by which clause."""
    return Asked.objects.create(
        search=search, partner=partner, state=Asked.BARRED, code=code, clause=clause, asked_at=now, answered_at=now
    )


def keep_answer(
    partner: str, query_id: str, *, outcome: str, code: str, hits: Sequence[Mapping[str, Any]], now: datetime
) -> bool:
    """Keep what a partner answered to our question; False when it had answered before.

    Raises Rejected("search.not_asked") for an answer to what this node never asked that partner.
    """
    row = Asked.objects.select_for_update().filter(search_id=query_id, partner=partner).first()
    if row is None or row.state == Asked.BARRED:
        raise Rejected("search.not_asked", partner=partner, query=str(query_id))
    if row.state != Asked.WAITING:
        return False
    row.state, row.code, row.hits, row.answered_at = outcome, code, [dict(h) for h in hits], now
    row.save(update_fields=["state", "code", "hits", "answered_at"])
    facts = {"partner": partner, "query": str(query_id), "outcome": outcome, "hits": len(hits)}
    record("query.answered", actor=f"node:{partner}", facts=facts, log="exchange", now=now)
    return True


def note_inbound(partner: str, query_id: str, *, purpose: str, crime_area: str, now: datetime) -> bool:
    """Note a partner's question before it is answered; False when it was answered already."""
    told = {"purpose": purpose, "crime_area": crime_area, "received_at": now}
    return InboundQuery.objects.get_or_create(query_id=uuid.UUID(query_id), partner=partner, defaults=told)[1]


def note_outcome(partner: str, query_id: str, *, purpose: str, outcome: str, hits: int, now: datetime) -> None:
    """Note what the partner is told."""
    InboundQuery.objects.filter(query_id=query_id, partner=partner).update(outcome=outcome, hits=hits)
    facts = {"partner": partner, "query": query_id, "purpose": purpose, "outcome": outcome, "hits": hits}
    record("query.answered_for", actor=f"node:{partner}", facts=facts, log="exchange", now=now)


def forget_subject(subject_id: str, *, since: datetime) -> int:
    """Take a subject out of what searches found here, because it was erased; returns how many searches showed it."""
    count = 0
    for row in Search.objects.select_for_update().filter(asked_at__gte=since):
        kept = [match for match in row.found_here if match.get("subject") != subject_id]
        if len(kept) < len(row.found_here):
            row.found_here = kept
            row.save(update_fields=["found_here"])
            count += 1
    return count


def give_hit(partner: str, subject_id: str, now: datetime) -> str:
    """A fresh number by which ``partner`` may cite that it hit this subject; it tells nothing and repeats never."""
    return str(GivenHit.objects.create(partner=partner, subject_id=subject_id, given_at=now).hit_id)
