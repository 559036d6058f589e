"""Long answers piece by piece: under the server's loop as under a plain one, never whole in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest


def streamed(request: HttpRequest, pieces: Iterator[bytes]) -> Iterator[bytes] | AsyncIterator[bytes]:
    """The pieces as a ``StreamingHttpResponse`` takes them: under ASGI it would make a list of a plain iterator."""
    return _awaited(pieces) if isinstance(request, ASGIRequest) else pieces


async def _awaited(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Each piece read in the request's own thread, whose database connection is given back when the request ends."""
    while (one := await sync_to_async(next, thread_sensitive=True)(pieces, None)) is not None:
        yield one
