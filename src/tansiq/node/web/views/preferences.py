"""The officer's own choices about how pages are written, and the help."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tansiq.engine.errors import Rejected
from tansiq.node.accounts.actions import set_language, set_writing
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.writing import WritingForm
from tansiq.node.web.help import topics
from tansiq.node.web.languages import language_now

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Keep the chosen language in a cookie, and for an officer in the account; then return to the page."""
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES):
        raise Rejected("web.unknown_language", at="/language", language=language[:20])
    officer: Any = request.user
    if officer.is_authenticated:
        set_language(officer, language)
    response = HttpResponseRedirect(_way_back(request))
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=365 * 24 * 3600,
        samesite="Lax",
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


@for_officers
def writing(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """Choose calendar, digits and zone of dates."""
    del now
    kept = {"calendar": officer.calendar, "digits": officer.digits, "time_zone": officer.time_zone}
    form = WritingForm(request.POST or None, initial=kept)
    if request.method == "POST" and form.is_valid():
        set_writing(officer, **form.cleaned_data)
        messages.success(request, _("Kept. Dates are written so from now on."))
        return redirect("writing")
    return render(request, "web/writing.html", {"form": form}, status=400 if form.errors else 200)


@for_officers
def help_page(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """What each page is for, all together, to be read or printed."""
    del officer, now
    return render(request, "web/help/index.html", {"topics": topics(language_now())})


def _way_back(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return "/"
