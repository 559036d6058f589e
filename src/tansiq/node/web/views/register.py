"""The register: its list and one subject. Every look at a subject is recorded."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tansiq.engine.entities.labels import labelled_schemata, schema_label
from tansiq.node.accounts.policy import may
from tansiq.node.register import duplicates, queries
from tansiq.node.register.actions import note_read
from tansiq.node.web import words
from tansiq.node.web.access import for_officers
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages.duplicates import pairs_shown
from tansiq.node.web.pages.relations import relations_shown, timeline_of
from tansiq.node.web.pages.subject import origin_word, subject_shown

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.register.models import Subject

COUNTED = 10_000
"""Nobody reads a greater number than this on the page, and counting a million rows would take a second each time."""


STATES: dict[str, bool | None] = {"": None, "listed": False, "former": True}


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """The subjects an officer may see, newest first."""
    given = {name: request.GET.get(name, "") for name in ("schema", "origin", "source", "state", "circle")}
    narrowed = {"schema": given["schema"], "origin": given["origin"], "source": given["source"]}
    page = queries.subjects_for(
        officer,
        **narrowed,
        circle=given["circle"] or None,
        is_delisted=STATES.get(given["state"]),
        after=request.GET.get("after"),
    )
    language = language_now()
    context = {
        "rows": [_line(row, language) for row in page.subjects],
        "after": page.next_after,
        "count": queries.count_for(officer, up_to=COUNTED),
        "counted": COUNTED,
        "due": queries.count_due(officer, now, up_to=COUNTED),
        "given": given,
        "kept": urlencode({name: value for name, value in given.items() if value}),
        **_offered(officer, language),
    }
    return render(request, "web/register/index.html", context)


def _offered(officer: Officer, language: str) -> dict[str, Any]:
    """What the list can be narrowed by, and what else this officer may do there."""
    return {
        "schemata": [(name, schema_label(name, language)) for name in labelled_schemata()],
        "origins": [(name, origin_word(name)) for name in ("officer", "list", "received")],
        "sources": [
            (row.key, row.names.get(language) or row.names.get("en") or row.key) for row in queries.list_sources()
        ],
        "circles": sorted(officer.circles),
        "names": words.node_names(),
        "may_import": may(officer.roles, "import"),
        "may_export": may(officer.roles, "export"),
    }


def _line(row: Subject, language: str) -> dict[str, Any]:
    return {
        "row": row,
        "caption": queries.caption(row, language),
        "schema": schema_label(row.schema, language),
        "origin": origin_word(row.origin),
    }


@for_officers
def subject(request: HttpRequest, officer: Officer, now: datetime, subject_id: str) -> HttpResponse:
    """One subject: statements with source, grading and conditions."""
    row = queries.get_subject_for(officer, subject_id)
    note_read(officer, row, now=now)
    may_review = may(officer.roles, "register") or may(officer.roles, "review")
    context = {"subject": subject_shown(officer, row), "names": words.node_names(), "may_review": may_review}
    context["may_export"] = may(officer.roles, "export")
    likely = duplicates.likely_of(officer, row)[:5]
    context["likely"] = pairs_shown(likely)
    context["relations"] = relations_shown(officer, row, likely)
    context["timeline"] = timeline_of(officer, row, queries.reviews_of(row.subject_id))
    return render(request, "web/register/subject.html", context)
