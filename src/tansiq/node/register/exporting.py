"""Export of the register: a numbered copy of what an officer may see and may give away, for a stated purpose.

A copy has a running number that stands in the file, and two audit events: that it was begun and, with counts and
digest, what left. Which subjects a copy holds is kept, so that an erasure can tell where copies are. What may not leave
(``export_policy``) is left out and counted by reason, never silently.

The file comes batch by batch in flat memory, and what a batch holds is noted before its bytes leave. The command writes
beside the file and renames; a browser takes the pieces as they come, and one that is cut off leaves a numbered copy
without a digest, which is what the list of copies then says. A copy of one subject is refused as a whole, with the
clause, where nothing of it may leave: no number is taken for an empty file.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from tansiq.engine.entities import Entity, Statement, assemble
from tansiq.engine.entities.assembly import CAPTION_PROPERTIES
from tansiq.engine.errors import Refused, Rejected
from tansiq.engine.formats.codes import code_list
from tansiq.node.accounts.policy import require
from tansiq.node.audit.actions import record
from tansiq.node.dossiers.queries import dossier_by_id
from tansiq.node.partners.queries import accord_in_force, local_rules
from tansiq.node.register.export_forms import FORMS
from tansiq.node.register.export_policy import ExportPolicy, Source
from tansiq.node.register.models import Export, ExportedSubject, StatementRow, Subject
from tansiq.node.register.policy import OfficerLike, is_overseeing, visible_to
from tansiq.node.register.queries import get_subject_for
from tansiq.node.register.steps import as_uuid, packed_statements, statement_of

BATCH = 200
PAGE = 50

Progress = Callable[[str, int, int | None], None]
"""Told ("export", subjects looked at, all of them)."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of the subjects that the officer may see: empty fields do not narrow."""

    schema: str = ""
    origin: str = ""
    source: str = ""
    circle: str | None = None
    with_delisted: bool = False
    only_delisted: bool = False
    subject: str = ""


EVERYTHING = Selection()


@dataclass(frozen=True, slots=True)
class Words:
    """Why a copy is made and for whom, in the officer's words: sealed with the copy, and not in the log."""

    reason: str = ""
    recipient: str = ""


NO_WORDS = Words()


@dataclass(slots=True)
class ExportReport:
    """What left: ``left_out`` counts subjects, ``statements_left_out`` single statements, each by reason."""

    copy_number: int
    form: str
    purpose: str
    subjects: int = 0
    entities: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    statements_left_out: Counter[str] = field(default_factory=Counter)
    file_digest: str = ""

    def to_json(self) -> dict[str, Any]:
        """For the command line and the audit."""
        return {
            "copy_number": self.copy_number,
            "form": self.form,
            "purpose": self.purpose,
            "subjects": self.subjects,
            "entities": self.entities,
            "left_out": dict(sorted(self.left_out.items())),
            "statements_left_out": dict(sorted(self.statements_left_out.items())),
            "file_digest": self.file_digest,
        }


@dataclass(frozen=True, slots=True)
class Copy:
    """A numbered copy that was begun: its pieces, to be taken once and to the end, and the report that grows with them."""

    number: int
    report: ExportReport
    pieces: Iterator[bytes]


def export_subjects(
    officer: OfficerLike,
    form: str,
    sink: IO[bytes],
    *,
    purpose: str,
    words: Words = NO_WORDS,
    selection: Selection = EVERYTHING,
    progress: Progress | None = None,
    now: datetime,
) -> ExportReport:
    """Write a numbered copy to ``sink``; raises what :func:`open_copy` raises, before anything is written."""
    opened = open_copy(officer, form, purpose=purpose, words=words, selection=selection, progress=progress, now=now)
    for piece in opened.pieces:
        sink.write(piece)
    return opened.report


