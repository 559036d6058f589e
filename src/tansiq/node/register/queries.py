"""Reads of the register: the only way to a subject is through a function that is given the officer.

*Not found* and *not allowed* raise the same error, so that a refusal does not reveal that something exists. Functions
that say "for the machine" are for ``flows``, ``search`` and the index, which apply the labels themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Coalesce, Least

from tansiq.engine.entities import Entity, Statement, assemble, number_of
from tansiq.engine.errors import Rejected
from tansiq.engine.matching import Subject as Indexed
from tansiq.node.register.cards import caption_of, subject_of
from tansiq.node.register.models import (
    ChangeCounter,
    Erasure,
    ImportProblem,
    ImportRun,
    Judgement,
    ListSource,
    RegisterChange,
    Review,
    StatementRow,
    Subject,
)
from tansiq.node.register.policy import OfficerLike, circles_of, labels_of, visible_to
from tansiq.node.register.steps import as_uuid, packed_statements, statement_of

PAGE = 50
MAX_PAGE = 200


@dataclass(frozen=True, slots=True)
class SaidView:
    """One statement as a page shows it: its number (for correcting and retiring) and what it says."""

    number: int
    statement: Statement
    retired_at: datetime | None
    retired_by: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some subjects, newest first, and the place to go on from (None at the end)."""

    subjects: tuple[Subject, ...]
    next_after: str | None


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose a subject is (circle and node), what others may find of it, and nothing of what is said about it."""

    circle: str
    discoverability: str
    schema: str
    origin: str
    owner: str
    dossier: str


@dataclass(frozen=True, slots=True)
class IndexChange:
    """What an index must do to follow the register to ``number``: put ``subject``, or (None) forget it."""

    number: int
    subject_id: str
    subject: Indexed | None
    labels: frozenset[str]


def get_subject_for(officer: OfficerLike, subject_id: object) -> Subject:
    """The subject, if this officer needs to know it; raises Rejected("register.subject_not_found") otherwise."""
    found = Subject.objects.filter(visible_to(officer), subject_id=as_uuid(subject_id)).select_related("source").first()
    if found is None:
        raise Rejected("register.subject_not_found", subject=str(subject_id)[:40])
    return found


def subjects_by_id_for(officer: OfficerLike, subject_ids: Iterable[object]) -> dict[str, Subject]:
    """Those of the subjects that this officer needs to know, by id as text."""
    wanted = [known for subject_id in subject_ids if (known := as_uuid(subject_id)) is not None]
    rows = Subject.objects.filter(visible_to(officer), subject_id__in=wanted).select_related("source").defer("packed")
    return {str(row.subject_id): row for row in rows}


def subjects_for(
    officer: OfficerLike,
    *,
    schema: str = "",
    origin: str = "",
    source: str = "",
    circle: str | None = None,
    is_delisted: bool | None = None,
    after: str | None = None,
    limit: int = PAGE,
) -> Page:
    """A page of the subjects this officer may see, newest first, narrowed by what is given."""
    given = {"schema": schema, "origin": origin, "source_id": source}
    rows = Subject.objects.filter(visible_to(officer), **{name: value for name, value in given.items() if value})
    if circle is not None:
        rows = rows.filter(circle=circle)
    if is_delisted is not None:
        rows = rows.filter(delisted_at__isnull=not is_delisted)
    start = as_uuid(after) if after else None
    if start is not None:
        rows = rows.filter(subject_id__lt=start)
    size = max(1, min(limit, MAX_PAGE))
    found = _first(rows.select_related("source").defer("packed"), officer, circle, size + 1)
    more = len(found) > size
    return Page(tuple(found[:size]), str(found[size - 1].subject_id) if more else None)


def _first(rows: QuerySet[Subject], officer: OfficerLike, circle: str | None, size: int) -> list[Subject]:
    """The newest ``size`` of the rows, circle by circle.

    Each circle's newest stand together in an index. Asked for all circles at once, a database may go through a million
    rows of somebody else's before it has found fifty.
    """
    circles = circles_of(officer) if circle is None else None
    if circles is None:
        return list(rows.order_by("-subject_id")[:size])
    newest = [row for name in circles for row in rows.filter(circle=name).order_by("-subject_id")[:size]]
    return sorted(newest, key=lambda row: row.subject_id, reverse=True)[:size]


def count_for(officer: OfficerLike, *, up_to: int | None = None) -> int:
    """How many subjects this officer may see; with ``up_to``, no more than that many are counted."""
    rows = Subject.objects.filter(visible_to(officer))
    return rows.count() if up_to is None else rows.order_by()[:up_to].count()


def caption(subject: Subject, language: str | None = None) -> str:
    """The words that stand for a subject on a screen."""
    return caption_of(subject.card, language) or str(subject.subject_id)


def statements_of(subject: Subject, *, with_retired: bool = False) -> list[SaidView]:
    """What is said about a subject the caller was given by one of these queries, in the order in which it was said."""
    rows: QuerySet[StatementRow] = subject.statements.order_by("id")
    if not with_retired:
        rows = rows.filter(retired_at=None)
    packed = [SaidView(number_of(said), said, None, "", None) for said in packed_statements(subject)]
    return packed + [SaidView(row.pk, statement_of(row), row.retired_at, row.retired_by, row.reason) for row in rows]


def entities_of(subject: Subject) -> tuple[Entity, ...]:
    """The subject and its belongings as entities; the subject itself comes first."""
    said = [view.statement for view in statements_of(subject)]
    return tuple(sorted(assemble(said), key=lambda entity: "#" in entity.id))


def judgements_of(officer: OfficerLike, subject: Subject, *, with_revoked: bool = False) -> list[Judgement]:
    """The judgements that link the subject to others which this officer may see too."""
    seen = Subject.objects.filter(visible_to(officer)).values("pk")
    rows = Judgement.objects.filter(Q(left=subject, right__in=seen) | Q(right=subject, left__in=seen))
    if not with_revoked:
        rows = rows.filter(revoked_at=None)
    return list(rows.select_related("left", "right").order_by("judged_at"))


def judged_same(subject_id: object) -> frozenset[str]:
    """The ids of all subjects that standing judgements make one with this one, itself included; for the machine."""
    known = as_uuid(subject_id)
    group: set[UUID] = {known} if known else set()
    edge = set(group)
    while edge:
        pairs = Judgement.objects.filter(
            Q(left__in=edge) | Q(right__in=edge), verdict=Judgement.SAME, revoked_at=None
        ).values_list("left_id", "right_id")
        edge = {subject for pair in pairs for subject in pair} - group
        group |= edge
    return frozenset(str(subject) for subject in group)


def judged_different(pairs: Iterable[tuple[object, object]]) -> frozenset[tuple[str, str]]:
    """Those of the pairs (in their own order) that a standing judgement says are different; for the machine."""
    asked = [(as_uuid(one), as_uuid(other)) for one, other in pairs]
    ids = {subject for pair in asked for subject in pair if subject}
    rows = Judgement.objects.filter(left__in=ids, right__in=ids, verdict=Judgement.DIFFERENT, revoked_at=None)
    known = {frozenset(row) for row in rows.values_list("left_id", "right_id")}
    return frozenset((str(one), str(other)) for one, other in asked if frozenset((one, other)) in known)


def subject_by_id(subject_id: object) -> Subject | None:
    """The subject for the machine, whoever may see it; pages use ``get_subject_for``."""
    return Subject.objects.filter(subject_id=as_uuid(subject_id)).first()


def restricted() -> list[Subject]:
    """Every record that is kept but in no index; for the machine, which must not show more."""
    return list(Subject.objects.filter(restricted_at__isnull=False).defer("packed"))


def reach_of(subject_ids: Iterable[object]) -> dict[str, Reach]:
    """Whom to turn to about subjects, and what others may find of them; for the machine, which must not show more."""
    wanted = [known for subject_id in subject_ids if (known := as_uuid(subject_id)) is not None]
    rows = Subject.objects.filter(subject_id__in=wanted)
    found = rows.values_list("subject_id", "circle", "discoverability", "schema", "origin", "owner", "dossier")
    return {str(subject_id): Reach(*told) for subject_id, *told in found}


def received_from(entry: str) -> list[Subject]:
    """The subjects that parts of this entry brought; for the machine."""
    return list(Subject.objects.filter(entry=entry).order_by("part"))


def change_number() -> int:
    """The number of the register's last change."""
    return ChangeCounter.objects.filter(pk=1).values_list("value", flat=True).first() or 0


