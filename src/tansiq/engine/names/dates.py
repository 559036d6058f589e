"""Birth dates compared across calendars and habits; every answer says which explanation it used.

A birth date is partial ISO text: ``1960``, ``1960-05`` or ``1960-05-12``. Years 1200–1500 are read as Hijri (Umm
al-Qura) and as Solar Hijri, whichever explains the pair; two-digit years (from a machine-readable zone) as either
century. Two records of one person differ for known reasons – day and month exchanged, only the year known, 1 January
or 1 July put for "unknown", a year off by conversion – and each of them is named, weaker than equality, stronger than
nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from hijridate import Hijri

from tansiq.engine.errors import Rejected

WEIGHTS: dict[str, float] = {
    "exact": 6.0,
    "hijri": 5.0,
    "solar_hijri": 5.0,
    "century": 4.0,
    "day_month_swapped": 3.5,
    "month_and_year": 3.5,
    "one_digit": 2.0,
    "year_only": 2.5,
    "default_day": 2.5,
    "hijri_year": 2.0,
    "solar_hijri_year": 2.0,
    "conversion_year": 0.7,
    "near_year": 0.0,
    "different_day": -0.5,
    "contradiction": -4.0,
}
"""Log-odds (natural) that each explanation adds. Documented, not learned: public lists with two sources for one
person's birth date are too few; the order is what matters, and 1 January is never treated as a day somebody was born
on.
"""

_FORM = re.compile(r"(\d{2}|\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_PACKED = re.compile(r"(\d{2})(\d{2})(\d{2})")
_DEFAULT_DAYS = frozenset({(1, 1), (7, 1)})


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date of which the end may be unknown; ``year`` as written (may be two digits, Hijri or Solar Hijri)."""

    year: int
    month: int | None = None
    day: int | None = None
    two_digit: bool = False


@dataclass(frozen=True, slots=True)
class DateComparison:
    """What two birth dates say together: the explanation used, its log-odds ``weight``, and the values compared."""

    explanation: str
    weight: float
    left: str
    right: str


def parse_date(text: str, *, at: str = "birth_date") -> PartialDate:
    """Read partial ISO text or ``YYMMDD``; raises ``Rejected("names.birth_date")``."""
    packed = _PACKED.fullmatch(text)
    found = packed or _FORM.fullmatch(text)
    if found is None or not text.isascii():
        raise Rejected("names.birth_date", at=at, value=text[:40])
    year, month, day = (int(group) if group else None for group in found.groups())
    month, day = month or None, day or None
    if (month or 1) > 12 or (day or 1) > 31 or year is None:
        raise Rejected("names.birth_date", at=at, value=text[:40])
    return PartialDate(year, month, day if month else None, two_digit=len(found.group(1)) == 2)


