"""Records that share a key, and the units of work that follow from them.

The keys of a rule are 64-bit hashes in ascending order beside their rows; a *block* is a run of equal keys. A unit is a
run of blocks of one rule with a bounded number of pairs, so that memory does not grow with the registers and a killed
run goes on with the unit it was at.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tansiq.engine.matching.linkage.fields import Plan, Rule
from tansiq.engine.matching.linkage.store import Hashes, Ints, Store, Values
from tansiq.engine.names.compiled import compiled

MOST_PAIRS_A_BLOCK = 250_000
MOST_PAIRS_A_UNIT = 4_000_000
MOST_PAIRS_A_RECORD = 60
MOST_OFFERED = 30
"""An offered rule that would bring more pairs than this a record is not taken."""
_SMALL = 2000
"""A rule that would bring more pairs than this, for each record of the larger register, is left out and reported."""
_MOST_KEYS = 8


@dataclass(frozen=True)
class Keys:
    """The entries of one register under one rule: key and row, ascending by key (rows ascending within a key).

    ``by_row`` is the key of each row, 0 for none, where a row has one at most; else None.
    """

    keys: Hashes
    rows: Ints
    by_row: Hashes | None
    records: int


@dataclass(frozen=True)
class Unit:
    """Blocks of one rule: runs of entries on the left and on the right (``starts``/``ends``), and how many pairs they
    hold.
    """

    number: int
    rule: int
    left_starts: Ints
    left_ends: Ints
    right_starts: Ints
    right_ends: Ints
    pairs: int


@dataclass(frozen=True)
class Units:
    """All work of a linkage, what was left out of it, and why."""

    units: tuple[Unit, ...]
    pairs: tuple[int, ...]
    """Pairs by rule."""
    large_blocks: tuple[int, ...]
    """Blocks left out, by rule, because they were too large."""
    large_pairs: tuple[int, ...]
    """Pairs in those."""
    dropped: tuple[int, ...]
    """Rules that were left out whole."""
    met: tuple[Hashes, Hashes]
    """The key of each row under each rule (rule × row), 0 where that rule does not bring the row's pairs: two rows that
    agree under an earlier rule were met there.
    """


@compiled
def _mix(one: np.uint64, other: np.uint64) -> np.uint64:
    value = (one ^ (other + np.uint64(0x9E3779B97F4A7C15))) * np.uint64(0xBF58476D1CE4E5B9)
    value ^= value >> np.uint64(29)
    value *= np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(32))


@compiled
def _start_hash(values: Values, v: int, size: int) -> np.uint64:
    first = values.table[v, 0]
    last = first + min(values.table[v, 1], size)
    if last == first:
        return np.uint64(0)
    value = np.uint64(14695981039346656037)
    for at in range(first, last):
        value = (value ^ np.uint64(values.raw[at])) * np.uint64(1099511628211)
    return value


@compiled
def _single(part: int, values: Values, v: int) -> np.uint64:
    """The hash of a part of a value; 0 for none. Parts: 0 whole, 1 sound, 2 start, 3 year, 4 day and month."""
    if part == 0:
        return np.uint64(values.table[v, 2])
    if part == 1:
        return np.uint64(values.table[v, 3])
    if part == 2:
        return _start_hash(values, v, 3)
    number = values.table[v, 5]
    if part == 3:
        return np.uint64(number // 10000 + 1) if number >= 10000 else np.uint64(0)
    return np.uint64(number % 10000 + 1) if number % 100 and number % 10000 >= 100 else np.uint64(0)


@compiled
def _row_keys(parts: Ints, fields: Ints, others: Ints, values: Values, ids: Ints, keys: Hashes) -> None:
    """The key of each row; ``others`` is the field whose skeleton is taken too, in either order, or -1."""
    for row in range(ids.shape[1]):
        key = np.uint64(1)
        for p in range(parts.shape[0]):
            v = ids[fields[p], row]
            part = _single(parts[p], values, v) if v >= 0 else np.uint64(0)
            if others[p] >= 0 and part != 0:
                w = ids[others[p], row]
                other = np.uint64(values.table[w, 3]) if w >= 0 else np.uint64(0)
                part = _mix(min(part, other), max(part, other)) if other != 0 else np.uint64(0)
            if part == 0:
                key = np.uint64(0)
                break
            key = _mix(key, part)
        keys[row] = key


@compiled
def _many_keys(field: int, pairs: bool, base: Hashes, values: Values, ids: Ints, keys: Hashes, rows: Ints) -> int:
    """Keys of rows of which each word, or each pair of words, is one; at most eight a row. Returns how many."""
    found = 0
    for row in range(ids.shape[1]):
        v = ids[field, row]
        if v < 0 or base[row] == 0:
            continue
        first = values.table[v, 6]
        last = first + min(values.table[v, 7], 5)
        begin = found
        for i in range(first, last):
            a = np.uint64(values.words[values.listed[i], 3])
            if a == 0:
                continue
            for j in range(i + 1 if pairs else i, last if pairs else i + 1):
                b = np.uint64(values.words[values.listed[j], 3])
                if b == 0 or found - begin >= 8:
                    continue
                key = _mix(base[row], a) if not pairs else _mix(_mix(base[row], min(a, b)), max(a, b))
                known = False
                for k in range(begin, found):
                    known = known or keys[k] == key
                if not known:
                    keys[found], rows[found] = key, row
                    found += 1
    return found


_PART_NUMBERS = {"": 0, "sound": 1, "sorted": 1, "crossed": 1, "start": 2, "year": 3, "day": 4}


def make_keys(plan: Plan, rule: Rule, store: Store, ids: Ints, *, one_in: int = 1) -> Keys:
    """The keys of one register under one rule; ``ids`` are value numbers (field × row), -1 for what is missing.

    With ``one_in`` only one key in so many is kept, the same ones on both sides.
    """
    single = [(field, part) for field, part in rule.parts if part in _PART_NUMBERS]
    many = [(field, part) for field, part in rule.parts if part not in _PART_NUMBERS]
    base: Hashes = np.ones(ids.shape[1], dtype=np.uint64)
    if single:
        parts = np.array([_PART_NUMBERS[part] for _, part in single], dtype=np.int32)
        fields = np.array([plan.number(field) for field, _ in single], dtype=np.int32)
        crossed = [
            plan.fields[f].crosses if part == "crossed" else "" for f, (_, part) in zip(fields, single, strict=True)
        ]
        others = np.array([plan.number(name) if name else -1 for name in crossed], dtype=np.int32)
        _row_keys(parts, fields, others, store.values, ids, base)
    if not many:
        rows = np.flatnonzero(base if one_in == 1 else (base != 0) & (base % np.uint64(one_in) == 0)).astype(np.int32)
        keys = base[rows]
        order = np.argsort(keys, kind="stable")
        return Keys(keys[order], rows[order], base, ids.shape[1])
    field, part = many[0]
    keys = np.empty(ids.shape[1] * _MOST_KEYS, dtype=np.uint64)
    rows = np.empty(ids.shape[1] * _MOST_KEYS, dtype=np.int32)
    found = _many_keys(plan.number(field), part == "pairs", base, store.values, ids, keys, rows)
    kept = np.flatnonzero(keys[:found] % np.uint64(one_in) == 0)
    order = kept[np.argsort(keys[kept], kind="stable")]
    return Keys(keys[order], rows[order], None, ids.shape[1])


@compiled
def _blocks(
    left: Hashes, right: Hashes, left_starts: Ints, left_ends: Ints, right_starts: Ints, right_ends: Ints
) -> int:
    found, i, j = 0, 0, 0
    n, m = left.shape[0], right.shape[0]
    while i < n and j < m:
        if left[i] < right[j]:
            i += 1
        elif left[i] > right[j]:
            j += 1
        else:
            key, first, second = left[i], i, j
            while i < n and left[i] == key:
                i += 1
            while j < m and right[j] == key:
                j += 1
            left_starts[found], left_ends[found] = first, i
            right_starts[found], right_ends[found] = second, j
            found += 1
    return found


@compiled
def _fill_pairs(
    chosen: npt.NDArray[np.bool_],
    starts: tuple[Ints, Ints, Ints, Ints],
    lefts: Ints,
    rights: Ints,
    alone: bool,
    out: Ints,
) -> int:
    found = 0
    for block in range(chosen.shape[0]):
        if not chosen[block]:
            continue
        for p in range(starts[0][block], starts[1][block]):
            for q in range(starts[2][block], starts[3][block]):
                if not alone or lefts[p] < rights[q]:
                    out[0, found], out[1, found] = lefts[p], rights[q]
                    found += 1
    return found


def pairs_of(unit: Unit, chosen: npt.NDArray[np.bool_], rows: tuple[Ints, Ints], *, alone: bool) -> Ints:
    """The pairs (two rows of numbers) of those blocks of a unit that are chosen."""
    starts = unit.left_starts, unit.left_ends, unit.right_starts, unit.right_ends
    sizes = (starts[1] - starts[0]).astype(np.int64) * (starts[3] - starts[2])
    out = np.empty((2, int(sizes[chosen].sum())), dtype=np.int32)
    found = _fill_pairs(chosen, starts, *rows, alone, out)
    return out[:, :found]


def choose_rules(plan: Plan, store: Store, left: Ints, right: Ints) -> tuple[Plan, list[tuple[Keys, Keys]]]:
    """A plan with the rules that are worked off, and their keys on both sides (``left is right``: one register).

    Rules that somebody chose stay. Of offered ones, those that bring too many pairs go, and those that only narrow what
    a wider one brings.
    """
    taken: list[Rule] = []
    keys: list[tuple[Keys, Keys]] = []
    most = MOST_OFFERED * max(left.shape[1], right.shape[1], _SMALL)
    for rule in plan.rules:
        if not plan.is_chosen and any(set(wider.parts) <= set(rule.parts) for wider in taken):
            continue
        one = make_keys(plan, rule, store, left)
        both = one, one if left is right else make_keys(plan, rule, store, right)
        if not plan.is_chosen and _count_pairs(both[0].keys, both[1].keys) > most:
            continue
        taken.append(rule)
        keys.append(both)
    return replace(plan, rules=tuple(taken)), keys


def chance_of_both(store: Store, left: Ints, right: Ints) -> npt.NDArray[np.float64]:
    """How often two records, of one register each, agree in two fields at once (field × field; one field on the
    diagonal), counted over all pairs in which both are there.
    """
    fields = left.shape[0]
    found = np.zeros((fields, fields))
    exact = store.values.table[:, 2].view(np.uint64)
    a, b = (np.where(ids >= 0, exact[ids], np.uint64(0)) for ids in (left, right))
    for f in range(fields):
        for g in range(f, fields):
            keys, other = (_both(side[f], side[g]) for side in (a, b))
            pairs = float(len(keys)) * len(other)
            found[f, g] = found[g, f] = _count_pairs(np.sort(keys), np.sort(other)) / pairs if pairs else 0.0
    return found


def _both(one: Hashes, other: Hashes) -> Hashes:
    present = (one != 0) & (other != 0)
    return np.asarray(one[present] * np.uint64(0x9E3779B97F4A7C15) ^ other[present])


def _count_pairs(left: Hashes, right: Hashes) -> int:
    """How many pairs the blocks hold."""
    a, b, c, d = _block_runs(left, right)
    return int(((b - a).astype(np.int64) * (d - c)).sum())


def _block_runs(left: Hashes, right: Hashes) -> tuple[Ints, Ints, Ints, Ints]:
    """Where the entries of each block begin and end, on the left and on the right."""
    runs = [np.empty(min(len(left), len(right)), dtype=np.int32) for _ in range(4)]
    found = _blocks(left, right, *runs)
    return runs[0][:found], runs[1][:found], runs[2][:found], runs[3][:found]


def plan_units(
    keys: Sequence[tuple[Keys, Keys]],
    records: int,
    *,
    alone: bool,
    pairs_a_block: int = MOST_PAIRS_A_BLOCK,
    pairs_a_unit: int = MOST_PAIRS_A_UNIT,
) -> Units:
    """Cut the blocks of all rules into units; ``records`` is the size of the larger register.

    ``alone``: both sides are one register, so each pair of a block stands once, and no record beside itself.
    """
    units: list[Unit] = []
    pairs, blocks_left, pairs_left, dropped = [], [], [], []
    met: tuple[list[Hashes], list[Hashes]] = ([], [])
    for rule, (left, right) in enumerate(keys):
        a, b, c, d = _block_runs(left.keys, right.keys)
        sizes = (b - a).astype(np.int64) * (d - c)
        if alone:
            sizes = (sizes - (b - a)) // 2
        large = sizes > pairs_a_block
        fits = ~large & (sizes > 0)
        total = int(sizes[fits].sum())
        blocks_left.append(int(large.sum()))
        pairs_left.append(int(sizes[large].sum()))
        is_dropped = total > MOST_PAIRS_A_RECORD * max(records, _SMALL)
        for side, held, (first, last) in ((left, met[0], (a, b)), (right, met[1], (c, d))):
            held.append(_met(side, first[large], last[large], is_dropped=is_dropped))
        if is_dropped:
            dropped.append(rule)
            pairs.append(0)
            continue
        pairs.append(total)
        a, b, c, d, sizes = a[fits], b[fits], c[fits], d[fits], sizes[fits]
        ends = np.cumsum(sizes)
        cuts = np.searchsorted(ends, np.arange(1, total // pairs_a_unit + 1) * pairs_a_unit)
        bounds = sorted({0, *(int(cut) + 1 for cut in cuts if cut + 1 < len(sizes)), len(sizes)})
        for begin, end in itertools.pairwise(bounds):
            run = slice(begin, end)
            units.append(Unit(len(units), rule, a[run], b[run], c[run], d[run], int(sizes[run].sum())))
    stacked = (np.stack(met[0]), np.stack(met[1]))
    return Units(tuple(units), tuple(pairs), tuple(blocks_left), tuple(pairs_left), tuple(dropped), stacked)


def _met(side: Keys, starts: Ints, ends: Ints, *, is_dropped: bool) -> Hashes:
    """The keys by row under which pairs really are met."""
    if side.by_row is None or is_dropped:
        return np.zeros(side.records, dtype=np.uint64)
    found = side.by_row
    if len(starts):
        found = found.copy()
        for first, last in zip(starts.tolist(), ends.tolist(), strict=True):
            found[side.rows[first:last]] = 0
    return found
