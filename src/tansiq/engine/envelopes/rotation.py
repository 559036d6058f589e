"""Rotation of mailbox keys: each is used for thirty days, and the next ones stand in the card before they are needed.

An envelope sealed at the last instant of a key may arrive as late as its expiry; the private key is kept until then and
destroyed after, so what was recorded on the line becomes unreadable for everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from tansiq.engine.envelopes.cards import CardKey
from tansiq.engine.envelopes.manifest import MAX_LIFE

MAILBOX_LIFE: Final = timedelta(days=30)
PUBLISHED_AHEAD: Final = timedelta(days=30)
GRACE: Final = timedelta(days=7)


class Window(NamedTuple):
    """The time of one mailbox key, half open."""

    valid_from: datetime
    valid_to: datetime


def windows_due(keys: Iterable[CardKey], *, now: datetime, ahead: timedelta = PUBLISHED_AHEAD) -> Iterator[Window]:
    """The windows for which a mailbox key has to be made, so that every instant until ``now + ahead`` has one.

    They follow the last one without a gap; where there is none, or its time is over, the first begins now.
    """
    ends = [key.valid_to for key in keys if key.purpose == "mailbox"]
    start = max([*ends, now])
    while start < now + ahead:
        yield Window(start, start + MAILBOX_LIFE)
        start += MAILBOX_LIFE


def destroy_at(key: CardKey) -> datetime:
    """When the private half of a mailbox key is destroyed: nothing that was sealed to it can arrive any more."""
    return key.valid_to + MAX_LIFE + GRACE