def solar_hijri_to_gregorian(year: int, month: int, day: int) -> tuple[int, int, int]:
    """The Gregorian (year, month, day) of a Solar Hijri date (33-year arithmetic cycle; exact for 1244–1500)."""
    gy = year + 1595
    days = -355668 + 365 * gy + (gy // 33) * 8 + ((gy % 33) + 3) // 4 + day
    days += (month - 1) * 31 if month < 7 else (month - 7) * 30 + 186
    result = 400 * (days // 146097)
    days %= 146097
    if days > 36524:
        days -= 1
        result += 100 * (days // 36524)
        days %= 36524
        if days >= 365:
            days += 1
    result += 4 * (days // 1461)
    days %= 1461
    if days > 365:
        result += (days - 1) // 365
        days = (days - 1) % 365
    leap = (result % 4 == 0 and result % 100 != 0) or result % 400 == 0
    lengths = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    day_of_year = days + 1
    month_number = 0
    while month_number < 11 and day_of_year > lengths[month_number]:
        day_of_year -= lengths[month_number]
        month_number += 1
    return result, month_number + 1, day_of_year


def gregorian_to_solar_hijri(year: int, month: int, day: int) -> tuple[int, int, int]:
    """The Solar Hijri (year, month, day) of a Gregorian date; the inverse of ``solar_hijri_to_gregorian``."""
    when = date(year, month, day)
    solar = year - 621
    begins = date(*solar_hijri_to_gregorian(solar, 1, 1))
    if when < begins:
        solar -= 1
        begins = date(*solar_hijri_to_gregorian(solar, 1, 1))
    passed = (when - begins).days
    if passed < 186:
        return solar, passed // 31 + 1, passed % 31 + 1
    return solar, (passed - 186) // 30 + 7, (passed - 186) % 30 + 1


def hijri_to_gregorian(year: int, month: int, day: int) -> tuple[int, int, int]:
    """The Gregorian (year, month, day) of a Hijri date: Umm al-Qura where its table reaches (1343–1500), else
    arithmetic.
    """
    try:
        converted = Hijri(year, month, day).to_gregorian()
    except (ValueError, OverflowError):
        return _arithmetic_hijri(year, month, day)
    return converted.year, converted.month, converted.day


def _arithmetic_hijri(year: int, month: int, day: int) -> tuple[int, int, int]:
    julian = (11 * year + 3) // 30 + 354 * year + 30 * month - (month - 1) // 2 + day + 1948440 - 385
    a = julian + 32044
    b = (4 * a + 3) // 146097
    c = a - 146097 * b // 4
    d = (4 * c + 3) // 1461
    e = c - 1461 * d // 4
    m = (5 * e + 2) // 153
    return 100 * b + d - 4800 + m // 10, m + 3 - 12 * (m // 10), e - (153 * m + 2) // 5 + 1


@lru_cache(maxsize=65536)
def gregorian_readings(text: str, *, at: str = "birth_date") -> tuple[tuple[str, PartialDate], ...]:
    """Every Gregorian date ``text`` may stand for, each with the calendar or habit that reads it so, the plain one
    first.
    """
    date = parse_date(text, at=at)
    if date.two_digit:
        return tuple(("century", PartialDate(base + date.year, date.month, date.day)) for base in (1900, 2000))
    if not 1200 <= date.year <= 1500:
        return (("plain", date),)
    readings: list[tuple[str, PartialDate]] = []
    for name, convert in (("hijri", hijri_to_gregorian), ("solar_hijri", solar_hijri_to_gregorian)):
        if date.month and date.day:
            readings.append((name, PartialDate(*convert(date.year, date.month, date.day))))
        else:
            middle = convert(date.year, date.month or 6, 15)
            readings.append((f"{name}_year", PartialDate(middle[0])))
    return tuple(readings)


def _plain(left: PartialDate, right: PartialDate) -> str:
    """The explanation for two Gregorian dates."""
    if left.year != right.year:
        return _different_years(left, right)
    if left.month is None or right.month is None:
        return "year_only"
    if (left.month, left.day) == (right.month, right.day):
        both_default = (left.month, left.day) in _DEFAULT_DAYS
        return "default_day" if both_default else ("exact" if left.day else "month_and_year")
    if left.day is None or right.day is None:
        if left.month == right.month:
            return "month_and_year"
        return "default_day" if _is_default(left) or _is_default(right) else "different_day"
    if (left.month, left.day) == (right.day, right.month):
        return "day_month_swapped"
    if _is_default(left) or _is_default(right):
        return "default_day"
    return "one_digit" if _one_digit(left, right) else "different_day"


def _different_years(left: PartialDate, right: PartialDate) -> str:
    full = left.day is not None and right.day is not None
    same_day = full and (left.month, left.day) == (right.month, right.day) and not _is_default(left)
    if same_day and _one_digit(left, right):
        return "one_digit"
    if abs(left.year - right.year) == 1:
        vague = left.month is None or right.month is None or _is_default(left) or _is_default(right)
        return "conversion_year" if vague else "near_year"
    return "contradiction"


def _is_default(date: PartialDate) -> bool:
    return (date.month, date.day) in _DEFAULT_DAYS


def _one_digit(left: PartialDate, right: PartialDate) -> bool:
    a = f"{left.year:04}{left.month or 0:02}{left.day or 0:02}"
    b = f"{right.year:04}{right.month or 0:02}{right.day or 0:02}"
    different = [i for i in range(8) if a[i] != b[i]]
    if len(different) == 2 and different[1] == different[0] + 1:
        i, j = different
        return a[i] == b[j] and a[j] == b[i]
    return len(different) == 1


_CONVERTED_EXACT = {"exact": None, "default_day": None}


@lru_cache(maxsize=65536)
def compare_dates(left: str, right: str) -> DateComparison:
    """The best explanation two birth dates have in common; symmetric. Raises ``Rejected("names.birth_date")``."""
    best = "contradiction"
    for how_left, a in gregorian_readings(left):
        for how_right, b in gregorian_readings(right):
            found = _explain(how_left, how_right, a, b)
            if WEIGHTS[found] > WEIGHTS[best]:
                best = found
    if left == right and WEIGHTS[best] < WEIGHTS["year_only"]:
        best = "year_only"
    return DateComparison(best, WEIGHTS[best], left, right)


def _explain(how_left: str, how_right: str, a: PartialDate, b: PartialDate) -> str:
    found = _plain(a, b)
    if how_left == how_right and how_left != "century":
        return found
    how = next(how for how in sorted((how_left, how_right)) if how != "plain")
    if how.endswith("_year"):
        return how if abs(a.year - b.year) <= 1 else "contradiction"
    if found in _CONVERTED_EXACT:
        return how
    near = how in ("hijri", "solar_hijri") and a.year == b.year and a.month == b.month
    near = near and abs((a.day or 0) - (b.day or 0)) <= 2
    return how if near else found


def best_comparison(left: tuple[str, ...], right: tuple[str, ...]) -> DateComparison | None:
    """The strongest comparison between two sets of birth dates; None when either side has none (neutral)."""
    found = [compare_dates(a, b) for a in left for b in right]
    return max(found, key=lambda c: (c.weight, c.left, c.right)) if found else None
