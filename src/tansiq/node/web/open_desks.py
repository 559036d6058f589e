"""Desks that are open in browsers, and the one look that is taken for all of them.

While any desk is open in this process, one thread looks at the table of tasks every ``LOOK_EVERY`` seconds: which rows
changed lately, and whether the sessions of the open desks still hold. It is one question however many desks are open;
each desk hears only of tasks that its officer may see, and what it hears is that something changed, never what: the
page then asks for its list as it always does. No desk open, nothing looked at::

    desk.woken ◀── tell ◀── look (own thread, own connection) ── every 0.75 s ── as long as a desk is open

A change is written under the time of its act and may be committed later, so the look goes back over ``WINDOW`` and
compares with what it saw before. A desk that has not been asked about yet hears of whatever changed since its page was written.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection
from django.utils import timezone

from tansiq.engine.formats.times import format_time
from tansiq.node.accounts.queries import active_references
from tansiq.node.desk.policy import may_see
from tansiq.node.desk.queries import changed_since

if TYPE_CHECKING:
    from tansiq.node.desk.models import Task

LOOK_EVERY = 0.75
KEEP_ALIVE = 15.0
LIFE = 600.0
"""After so many seconds a stream ends and the browser comes again, so that circles and rights are read anew."""
WINDOW = timedelta(minutes=2)
END = b"event: end\ndata: session\n\n"
BEFORE_THE_PAGE = timedelta(seconds=2)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reader:
    """The officer at an open desk as they were when it opened, the session that lets them read, and when their page was written."""

    reference: str
    circles: frozenset[str]
    session: str
    since: datetime


@dataclass(eq=False)
class OpenDesk:
    """One open desk: ``woken`` when there is something to say, ``is_over`` when its session holds no longer."""

    reader: Reader
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    is_new: bool = True
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found: the tasks that changed since ``reaches``, and which sessions and officers still hold."""

    reaches: datetime
    tasks: list[Task]
    sessions: frozenset[str]
    officers: frozenset[str]


def look(readers: Iterable[Reader], now: datetime) -> Look:
    """Three small questions for all open desks together."""
    known = list(readers)
    sessions = Session.objects.filter(session_key__in=[one.session for one in known], expire_date__gt=now)
    return Look(
        now - WINDOW,
        list(changed_since(now - WINDOW)),
        frozenset(sessions.values_list("session_key", flat=True)),
        active_references([one.reference for one in known]),
    )


def _let_go() -> None:
    connection.close()  # named in the thread that runs this: each has a connection of its own


class OpenDesks:
    """Every desk that is open in this process; the thread that looks lives exactly as long as one is."""

    def __init__(self) -> None:
        self._desks: set[OpenDesk] = set()
        self._looking: asyncio.Task[None] | None = None

    def add(self, reader: Reader) -> OpenDesk:
        """A desk that is told of changes until it is removed; needs a running loop."""
        desk = OpenDesk(reader)
        self._desks.add(desk)
        loop = asyncio.get_running_loop()
        if self._looking is None or self._looking.done() or self._looking.get_loop() is not loop:
            self._looking = loop.create_task(self._look_on())
        return desk

    def remove(self, desk: OpenDesk) -> None:
        """The desk is closed."""
        self._desks.discard(desk)

    async def _look_on(self) -> None:
        loop = asyncio.get_running_loop()
        seen: dict[int, datetime] = {}
        with ThreadPoolExecutor(1, "open-desks") as eye:
            while self._desks:
                asked = list(self._desks)  # whoever opens a desk meanwhile was not asked about
                try:
                    found = await loop.run_in_executor(eye, look, [one.reader for one in asked], timezone.now())
                except DatabaseError:
                    log.warning("open desks: the store did not answer, it is asked again", exc_info=True)
                    await loop.run_in_executor(eye, _let_go)
                else:
                    seen = _tell(asked, found, seen)
                await asyncio.sleep(LOOK_EVERY)
            await loop.run_in_executor(eye, _let_go)


def _tell(asked: list[OpenDesk], found: Look, seen: dict[int, datetime]) -> dict[int, datetime]:
    """Wake the desks that a change concerns, and those whose time is over; returns what is known from now on."""
    fresh = [one for one in found.tasks if seen.get(one.pk) != one.changed_at]
    for desk in asked:
        reader, begins = desk.reader, desk.reader.since - BEFORE_THE_PAGE
        news = [one for one in found.tasks if one.changed_at >= begins] if desk.is_new else fresh
        desk.is_over = reader.session not in found.sessions or reader.reference not in found.officers
        if desk.is_over or (desk.is_new and begins < found.reaches) or any(may_see(reader, one) for one in news):
            desk.woken.set()
        desk.is_new = False
    return {one.pk: one.changed_at for one in found.tasks}


OPEN = OpenDesks()


async def events(reader: Reader) -> AsyncIterator[bytes]:
    """The stream of one open desk (WHATWG HTML §9.2): *desk* when something changed, *end* when the session is over."""
    desk = OPEN.add(reader)
    ends_at = asyncio.get_running_loop().time() + LIFE
    try:
        yield b"retry: 2000\n\n"
        piece = b""
        while asyncio.get_running_loop().time() < ends_at and piece != END:
            piece = await _next_piece(desk)
            yield piece
    finally:
        OPEN.remove(desk)


async def _next_piece(desk: OpenDesk) -> bytes:
    try:
        await asyncio.wait_for(desk.woken.wait(), KEEP_ALIVE)
    except TimeoutError:
        return b": still here\n\n"
    desk.woken.clear()
    if desk.is_over:
        return END
    return f"id: {format_time(timezone.now())}\nevent: desk\ndata: changed\n\n".encode()
