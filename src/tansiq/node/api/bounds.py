"""Before Django: a body that is too large, or of unknown length, is refused from its headers, without reading it.

Django takes a whole body to disk before any view runs, so a view's own limit comes too late for whoever sends without end. The
server below holds a sender to the length it stated. At partners' doors a body that trickles has an end too: what is not whole in the
time that a slow line needs is refused, and the connection with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tansiq.engine.envelopes.blobs import MAX_HEAD, PIECE
from tansiq.engine.envelopes.sealing import MAX_ENVELOPE
from tansiq.engine.errors import Rejected, TansiqError, Unavailable
from tansiq.node.api.errors import problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

MAX_RECEIPT = 256 * 1024
MAX_PULL = 16 * 1024
MAX_PAGE = 4 * 1024 * 1024 + 64 * 1024
"""Of any page: as much as is held in memory, so that no file an officer sends touches the disk in clear."""
MAX_PIECE = PIECE + MAX_HEAD + MAX_PULL
LIMITS = {
    "/peer/v1/envelopes": MAX_ENVELOPE,
    "/peer/v1/receipts": MAX_RECEIPT,
    "/peer/v1/pull": MAX_PULL,
    "/peer/v1/blobs/read": MAX_PULL,
    "/peer/v1/blobs/write": MAX_PIECE,
}

GRACE = 30.0
SLOWEST = 16 * 1024
"""Bytes a second: what the slowest line between two nodes is taken to carry."""


def bounded(application: Application) -> Application:
    """``application`` behind the limits of :data:`LIMITS`, and of 4 MiB for everything else."""

    async def guarded(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        try:
            length = _require_bounded(scope["path"], dict(scope["headers"]))
        except TansiqError as error:
            await _refuse(error, send)
            return
        seconds = GRACE + length / SLOWEST if scope["path"] in LIMITS else None
        try:
            await application(scope, _in_time(receive, seconds) if seconds is not None else receive, send)
        except Unavailable as error:
            await _refuse(error, send)

    return guarded


def _in_time(receive: Receive, seconds: float) -> Receive:
    """``receive`` for a body that must be whole ``seconds`` from now; what comes after it is not asked for a time."""
    until = asyncio.get_running_loop().time() + seconds
    is_whole = False

    async def received() -> Message:
        nonlocal is_whole
        if is_whole:
            return await receive()
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise Unavailable("api.too_slow", seconds=int(seconds)) from None
        is_whole = not message.get("more_body", False)
        return message

    return received


def _require_bounded(path: str, headers: dict[bytes, bytes]) -> int:
    """The length that the headers state, 0 without one; raises Rejected where it is none, or too large."""
    limit = LIMITS.get(path, MAX_PAGE)
    length = headers.get(b"content-length")
    if length is None:
        if b"transfer-encoding" in headers:
            raise Rejected("api.length_required", limit=limit)
        return 0
    if not length.isdigit():
        raise Rejected("api.length_required", limit=limit)
    if int(length[:20]) > limit:
        raise Rejected("envelope.too_large", limit=limit)
    return int(length)


async def _refuse(error: TansiqError, send: Send) -> None:
    response = problem(error)
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(response.content))]
    # What follows on this connection is the body that nobody will read.
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})
