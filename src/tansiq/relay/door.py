"""The relay's door: its addresses of one ASGI application. Bodies are bounded before they are read; errors are problem+json."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final

from tansiq.engine.envelopes.sealing import MAX_ENVELOPE
from tansiq.engine.errors import Conflict, Refused, Rejected, TansiqError, Unavailable
from tansiq.engine.formats import canonical
from tansiq.relay.passing import Relay

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Handler = Callable[[bytes, datetime], bytes]

ENVELOPES: Final = "application/vnd.tansiq.envelopes"
JSON: Final = "application/json"
SMALL: Final = 256 * 1024


def application(relay: Relay, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Any:
    """The ASGI application of a relay."""
    doors: dict[str, tuple[int, str, Handler]] = {
        "/relay/v1/envelopes": (MAX_ENVELOPE, JSON, lambda raw, now: canonical.dumps(relay.take(raw, now))),
        "/relay/v1/pull": (SMALL, ENVELOPES, relay.give),
        "/relay/v1/receipts": (SMALL, JSON, lambda raw, now: _taken(relay, raw, now)),
        "/relay/v1/cards": (SMALL, JSON, lambda raw, _now: _card_taken(relay, raw)),
        "/relay/v1/told": (SMALL, ENVELOPES, relay.give_receipts),
    }

    async def answer(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] == "GET" and scope["path"] == "/health":
            await _send(send, 200, JSON, json.dumps({"status": "ok", "relay": relay.relay_id}).encode())
            return
        limit, type_, handle = doors.get(scope["path"], (0, "", None))
        try:
            if handle is None or scope["method"] != "POST":
                raise Rejected("relay.no_such_address")
            raw = await _body(dict(scope["headers"]), receive, limit)
            # Signatures and the disk are work for a thread: a slow one holds up nobody else.
            body = await asyncio.to_thread(handle, raw, clock())
        except TansiqError as error:
            await _send(send, _status(error), "application/problem+json", _problem(error))
            return
        await _send(send, 200, type_, body)

    return answer


def _taken(relay: Relay, raw: bytes, now: datetime) -> bytes:
    relay.take_receipt(raw, now)
    return b'{"v":1}'


def _card_taken(relay: Relay, raw: bytes) -> bytes:
    relay.take_card(raw)
    return b'{"v":1}'


async def _body(headers: dict[bytes, bytes], receive: Receive, limit: int) -> bytes:
    length = headers.get(b"content-length", b"")
    if not length.isdigit():
        raise Rejected("api.length_required", limit=limit)
    if int(length[:20]) > limit:
        raise Rejected("envelope.too_large", limit=limit)
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Rejected("envelope.cut_off")
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            raise Rejected("envelope.too_large", limit=limit)
        if not message.get("more_body"):
            return b"".join(pieces)


def _status(error: TansiqError) -> int:
    named = {"envelope.sender_unknown": 401, "envelope.too_large": 413, "api.length_required": 411}
    named["relay.no_such_address"] = 404
    kinds: dict[type[TansiqError], int] = {Rejected: 422, Refused: 403, Conflict: 409, Unavailable: 503}
    return named.get(error.code) or next((s for kind, s in kinds.items() if isinstance(error, kind)), 500)


def _problem(error: TansiqError) -> bytes:
    value = {"type": f"urn:tansiq:error:{error.code}", "status": _status(error), "code": error.code}
    return json.dumps({**value, "facts": error.facts}, ensure_ascii=False).encode()


async def _send(send: Send, status: int, type_: str, body: bytes) -> None:
    headers = [(b"content-type", type_.encode()), (b"content-length", b"%d" % len(body))]
    if status >= 400:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
