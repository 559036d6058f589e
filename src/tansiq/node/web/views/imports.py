"""Imports in the browser: bring a file, explain its columns, read what it would do, confirm, watch it being stored."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tansiq.engine.errors import TansiqError
from tansiq.node.accounts.policy import require
from tansiq.node.flows import attaching, list_imports
from tansiq.node.register import import_orders
from tansiq.node.register.export_forms import guarded
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.imports import ImportForm, ReadingForm, mapping_of, property_choices
from tansiq.node.web.pages.imports import order_shown
from tansiq.node.web.refusals import tell_in_form

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

    from tansiq.node.accounts.models import Officer
    from tansiq.node.exchange.models import Upload
    from tansiq.node.register.models import ImportOrder

STANDING = {"schema": "Person", "encoding": "utf-8", "delimiter": ","}


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """The officer's imports, and the form for another one."""
    require(officer.roles, "import")
    form = ImportForm(
        sorted(officer.circles), request.POST or None, request.FILES or None, initial={"discoverability": "hit"}
    )
    if request.method == "POST" and form.is_valid():
        told = dict(form.cleaned_data)
        try:
            upload = _upload(officer, form.brought, told.pop("file"), now)
            order = list_imports.order(officer, upload, now=now, **told)
            return redirect("register_import", order_id=str(order.pk))
        except TansiqError as error:
            tell_in_form(form, error, {"/list": "list_key", "/files": "file"})
    rows = [order_shown(row) for row in import_orders.orders(officer)]
    context = {"form": form, "rows": rows}
    return render(request, "web/register/imports.html", context, status=400 if form.errors else 200)


def _upload(officer: Officer, brought: str, file: UploadedFile | None, now: datetime) -> Upload:
    """The file as it lies here, sealed: brought in pieces before, or a small one that came with the form."""
    if file is None:
        return attaching.whole(officer, brought)
    return attaching.take(officer, file.name or "", "", file.size or 0, file, now=now)


@for_officers
def show(request: HttpRequest, officer: Officer, now: datetime, order_id: str) -> HttpResponse:
    """One import: what it waits for, how far it is, what it found."""
    row = import_orders.get_order(officer, order_id)
    if row.state == import_orders.MAPPING:
        return _columns(request, officer, row, now)
    name = "import_state.html" if request.htmx else "import.html"  # type: ignore[attr-defined]
    return render(request, f"web/register/{name}", {"order": order_shown(row)})


@require_POST
@for_officers
def explain(request: HttpRequest, officer: Officer, now: datetime, order_id: str) -> HttpResponse:
    """What the columns mean."""
    return _columns(request, officer, import_orders.get_order(officer, order_id), now)


@require_POST
@for_officers
def confirm(request: HttpRequest, officer: Officer, now: datetime, order_id: str) -> HttpResponse:
    """Store what was looked at."""
    list_imports.confirm(officer, order_id, confirmed=frozenset(request.POST.getlist("confirm")), now=now)
    return redirect("register_import", order_id=order_id)


@require_POST
@for_officers
def drop(request: HttpRequest, officer: Officer, now: datetime, order_id: str) -> HttpResponse:
    """The file is not wanted after all."""
    list_imports.drop(officer, order_id, now=now)
    messages.success(request, _("The file is gone; nothing of it was stored."))
    return redirect("register_imports")


@for_officers
def report(request: HttpRequest, officer: Officer, now: datetime, order_id: str) -> HttpResponse:  # noqa: ARG001
    """The row report as CSV for a spreadsheet: outcome, place, number, rule, value."""
    row = import_orders.get_order(officer, order_id)
    told = row.report or {}
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(["outcome", "place", "number", "rule", "value"])
    for line in told.get("rows", []):
        writer.writerow([line["outcome"], line["place"], guarded(line["number"]), "", ""])
    for line in told.get("problems", []):
        outcome = "lost" if line["row_lost"] else "value_not_understood"
        writer.writerow([outcome, line["place"], guarded(line["number"] or ""), line["rule"], guarded(line["value"])])
    answer = HttpResponse("\ufeff" + sink.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="import-{row.pk}.csv"'
    return answer


def _columns(request: HttpRequest, officer: Officer, row: ImportOrder, now: datetime) -> HttpResponse:
    """The first rows of a CSV as they are read, with a property for each column."""
    given: Any = request.POST or request.GET
    form = ReadingForm(
        {**STANDING, "dates": "", **given.dict()} if given else {**STANDING, "dates": "DD/MM/YYYY, YYYY-MM-DD, YYYY"}
    )
    rows: list[tuple[str, ...]] = []
    if form.is_valid():
        told = form.cleaned_data
        try:
            rows = list_imports.preview(row, encoding=told["encoding"], delimiter=told["delimiter"])
            if request.method == "POST":
                mapping = mapping_of(form, rows[0] if rows else (), request.POST)
                list_imports.explain_columns(officer, row.pk, mapping, now=now)
                return redirect("register_import", order_id=str(row.pk))
        except TansiqError as error:
            tell_in_form(form, error)
    context = {
        "order": order_shown(row),
        "form": form,
        "heads": _heads(rows, given),
        "properties": property_choices(form.data.get("schema", "Person")),
        "key": given.get("key", ""),
    }
    return render(request, "web/register/import_columns.html", context, status=400 if form.errors else 200)


def _heads(rows: Sequence[Sequence[str]], given: Any) -> list[dict[str, Any]]:
    """Each column: its head, what stands in it in the first rows, and the property chosen for it."""
    return [
        {
            "head": head,
            "place": place,
            "cells": [line[place] for line in rows[1:] if place < len(line)],
            "chosen": given.get(f"column-{place}", ""),
        }
        for place, head in enumerate(rows[0] if rows else ())
    ]
