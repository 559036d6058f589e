"""What meets a plan: conflicts, those between plans of this node, exceptions for supervisors, and what partners asked."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tansiq.engine.errors import Refused
from tansiq.node.accounts.queries import names_of
from tansiq.node.deconfliction import policy, queries
from tansiq.node.flows import planning
from tansiq.node.web import words
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.fields import partner_choices
from tansiq.node.web.pages import plans as pages

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer

PAGE = 25


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:  # noqa: ARG001
    """The conflicts of plans of the officer's circles; first those that are to be settled."""
    is_all = request.GET.get("state") == "all"
    page = Paginator(queries.conflicts_for(officer, open_only=not is_all), PAGE).get_page(request.GET.get("page"))
    names = words.node_names()
    context = {"page": page, "lines": [pages.conflict_line(row, names) for row in page], "is_all": is_all}
    return render(request, "web/plans/conflicts.html", context)


@for_officers
def show(request: HttpRequest, officer: Officer, now: datetime, conflict_id: str) -> HttpResponse:  # noqa: ARG001
    """A conflict between two plans of this node; one with a partner is its dossier."""
    row = queries.get_conflict_for(officer, conflict_id)
    if row.dossier_id:
        return redirect("dossiers_show", dossier_id=row.dossier_id)
    context = {"conflict": pages.local_conflict_shown(officer, row), "outcomes": pages.outcome_choices()}
    return render(request, "web/plans/conflict.html", context)


@require_POST
@for_officers
def settle(request: HttpRequest, officer: Officer, now: datetime, conflict_id: str) -> HttpResponse:
    """Say what becomes of two plans of this node that meet, and why."""
    told = {"outcome": request.POST.get("outcome", ""), "reason": request.POST.get("reason", "")}
    planning.settle_local(officer, conflict_id, **told, now=now)
    messages.success(request, _("It is settled. The reason is kept with it."))
    return redirect("plans_conflict", conflict_id=conflict_id)


@for_officers
def exceptions(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """For supervisors: plans whose officer asks to leave partners out."""
    if not policy.is_supervisor(officer):
        raise Refused("account.role", what="exception", roles=sorted(policy.SUPERVISORS))
    rows = queries.exceptions_for(officer)
    people = names_of({row.officer for row in rows})
    names = words.node_names()
    shown = [
        pages.plan_line(row, now=now, open_conflicts=())
        | {
            "by": people.get(row.officer, ""),
            "left_out": words.named(row.held_back, names),
            "why": row.exception_reason,
        }
        for row in rows
    ]
    return render(request, "web/plans/exceptions.html", {"rows": shown})


@require_POST
@for_officers
def decide(request: HttpRequest, officer: Officer, now: datetime, plan_id: str) -> HttpResponse:
    """Grant or refuse an exception, with the reason in writing."""
    is_granted = request.POST.get("do") == "grant"
    reason = request.POST.get("reason", "")
    planning.decide_exception(officer, plan_id, granted=is_granted, reason=reason, now=now)
    told = _("The partners are left out.") if is_granted else _("The partners are asked now.")
    messages.success(request, told)
    return redirect("plans_exceptions")


@for_officers
def asked(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:  # noqa: ARG001
    """What partners asked this node about plans: who, how much, when; what they asked nobody here can know."""
    partner = request.GET.get("partner", "")
    page = Paginator(queries.asked_of_us(officer, partner=partner), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "lines": [pages.question_line(row) for row in page],
        "names": words.node_names(),
        "partners": partner_choices(),
        "partner": partner,
    }
    return render(request, "web/plans/asked_of_us.html", context)
