"""Steps that several actions share, inside the caller's transaction: rows of statements, cards, and change numbers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db.models import F

from tansiq.engine.entities import Statement, number_of, pack, unpack
from tansiq.engine.errors import Conflict, Rejected
from tansiq.engine.formats.ids import new_id
from tansiq.node.audit.actions import record
from tansiq.node.desk import actions as desk
from tansiq.node.register.bulk import insert
from tansiq.node.register.cards import card_of
from tansiq.node.register.models import (
    ChangeCounter,
    Erasure,
    Export,
    ImportProblem,
    RegisterChange,
    StatementRow,
    Subject,
)
from tansiq.node.register.policy import OfficerLike, visible_to
from tansiq.node.register.tokens import token

BATCH = 500
MAX_REASON_CHARACTERS = 2000


def fresh_subject_id(now: datetime) -> UUID:
    """The id of a new subject."""
    return UUID(new_id(now, os.urandom))


def locked_subject(officer: OfficerLike, subject_id: object) -> Subject:
    """The subject's row, locked, if this officer may see it.

    Raises Rejected("register.subject_not_found") otherwise.
    """
    row = Subject.objects.select_for_update().filter(visible_to(officer), subject_id=as_uuid(subject_id)).first()
    if row is None:
        raise Rejected("register.subject_not_found", subject=str(subject_id)[:40])
    return row


def as_uuid(text: object) -> UUID | None:
    """The id that ``text`` spells, or None: whatever somebody types into an address is at worst not found."""
    if isinstance(text, UUID):
        return text
    try:
        return UUID(str(text))
    except ValueError:
        return None


def statement_token(subject_id: UUID, statement: Statement) -> str:
    """The token under which a statement's row is unique in its subject."""
    return token("statement", str(subject_id), statement.id)


def new_row(subject: Subject, statement: Statement, *, now: datetime) -> StatementRow:
    """The (unsaved) row of a statement."""
    said = replace(statement, first_seen=statement.first_seen or now)
    return StatementRow(
        subject=subject,
        token=statement_token(subject.subject_id, statement),
        schema=said.schema,
        prop=said.prop,
        source_kind=said.provenance.kind,
        source_id=said.provenance.source_id,
        told=said.to_json(),
        review_at=said.provenance.review_at,
        first_seen=said.first_seen,
    )


def statement_of(row: StatementRow) -> Statement:
    """The statement that a row keeps."""
    return Statement.from_json(row.told)


def packed_statements(subject: Subject) -> list[Statement]:
    """What the subject's list says of it now."""
    return [] if subject.packed is None else unpack(subject.packed, subject_id=str(subject.subject_id))


def statements_in_force(subject: Subject) -> list[Statement]:
    """All that is said about the subject, whoever says it."""
    return [*packed_statements(subject), *(statement_of(row) for row in subject.statements.filter(retired_at=None))]


def take_out_of_pack(subject: Subject, number: int, *, now: datetime) -> StatementRow | None:
    """The packed statement of that number as a row of its own, so that something can be said about it; None if there is none."""
    said = packed_statements(subject)
    chosen = next((statement for statement in said if number_of(statement) == number), None)
    if chosen is None:
        return None
    own = str(subject.subject_id)
    subject.packed = pack([s for s in said if s.id != chosen.id], old=own, new=own, seen=now)
    subject.save(update_fields=["packed"])
    row = new_row(subject, chosen, now=now)
    row.save()
    return row


def add_statements(subject: Subject, statements: Iterable[Statement], *, now: datetime) -> int:
    """Insert what is not yet said, revive what its own source had dropped; returns how many say something new.

    A statement that an officer retired stays retired: raises Conflict("register.statement_retired").
    """
    wanted = {statement_token(subject.subject_id, statement): statement for statement in statements}
    held = {row.token: row for row in StatementRow.objects.filter(subject=subject, token__in=list(wanted))}
    added = 0
    for row in held.values():
        if row.retired_at is None:
            continue
        if row.retired_by:
            raise Conflict("register.statement_retired", property=row.prop)
        row.retired_at, row.told = None, replace(wanted[row.token], first_seen=row.first_seen).to_json()
        row.save(update_fields=["retired_at", "told"])
        added += 1
    rows = [new_row(subject, said, now=now) for key, said in wanted.items() if key not in held]
    StatementRow.objects.bulk_create(rows, batch_size=BATCH)
    return added + len(rows)


