"""The period that figures are wanted for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.http import QueryDict
from django.utils.dateparse import parse_date

FIRST_YEAR = 2000


@dataclass(frozen=True, slots=True)
class Period:
    """From the beginning of its first day to the end of its last, in UTC, in which deadlines are counted too."""

    first: date
    last: date

    @property
    def begins_at(self) -> datetime:
        """The first instant that belongs to it."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def ends_at(self) -> datetime:
        """The first instant that does not."""
        return datetime.combine(self.last + timedelta(days=1), time(), UTC)


def period_of(told: QueryDict, now: datetime) -> Period:
    """The days that are asked for (``from``, ``to``); without or with nonsense, the year that runs."""
    first = _day(told.get("from", "")) or date(now.year, 1, 1)
    last = _day(told.get("to", "")) or date(max(first.year, FIRST_YEAR), 12, 31)
    return Period(first, max(first, last))


def _day(text: str) -> date | None:
    try:
        found = parse_date(text)
    except ValueError:
        return None
    return found if found and FIRST_YEAR <= found.year < 2200 else None
