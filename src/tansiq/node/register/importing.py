"""Import of a list: read twice, stored in batches, safe to kill at any point, and a second time without effect.

1. *Look*: the whole file is parsed without writing anything. A file that is damaged as a whole is refused here, so
nothing of it is
   stored; damage of rows and values is collected for the report; what the import would do is counted against the
   register.
2. *Guard*: an edition older than the one held, or one in which a large part of the list is missing, is refused unless
confirmed.
   That is what a truncated download, a wrong file or an empty list looks like.
3. *Store*: the file is parsed again and compared with the register in batches of one transaction each. A row that says
what it
   said before is only marked as seen. What a row no longer says is retired, never deleted, and not if the place where
   it would stand is damaged.
4. *Finish*: subjects of rows that were not seen are marked delisted (never deleted) and leave the index of current
listings.

A run that was killed leaves complete batches behind; the next import goes over them without effect and finishes. Two
imports at once cannot mix: the newer fences off the older, which stops with
``Conflict("register.import_superseded")``.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import IO

from django.db import transaction

from tansiq.engine.entities.lists import ListHeader, ListRecord, ListRow, RowProblem
from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.engine.formats.times import format_time
from tansiq.node.accounts.policy import require
from tansiq.node.audit.actions import record
from tansiq.node.register import steps
from tansiq.node.register.import_formats import FORMATS, ListFormat
from tansiq.node.register.import_reports import ImportReport, sample_of
from tansiq.node.register.import_rows import plan, row_token, write
from tansiq.node.register.models import (
    Discoverability,
    ImportProblem,
    ImportRun,
    ListSource,
    RegisterChange,
    Subject,
)
from tansiq.node.register.policy import WHOLE_NODE, OfficerLike

BATCH = 200
MAX_REPORTED = 10_000
MAX_SAMPLE = 5
CONFIRM_OLDER, CONFIRM_DELISTING = "older", "delisting"
MANY_DELISTED_SHARE = 0.2
MANY_DELISTED = 10
_FIRST_STANDS = frozenset({"list.duplicate_row"})
"""Losses of rows that were read once before."""

Progress = Callable[[str, int, int | None], None]
"""Told ("read", rows, None) while looking and ("store", rows, all rows) while storing."""


def import_list(
    officer: OfficerLike,
    wanted: str | ListFormat,
    open_file: Callable[[], IO[bytes]],
    *,
    circle: str = WHOLE_NODE,
    discoverability: str = Discoverability.HIT,
    is_dry: bool = False,
    is_part: bool = False,
    confirm: frozenset[str] = frozenset(),
    progress: Progress | None = None,
    now: datetime,
) -> ImportReport:
    """Bring the register to what the file says; ``open_file`` is called twice and must open the same bytes each time.

    ``wanted`` is the key of a published list, or the format of somebody's own (``import_formats``). ``circle`` and
    ``discoverability`` are for subjects that are new. With ``is_part`` the file adds to the list and delists nothing. A
    dry run tells the first rows as they were understood. Raises Rejected("list.…") for a file that cannot
    be trusted; Rejected("register.unknown_list"); Refused("register.import_older") and
    Refused("register.import_would_delist") unless ``confirm`` holds "older" or "delisting";
    Conflict("register.import_file_changed" | "register.import_superseded").
    """
    require(officer.roles, "import")
    known = FORMATS.get(wanted) if isinstance(wanted, str) else wanted
    if known is None:
        raise Rejected("register.unknown_list", list=str(wanted)[:40], known=sorted(FORMATS))
    tell = progress or (lambda _phase, _done, _total: None)
    source, is_new = _source(known, is_dry=is_dry)
    report = ImportReport(known.key, is_dry)
    missing = _look(known, source, open_file, report, tell, is_new=is_new)
    if is_part:
        report.delisting_withheld = missing
    refusals = _refusals(source, report, missing, confirm)
    report.refused = [refusal.code for refusal in refusals]
    if is_dry:
        report.counts["delisted"] = missing - report.delisting_withheld
        return report
    if refusals:
        raise refusals[0]
    run = _start(officer, source, report, now)
    report.run_id = str(run.run_id)
    for name in ("added", "changed", "unchanged", "relisted", "barred"):
        report.counts[name] = 0
    digest = _store(known, run, open_file, report, tell, circle=circle, discoverability=discoverability, now=now)
    _finish(officer, run, report, is_whole=digest == report.file_digest, now=now)
    if digest != report.file_digest:
        raise Conflict("register.import_file_changed", list=known.key, run=report.run_id)
    return report


class _Hashed:
    """A stream that knows the digest of what was read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self._hash.update(chunk)
        return chunk

    def digest(self) -> str:
        return self._hash.hexdigest()


