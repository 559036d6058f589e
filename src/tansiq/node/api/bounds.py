"""Before Django: a body that is too large, or of unknown length, is refused from its headers, without reading it.

Django takes a whole body to disk before any view runs, so a view's own limit comes too late for whoever sends without end. The
server below holds a sender to the length it stated.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tansiq.engine.envelopes.blobs import MAX_HEAD, PIECE
from tansiq.engine.envelopes.sealing import MAX_ENVELOPE
from tansiq.engine.errors import Rejected, TansiqError
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


def bounded(application: Application) -> Application:
    """``application`` behind the limits of :data:`LIMITS`, and of 4 MiB for everything else."""

    async def guarded(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        try:
            if scope["type"] == "http":
                _require_bounded(scope["path"], dict(scope["headers"]))
        except TansiqError as error:
            await _refuse(error, send)
            return
        await application(scope, receive, send)

    return guarded


def _require_bounded(path: str, headers: dict[bytes, bytes]) -> None:
    limit = LIMITS.get(path, MAX_PAGE)
    length = headers.get(b"content-length")
    if length is None:
        if b"transfer-encoding" in headers:
            raise Rejected("api.length_required", limit=limit)
        return
    if not length.isdigit():
        raise Rejected("api.length_required", limit=limit)
    if int(length[:20]) > limit:
        raise Rejected("envelope.too_large", limit=limit)


async def _refuse(error: TansiqError, send: Send) -> None:
    response = problem(error)
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(response.content))]
    # What follows on this connection is the body that nobody will read.
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})