def open_copy(
    officer: OfficerLike,
    form: str,
    *,
    purpose: str,
    words: Words = NO_WORDS,
    selection: Selection = EVERYTHING,
    progress: Progress | None = None,
    now: datetime,
) -> Copy:
    """Begin a numbered copy; ``purpose`` is a code of the list of purposes.

    Raises Refused("account.role"), Rejected("register.unknown_export_form") or Rejected("codes.unknown_code"); for one
    subject also Rejected("register.subject_not_found") and, audited, the refusal that cites the clause. No number is
    taken before all of that is asked.
    """
    require(officer.roles, "export")
    if form not in FORMS:
        raise Rejected("register.unknown_export_form", at="/form", form=form[:20], known=sorted(FORMS))
    code_list("purposes").require(purpose, at="/purpose")
    policy = ExportPolicy(settings.NODE.node_id, purpose, local_rules(), now)
    if selection.subject:
        _require_one(officer, selection.subject, policy)
    export = _start(officer, form, purpose, words, now)
    report = ExportReport(export.copy_number, form, purpose)
    rows = _selected(officer, selection)
    return Copy(export.copy_number, report, _pieces(officer, export, rows, policy, report, progress))


def _pieces(
    officer: OfficerLike, export: Export, rows: Any, policy: ExportPolicy, report: ExportReport, told: Progress | None
) -> Iterator[bytes]:
    """The head, a piece a batch, and with the last one the end in the log."""
    written = FORMS[report.form](export, settings.NODE.node_id)
    head = written.head()
    hashed = hashlib.sha256(head)
    yield head
    total, looked_at = rows.count(), 0
    for batch in _batches(rows):
        taken: list[UUID] = []
        raw: list[bytes] = []
        for subject, said in _with_statements(batch):
            entities = _may_leave(subject, said, policy, report)
            if entities:
                raw.append(written.subject(subject, entities))
                report.subjects += 1
                report.entities += len(entities)
                taken.append(subject.subject_id)
        # Noted first: of a copy that is cut off here it is known what it may hold.
        ExportedSubject.objects.bulk_create([ExportedSubject(export=export, subject_id=one) for one in taken])
        piece = b"".join(raw)
        hashed.update(piece)
        yield piece
        looked_at += len(batch)
        if told:
            told("export", looked_at, total)
    report.file_digest = hashed.hexdigest()
    _finish(officer, export, report, policy.now)


def copies_for(officer: OfficerLike, *, before: int | None = None, limit: int = PAGE) -> list[Export]:
    """The copies that this officer made, the newest first; everybody's for whoever oversees."""
    rows = Export.objects.all() if is_overseeing(officer) else Export.objects.filter(officer=officer.reference)
    return list((rows if before is None else rows.filter(copy_number__lt=before)).order_by("-copy_number")[:limit])


def copies_holding(subject_id: object) -> list[Export]:
    """The copies that hold a subject, which may be erased by now; for whoever must ask for them back."""
    known = as_uuid(subject_id)
    return list(Export.objects.filter(subjects__subject_id=known).order_by("copy_number")) if known else []


def _require_one(officer: OfficerLike, subject_id: str, policy: ExportPolicy) -> None:
    """Raise the refusal, audited, unless something of that subject may leave."""
    subject = get_subject_for(officer, subject_id)
    found = ExportReport(0, "", policy.purpose)
    if _may_leave(subject, next(_with_statements([subject]))[1], policy, found):
        return
    # A subject of which nothing is said any more has no reason against it, and no file either.
    reason = next(iter(found.left_out), "nothing")
    decision = policy.refusals[0] if reason == "accord" and policy.refusals else None
    facts = {"subject": str(subject.pk), "purpose": policy.purpose, "reason": reason}
    if decision is not None:
        facts |= {"code": decision.code, "clause": decision.clause}
    with transaction.atomic():
        record("register.export_refused", actor=officer.reference, facts=facts, log="internal", now=policy.now)
    if decision is not None:
        decision.enforce()
    raise Refused(f"register.export_{reason}")