def _source(known: ListFormat, *, is_dry: bool) -> tuple[ListSource, bool]:
    found = ListSource.objects.filter(key=known.key).first()
    if found is not None:
        return found, False
    fresh = ListSource(key=known.key, names=known.names, salt=os.urandom(32))
    if is_dry:
        return fresh, True
    return ListSource.objects.get_or_create(key=known.key, defaults={"names": known.names, "salt": fresh.salt})


def _look(
    known: ListFormat,
    source: ListSource,
    open_file: Callable[[], IO[bytes]],
    report: ImportReport,
    tell: Progress,
    *,
    is_new: bool,
) -> int:
    """Read all of the file, count what it would do, and return how many subjects now listed are not in it."""
    found = unknown_losses = 0
    lost: list[str] = []
    with open_file() as stream:
        hashed = _Hashed(stream)
        for batch in _batches(known.read(hashed)):  # type: ignore[arg-type] - a reader needs read() only
            for row in batch:
                if isinstance(row, ListHeader):
                    report.edition_at = row.generated_at
                elif isinstance(row, RowProblem):
                    _note_problem(report, row)
                    lost.extend([row.key] if row.is_row_lost and row.key and row.rule not in _FIRST_STANDS else [])
                    unknown_losses += row.is_row_lost and not row.key
            planned = plan(source, [row for row in batch if isinstance(row, ListRecord)], is_new=is_new)
            if report.is_dry and len(report.sample) < MAX_SAMPLE:
                report.sample.extend(sample_of(item.record) for item in planned[: MAX_SAMPLE - len(report.sample)])
            for item in planned:
                report.counts["rows"] += 1
                report.counts[item.outcome] += 1
                found += item.subject is not None and item.subject.delisted_at is None
            tell("read", report.counts["rows"], None)
        report.file_digest = hashed.digest()
    if is_new:
        return 0
    for start in range(0, len(lost), steps.BATCH):
        tokens = [row_token(source, key) for key in lost[start : start + steps.BATCH]]
        found += Subject.objects.filter(source=source, source_token__in=tokens, delisted_at=None).count()
    missing = Subject.objects.filter(source=source, delisted_at=None).count() - found
    # A row that was lost without its key may be any of those that seem to be missing.
    report.delisting_withheld = missing if unknown_losses else 0
    return missing


def _note_problem(report: ImportReport, problem: RowProblem) -> None:
    report.counts["problems"] += 1
    report.counts["lost"] += problem.is_row_lost
    if len(report.problems) < MAX_REPORTED:
        report.problems.append(problem)


def _refusals(source: ListSource, report: ImportReport, missing: int, confirm: frozenset[str]) -> list[Refused]:
    """What an officer must confirm before this file is stored."""
    refusals = []
    edition, held = report.edition_at, source.edition_at
    if held and edition and edition < held and CONFIRM_OLDER not in confirm:
        told = {"edition": format_time(edition), "held": format_time(held)}
        refusals.append(Refused("register.import_older", list=source.key, **told))
    delisted = missing - report.delisting_withheld
    listed = missing + report.counts["changed"] + report.counts["unchanged"]
    many = delisted > MANY_DELISTED and delisted > MANY_DELISTED_SHARE * listed
    if (many or (delisted and delisted == listed)) and CONFIRM_DELISTING not in confirm:
        told_counts = {"delisted": delisted, "listed": listed}
        refusals.append(Refused("register.import_would_delist", list=source.key, **told_counts))
    return refusals


