"""Statutory time: hours run as hours, days end at midnight of the executing State, and never on its day of rest.

Counting follows Regulation (EEC, Euratom) No 1182/71 (marked *general knowledge*: read the text before relying on it):

- art. 3(1): the day (or hour) of the event itself is not counted;
- art. 3(2)(b): a period in days runs to the expiry of the last hour of its last day;
- art. 3(3): holidays, Saturdays and Sundays count within a period;
- art. 3(4): a period that is not in hours and would end on a holiday, Saturday or Sunday ends with the next working
  day;
- art. 3(5): a period of two days or more includes at least two working days.

What the Regulation says of Saturday and Sunday is said here of the weekend of the executing State, which its
**calendar** names together with its holidays (by date: many follow the moon and are announced by the year) and its
time zone. A calendar is a versioned annex; a dossier pins it by digest, so that both sides count alike for as long as
the dossier lives.

A due instant is the first moment *after* the period: 00:00 of the following day, in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical, strict_json
from tansiq.engine.formats.ids import is_node_id
from tansiq.engine.formats.json_values import JsonValue, pointer

_FOLDER: Final = Path(__file__).parent
MAX_HOLIDAYS: Final = 2000
MAX_DAYS: Final = 3660
_KEYS: Final = {"v", "node", "version", "marked", "time_zone", "weekend", "holidays"}


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a node's State works. ``weekend``: ISO weekdays, Monday 1 … Sunday 7. ``holidays``: {local date: its
    name}.
    """

    node: str
    version: str
    time_zone: str
    weekend: frozenset[int]
    holidays: Mapping[date, str] = field(default_factory=dict)
    marked: str = "general_knowledge"

    def to_json(self) -> dict[str, JsonValue]:
        """The one form; its digest names the version."""
        return {
            "v": 1,
            "node": self.node,
            "version": self.version,
            "marked": self.marked,
            "time_zone": self.time_zone,
            "weekend": [*sorted(self.weekend)],
            "holidays": {day.isoformat(): name for day, name in sorted(self.holidays.items())},
        }

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON."""
        return canonical.digest(self.to_json())

    @classmethod
    def from_json(cls, value: object, *, at: str = "") -> Calendar:
        """Read what ``to_json`` wrote; ``Rejected("calendar.malformed", at=, wanted=)``."""
        if not isinstance(value, dict) or value.keys() != _KEYS or value["v"] != 1 or isinstance(value["v"], bool):
            raise _malformed(at, "a calendar")
        if not is_node_id(value["node"]):
            raise _malformed(pointer(at, "node"), "node id")
        for key in ("version", "marked", "time_zone"):
            if not isinstance(value[key], str) or not 0 < len(value[key]) <= 64:
                raise _malformed(pointer(at, key), "text")
        weekend = value["weekend"]
        days_of_week = set(range(1, 8))
        if not isinstance(weekend, list) or not all(type(day) is int and day in days_of_week for day in weekend):
            raise _malformed(pointer(at, "weekend"), "days 1 to 7")
        if weekend != sorted(set(weekend)) or len(weekend) > 6:
            raise _malformed(pointer(at, "weekend"), "sorted days, at most six")
        calendar = cls(
            node=value["node"],
            version=value["version"],
            time_zone=value["time_zone"],
            weekend=frozenset(weekend),
            holidays=_holidays(value["holidays"], at=pointer(at, "holidays")),
            marked=value["marked"],
        )
        _zone(calendar.time_zone, at=pointer(at, "time_zone"))
        return calendar

    def is_working_day(self, day: date) -> bool:
        """Neither weekend nor holiday."""
        return day.isoweekday() not in self.weekend and day not in self.holidays

    def local_day(self, instant: datetime) -> date:
        """The date there at that instant."""
        return instant.astimezone(_zone(self.time_zone)).date()

    def end_of(self, day: date) -> datetime:
        """The first instant after that local day, in UTC."""
        return datetime.combine(day + timedelta(days=1), time.min, _zone(self.time_zone)).astimezone(UTC)


def add_hours(start: datetime, hours: int) -> datetime:
    """``hours`` after ``start``: through nights, weekends, holidays and changes of the clock alike."""
    return start.astimezone(UTC) + timedelta(hours=hours)


def add_calendar_days(start: datetime, days: int, calendar: Calendar) -> datetime:
    """The due instant of a period of ``days`` calendar days after ``start`` (Reg. 1182/71 art. 3)."""
    first = calendar.local_day(start) + timedelta(days=1)
    last = first + timedelta(days=days - 1)
    needed = 2 if days >= 2 else 0
    working = sum(calendar.is_working_day(first + timedelta(days=offset)) for offset in range(days))
    for _ in range(MAX_DAYS):
        if working >= needed and calendar.is_working_day(last):
            return calendar.end_of(last)
        last += timedelta(days=1)
        working += calendar.is_working_day(last)
    raise Rejected("calendar.no_working_day", at="/holidays", node=calendar.node)


def add_working_days(start: datetime, days: int, calendar: Calendar) -> datetime:
    """The due instant of a period of ``days`` working days after ``start`` (Reg. 1182/71 art. 2(2) and 3(3))."""
    day, left = calendar.local_day(start), days
    for _ in range(MAX_DAYS):
        day += timedelta(days=1)
        left -= calendar.is_working_day(day)
        if left <= 0 and calendar.is_working_day(day):
            return calendar.end_of(day)
    raise Rejected("calendar.no_working_day", at="/holidays", node=calendar.node)


@cache
def shipped_calendar(node: str) -> Calendar:
    """The calendar that ships for a State (the first two letters of a node id), as that node's own.

    Every one of them is marked ``general_knowledge``: an authority replaces it by its own before it relies on it.
    Raises ``Rejected("calendar.unknown", node=)``.
    """
    path = _FOLDER / f"{node[:2]}.json"
    if not is_node_id(node) or not path.is_file():
        raise Rejected("calendar.unknown", at="", node=node)
    value = strict_json.loads(path.read_bytes())
    return Calendar.from_json({**value, "node": node} if isinstance(value, dict) else value)


def _zone(name: str, *, at: str = "") -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Rejected("calendar.unknown_zone", at=at, zone=name) from None


def _holidays(value: object, *, at: str) -> dict[date, str]:
    if not isinstance(value, dict) or len(value) > MAX_HOLIDAYS:
        raise _malformed(at, f"at most {MAX_HOLIDAYS} dates")
    holidays = {}
    for text, name in value.items():
        try:
            day = date.fromisoformat(str(text))
        except ValueError:
            raise _malformed(pointer(at, str(text)), "a date like 2026-11-06") from None
        if day.isoformat() != text or not isinstance(name, str) or not 0 < len(name) <= 120:
            raise _malformed(pointer(at, str(text)), "a date like 2026-11-06, and a name")
        holidays[day] = name
    return holidays


def _malformed(at: str, wanted: str) -> Rejected:
    return Rejected("calendar.malformed", at=at, wanted=wanted)
