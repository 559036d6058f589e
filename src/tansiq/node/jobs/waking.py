"""Bells: whoever commits work rings, so that a loop of any process of this node looks at once instead of at its next turn.

A bell is a named pipe in the node's home, one for each loop of each worker. Ringing is a hint and nothing more: what is owed is a row, and a
loop whose bell is lost, full or not there finds the row at its next turn. So nothing here raises, waits, or is kept.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from django.conf import settings
from django.db import transaction

FOLDER = "bells"
JOBS, DELIVER = "jobs", "deliver"


def _folder() -> Path | None:
    """Where this node's bells hang; None for a process that has a store and no home."""
    node = getattr(settings, "NODE", None)
    return Path(node.home) / FOLDER if node else None


def ring(loop: str) -> None:
    """Wake every loop of that name now."""
    folder = _folder()
    with contextlib.suppress(OSError):
        for bell in folder.iterdir() if folder else ():
            if bell.name.startswith(f"{loop}."):
                _pull(bell)


def ring_after_commit(loop: str) -> None:
    """Wake every loop of that name once the caller's transaction is durable; at once outside of one."""
    transaction.on_commit(_RINGS[loop], robust=True)


def _ring_jobs() -> None:
    ring(JOBS)


def _ring_deliver() -> None:
    ring(DELIVER)


_RINGS = {JOBS: _ring_jobs, DELIVER: _ring_deliver}


def _pull(bell: Path) -> None:
    # Nobody listens (ENXIO), or it has been rung often enough (EAGAIN): either is well.
    with contextlib.suppress(OSError):
        descriptor = os.open(bell, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(descriptor, b"!")
        finally:
            os.close(descriptor)


def _hung(bell: Path) -> int:
    bell.parent.mkdir(mode=0o700, exist_ok=True)
    if not bell.is_fifo():
        os.mkfifo(bell, 0o600)
    # Open for both, so that the pipe has no end while nobody rings.
    return os.open(bell, os.O_RDWR | os.O_NONBLOCK)


class Bell:
    """One loop's bell, to be waited at; where the system has no named pipes, waiting is all it does."""

    def __init__(self, loop: str, worker: str) -> None:
        folder = _folder()
        self._path = folder / f"{loop}.{quote(worker, safe='')[:120]}" if folder else None
        self._descriptor: int | None = None

    def __enter__(self) -> Bell:
        if self._path is not None and hasattr(os, "mkfifo"):
            with contextlib.suppress(OSError):
                self._descriptor = _hung(self._path)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def wait(self, stop: threading.Event, seconds: float) -> None:
        """Until it is rung, and ``seconds`` at most; what rang before is answered by returning at once."""
        if self._descriptor is None:
            stop.wait(seconds)
        elif select.select([self._descriptor], [], [], seconds)[0]:
            with contextlib.suppress(BlockingIOError):
                while len(os.read(self._descriptor, 4096)) == 4096:
                    pass
