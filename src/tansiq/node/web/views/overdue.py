"""What is overdue at whom, as a page and as a file."""

from __future__ import annotations

import csv
from datetime import datetime
from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tansiq.engine.formats.times import format_time
from tansiq.engine.kinds.registry import kinds
from tansiq.node.flows import overdue as flow
from tansiq.node.web import words
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.fields import partner_choices

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer

PAGE = 50


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """What partners owe, the longest overdue first; narrowed by partner and kind."""
    told = {name: request.GET.get(name, "").strip() for name in ("partner", "kind", "state")}
    things = flow.listing(
        officer,
        now=now,
        partner=told["partner"],
        kind_name=told["kind"],
        also_running=told["state"] == "all",
        limit=None,
    )
    if request.GET.get("form") == "csv":
        return _file(things)
    names = words.node_names()
    page = Paginator([_shown(thing) for thing in things], PAGE).get_page(request.GET.get("page"))
    counts = [(names.get(node, node), count) for node, count in flow.counted(t for t in things if t.is_overdue).items()]
    context = {
        "page": page,
        "told": told,
        "counts": counts,
        "kinds": [(name, words.kind_label(name)) for name in dict.fromkeys(name for name, _version in kinds())],
        "partners": partner_choices(),
    }
    return render(request, "web/dossiers/overdue.html", context)


def _shown(thing: flow.OwedThing) -> dict[str, object]:
    said = words.deadline_words(thing.kind, {"name": thing.name, "clause": thing.clause})
    return {"thing": thing, **said}


def _file(things: list[flow.OwedThing]) -> HttpResponse:
    """Codes, ids and times only: no text that somebody wrote stands in the file."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="overdue.csv"'
    out = csv.writer(answer)
    out.writerow(["partner", "kind", "what", "clause", "due_at", "times", "overdue", "dossier"])
    for t in things:
        due, is_overdue = format_time(t.due_at), "yes" if t.is_overdue else "no"
        out.writerow([t.partner, t.kind, t.name, t.clause, due, t.times, is_overdue, t.dossier_id])
    return answer
