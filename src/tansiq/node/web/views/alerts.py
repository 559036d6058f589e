"""Alerts in force, one of them with what it meets here, and the list of reports."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tansiq.engine.formats.codes import code_list
from tansiq.node.accounts.policy import may
from tansiq.node.audit.actions import record
from tansiq.node.dossiers.queries import dossiers_for, is_visible
from tansiq.node.search import alerts
from tansiq.node.web import words
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.fields import partner_choices
from tansiq.node.web.pages import alerts as pages

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer

PAGE = 25


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """The board: every alert in force, those that end first before the others."""
    told = {name: request.GET.get(name, "").strip() for name in ("class", "issuer", "words")}
    rows: Any = alerts.alerts_for(officer, now=now, alert_class=told["class"], issuer=told["issuer"])
    if told["words"]:
        rows = [row for row in rows if told["words"].casefold() in (row.caption or "").casefold()]
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    hits = alerts.hits_for(officer, [row.dossier_id for row in page])
    context = {
        "page": page,
        "lines": [pages.line_shown(row, hits.get(row.dossier_id, [])) for row in page],
        "told": told,
        "names": words.node_names(),
        "classes": words.list_choices("alert_classes"),
        "partners": partner_choices(),
        "may_issue": may(officer.roles, "act"),
    }
    return render(request, "web/alerts/index.html", context)


@for_officers
def show(request: HttpRequest, officer: Officer, now: datetime, dossier_id: str) -> HttpResponse:
    """One alert in force: what it asks, what it says, which of the officer's records it meets, and what to do then."""
    row = alerts.get_alert_for(officer, dossier_id, now=now)
    with transaction.atomic():
        facts = {"alert": dossier_id}
        record("alert.read", actor=officer.reference, facts=facts, log="internal", now=now, dossier=dossier_id)
    context = {
        "alert": pages.line_shown(row, alerts.hits_for(officer, [dossier_id]).get(dossier_id, [])),
        "parts": pages.content_shown(row),
        "records": pages.records_met(officer, row),
        "is_coercive": bool(code_list("alert_measures").by_code[row.asks].facts.get("coercive")),
        "may_report": not row.is_own and may(officer.roles, "act"),
        "has_dossier": is_visible(officer, dossier_id),
        "names": words.node_names(),
    }
    return render(request, "web/alerts/alert.html", context)


@for_officers
def reports(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:  # noqa: ARG001
    """Reports sent and received, what recipients say of them, and who has yet to confirm a change."""
    told = {name: request.GET.get(name, "").strip() for name in ("partner", "state")}
    is_open = {"closed": False, "all": None}.get(told["state"], True)
    rows = dossiers_for(officer, kind_name="report", partner=told["partner"], is_open=is_open)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    names = words.node_names()
    context = {
        "page": page,
        "lines": [pages.report_line(row, names) for row in page],
        "told": told,
        "names": names,
        "partners": partner_choices(),
        "may_report": may(officer.roles, "act"),
    }
    return render(request, "web/alerts/reports.html", context)
