"""CSV read row by row in flat memory, damage kept to the row in which it stands (RFC 4180, any delimiter).

A quotation mark that is never closed would make a plain CSV reader swallow the rest of the file. Here a row may run
over several lines only while it parses, within bounds; where it does not, its first line alone is reported and
reading goes on with the next.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from tansiq.engine.entities.lists.lines import read_lines
from tansiq.engine.entities.lists.records import ListLimits, RowProblem
from tansiq.engine.errors import Rejected

ENCODINGS: Final = {"utf-8": "utf-8", "utf-8-bom": "utf-8", "cp1256": "cp1256"}
MAX_LINES_OF_A_ROW: Final = 64
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_TELLING: Final = 6


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row: where it begins (``/line[12]``) and its cells, stripped of white space around them."""

    place: str
    cells: tuple[str, ...]


def read_csv_rows(
    stream: IO[bytes], *, encoding: str, delimiter: str, limits: ListLimits
) -> Iterator[CsvRow | RowProblem]:
    """Every row that is not blank; a row that cannot be read is a ``RowProblem`` and costs nothing else.

    All rows must have as many cells as the first one. Raises Rejected: ``list.too_large``, ``list.too_many_rows``,
    ``list.empty``, ``list.encoding_wrong`` (a byte order mark that was not declared, or Arabic in the declared code
    page that is plainly UTF-8).
    """
    lines = _Lines(stream, encoding, limits)
    width = rows = 0
    while (line := lines.take()) is not None:
        number, raw = line
        if raw is not None and not raw.strip():
            continue
        rows += 1
        if rows > limits.max_rows:
            raise Rejected("list.too_many_rows", limit=limits.max_rows)
        if raw is None:
            yield RowProblem(f"/line[{number}]", "list.line_too_long", "", is_row_lost=True)
            continue
        found = _row(lines, number, raw, ENCODINGS[encoding], delimiter, width)
        if isinstance(found, CsvRow) and not width:
            width = len(found.cells)
        yield found
    if not rows:
        raise Rejected("list.empty")


def _row(lines: _Lines, number: int, raw: bytes, codec: str, delimiter: str, width: int) -> CsvRow | RowProblem:
    """The row that begins with this line; only a row that parses takes the lines that follow."""
    place = f"/line[{number}]"
    whole, rule = raw, "list.row_malformed"
    for taken in range(MAX_LINES_OF_A_ROW):
        try:
            text = whole.decode(codec)
        except UnicodeDecodeError:
            return RowProblem(place, "list.row_not_decodable", raw.decode(codec, "replace")[:200], is_row_lost=True)
        if text.count('"') % 2 == 0:
            cells = _cells(text, delimiter)
            if cells is not None and (not width or len(cells) == width):
                lines.drop(taken)
                return CsvRow(place, cells)
            rule = "list.row_malformed" if cells is None else "list.cells_miscounted"
            break
        more = lines.peek(taken)
        if more is None or len(whole) > lines.limits.max_row_bytes:
            break
        whole += b"\n" + more
    return RowProblem(place, rule, raw.decode(codec, "replace")[:200], is_row_lost=True)


def _cells(text: str, delimiter: str) -> tuple[str, ...] | None:
    if "\0" in text:
        return None
    try:
        found = list(csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return tuple(" ".join(cell.split()) for cell in found[0]) if len(found) == 1 else None


class _Lines:
    """The lines of the stream with their numbers, a few of them looked at before they are taken."""

    def __init__(self, stream: IO[bytes], encoding: str, limits: ListLimits) -> None:
        self.limits = limits
        self._encoding = encoding
        self._source = self._read(stream)
        self._ahead: deque[tuple[int, bytes | None]] = deque()

    def take(self) -> tuple[int, bytes | None] | None:
        return self._ahead.popleft() if self._ahead else next(self._source, None)

    def peek(self, index: int) -> bytes | None:
        while len(self._ahead) <= index:
            line = next(self._source, None)
            if line is None:
                return None
            self._ahead.append(line)
        return self._ahead[index][1]

    def drop(self, count: int) -> None:
        for _ in range(count):
            self._ahead.popleft()

    def _read(self, stream: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
        is_sure = self._encoding != "cp1256"
        for number, line in read_lines(stream, self.limits):
            if number == 1 and line is not None:
                line = self._without_mark(line)
            is_sure = is_sure or line is None or self._is_code_page(line)
            yield number, line

    def _without_mark(self, line: bytes) -> bytes:
        if line.startswith(_UTF16_MARKS):
            raise Rejected("list.encoding_wrong", declared=self._encoding, likely="utf-16")
        has_mark = line.startswith(_BYTE_ORDER_MARK)
        if has_mark != (self._encoding == "utf-8-bom"):
            likely = "utf-8-bom" if has_mark else "utf-8"
            raise Rejected("list.encoding_wrong", declared=self._encoding, likely=likely)
        return line.removeprefix(_BYTE_ORDER_MARK)

    def _is_code_page(self, line: bytes) -> bool:
        """Whether the first line with foreign letters shows that the code page was rightly declared.

        Several Arabic letters in Windows-1256 are never valid UTF-8 together; bytes that are UTF-8 were declared
        wrongly, and would silently become nonsense.
        """
        if sum(byte > 0x7F for byte in line) < _TELLING:
            return False
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            return True
        raise Rejected("list.encoding_wrong", declared=self._encoding, likely="utf-8")
