"""Subjects of the register that may be one: looked for as an officer pages through, among what that officer may see.

Nothing is stored: a list of likely pairs would have to follow every change of both records and of who may see them. A page
looks at a bounded number of subjects, newest first, and says where to go on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from tansiq.engine.errors import Rejected
from tansiq.engine.matching import Match, Query, compare_subjects
from tansiq.node.register import index
from tansiq.node.register.cards import subject_of
from tansiq.node.register.models import Judgement, Subject
from tansiq.node.register.policy import OfficerLike, labels_for
from tansiq.node.register.queries import get_subject_for, subjects_by_id_for, subjects_for

LIKELY = frozenset({"strong", "probable"})
LOOKED_AT = 60
"""Subjects that one page looks at: a few milliseconds each."""
SHOWN = 20
_NEAREST = 8


@dataclass(frozen=True, slots=True)
class Pair:
    """Two subjects that may be one, and why."""

    left: Subject
    right: Subject
    match: Match


@dataclass(frozen=True, slots=True)
class Pairs:
    """Some pairs, how many subjects were looked at for them, and the place to go on from (None at the end)."""

    pairs: tuple[Pair, ...]
    looked_at: int
    next_after: str | None


def possible_duplicates(officer: OfficerLike, *, after: str | None = None) -> Pairs:
    """The next pairs that may be one subject and on which no judgement stands; each pair once, at its newer subject."""
    page = subjects_for(officer, after=after, limit=LOOKED_AT)
    found: list[Pair] = []
    for looked_at, subject in enumerate(page.subjects, start=1):
        found += [pair for pair in likely_of(officer, subject) if pair.right.pk < subject.pk]
        if len(found) >= SHOWN and looked_at < len(page.subjects):
            return Pairs(tuple(found), looked_at, str(subject.pk))
    return Pairs(tuple(found), len(page.subjects), page.next_after)


def likely_of(officer: OfficerLike, subject: Subject) -> list[Pair]:
    """What a subject may be one with, best first, without what was judged."""
    query = Query.of(subject_of(str(subject.pk), subject.schema, subject.card))
    if not query.names and not query.identifiers:
        return []
    met = index.holder().search(query, labels_for(officer), _NEAREST)
    near = {m.subject_id: m for m in met if m.band in LIKELY and m.subject_id != str(subject.pk)}
    judged = _judged_with(subject, near)
    seen = subjects_by_id_for(officer, [known for known in near if known not in judged])
    return [Pair(subject, seen[known], match) for known, match in near.items() if known in seen]


def _judged_with(subject: Subject, others: Iterable[str]) -> set[str]:
    ids = [UUID(other) for other in others]
    rows = Judgement.objects.filter(Q(left=subject, right__in=ids) | Q(right=subject, left__in=ids), revoked_at=None)
    return {str(one) for pair in rows.values_list("left_id", "right_id") for one in pair} - {str(subject.pk)}


def get_pair_for(officer: OfficerLike, one: object, other: object) -> tuple[Subject, Subject, Match | None]:
    """Two subjects that the officer may see, held against each other; raises Rejected("register.subject_not_found"),
    Rejected("register.same_subject").
    """
    left, right = get_subject_for(officer, one), get_subject_for(officer, other)
    if left.pk == right.pk:
        raise Rejected("register.same_subject", at="/right")
    sides = [subject_of(str(row.pk), row.schema, row.card) for row in (left, right)]
    return left, right, compare_subjects(*sides)


def standing_judgement(left: Subject, right: Subject) -> Judgement | None:
    """The judgement that stands on two subjects the caller may see."""
    rows = Judgement.objects.filter(Q(left=left, right=right) | Q(left=right, right=left), revoked_at=None)
    return rows.first()
