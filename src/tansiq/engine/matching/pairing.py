"""Two names compared word by word and letter by letter, compiled: which words belong together, and named features of
the whole.

Every pair of words has a worth in nats: how well the letters read as each other, minus how often that word is met by
chance. Words are joined to their best counterpart, dearest first; two neighbouring words may together equal one
(*Sharaf al-Din*, *Sharafeddine*; محمدعلي, *Mohammad Ali*). Everything is symmetric in its two names.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tansiq.engine.names import kernels
from tansiq.engine.names.compiled import borrowed, compiled, inlined
from tansiq.engine.names.kernels import NEVER, WIDEST, known_cost, reading_cost

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]
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
    "article_differs",
    "much_rarity",
    "share_replaced",
    "share_extra",
    "something_replaced",
    "rarity_despite_that",
)
MOST_WORDS = 16
LEAST_WORTH = -2.0
"""Two words are joined only when their worth in nats is more than this."""
INITIAL = 48
"""The cost of an initial standing for a whole word of the same script."""
JOIN_COST = 16
"""What it costs that two words on one side are one on the other."""
SETTLED = 0.95
"""Nats a letter: a word with a counterpart read at less needs no join."""
TAKEN = 0.6
"""Nats a letter: a word with so good a counterpart takes no part in a join."""
SLOTS = 4096
"""Words remembered while one name is compared with many: most candidates share theirs."""
MEMO = 6
"""What is remembered of two words: their cost by the pooled table, by each of four habits, and of the word of a joined
with its next one.
"""
JOINED = 5
CELL = 5
"""Columns of a joined cell: left word, left width, right word, right width, cost (sixteenths of a nat)."""


class Costs(NamedTuple):
    """The learned tables (``names.costs``) as the compiled code takes them."""

    grid: Bytes
    floors: Bytes
    starts: Ints
    kinds: Ints
    child: Ints
    chunk_of: Ints
    lexicon_words: Longs
    lexicon_starts: Ints
    lexicon_spellings: Longs
    lexicon_costs: Bytes
    lexicon_unseen: Bytes


class Flat(NamedTuple):
    """A name as flat arrays: letters of each word in its own script and in its Latin reading, table, role,
    log-frequency.
    """

    codes: Bytes
    starts: Ints
    reading: Bytes
    reading_starts: Ints
    tables: Ints
    roles: Ints
    chances: Floats
    hashes: Longs


class Words(NamedTuple):
    """A segment's names and vocabulary, from which the names to compare are put together."""

    name_words: Ints
    name_starts: Ints
    codes: Bytes
    starts: Ints
    reading: Bytes
    reading_starts: Ints
    tables: Bytes
    roles: Bytes
    chances: Floats
    hashes: Longs


class Scratch(NamedTuple):
    """Room to work in."""

    rows: Ints
    room: kernels.Room
    cost: Ints
    worth: Doubles
    used_a: Bytes
    used_b: Bytes
    best_a: Doubles
    best_b: Doubles
    totals: Doubles
    left: Doubles
    right: Doubles
    chosen: Ints
    slots: Ints


def make_scratch() -> Scratch:
    """Room for one thread."""
    return Scratch(
        np.zeros(WIDEST, dtype=np.int32),
        kernels.make_room(),
        np.zeros((MOST_WORDS, 2, MOST_WORDS, 2), dtype=np.int32),
        np.zeros((MOST_WORDS, 2, MOST_WORDS, 2), dtype=np.float64),
        np.zeros(MOST_WORDS, dtype=np.uint8),
        np.zeros(MOST_WORDS, dtype=np.uint8),
        np.zeros(MOST_WORDS),
        np.zeros(MOST_WORDS),
        np.zeros(5),
        np.zeros(3),
        np.zeros(3),
        np.zeros(MOST_WORDS, dtype=np.int32),
        np.zeros(MOST_WORDS, dtype=np.int32),
    )


