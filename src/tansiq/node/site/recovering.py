"""Before every page and every machine door of our own: a node that is being restored is read, and not written."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from tansiq.engine.errors import TansiqError
from tansiq.node.api.errors import problem
from tansiq.node.exchange import recovery
from tansiq.node.web.errors import error_page

Next = Callable[[HttpRequest], HttpResponse]
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
ALWAYS = ("/peer/", "/accounts/", "/language/", "/sessions/")
"""What goes on in a node that is being restored: partners bring what it lacks, and people come and go."""


class ReadOnlyWhileRecovering:
    """Refuse whatever would write, by pages and by machines of ours, until a restored node knows what it had signed."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in SAFE or request.path.startswith(ALWAYS):
            return self.get_response(request)
        try:
            recovery.require_over()
        except TansiqError as error:
            return problem(error) if request.path.startswith("/api/") else error_page(request, error)
        return self.get_response(request)
