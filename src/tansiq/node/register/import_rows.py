"""Rows of a list beside what the register holds of them, and the steps that bring one up to the other.

Everything here runs inside the caller's transaction; ``importing`` decides what is read, confirmed and finished.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings

from tansiq.engine.entities import Difference, Statement, diff, rebase
from tansiq.engine.entities.lists import ListRecord
from tansiq.node.register import steps
from tansiq.node.register.cards import card_of
from tansiq.node.register.models import (
    Erasure,
    ImportRun,
    ListSource,
    Origin,
    RegisterChange,
    StatementRow,
    Subject,
)
from tansiq.node.register.tokens import token


@dataclass(frozen=True, slots=True)
class Planned:
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


def row_token(source: ListSource, key: str) -> str:
    return token("list row", source.key, key, salt=bytes(source.salt))


def plan(source: ListSource, records: Sequence[ListRecord], *, is_new: bool = False) -> list[Planned]:
    """Each row beside the subject it made, found by token; one query per batch."""
    tokens = {row_token(source, row.key): row for row in records}
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
        Planned(row, key, token("list row says", row.fingerprint(), salt=salt), held.get(key), key in barred)
        for key, row in tokens.items()
    ]


def write(
    source: ListSource,
    run: ImportRun,
    records: Sequence[ListRecord],
    lost: Sequence[str],
    circle: str,
    discoverability: str,
    now: datetime,
) -> list[Planned]:
    planned = plan(source, records)
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
    seen = [item.token for item in planned if item.subject is not None] + [row_token(source, key) for key in lost]
    Subject.objects.filter(source=source, source_token__in=seen).update(seen_run=run)
    steps.number_changes(changes)
    return planned


def _new_subject(
    source: ListSource, run: ImportRun, item: Planned, circle: str, discoverability: str, now: datetime
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


def _bring_up_to_date(subject: Subject, item: Planned, now: datetime) -> None:
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
