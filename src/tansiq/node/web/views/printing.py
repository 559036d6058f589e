"""A dossier on paper: asked for with a purpose and a reason, answered with a numbered PDF."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tansiq.engine.errors import TansiqError
from tansiq.node.dossiers import queries
from tansiq.node.flows import printing as flow
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.printing import PLACES, PrintForm
from tansiq.node.web.refusals import tell_in_form

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer


@for_officers
def print_dossier(request: HttpRequest, officer: Officer, now: datetime, dossier_id: str) -> HttpResponse:
    """Ask what for, then give the PDF; never kept on this node, never cached."""
    row = queries.get_dossier_for(officer, dossier_id)
    form = PrintForm(request.POST or None, initial={"entry": request.GET.get("entry", "")}, dossier=row)
    if request.method == "POST" and form.is_valid():
        try:
            made = flow.print_dossier(officer, dossier_id, **form.told(), now=now)
        except TansiqError as error:
            tell_in_form(form, error, PLACES)
        else:
            answer = HttpResponse(made.raw, content_type="application/pdf")
            answer["Content-Disposition"] = f'attachment; filename="tansiq-{made.numbers[0]:08d}.pdf"'
            return answer
    context = {"form": form, "row": row, "title": row.title or ""}
    return render(request, "web/dossiers/print.html", context, status=400 if form.errors else 200)
