"""Checks and searches: a border or document system asks about a person or thing, and learns at once what the register holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Status

from tansiq.node.api.integration import schemas
from tansiq.node.api.integration.access import account_of, client_of
from tansiq.node.flows import searching
from tansiq.node.search import queries

if TYPE_CHECKING:
    from tansiq.node.search.models import Search

router = Router(tags=["questions"])
TOLD_BANDS = searching.TOLD_BANDS
RECEIVED = "received"


@router.get("/me", response=schemas.Me, summary="Which client this token is")
def me(request: HttpRequest) -> dict[str, Any]:
    client = client_of(request, "")
    unit = client.officer.unit
    return {
        "client": client.code,
        "title": client.title,
        "unit": unit.code if unit else "",
        "scopes": client.scopes,
        "per_minute": client.per_minute,
        "expires_at": client.expires_at,
    }


@router.post("/check", response=schemas.Checked, by_alias=True, summary="Is this person or document known here?")
def check(request: HttpRequest, question: schemas.Question) -> dict[str, Any]:
    """Scope ``check``. Strong and probable matches of the register alone, at once; logged with its purpose like any search."""
    row = searching.search(
        account_of(request, "check"),
        _fields(question.subject),
        purpose=question.purpose,
        crime_area=question.crime_area,
        reference=question.reference,
        now=timezone.now(),
    )
    hits = [_hit(found) for found in row.found_here if found["band"] in TOLD_BANDS]
    return {"check": str(row.search_id), "checked_at": row.asked_at, "hits": hits}


@router.post("/searches", response={201: schemas.Searched}, by_alias=True, summary="Ask the register and partners")
def search(request: HttpRequest, asking: schemas.Asking) -> Status:
    """Scope ``search``. Partners answer later: read the search again, or be told by a task."""
    officer = account_of(request, "search")
    row = searching.search(
        officer,
        _fields(asking.subject),
        purpose=asking.purpose,
        crime_area=asking.crime_area,
        reference=asking.reference,
        ask=asking.ask,
        blindly=asking.blindly,
        now=timezone.now(),
    )
    return Status(201, _searched(queries.get_search_for(officer, str(row.search_id))))


@router.get("/searches/{search_id}", response=schemas.Searched, by_alias=True, summary="What was answered so far")
def answers(request: HttpRequest, search_id: str) -> dict[str, Any]:
    """Scope ``search``. One's own searches alone."""
    return _searched(queries.get_search_for(account_of(request, "search"), search_id))


def _fields(subject: schemas.Subject) -> searching.Fields:
    return searching.Fields(
        names=tuple(subject.names),
        schema=subject.schema_,
        birth_dates=tuple(subject.birth_dates),
        countries=tuple(subject.countries),
        identifiers=tuple((one.type, one.value) for one in subject.identifiers),
    )


def _hit(found: dict[str, Any]) -> dict[str, Any]:
    """What a partner gave stays where its conditions are enforced: of it a machine learns that it is there, and whom to ask."""
    told = {name: found[name] for name in ("subject", "schema", "origin", "band", "score")}
    if found["origin"] == RECEIVED:
        return told
    return {**told, "caption": found["caption"], "explanation": found["explanation"]}


def _searched(row: Search) -> dict[str, Any]:
    return {
        "search": str(row.search_id),
        "asked_at": row.asked_at,
        "is_complete": queries.is_complete(row),
        "here": [_hit(found) for found in row.found_here],
        "partners": [
            {
                "partner": one.partner,
                "state": one.state,
                "is_blind": one.is_blind,
                "hits": one.hits or [],
                "families": one.met,
                "code": one.code,
                "clause": one.clause,
                "answered_at": one.answered_at,
            }
            for one in row.partners.all()
        ],
    }
