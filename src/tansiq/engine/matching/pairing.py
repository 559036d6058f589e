"""Two names compared word by word and letter by letter, compiled: which words belong together, and named features of
the whole.

Every pair of words has a worth in nats: how well the letters read as each other, minus how often that word is met by
chance. Words are joined to their best counterpart, dearest first; two neighbouring words may together equal one
(*Sharaf al-Din*, *Sharafeddine*; محمدعلي, *Mohammad Ali*). Everything is symmetric in its two names.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tansiq.engine.names.compiled import compiled
from tansiq.engine.names.kernels import NEVER, WIDEST, reading_cost

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

FEATURES = (
    "fit",
    "rarity",
    "letters",
    "replaced_words",
    "extra_words",
    "single_word_agrees",
    "many_words_agree",
    "order_differs",
    "joined_words",
    "weak_parts_missing",
    "worst_word",
    "rarity_of_replaced",
    "single_word_name",
    "first_words_agree",
    "last_words_agree",
    "least_worth",
)
MOST_WORDS = 16
LEAST_WORTH = -2.0
"""Two words are joined only when their worth in nats is more than this."""
CELL = 6
"""Columns of a joined cell: left word, left width, right word, right width, cost, letters."""


@compiled
def _rows(codes: Bytes, first: int, last: int, table: int, kinds: Ints, starts: Ints, out: Ints) -> int:
    """Grid rows of ``codes[first:last]`` read as one word."""
    n = last - first
    for k in range(n):
        before = kinds[table, codes[first + k - 1]] if k > 0 else 0
        after = kinds[table, codes[first + k + 1]] if k + 1 < n else 0
        out[k] = starts[table] + (codes[first + k] * 8 + before) * 8 + after
    return n


@compiled
def _read(
    codes: Bytes,
    first: int,
    last: int,
    table: int,
    letters: Bytes,
    start: int,
    end: int,
    grid: Bytes,
    grid_starts: Ints,
    kinds: Ints,
    child: Ints,
    chunk_of: Ints,
    rows: Ints,
    scratch: Ints,
    shift: int,
) -> int:
    n, m = last - first, end - start
    if n + 1 > WIDEST or m + 1 > WIDEST or m > 3 * n + 2 or n > 3 * m + 2:
        return NEVER
    _rows(codes, first, last, table, kinds, grid_starts, rows)
    if shift:
        for k in range(n):
            rows[k] += shift
    return int(reading_cost(rows, 0, n, letters, start, m, grid, child, chunk_of, scratch))


@compiled
def _cell(
    a_codes: Bytes, a_starts: Ints, a_reading: Bytes, a_rstarts: Ints, a_tables: Ints, i: int, iw: int,
    b_codes: Bytes, b_starts: Ints, b_reading: Bytes, b_rstarts: Ints, b_tables: Ints, j: int, jw: int,
    grid: Bytes, grid_starts: Ints, kinds: Ints, child: Ints, chunk_of: Ints, rows: Ints, scratch: Ints, shift: int,
) -> int:  # fmt: skip
    """Cost of words ``i .. i+iw`` of a and ``j .. j+jw`` of b being the same; ``NEVER`` if incomparable."""
    ta, tb = a_tables[i], b_tables[j]
    for k in range(iw + 1):
        if a_tables[i + k] != ta:
            return NEVER
    for k in range(jw + 1):
        if b_tables[j + k] != tb:
            return NEVER
    a0, a1, b0, b1 = a_starts[i], a_starts[i + iw + 1], b_starts[j], b_starts[j + jw + 1]
    if ta != 0 and tb == 0:
        return int(
            _read(a_codes, a0, a1, ta, b_codes, b0, b1, grid, grid_starts, kinds, child, chunk_of, rows, scratch, shift)
        )
    if ta == 0 and tb != 0:
        return int(
            _read(b_codes, b0, b1, tb, a_codes, a0, a1, grid, grid_starts, kinds, child, chunk_of, rows, scratch, shift)
        )
    if ta == tb and a1 - a0 == b1 - b0:
        same = True
        for k in range(a1 - a0):
            if a_codes[a0 + k] != b_codes[b0 + k]:
                same = False
                break
        if same:
            return int(2 * (a1 - a0))
    a0, a1, b0, b1 = a_rstarts[i], a_rstarts[i + iw + 1], b_rstarts[j], b_rstarts[j + jw + 1]
    forth = _read(a_reading, a0, a1, 0, b_reading, b0, b1, grid, grid_starts, kinds, child, chunk_of, rows, scratch, 0)
    back = _read(b_reading, b0, b1, 0, a_reading, a0, a1, grid, grid_starts, kinds, child, chunk_of, rows, scratch, 0)
    if forth >= NEVER or back >= NEVER:
        return NEVER
    return int((forth + back) // 2 + (16 if ta != 0 else 0))


@compiled
def _chance(a_tables: Ints, a_bg: Floats, i: int, iw: int, b_tables: Ints, b_bg: Floats, j: int, jw: int) -> float:
    """Log-probability that the words agree by chance: the Latin side's, or the mean of both where neither or both are
    Latin.
    """
    left, right = 0.0, 0.0
    for k in range(iw + 1):
        left += a_bg[i + k]
    for k in range(jw + 1):
        right += b_bg[j + k]
    if a_tables[i] != 0 and b_tables[j] == 0:
        return right
    if a_tables[i] == 0 and b_tables[j] != 0:
        return left
    return (left + right) / 2.0


@compiled
def compare(  # noqa: C901 - one loop nest, kept whole for the compiler
    a_codes: Bytes, a_starts: Ints, a_reading: Bytes, a_rstarts: Ints, a_tables: Ints, a_roles: Ints, a_bg: Floats,
    b_codes: Bytes, b_starts: Ints, b_reading: Bytes, b_rstarts: Ints, b_tables: Ints, b_roles: Ints, b_bg: Floats,
    grid: Bytes, grid_starts: Ints, kinds: Ints, child: Ints, chunk_of: Ints, rows: Ints, scratch: Ints,
    habits: bool, features: Doubles, cells: Ints,
) -> int:  # fmt: skip
    """Fill ``features`` (see ``FEATURES``) and ``cells`` for two encoded names; returns how many cells were joined."""
    p = min(a_tables.shape[0], MOST_WORDS)
    q = min(b_tables.shape[0], MOST_WORDS)
    features[:] = 0.0
    cost = np.full((p, 2, q, 2), NEVER, dtype=np.int32)
    worth = np.full((p, 2, q, 2), -1.0e9, dtype=np.float64)
    best_a, best_b = np.full(p, -1.0e9), np.full(q, -1.0e9)
    for i in range(p):
        for j in range(q):
            c = _cell(
                a_codes, a_starts, a_reading, a_rstarts, a_tables, i, 0,
                b_codes, b_starts, b_reading, b_rstarts, b_tables, j, 0,
                grid, grid_starts, kinds, child, chunk_of, rows, scratch, 0,
            )  # fmt: skip
            if c < NEVER:
                w = -c / 16.0 - _chance(a_tables, a_bg, i, 0, b_tables, b_bg, j, 0)
                cost[i, 0, j, 0], worth[i, 0, j, 0] = c, w
                best_a[i], best_b[j] = max(best_a[i], w), max(best_b[j], w)
    for i in range(p):
        for j in range(q):
            for wide in range(2):
                iw, jw = (1, 0) if wide == 0 else (0, 1)
                if i + iw >= p or j + jw >= q:
                    continue
                # a join is looked at only where the single words leave something open
                good = min(best_a[i], best_a[i + 1]) if iw else min(best_b[j], best_b[j + 1])
                if good > 4.0:
                    continue
                c = _cell(
                    a_codes, a_starts, a_reading, a_rstarts, a_tables, i, iw,
                    b_codes, b_starts, b_reading, b_rstarts, b_tables, j, jw,
                    grid, grid_starts, kinds, child, chunk_of, rows, scratch, 0,
                )  # fmt: skip
                if c < NEVER:
                    cost[i, iw, j, jw] = c + 16
                    worth[i, iw, j, jw] = -(c + 16) / 16.0 - _chance(a_tables, a_bg, i, iw, b_tables, b_bg, j, jw)
    used_a, used_b = np.zeros(p, dtype=np.uint8), np.zeros(q, dtype=np.uint8)
    found = 0
    least, worst = 1.0e9, 0.0
    rarity, letters, joined = 0.0, 0.0, 0
    while True:
        top, ti, tiw, tj, tjw = LEAST_WORTH, -1, 0, 0, 0
        for i in range(p):
            if used_a[i]:
                continue
            for iw in range(2):
                if i + iw >= p or used_a[i + iw]:
                    continue
                for j in range(q):
                    for jw in range(2):
                        if iw and jw:
                            continue
                        if j + jw >= q or used_b[j] or used_b[j + jw]:
                            continue
                        # among equals the one nearest to the other's place, so that order is kept where it can be
                        w = worth[i, iw, j, jw] - 0.001 * abs(i - j)
                        if w > top:
                            top, ti, tiw, tj, tjw = w, i, iw, j, jw
        if ti < 0:
            break
        for k in range(tiw + 1):
            used_a[ti + k] = 1
        for k in range(tjw + 1):
            used_b[tj + k] = 1
        size = 0.5 * (a_starts[ti + tiw + 1] - a_starts[ti] + b_starts[tj + tjw + 1] - b_starts[tj])
        c = cost[ti, tiw, tj, tjw]
        cells[found, 0], cells[found, 1], cells[found, 2], cells[found, 3] = ti, tiw, tj, tjw
        cells[found, 4], cells[found, 5] = c, int(2 * size)
        found += 1
        rarity -= _chance(a_tables, a_bg, ti, tiw, b_tables, b_bg, tj, tjw)
        letters += size
        joined += 1 if tiw or tjw else 0
        worst = max(worst, c / 16.0 / (size + 1.0))
        least = min(least, top)
    agreed = 0
    for k in range(found):
        if a_roles[cells[k, 0]] == 0 or b_roles[cells[k, 2]] == 0:
            agreed += 1
    left_a, left_b, weak = 0, 0, 0
    lost_a, lost_b = 0.0, 0.0
    for i in range(p):
        if not used_a[i]:
            if a_roles[i] == 0:
                left_a += 1
                lost_a += min(-a_bg[i], 14.0)
            elif a_roles[i] == 1:
                weak += 1
    for j in range(q):
        if not used_b[j]:
            if b_roles[j] == 0:
                left_b += 1
                lost_b += min(-b_bg[j], 14.0)
            elif b_roles[j] == 1:
                weak += 1
    replaced = min(left_a, left_b)
    features[0] = _fit(
        a_codes, a_starts, a_reading, a_rstarts, a_tables, b_codes, b_starts, b_reading, b_rstarts, b_tables,
        grid, grid_starts, kinds, child, chunk_of, rows, scratch, habits, cells, found,
    )  # fmt: skip
    features[1] = rarity
    features[2] = letters
    features[3] = replaced
    features[4] = abs(left_a - left_b)
    features[5] = 1.0 if agreed <= 1 else 0.0
    features[6] = max(agreed - 2, 0)
    for k in range(found):
        for m in range(k):
            if (cells[k, 0] < cells[m, 0]) != (cells[k, 2] < cells[m, 2]):
                features[7] += 1.0
    features[8] = joined
    features[9] = weak
    features[10] = worst
    if replaced:
        features[11] = min(lost_a / left_a, lost_b / left_b) * replaced
    features[12] = 1.0 if min(p, q) <= 1 else 0.0
    for k in range(found):
        if cells[k, 0] == 0 and cells[k, 2] == 0:
            features[13] = 1.0
        if cells[k, 0] + cells[k, 1] == p - 1 and cells[k, 2] + cells[k, 3] == q - 1:
            features[14] = 1.0
    features[15] = min(least, 12.0) if found else 0.0
    return found


@compiled
def _fit(
    a_codes: Bytes, a_starts: Ints, a_reading: Bytes, a_rstarts: Ints, a_tables: Ints,
    b_codes: Bytes, b_starts: Ints, b_reading: Bytes, b_rstarts: Ints, b_tables: Ints,
    grid: Bytes, grid_starts: Ints, kinds: Ints, child: Ints, chunk_of: Ints, rows: Ints, scratch: Ints,
    habits: bool, cells: Ints, found: int,
) -> float:  # fmt: skip
    """Log-probability of all joined words under one romanisation habit for the whole name: the mean over all habits."""
    totals = np.zeros(5)
    some = False
    for k in range(found):
        totals[0] -= cells[k, 4] / 16.0
        some = some or a_tables[cells[k, 0]] == 1 or b_tables[cells[k, 2]] == 1
    if not habits or not some:
        return float(totals[0])
    for k in range(found):
        i, iw, j, jw = cells[k, 0], cells[k, 1], cells[k, 2], cells[k, 3]
        mixed = (a_tables[i] == 1) != (b_tables[j] == 1) and (a_tables[i] == 0 or b_tables[j] == 0)
        for habit in range(4):
            if not mixed:
                totals[habit + 1] -= cells[k, 4] / 16.0
                continue
            shift = grid_starts[4 + habit] - grid_starts[1]
            c = _cell(
                a_codes, a_starts, a_reading, a_rstarts, a_tables, i, iw,
                b_codes, b_starts, b_reading, b_rstarts, b_tables, j, jw,
                grid, grid_starts, kinds, child, chunk_of, rows, scratch, shift,
            )  # fmt: skip
            totals[habit + 1] -= (c + (16 if iw or jw else 0)) / 16.0
    top = totals.max()
    summed = 0.0
    for habit in range(5):
        summed += np.exp(totals[habit] - top)
    return float(top + np.log(summed / 5.0))


@compiled
def compare_names(
    a_codes: Bytes, a_starts: Ints, a_reading: Bytes, a_rstarts: Ints, a_tables: Ints, a_roles: Ints, a_bg: Floats,
    names: Ints, name_words: Ints, name_starts: Ints, code_raw: Bytes, code_starts: Ints, reading_raw: Bytes,
    reading_starts: Ints, word_table: Bytes, word_role: Bytes, word_background: Floats,
    grid: Bytes, grid_starts: Ints, kinds: Ints, child: Ints, chunk_of: Ints,
    habits: bool, features: npt.NDArray[np.float64],
) -> None:  # fmt: skip
    """One line of ``features`` for each of the segment's ``names`` compared with name a."""
    rows = np.zeros(WIDEST, dtype=np.int32)
    scratch = np.zeros((WIDEST, WIDEST), dtype=np.int32)
    cells = np.zeros((MOST_WORDS, CELL), dtype=np.int32)
    b_codes = np.zeros(MOST_WORDS * 33, dtype=np.uint8)
    b_reading = np.zeros(MOST_WORDS * 33, dtype=np.uint8)
    b_starts, b_rstarts = np.zeros(MOST_WORDS + 1, dtype=np.int32), np.zeros(MOST_WORDS + 1, dtype=np.int32)
    b_tables, b_roles = np.zeros(MOST_WORDS, dtype=np.int32), np.zeros(MOST_WORDS, dtype=np.int32)
    b_bg = np.zeros(MOST_WORDS, dtype=np.float32)
    for line in range(names.shape[0]):
        q = 0
        for at in range(name_starts[names[line]], name_starts[names[line] + 1]):
            word = name_words[at]
            first, last = code_starts[word], code_starts[word + 1]
            if last == first or q == MOST_WORDS:
                continue
            for k in range(last - first):
                b_codes[b_starts[q] + k] = code_raw[first + k]
            b_starts[q + 1] = b_starts[q] + last - first
            first, last = reading_starts[word], reading_starts[word + 1]
            for k in range(last - first):
                b_reading[b_rstarts[q] + k] = reading_raw[first + k]
            b_rstarts[q + 1] = b_rstarts[q] + last - first
            b_tables[q], b_roles[q], b_bg[q] = word_table[word], word_role[word], word_background[word]
            q += 1
        compare(
            a_codes, a_starts, a_reading, a_rstarts, a_tables, a_roles, a_bg,
            b_codes, b_starts[: q + 1], b_reading, b_rstarts[: q + 1], b_tables[:q], b_roles[:q], b_bg[:q],
            grid, grid_starts, kinds, child, chunk_of, rows, scratch, habits, features[line], cells,
        )  # fmt: skip
