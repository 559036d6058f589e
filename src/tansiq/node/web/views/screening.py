"""Whole lists asked against the register or blindly of partners: brought, worked off under the officer's eyes, judged, taken out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from tansiq.engine.errors import TansiqError
from tansiq.node.flows import blind_screening
from tansiq.node.flows import screening as flow
from tansiq.node.register import queries as register
from tansiq.node.search import screenings
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.screening import ScreeningForm
from tansiq.node.web.pages.blind_list import blind_list_shown
from tansiq.node.web.pages.search import band_tone, band_word
from tansiq.node.web.refusals import tell_in_form
from tansiq.node.web.streaming import streamed

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.search.models import Screening, ScreeningHit

RECENT = 20


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """Bring a list; one's own screenings."""
    form = ScreeningForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("search_screening", _brought(officer, form.cleaned_data, now).pk)
        except TansiqError as error:
            tell_in_form(form, error)
    context = {"form": form, "screenings": screenings.screenings_for(officer)[:RECENT]}
    return render(request, "web/search/screenings.html", context, status=400 if form.errors else 200)


def _brought(officer: Officer, told: dict[str, Any], now: datetime) -> Screening:
    """The list as it was kept: asked at once against the register, or made ready for the partners that were chosen."""
    content, name = told["list"].read(flow.MAX_BYTES + 1), told["list"].name
    asked = {key: told[key] for key in ("purpose", "reference", "columns")}
    if told["partners"]:
        asked |= {"ask": told["partners"], "crime_area": told["crime_area"]}
        return blind_screening.prepare(officer, content, name=name, **asked, now=now)
    return flow.screen(officer, content, name=name, **asked, now=now)


def _shown(officer: Officer, screening: Screening, after: int) -> dict[str, Any]:
    hits = screenings.hits_of(screening, after=after, limit=screenings.PAGE + 1)
    more, hits = len(hits) > screenings.PAGE, hits[: screenings.PAGE]
    seen = register.subjects_by_id_for(officer, [hit.subject_id for hit in hits])
    return {
        "screening": screening,
        "hits": [_hit(hit) for hit in hits if str(hit.subject_id) in seen],
        "hits_of_list": hits,
        "count": screening.hits.count(),
        "after": after,
        "next_after": hits[-1].pk if more else None,
        "is_running": screening.state == screening.RUNNING,
    }


def _hit(hit: ScreeningHit) -> dict[str, Any]:
    return {
        "number": hit.pk,
        "row": hit.row,
        "asked": " · ".join([*hit.told["names"], *hit.told["birth_dates"]]),
        "id": hit.told["id"],
        "subject": str(hit.subject_id),
        "caption": hit.told["caption"],
        "word": band_word(hit.band),
        "tone": band_tone(hit.band),
        "percent": round(hit.told["score"] * 100),
        "explanation": hit.told["explanation"],
        "verdict": hit.verdict,
    }


def _after(request: HttpRequest) -> int:
    told = request.GET.get("after") or request.POST.get("after") or ""
    return int(told) if told.isascii() and told.isdigit() and len(told) < 19 else 0


@for_officers
def show(request: HttpRequest, officer: Officer, now: datetime, screening_id: str) -> HttpResponse:
    """How far it came and what was met; asked by htmx, only that part."""
    found = screenings.get_screening_for(officer, screening_id)
    context = _shown(officer, found, _after(request))
    if found.is_blind:
        context |= blind_list_shown(officer, found, context["hits_of_list"], now)
    part = "web/search/screening_part.html" if request.htmx else "web/search/screening.html"  # type: ignore[attr-defined]
    return render(request, part, context)


@require_POST
@for_officers
def judge(request: HttpRequest, officer: Officer, now: datetime, screening_id: str) -> HttpResponse:
    """What the officer makes of one hit."""
    number = request.POST.get("hit", "")
    screenings.judge_hit(
        officer,
        screening_id,
        int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0,
        verdict=request.POST.get("verdict", ""),
        now=now,
    )
    response = redirect("search_screening", screening_id)
    response["Location"] += f"?after={_after(request)}#hit-{number}"
    return response


@require_POST
@for_officers
def begin(request: HttpRequest, officer: Officer, now: datetime, screening_id: str) -> HttpResponse:  # noqa: ARG001
    """Ask the partners what was prepared."""
    blind_screening.begin(officer, screening_id, now=now)
    return redirect("search_screening", screening_id)


@require_POST
@for_officers
def stop(request: HttpRequest, officer: Officer, now: datetime, screening_id: str) -> HttpResponse:  # noqa: ARG001
    """Ask no further rows."""
    screenings.stop(officer, screening_id, now=now)
    return redirect("search_screening", screening_id)


@require_POST
@for_officers
def export(request: HttpRequest, officer: Officer, now: datetime, screening_id: str) -> StreamingHttpResponse:
    """The hits as JSON lines; of a list that partners were asked about, what came of every row."""
    is_blind = screenings.get_screening_for(officer, screening_id).is_blind
    lines = (blind_screening if is_blind else flow).export(officer, screening_id, now=now)
    pieces = (line.encode("utf-8") for line in lines)
    response = StreamingHttpResponse(streamed(request, pieces), content_type="application/x-ndjson; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="screening-{screening_id}.jsonl"'
    return response
