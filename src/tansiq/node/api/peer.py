"""What partners' nodes call: envelopes in, receipts in, and what waits out. Parsing and verification are the exchange's."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import wraps

from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from tansiq.engine.envelopes.sealing import MAX_ENVELOPE
from tansiq.engine.errors import Rejected, TansiqError, Unavailable
from tansiq.engine.formats import canonical, strict_json
from tansiq.node.api.bounds import MAX_PIECE, MAX_PULL, MAX_RECEIPT
from tansiq.node.api.errors import problem
from tansiq.node.exchange import accepting, actions, pulling
from tansiq.node.flows import fetching
from tansiq.node.partners import queries as partners
from tansiq.node.vault import keys

View = Callable[[HttpRequest], HttpResponse]


def door(*, max_bytes: int) -> Callable[[Callable[[bytes], HttpResponse]], View]:
    """A view that reads at most ``max_bytes`` of foreign bytes and maps every error of the tree once."""

    def wrap(handle: Callable[[bytes], HttpResponse]) -> View:
        @csrf_exempt
        @require_POST
        @wraps(handle)
        def view(request: HttpRequest) -> HttpResponse:
            try:
                return handle(_read(request, max_bytes))
            except TansiqError as error:
                return problem(error)
            except OperationalError:
                return problem(Unavailable("api.store_busy"))

        return view

    return wrap


def _read(request: HttpRequest, max_bytes: int) -> bytes:
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdecimal()):
        raise Rejected("api.length_required", limit=max_bytes)
    if int(length[:20]) > max_bytes:
        raise Rejected("envelope.too_large", limit=max_bytes)
    raw = request.read(max_bytes + 1)
    if len(raw) > max_bytes:
        raise Rejected("envelope.too_large", limit=max_bytes)
    return bytes(raw)


def _json(value: object) -> HttpResponse:
    return HttpResponse(canonical.dumps(value), content_type="application/json")


@door(max_bytes=MAX_ENVELOPE)
def envelopes(raw: bytes) -> HttpResponse:
    """POST /peer/v1/envelopes: one envelope in, its signed receipt out."""
    return _json(accepting.accept(raw, timezone.now()))


@door(max_bytes=MAX_RECEIPT)
def receipts(raw: bytes) -> HttpResponse:
    """POST /peer/v1/receipts: the receipt of an envelope that was fetched."""
    value = strict_json.loads(raw)
    if not isinstance(value, dict):
        raise Rejected("envelope.not_a_receipt", at="/")
    actions.record_receipt(_receipting(value), value, timezone.now())
    return _json({"v": 1})


def _receipting(value: dict[str, object]) -> str:
    """Who claims to receipt; :func:`actions.record_receipt` proves it against that node's keys."""
    from tansiq.engine.envelopes.dsse import Signed

    claim = strict_json.loads(Signed.from_json(value).payload)
    return str(claim.get("sender", "")) if isinstance(claim, dict) else ""


@door(max_bytes=MAX_PULL)
def pull(raw: bytes) -> HttpResponse:
    """POST /peer/v1/pull: what waits for the partner that asks, framed."""
    now = timezone.now()
    partner = pulling.asker(raw, now)
    actions.wake(partner)
    return HttpResponse(
        pulling.waiting(partner, f"pull-{os.getpid()}", now), content_type="application/vnd.tansiq.envelopes"
    )


@door(max_bytes=MAX_PULL)
def read_blob(raw: bytes) -> HttpResponse:
    """POST /peer/v1/blobs/read: a stretch of a sealed file, for a partner that may have it."""
    return HttpResponse(fetching.serve_read(raw, timezone.now()), content_type="application/octet-stream")


@door(max_bytes=MAX_PIECE)
def write_blob(raw: bytes) -> HttpResponse:
    """POST /peer/v1/blobs/write: a piece of a sealed file that is awaited here, brought by a partner that cannot be dialled."""
    return _json(fetching.serve_write(raw, timezone.now()))


@require_GET
def health(_request: HttpRequest) -> HttpResponse:
    """GET /health: whether this node can serve: unlocked, and its store answers."""
    try:
        keys.current()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        node = partners.my_id()
    except (TansiqError, OperationalError) as error:
        code = error.code if isinstance(error, TansiqError) else "api.store_busy"
        return HttpResponse(
            json.dumps({"status": "unavailable", "code": code}), status=503, content_type="application/json"
        )
    return HttpResponse(json.dumps({"status": "ok", "node": node}), content_type="application/json")