def _start(officer: OfficerLike, form: str, purpose: str, words: Words, now: datetime) -> Export:
    told = {"reason": words.reason.strip() or None, "recipient": words.recipient.strip() or None}
    with transaction.atomic():
        export = Export.objects.create(officer=officer.reference, form=form, purpose=purpose, started_at=now, **told)
        facts = {"copy": export.copy_number, "form": form, "purpose": purpose}
        record("register.export_started", actor=officer.reference, facts=facts, log="internal", now=now)
    return export


def _finish(officer: OfficerLike, export: Export, report: ExportReport, now: datetime) -> None:
    told = report.to_json()
    with transaction.atomic():
        counts = {name: told[name] for name in ("subjects", "entities", "left_out", "statements_left_out")}
        Export.objects.filter(pk=export.pk).update(counts=counts, file_digest=report.file_digest, ended_at=now)
        record("register.exported", actor=officer.reference, facts=told, log="internal", now=now)


def _selected(officer: OfficerLike, selection: Selection) -> Any:
    given = {"schema": selection.schema, "origin": selection.origin, "source_id": selection.source}
    rows = Subject.objects.filter(visible_to(officer), **{name: value for name, value in given.items() if value})
    if selection.circle is not None:
        rows = rows.filter(circle=selection.circle)
    if selection.subject:
        return rows.filter(subject_id=as_uuid(selection.subject))
    if selection.only_delisted:
        return rows.exclude(delisted_at=None)
    return rows if selection.with_delisted else rows.filter(delisted_at=None)


def _batches(rows: Any) -> Iterator[list[Subject]]:
    """Batch by batch by id: no cursor stays open, so writers are not held up and memory is flat."""
    after: UUID | None = None
    while True:
        wanted = rows if after is None else rows.filter(subject_id__gt=after)
        batch = list(wanted.defer("card").order_by("subject_id")[:BATCH])
        if not batch:
            return
        yield batch
        after = batch[-1].subject_id


def _with_statements(batch: Sequence[Subject]) -> Iterator[tuple[Subject, list[Statement]]]:
    said: dict[UUID, list[Statement]] = {subject.subject_id: packed_statements(subject) for subject in batch}
    for row in StatementRow.objects.filter(subject__in=list(said), retired_at=None).order_by("id").iterator():
        said[row.subject_id].append(statement_of(row))
    for subject in batch:
        yield subject, said[subject.subject_id]


def _may_leave(
    subject: Subject, said: Sequence[Statement], policy: ExportPolicy, report: ExportReport
) -> tuple[Entity, ...]:
    """The subject and its belongings without what may not leave; empty when nothing is left that names it."""
    if subject.restricted_at is not None:
        report.left_out["restricted"] += 1
        return ()
    source = _source_of(subject) if subject.origin == "received" else None
    free: list[Statement] = []
    against: Counter[str] = Counter()
    for statement in said:
        origin = statement.provenance
        reason = policy.reason_against(origin.kind, origin.marking, dossier=subject.dossier, source=source)
        if reason is None:
            free.append(statement)
        else:
            against[reason] += 1
    root = str(subject.subject_id)
    if not any(s.entity_id == root and s.prop in CAPTION_PROPERTIES for s in free) and against:
        report.left_out[against.most_common(1)[0][0]] += 1
        return ()
    report.statements_left_out.update(against)
    held = [statement for statement in free if statement.entity_id.partition("#")[0] == root]
    return tuple(sorted(assemble(held), key=lambda entity: "#" in entity.id))


def _source_of(subject: Subject) -> Source | None:
    """What the export policy must know of the dossier that brought the subject."""
    dossier = dossier_by_id(subject.dossier) if subject.dossier else None
    if dossier is None:
        return None
    accord = accord_in_force(dossier.accord) if dossier.accord else None
    return Source(subject.owner, dossier.kind, accord, dossier.accord_version or None)
