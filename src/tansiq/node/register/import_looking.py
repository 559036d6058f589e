"""Reading a list file, whole and without writing: what it says, in prepared rows, and what an import of it would do."""

from __future__ import annotations

import hashlib
import marshal
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any
from uuid import UUID

from django.conf import settings

from tansiq.engine.entities.lists import (
    FtmWhole,
    ListHeader,
    ListRecord,
    ListRow,
    Piece,
    RowProblem,
    repeated,
)
from tansiq.engine.entities.lists.seen_keys import SeenKeys
from tansiq.node.register import import_pool
from tansiq.node.register.import_formats import ListFormat
from tansiq.node.register.import_preparing import Fresh, Prepared, PreparedRow, Preparing, Want
from tansiq.node.register.import_reports import MAX_REPORTED, MAX_SAMPLE, MAX_TOLD, ImportReport, sample_of
from tansiq.node.register.import_rows import Planned, plan
from tansiq.node.register.models import ListSource, Subject
from tansiq.node.vault.columns import Sealed

BATCH = 500

Progress = Callable[[str, int, int | None], None]
"""Told ("read", rows, about how many) while looking and ("store", rows, all rows) while storing."""
_FIRST_STANDS = frozenset({"list.duplicate_row"})
"""Losses of rows that were read once before."""


class Hashed:
    """A stream that knows the digest and the length of what was read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.length = 0

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self._hash.update(chunk)
        self.length += len(chunk)
        return chunk

    def digest(self) -> str:
        return self._hash.hexdigest()


@dataclass(slots=True)
class Looked:
    """What a look at a file found: what each row needs, which rows are there, and (new list) the rows themselves, sealed."""

    missing: int = 0
    outcomes: list[bytes] = field(default_factory=list)
    """For each batch, one byte for each of its records: how much of it must be stored (``Want``)."""
    seen: SeenKeys = field(default_factory=SeenKeys)
    """The tokens of all rows that the file has, lost ones included; of a new list none are kept."""
    spool: Spool | None = None


class Spool:
    """Batches of sealed rows in a file without a name, beside the database: killed, nothing of it is left."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def put(self, rows: Iterable[Prepared]) -> None:
        """Add a batch."""
        marshal.dump([_to_spool(row) for row in rows], self._file)

    def batches(self) -> Iterator[list[Prepared]]:
        """All batches in their order."""
        self._file.seek(0)
        while True:
            try:
                batch = marshal.load(self._file)  # noqa: S302 - our own file, which nobody else can open
            except EOFError:
                return
            yield [_from_spool(item) for item in batch]


@contextmanager
def spooling() -> Iterator[Spool]:
    """A spool for the time of an import."""
    with tempfile.TemporaryFile(dir=settings.NODE.home) as file:
        yield Spool(file)


