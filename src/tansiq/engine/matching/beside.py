"""Names that stand beside the name: parents and places of birth, compared letter by letter like names, in any script.

The weights are documented, not learned (log-odds): a parent's name is as good as a name but shared by brothers and
sisters; a place is shared by a town. A parent that is not the other's counts against only where no parent agrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from tansiq.engine.matching import scoring
from tansiq.engine.matching.encoding import EncodedName, encode_name
from tansiq.engine.matching.evidence import PLACE_SAME, Feature
from tansiq.engine.names import read_name

PARENT_SAME, PARENT_LIKELY, PARENT_OTHER = 3.0, 1.5, -1.5
_SAME, _LIKELY, _OTHER = 0.9, 0.5, 0.05


class Beside(Protocol):
    """What ``Subject`` and ``Query`` have in common."""

    @property
    def parents(self) -> tuple[str, ...]: ...
    @property
    def birth_places(self) -> tuple[str, ...]: ...


def most_beside(query: Beside) -> float:
    """The most that ``features_beside`` can add for this question, whatever the record holds."""
    return (PARENT_SAME if query.parents else 0.0) + (PLACE_SAME if query.birth_places else 0.0)


def features_beside(query: Beside, subject: Beside) -> list[Feature]:
    """The features ``parent`` and ``birth_place``; what either side lacks is neutral."""
    found: list[Feature] = []
    if best := _best(query.parents, subject.parents):
        alike, left, right = best
        weight = PARENT_SAME if alike >= _SAME else PARENT_LIKELY if alike >= _LIKELY else 0.0
        weight = PARENT_OTHER if alike < _OTHER else weight
        if weight:
            found.append(("parent", weight, {"left": left, "right": right, "alike": round(alike, 3)}))
    if (best := _best(query.birth_places, subject.birth_places)) and best[0] >= _LIKELY:
        found.append(("birth_place", PLACE_SAME, {"left": best[1], "right": best[2], "alike": round(best[0], 3)}))
    return found


@lru_cache(maxsize=4096)
def _encoded(text: str) -> EncodedName:
    return encode_name(read_name(text))


def _best(left: Sequence[str], right: Sequence[str]) -> tuple[float, str, str] | None:
    """The likeliest pair and how alike it is (0 to 1); None when either side holds no name."""
    found = [
        (1.0 if a.casefold() == b.casefold() else _alike(a, b), a, b)
        for a in left
        for b in right
        if _encoded(a).words and _encoded(b).words
    ]
    return max(found, default=None)


def _alike(left: str, right: str) -> float:
    return scoring.probability(scoring.compare_encoded(_encoded(left), _encoded(right)).log_odds)
