"""Breaches of personal data, for the data-protection officer: written down, told to the authority and to partners, followed, closed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tansiq.engine.errors import TansiqError
from tansiq.node.accounts.policy import require
from tansiq.node.flows import breaches as flow
from tansiq.node.rights import breaches, queries
from tansiq.node.web import words
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.breaches import BreachForm, NotedForm, NoticeForm
from tansiq.node.web.pages.breaches import breach_line, breach_shown
from tansiq.node.web.refusals import tell_in_form

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.rights.models import Breach


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """The open breaches, the first due first, and a form for a new one."""
    require(officer.roles, "claims")
    form = BreachForm(request.POST or None, initial={"known": now})
    if request.method == "POST" and form.is_valid():
        try:
            made = breaches.open_breach(officer, form.told(), now=now)
        except TansiqError as error:
            tell_in_form(form, error)
        else:
            messages.success(
                request, _("The breach is written down. Tell the supervisory authority, then the partners.")
            )
            return redirect("rights_breach", breach_id=str(made.pk))
    context = {
        "rows": [breach_line(row) for row in queries.breaches_for(officer)],
        "closed": [breach_line(row) for row in queries.breaches_for(officer, is_open=False)],
        "form": form,
    }
    return render(request, "web/rights/breaches.html", context, status=400 if form.errors else 200)


@for_officers
def show(request: HttpRequest, officer: Officer, now: datetime, breach_id: str) -> HttpResponse:
    """One breach, and how far each notice is. That it was read is recorded."""
    breach = queries.get_breach_for(officer, breach_id)
    breaches.note_read(officer, breach, now=now)
    return _page(request, breach, now)


def _page(request: HttpRequest, breach: Breach, now: datetime, **forms: NotedForm | NoticeForm) -> HttpResponse:
    at = {"at": now}
    told = {
        "supervisor_form": NotedForm(prefix="supervisor", initial=at),
        "persons_form": NotedForm(prefix="persons", initial=at),
        "notice_form": NoticeForm(),
    }
    context = {"breach": breach_shown(breach), "names": words.node_names(), **told, **forms}
    return render(request, "web/rights/breach.html", context, status=400 if forms else 200)


@require_POST
@for_officers
def note(request: HttpRequest, officer: Officer, now: datetime, breach_id: str) -> HttpResponse:
    """Note that the supervisory authority or the persons concerned were told."""
    breach = queries.get_breach_for(officer, breach_id)
    whom = "persons" if request.POST.get("whom") == "persons" else "supervisor"
    form = NotedForm(request.POST, prefix=whom)
    if not form.is_valid():
        return _page(request, breach, now, **{f"{whom}_form": form})
    write = breaches.note_persons if whom == "persons" else breaches.note_supervisor
    try:
        write(officer, breach.pk, now=now, **form.cleaned_data)
    except TansiqError as error:
        tell_in_form(form, error)
        return _page(request, breach, now, **{f"{whom}_form": form})
    messages.success(request, _("It is noted."))
    return redirect("rights_breach", breach_id=breach_id)


@require_POST
@for_officers
def notify(request: HttpRequest, officer: Officer, now: datetime, breach_id: str) -> HttpResponse:
    """Lay a draft for each partner that is chosen on the desk of a circle."""
    breach = queries.get_breach_for(officer, breach_id)
    form = NoticeForm(request.POST)
    if not form.is_valid():
        return _page(request, breach, now, notice_form=form)
    given = form.cleaned_data
    try:
        flow.notify(officer, breach_id, to=given["partners"], circle=given["circle"], words=given["words"], now=now)
    except TansiqError as error:
        tell_in_form(form, error)
        return _page(request, breach, now, notice_form=form)
    messages.success(
        request, _("A draft for each partner lies on the desk of the circle: an officer signs and sends it.")
    )
    return redirect("rights_breach", breach_id=breach_id)


@require_POST
@for_officers
def otherwise(request: HttpRequest, officer: Officer, now: datetime, breach_id: str, notice_id: int) -> HttpResponse:
    """Note that a partner was told by another way."""
    breaches.note_otherwise(officer, breach_id, str(notice_id), note=request.POST.get("note", ""), now=now)
    messages.success(request, _("It is noted."))
    return redirect("rights_breach", breach_id=breach_id)


@require_POST
@for_officers
def close(request: HttpRequest, officer: Officer, now: datetime, breach_id: str) -> HttpResponse:
    """Close a breach of which everybody was told."""
    flow.close(officer, breach_id, now=now)
    messages.success(request, _("The breach is closed."))
    return redirect("rights_breach", breach_id=breach_id)
