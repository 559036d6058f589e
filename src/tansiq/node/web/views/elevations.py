"""Roles lent for a while: asking for one, deciding, ending, and seeing who has which."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tansiq.engine.errors import TansiqError
from tansiq.node.accounts import elevations
from tansiq.node.accounts.queries import names_of
from tansiq.node.web import words
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.people import ElevationForm
from tansiq.node.web.refusals import tell_in_form

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Elevation, Officer


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """What is lent now, what waits for a decision, and the form to ask."""
    form = ElevationForm(officer, request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            elevations.ask(officer, told["role"], minutes=told["minutes"], reason=told["reason"], now=now)
        except TansiqError as error:
            tell_in_form(form, error, {f"/{name}": name for name in form.fields})
        else:
            messages.success(request, _("It lies on the desks of those who decide. You see here when they have."))
            return redirect("people_roles")
    return render(request, "web/people/roles.html", _context(officer, form, now), status=400 if form.errors else 200)


def _context(officer: Officer, form: ElevationForm, now: datetime) -> dict[str, Any]:
    held, waits, over = elevations.in_force(now), elevations.waiting(), elevations.lately(now)
    names = names_of({one for row in (*held, *over) for one in (row.decided_by, row.ended_by)})
    decides = elevations.may_decide(officer)
    mine = elevations.of_officer(officer)
    waits = waits if decides else [row for row in waits if row.officer_id == officer.pk]
    return {
        "form": form,
        "held": [_shown(row, names, officer, decides=decides) for row in held],
        "waits": [_shown(row, names, officer, decides=decides) for row in waits],
        "over": [_shown(row, names, officer, decides=decides) for row in over],
        "has_open": mine is not None,
        "decides": decides,
    }


def _shown(row: Elevation, names: dict[str, str], officer: Officer, *, decides: bool) -> dict[str, Any]:
    is_own = row.officer_id == officer.pk
    return {
        "row": row,
        "role": words.officer_role(row.role),
        "by": names.get(row.decided_by, ""),
        "ended_by": names.get(row.ended_by, ""),
        "reason": row.reason if is_own or decides else "",
        "may_decide": decides and not is_own,
        "may_end": decides or is_own,
    }


def _done(request: HttpRequest, act: Callable[[], Any], said: str) -> HttpResponse:
    act()
    messages.success(request, said)
    return redirect("people_roles")


@require_POST
@for_officers
def grant(request: HttpRequest, officer: Officer, now: datetime, number: int) -> HttpResponse:
    """Lend the role that was asked for."""
    return _done(
        request, lambda: elevations.decide(officer, number, is_granted=True, now=now), _("Granted: everybody sees it.")
    )


@require_POST
@for_officers
def refuse(request: HttpRequest, officer: Officer, now: datetime, number: int) -> HttpResponse:
    """Do not lend it."""
    return _done(request, lambda: elevations.decide(officer, number, is_granted=False, now=now), _("Refused."))


@require_POST
@for_officers
def end(request: HttpRequest, officer: Officer, now: datetime, number: int) -> HttpResponse:
    """Take it back, or end it before its time."""
    return _done(request, lambda: elevations.end(officer, number, now=now), _("It is over."))