def subjects_for_index(after_change: int = 0, *, batch: int = 500) -> Iterator[IndexChange]:
    """What happened to the register after ``after_change``, in the order of its numbers; for whoever keeps an index.

    After 0 that is the whole register. Every subject appears once, as it is now; one that changes while this is being
    read appears again under a later number. Memory is flat: one batch at a time.
    """
    while True:
        changes = list(RegisterChange.objects.filter(number__gt=after_change).order_by("number")[:batch])
        if not changes:
            return
        rows = Subject.objects.defer("packed").in_bulk([c.subject_id for c in changes if c.what == RegisterChange.PUT])
        for change in changes:
            row = rows.get(change.subject_id)
            if row is not None and row.restricted_at is not None:
                row = None
            # A subject that is erased between the two reads is forgotten here, and once more under its new number.
            yield IndexChange(
                change.number,
                str(change.subject_id),
                subject_of(str(row.subject_id), row.schema, row.card) if row else None,
                labels_of(row) if row else frozenset(),
            )
        after_change = changes[-1].number


def subjects_due(
    officer: OfficerLike, now: datetime, *, circle: str | None = None, limit: int = MAX_PAGE
) -> list[Subject]:
    """Subjects this officer may see whose review is due or whose retention has ended, the longest overdue first.

    Each has ``due``: since when somebody should have decided.
    """
    due = Q(review_at__lte=now) | Q(retention_until__lte=now)
    rows = Subject.objects.filter(visible_to(officer)).filter(due).select_related("source").defer("packed")
    if circle is not None:
        rows = rows.filter(circle=circle)
    # Neither database's LEAST agrees with the other's about a date that is missing.
    either = Least(Coalesce("review_at", "retention_until"), Coalesce("retention_until", "review_at"))
    return list(rows.annotate(due=either).order_by("due", "subject_id")[:limit])


