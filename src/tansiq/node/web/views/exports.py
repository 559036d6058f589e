"""Copies of the register: asked for with a purpose and a reason, given out as a numbered file, and listed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from tansiq.engine.entities.labels import schema_label
from tansiq.engine.errors import TansiqError
from tansiq.node.accounts import policy as roles
from tansiq.node.register import exporting, queries
from tansiq.node.register.exporting import Copy, Selection, Words
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.exporting import ExportForm
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages.exports import copies_shown
from tansiq.node.web.pages.subject import origin_word
from tansiq.node.web.refusals import tell_in_form
from tansiq.node.web.streaming import streamed

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.register.models import Subject

NARROWING = ("schema", "origin", "source", "state", "circle", "subject")
TYPES = {"ftm": ("jsonl", "application/x-ndjson; charset=utf-8"), "csv": ("csv", "text/csv; charset=utf-8")}


@for_officers
def export(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponseBase:
    """Ask what for, then give the copy piece by piece; what the list was narrowed to stands in the address."""
    roles.require(officer.roles, "export")
    given = {name: value for name in NARROWING if (value := request.GET.get(name, ""))}
    subject = queries.get_subject_for(officer, given["subject"]) if "subject" in given else None
    form = ExportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            opened = exporting.open_copy(
                officer,
                told["form"],
                purpose=told["purpose"],
                words=Words(told["reason"], told["recipient"]),
                selection=_selection(given),
                now=now,
            )
        except TansiqError as error:
            tell_in_form(form, error)
        else:
            return _file(request, opened)
    context = {"form": form, **_narrowed(given, subject)}
    return render(request, "web/register/export.html", context, status=400 if form.errors else 200)


def _narrowed(given: dict[str, str], subject: Subject | None) -> dict[str, Any]:
    """What will leave, in words: one subject, or what the list was narrowed to."""
    language = language_now()
    return {
        "given": given,
        "kept": urlencode(given),
        "subject": subject,
        "caption": queries.caption(subject, language) if subject else "",
        "schema": schema_label(given["schema"], language) if "schema" in given else "",
        "origin": origin_word(given["origin"]) if "origin" in given else "",
    }


def _selection(given: dict[str, str]) -> Selection:
    """What the list showed: without a word about listing, former ones too."""
    state = given.get("state", "")
    return Selection(
        schema=given.get("schema", ""),
        origin=given.get("origin", ""),
        source=given.get("source", ""),
        circle=given.get("circle"),
        with_delisted=state != "listed",
        only_delisted=state == "former",
        subject=given.get("subject", ""),
    )


def _file(request: HttpRequest, opened: Copy) -> StreamingHttpResponse:
    ending, media_type = TYPES[opened.report.form]
    answer = StreamingHttpResponse(streamed(request, opened.pieces), content_type=media_type)
    answer["Content-Disposition"] = f'attachment; filename="tansiq-{opened.number:08d}.{ending}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@for_officers
def copies(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:  # noqa: ARG001
    """The copies that this officer gave out; everybody's for the data-protection officer."""
    told = request.GET.get("before", "")
    before = int(told) if told.isascii() and told.isdigit() and len(told) < 19 else None
    rows = exporting.copies_for(officer, before=before, limit=exporting.PAGE + 1)
    more, rows = len(rows) > exporting.PAGE, rows[: exporting.PAGE]
    context = {"rows": copies_shown(rows), "before": rows[-1].copy_number if more else None}
    return render(request, "web/register/copies.html", context)
