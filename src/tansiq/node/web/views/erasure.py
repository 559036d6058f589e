"""Erasure as an officer sees it: the proof as a file, and the copies that must come back."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tansiq.engine.errors import Rejected
from tansiq.node.accounts.queries import names_of
from tansiq.node.dossiers.erased import copies_owed
from tansiq.node.flows import copies as copies_flow
from tansiq.node.flows import erasure_proof
from tansiq.node.web.access import for_officers

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer


@for_officers
def proof(request: HttpRequest, officer: Officer, now: datetime, dossier_id: str) -> HttpResponse:  # noqa: ARG001
    """The signed statement of what was erased in a dossier, as a file to be handed over."""
    made = erasure_proof.make(officer, dossier_id, now=now)
    answer = HttpResponse(json.dumps(made, indent=2), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="erasure-{dossier_id[:12]}.json"'
    return answer


@for_officers
def copies(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """The copies that this officer holds and that hold what was erased since; everybody's for the data-protection officer."""
    rows = copies_owed("" if "data_protection" in officer.roles else officer.reference)
    told = list({(row.kind, row.number): row for row in reversed(rows)}.values())
    people = names_of({row.holder for row in rows})
    shown = [
        {"row": row, "holder": people.get(row.holder, row.holder), "is_late": row.due_at < now}
        for row in reversed(told)
    ]
    return render(request, "web/desk/copies.html", {"rows": shown})


@require_POST
@for_officers
def settle(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """Say what became of a copy."""
    number = request.POST.get("copy", "")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Rejected("erasure.copy_not_found", copy=number[:20])
    copies_flow.settle(officer, int(number), outcome=request.POST.get("outcome", ""), now=now)
    messages.success(request, _("What became of the copy is recorded."))
    return redirect("desk_copies")