def look(
    known: ListFormat,
    source: ListSource,
    open_file: Callable[[], IO[bytes]],
    preparing: Preparing,
    report: ImportReport,
    tell: Progress,
    *,
    is_new: bool,
    spool: Spool | None = None,
) -> Looked:
    """Read all of the file and count what it would do."""
    found = Looked(spool=spool)
    listed: set[UUID] = set()
    listed_count, unknown_losses = 0, 0
    wanted = Want.FRESH if spool is not None else Want.DIGEST
    with open_file() as stream:
        hashed, size = Hashed(stream), file_size(stream)
        for batch in read_prepared(known, hashed, preparing, wanted, size=size):
            lost: list[str] = []
            for row in batch:
                if isinstance(row, ListHeader):
                    report.edition_at = row.generated_at
                elif isinstance(row, RowProblem):
                    note_problem(report, row)
                    lost.extend([row.key] if row.is_row_lost and row.key and row.rule not in _FIRST_STANDS else [])
                    unknown_losses += row.is_row_lost and not row.key
            planned = plan(source, [row for row in batch if isinstance(row, Prepared)], is_new=is_new)
            if report.is_dry:
                told = (item for item in planned if item.outcome != "unchanged")
                report.rows.extend(islice(map(_told, told), MAX_TOLD - len(report.rows)))
            found.outcomes.append(bytes(item.wanted for item in planned))
            if spool is not None:
                spool.put(item.row for item in planned)
            listed_count += _count(planned, report)
            for item in planned if not is_new else ():
                found.seen.add(item.row.token)
            if not is_new and lost:
                listed |= _listed(source, preparing, lost, found)
            rows = report.counts["rows"]
            tell("read", rows, max(rows, rows * size // max(hashed.length, 1)) if size else None)
        report.file_digest = hashed.digest()
    if report.is_dry:
        report.sample.extend(_sample(known, open_file))
    if is_new:
        return found
    found.missing = Subject.objects.filter(source=source, delisted_at=None).count() - listed_count - len(listed)
    # A row that was lost without its key may be any of those that seem to be missing.
    report.delisting_withheld = found.missing if unknown_losses else 0
    return found


def read_prepared(
    known: ListFormat, stream: Any, preparing: Preparing, wanted: Want | list[bytes], *, size: int
) -> Iterator[list[PreparedRow]]:
    """The rows of a file in batches, each as much prepared as ``wanted`` says: all alike, or batch by batch.

    Given batch by batch, what needs nothing is not even parsed where the format can be read in pieces, and repeated
    rows are not reported again.
    """
    if known.pieces is None:
        for number, batch in enumerate(_batches(known.read(stream))):
            yield preparing.rows(batch, wanted if isinstance(wanted, Want) else _at(wanted, number))
        return
    processes = import_pool.processes_for(size)
    tasks = _tasks(known.pieces.split(stream), wanted)
    parts = import_pool.read_pieces(known.pieces, preparing, tasks, processes=processes)
    with closing(parts):
        if not isinstance(wanted, Want):
            yield from (rows for rows, _ in parts)
            return
        yield [ListHeader(known.key, None)]
        whole = FtmWhole()
        for rows, told in parts:
            yield [_once(row, whole) for row in rows]
            whole.count(told)
        yield list(whole.end())


def note_problem(report: ImportReport, problem: RowProblem) -> None:
    """Count a problem, and keep it for the report while there is room."""
    report.counts["problems"] += 1
    report.counts["lost"] += problem.is_row_lost
    if len(report.problems) < MAX_REPORTED:
        report.problems.append(problem)


def _tasks(pieces: Iterable[Piece], wanted: Want | list[bytes]) -> Iterator[import_pool.Task]:
    for number, piece in enumerate(pieces):
        if isinstance(wanted, Want):
            yield piece, wanted
        elif any(_at(wanted, number + 1)):  # the header is a batch of its own
            yield piece, wanted[number + 1]


def _at(wanted: list[bytes], number: int) -> bytes:
    return wanted[number] if number < len(wanted) else b""


def _once(row: PreparedRow, whole: FtmWhole) -> PreparedRow:
    if isinstance(row, Prepared) and whole.is_repeated(row.token):
        return repeated(row.place, row.key, row.number)
    return row


def _count(planned: Iterable[Planned], report: ImportReport) -> int:
    """Count outcomes; returns how many of the rows are listed now."""
    listed = 0
    for item in planned:
        report.counts["rows"] += 1
        report.counts[item.outcome] += 1
        listed += item.held is not None and item.held.delisted_at is None
    return listed


def _listed(source: ListSource, preparing: Preparing, lost: Iterable[str], found: Looked) -> set[UUID]:
    """The listed subjects whose rows are there but could not be read."""
    tokens = [token for key in lost if (token := preparing.token(key)) not in found.seen]
    for token in tokens:
        found.seen.add(token)
    rows = Subject.objects.filter(source=source, source_token__in=tokens, delisted_at=None)
    return set(rows.values_list("subject_id", flat=True))


def _told(item: Planned) -> dict[str, str]:
    return {"outcome": item.outcome, "place": item.row.place, "number": item.row.number}


def _sample(known: ListFormat, open_file: Callable[[], IO[bytes]]) -> list[dict[str, Any]]:
    with open_file() as stream:
        records = (row for row in known.read(stream) if isinstance(row, ListRecord))
        return [sample_of(record) for record in islice(records, MAX_SAMPLE)]


def _batches(rows: Iterable[ListRow]) -> Iterator[list[ListRow]]:
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        yield batch


def file_size(stream: IO[bytes]) -> int:
    """How many bytes the file has; 0 where a stream does not know."""
    known = getattr(stream, "length", None)
    if isinstance(known, int):
        return known
    try:
        return os.fstat(stream.fileno()).st_size
    except (AttributeError, OSError):
        return 0


def _to_spool(row: Prepared) -> tuple[Any, ...]:
    assert row.fresh is not None
    made = row.fresh
    return (
        row.key,
        row.token,
        row.fingerprint,
        made.subject_id.bytes,
        made.schema,
        bytes(made.card),
        bytes(made.packed),
    )


def _from_spool(item: tuple[Any, ...]) -> Prepared:
    key, token, fingerprint, subject_id, schema, card, packed = item
    fresh = Fresh(UUID(bytes=subject_id), schema, Sealed(card), Sealed(packed))
    return Prepared(key, "", "", token, fingerprint, fresh)
