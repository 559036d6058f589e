"""What the tests of every reader ask."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from tansiq.engine.entities.lists import ListHeader, ListRecord, ListRow, RowProblem

Reader = Callable[[IO[bytes]], Iterator[ListRow]]


def rows(reader: Reader, raw: bytes) -> list[ListRow]:
    return list(reader(io.BytesIO(raw)))


def records(found: Iterable[ListRow]) -> list[ListRecord]:
    return [row for row in found if isinstance(row, ListRecord)]


def problems(found: Iterable[ListRow]) -> list[RowProblem]:
    return [row for row in found if isinstance(row, RowProblem)]


def header(found: Iterable[ListRow]) -> ListHeader:
    return next(row for row in found if isinstance(row, ListHeader))


def values(record: ListRecord, prop: str, belonging: str = "") -> list[str]:
    """The values of the record itself, or of its belongings whose key begins with ``belonging``."""
    own = f"{record.entity_id}#{belonging}"
    return [
        s.value
        for s in record.statements
        if s.prop == prop and (s.entity_id.startswith(own) if belonging else s.entity_id == record.entity_id)
    ]
