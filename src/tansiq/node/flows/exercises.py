"""Exercises: dossiers in which nothing is real, kept apart from everything that is, and deleted as a whole afterwards.

That a dossier is an exercise stands in its opening entry (``Opening.exercise``): signed, known to every party, unalterable. A training
node (``exercise`` in node.toml) marks everything that it opens, and takes in nothing that is not marked.

Apart means: its subjects are neither stored in the register nor matched against it; nothing real is cited, continued or quoted by
it, nor it by anything real; no real dossier stands under an accord that was itself an exercise; its tasks lie on desks under
a filter of their own and are counted in no figure; the search questions of a training node find nothing on a real one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings

from tansiq.engine.dossiers.headers import Opening
from tansiq.engine.dossiers.parts import Part
from tansiq.engine.errors import Refused, Rejected
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import queries

if TYPE_CHECKING:
    from tansiq.node.dossiers.models import Dossier

SEARCH_BARRED = "search.exercise"


def node_is_exercise() -> bool:
    """Whether this is a training node: everything on it is an exercise, and its register holds invented people."""
    return bool(settings.NODE.exercise)


def is_apart(dossier: Dossier) -> bool:
    """Whether the dossier is an exercise on a node that is none: register, matches and figures do not know it."""
    return bool(dossier.exercise) and not node_is_exercise()


def is_exercise(dossier_id: str | None) -> bool | None:
    """Whether a dossier is an exercise; None for one that this node does not hold."""
    row = queries.dossier_by_id(dossier_id) if dossier_id else None
    return None if row is None else bool(row.exercise)


def may_found(accord_id: str, *, exercise: bool) -> bool:
    """Whether a dossier may stand under this accord: one agreed in an exercise permits nothing real."""
    return exercise or not is_exercise(accord_id)


def require_unmixed_opening(opening: Opening) -> None:
    """Raise Rejected("dossier.exercise_mixed") where an opening ties an exercise to something real, or the other way about.

    Asked before signing and of what arrives; a dossier that is not here says nothing.
    """
    for name in ("continues", "cites"):
        told = is_exercise(getattr(opening, name))
        if told is not None and told != opening.exercise:
            raise Rejected("dossier.exercise_mixed", at=f"/opening/{name}")
    if opening.accord and not may_found(opening.accord, exercise=opening.exercise):
        raise Rejected("dossier.exercise_mixed", at="/opening/accord")


def require_for_this_node(opening: Opening) -> None:
    """Raise Rejected("dossier.real_at_exercise"): a training node takes in nothing real."""
    if node_is_exercise() and not opening.exercise:
        raise Rejected("dossier.real_at_exercise", at="/opening/exercise")


def require_unmixed_parts(parts: Iterable[Part], *, exercise: bool) -> None:
    """Raise Refused("dossier.exercise_mixed") for a part that is made from one of the other world."""
    for number, part in enumerate(parts):
        for source in part.sources:
            row = queries.entry_by_id(source.entry)
            if row is not None and bool(row.dossier.exercise) != exercise:
                raise Refused("dossier.exercise_mixed", at=f"/parts/{number}/sources")


def mark(dossier: Dossier) -> None:
    """From its opening on, tasks that lead to an exercise are of the exercise; in the caller's transaction."""
    if is_apart(dossier):
        desk.mark_exercise(f"/dossiers/{dossier.dossier_id}")


def search_bar(content: Mapping[str, Any]) -> str:
    """The code by which a question between a training node and a real one is not answered; empty where both are of one kind."""
    return "" if (content.get("exercise") is True) == node_is_exercise() else SEARCH_BARRED
