"""Records that are due, as the queue shows them: why, since when, and what was decided before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import pgettext

from tansiq.engine.entities.labels import schema_label
from tansiq.node.register import queries
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages.subject import origin_word

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.register.models import Subject

SHOWN = 50


def due_shown(officer: Officer, now: datetime, *, circle: str | None) -> list[dict[str, Any]]:
    """The first records of the queue."""
    rows = queries.subjects_due(officer, now, circle=circle, limit=SHOWN)
    return [_shown(row) | {"due": row.due, "why": _why(row, now)} for row in rows]  # type: ignore[attr-defined]


def chosen_shown(officer: Officer, subject_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The chosen records that this officer may see, in the order in which they were chosen."""
    found = queries.subjects_by_id_for(officer, subject_ids)
    return [_shown(found[subject_id]) for subject_id in dict.fromkeys(subject_ids) if subject_id in found]


def _shown(row: Subject) -> dict[str, Any]:
    language = language_now()
    return {
        "id": str(row.subject_id),
        "caption": queries.caption(row, language),
        "schema": schema_label(row.schema, language),
        "origin": origin_word(row.origin),
        "source": row.source.key if row.source else "",
        "circle": row.circle,
    }


def _why(row: Subject, now: datetime) -> str:
    """Which of its dates has come."""
    if row.retention_until is not None and row.retention_until <= now:
        return pgettext("review", "its retention has ended")
    if row.restricted_at is not None:
        return pgettext("review", "it is restricted")
    if row.delisted_at is not None:
        return pgettext("review", "its list dropped it")
    return pgettext("review", "its review date has come")
