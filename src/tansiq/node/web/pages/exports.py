"""Copies given out as they are shown: number, what is in them, what was left out and why, and whether they were called back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from tansiq.node.accounts.queries import names_of
from tansiq.node.dossiers.erased import called_back
from tansiq.node.register.prints import FORM as PRINT
from tansiq.node.web import words
from tansiq.node.web.forms.exporting import copy_forms

if TYPE_CHECKING:
    from tansiq.node.dossiers.models import CopyOwed
    from tansiq.node.register.models import Export


def copies_shown(rows: Sequence[Export]) -> list[dict[str, Any]]:
    """The copies, each with its state; of several callings-back of one copy, one that is still open counts."""
    owed: dict[tuple[str, str], CopyOwed] = {}
    for one in sorted(called_back([str(row.copy_number) for row in rows]), key=lambda found: not found.outcome):
        owed[one.kind, one.number] = one
    people = names_of({row.officer for row in rows})
    return [_shown(row, owed.get((_kind(row), str(row.copy_number))), people) for row in rows]


def _kind(row: Export) -> str:
    return "print" if row.form == PRINT else "register"


def _shown(row: Export, owed: CopyOwed | None, people: dict[str, str]) -> dict[str, Any]:
    word, tone = _state(row, owed)
    return {
        "number": f"{row.copy_number:08d}",
        "form": _("print") if row.form == PRINT else copy_forms().get(row.form, row.form),
        "purpose": words.list_label("purposes", row.purpose),
        "reason": row.reason,
        "recipient": row.recipient,
        "officer": people.get(row.officer, row.officer),
        "at": row.started_at,
        "subjects": row.counts.get("subjects"),
        "left_out": [(_reason(code), count) for code, count in row.counts.get("left_out", {}).items()],
        "word": word,
        "tone": tone,
        "is_owed": owed is not None and not owed.outcome,
    }


def _state(row: Export, owed: CopyOwed | None) -> tuple[str, str]:
    outcomes = {
        "destroyed": _("destroyed"),
        "returned": _("brought back"),
        "lost": _("cannot be found"),
    }
    if owed is not None:
        return (outcomes[owed.outcome], "stopped") if owed.outcome else (_("called back"), "bad")
    # A copy that was cut off may hold what came before: it is owed like any other.
    return (_("given out"), "good") if row.file_digest else (_("not finished"), "waiting")


def _reason(code: str) -> str:
    told = {
        "level": _("marked above level 0"),
        "onward": _("may not be passed on without permission"),
        "handling_note": _("stands under a condition in words"),
        "accord": _("the accord does not permit it"),
        "conditions_unknown": _("its conditions cannot be read"),
        "no_dossier": _("its dossier is not here"),
        "restricted": _("restricted"),
    }
    return told.get(code, code)
