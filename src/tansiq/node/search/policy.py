"""Who may see a search: whoever made it, and nobody else but the auditor's log."""

from __future__ import annotations

from typing import Protocol

from django.db.models import Q

MIN_QUERY_LETTERS = 2


class SearchLike(Protocol):
    """A search's owner."""

    officer: str


class OfficerLike(Protocol):
    """An officer's id."""

    @property
    def reference(self) -> str: ...


def may_see(officer: OfficerLike, search: SearchLike) -> bool:
    """Only one's own searches."""
    return search.officer == officer.reference


def visible_to(officer: OfficerLike) -> Q:
    """:func:`may_see` as a condition on rows."""
    return Q(officer=officer.reference)
