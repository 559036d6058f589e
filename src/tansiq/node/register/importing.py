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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from tansiq.engine.entities import Difference, Statement, diff, rebase
from tansiq.engine.entities.lists import UN_LIST, ListHeader, ListRecord, ListRow, RowProblem, read_un_list
from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.engine.formats.times import format_time
from tansiq.node.accounts.policy import require
from tansiq.node.audit.actions import record
from tansiq.node.register import steps
from tansiq.node.register.cards import card_of
from tansiq.node.register.models import (
    Discoverability,
    Erasure,
    ImportProblem,
    ImportRun,
    ListSource,
    Origin,
    RegisterChange,
    StatementRow,
    Subject,
)
from tansiq.node.register.policy import WHOLE_NODE, OfficerLike
from tansiq.node.register.tokens import token

BATCH = 200
MAX_REPORTED = 10_000
CONFIRM_OLDER, CONFIRM_DELISTING = "older", "delisting"
MANY_DELISTED_SHARE = 0.2
MANY_DELISTED = 10
_FIRST_STANDS = frozenset({"list.duplicate_row"})
"""Losses of rows that were read once before."""

Progress = Callable[[str, int, int | None], None]
"""Told ("read", rows, None) while looking and ("store", rows, all rows) while storing."""


@dataclass(frozen=True, slots=True)
class ListFormat:
    """A list that can be imported: its reader and what it is called."""

    key: str
    names: dict[str, str]
    read: Callable[[IO[bytes]], Iterator[ListRow]]


FORMATS: dict[str, ListFormat] = {
    UN_LIST: ListFormat(
        UN_LIST,
        {
            "ar": "القائمة الموحّدة لمجلس الأمن التابع للأمم المتحدة",
            "fr": "Liste récapitulative du Conseil de sécurité de l’ONU",
            "en": "UN Security Council Consolidated List",
            "it": "Elenco consolidato del Consiglio di sicurezza dell’ONU",
            "fa": "فهرست یکپارچهٔ شورای امنیت سازمان ملل متحد",
        },
        read_un_list,
    ),
}


@dataclass(slots=True)
class ImportReport:
    """What an import did (or, ``is_dry``, would do).

    ``counts`` are of rows; ``problems`` are at most 10,000; ``delisting_withheld`` counts subjects that were not in
    the file but may be among its unreadable rows; ``refused`` holds the codes for which the import would ask for a
    confirmation.
    """

    source: str
    is_dry: bool
    edition_at: datetime | None = None
    file_digest: str = ""
    run_id: str = ""
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("rows", "added", "changed", "unchanged", "relisted", "delisted", "barred", "lost", "problems"), 0
        )
    )
    problems: list[RowProblem] = field(default_factory=list)
    delisting_withheld: int = 0
    refused: list[str] = field(default_factory=list)

    @property
    def is_without_effect(self) -> bool:
        """Whether the register is as it was before."""
        return not any(self.counts[name] for name in ("added", "changed", "relisted", "delisted"))

    def to_json(self) -> dict[str, Any]:
        """For the command line and the API; values of problems are shown to whoever may import."""
        return {
            "source": self.source,
            "dry_run": self.is_dry,
            "edition_at": format_time(self.edition_at) if self.edition_at else None,
            "file_digest": self.file_digest,
            "run": self.run_id or None,
            "counts": dict(self.counts),
            "delisting_withheld": self.delisting_withheld,
            "refused": list(self.refused),
            "problems": [
                {"place": p.place, "rule": p.rule, "value": p.value, "number": p.number, "row_lost": p.is_row_lost}
                for p in self.problems
            ],
        }


@dataclass(frozen=True, slots=True)
class _Planned:
    """One row of the list beside what the register holds of it."""

    record: ListRecord
    token: str
    fingerprint: str
    subject: Subject | None
    is_barred: bool

    @property
    def outcome(self) -> str:
        if self.subject is None:
            return "barred" if self.is_barred else "added"
        if self.subject.fingerprint != self.fingerprint:
            return "changed"
        return "relisted" if self.subject.delisted_at else "unchanged"


def import_list(
    officer: OfficerLike,
    list_key: str,
    open_file: Callable[[], IO[bytes]],
    *,
    circle: str = WHOLE_NODE,
    discoverability: str = Discoverability.HIT,
    is_dry: bool = False,
    confirm: frozenset[str] = frozenset(),
    progress: Progress | None = None,
    now: datetime,
) -> ImportReport:
    """Bring the register to what the file says; ``open_file`` is called twice and must open the same bytes each time.

    ``circle`` and ``discoverability`` are for subjects that are new. Raises Rejected("list.…") for a file that cannot
    be trusted; Rejected("register.unknown_list"); Refused("register.import_older") and
    Refused("register.import_would_delist") unless ``confirm`` holds "older" or "delisting";
    Conflict("register.import_file_changed" | "register.import_superseded").
    """
    require(officer.roles, "import")
    known = FORMATS.get(list_key)
    if known is None:
        raise Rejected("register.unknown_list", list=list_key[:40], known=sorted(FORMATS))
    tell = progress or (lambda _phase, _done, _total: None)
    source, is_new = _source(known, is_dry=is_dry)
    report = ImportReport(list_key, is_dry)
    missing = _look(known, source, open_file, report, tell, is_new=is_new)
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
        raise Conflict("register.import_file_changed", list=list_key, run=report.run_id)
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
            planned = _plan(source, [row for row in batch if isinstance(row, ListRecord)], is_new=is_new)
            for item in planned:
                report.counts["rows"] += 1
                report.counts[item.outcome] += 1
                found += item.subject is not None and item.subject.delisted_at is None
            tell("read", report.counts["rows"], None)
        report.file_digest = hashed.digest()
    if is_new:
        return 0
    tokens = [_row_token(source, key) for key in lost]
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
                    token=_row_token(source, p.key) if p.key else "",
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
                for item in _write(source, run, records, lost, circle, discoverability, now):
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


