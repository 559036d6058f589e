"""Dates as the lists of OFAC write them: ``12 Jan 1961``, ``circa 1961``, ``Mar 1955 to Mar 1956``, ``1951-1953``."""

from __future__ import annotations

import calendar
import re
from typing import Final

from tansiq.engine.entities.dates import clean_date
from tansiq.engine.errors import Rejected

_MONTHS: Final = {name.casefold(): number for number, name in enumerate(calendar.month_abbr) if name}
_SIDE = re.compile(r"(?:(?:(\d{1,2})\s+)?([A-Za-z]{3})[a-z]*\.?\s+)?(\d{4})", re.ASCII)
_SPAN = re.compile(r"\s+to\s+|\s+-\s+|(?<=\d{4})-(?=\d{4})")
_ABOUT = re.compile(r"^(?:circa|ca\.?|approximately)\s+", re.IGNORECASE)


def ofac_date(text: str) -> str | None:
    """The date value of one date in words; None for text that is none, or no real day."""
    said = " ".join(text.split()).rstrip(". ")
    bare = _ABOUT.sub("", said)
    about = "~" if bare != said else ""
    sides = [_side(side) for side in _SPAN.split(bare)]
    if len(sides) > 2 or None in sides:
        return None
    if len(sides) == 1:
        return _real(f"{sides[0]}{about}")
    first, last = (str(side) for side in sides)
    if first == last:
        return _real(f"{first}{about}")
    if first[4:] == "-01-01" and last[4:] == "-12-31":
        first, last = first[:4], last[:4]
        return _real(f"{first}{about}" if first == last else f"{first}{about}/{last}{about}")
    return _real(f"{first}{about}/{last}{about}")


def days_between(first: str, last: str, *, is_about: bool) -> str | None:
    """The date value of a period given by its first and last day: a whole year or month is told as such."""
    about = "~" if is_about else ""
    try:
        clean_date(first)
        clean_date(last)
    except Rejected:
        return None
    if len(first) != 10 or len(last) != 10:
        return None
    if first[4:] == "-01-01" and last[4:] == "-12-31":
        first, last = first[:4], last[:4]
    elif first[7:] == "-01" and int(last[8:]) == calendar.monthrange(int(last[:4]), int(last[5:7]))[1]:
        first, last = first[:7], last[:7]
    return _real(f"{first}{about}" if first == last else f"{first}{about}/{last}{about}")


def american_day(text: str) -> str | None:
    """``05/06/2024`` (month first) as a day."""
    found = re.fullmatch(r"(\d{2})/(\d{2})/(\d{4})", text.strip(), re.ASCII)
    return None if found is None else _real(f"{found[3]}-{found[1]}-{found[2]}")


def _side(text: str) -> str | None:
    found = _SIDE.fullmatch(text.strip())
    if found is None:
        return None
    day, month, year = found.groups()
    if month is None:
        return year
    number = _MONTHS.get(month.casefold())
    if number is None:
        return None
    return f"{year}-{number:02}" + (f"-{int(day):02}" if day else "")


def _real(text: str) -> str | None:
    try:
        return clean_date(text)
    except Rejected:
        return None
