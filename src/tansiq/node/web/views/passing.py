"""Passing on what a partner gave: who would read it, what refuses, and the act. It goes through ``flows.act`` like every other."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tansiq.engine.errors import TansiqError
from tansiq.node.dossiers import queries
from tansiq.node.flows import forwarding
from tansiq.node.flows.reading import note_opened
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.passing import PLACES, PassingForm
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages.passing import offered
from tansiq.node.web.refusals import tell_in_form
from tansiq.node.web.several import ask_each, consider_each
from tansiq.node.web.views.acting import done

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer


@for_officers
def pass_on(request: HttpRequest, officer: Officer, now: datetime, dossier_id: str) -> HttpResponse:
    """The form of passing on; checked, or signed and sent to each chosen partner in a dossier of its own."""
    dossier = queries.get_dossier_for(officer, dossier_id)
    if request.method == "GET":
        note_opened(officer, dossier, now)
    initial = {"language": language_now(), "source": "A", "information": "1"}
    form = PassingForm(dossier_id, offered(dossier), request.POST or None, initial=initial)
    considered: list[dict[str, Any]] = []
    if request.method == "POST":
        is_wanted = form.is_valid() and request.POST.get("do") == "send"
        try:
            told = form.passing()
            if told.chosen:
                intent = forwarding.intent_of(officer, told)
                considered = consider_each(officer, intent, now=now)
                if is_wanted:
                    return done(request, ask_each(officer, intent, now=now))
        except TansiqError as error:
            tell_in_form(form, error, PLACES)
    context = {"form": form, "dossier": dossier, "considered": considered}
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "web/dossiers/considered.html", context)
    return render(request, "web/dossiers/passing.html", context, status=400 if form.errors else 200)
