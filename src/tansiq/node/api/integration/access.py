"""Who calls, and may: the token, its rate and its scopes; and bodies and errors in this house's own form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.http import HttpRequest
from django.utils import timezone
from ninja.parser import Parser
from ninja.security import HttpBearer

from tansiq.engine.errors import Refused
from tansiq.engine.formats import strict_json
from tansiq.node.clients import actions
from tansiq.node.clients.policy import require_scope

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.clients.models import Client

MAX_BODY = 4 * 1024 * 1024
_LIMITS = strict_json.Limits(max_bytes=MAX_BODY, allow_floats=True)


class Token(HttpBearer):
    """``Authorization: Bearer tansiq_…``; every call is counted against the client's rate."""

    openapi_scheme = "bearer"

    def authenticate(self, request: HttpRequest, token: str) -> Client:  # noqa: ARG002 - Django Ninja's shape
        return actions.admit(token, timezone.now())


class StrictParser(Parser):
    """Bodies are read by the one strict reader of foreign JSON: a key twice or a lone surrogate is an error here as at any door."""

    def parse_body(self, request: HttpRequest) -> Any:
        return strict_json.loads(request.body, limits=_LIMITS)


def client_of(request: HttpRequest, scope: str) -> Client:
    """The client that calls; raises Refused("client.scope") unless it was given ``scope`` (none is needed for "")."""
    client = cast("Client | None", getattr(request, "auth", None))
    if client is None:
        raise Refused("client.token")
    if scope:
        require_scope(client.scopes, scope)
    return client


def account_of(request: HttpRequest, scope: str) -> Officer:
    """The account by which the client acts."""
    return cast("Officer", client_of(request, scope).officer)