@inlined
def _read(
    codes: Bytes, first: int, last: int, table: int, letters: Bytes, start: int, end: int,
    costs: Costs, scratch: Scratch, shift: int, limit: int,
) -> int:  # fmt: skip
    """The cost of letters of one table read as Latin letters, up to ``limit``."""
    n, m = last - first, end - start
    if n + 1 > WIDEST or m + 1 > WIDEST or m > 3 * n + 2 or n > 2 * m + 2:
        return NEVER
    base = costs.starts[table] + shift
    for k in range(n):
        before = costs.kinds[table, codes[first + k - 1]] if k > 0 else 0
        after = costs.kinds[table, codes[first + k + 1]] if k + 1 < n else 0
        scratch.rows[k] = base + (codes[first + k] * 8 + before) * 8 + after
    return int(
        reading_cost(
            scratch.rows,
            0,
            n,
            letters,
            start,
            m,
            costs.grid,
            costs.floors,
            costs.child,
            costs.chunk_of,
            scratch.room,
            limit,
        )
    )


@inlined
def _uniform(name: Flat, word: int, wide: int) -> bool:
    return wide == 0 or name.tables[word] == name.tables[word + 1]


@inlined
def _cell(
    a: Flat, i: int, iw: int, b: Flat, j: int, jw: int, costs: Costs, scratch: Scratch, shift: int, limit: int
) -> int:
    """Cost of words ``i .. i+iw`` of a and ``j .. j+jw`` of b being the same; ``NEVER`` beyond ``limit``."""
    if not _uniform(a, i, iw) or not _uniform(b, j, jw):
        return NEVER
    ta, tb = a.tables[i], b.tables[j]
    a0, a1, b0, b1 = a.starts[i], a.starts[i + iw + 1], b.starts[j], b.starts[j + jw + 1]
    if ta != 0 and tb == 0:
        return int(_read(a.codes, a0, a1, ta, b.codes, b0, b1, costs, scratch, shift, limit))
    if ta == 0 and tb != 0:
        return int(_read(b.codes, b0, b1, tb, a.codes, a0, a1, costs, scratch, shift, limit))
    if ta == tb and a1 - a0 == b1 - b0:
        same = True
        for k in range(a1 - a0):
            if a.codes[a0 + k] != b.codes[b0 + k]:
                same = False
                break
        if same:
            return int(2 * (a1 - a0))
    if iw == 0 and jw == 0 and (a1 - a0 == 1) != (b1 - b0 == 1):
        return INITIAL if a.reading[a.reading_starts[i]] == b.reading[b.reading_starts[j]] else NEVER
    a0, a1 = a.reading_starts[i], a.reading_starts[i + iw + 1]
    b0, b1 = b.reading_starts[j], b.reading_starts[j + jw + 1]
    forth = _read(a.reading, a0, a1, 0, b.reading, b0, b1, costs, scratch, 0, 2 * limit)
    if forth >= NEVER:
        return NEVER
    back = _read(b.reading, b0, b1, 0, a.reading, a0, a1, costs, scratch, 0, 2 * limit - forth)
    if back >= NEVER:
        return NEVER
    return int((forth + back) // 2 + (16 if ta != 0 else 0))


@inlined
def _known(a: Flat, i: int, b: Flat, j: int, costs: Costs) -> int:
    """What the lexicon says of two words (see ``kernels.known_cost``)."""
    if a.tables[i] == 1 and b.tables[j] == 0:
        word, latin = a.hashes[i], b.hashes[j]
    elif a.tables[i] == 0 and b.tables[j] == 1:
        word, latin = b.hashes[j], a.hashes[i]
    else:
        return NEVER
    return int(
        known_cost(
            word, latin, costs.lexicon_words, costs.lexicon_starts, costs.lexicon_spellings, costs.lexicon_costs,
            costs.lexicon_unseen,
        )
    )  # fmt: skip


@inlined
def _single(a: Flat, i: int, b: Flat, j: int, costs: Costs, scratch: Scratch, shift: int, limit: int) -> int:
    """Cost of one word and one: as the lexicon knows it, else by letters, more where other spellings are well known."""
    known = _known(a, i, b, j, costs)
    if 0 <= known < NEVER:
        return known
    more = -1 - known if known < 0 else 0
    c = _cell(a, i, 0, b, j, 0, costs, scratch, shift, limit - more)
    return c + more if c < NEVER else NEVER


@inlined
def _chance(a: Flat, i: int, iw: int, b: Flat, j: int, jw: int) -> float:
    """Log-probability that the words agree by chance: the Latin side's, or the mean where neither or both are Latin."""
    left, right = 0.0, 0.0
    for k in range(iw + 1):
        left += a.chances[i + k]
    for k in range(jw + 1):
        right += b.chances[j + k]
    if a.tables[i] != 0 and b.tables[j] == 0:
        return right
    if a.tables[i] == 0 and b.tables[j] != 0:
        return left
    return (left + right) / 2.0


@inlined
def _worths(  # noqa: C901 - one loop nest, kept whole for the compiler
    a: Flat,
    b: Flat,
    p: int,
    q: int,
    costs: Costs,
    scratch: Scratch,
    memo: Ints,
    slots: Ints,
    cost: Ints,
    worth: Doubles,
) -> None:
    """Fill cost and worth of every pair of words, and of joins where single words leave something open."""
    best_a, best_b = scratch.best_a, scratch.best_b
    for i in range(p):
        best_a[i] = 99.0
    for j in range(q):
        best_b[j] = 99.0
    for i in range(p):
        for j in range(q):
            chance = _chance(a, i, 0, b, j, 0)
            c = memo[slots[j], i, 0]
            if c < 0:
                c = _single(a, i, b, j, costs, scratch, 0, int(16.0 * (-LEAST_WORTH - chance)))
                memo[slots[j], i, 0] = c
            if c < NEVER:
                cost[i, 0, j, 0], worth[i, 0, j, 0] = c, -c / 16.0 - chance
                each = c / (8.0 * (a.starts[i + 1] - a.starts[i] + b.starts[j + 1] - b.starts[j] + 2))
                best_a[i], best_b[j] = min(best_a[i], each), min(best_b[j], each)
    for i in range(p):
        for j in range(q):
            for wide in range(2):
                iw, jw = 1 - wide, wide
                if i + iw >= p or j + jw >= q:
                    continue
                left = a.starts[i + iw + 1] - a.starts[i]
                right = b.starts[j + jw + 1] - b.starts[j]
                if 2 * max(left, right) > 5 * min(left, right):
                    continue
                one, next_one = (best_a[i], best_a[i + 1]) if iw else (best_b[j], best_b[j + 1])
                whole = best_b[j] if iw else best_a[i]
                if max(one, next_one) < SETTLED or min(one, next_one, whole) < TAKEN:
                    continue
                chance = _chance(a, i, iw, b, j, jw)
                c = memo[slots[j], i, JOINED] if iw else -1
                if c < 0:
                    c = _cell(a, i, iw, b, j, jw, costs, scratch, 0, int(16.0 * (-LEAST_WORTH - chance)) - JOIN_COST)
                    if iw:
                        memo[slots[j], i, JOINED] = c
                if c < NEVER:
                    cost[i, iw, j, jw] = c + JOIN_COST
                    worth[i, iw, j, jw] = -(c + JOIN_COST) / 16.0 - chance


@inlined
def _join(p: int, q: int, cost: Ints, worth: Doubles, used_a: Bytes, used_b: Bytes, cells: Ints) -> int:
    """Join words dearest first, each used once; among equals the pair nearest in place, so that order is kept."""
    found = 0
    while True:
        top, ti, tiw, tj, tjw = LEAST_WORTH, -1, 0, 0, 0
        for i in range(p):
            for iw in range(2):
                if i + iw >= p or used_a[i] or used_a[i + iw]:
                    continue
                for j in range(q):
                    for jw in range(2 - iw):
                        if j + jw >= q or used_b[j] or used_b[j + jw]:
                            continue
                        w = worth[i, iw, j, jw] - 0.001 * abs(i - j)
                        if w > top:
                            top, ti, tiw, tj, tjw = w, i, iw, j, jw
        if ti < 0:
            return found
        for k in range(tiw + 1):
            used_a[ti + k] = 1
        for k in range(tjw + 1):
            used_b[tj + k] = 1
        cells[found, 0], cells[found, 1], cells[found, 2], cells[found, 3] = ti, tiw, tj, tjw
        cells[found, 4] = cost[ti, tiw, tj, tjw]
        found += 1


@inlined
def _fit(
    a: Flat, b: Flat, costs: Costs, scratch: Scratch, memo: Ints, slots: Ints, habits: bool, cells: Ints, found: int
) -> float:
    """Log-probability of all joined words: under one romanisation habit for the whole name, the mean over all habits;
    without ``habits`` by the pooled table alone.
    """
    totals = scratch.totals
    for habit in range(5):
        totals[habit] = 0.0
    some = False
    for k in range(found):
        totals[0] -= cells[k, 4] / 16.0
        some = some or a.tables[cells[k, 0]] == 1 or b.tables[cells[k, 2]] == 1
    if not some or not habits:
        return float(totals[0])
    for k in range(found):
        i, iw, j, jw = cells[k, 0], cells[k, 1], cells[k, 2], cells[k, 3]
        ta, tb = a.tables[i], b.tables[j]
        for habit in range(4):
            c = cells[k, 4]
            if (ta == 1 and tb == 0) or (ta == 0 and tb == 1):
                shift = costs.starts[4 + habit] - costs.starts[1]
                if iw or jw:
                    c = _cell(a, i, iw, b, j, jw, costs, scratch, shift, NEVER - 1) + JOIN_COST
                else:
                    c = memo[slots[j], i, 1 + habit]
                    if c < 0:
                        c = _single(a, i, b, j, costs, scratch, shift, NEVER - 1)
                        memo[slots[j], i, 1 + habit] = c
            totals[habit + 1] -= c / 16.0
    top, summed = totals[0], 0.0
    for habit in range(1, 5):
        top = max(top, totals[habit])
    for habit in range(5):
        summed += np.exp(totals[habit] - top)
    return float(top + np.log(summed / 5.0))


@inlined
def _left_over(name: Flat, words: int, used: Bytes, out: Doubles) -> None:
    """Words without counterpart: ``out`` = names, their rarity (at most 14 nats each), weak parts."""
    for i in range(words):
        if not used[i]:
            if name.roles[i] % 4 == 0:
                out[0] += 1.0
                out[1] += min(-name.chances[i], 14.0)
            elif name.roles[i] % 4 == 1:
                out[2] += 1.0


@inlined
def _describe(a: Flat, b: Flat, p: int, q: int, scratch: Scratch, cells: Ints, found: int, features: Doubles) -> None:
    """All features but the fit."""
    least, agreed = 12.0, 0
    for k in range(found):
        i, iw, j, jw = cells[k, 0], cells[k, 1], cells[k, 2], cells[k, 3]
        size = 0.5 * (a.starts[i + iw + 1] - a.starts[i] + b.starts[j + jw + 1] - b.starts[j])
        chance = _chance(a, i, iw, b, j, jw)
        features[1] -= chance
        features[2] += size
        features[8] += 1.0 if iw or jw else 0.0
        features[10] = max(features[10], cells[k, 4] / 16.0 / (size + 1.0))
        least = min(least, -cells[k, 4] / 16.0 - chance)
        if a.roles[i] % 4 == 0 or b.roles[j] % 4 == 0:
            agreed += 1
        if iw == 0 and jw == 0 and a.roles[i] // 4 != b.roles[j] // 4:
            features[16] += 1.0
        if i == 0 and j == 0:
            features[13] = 1.0
        if i + iw == p - 1 and j + jw == q - 1:
            features[14] = 1.0
        for m in range(k):
            if (i < cells[m, 0]) != (j < cells[m, 2]):
                features[7] += 1.0
    left, right = scratch.left, scratch.right
    for k in range(3):
        left[k], right[k] = 0.0, 0.0
    _left_over(a, p, scratch.used_a, left)
    _left_over(b, q, scratch.used_b, right)
    replaced = min(left[0], right[0])
    features[3] = replaced
    features[4] = abs(left[0] - right[0])
    features[5] = 1.0 if agreed <= 1 else 0.0
    features[6] = max(agreed - 2, 0)
    features[9] = left[2] + right[2]
    if replaced > 0:
        features[11] = min(left[1] / left[0], right[1] / right[0]) * replaced
    features[12] = 1.0 if min(p, q) <= 1 else 0.0
    features[15] = least if found else 0.0
    features[17] = max(features[1] - 24.0, 0.0)
    features[18] = replaced / (agreed + replaced) if replaced > 0 else 0.0
    if replaced > 0:
        features[20], features[21] = 1.0, features[1]
    features[19] = features[4] / (agreed + features[4]) if features[4] > 0 else 0.0


@compiled
def compare(
    a: Flat,
    b: Flat,
    costs: Costs,
    scratch: Scratch,
    memo: Ints,
    slots: Ints,
    habits: bool,
    features: Doubles,
    cells: Ints,
) -> int:
    """Fill ``features`` (see ``FEATURES``) and ``cells`` for two encoded names; returns how many cells were joined.

    ``memo[slots[j], i]`` remembers what is known of word ``i`` of a and ``j`` of b (see ``MEMO``); -1 where unknown.
    """
    p, q = min(a.tables.shape[0], MOST_WORDS), min(b.tables.shape[0], MOST_WORDS)
    for f in range(features.shape[0]):
        features[f] = 0.0
    cost, worth = scratch.cost, scratch.worth
    used_a, used_b = scratch.used_a, scratch.used_b
    for i in range(p):
        used_a[i] = 0
        for j in range(q):
            for wide in range(4):
                cost[i, wide >> 1, j, wide & 1] = NEVER
                worth[i, wide >> 1, j, wide & 1] = -1.0e9
    for j in range(q):
        used_b[j] = 0
    _worths(a, b, p, q, costs, scratch, memo, slots, cost, worth)
    found = _join(p, q, cost, worth, used_a, used_b, cells)
    features[0] = _fit(a, b, costs, scratch, memo, slots, habits, cells, found)
    _describe(a, b, p, q, scratch, cells, found, features)
    return int(found)


@inlined
def main_table(tables: Ints) -> int:
    """The table most words belong to, the lowest on a tie."""
    best, most = 0, 0
    for table in range(4):
        count = 0
        for other in tables:
            count += other == table
        if count > most:
            best, most = table, count
    return best


@inlined
def relation_of(a: Flat, b: Flat) -> int:
    """Which weights apply: 0 names in two scripts, 1 in one script, 2 one word in each of two scripts."""
    if main_table(a.tables) == main_table(b.tables):
        return 1
    return 2 if a.tables.shape[0] == 1 and b.tables.shape[0] == 1 else 0


class Room(NamedTuple):
    """The name that is just being compared, put together from a segment's words."""

    codes: Bytes
    starts: Ints
    reading: Bytes
    reading_starts: Ints
    tables: Ints
    roles: Ints
    chances: Floats
    hashes: Longs


def make_room() -> Room:
    """Room for one name."""
    return Room(
        np.zeros(MOST_WORDS * 33, dtype=np.uint8),
        np.zeros(MOST_WORDS + 1, dtype=np.int32),
        np.zeros(MOST_WORDS * 33, dtype=np.uint8),
        np.zeros(MOST_WORDS + 1, dtype=np.int32),
        np.zeros(MOST_WORDS, dtype=np.int32),
        np.zeros(MOST_WORDS, dtype=np.int32),
        np.zeros(MOST_WORDS, dtype=np.float32),
        np.zeros(MOST_WORDS, dtype=np.int64),
    )


@inlined
def _put_together(words: Words, name: int, room: Room, chosen: Ints) -> int:
    """Fill ``room`` with a segment's name, ``chosen`` with its word numbers; returns how many words."""
    q = 0
    for at in range(words.name_starts[name], words.name_starts[name + 1]):
        word = words.name_words[at]
        first, last = words.starts[word], words.starts[word + 1]
        if last == first or q == MOST_WORDS:
            continue
        for k in range(last - first):
            room.codes[room.starts[q] + k] = words.codes[first + k]
        room.starts[q + 1] = room.starts[q] + last - first
        first, last = words.reading_starts[word], words.reading_starts[word + 1]
        for k in range(last - first):
            room.reading[room.reading_starts[q] + k] = words.reading[first + k]
        room.reading_starts[q + 1] = room.reading_starts[q] + last - first
        room.tables[q], room.roles[q], room.chances[q] = words.tables[word], words.roles[word], words.chances[word]
        room.hashes[q] = words.hashes[word]
        chosen[q] = word
        q += 1
    return q


@compiled
def compare_names(  # noqa: C901 - one loop nest, kept whole for the compiler
    a: Flat, names: Ints, words: Words, costs: Costs, scratch: Scratch, room: Room, memo: Ints, keys: Ints,
    weights: Doubles, biases: Doubles, most: int, features: Doubles, relations: Bytes, cells: Ints, found: Ints,
    rough: Doubles, odds: Doubles,
) -> None:  # fmt: skip
    """Compare name a with each of a segment's ``names``: features, relation, joined cells, log-odds.

    All are compared by the pooled letter costs; then those not worse than the ``most``-th under all habits. ``odds``
    of the others stay below any that matters (-1e9).
    """
    a, words, costs, scratch, room, memo, keys = (
        borrowed(a), borrowed(words), borrowed(costs), borrowed(scratch), borrowed(room), borrowed(memo), borrowed(keys)
    )  # fmt: skip
    features, cells = borrowed(features), borrowed(cells)
    chosen, slots = scratch.chosen, scratch.slots
    lines = names.shape[0]
    odds, rough = odds[:lines], rough[:lines]
    bound = -1.0e18
    for turn in range(2):
        known = 0
        if turn == 0:
            keys[:] = -1
        for line in range(lines):
            if turn == 1 and odds[line] < bound:
                odds[line] = -1.0e9
                continue
            if turn == 0 and known > SLOTS // 2:
                keys[:] = -1
                known = 0
            q = _put_together(words, names[line], room, chosen)
            for j in range(q):
                slot = (np.int64(chosen[j]) * 40503) % SLOTS
                while keys[slot] != chosen[j] and keys[slot] != -1:
                    slot = (slot + 1) % SLOTS
                if keys[slot] == -1:
                    keys[slot] = chosen[j]
                    for i in range(MOST_WORDS):
                        for kind in range(MEMO):
                            memo[slot, i, kind] = -1
                    known += 1
                slots[j] = slot
            b = Flat(
                room.codes, room.starts[: q + 1], room.reading, room.reading_starts[: q + 1], room.tables[:q],
                room.roles[:q], room.chances[:q], room.hashes[:q],
            )  # fmt: skip
            if turn == 0:
                relations[line] = relation_of(a, b)
                found[line] = compare(a, b, costs, scratch, memo, slots, False, features[line], cells[line])
            else:  # the same words stay joined: what changes is how well they fit
                features[line, 0] = _fit(a, b, costs, scratch, memo, slots, True, cells[line], found[line])
            total = biases[relations[line]]
            for f in range(features.shape[1]):
                total += features[line, f] * weights[relations[line], f]
            odds[line] = total
            if turn == 0:
                rough[line] = total
        if turn == 0 and lines > most:
            bound = np.sort(odds)[lines - most]
