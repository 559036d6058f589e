"""The record headers of an ANSI/NIST-ITL 1-2011 transaction in its traditional encoding: what is in a fingerprint file.

A transaction is one Type-1 record and the records that its field 1.003 announces, in that order. Tagged records (Type-1, 2, 9 and
10 upward) begin with their length in field N.001 and end with FS; between fields stands GS, between subfields RS, between items US.
Binary records (Type-3 to 8) begin with four bytes of length. Of each record only its header is read – a few KB, never an image –
so a file of any size costs the same, and ``read_at`` may open a sealed one chunk by chunk (NIST SP 500-290, ed. 3, §5.3, §8, Annex B).

A file that is not one is refused with the place (byte and field) and the rule. The same bytes are read the same everywhere: lengths must
add up to the very end of the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from tansiq.engine.errors import Rejected

FS, GS, RS, US = b"\x1c", b"\x1d", b"\x1e", b"\x1f"
MAX_HEADER: Final = 16 * 1024
MAX_RECORDS: Final = 1000
BINARY: Final = frozenset(range(3, 9))
TAGGED: Final = frozenset({1, 2, 9, *range(10, 23), 98, 99})
_BINARY_HEADER: Final = 18
_FIRST: Final = re.compile(rb"(\d{1,2})\.0?01:(\d{1,10})\x1d")
_VERSION: Final = re.compile(r"0[1-5]\d\d")

ReadAt = Callable[[int, int], bytes]
"""(offset, length) in, those bytes out; fewer only where the file ends."""


@dataclass(frozen=True, slots=True)
class Impression:
    """One image of ridges: its record type, how it was taken (table of impression types), and which position it shows."""

    record: int
    impression: int | None
    position: int | None


@dataclass(frozen=True, slots=True)
class Transaction:
    """What the headers say."""

    version: str
    kind: str
    originator: str
    destination: str
    records: tuple[int, ...]
    impressions: tuple[Impression, ...]


def _wrong(at: int, field: str, rule: str) -> NoReturn:
    raise Rejected("ansi_nist.invalid", at=f"/{at}/{field}", rule=rule)


def read_transaction(read_at: ReadAt, size: int) -> Transaction:
    """The headers of the transaction in ``size`` bytes; ``Rejected("ansi_nist.invalid", at="/<byte>/<field>", rule=…)`` for any other file."""
    length, fields = _tagged(read_at, 0, 1, size)
    version = _text(fields, "1.002", 0)
    if not _VERSION.fullmatch(version):
        _wrong(0, "1.002", "version")
    announced = _content(fields)
    place, impressions = length, []
    for kind in announced:
        if place >= size:
            _wrong(place, f"{kind}.001", "record_missing")
        if kind in BINARY:
            length, found = _binary(read_at, place, kind, size)
        else:
            length, told = _tagged(read_at, place, kind, size)
            found = _ridges(kind, told)
        impressions += [found] if found else []
        place += length
    if place != size:
        _wrong(place, "", "bytes_after_last_record")
    return Transaction(
        version,
        _text(fields, "1.004", 0),
        _text(fields, "1.008", 0),
        _text(fields, "1.007", 0),
        (1, *announced),
        tuple(impressions),
    )


def _content(fields: dict[str, bytes]) -> list[int]:
    """The types of the records after the first, as field 1.003 announces them."""
    rows = fields.get("1.003", b"").split(RS)
    first, *others = (row.split(US) for row in rows)
    if len(first) != 2 or first[0] != b"1" or not first[1].isdigit() or int(first[1][:5]) != len(others):
        _wrong(0, "1.003", "count")
    if len(others) > MAX_RECORDS:
        _wrong(0, "1.003", "too_many_records")
    found = []
    for row in others:
        if len(row) != 2 or not row[0].isdigit() or len(row[0]) > 2 or int(row[0]) not in BINARY | TAGGED - {1}:
            _wrong(0, "1.003", "record_type")
        found.append(int(row[0]))
    return found


def _tagged(read_at: ReadAt, place: int, kind: int, size: int) -> tuple[int, dict[str, bytes]]:
    """The length of a tagged record and those of its fields that stand in its first bytes, by number (``14.004``)."""
    raw = read_at(place, min(MAX_HEADER, size - place))
    first = _FIRST.match(raw)
    if first is None or int(first.group(1)) != kind:
        _wrong(place, f"{kind}.001", "first_field")
    length = int(first.group(2))
    if not first.end() <= length <= size - place:
        _wrong(place, f"{kind}.001", "length")
    if read_at(place + length - 1, 1) != FS:
        _wrong(place, f"{kind}.001", "end")
    is_whole = length <= len(raw)
    pieces = raw[: length - 1 if is_whole else len(raw)].split(GS)
    fields: dict[str, bytes] = {}
    for piece in pieces if is_whole else pieces[:-1]:
        number, colon, value = piece.partition(b":")
        group, _dot, tag = number.partition(b".")
        if not (colon and group.isdigit() and tag.isdigit() and len(tag) <= 9) or int(group[:3]) != kind:
            _wrong(place, f"{kind}.{len(fields) + 1:03}", "field")
        fields[f"{kind}.{int(tag):03}"] = value
        if int(tag) == 999:  # the image: whatever follows is no field
            break
    return length, fields


def _binary(read_at: ReadAt, place: int, kind: int, size: int) -> tuple[int, Impression | None]:
    raw = read_at(place, min(_BINARY_HEADER, size - place))
    if len(raw) < _BINARY_HEADER:
        _wrong(place, f"{kind}.001", "length")
    length = int.from_bytes(raw[:4], "big")
    if not _BINARY_HEADER <= length <= size - place:
        _wrong(place, f"{kind}.001", "length")
    if kind in (3, 4, 5, 6):
        position = raw[6] if raw[6] <= 14 else None
        return length, Impression(kind, raw[5], position)
    return length, None


def _ridges(kind: int, fields: dict[str, bytes]) -> Impression | None:
    """Type-13 (latent), 14 (finger), 15 (palm), 19 (plantar): impression type N.003 and position N.013."""
    if kind not in (13, 14, 15, 19):
        return None
    numbers = []
    for tag in ("003", "013"):
        raw = fields.get(f"{kind}.{tag}", b"").split(RS)[0].split(US)[0]
        numbers.append(int(raw) if raw.isdigit() and len(raw) <= 3 else None)
    return Impression(kind, *numbers)


def _text(fields: dict[str, bytes], number: str, place: int) -> str:
    """The text of a field that every transaction has."""
    raw = fields.get(number, b"")
    try:
        told = raw.decode("ascii")
    except UnicodeDecodeError:
        _wrong(place, number, "not_ascii")
    if not told or len(told) > 256 or not told.isprintable():
        _wrong(place, number, "missing")
    return told
