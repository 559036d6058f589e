"""Import of a list: looked at, stored in batches, safe to kill at any point, and a second time without effect.

1. *Look*: the whole file is parsed without writing anything (``import_looking``). A file that is damaged as a whole is
   refused here, so nothing of it is stored; damage of rows and values is collected for the report; what the import
   would do is counted against the register.
2. *Guard*: an edition older than the one held, or one in which a large part of the list is missing, is refused unless
   confirmed. That is what a truncated download, a wrong file or an empty list looks like.
3. *Store*: rows that say something new are written in batches of one transaction each. What a row no longer says is
   retired, never deleted, and not if the place where it would stand is damaged. A new list was sealed while it was
   looked at and is not read again; of a known list only the pieces with a new or changed row are.
4. *Finish*: subjects of rows that were not seen are marked delisted (never deleted) and leave the index of current
   listings.

A run that was killed leaves complete batches behind; the next import goes over them without effect and finishes. Two
imports at once cannot mix: the newer fences off the older, which stops with
``Conflict("register.import_superseded")``.

Parsing, digests and sealing are done outside of every transaction, and for a long file by several processes
(``import_pool``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime
from typing import IO

from django.db import transaction

from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.engine.formats.times import format_time
from tansiq.node.accounts.policy import require
from tansiq.node.audit.actions import record
from tansiq.node.register import steps
from tansiq.node.register.import_formats import FORMATS, ListFormat
from tansiq.node.register.import_looking import Hashed, Looked, Progress, file_size, look, read_prepared, spooling
from tansiq.node.register.import_preparing import Prepared, Preparing
from tansiq.node.register.import_reports import ImportReport
from tansiq.node.register.import_rows import preparing_for, write
from tansiq.node.register.models import (
    Discoverability,
    ImportProblem,
    ImportRun,
    ListSource,
    RegisterChange,
    Subject,
)
from tansiq.node.register.policy import FORMER_KEPT, WHOLE_NODE, OfficerLike

CONFIRM_OLDER, CONFIRM_DELISTING = "older", "delisting"
MANY_DELISTED_SHARE = 0.2
MANY_DELISTED = 10
DELIST_BATCH = 2_000
FEW_BATCHES = 8
"""So few batches with something new are read again in this process: others would not have started before."""


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
    preparing = preparing_for(source, now)
    with spooling() if is_new and not is_dry else nullcontext() as spool:
        looked = look(known, source, open_file, preparing, report, tell, is_new=is_new, spool=spool)
        if is_part:
            report.delisting_withheld = looked.missing
        refusals = _refusals(source, report, looked.missing, confirm)
        report.refused = [refusal.code for refusal in refusals]
        if is_dry:
            report.counts["delisted"] = looked.missing - report.delisting_withheld
            return report
        if refusals:
            raise refusals[0]
        run = _start(officer, source, report, preparing, now)
        report.run_id = str(run.run_id)
        batches = _Batches(known, open_file, preparing, looked, report.file_digest)
        _store(run, batches, report, tell, circle=circle, discoverability=discoverability, now=now)
    is_whole = batches.digest == report.file_digest
    _finish(officer, run, looked, report, is_whole=is_whole, now=now)
    if not is_whole:
        raise Conflict("register.import_file_changed", list=known.key, run=report.run_id)
    return report


class _Batches:
    """The rows that must be stored, in batches; ``digest`` tells afterwards of which file they were."""

    def __init__(
        self,
        known: ListFormat,
        open_file: Callable[[], IO[bytes]],
        preparing: Preparing,
        looked: Looked,
        digest: str,
    ) -> None:
        self._known, self._open, self._preparing, self._looked = known, open_file, preparing, looked
        self.digest = digest

    def __iter__(self) -> Iterator[list[Prepared]]:
        if self._looked.spool is not None:
            yield from self._looked.spool.batches()
        elif any(any(batch) for batch in self._looked.outcomes):
            yield from self._read_again()

    def _read_again(self) -> Iterator[list[Prepared]]:
        with self._open() as stream:
            hashed = Hashed(stream)
            changed = sum(map(any, self._looked.outcomes))
            size = 0 if changed < FEW_BATCHES else file_size(stream)
            for batch in read_prepared(self._known, hashed, self._preparing, self._looked.outcomes, size=size):
                yield [row for row in batch if isinstance(row, Prepared) and (row.fresh or row.record)]
            self.digest = hashed.digest()


def _source(known: ListFormat, *, is_dry: bool) -> tuple[ListSource, bool]:
    found = ListSource.objects.filter(key=known.key).first()
    if found is not None:
        return found, False
    fresh = ListSource(key=known.key, names=known.names, salt=os.urandom(32))
    if is_dry:
        return fresh, True
    return ListSource.objects.get_or_create(key=known.key, defaults={"names": known.names, "salt": fresh.salt})


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


def _start(
    officer: OfficerLike, source: ListSource, report: ImportReport, preparing: Preparing, now: datetime
) -> ImportRun:
    with transaction.atomic():
        looked_at, source = source.current_run_id, ListSource.objects.select_for_update().get(key=source.key)
        if source.current_run_id != looked_at:
            # Another import began since the file was held against the register: what was found then may be untrue.
            raise Conflict("register.import_superseded", list=source.key, run=str(source.current_run_id))
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
                    token=preparing.token(p.key) if p.key else "",
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
    run: ImportRun,
    batches: _Batches,
    report: ImportReport,
    tell: Progress,
    *,
    circle: str,
    discoverability: str,
    now: datetime,
) -> None:
    """Store batch by batch; what was unchanged when it was looked at needs nothing."""
    counts = report.counts
    done = counts["unchanged"] + counts["barred"]
    for name in ("added", "changed", "relisted"):
        counts[name] = 0
    for batch in batches:
        with transaction.atomic():
            source = _fenced(run)
            for item in write(source, run, batch, circle, discoverability, now):
                counts[item.outcome] += 1
            done += len(batch)
            ImportRun.objects.filter(pk=run.pk).update(rows_done=done)
        tell("store", done, counts["rows"])
    tell("store", done, counts["rows"])


def _fenced(run: ImportRun) -> ListSource:
    """The source's row, locked, if ``run`` is still its newest run."""
    source = ListSource.objects.select_for_update().get(pk=run.source_id)
    if source.current_run_id != run.pk:
        raise Conflict("register.import_superseded", list=source.key, run=str(run.pk))
    return source