def count_due(officer: OfficerLike, now: datetime, *, up_to: int | None = None) -> int:
    """How many records this officer may see wait for a decision; with ``up_to``, no more than that many are counted."""
    due = Q(review_at__lte=now) | Q(retention_until__lte=now)
    rows = Subject.objects.filter(visible_to(officer)).filter(due)
    return rows.count() if up_to is None else rows.order_by()[:up_to].count()


def reviews_of(subject_id: object) -> list[Review]:
    """What was decided about a record, the last decision first; the record may be erased by now."""
    return list(Review.objects.filter(subject_id=as_uuid(subject_id)))


def count_due_by_circle(now: datetime) -> dict[str, int]:
    """How many subjects of each circle are due for review or past their retention; for the machine."""
    due = Q(review_at__lte=now) | Q(retention_until__lte=now)
    counted = Subject.objects.filter(due).order_by("circle").values_list("circle").annotate(Count("pk"))
    return dict(counted)


def erasures() -> Iterator[dict[str, Any]]:
    """The ledger of erasures, for the backup of what a restore must erase again (``actions.replay_erasures``)."""
    for row in Erasure.objects.order_by("erased_at").iterator():
        yield {
            "subject": str(row.subject_id),
            "officer": row.officer,
            "ground": row.ground,
            "barred": row.is_barred,
        }


def list_sources() -> list[ListSource]:
    """Every list that was imported, by key."""
    return list(ListSource.objects.order_by("key"))


def import_runs(source: str = "", *, limit: int = 20) -> list[ImportRun]:
    """The last imports, newest first."""
    rows = ImportRun.objects.select_related("source")
    return list((rows.filter(source_id=source) if source else rows)[:limit])


def problems_of(run: ImportRun) -> Sequence[ImportProblem]:
    """The row report of an import, in the order of the file."""
    return list(run.problems.order_by("id"))
