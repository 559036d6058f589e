"""Plans: where officers say what they are about to do, so that no other unit does it beside them unknowingly."""

from __future__ import annotations

import csv
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tansiq.engine.errors import TansiqError
from tansiq.engine.formats.times import format_time
from tansiq.node.accounts.policy import may, require
from tansiq.node.deconfliction import queries
from tansiq.node.flows import planning
from tansiq.node.web import words
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.place import PlaceForm
from tansiq.node.web.forms.plan import POINTERS, PlanForm
from tansiq.node.web.pages import plans as pages
from tansiq.node.web.pages.place import home_state, place_told
from tansiq.node.web.refusals import tell_in_form

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.deconfliction.models import Plan

PAGE = 25


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """The plans of the officer's circles, the next ones first; those that are over when asked for."""
    told = {name: request.GET.get(name, "").strip() for name in ("kind", "state", "words")}
    rows = [row for row in queries.plans_for(officer) if _fits(row, told, now)]
    if request.GET.get("form") == "csv":
        return _file(rows, now)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    met = list(queries.conflicts_for(officer, open_only=True))
    context = {
        "page": page,
        "lines": [pages.plan_line(row, now=now, open_conflicts=met) for row in page],
        "told": told,
        "names": words.node_names(),
        "kinds": words.list_choices("plan_kinds"),
        "states": [(state, word) for state, (word, _tone) in pages.state_words().items()],
        "open_conflicts": len(met),
        "may_plan": may(officer.roles, "plan"),
        "exceptions": len(queries.exceptions_for(officer)),
    }
    return render(request, "web/plans/index.html", context)


def _file(rows: list[Plan], now: datetime) -> HttpResponse:
    """Codes, ids, times and the officer's own references; no place, no subject, no telephone leaves in a list."""
    answer = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="plans.csv"'
    out = csv.writer(answer)
    out.writerow(["plan", "reference", "kind", "state", "from", "to", "version", "partners"])
    for row in rows:
        times = format_time(row.begins_at), format_time(row.ends_at)
        state = row.status_at(now)
        out.writerow(
            [row.plan_id, _as_text(row.reference), row.kind, state, *times, row.version, " ".join(row.partners)]
        )
    return answer


def _as_text(value: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{value}" if value[:1] in "=+-@\t\r" and value else value


def _fits(row: Plan, told: dict[str, str], now: datetime) -> bool:
    state = row.status_at(now)
    return (
        (state == told["state"] if told["state"] else state in ("planned", "active"))
        and told["kind"] in ("", row.kind)
        and told["words"].casefold() in row.reference.casefold()
    )


@require_POST
@for_officers
def place(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:  # noqa: ARG001
    """What was drawn or typed so far, in words and for the map; nothing of it is kept."""
    return render(request, "web/parts/place_told.html", {"told": place_told(PlaceForm(request.POST))})


@for_officers
def new(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """Enter a plan; before it is kept, see who will be asked and what each side learns."""
    require(officer.roles, "plan")
    return _form(request, officer, now)


@for_officers
def move(request: HttpRequest, officer: Officer, now: datetime, plan_id: str) -> HttpResponse:
    """Change a plan: a new version, about which everybody is asked anew."""
    require(officer.roles, "plan")
    return _form(request, officer, now, queries.get_plan_for(officer, plan_id))


def _form(request: HttpRequest, officer: Officer, now: datetime, plan: Plan | None = None) -> HttpResponse:
    initial = pages.initial_of(plan) if plan else pages.contact_on_duty(officer, now)
    form = PlanForm(request.POST or None, initial=initial, partners=pages.askable_choices(now))
    context: dict[str, Any] = {"form": form, "plan": plan, "map_home": home_state()}
    if request.POST.get("do") == "rows":
        form.leave_unchecked()
    elif request.method == "POST" and form.is_valid():
        try:
            entered = planning.read_plan(form.as_plan())
            if request.POST.get("do") == "check":
                context["considered"] = pages.considered_shown(
                    planning.consider(officer, entered, now=now), entered.leave_out
                )
            else:
                return _kept(request, _keep(officer, entered, now, plan))
        except TansiqError as error:
            tell_in_form(form, error, POINTERS)
    context["told"] = place_told(PlaceForm(request.POST or form.initial))
    context["has_subjects"] = request.POST.get("do") == "rows" or form.shows_subjects()
    return render(request, "web/plans/plan_form.html", context, status=400 if form.errors else 200)


def _keep(officer: Officer, entered: Any, now: datetime, plan: Plan | None) -> Plan:
    if plan is None:
        return planning.add(officer, entered, now=now)
    return planning.move(officer, str(plan.plan_id), entered, now=now)


def _kept(request: HttpRequest, plan: Plan) -> HttpResponse:
    messages.success(request, _("The plan is kept. The partners are asked now."))
    return redirect("plans_show", plan_id=plan.plan_id)


@for_officers
def show(request: HttpRequest, officer: Officer, now: datetime, plan_id: str) -> HttpResponse:
    """A plan, where it stands with each partner, and what meets it; asked by htmx, only the partners."""
    row = queries.get_plan_for(officer, plan_id)
    names = words.node_names()
    asked = pages.partners_shown(row)
    context = {
        "plan": pages.plan_shown(row, now=now),
        "partners": asked,
        "is_waiting": pages.is_waiting(asked),
        "conflicts": [pages.conflict_line(one, names) for one in queries.conflicts_for(officer).filter(plan=row)],
        "names": names,
    }
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "web/plans/asked.html", context)
    context |= {"may_plan": may(officer.roles, "plan"), "map_home": home_state()}
    return render(request, "web/plans/plan.html", context)


@require_POST
@for_officers
def cancel(request: HttpRequest, officer: Officer, now: datetime, plan_id: str) -> HttpResponse:
    """Give a plan up: partners keep nothing of it."""
    planning.cancel(officer, plan_id, now=now)
    messages.success(request, _("The plan is cancelled. Partners keep nothing of it but that questions were asked."))
    return redirect("plans_show", plan_id=plan_id)


@require_POST
@for_officers
def finish(request: HttpRequest, officer: Officer, now: datetime, plan_id: str) -> HttpResponse:
    """Say that a plan is done before its time is over."""
    planning.finish(officer, plan_id, now=now)
    messages.success(request, _("The plan is done."))
    return redirect("plans_show", plan_id=plan_id)


@require_POST
@for_officers
def ask_again(request: HttpRequest, officer: Officer, now: datetime, plan_id: str) -> HttpResponse:
    """Ask the partners once more that have not answered."""
    planning.check(officer, plan_id, now=now)
    messages.success(request, _("The partners that have not answered are asked once more."))
    return redirect("plans_show", plan_id=plan_id)
