"""Dates as sources claim them: a day, a month, a year, about that time, or between two of these.

FollowTheMoney knows dates of differing precision (``1968``, ``1968-05``, ``1968-05-12``) and neither "about" nor
"between". Both are what lists and witnesses say, so a date value here may also be written in the part of EDTF (ISO
8601-2:2019, level 1) that says it: ``1968~`` about, ``1968?`` uncertain, ``1955/1958`` between. ``plain_dates`` widens
them for whoever knows plain dates only.
"""

from __future__ import annotations

import calendar
import re
from typing import Final

from tansiq.engine.errors import Rejected

MAX_YEARS_BETWEEN: Final = 12
"""An interval longer than this says too little to be spelled out year by year; only its two ends are kept."""

_TIME = r"T(?:[01]\d|2[0-3])(?::[0-5]\d(?::[0-5]\d)?)?Z?"
_SIDE = re.compile(rf"(\d{{4}})(?:-(\d{{2}})(?:-(\d{{2}})(?:{_TIME})?)?)?([~?])?", re.ASCII)


def clean_date(text: str, *, at: str = "") -> str:
    """The one spelling of a date value.

    Raises Rejected("entity.date_not_understood") for what is no date or no real day.
    """
    sides = text.strip().split("/")
    if len(sides) > 2 or not all(_is_side(side) for side in sides):
        raise Rejected("entity.date_not_understood", at=at)
    if len(sides) == 2 and sides[0] == sides[1]:
        return sides[0]
    if len(sides) == 2 and sides[0].rstrip("~?") > sides[1].rstrip("~?"):
        raise Rejected("entity.date_not_understood", at=at)
    return "/".join(sides)


def is_vague(value: str) -> bool:
    """Whether a clean date value says "about", "perhaps" or "between"."""
    return value[-1:] in ("~", "?") or "/" in value


def plain_dates(value: str) -> tuple[str, ...]:
    """The plain dates that a clean value may stand for: one, or every year (or both ends) of an interval."""
    sides = [side.rstrip("~?") for side in value.split("/")]
    if len(sides) == 1:
        return (sides[0],)
    first, last = int(sides[0][:4]), int(sides[1][:4])
    if first == last or not 0 < last - first <= MAX_YEARS_BETWEEN:
        return tuple(dict.fromkeys(sides))
    return tuple(str(year).zfill(4) for year in range(first, last + 1))


def _is_side(text: str) -> bool:
    found = _SIDE.fullmatch(text)
    if found is None:
        return False
    year, month, day = (int(group) if group else None for group in found.groups()[:3])
    if not year or (month is not None and not 1 <= month <= 12):
        return False
    return day is None or month is None or 1 <= day <= calendar.monthrange(year, month)[1]
