"""The error tree as HTTP: problem+json (RFC 9457), once for every machine door."""

from __future__ import annotations

import json

from django.http import HttpResponse

from tansiq.engine.errors import Conflict, Corrupt, Refused, Rejected, TansiqError, Unavailable
from tansiq.node.wording import explain

STATUS: dict[type[TansiqError], int] = {Rejected: 422, Refused: 403, Conflict: 409, Unavailable: 503, Corrupt: 500}
# Codes whose status says more than their class does.
STATUS_OF_CODE = {
    "envelope.too_large": 413,
    "envelope.sender_unknown": 401,
    "envelope.signature_invalid": 401,
    "api.too_slow": 408,
    "exchange.too_much": 429,
    "api.no_such_address": 404,
    "client.token": 401,
    "client.too_many": 429,
    "api.length_required": 411,
}


def problem(error: TansiqError) -> HttpResponse:
    """The response that says what was wrong, by code and facts; the sentence is in English for a log reader."""
    status = STATUS_OF_CODE.get(error.code) or next(s for kind, s in STATUS.items() if isinstance(error, kind))
    body = {
        "type": f"urn:tansiq:error:{error.code}",
        "title": explain(error, "en"),
        "status": status,
        "code": error.code,
        "facts": error.facts,
    }
    response = HttpResponse(
        json.dumps(body, ensure_ascii=False), status=status, content_type="application/problem+json"
    )
    if status in (429, 503):
        response["Retry-After"] = str(error.facts.get("seconds", 5))
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response
