"""The pairs of a unit, compared and scored by compiled code that stops at a pair as soon as it can no longer match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tansiq.engine.matching.linkage.blocks import Unit
from tansiq.engine.matching.linkage.fields import Kind, Plan
from tansiq.engine.matching.linkage.levels import MOST_LEVELS, NUMBERS, field_level
from tansiq.engine.matching.linkage.store import Hashes, Ints, Values
from tansiq.engine.names.compiled import compiled

Floats = npt.NDArray[np.float64]
_COST = {Kind.CATEGORY: 0, Kind.DATE: 1, Kind.CODE: 2, Kind.NAME: 3, Kind.TEXT: 4}


@dataclass(frozen=True)
class Pairs:
    """Rows of the left and of the right register, and the log-odds that they are one subject."""

    left: Ints
    right: Ints
    log_odds: Floats

    def __len__(self) -> int:
        return len(self.left)

    @classmethod
    def joined(cls, parts: Sequence[Pairs]) -> Pairs:
        """All pairs of several units, each once, ascending by row."""
        left = np.concatenate([p.left for p in parts] or [np.zeros(0, np.int32)])
        right = np.concatenate([p.right for p in parts] or [np.zeros(0, np.int32)])
        odds = np.concatenate([p.log_odds for p in parts] or [np.zeros(0)])
        order = np.lexsort((right, left))
        left, right, odds = left[order], right[order], odds[order]
        first = np.ones(len(left), dtype=bool)
        first[1:] = (left[1:] != left[:-1]) | (right[1:] != right[:-1])
        return cls(left[first], right[first], odds[first])


@dataclass(frozen=True)
class Numbers:
    """A plan as compiled code takes it: kinds, crossed fields, and the order in which fields are compared."""

    kinds: Ints
    crosses: Ints
    order: Ints

    @classmethod
    def of(cls, plan: Plan) -> Numbers:
        """The cheapest comparison first."""
        kinds = np.array([NUMBERS[field.kind] for field in plan.fields], dtype=np.int32)
        crosses = np.array([plan.number(f.crosses) if f.crosses else -1 for f in plan.fields], dtype=np.int32)
        order = sorted(range(len(plan.fields)), key=lambda f: (_COST[plan.fields[f].kind], f))
        return cls(kinds, crosses, np.array(order, dtype=np.int32))


@compiled
def _earlier(rules: Hashes, other: Hashes, upto: int, i: int, j: int) -> bool:
    """Whether two rows agree under a rule before this one, so that the pair was met there."""
    for rule in range(upto):
        key = rules[rule, i]
        if key != 0 and key == other[rule, j]:
            return True
    return False


@compiled
def _score(  # noqa: C901 - one loop nest, kept whole for the compiler
    starts: tuple[Ints, Ints, Ints, Ints],
    rows: tuple[Ints, Ints],
    alone: bool,
    earlier: tuple[Hashes, Hashes],
    upto: int,
    numbers: tuple[Ints, Ints, Ints],
    values: Values,
    left: Ints,
    right: Ints,
    weights: Floats,
    rare: Floats,
    tied: Floats,
    moved: Floats,
    most: Floats,
    prior: float,
    least: float,
    out_left: Ints,
    out_right: Ints,
    out: Floats,
) -> int:
    kinds, crosses, order = numbers
    table, words, listed, raw, rarity = values
    keys, others = earlier
    found, fields = 0, order.shape[0]
    rest = np.zeros(fields + 1)
    for k in range(fields - 1, -1, -1):
        rest[k] = rest[k + 1] + most[order[k]]
    agreed, differs = np.zeros(fields, dtype=np.bool_), np.zeros(fields, dtype=np.bool_)
    for block in range(starts[0].shape[0]):
        for p in range(starts[0][block], starts[1][block]):
            i = rows[0][p]
            for q in range(starts[2][block], starts[3][block]):
                j = rows[1][q]
                if (alone and j <= i) or (upto and _earlier(keys, others, upto, i, j)):
                    continue
                total = prior
                for k in range(fields):
                    if total + rest[k] < least:
                        break
                    f = order[k]
                    at = field_level(f, kinds, crosses, table, words, listed, raw, left, i, right, j)
                    worth = weights[f, at]
                    agreed[f], differs[f] = rare[f, 0] == at, at == 1
                    if agreed[f]:
                        # the value itself is agreed on: its own frequency takes the place of the average
                        worth += min(rare[f, 1] - max(rarity[left[f, i]], rare[f, 2]), rare[f, 3])
                        for b in range(k):
                            # what follows from another agreement says less
                            g = order[b]
                            if agreed[g] and tied[f, g] < np.inf:
                                worth = min(worth, tied[f, g])
                    elif at == 1:
                        for b in range(k):
                            # who has moved has a new street, postcode and town: that is one difference, not three
                            g = order[b]
                            if differs[g]:
                                worth = max(worth, moved[f, g])
                    total += worth
                if total >= least:
                    out_left[found], out_right[found], out[found] = i, j, total
                    found += 1
    return found


@compiled
def _sample(
    lefts: Ints, rights: Ints, numbers: tuple[Ints, Ints, Ints], values: Values, left: Ints, right: Ints,
    levels: npt.NDArray[np.uint8], rarity: npt.NDArray[np.float64]
) -> None:  # fmt: skip
    kinds, crosses, _ = numbers
    table, words, listed, raw, known = values
    for pair in range(lefts.shape[0]):
        i, j = lefts[pair], rights[pair]
        for f in range(kinds.shape[0]):
            levels[pair, f] = field_level(f, kinds, crosses, table, words, listed, raw, left, i, right, j)
            if left[f, i] >= 0:
                rarity[pair, f] = known[left[f, i]]


def sample_levels(
    plan: Plan, values: Values, lefts: Ints, rights: Ints, left: Ints, right: Ints
) -> tuple[npt.NDArray[np.uint8], Floats]:
    """The levels of given pairs of rows (pair × field), and how rare (log of frequency) the left values are."""
    numbers = Numbers.of(plan)
    levels = np.zeros((len(lefts), len(plan.fields)), dtype=np.uint8)
    rarity = np.zeros((len(lefts), len(plan.fields)))
    _sample(lefts, rights, (numbers.kinds, numbers.crosses, numbers.order), values, left, right, levels, rarity)
    return levels, rarity


@dataclass(frozen=True)
class Weighing:
    """A model as compiled code takes it (see ``model.Model.weighing``)."""

    weights: Floats
    rare: Floats
    tied: Floats
    moved: Floats
    most: Floats
    prior: float
    order: list[int]

    def __post_init__(self) -> None:
        assert self.weights.shape[1] == MOST_LEVELS


def score_unit(
    plan: Plan,
    unit: Unit,
    rows: tuple[Ints, Ints],
    met: tuple[Hashes, Hashes],
    values: Values,
    left: Ints,
    right: Ints,
    *,
    weighing: Weighing,
    least: float,
    alone: bool,
) -> Pairs:
    """The pairs of a unit whose log-odds are at least ``least``; those that an earlier rule brings are left to it.

    ``rows`` are the entries of the unit's rule (``Keys.rows``), ``met`` the keys of ``Units.met``. Releases the
    interpreter's lock: units may be scored by several threads.
    """
    numbers = Numbers.of(plan)
    out = np.empty(unit.pairs, np.int32), np.empty(unit.pairs, np.int32), np.empty(unit.pairs, np.float64)
    found = _score(
        (unit.left_starts, unit.left_ends, unit.right_starts, unit.right_ends),
        rows,
        alone,
        met,
        unit.rule,
        (numbers.kinds, numbers.crosses, numbers.order),
        values,
        left,
        right,
        weighing.weights,
        weighing.rare,
        weighing.tied,
        weighing.moved,
        weighing.most,
        weighing.prior,
        least,
        *out,
    )
    return Pairs(out[0][:found].copy(), out[1][:found].copy(), out[2][:found].copy())
