"""The register: its list and one subject. Every look at a subject is recorded."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tansiq.engine.entities.labels import labelled_schemata, schema_label
from tansiq.node.register import queries
from tansiq.node.register.actions import note_read
from tansiq.node.web import words
from tansiq.node.web.access import for_officers
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages.subject import origin_word, subject_shown

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:  # noqa: ARG001
    """The subjects an officer may see, newest first."""
    schema, after = request.GET.get("schema", ""), request.GET.get("after")
    page = queries.subjects_for(officer, schema=schema, after=after)
    language = language_now()
    rows = [
        {
            "row": row,
            "caption": queries.caption(row, language),
            "schema": schema_label(row.schema, language),
            "origin": origin_word(row.origin),
        }
        for row in page.subjects
    ]
    context = {
        "rows": rows,
        "after": page.next_after,
        "count": queries.count_for(officer),
        "schema": schema,
        "schemata": [(name, schema_label(name, language)) for name in labelled_schemata()],
        "names": words.node_names(),
    }
    return render(request, "web/register/index.html", context)


@for_officers
def subject(request: HttpRequest, officer: Officer, now: datetime, subject_id: str) -> HttpResponse:
    """One subject: statements with source, grading and conditions."""
    row = queries.get_subject_for(officer, subject_id)
    note_read(officer, row, now=now)
    context = {"subject": subject_shown(officer, row), "names": words.node_names()}
    return render(request, "web/register/subject.html", context)
