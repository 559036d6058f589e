"""Connections on which nothing moves are let go, so that whoever holds them open keeps nobody else from being served.

uvicorn waits for ever for a request to begin or go on, and for an answer to be read. Here every connection is looked at every few
seconds: if no byte came and none left for :data:`STALL` seconds, although it was the other side's turn, it is dropped with all that
was kept for it. How long a body may take that does trickle is the affair of ``bounds``.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

STALL = 30.0


class Patient(HttpToolsProtocol):
    """uvicorn's protocol with an end to its patience."""

    stall: ClassVar[float] = STALL

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to look."""
        super().connection_made(transport)
        self._moved_at, self._unsent = self.loop.time(), 0
        self._look_again()

    def data_received(self, data: bytes) -> None:
        """Something came."""
        self._moved_at = self.loop.time()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to look at."""
        self._looking.cancel()
        super().connection_lost(exc)

    def _look_again(self) -> None:
        self._looking = self.loop.call_later(self.stall / 4, self._look)

    def _look(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        if unsent != self._unsent or self._is_our_turn(unsent):
            self._unsent, self._moved_at = unsent, self.loop.time()
        if self.loop.time() - self._moved_at >= self.stall:
            self.transport.abort()
        else:
            self._look_again()

    def _is_our_turn(self, unsent: int) -> bool:
        """A whole request is here and its answer is being made: that the line is quiet is no fault of the other side."""
        cycle: Any = self.cycle
        return unsent == 0 and cycle is not None and not cycle.more_body and not cycle.response_complete
