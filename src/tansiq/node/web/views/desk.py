"""The desk: what needs this officer now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.handlers.asgi import ASGIRequest
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from tansiq.engine.formats.times import format_time, parse_time
from tansiq.node.accounts.queries import colleagues_of, get_officer
from tansiq.node.desk import actions, queries
from tansiq.node.dossiers.queries import drafts_for
from tansiq.node.web.access import for_officers
from tansiq.node.web.open_desks import Reader
from tansiq.node.web.open_desks import events as desk_events
from tansiq.node.web.pages.desk import tasks_shown

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer


def _context(request: HttpRequest, officer: Officer, now: datetime) -> dict[str, Any]:
    only = request.GET.get("only", "")
    circle = request.GET.get("circle", "")
    page = queries.list_for(
        officer,
        now=now,
        circle=circle if circle in officer.circles else None,
        after=request.GET.get("after") or None,
        urgent=True if only == "urgent" else None,
        due_before=now if only == "overdue" else None,
        colleagues=only == "colleagues",
        snoozed=only == "snoozed",
        exercise=only == "exercise",
    )
    counts = queries.counts_for(officer, now=now)
    return {
        "tasks": tasks_shown(officer, page.tasks),
        "counts": counts,
        "only": only,
        "circle": circle,
        "circles": sorted(officer.circles),
        "after": page.after,
        "colleagues": colleagues_of(officer),
    }


@for_officers
def show(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """The desk; asked by htmx, only the list that renews itself."""
    context = _context(request, officer, now)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "web/desk/live.html", context)
    return render(
        request,
        "web/desk/desk.html",
        context | {"drafts": drafts_for(officer)[:20], "since": format_time(now), "views": queries.views_of(officer)},
    )


@require_GET
@for_officers
def events(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponseBase:
    """The stream that tells an open desk to renew itself; 204, which ends it for good, where a server has no loop to hold it."""
    del now
    if not isinstance(request, ASGIRequest):
        return HttpResponse(status=204)
    since = parse_time(request.headers.get("Last-Event-ID") or request.GET.get("since", ""), at="since")
    reader = Reader(officer.reference, officer.circles, request.session.session_key or "", since)
    return StreamingHttpResponse(
        desk_events(reader), content_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


@require_POST
@for_officers
def several(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """Do one thing with every chosen task, or with none of them if one refuses."""
    keys = request.POST.getlist("key")[: queries.PAGE]
    acts: dict[str, Callable[[str], object]] = {
        "take": lambda key: actions.take(officer, key, now=now),
        "give_back": lambda key: actions.give_back(officer, key, now=now),
        "done": lambda key: actions.mark_done(officer, key, now=now),
    }
    if request.POST.get("do") == "hand_over":
        colleague = get_officer(request.POST.get("to", ""))
        acts["hand_over"] = lambda key: actions.hand_over(officer, key, to=colleague, now=now)
    act = acts.get(request.POST.get("do", ""))
    if act is None or not keys:
        messages.warning(request, _("Choose at least one task."))
        return redirect("desk")
    with transaction.atomic():
        for key in keys:
            act(key)
    told = ngettext("Done with %(count)d task.", "Done with %(count)d tasks.", len(keys)) % {"count": len(keys)}
    messages.success(request, told)
    return redirect("desk")


@require_POST
@for_officers
def watch(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """Hand everything that this officer deals with over to the next watch, with a word."""
    colleague = get_officer(request.POST.get("to", ""))
    note = request.POST.get("note", "")
    given, kept = actions.hand_over_watch(officer, by=officer.display_name, to=colleague, note=note, now=now)
    told = ngettext("%(count)d task was handed over.", "%(count)d tasks were handed over.", given) % {"count": given}
    messages.success(request, told)
    if kept:
        told = ngettext(
            "%(count)d task stays yours: your colleague may not see it.",
            "%(count)d tasks stay yours: your colleague may not see them.",
            kept,
        )
        messages.warning(request, told % {"count": kept})
    return redirect("desk")


@require_POST
@for_officers
def views(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """Keep how the desk is looked at under a name, or forget a view."""
    given = request.POST
    drop = given.get("drop", "")
    if drop:
        actions.drop_view(officer, int(drop) if drop.isascii() and drop.isdigit() and len(drop) < 19 else 0)
        return redirect("desk")
    view = actions.keep_view(
        officer, name=given.get("name", ""), only=given.get("only", ""), circle=given.get("circle", ""), now=now
    )
    return redirect(f"{reverse('desk')}?{urlencode({'only': view.only, 'circle': view.circle})}")


@require_POST
@for_officers
def take(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """Take a task, so that colleagues see it is dealt with."""
    actions.take(officer, request.POST.get("key", ""), now=now)
    return redirect("desk")


@require_POST
@for_officers
def give_back(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """Give a task back to the circle."""
    actions.give_back(officer, request.POST.get("key", ""), now=now)
    return redirect("desk")


@require_POST
@for_officers
def done(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """Say that a task needs nothing more."""
    actions.mark_done(officer, request.POST.get("key", ""), now=now)
    return redirect("desk")
