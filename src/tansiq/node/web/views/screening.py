"""Whole lists asked against the register: brought, worked off under the officer's eyes, judged, taken out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from tansiq.engine.errors import TansiqError
from tansiq.node.flows import screening as flow
from tansiq.node.register import queries as register
from tansiq.node.search import screenings
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.screening import ScreeningForm
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
        told = form.cleaned_data
        try:
            made = flow.screen(
                officer,
                told["list"].read(flow.MAX_BYTES + 1),
                name=told["list"].name,
                purpose=told["purpose"],
                reference=told["reference"],
                columns=told["columns"],
                now=now,
            )
            return redirect("search_screening", made.pk)
        except TansiqError as error:
            tell_in_form(form, error)
    context = {"form": form, "screenings": screenings.screenings_for(officer)[:RECENT]}
    return render(request, "web/search/screenings.html", context, status=400 if form.errors else 200)


def _shown(officer: Officer, screening: Screening, after: int) -> dict[str, Any]:
    hits = screenings.hits_of(screening, after=after, limit=screenings.PAGE + 1)
    more, hits = len(hits) > screenings.PAGE, hits[: screenings.PAGE]
    seen = register.subjects_by_id_for(officer, [hit.subject_id for hit in hits])
    return {
        "screening": screening,
        "hits": [_hit(hit) for hit in hits if str(hit.subject_id) in seen],
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
def show(request: HttpRequest, officer: Officer, now: datetime, screening_id: str) -> HttpResponse:  # noqa: ARG001
    """How far it came and what was met; asked by htmx, only that part."""
    context = _shown(officer, screenings.get_screening_for(officer, screening_id), _after(request))
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
def stop(request: HttpRequest, officer: Officer, now: datetime, screening_id: str) -> HttpResponse:  # noqa: ARG001
    """Ask no further rows."""
    screenings.stop(officer, screening_id, now=now)
    return redirect("search_screening", screening_id)


@require_POST
@for_officers
def export(request: HttpRequest, officer: Officer, now: datetime, screening_id: str) -> StreamingHttpResponse:
    """The hits as JSON lines."""
    pieces = (line.encode("utf-8") for line in flow.export(officer, screening_id, now=now))
    response = StreamingHttpResponse(streamed(request, pieces), content_type="application/x-ndjson; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="screening-{screening_id}.jsonl"'
    return response
