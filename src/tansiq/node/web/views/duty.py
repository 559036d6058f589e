"""The duty roster, and the reviews of what was sent for a threat to life."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tansiq.engine.errors import Rejected, TansiqError
from tansiq.node.accounts import actions, roster
from tansiq.node.accounts.policy import may, require
from tansiq.node.accounts.queries import names_of, units
from tansiq.node.flows import threats
from tansiq.node.web import words
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.roster import AbsenceForm, ShiftForm
from tansiq.node.web.languages import language_now
from tansiq.node.web.refusals import tell_in_form

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer

DAYS = 14
WRITTEN = {
    "/ends_at": "ends_at",
    "/officer": "officer",
    "/rank": "rank",
    "/weeks": "weeks",
    "/replacement": "replacement",
}


@for_officers
def roster_page(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """A unit's roster for two weeks with its gaps; written by whoever may."""
    held = {unit.code: unit for unit in units()}
    own = officer.unit.code if officer.unit else ""
    code = request.GET.get("unit") or own or next(iter(held), "")
    if code not in held:
        raise Rejected("account.unknown_unit", at="/unit", unit=code[:40])
    forms = {"shift": ShiftForm(code), "absence": AbsenceForm(code)}
    what = request.POST.get("what", "")
    if request.method == "POST":
        require(officer.roles, "roster")
        if what in forms:
            answer = _write(request, officer, now, code, forms, what)
            if answer is not None:
                return answer
    context = {"unit": code, "units": [(u.code, u.name_in(language_now())) for u in held.values()]}
    context |= _shown(code, now) | {"forms": forms, "may_write": may(officer.roles, "roster")}
    return render(
        request, "web/duty/roster.html", context, status=400 if any(f.errors for f in forms.values()) else 200
    )


def _shown(code: str, now: datetime) -> dict[str, Any]:
    until = now + timedelta(days=DAYS)
    return {
        "standing": roster.on_duty(code, now),
        "shifts": roster.shifts_between(code, now, until),
        "gaps": roster.gaps(code, now, until),
        "absences": [row for row in roster.absences_from(now) if row.officer.unit and row.officer.unit.code == code],
        "days": DAYS,
    }


def _write(
    request: HttpRequest, officer: Officer, now: datetime, code: str, forms: dict[str, Any], what: str
) -> HttpResponse | None:
    made = ShiftForm(code, request.POST) if what == "shift" else AbsenceForm(code, request.POST)
    forms[what] = made
    if not made.is_valid():
        return None
    told = made.cleaned_data
    try:
        if what == "shift":
            actions.add_shifts(code, told.pop("officer"), **told, actor=officer.reference, now=now)
        else:
            actions.add_absence(told.pop("officer"), **told, actor=officer.reference, now=now)
    except TansiqError as error:
        tell_in_form(made, error, WRITTEN)
        return None
    messages.success(request, _("The duty roster is kept."))
    return redirect(f"{reverse('channels_duty')}?unit={code}")


@require_POST
@for_officers
def remove_shift(request: HttpRequest, officer: Officer, now: datetime, shift_id: int) -> HttpResponse:
    """Take a shift off the roster."""
    require(officer.roles, "roster")
    actions.remove_shift(shift_id, actor=officer.reference, now=now)
    messages.success(request, _("The duty roster is kept."))
    return redirect("channels_duty")


@for_officers
def reviews(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """What was sent for a threat to life without an accord, for whoever reviews it."""
    rows = threats.reviews_shown(officer, now=now)
    people = names_of({row[name] for row in rows for name in ("officer", "reviewed_by") if row[name]})
    names = words.node_names()
    for row in rows:
        row |= {
            "to": words.named(row["to"], names),
            "officer": people.get(row["officer"], ""),
            "reviewed_by": people.get(row["reviewed_by"], ""),
            "approved_by": [words.officer_role(role) for role in row["approved_by"]],
        }
    return render(request, "web/duty/reviews.html", {"rows": rows})


@require_POST
@for_officers
def review(request: HttpRequest, officer: Officer, now: datetime, entry_id: str) -> HttpResponse:
    """Record the finding of a review."""
    told = {"outcome": request.POST.get("outcome", ""), "measures": request.POST.get("measures", "")}
    threats.review(officer, entry_id, **told, now=now)
    messages.success(request, _("The review is recorded."))
    return redirect("audit_reviews")
