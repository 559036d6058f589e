"""How a page comes to its officer: signed in, and given to the view as an argument."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect

P = ParamSpec("P")

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer

    View = Callable[Concatenate[HttpRequest, Officer, datetime, P], HttpResponse]


def for_officers(view: View[P]) -> Callable[..., HttpResponse]:
    """Only for a signed-in officer; the view gets the officer and the time. Nothing of it may stay in a cache."""

    @never_cache
    @wraps(view)
    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        officer: Any = request.user
        if not officer.is_authenticated:
            if request.htmx:  # type: ignore[attr-defined]
                # A part of a page must not be replaced by the sign-in page: the whole page goes there.
                return HttpResponseClientRedirect(resolve_url("account_login"))
            return redirect_to_login(request.get_full_path(), resolve_url("account_login"))
        return view(request, officer, timezone.now(), *args, **kwargs)

    return run
