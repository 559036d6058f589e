"""The lines of a file of bytes in bounded memory, however long a line or the file is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Final

from tansiq.engine.entities.lists.records import ListLimits
from tansiq.engine.errors import Rejected

_CHUNK: Final = 64 * 1024


def read_lines(stream: IO[bytes], limits: ListLimits) -> Iterator[tuple[int, bytes | None]]:
    """Every line with its number, from 1, without its end (LF or CR LF).

    None for a line longer than a row may be: it is passed over, not kept. Raises Rejected("list.too_large") when the
    file is longer than a file may be.
    """
    number, total, rest, is_too_long = 1, 0, b"", False
    while chunk := stream.read(_CHUNK):
        total += len(chunk)
        if total > limits.max_bytes:
            raise Rejected("list.too_large", limit=limits.max_bytes)
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield number, None if is_too_long or len(line) > limits.max_row_bytes else line.removesuffix(b"\r")
            number, is_too_long = number + 1, False
        if len(rest) > limits.max_row_bytes:
            rest, is_too_long = b"", True
    if rest or is_too_long:
        yield number, None if is_too_long else rest.removesuffix(b"\r")