def _row_token(source: ListSource, key: str) -> str:
    return token("list row", source.key, key, salt=bytes(source.salt))


def _plan(source: ListSource, records: Sequence[ListRecord], *, is_new: bool = False) -> list[_Planned]:
    """Each row beside the subject it made, found by token; one query per batch."""
    tokens = {_row_token(source, row.key): row for row in records}
    held: dict[str | None, Subject] = {}
    barred: set[str | None] = set()
    if not is_new:
        held = {
            s.source_token: s
            for s in Subject.objects.filter(source=source, source_token__in=list(tokens)).defer("card")
        }
        rows = Erasure.objects.filter(source=source, source_token__in=list(tokens), is_barred=True)
        barred = set(rows.values_list("source_token", flat=True))
    salt = bytes(source.salt)
    return [
        _Planned(row, key, token("list row says", row.fingerprint(), salt=salt), held.get(key), key in barred)
        for key, row in tokens.items()
    ]


def _write(
    source: ListSource,
    run: ImportRun,
    records: Sequence[ListRecord],
    lost: Sequence[str],
    circle: str,
    discoverability: str,
    now: datetime,
) -> list[_Planned]:
    planned = _plan(source, records)
    changes: dict[UUID, str] = {}
    new_rows: list[StatementRow] = []
    new_subjects: list[Subject] = []
    for item in planned:
        if item.outcome == "added":
            subject, rows = _new_subject(source, run, item, circle, discoverability, now)
            new_subjects.append(subject)
            new_rows.extend(rows)
            changes[subject.subject_id] = RegisterChange.PUT
        elif item.subject is not None and item.outcome in ("changed", "relisted"):
            _bring_up_to_date(item.subject, item, now)
            changes[item.subject.subject_id] = RegisterChange.PUT
    Subject.objects.bulk_create(new_subjects, batch_size=steps.BATCH)
    StatementRow.objects.bulk_create(new_rows, batch_size=steps.BATCH)
    seen = [item.token for item in planned if item.subject is not None] + [_row_token(source, key) for key in lost]
    Subject.objects.filter(source=source, source_token__in=seen).update(seen_run=run)
    steps.number_changes(changes)
    return planned


def _new_subject(
    source: ListSource, run: ImportRun, item: _Planned, circle: str, discoverability: str, now: datetime
) -> tuple[Subject, list[StatementRow]]:
    subject_id = steps.fresh_subject_id(now)
    said = rebase(item.record.statements, old=item.record.entity_id, new=str(subject_id))
    subject = Subject(
        subject_id=subject_id,
        schema=item.record.schema,
        owner=settings.NODE.node_id,
        origin=Origin.LIST,
        circle=circle,
        discoverability=discoverability,
        card=card_of(said),
        source=source,
        source_token=item.token,
        fingerprint=item.fingerprint,
        seen_run=run,
        created_by=run.officer,
        created_at=now,
        updated_at=now,
    )
    return subject, [steps.new_row(subject, statement, now=now) for statement in said]


def _bring_up_to_date(subject: Subject, item: _Planned, now: datetime) -> None:
    """Retire what the list no longer says, add what it says now.

    Statements of officers and partners stay as they are.
    """
    subject = Subject.objects.select_for_update().get(pk=subject.pk)
    said = rebase(item.record.statements, old=item.record.entity_id, new=str(subject.subject_id))
    rows = {
        row.token: (row, steps.statement_of(row))
        for row in subject.statements.select_for_update().filter(source_kind="list", source_id=item.record.list_key)
    }
    in_force = [statement for row, statement in rows.values() if row.retired_at is None]
    found: Difference = diff(in_force, said)
    gone = [statement for statement in found.removed if statement.prop not in item.record.damaged]
    _retire(rows, subject, gone, now)
    by_officer = {row.token for row, _ in rows.values() if row.retired_at and row.retired_by}
    wanted = [s for s in found.added if steps.statement_token(subject.subject_id, s) not in by_officer]
    steps.add_statements(subject, wanted, now=now)
    for statement in found.changed:
        row, was = rows[steps.statement_token(subject.subject_id, statement)]
        row.told = {**statement.to_json(), "first_seen": was.to_json().get("first_seen")}
        row.save(update_fields=["told"])
    subject.fingerprint = item.fingerprint
    subject.delisted_at = None
    subject.schema = item.record.schema
    subject.card = card_of(steps.statement_of(row) for row in subject.statements.filter(retired_at=None))
    subject.updated_at = now
    subject.save(update_fields=["fingerprint", "delisted_at", "schema", "card", "updated_at"])


def _retire(
    rows: dict[str, tuple[StatementRow, Statement]], subject: Subject, gone: Sequence[Statement], now: datetime
) -> None:
    ids = [rows[steps.statement_token(subject.subject_id, statement)][0].pk for statement in gone]
    StatementRow.objects.filter(pk__in=ids).update(retired_at=now)


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
