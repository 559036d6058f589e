"""Where an officer is signed in, and ending it there."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from tansiq.node.accounts import sessions
from tansiq.node.web.access import for_officers

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """The officer's open sessions, this one marked."""
    del now
    rows = sessions.sessions_of(officer)
    return render(request, "web/account/sessions.html", {"rows": rows, "here": request.session.session_key})


@require_POST
@for_officers
def end(request: HttpRequest, officer: Officer, now: datetime, number: int) -> HttpResponse:
    """End one session."""
    sessions.end_session(officer, number, now=now)
    messages.success(request, _("That session is ended. Whoever used it has to sign in again."))
    return redirect("sessions")


@require_POST
@for_officers
def end_others(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """End all sessions but this one."""
    but = request.session.session_key or ""
    count = sessions.end_sessions(officer, but=but, actor=officer.reference, now=now)
    told = ngettext("%(count)d other session is ended.", "%(count)d other sessions are ended.", count)
    messages.success(request, told % {"count": count})
    return redirect("sessions")
