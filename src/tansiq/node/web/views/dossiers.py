"""Dossiers: the list, one dossier, and what stands around it on this node."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tansiq.engine.kinds.registry import kinds
from tansiq.node.accounts.policy import may
from tansiq.node.dossiers import actions, queries
from tansiq.node.flows import ending
from tansiq.node.flows.reading import read_dossier
from tansiq.node.web import words
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.fields import partner_choices
from tansiq.node.web.pages import dossier as pages
from tansiq.node.web.pages.alerts import state_of
from tansiq.node.web.pages.meeting import meeting_shown

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer

PAGE = 25
OPENABLE = ("report", "alert")
"""What the list of dossiers offers to open, beside a request."""


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:  # noqa: ARG001
    """The dossiers an officer needs to know, the last changed first."""
    told = {name: request.GET.get(name, "").strip() for name in ("kind", "partner", "reference", "state", "exercise")}
    rows = queries.dossiers_for(
        officer,
        kind_name=told["kind"],
        partner=told["partner"],
        reference=told["reference"],
        is_open={"closed": False, "all": None}.get(told["state"], True),
        exercise=None if settings.NODE.exercise else told["exercise"] == "only",
    )
    page = Paginator(rows.values_list("pk", flat=True), PAGE).get_page(request.GET.get("page"))
    page.object_list = queries.in_order(page.object_list)
    context = {
        "page": page,
        "told": told,
        "names": words.node_names(),
        "kinds": [(name, words.kind_label(name)) for name in dict.fromkeys(name for name, _version in kinds())],
        "partners": partner_choices(),
        "openable": [(name, words.kind_label(name)) for name in OPENABLE if may(officer.roles, "act")],
    }
    return render(request, "web/dossiers/index.html", context)


@for_officers
def show(request: HttpRequest, officer: Officer, now: datetime, dossier_id: str) -> HttpResponse:
    """One dossier with its timeline, conditions, delivery evidence, and the acts that are permitted now."""
    row = queries.get_dossier_for(officer, dossier_id)
    page = pages.page_of_entries(row, request.GET)
    read = read_dossier(officer, dossier_id, now=now, newest=pages.newest_on(row, page))
    names = words.node_names()
    context = {
        "read": read,
        "page": page,
        "names": names,
        "entries": pages.entries_shown(read, names),
        "conditions": pages.conditions_of(read),
        "acts": pages.acts_shown(read["kind"], read["permitted"], officer.roles),
        "state": state_of(officer, read, names),
        "meeting": meeting_shown(officer, read, names),
        "is_accord": read["kind"] == "accord",
        "may_pass_on": read["kind"] != "accord" and may(officer.roles, "act"),
        "may_print": may(officer.roles, "print"),
        "may_end": read["exercise"] and may(officer.roles, "end_exercise"),
        "is_reader_only": not may(officer.roles, "act"),
        "deadlines": [{**row, **words.deadline_words(read["kind"], row)} for row in read["deadlines"]],
    }
    return render(request, "web/dossiers/dossier.html", context)


@require_POST
@for_officers
def end_exercise(request: HttpRequest, officer: Officer, now: datetime, dossier_id: str) -> HttpResponse:
    """Delete an exercise as a whole."""
    ending.delete_exercise(officer, dossier_id, now=now)
    messages.success(request, _("The exercise is deleted. That it was stays in the log."))
    return redirect("dossiers")


@require_POST
@for_officers
def note(request: HttpRequest, officer: Officer, now: datetime, dossier_id: str) -> HttpResponse:
    """Write an internal note; it never leaves the node."""
    row = queries.get_dossier_for(officer, dossier_id)
    actions.write_note(officer, row, request.POST.get("text", ""), now=now)
    messages.success(request, _("The note is kept. It stays on this node."))
    return redirect("dossiers_show", dossier_id=dossier_id)


@require_POST
@for_officers
def reference(request: HttpRequest, officer: Officer, now: datetime, dossier_id: str) -> HttpResponse:
    """Keep a number under which somebody has this matter."""
    row = queries.get_dossier_for(officer, dossier_id)
    told = {"whose": request.POST.get("whose", "ours"), "value": request.POST.get("value", "")}
    actions.add_reference(officer.reference, row, **told, now=now)
    messages.success(request, _("The reference is kept. The dossier is found by it."))
    return redirect("dossiers_show", dossier_id=dossier_id)
