"""Error pages: what happened, and what to do next, in the reader's language.

The tree of errors is mapped to a status once, here. A page tells nothing that the reader may not know: *not found* and
*not allowed to see* are the same page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from tansiq.engine.errors import Conflict, Corrupt, Refused, Rejected, TansiqError, Unavailable
from tansiq.node.web.context import page
from tansiq.node.web.languages import language_now
from tansiq.node.wording import explain

STATUS: dict[type[TansiqError], int] = {Rejected: 400, Refused: 403, Conflict: 409, Unavailable: 503, Corrupt: 500}


@dataclass(frozen=True, slots=True)
class Told:
    """What an error page says: a title, what happened, and the steps that help."""

    title: str
    happened: str
    steps: tuple[str, ...]


def told_of(status: int) -> Told:
    """The words of the page for ``status``, where nothing more is known."""
    again = _("Go back, check what you entered, and try again.")
    tell = _("If it happens again, tell the administrator of this node the time shown below.")
    match status:
        case 400:
            return Told(
                _("This request could not be read"), _("Something in it is not as this page expects."), (again, tell)
            )
        case 403:
            return Told(
                _("This is not permitted"),
                _("A rule of this node or your role does not allow it. The refusal has been recorded."),
                (_("Ask a colleague whose role allows it, or the person responsible for this matter."),),
            )
        case 404:
            return Told(
                _("Nothing here for you"),
                _("There is no such page, or it is not one that you may see."),
                (_("Check the address or the reference."), _("Search for it by name, number or reference.")),
            )
        case 409:
            return Told(
                _("Somebody was first"),
                _("The matter has changed since you opened this page. Nothing of yours was written."),
                (_("Go back, load the page anew, and decide again."),),
            )
        case 429:
            return Told(
                _("Too many attempts"),
                _("For safety this node is not answering further attempts for a while."),
                (
                    _("Wait a quarter of an hour, then try once more with care."),
                    _("Forgot your password? Ask the administrator."),
                ),
            )
        case 503:
            return Told(
                _("This node cannot answer just now"),
                _("It is starting, locked or busy. What you had sent before is safe."),
                (_("Wait a minute and load the page anew."), tell),
            )
        case _:
            return Told(
                _("Something went wrong in this node"),
                _("The fault is ours, not yours. Nothing was half written."),
                (_("Load the page anew to see what was kept."), tell),
            )


def respond(
    request: HttpRequest, status: int, told: Told, *, code: str = "", with_navigation: bool = True
) -> HttpResponse:
    """The page, or for a part of a page (htmx) the same words as a notice."""
    context: dict[str, Any] = {"told": told, "status": status, "code": code}
    context["layout"] = "web/base.html" if with_navigation else "web/bare.html"
    is_part = bool(getattr(request, "htmx", False)) and not getattr(request, "htmx", None).boosted
    name = "web/error_part.html" if is_part else "web/error.html"
    if not with_navigation:
        context = page(_Visitor(request)) | context
    body = render_to_string(name, context, request=request if with_navigation else None)
    return HttpResponse(body, status=status)


class _Visitor:
    """The request without its user: a page about a fault must not touch the store that may be at fault."""

    def __init__(self, request: HttpRequest) -> None:
        self.path = request.path


def error_page(request: HttpRequest, error: TansiqError) -> HttpResponse:
    """The page for an error of the tree, with its own sentence."""
    status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
    if error.code.endswith("not_found"):
        status = 404
    general = told_of(status)
    told = Told(general.title, explain(error, language_now(), isolate=True), general.steps)
    return respond(request, status, told, code=error.code, with_navigation=status < 500)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    return respond(request, 400, told_of(400), with_navigation=False)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    return respond(request, 403, told_of(403))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    return respond(request, 404, told_of(404))


def server_error(request: HttpRequest) -> HttpResponse:
    return respond(request, 500, told_of(500), with_navigation=False)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """A form that did not come from a page of this node, or came too late."""
    told = Told(
        _("This form is no longer valid"),
        _(
            "Its safety mark is missing or too old, so nothing was written. "
            "This happens when you signed in again in another window."
        ),
        (
            _("Go back, load the page anew, and send the form once more."),
            _("Make sure that your browser accepts cookies of this site."),
        ),
    )
    return respond(request, 403, told, with_navigation=False)


def too_many(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    return respond(request, 429, told_of(429), with_navigation=False)


def locked_out(request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
    """Too many failed attempts to sign in."""
    return too_many(request)
