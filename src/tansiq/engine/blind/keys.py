"""The keys under which two authorities ask each other blindly about a subject: scheme ``tsk1``
(docs/protocol/blind-queries.md, "Keys").

A fuzzy likeness becomes an exact one by giving every record several keys. Each key belongs to a *family*, and the
family that met says how strong a hit is::

    identifier   tsk1|identifier|TYPE|VALUE
    pair_day     tsk1|pair_day|A|B|YYYY-MM-DD       A, B: skeletons of two words of one name, sorted by code point
    word_day     tsk1|word_day|A|YYYY-MM-DD
    pair_year    tsk1|pair_year|A|B|YYYY
    pair         tsk1|pair|A|B

Skeletons are those of name keys version 1 (``names.keys``). What habits of writing make different – a letter read
otherwise, day and month exchanged, a Hijri date converted a day off – is expanded on the asker's side alone, so that a
holder's filter stays small. 1 January and 1 July are what registers write for an unknown day: they make no key of a
day, only of a year, or every question would meet each tenth record of its year. This module never changes; another
scheme is another module beside it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import combinations
from typing import Final

from tansiq.engine.errors import Rejected
from tansiq.engine.names import keys as name_keys
from tansiq.engine.names.dates import PartialDate, gregorian_readings

SCHEME: Final = "tsk1"
FAMILIES: Final = ("identifier", "pair_day", "word_day", "pair_year", "pair")
"""Strongest first, as in the code list ``blind_families``."""
MOST_KEYS: Final = 1024
"""Keys of one question; whoever has more to ask asks with fewer families or fewer names."""
MOST_VALUES: Final = 40

Identifiers = Sequence[tuple[str, str]]
DEFAULT_DAYS: Final = ((1, 1), (7, 1))
"""(month, day) that registers write where only the year is known."""
_CASED: Final = frozenset({"crypto"})
_FOLDED: Final = frozenset({"email", "username"})
_DIGITS: Final = frozenset({"imo", "mmsi", "imei", "imsi", "iccid"})


def record_keys(
    names: Sequence[str], birth_dates: Sequence[str] = (), identifiers: Identifiers = ()
) -> dict[str, list[str]]:
    """The keys a record is filed under, by family, sorted; a family without a key is left out.

    ``birth_dates`` are partial dates as ``names.dates`` reads them (Hijri and Solar Hijri are converted), ``identifiers``
    pairs of (type, value). Values that no date or name can be read from give no key: a register holds such things.
    """
    days, years = _days_of_record(birth_dates[:MOST_VALUES])
    words = [[(name_keys.skeleton(word),) for word in _words(name)] for name in names[:MOST_VALUES]]
    return _keys(words, days, years, identifiers[:MOST_VALUES])


def question_keys(
    names: Sequence[str],
    birth_dates: Sequence[str] = (),
    identifiers: Identifiers = (),
    *,
    families: Iterable[str] = FAMILIES,
) -> dict[str, list[str]]:
    """The keys a question is asked under, of the given families only: those of the record and of every other reading.

    Raises ``Rejected``: ``names.birth_date`` (at), ``names.too_long``, ``blind.too_many_keys``.
    """
    days, years = _days_of_question(birth_dates)
    words = [[name_keys.skeletons(word) for word in name_keys.words_of(name)] for name in names]
    wanted = frozenset(families)
    found = {family: keys for family, keys in _keys(words, days, years, identifiers).items() if family in wanted}
    count = sum(map(len, found.values()))
    if count > MOST_KEYS:
        raise Rejected("blind.too_many_keys", count=count, most=MOST_KEYS)
    return found


def normal_identifier(kind: str, value: str) -> str:
    """The one writing of an identifier that keys are made from; empty if nothing of it can be compared.

    Telephones need their country (``+`` or ``00``): a national number means something else in every State.
    """
    plain = unicodedata.normalize("NFKC", value).strip()
    if kind in _CASED:
        joined = "".join(plain.split())
        return joined.lower() if joined[:2] in ("0x", "0X") else joined
    if kind in _FOLDED:
        return "".join(plain.split()).casefold().removeprefix("@")
    digits = "".join(str(unicodedata.digit(c)) for c in plain if unicodedata.digit(c, None) is not None)
    if kind == "phone":
        international = digits.removeprefix("00") if digits.startswith("00") else digits if plain[:1] == "+" else ""
        return f"+{international}" if len(international) >= 7 else ""
    if kind in _DIGITS:
        return digits
    return "".join(str(unicodedata.digit(c, c)) for c in plain.upper() if c.isalnum())


def _words(name: str) -> list[str]:
    try:
        return name_keys.words_of(name)
    except Rejected:
        return []


def _keys(
    names: Sequence[Sequence[Sequence[str]]], days: Iterable[str], years: Iterable[str], identifiers: Identifiers
) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {family: set() for family in FAMILIES}
    days, years = sorted(set(days)), sorted(set(years))
    for kind, value in identifiers:
        if normal := normal_identifier(kind, value):
            found["identifier"].add(f"{kind}|{normal}")
    for words in names:
        for readings in words:
            found["word_day"].update(f"{s}|{day}" for s in readings if s for day in days)
        for left, right in combinations(words, 2):
            pairs = {"|".join(sorted((a, b))) for a in left if a for b in right if b}
            found["pair"] |= pairs
            found["pair_day"].update(f"{pair}|{day}" for pair in pairs for day in days)
            found["pair_year"].update(f"{pair}|{year}" for pair in pairs for year in years)
    return {family: sorted(f"{SCHEME}|{family}|{rest}" for rest in rests) for family, rests in found.items() if rests}


# -- dates -----------------------------------------------------------------------------------------------------------


def _readings(text: str) -> tuple[tuple[str, PartialDate], ...]:
    try:
        return gregorian_readings(text)
    except Rejected:
        return ()


def _days_of_record(birth_dates: Sequence[str]) -> tuple[set[str], set[str]]:
    readings = [reading for text in birth_dates for _, reading in _readings(text)]
    return {_day(one) for one in readings if _is_known(one)}, {f"{one.year:04}" for one in readings}


def _days_of_question(birth_dates: Sequence[str]) -> tuple[set[str], set[str]]:
    days: set[str] = set()
    years: set[str] = set()
    for place, text in enumerate(birth_dates):
        for calendar, reading in gregorian_readings(text, at=f"/birth_dates/{place}"):
            years.add(f"{reading.year:04}")
            if calendar.endswith("hijri_year"):
                # A lunar or solar year begins within a Gregorian one.
                years |= {f"{reading.year + step:04}" for step in (-1, 1)}
            days.update(_days_written(reading, is_converted="hijri" in calendar))
    return days, years


def _days_written(reading: PartialDate, *, is_converted: bool) -> Iterable[str]:
    """The days under which a record of this person may be filed."""
    if not _is_known(reading):
        return
    month, day = reading.month or 1, reading.day or 1
    yield _day(reading)
    if day <= 12 and (day, month) not in DEFAULT_DAYS:
        yield f"{reading.year:04}-{day:02}-{month:02}"
    if is_converted:
        around = date(reading.year, month, day)
        yield from ((around + timedelta(days=step)).isoformat() for step in (-1, 1))


def _is_known(reading: PartialDate) -> bool:
    """A whole day that exists and is none of those put for an unknown one."""
    return _is_whole(reading) and (reading.month, reading.day) not in DEFAULT_DAYS


def _is_whole(reading: PartialDate) -> bool:
    if reading.month is None or reading.day is None:
        return False
    try:
        date(reading.year, reading.month, reading.day)
    except ValueError:
        return False
    return True


def _day(reading: PartialDate) -> str:
    return f"{reading.year:04}-{reading.month:02}-{reading.day:02}"


def count(keys: Mapping[str, Sequence[str]]) -> int:
    """How many keys there are in all families."""
    return sum(map(len, keys.values()))
