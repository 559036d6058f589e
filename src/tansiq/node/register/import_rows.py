"""Rows of a list beside what the register holds of them, and the steps that bring one up to the other.

Everything here runs inside the caller's transaction; ``importing`` decides what is read, confirmed and finished.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from tansiq.engine.entities import Statement, diff, pack, rebase
from tansiq.engine.entities.lists import ListRecord
from tansiq.node.register import steps
from tansiq.node.register.bulk import insert
from tansiq.node.register.cards import card_of
from tansiq.node.register.import_preparing import Prepared, Preparing, Want
from tansiq.node.register.models import (
    Erasure,
    ImportRun,
    ListSource,
    Origin,
    RegisterChange,
    StatementRow,
    Subject,
)
from tansiq.node.vault import keys
from tansiq.node.vault.columns import Sealer

NEW_SUBJECT = ("subject_id", "schema", "card", "packed", "source_token", "fingerprint")
CHANGED = frozenset({"changed", "relisted"})


@dataclass(frozen=True, slots=True)
class Held:
    """What the register holds of a row: which subject, what the list said last, and whether it is listed now."""

    subject_id: UUID
    fingerprint: str
    delisted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Planned:
    """One row of the list beside what the register holds of it."""

    row: Prepared
    held: Held | None
    is_barred: bool

    @property
    def outcome(self) -> str:
        if self.held is None:
            return "barred" if self.is_barred else "added"
        if self.held.fingerprint != self.row.fingerprint:
            return "changed"
        return "relisted" if self.held.delisted_at else "unchanged"

    @property
    def wanted(self) -> Want:
        """How much of the row is needed to store it."""
        if self.outcome == "added":
            return Want.FRESH
        return Want.RECORD if self.outcome in CHANGED else Want.DIGEST


def preparing_for(source: ListSource, now: datetime) -> Preparing:
    """What preparing rows of this list depends on; raises Unavailable("vault.locked")."""
    held = keys.current()
    return Preparing(source.key, bytes(source.salt), held.search_key, held.storage_key, now)


def plan(source: ListSource, rows: Sequence[Prepared], *, is_new: bool = False) -> list[Planned]:
    """Each row beside the subject it made, found by token; two queries a batch, none for a new list."""
    if is_new or not rows:
        return [Planned(row, None, is_barred=False) for row in rows]
    tokens = [row.token for row in rows]
    known = Subject.objects.filter(source=source, source_token__in=tokens)
    told = known.values_list("source_token", "subject_id", "fingerprint", "delisted_at")
    held = {row_token: Held(*rest) for row_token, *rest in told}
    barred: set[str | None] = set()
    if len(held) < len(tokens):
        rows_barred = Erasure.objects.filter(source=source, source_token__in=tokens, is_barred=True)
        barred = set(rows_barred.values_list("source_token", flat=True))
    return [Planned(row, held.get(row.token), row.token in barred) for row in rows]


def write(
    source: ListSource,
    run: ImportRun,
    rows: Sequence[Prepared],
    circle: str,
    discoverability: str,
    now: datetime,
) -> list[Planned]:
    """Store what the rows say that the register does not know; returns what became of each."""
    planned = plan(source, rows)
    new: list[tuple[Any, ...]] = []
    changes: dict[UUID, str] = {}
    for item in planned:
        if item.outcome == "added":
            new.append(_new_subject(source, item.row, now))
        elif item.held is not None and item.outcome in CHANGED and item.row.record is not None:
            _bring_up_to_date(item.held.subject_id, item.row, item.row.record, now)
            changes[item.held.subject_id] = RegisterChange.PUT
    alike = {
        "owner": settings.NODE.node_id,
        "origin": Origin.LIST,
        "circle": circle,
        "discoverability": discoverability,
        "source_id": source.key,
        "created_by": run.officer,
        "created_at": now,
        "updated_at": now,
    }
    insert(Subject, alike, NEW_SUBJECT, new)
    steps.number_new([row[0] for row in new])
    steps.number_changes(changes)
    return planned


def _new_subject(source: ListSource, row: Prepared, now: datetime) -> tuple[Any, ...]:
    """The values of ``NEW_SUBJECT``."""
    fresh = row.fresh
    if fresh is None:  # it was held when the file was looked at, and was erased since
        assert row.record is not None
        preparing = preparing_for(source, now)
        fresh = preparing.fresh(row.record, Sealer(preparing.storage_key))
    return fresh.subject_id, fresh.schema, fresh.card, fresh.packed, row.token, row.fingerprint


def _bring_up_to_date(subject_id: UUID, row: Prepared, record: ListRecord, now: datetime) -> None:
    """Retire what the list no longer says, add what it says now.

    Statements of officers and partners stay as they are.
    """
    subject = Subject.objects.select_for_update().get(pk=subject_id)
    said = rebase(record.statements, old=record.entity_id, new=str(subject_id))
    packed = steps.packed_statements(subject)
    rows = {
        held.token: (held, steps.statement_of(held))
        for held in subject.statements.select_for_update().filter(source_kind="list", source_id=record.list_key)
    }
    in_force = [*packed, *(statement for held, statement in rows.values() if held.retired_at is None)]
    found = diff(in_force, said)
    gone = [statement for statement in found.removed if statement.prop not in record.damaged]
    _retire(rows, subject, gone, now)
    changed = {statement.id: statement for statement in found.changed}
    dropped = {statement.id for statement in gone}
    kept = [
        replace(changed.get(s.id, s), first_seen=s.first_seen, last_seen=None) for s in packed if s.id not in dropped
    ]
    new = _said_anew(rows, subject, found.added, now)
    _change_rows(rows, subject, found.changed)
    own = str(subject_id)
    subject.packed = pack([*kept, *new], old=own, new=own, seen=now)
    subject.fingerprint = row.fingerprint
    if subject.delisted_at is not None:
        subject.delisted_at = subject.review_at = None
    subject.schema = record.schema
    subject.card = card_of(steps.statements_in_force(subject))
    subject.updated_at = now
    subject.save(update_fields=["packed", "fingerprint", "delisted_at", "review_at", "schema", "card", "updated_at"])


def _retire(
    rows: Mapping[str, tuple[StatementRow, Statement]], subject: Subject, gone: Sequence[Statement], now: datetime
) -> None:
    """A row for each packed statement that is said no more, and the mark on each that is a row already."""
    held: list[int] = []
    fresh: list[StatementRow] = []
    for statement in gone:
        known = rows.get(steps.statement_token(subject.subject_id, statement))
        if known is not None:
            held.append(known[0].pk)
            continue
        row = steps.new_row(subject, statement, now=now)
        row.retired_at = now
        fresh.append(row)
    StatementRow.objects.filter(pk__in=held).update(retired_at=now)
    StatementRow.objects.bulk_create(fresh, batch_size=steps.BATCH)


def _said_anew(
    rows: Mapping[str, tuple[StatementRow, Statement]], subject: Subject, added: Sequence[Statement], now: datetime
) -> list[Statement]:
    """Revive what the list had dropped and says again; returns what it never said.

    What an officer retired stays retired.
    """
    known = {steps.statement_token(subject.subject_id, statement): statement for statement in added}
    by_officer = {key for key, (row, _) in rows.items() if row.retired_at and row.retired_by}
    steps.add_statements(subject, [s for key, s in known.items() if key in rows and key not in by_officer], now=now)
    return [statement for key, statement in known.items() if key not in rows]


def _change_rows(
    rows: Mapping[str, tuple[StatementRow, Statement]], subject: Subject, changed: Sequence[Statement]
) -> None:
    for statement in changed:
        known = rows.get(steps.statement_token(subject.subject_id, statement))
        if known is not None:
            row, was = known
            row.told = {**statement.to_json(), "first_seen": was.to_json().get("first_seen")}
            row.save(update_fields=["told"])
