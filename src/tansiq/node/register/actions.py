"""Writes of the register: one function, one act – policy, lock, check, write, audit row – in one transaction.

Content is read and cleaned before the transaction. Reasons and values never stand in an audit event: it names the
subject, the act and counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from tansiq.engine.entities import Grading, Provenance, Statement, claim, model, read_content
from tansiq.engine.entities.model import more_specific
from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.node.accounts.policy import require
from tansiq.node.audit.actions import record
from tansiq.node.register import steps
from tansiq.node.register.cards import card_of
from tansiq.node.register.models import (
    Discoverability,
    Erasure,
    Judgement,
    Origin,
    RegisterChange,
    StatementRow,
    Subject,
)
from tansiq.node.register.policy import LONGEST_KEEP, OfficerLike, may_erase, may_keep_in, may_write, visible_to

MACHINE = "machine"


def add_subject(
    officer: OfficerLike,
    content: Mapping[str, Any],
    *,
    circle: str,
    discoverability: str = Discoverability.NONE,
    grading: Grading | None = None,
    marking: Mapping[str, Any] | None = None,
    handling_note: str | None = None,
    language: str | None = None,
    review_at: datetime | None = None,
    retention_until: datetime | None = None,
    now: datetime,
) -> Subject:
    """Enter what ``officer`` knows of a person or thing; ``content`` as in ``engine.entities.content``.

    Raises Refused("account.role"), Rejected("register.circle_not_yours"), Rejected("register.unknown_discoverability")
    or Rejected("entity.…") with the place.
    """
    require(officer.roles, "register")
    _require_circle(officer, circle)
    _require_discoverability(discoverability)
    subject_id = steps.fresh_subject_id(now)
    source = Provenance("officer", officer.reference, "", grading, marking, handling_note, review_at)
    said = _read(content, subject_id, source, language)
    review_at = review_at or min(now + LONGEST_KEEP, retention_until or now + LONGEST_KEEP)
    with transaction.atomic():
        subject = Subject.objects.create(
            subject_id=subject_id,
            schema=said[0].schema,
            owner=settings.NODE.node_id,
            origin=Origin.OFFICER,
            circle=circle,
            discoverability=discoverability,
            card=card_of(said),
            review_at=review_at,
            retention_until=retention_until,
            created_by=officer.reference,
            created_at=now,
            updated_at=now,
        )
        steps.add_statements(subject, said, now=now)
        _record(officer, "register.subject_added", subject, {"statements": len(said)}, now)
        steps.number_changes({subject_id: RegisterChange.PUT})
    return subject


def add_statements(
    officer: OfficerLike,
    subject_id: object,
    content: Mapping[str, Any],
    *,
    grading: Grading | None = None,
    marking: Mapping[str, Any] | None = None,
    handling_note: str | None = None,
    language: str | None = None,
    review_at: datetime | None = None,
    now: datetime,
) -> int:
    """Say more about a subject, in the officer's own name; returns how many statements are new.

    Raises Rejected("register.subject_not_found"), Refused("register.may_not_write"),
    Conflict("register.statement_retired") or what reading the content raises.
    """
    known = steps.as_uuid(subject_id)
    source = Provenance("officer", officer.reference, "", grading, marking, handling_note, review_at)
    said = _read(content, known, source, language) if known else ()
    with transaction.atomic():
        subject = _writable(officer, subject_id)
        added = steps.add_statements(subject, said, now=now)
        subject.schema = _narrower(subject.schema, said)
        _review_earlier(subject, review_at)
        _record(officer, "register.statements_added", subject, {"statements": added}, now)
        steps.refresh_card(subject, now=now)
    return added


def correct_statement(
    officer: OfficerLike, subject_id: object, statement: int, *, value: str, reason: str, now: datetime
) -> None:
    """Retire a statement of an officer and say the right value in its place, under the same conditions.

    What a list or a partner said is not ours to correct: raises Refused("register.not_ours_to_correct"); retire it, or
    add what we know beside it.
    """
    steps.require_reason(reason)
    # Loading the model takes seconds; nobody should wait for it at a locked row.
    model()
    with transaction.atomic():
        subject = _writable(officer, subject_id)
        row = _statement(subject, statement, now)
        if row.source_kind != "officer":
            raise Refused("register.not_ours_to_correct", source=row.source_kind)
        was = steps.statement_of(row)
        source = replace(was.provenance, source_id=officer.reference)
        right = claim(was.entity_id, was.schema, was.prop, value, provenance=source, language=was.language, at="/value")
        if right.id == was.id:
            raise Rejected("register.nothing_corrected", at="/value")
        _retire(row, officer.reference, reason, now)
        steps.add_statements(subject, [right], now=now)
        _record(officer, "register.statement_corrected", subject, {"statement": row.pk, "property": row.prop}, now)
        steps.refresh_card(subject, now=now)


def retire_statement(officer: OfficerLike, subject_id: object, statement: int, *, reason: str, now: datetime) -> None:
    """Take a statement out of force: it says no more, and no import brings it back; that it was said stays known."""
    steps.require_reason(reason)
    with transaction.atomic():
        subject = _writable(officer, subject_id)
        row = _statement(subject, statement, now)
        _retire(row, officer.reference, reason, now)
        _record(officer, "register.statement_retired", subject, {"statement": row.pk, "property": row.prop}, now)
        steps.refresh_card(subject, now=now)


def set_reach(
    officer: OfficerLike,
    subject_id: object,
    *,
    circle: str | None = None,
    discoverability: str | None = None,
    review_at: datetime | None = None,
    retention_until: datetime | None = None,
    now: datetime,
) -> None:
    """Change who needs to know a subject, what others may find of it, or until when it is kept.

    None leaves as it is.
    """
    with transaction.atomic():
        subject = _writable(officer, subject_id)
        if circle is not None:
            _require_circle(officer, circle)
            subject.circle = circle
        if discoverability is not None:
            _require_discoverability(discoverability)
            subject.discoverability = discoverability
        subject.review_at = review_at or subject.review_at
        subject.retention_until = retention_until or subject.retention_until
        subject.updated_at = now
        subject.save(update_fields=["circle", "discoverability", "review_at", "retention_until", "updated_at"])
        facts = {"circle": subject.circle, "discoverability": subject.discoverability}
        _record(officer, "register.reach_set", subject, facts, now)
        steps.number_changes({subject.subject_id: RegisterChange.PUT})


def note_read(officer: OfficerLike, subject: Subject, *, purpose: str = "", now: datetime) -> None:
    """Record that ``officer`` read the subject; whoever shows its statements to a person calls this."""
    with transaction.atomic():
        _record(officer, "register.subject_read", subject, {"purpose": purpose} if purpose else {}, now)


def judge(officer: OfficerLike, one: object, other: object, *, verdict: str, reason: str, now: datetime) -> Judgement:
    """An officer's word that two subjects are the same, are different, or cannot be told.

    Nothing is merged: both subjects stay as they are, linked while the judgement stands. Raises
    Conflict("register.already_judged") while another judgement on the pair stands (undo that one first).
    """
    steps.require_reason(reason)
    if verdict not in Judgement.VERDICTS:
        raise Rejected("register.unknown_verdict", at="/verdict", verdict=verdict[:20], known=list(Judgement.VERDICTS))
    if steps.as_uuid(one) == steps.as_uuid(other):
        raise Rejected("register.same_subject", at="/right")
    with transaction.atomic():
        first, second = sorted((_writable(officer, s) for s in _in_order(one, other)), key=lambda s: s.subject_id)
        if Judgement.objects.filter(left=first, right=second, revoked_at=None).exists():
            raise Conflict("register.already_judged", left=str(first.pk), right=str(second.pk))
        judgement = Judgement.objects.create(
            left=first, right=second, verdict=verdict, reason=reason, officer=officer.reference, judged_at=now
        )
        facts = {"other": str(second.pk), "judgement": str(judgement.pk), "verdict": verdict}
        _record(officer, "register.judged", first, facts, now)
    return judgement


def undo_judgement(officer: OfficerLike, judgement_id: object, *, reason: str, now: datetime) -> None:
    """Revoke a judgement; it stays known that it was made, by whom, and why it was taken back."""
    steps.require_reason(reason)
    with transaction.atomic():
        seen = Subject.objects.filter(visible_to(officer)).values("pk")
        rows = Judgement.objects.select_for_update(of=("self",)).filter(left__in=seen, right__in=seen)
        row = rows.filter(judgement_id=steps.as_uuid(judgement_id), revoked_at=None).select_related("left").first()
        if row is None:
            raise Rejected("register.judgement_not_found", judgement=str(judgement_id)[:40])
        if not may_write(officer, row.left):
            raise Refused("register.may_not_write", subject=str(row.left_id))
        row.revoked_at, row.revoked_by, row.revoked_for = now, officer.reference, reason
        row.save(update_fields=["revoked_at", "revoked_by", "revoked_for"])
        facts = {"other": str(row.right_id), "judgement": str(row.pk)}
        _record(officer, "register.judgement_undone", row.left, facts, now)


def erase_subject(
    officer: OfficerLike, subject_id: object, *, ground: str, is_barred: bool = False, now: datetime
) -> None:
    """Erase a subject: statements, card and judgements are gone from the database, the index forgets it.

    What stays is an ``Erasure`` row without content, which a restore replays. With ``is_barred`` no later import of
    the list that brought it brings it back. ``ground`` is a code, never a reason in words.
    """
    if not ground.replace("_", "").isalnum() or not ground.isascii() or len(ground) > 60:
        raise Rejected("register.ground_not_a_code", at="/ground")
    with transaction.atomic():
        subject = steps.locked_subject(officer, subject_id)
        if not may_erase(officer, subject):
            raise Refused("register.may_not_erase", subject=str(subject.pk))
        steps.erase(subject, officer.reference, ground, is_barred=is_barred, now=now)


def erase_received(
    entry: str, part: int, *, ground: str, actor: str = MACHINE, may_return: bool = False, now: datetime
) -> bool:
    """Erase the subject that a part brought, because the part was recalled or erased; returns whether there was one.

    With ``may_return`` the part itself stays, and may bring the subject again: what it is kept for has only ended.
    """
    with transaction.atomic():
        subject = Subject.objects.select_for_update().filter(entry=entry, part=part).first()
        if subject is None:
            return False
        known = subject.subject_id
        steps.erase(subject, actor, ground, is_barred=not may_return, now=now)
        if may_return:
            Erasure.objects.filter(subject_id=known).update(entry=None, part=None)
    return True


def store_received(
    content: Mapping[str, Any],
    *,
    entry: str,
    part: int,
    dossier: str,
    sender: str,
    circle: str,
    marking: Mapping[str, Any] | None = None,
    grading: Grading | None = None,
    handling_note: str | None = None,
    language: str | None = None,
    review_at: datetime | None = None,
    now: datetime,
) -> Subject | None:
    """Keep the subject that a part of a received entry carries, with that part's conditions; for ``flows``.

    It is a subject of its own, never merged with one that is held, owned by ``sender``, and not discoverable by
    anybody outside ``circle``. Asking again for the same part changes nothing; a part that was erased is not stored
    again (None).
    """
    found = Subject.objects.filter(entry=entry, part=part).first()
    if found is not None:
        return found
    subject_id = steps.fresh_subject_id(now)
    source = Provenance("received", entry, str(part), grading, marking, handling_note, review_at)
    said = _read(content, subject_id, source, language)
    with transaction.atomic():
        if Erasure.objects.filter(entry=entry, part=part).exists():
            return None
        subject, is_new = Subject.objects.get_or_create(
            entry=entry,
            part=part,
            defaults={
                "subject_id": subject_id,
                "schema": said[0].schema,
                "owner": sender,
                "origin": Origin.RECEIVED,
                "circle": circle,
                "discoverability": Discoverability.NONE,
                "card": card_of(said),
                "dossier": dossier,
                "review_at": review_at or now + LONGEST_KEEP,
                "created_by": MACHINE,
                "created_at": now,
                "updated_at": now,
            },
        )
        if not is_new:
            return subject
        steps.add_statements(subject, said, now=now)
        facts = {"subject": str(subject_id), "entry": entry, "part": part}
        record("register.subject_received", actor=MACHINE, facts=facts, log="internal", dossier=dossier, now=now)
        steps.number_changes({subject_id: RegisterChange.PUT})
    return subject


def replay_erasures(erasures: Iterable[Mapping[str, Any]], *, now: datetime) -> int:
    """After a restore: erase again what had been erased since the backup; returns how many subjects were there again.

    ``erasures`` are what ``queries.erasures`` wrote. Nothing of the register may be served before this has run.
    """
    again = 0
    for known in erasures:
        with transaction.atomic():
            subject = Subject.objects.select_for_update().filter(subject_id=known["subject"]).first()
            if subject is not None:
                steps.erase(subject, known["officer"], known["ground"], is_barred=known["barred"], now=now)
                again += 1
    return again


def _record(officer: OfficerLike, event: str, subject: Subject, facts: dict[str, Any], now: datetime) -> None:
    told = {"subject": str(subject.subject_id), **facts}
    record(event, actor=officer.reference, facts=told, log="internal", dossier=subject.dossier, now=now)


def _read(
    content: Mapping[str, Any], subject_id: UUID, source: Provenance, language: str | None
) -> tuple[Statement, ...]:
    said = read_content(content, entity_id=str(subject_id), provenance=source)
    return said if language is None else tuple(replace(s, language=s.language or language) for s in said)


def _review_earlier(subject: Subject, review_at: datetime | None) -> None:
    """A record is due for review with the first of its statements."""
    if review_at is not None and (subject.review_at is None or review_at < subject.review_at):
        subject.review_at = review_at
        subject.save(update_fields=["review_at"])


def _narrower(schema: str, said: Sequence[Statement]) -> str:
    for statement in said:
        if "#" not in statement.entity_id:
            schema = more_specific(schema, statement.schema, at="/schema")
    return schema


def _writable(officer: OfficerLike, subject_id: object) -> Subject:
    subject = steps.locked_subject(officer, subject_id)
    if not may_write(officer, subject):
        raise Refused("register.may_not_write", subject=str(subject.subject_id))
    return subject


def _statement(subject: Subject, statement: int, now: datetime) -> StatementRow:
    if statement < 0:
        row = steps.take_out_of_pack(subject, statement, now=now)
    else:
        row = subject.statements.select_for_update().filter(pk=statement, retired_at=None).first()
    if row is None:
        raise Rejected("register.statement_not_found", statement=str(statement)[:20])
    return row


def _retire(row: StatementRow, officer: str, reason: str, now: datetime) -> None:
    row.retired_at, row.retired_by, row.reason = now, officer, reason
    row.save(update_fields=["retired_at", "retired_by", "reason"])


def _in_order(one: object, other: object) -> list[object]:
    """Rows are always locked in the order of their ids, so two officers judging one pair cannot block each other."""
    return sorted((one, other), key=lambda subject_id: str(subject_id).lower())


def _require_circle(officer: OfficerLike, circle: str) -> None:
    if not may_keep_in(officer, circle):
        raise Rejected("register.circle_not_yours", at="/circle", circle=circle[:60], known=sorted(officer.circles))


def _require_discoverability(name: str) -> None:
    if name not in Discoverability.values:
        raise Rejected(
            "register.unknown_discoverability", at="/discoverability", given=name[:20], known=Discoverability.values
        )
