"""Dates of birth and of documents as the UN Consolidated List writes them.

``TYPE_OF_DATE`` is EXACT, APPROXIMATELY or BETWEEN; the date stands in DATE, YEAR, FROM_YEAR and TO_YEAR, or only in a
NOTE, in words. What cannot be read is an answer of its own (None), never a guess.
"""

from __future__ import annotations

import re
from typing import Final

from tansiq.engine.entities.dates import clean_date
from tansiq.engine.errors import Rejected
from tansiq.engine.names.dates import hijri_to_gregorian

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "january"),
            ("feb", "february"),
            ("mar", "march"),
            ("apr", "april"),
            ("may",),
            ("jun", "june"),
            ("jul", "july"),
            ("aug", "august"),
            ("sep", "sept", "september"),
            ("oct", "october"),
            ("nov", "november"),
            ("dec", "december"),
        ),
        start=1,
    )
    for name in names
}
_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ].*|[-+]\d{2}:\d{2}|Z)?", re.ASCII)
_WORDS = re.compile(r"(?:(\d{1,2})\s+)?([A-Za-z]{3,9})\.?,?\s+(\d{4})", re.ASCII)
_MONTH_SPAN = re.compile(r"between\s+([a-z]{3,9})\.?\s+and\s+([a-z]{3,9})\.?\s+(\d{4})", re.IGNORECASE | re.ASCII)
_HIJRI = re.compile(r"(\d{1,2})/(\d{1,2})/(1[34]\d\d)\s*\(?\s*hijri", re.IGNORECASE | re.ASCII)


def iso_day(text: str) -> str | None:
    """The day of ``1964-07-17`` or ``1964-07-17-04:00``; None for anything else, and for days that do not exist."""
    found = _ISO.fullmatch(text)
    return None if found is None else _real(found.group(1))


def date_in_words(text: str) -> str | None:
    """``12 Aug.

    1961``, ``August 1961``, ``Between Aug. and Sep. 1977`` and ``24/06/1402 (Hijri Calendar)`` as date values.
    """
    hijri = _HIJRI.search(text)
    if hijri is not None:
        day, month, year = (int(group) for group in hijri.groups())
        return (
            _real("{:04}-{:02}-{:02}".format(*hijri_to_gregorian(year, month, day)))
            if month <= 12 and day <= 30
            else None
        )
    span = _MONTH_SPAN.fullmatch(text.strip())
    if span is not None:
        first, last = (_MONTHS.get(name.casefold()) for name in span.groups()[:2])
        return None if first is None or last is None else _real(f"{span[3]}-{first:02}/{span[3]}-{last:02}")
    words = _WORDS.search(text)
    month_number = None if words is None else _MONTHS.get(words[2].casefold())
    if words is None or month_number is None:
        return None
    return _real(f"{words[3]}-{month_number:02}" + (f"-{int(words[1]):02}" if words[1] else ""))


def month_named(text: str) -> int | None:
    """The number of a month that stands alone (``Sep.``)."""
    return _MONTHS.get(text.strip().rstrip(".").casefold())


def birth_date(kind: str, fields: dict[str, str]) -> str | None:
    """The date value of one INDIVIDUAL_DATE_OF_BIRTH: ``kind`` its TYPE_OF_DATE, ``fields`` its other elements."""
    note = fields.get("NOTE", "")
    about = "~" if kind == "APPROXIMATELY" or "approximately" in note.casefold() else ""
    if kind == "BETWEEN" or "FROM_YEAR" in fields:
        return _real(f"{fields.get('FROM_YEAR', '')}{about}/{fields.get('TO_YEAR', '')}{about}")
    if "DATE" in fields:
        day = iso_day(fields["DATE"])
        return None if day is None else day + about
    if "YEAR" in fields:
        month = month_named(note)
        return _real(f"{fields['YEAR']}{about}" if month is None else f"{fields['YEAR']}-{month:02}{about}")
    said = date_in_words(note) if note else None
    return said if said is None or "/" in said else said + about


def _real(text: str) -> str | None:
    try:
        return clean_date(text)
    except Rejected:
        return None