def _finish(
    officer: OfficerLike, run: ImportRun, looked: Looked, report: ImportReport, *, is_whole: bool, now: datetime
) -> None:
    """Delist what was not seen, then close the run; an import that is no whole file delists nothing."""
    if is_whole and looked.missing and not report.delisting_withheld:
        _delist(run, looked, report, now)
    with transaction.atomic():
        source = _fenced(run)
        ImportRun.objects.filter(pk=run.pk).update(state=ImportRun.DONE, ended_at=now, counts=report.counts)
        if is_whole:
            source.edition_at, source.imported_at = report.edition_at, now
            source.save(update_fields=["edition_at", "imported_at"])
        facts = {"list": source.key, "run": str(run.pk), "whole": is_whole, **report.counts}
        record("register.import_finished", actor=officer.reference, facts=facts, log="internal", now=now)


def _delist(run: ImportRun, looked: Looked, report: ImportReport, now: datetime) -> None:
    """Mark the listed subjects whose rows the file does not have, batch by batch in the order of their ids."""
    after = None
    while True:
        with transaction.atomic():
            source = _fenced(run)
            rows = Subject.objects.filter(source=source, delisted_at=None)
            if after is not None:
                rows = rows.filter(subject_id__gt=after)
            told = list(rows.order_by("subject_id").values_list("subject_id", "source_token")[:DELIST_BATCH])
            if not told:
                return
            gone = [subject_id for subject_id, token in told if token not in looked.seen]
            Subject.objects.filter(subject_id__in=gone).update(
                delisted_at=now, review_at=now + FORMER_KEPT, updated_at=now
            )
            steps.number_changes(dict.fromkeys(gone, RegisterChange.PUT))
            report.counts["delisted"] += len(gone)
        after = told[-1][0]