def _start(officer: OfficerLike, source: ListSource, report: ImportReport, now: datetime) -> ImportRun:
    with transaction.atomic():
        source = ListSource.objects.select_for_update().get(key=source.key)
        ImportRun.objects.filter(source=source, state=ImportRun.RUNNING).update(
            state=ImportRun.SUPERSEDED, ended_at=now
        )
        run = ImportRun.objects.create(
            source=source,
            officer=officer.reference,
            edition_at=report.edition_at,
            file_digest=report.file_digest,
            row_count=report.counts["rows"],
            started_at=now,
        )
        ImportProblem.objects.bulk_create(
            [
                ImportProblem(
                    run=run,
                    place=p.place[:300],
                    rule=p.rule,
                    is_row_lost=p.is_row_lost,
                    token=row_token(source, p.key) if p.key else "",
                    told={"value": p.value, "key": p.key, "number": p.number, "prop": p.prop},
                )
                for p in report.problems
            ],
            batch_size=steps.BATCH,
        )
        source.current_run = run
        source.save(update_fields=["current_run"])
        facts = {"list": source.key, "run": str(run.pk), "file": report.file_digest}
        record("register.import_started", actor=officer.reference, facts=facts, log="internal", now=now)
    return run


def _store(
    known: ListFormat,
    run: ImportRun,
    open_file: Callable[[], IO[bytes]],
    report: ImportReport,
    tell: Progress,
    *,
    circle: str,
    discoverability: str,
    now: datetime,
) -> str:
    """Store the file batch by batch; returns the digest of what was read this time."""
    done = 0
    with open_file() as stream:
        hashed = _Hashed(stream)
        for batch in _batches(known.read(hashed)):  # type: ignore[arg-type] - a reader needs read() only
            records = [row for row in batch if isinstance(row, ListRecord)]
            lost = [row.key for row in batch if isinstance(row, RowProblem) and row.is_row_lost and row.key]
            done += len(records)
            with transaction.atomic():
                source = _fenced(run)
                for item in write(source, run, records, lost, circle, discoverability, now):
                    report.counts[item.outcome] += 1
                ImportRun.objects.filter(pk=run.pk).update(rows_done=done)
            tell("store", done, report.counts["rows"])
        return hashed.digest()


def _fenced(run: ImportRun) -> ListSource:
    """The source's row, locked, if ``run`` is still its newest run."""
    source = ListSource.objects.select_for_update().get(pk=run.source_id)
    if source.current_run_id != run.pk:
        raise Conflict("register.import_superseded", list=source.key, run=str(run.pk))
    return source


def _batches(rows: Iterable[ListRow]) -> Iterator[list[ListRow]]:
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        yield batch


def _finish(officer: OfficerLike, run: ImportRun, report: ImportReport, *, is_whole: bool, now: datetime) -> None:
    """Delist what was not seen, batch by batch, then close the run; an import that is no whole file delists nothing."""
    while is_whole and not report.delisting_withheld:
        with transaction.atomic():
            source = _fenced(run)
            unseen = Subject.objects.filter(source=source, delisted_at=None).exclude(seen_run=run)
            ids = list(unseen.values_list("subject_id", flat=True)[: steps.BATCH])
            if not ids:
                break
            Subject.objects.filter(subject_id__in=ids).update(delisted_at=now, updated_at=now)
            steps.number_changes(dict.fromkeys(ids, RegisterChange.PUT))
            report.counts["delisted"] += len(ids)
    with transaction.atomic():
        source = _fenced(run)
        ImportRun.objects.filter(pk=run.pk).update(state=ImportRun.DONE, ended_at=now, counts=report.counts)
        if is_whole:
            source.edition_at, source.imported_at = report.edition_at, now
            source.save(update_fields=["edition_at", "imported_at"])
        facts = {"list": source.key, "run": str(run.pk), "whole": is_whole, **report.counts}
        record("register.import_finished", actor=officer.reference, facts=facts, log="internal", now=now)
