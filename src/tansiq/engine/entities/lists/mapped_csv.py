"""Somebody's CSV, read by a mapping that says what each column means, as statements.

The first row holds the headings. A column that the mapping neither reads nor ignores is reported; one that it reads
and the file has not is a refusal, for a list without its names or dates would look like a change. Eastern digits are
read as digits in keys, dates and numbers; marks of writing direction, which spreadsheets leave in cells, are dropped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import IO, Final

from tansiq.engine.entities.dates import clean_date
from tansiq.engine.entities.lists.building import RowBuilder
from tansiq.engine.entities.lists.csv_mapping import ColumnRule, CsvMapping
from tansiq.engine.entities.lists.csv_rows import CsvRow, read_csv_rows
from tansiq.engine.entities.lists.keys import row_key
from tansiq.engine.entities.lists.records import ListHeader, ListLimits, ListRow, RowProblem
from tansiq.engine.entities.lists.seen_keys import SeenKeys
from tansiq.engine.entities.model import require_property
from tansiq.engine.errors import Rejected
from tansiq.engine.names.dates import hijri_to_gregorian, solar_hijri_to_gregorian

LIMITS: Final = ListLimits(max_bytes=4 * 1024**3, max_row_bytes=256 * 1024, max_rows=5_000_000)

_DIGITS: Final = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")
_DIRECTION = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]")
_WITH_DIGITS: Final = frozenset({"date", "identifier", "phone", "number", "iban", "checksum", "ip"})


def read_mapped_csv(stream: IO[bytes], *, mapping: CsvMapping, limits: ListLimits = LIMITS) -> Iterator[ListRow]:
    """A ``ListHeader`` (the file does not say when it was made), then a record or problem for every row.

    Raises Rejected: ``list.column_missing``, ``list.columns_alike``, or as ``read_csv_rows`` does.
    """
    seen = SeenKeys()
    headings: list[str] | None = None
    for row in read_csv_rows(stream, encoding=mapping.encoding, delimiter=mapping.delimiter, limits=limits):
        if headings is None:
            if isinstance(row, RowProblem):
                raise Rejected("list.not_this_list", root=row.value[:80], expected=mapping.key)
            headings = _headings(row, mapping)
            yield ListHeader(mapping.list_key, None)
            yield from (
                RowProblem(row.place, "list.column_unmapped", name)
                for name in headings
                if name and name not in mapping.columns and name not in mapping.ignored | {mapping.key, mapping.number}
            )
        elif isinstance(row, RowProblem):
            yield row
        else:
            yield from _read(row, dict(zip(headings, row.cells, strict=True)), mapping, seen)


def _headings(row: CsvRow, mapping: CsvMapping) -> list[str]:
    headings = [_plain(cell) for cell in row.cells]
    wanted = [mapping.key, mapping.number, *mapping.columns]
    missing = [name for name in dict.fromkeys(wanted) if name not in headings]
    if missing:
        raise Rejected("list.column_missing", column=missing[0], known=[name[:60] for name in headings[:60]])
    alike = [name for name in wanted if headings.count(name) > 1]
    if alike:
        raise Rejected("list.columns_alike", column=alike[0])
    return headings


def _read(row: CsvRow, cells: dict[str, str], mapping: CsvMapping, seen: SeenKeys) -> Iterator[ListRow]:
    identifier = _plain(cells[mapping.key]).translate(_DIGITS)
    number = _plain(cells[mapping.number]).translate(_DIGITS) or identifier
    if not identifier:
        yield RowProblem(f"{row.place}/{mapping.key}", "list.row_without_key", "", number=number, is_row_lost=True)
        return
    key = row_key(identifier)
    built = RowBuilder(mapping.list_key, key, number=number[:120], place=row.place, schema=mapping.schema)
    if not seen.add(key):
        yield built.lost("list.duplicate_row", identifier, at=mapping.key)
        return
    for name, rule in mapping.columns.items():
        for text in _split(_plain(cells[name]), rule.separator):
            _say(built, rule, text, at=name)
    yield from built.problems
    if any(prop != "notes" for _, prop, _ in built.statements):
        yield built.record()
    else:
        yield built.lost("list.row_without_name")


def _say(built: RowBuilder, rule: ColumnRule, text: str, *, at: str) -> None:
    kind = require_property(built.schema, rule.prop).type.name
    if kind == "date":
        built.date(rule.prop, text, lambda said: date_by(rule, said), at=at)
    elif kind == "country":
        built.countries(rule.prop, text, at=at)
    else:
        value = text.translate(_DIGITS) if kind in _WITH_DIGITS else text
        built.add(rule.prop, value, at=at, original=text, language=rule.language)


def date_by(rule: ColumnRule, text: str) -> str | None:
    """The date value of a cell by the first form that fits; None where none does, or the day does not exist."""
    said = text.translate(_DIGITS).strip()
    for form in rule.dates:
        found = form.fullmatch(said)
        if found is None:
            continue
        parts = found.groupdict()
        year, month, day = (int(parts[name]) if parts.get(name) else None for name in ("year", "month", "day"))
        if year is None:
            return None
        try:
            return clean_date(_spelled(rule.calendar, year, month, day))
        except (Rejected, ValueError):
            return None
    return None


def _spelled(calendar: str, year: int, month: int | None, day: int | None) -> str:
    if calendar == "gregorian":
        return f"{year:04}" + ("" if month is None else f"-{month:02}") + ("" if day is None else f"-{day:02}")
    if not year or month not in (None, *range(1, 13)) or day not in (None, *range(1, 32)):
        raise ValueError(calendar)
    convert = hijri_to_gregorian if calendar == "hijri" else solar_hijri_to_gregorian
    if month and day:
        return "{:04}-{:02}-{:02}".format(*convert(year, month, day))
    # A year (or month) of that calendar runs over two of ours: said as "between".
    first = convert(year, month or 1, 1)
    last = convert(year, month, 29) if month else convert(year, 12, 29)
    if month:
        return "{:04}-{:02}/{:04}-{:02}".format(*first[:2], *last[:2])
    return f"{first[0]:04}/{last[0]:04}"


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", _DIRECTION.sub("", text)).strip()


def _split(text: str, separator: str) -> list[str]:
    pieces = text.split(separator) if separator else [text]
    return [bare for piece in pieces if (bare := piece.strip())]
