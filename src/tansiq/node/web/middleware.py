"""What happens around every page: the officer's language, the second factor, and the tree of errors put into pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, resolve_url
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from tansiq.engine.errors import TansiqError
from tansiq.node.accounts.queries import has_second_factor
from tansiq.node.web.errors import error_page

Next = Callable[[HttpRequest], HttpResponse]


class OfficerLanguage:
    """Write the page in the language and zone of the officer who reads it.

    A visitor has the language of the cookie or the browser (``LocaleMiddleware``); an officer's own choice
    stands above both.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        officer: Any = request.user
        if officer.is_authenticated and officer.language in dict(settings.LANGUAGES):
            translation.activate(officer.language)
            request.LANGUAGE_CODE = officer.language  # type: ignore[attr-defined]
        with timezone.override(_zone(getattr(officer, "time_zone", ""))):
            return self.get_response(request)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or settings.NODE.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


class KnownMethods:
    """Refuse, on pages, every method that no page has; the doors of machines say for themselves what they take."""

    PAGES = ("GET", "HEAD", "POST")
    DOORS = ("/peer/", "/api/", "/relay/")

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in self.PAGES or request.path.startswith(self.DOORS):
            return self.get_response(request)
        return HttpResponseNotAllowed(self.PAGES)


class SecondFactorFirst:
    """Lead an officer who has no second factor to set one up before anything else, on a node that demands it."""

    OPEN = ("/accounts/", "/language/", "/help/", "/static/", "/peer/", "/api/", "/health")

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        officer: Any = request.user
        is_asked = settings.NODE.demands_second_factor and officer.is_authenticated
        if not is_asked or request.path.startswith(self.OPEN) or has_second_factor(officer):
            return self.get_response(request)
        messages.info(
            request, _("This node asks for a second factor before anything else: a security key, or codes of an app.")
        )
        where = resolve_url("mfa_index")
        return HttpResponseClientRedirect(where) if request.htmx else redirect(where)  # type: ignore[attr-defined]


class ErrorsAsPages:
    """Turn a ``TansiqError`` that a view let through into a page that says what to do next; the rest is Django's."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return error_page(request, error) if isinstance(error, TansiqError) else None
