"""Two subjects held against each other, as a search would compare them."""

from __future__ import annotations

from tansiq.engine.matching.index import Index
from tansiq.engine.matching.subjects import Labels, Match, Query, Subject

_BOTH = "both"


def compare_subjects(left: Subject, right: Subject) -> Match | None:
    """What ``left`` and ``right`` say of each other, with the reasons; None when nothing in them meets."""
    index = Index()
    index.add([(right, [_BOTH])])
    return next(iter(index.search(Query.of(left), Labels.of(_BOTH), 1)), None)
