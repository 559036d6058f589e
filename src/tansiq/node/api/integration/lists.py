"""Whole lists: asked against the register, or blindly of partners with what it costs told first; a passenger system brings one a flight."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Status

from tansiq.node.api.integration import schemas
from tansiq.node.api.integration.access import account_of
from tansiq.node.flows import blind_screening, screening
from tansiq.node.search import blind_lists, screenings

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.search.models import Screening

router = Router(tags=["lists"])
SCOPE = "search"


@router.post("/lists", response={201: schemas.Listed}, summary="Bring a list; partners are asked after begin")
def bring(request: HttpRequest, given: schemas.Bringing) -> Status:
    """Scope ``search``. Without ``blindly`` the register is asked at once; with it nothing is sent before ``begin``."""
    officer, now = account_of(request, SCOPE), timezone.now()
    told = given.model_dump(include={"name", "purpose", "reference", "columns"})
    content = given.content.encode()
    if given.blindly:
        asked = {**told, "ask": given.blindly, "crime_area": given.crime_area}
        made = blind_screening.prepare(officer, content, **asked, now=now)
    else:
        made = screening.screen(officer, content, **told, now=now)
    return Status(201, _listed(officer, made))


@router.get("/lists/{number}", response=schemas.Listed, summary="How far a list is, and what it costs")
def show(request: HttpRequest, number: str) -> dict[str, Any]:
    """Scope ``search``. One's own lists alone."""
    officer = account_of(request, SCOPE)
    return _listed(officer, screenings.get_screening_for(officer, number))


@router.post("/lists/{number}/begin", response=schemas.Listed, summary="Begin to ask the partners of a list")
def begin(request: HttpRequest, number: str) -> dict[str, Any]:
    """Scope ``search``. Once its cost was seen."""
    officer = account_of(request, SCOPE)
    blind_screening.begin(officer, number, now=timezone.now())
    return _listed(officer, screenings.get_screening_for(officer, number))


@router.post("/lists/{number}/stop", response=schemas.Listed, summary="Ask no further rows")
def stop(request: HttpRequest, number: str) -> dict[str, Any]:
    """Scope ``search``. What was met until then stays."""
    officer = account_of(request, SCOPE)
    screenings.stop(officer, number, now=timezone.now())
    return _listed(officer, screenings.get_screening_for(officer, number))


@router.get("/lists/{number}/results", response=schemas.Results, summary="What came of the rows")
def results(request: HttpRequest, number: str) -> dict[str, Any]:
    """Scope ``search``. Of the register the hits; of partners every row: hit, no_hit, no_key or not_asked. Logged as taken out."""
    officer = account_of(request, SCOPE)
    is_blind = screenings.get_screening_for(officer, number).is_blind
    lines = (blind_screening if is_blind else screening).export(officer, number, now=timezone.now())
    return {"screening": number, "results": [json.loads(line) for line in lines]}


def _listed(officer: Officer, row: Screening) -> dict[str, Any]:
    return {
        "screening": str(row.pk),
        "state": row.state,
        "rows": row.rows,
        "done": row.done,
        "hits": row.hits.count(),
        "partners": [_asked(officer, one) for one in row.partners.all()],
    }


def _asked(officer: Officer, one: Any) -> dict[str, Any]:
    cost = blind_screening.reckoned(officer, one, timezone.now())
    return {
        "partner": one.partner,
        "state": one.state,
        "costs": cost.cost,
        "left_today": cost.left_today,
        "days": cost.days,
        "answered": blind_lists.answered_rows(one),
        "code": one.code,
        "clause": one.clause,
        "resumes_at": one.resumes_at,
    }