def refresh_card(subject: Subject, *, now: datetime) -> None:
    """Make the subject's card and schema anew from its statements in force, and number the change."""
    subject.card = card_of(statements_in_force(subject))
    subject.updated_at = now
    subject.save(update_fields=["card", "schema", "updated_at"])
    number_changes({subject.subject_id: RegisterChange.PUT})


def number_changes(changes: Mapping[UUID, str]) -> None:
    """Give every changed subject the next numbers.

    The counter's row is locked until the transaction ends: numbers become visible in their order and without gaps, so
    whoever follows by number misses nothing. Call it last.
    """
    if not changes:
        return
    first = _numbers(len(changes))
    rows = [
        RegisterChange(subject_id=subject_id, number=number, what=what)
        for number, (subject_id, what) in enumerate(changes.items(), start=first)
    ]
    RegisterChange.objects.bulk_create(
        rows, batch_size=BATCH, update_conflicts=True, unique_fields=["subject_id"], update_fields=["number", "what"]
    )


def number_new(subject_ids: Sequence[UUID]) -> None:
    """The same for subjects that were made in this transaction, which have no number yet."""
    if subject_ids:
        first = _numbers(len(subject_ids))
        rows = ((subject_id, number) for number, subject_id in enumerate(subject_ids, start=first))
        insert(RegisterChange, {"what": RegisterChange.PUT}, ("subject_id", "number"), rows)


def _numbers(count: int) -> int:
    """The first of ``count`` numbers that are the caller's alone; the counter is locked until the transaction ends."""
    ChangeCounter.objects.get_or_create(pk=1)
    counter = ChangeCounter.objects.select_for_update().get(pk=1)
    ChangeCounter.objects.filter(pk=1).update(value=F("value") + count)
    return counter.value + 1


def erase(subject: Subject, actor: str, ground: str, *, is_barred: bool, now: datetime) -> None:
    """Take a subject out of the register: statements, card, judgements and lines of import reports; a line without content stays.

    Copies that were given out and hold it are asked for back: a task for whoever exported them.
    """
    subject_id = subject.subject_id
    Erasure.objects.update_or_create(
        subject_id=subject_id,
        defaults={
            "ground": ground,
            "officer": actor,
            "erased_at": now,
            "source": subject.source,
            "source_token": subject.source_token,
            "is_barred": is_barred,
            "entry": subject.entry,
            "part": subject.part,
        },
    )
    facts = {"subject": str(subject_id), "ground": ground, "barred": is_barred}
    record("register.subject_erased", actor=actor, facts=facts, log="internal", dossier=subject.dossier, now=now)
    if subject.source_token:
        ImportProblem.objects.filter(token=subject.source_token).delete()
    _ask_copies_back(subject_id, now)
    subject.delete()
    number_changes({subject_id: RegisterChange.GONE})


def _ask_copies_back(subject_id: UUID, now: datetime) -> None:
    for copy in Export.objects.filter(subjects__subject_id=subject_id).order_by("copy_number"):
        desk.put(
            "copy_recall",
            f"copy_recall/{copy.copy_number}/{subject_id}",
            title_code="register.copy_holds_erased",
            facts={"copy": copy.copy_number, "subject": str(subject_id)},
            owner=copy.officer,
            due_at=now,
            now=now,
        )


def require_reason(reason: str) -> None:
    """Raise Rejected("register.reason_needed") unless somebody wrote why."""
    if not reason.strip() or len(reason) > MAX_REASON_CHARACTERS:
        raise Rejected("register.reason_needed", at="/reason", limit=MAX_REASON_CHARACTERS)
