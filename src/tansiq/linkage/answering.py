"""From scored pairs to the answer that is given out, the same wherever the pairs were scored: links or groups, and what is expected of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tansiq.engine.matching import linkage as work
from tansiq.engine.matching.linkage.store import Ints

KEPT_BELOW = 3.0
"""Pairs down to this much below the bound are kept: groups are judged by what speaks against them too."""
Progress = Callable[[str, int, int], None]
Ids = Callable[[Ints], list[str]]


@dataclass(frozen=True)
class Linked:
    """What came out: ids and scores best first (links), or groups of ids (of one register), and an account of it."""

    links: list[tuple[str, str, float]]
    groups: list[list[str]]
    account: dict[str, Any]


def log_odds(least: float) -> float:
    """The bound of a probability."""
    return float(np.log(least / (1 - least))) if least < 1 else 700.0


def answer(
    kept: work.Pairs,
    ids: tuple[Ids, Ids | None],
    *,
    records: tuple[int, int],
    least: float,
    many: bool,
    expected_matches: float,
    account: dict[str, Any],
) -> Linked:
    """Links of two registers (each record in one unless ``many``), or groups of one.

    ``kept`` are pairs of rows, down to ``KEPT_BELOW`` under the bound; ``ids`` says how the rows of each side are called,
    the second is None for one register; ``records`` is how many rows there are. Equal scores are taken in the order of
    rows.
    """
    is_one, bound = ids[1] is None, log_odds(least)
    strong = kept.log_odds >= bound
    chosen = work.Pairs(kept.left[strong], kept.right[strong], kept.log_odds[strong])
    groups: list[list[str]] = []
    if is_one:
        group = work.together(kept, records=records[0], least=bound, unknown=min(-1.0, bound - KEPT_BELOW))
        inside = group[chosen.left] == group[chosen.right]
        chosen = work.Pairs(chosen.left[inside], chosen.right[inside], chosen.log_odds[inside])
        groups = _groups(ids[0], group)
    elif not many:
        chosen = work.one_to_one(chosen, lefts=records[0], rights=records[1])
    order = np.lexsort((chosen.right, chosen.left, -chosen.log_odds))
    chosen = work.Pairs(chosen.left[order], chosen.right[order], chosen.log_odds[order])
    said = work.said_of(chosen, expected_matches=expected_matches)
    told = {**account, "links": said.links, "expected_precision": round(said.precision, 4)}
    told |= {"expected_recall": round(said.recall, 4), **({"groups": len(groups)} if is_one else {})}
    scores = [round(float(p), 9) for p in work.probability(chosen.log_odds)]
    named = ids[0](chosen.left), (ids[1] or ids[0])(chosen.right)
    return Linked(list(zip(*named, scores, strict=True)), groups, told)


def _groups(ids: Ids, group: Ints) -> list[list[str]]:
    """Groups of two and more, as ids."""
    sizes = np.bincount(group, minlength=len(group))
    rows = np.flatnonzero(sizes[group] > 1).astype(np.int32)
    found: dict[int, list[str]] = {}
    for root, known in zip(group[rows].tolist(), ids(rows), strict=True):
        found.setdefault(root, []).append(known)
    return list(found.values())
