"""From scored pairs to an answer: each record once, or groups of records that are one subject."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tansiq.engine.matching.linkage.scoring import Floats, Pairs
from tansiq.engine.matching.linkage.store import Ints
from tansiq.engine.names.compiled import compiled


@dataclass(frozen=True)
class Said:
    """What the model expects of an answer: how many of its links are right, and how many of all matches it holds.

    Expected, not measured: it is as good as the model, and knows nothing of pairs that no rule brought together.
    """

    links: int
    precision: float
    recall: float


def probability(log_odds: Floats) -> Floats:
    """The probabilities of log-odds."""
    return np.asarray(1.0 / (1.0 + np.exp(np.clip(-log_odds, -700, 700))))


def _best_first(pairs: Pairs) -> npt.NDArray[np.int64]:
    """Places of pairs, the highest log-odds first, equal ones by their rows."""
    return np.lexsort((pairs.right, pairs.left, -pairs.log_odds)).astype(np.int64)


@compiled
def _take_once(order: npt.NDArray[np.int64], left: Ints, right: Ints, used_left: npt.NDArray[np.bool_],
               used_right: npt.NDArray[np.bool_], kept: npt.NDArray[np.bool_]) -> None:  # fmt: skip
    for place in order:
        i, j = left[place], right[place]
        if not used_left[i] and not used_right[j]:
            used_left[i] = used_right[j] = kept[place] = True


def one_to_one(pairs: Pairs, *, lefts: int, rights: int) -> Pairs:
    """Links in which each record stands once at most: always the best pair that is still free. Best first."""
    order, kept = _best_first(pairs), np.zeros(len(pairs), dtype=bool)
    _take_once(order, pairs.left, pairs.right, np.zeros(lefts, bool), np.zeros(rights, bool), kept)
    chosen = order[kept[order]]
    return Pairs(pairs.left[chosen], pairs.right[chosen], pairs.log_odds[chosen])


@compiled
def _root(group: Ints, row: int) -> int:
    while group[row] != row:
        group[row] = group[group[row]]
        row = group[row]
    return row


@compiled
def _join(
    order: npt.NDArray[np.int64], left: Ints, right: Ints, odds: Floats, starts: npt.NDArray[np.int64],
    beside: npt.NDArray[np.int64], group: Ints, following: Ints, last: Ints, least: float, unknown: float
) -> None:  # fmt: skip
    """Join groups along pairs, the best first, while the pairs between them, known or not, speak for it together."""
    size = np.ones(group.shape[0], dtype=np.int64)
    for place in order:
        if odds[place] < least:
            break
        a, b = _root(group, left[place]), _root(group, right[place])
        if a == b:
            continue
        if size[a] > size[b]:
            a, b = b, a
        total, known = 0.0, 0
        row = a
        while row >= 0:
            for at in range(starts[row], starts[row + 1]):
                pair = beside[at]
                other = right[pair] if left[pair] == row else left[pair]
                if _root(group, other) == b:
                    total += odds[pair]
                    known += 1
            row = following[row]
        total += unknown * (size[a] * size[b] - known)
        if total <= 0.0 and size[a] * size[b] > 1:
            continue
        group[a] = b
        size[b] += size[a]
        following[last[b]] = a
        last[b] = last[a]


def together(pairs: Pairs, *, records: int, least: float, unknown: float = -1.0) -> Ints:
    """Groups of one register: for each row the smallest row of its group.

    Correlation clustering, greedily (Bansal, Blum and Chawla 2004): two groups become one along their best pair while the
    log-odds of all pairs between them are positive together; a pair that was never scored, or below what was kept, counts
    ``unknown``. So one false link does not make one subject of two large groups.
    """
    order = _best_first(pairs)
    group = np.arange(records, dtype=np.int32)
    ends = np.concatenate((pairs.left, pairs.right))
    beside = np.argsort(ends, kind="stable").astype(np.int64) % max(len(pairs), 1)
    starts = np.zeros(records + 1, dtype=np.int64)
    np.cumsum(np.bincount(ends, minlength=records), out=starts[1:])
    following, last = np.full(records, -1, dtype=np.int32), np.arange(records, dtype=np.int32)
    _join(
        order, pairs.left, pairs.right, pairs.log_odds, starts, beside, group, following, last, least, unknown
    )  # fmt: skip
    _flatten(group)
    smallest = np.full(records, records, dtype=np.int32)
    np.minimum.at(smallest, group, np.arange(records, dtype=np.int32))
    return np.asarray(smallest[group], dtype=np.int32)


@compiled
def _flatten(group: Ints) -> None:
    for row in range(group.shape[0]):
        group[row] = _root(group, row)


def said_of(chosen: Pairs, *, expected_matches: float) -> Said:
    """What the model expects of chosen links."""
    right = float(probability(chosen.log_odds).sum())
    every = max(expected_matches, right, 1e-9)
    return Said(len(chosen), right / len(chosen) if len(chosen) else 1.0, right / every)
