"""Export of the register: a numbered copy of what an officer may see and may give away, for a stated purpose.

A copy has a running number that stands in the file, and two audit events: that it was begun and, with counts and
digest, what left. Which subjects a copy holds is kept, so that an erasure can tell where copies are. What may not leave
(``export_policy``) is left out and counted by reason, never silently.

The file is written batch by batch in flat memory; the caller gives a sink, and should let a copy be seen only when
this returned (the command writes beside the file and renames).
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
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.codes import code_list
from tansiq.node.accounts.policy import require
from tansiq.node.audit.actions import record
from tansiq.node.dossiers.queries import dossier_by_id
from tansiq.node.partners.queries import accord_in_force, local_rules
from tansiq.node.register.export_forms import FORMS
from tansiq.node.register.export_policy import ExportPolicy, Source
from tansiq.node.register.models import Export, ExportedSubject, StatementRow, Subject
from tansiq.node.register.policy import OfficerLike, visible_to
from tansiq.node.register.steps import as_uuid, packed_statements, statement_of

BATCH = 200

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


EVERYTHING = Selection()


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


def export_subjects(
    officer: OfficerLike,
    form: str,
    sink: IO[bytes],
    *,
    purpose: str,
    selection: Selection = EVERYTHING,
    progress: Progress | None = None,
    now: datetime,
) -> ExportReport:
    """Write a numbered copy to ``sink``; ``purpose`` is a code of the list of purposes.

    Raises Refused("account.role"), Rejected("register.unknown_export_form") or Rejected("codes.unknown_code"), each
    before anything is written.
    """
    require(officer.roles, "export")
    if form not in FORMS:
        raise Rejected("register.unknown_export_form", form=form[:20], known=sorted(FORMS))
    code_list("purposes").require(purpose, at="/purpose")
    policy = ExportPolicy(settings.NODE.node_id, purpose, local_rules(), now)
    export = _start(officer, form, purpose, now)
    report = ExportReport(export.copy_number, form, purpose)
    written = FORMS[form](export, settings.NODE.node_id)
    hashed = hashlib.sha256()

    def put(raw: bytes) -> None:
        hashed.update(raw)
        sink.write(raw)

    put(written.head())
    rows = _selected(officer, selection)
    total, looked_at = rows.count(), 0
    for batch in _batches(rows):
        taken: list[UUID] = []
        for subject, said in _with_statements(batch):
            if subject.restricted_at is not None:
                report.left_out["restricted"] += 1
                continue
            entities = _may_leave(subject, said, policy, report)
            if entities:
                put(written.subject(subject, entities))
                report.subjects += 1
                report.entities += len(entities)
                taken.append(subject.subject_id)
        ExportedSubject.objects.bulk_create([ExportedSubject(export=export, subject_id=one) for one in taken])
        looked_at += len(batch)
        if progress:
            progress("export", looked_at, total)
    report.file_digest = hashed.hexdigest()
    _finish(officer, export, report, now)
    return report


def copies_holding(subject_id: object) -> list[Export]:
    """The copies that hold a subject, which may be erased by now; for whoever must ask for them back."""
    known = as_uuid(subject_id)
    return list(Export.objects.filter(subjects__subject_id=known).order_by("copy_number")) if known else []


def _start(officer: OfficerLike, form: str, purpose: str, now: datetime) -> Export:
    with transaction.atomic():
        export = Export.objects.create(officer=officer.reference, form=form, purpose=purpose, started_at=now)
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
