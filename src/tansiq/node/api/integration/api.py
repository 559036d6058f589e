"""The API itself: its routers, its bearer, and every error of the tree as problem+json (RFC 9457)."""

from __future__ import annotations

from typing import Any

from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from tansiq.engine.errors import Refused, Rejected, TansiqError, Unavailable
from tansiq.engine.formats.json_values import pointer
from tansiq.node.api.errors import problem
from tansiq.node.api.integration import desk, dossiers, lists, questions, register
from tansiq.node.api.integration.access import StrictParser, Token
from tansiq.node.api.integration.schemas import Problem

REFUSALS = {
    401: "no token that opens anything",
    403: "not this client, not this scope, or the accord says no: the clause is told",
    404: "no such address",
    409: "it stands otherwise by now",
    413: "too much at once",
    422: "wrong, incomplete or unknown: place and rule are told",
    429: "more calls a minute than agreed",
    503: "not now: try again",
}
"""What any call may answer instead, as problem+json."""


class Described(NinjaAPI):
    """A description that names the refusals too, in their own media type."""

    def get_openapi_schema(self, **told: Any) -> Any:
        """The OpenAPI document; every operation lists :data:`REFUSALS`."""
        schema = super().get_openapi_schema(**told)
        schema["components"].setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        refusals = {status: {"description": words, "content": content} for status, words in REFUSALS.items()}
        for operations in schema["paths"].values():
            for operation in operations.values():
                operation["responses"] = refusals | operation["responses"]
        return schema


api = Described(
    title="Tansiq",
    version="1",
    description="What other systems of this authority ask of its node. Nothing here signs: an officer does.",
    urls_namespace="integration",
    auth=Token(),
    parser=StrictParser(),
    docs_url=None,
)
for room in (questions, lists, desk, dossiers, register):
    api.add_router("", room.router)


@api.exception_handler(TansiqError)
def _told(_request: HttpRequest, error: TansiqError) -> HttpResponse:
    return problem(error)


@api.exception_handler(OperationalError)
def _busy(_request: HttpRequest, _error: OperationalError) -> HttpResponse:
    return problem(Unavailable("api.store_busy"))


@api.exception_handler(ValidationError)
def _malformed(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    """The first place that is not as the description says; the rule by its name, never the value."""
    first = error.errors[0]
    # Ninja begins the place with where it looked; in a body the argument's name follows, which the sender does not know.
    place = [str(step) for step in first["loc"]]
    place = place[2:] if place[0] == "body" else place[1:]
    return problem(Rejected("api.malformed", at=pointer("", *place) or "/", rule=first["type"]))


@api.exception_handler(AuthenticationError)
def _nobody(_request: HttpRequest, _error: AuthenticationError) -> HttpResponse:
    return problem(Refused("client.token"))


@api.exception_handler(Http404)
def _nowhere(_request: HttpRequest, _error: Http404) -> HttpResponse:
    return problem(Rejected("api.no_such_address"))


@api.exception_handler(HttpError)
def _by_ninja(_request: HttpRequest, error: HttpError) -> HttpResponse:
    told = error.__cause__  # what the strict reader says of a body; Ninja covers it with its own
    return problem(told if isinstance(told, TansiqError) else Rejected("api.malformed", at="/", rule=str(error)[:40]))


def nowhere(_request: HttpRequest, rest: str) -> HttpResponse:  # noqa: ARG001 - the address map's shape
    """Any other address under ``/api/``: a machine gets no page for people."""
    return problem(Rejected("api.no_such_address"))
