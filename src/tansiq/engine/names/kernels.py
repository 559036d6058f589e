"""The inner loops over letters, compiled: the best reading of one word as another, and all words of a trie that read
well.

A *chunk* is 0–4 Latin letters; one source letter emits one chunk. ``grid[row, chunk]`` is its cost: the negative
natural logarithm of its probability times 16, as one byte, so that all arithmetic is exact and equal on every machine.
Chunks are found by walking a small trie over their letters, forwards (``child``) or backwards (``rear``);
``chunk_of[state]`` is the chunk that ends there, 0 meaning none (chunk 0 is the empty chunk, at which no walk ends).

Compiled on first use and cached beside the module (or in the user's cache folder where that is not writable).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tansiq.engine.names.compiled import compiled

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int32]

NEVER = 1 << 20
"""The cost of what cannot be."""
WIDEST = 68
"""Longer than any word or join of two words that is compared."""


class Room(NamedTuple):
    """Room for one reading: least cost of every pair of prefixes, chunks by target letter, least cost of the rest."""

    table: Ints
    chunks: Ints
    rest: Ints


def make_room() -> Room:
    """Room for one thread."""
    return Room(
        np.zeros((WIDEST, WIDEST), dtype=np.int32),
        np.zeros((4, WIDEST), dtype=np.int32),
        np.zeros(WIDEST, dtype=np.int32),
    )


@compiled
def reading_cost(
    rows: Ints,
    row_from: int,
    n: int,
    letters: Bytes,
    letter_from: int,
    m: int,
    grid: Bytes,
    floors: Bytes,
    child: Ints,
    chunk_of: Ints,
    room: Room,
    limit: int,
) -> int:
    """The least cost at which ``n`` source rows emit ``m`` letters; ``NEVER`` if they cannot, or only above ``limit``.

    ``floors`` is the least of each row of ``grid``. ``room.table`` afterwards holds the least cost of every pair of
    prefixes (of those that can lie on a whole reading within the limit).
    """
    table, chunks, rest = room.table, room.chunks, room.rest
    rest[n] = 0
    for i in range(n - 1, -1, -1):
        rest[i] = rest[i + 1] + floors[rows[row_from + i]]
    if rest[0] > limit:
        return NEVER
    for j in range(m):
        state = 0
        for d in range(4):
            state = child[state, letters[letter_from + j + d]] if j + d < m and (d == 0 or state > 0) else 0
            chunks[d, j] = chunk_of[state]
    for j in range(m + 1):
        table[0, j] = NEVER
    table[0, 0] = 0
    for i in range(n):  # no branch within a row: that a chunk is none costs less than asking
        row, least = rows[row_from + i], NEVER
        empty = np.int32(grid[row, 0])
        for j in range(m + 1):
            least = min(least, table[i, j])
            table[i + 1, j] = np.int32(table[i, j] + empty)
        if least > limit - rest[i]:
            return NEVER
        for d in range(min(4, m)):
            for j in range(m - d):
                chunk = chunks[d, j]
                value = np.int32(table[i, j] + grid[row, chunk]) if chunk > 0 else np.int32(NEVER)
                table[i + 1, j + d + 1] = min(table[i + 1, j + d + 1], value)
    return int(table[n, m]) if table[n, m] <= limit else NEVER


@compiled
def trace_reading(
    rows: Ints, letters: Bytes, grid: Bytes, floors: Bytes, child: Ints, chunk_of: Ints, room: Room, ends: Ints
) -> int:
    """Like ``reading_cost`` over all ``letters``; ``ends[i]`` becomes the end of what source letter ``i`` emitted."""
    n, m = rows.shape[0], letters.shape[0]
    total = reading_cost(rows, 0, n, letters, 0, m, grid, floors, child, chunk_of, room, NEVER - 1)
    if total >= NEVER:
        return int(total)
    table, j = room.table, m
    for i in range(n, 0, -1):
        ends[i - 1] = j
        row = rows[i - 1]
        found, least = j, table[i - 1, j] + grid[row, 0]
        for d in range(1, 5):
            if j - d < 0 or room.chunks[d - 1, j - d] == 0:
                continue
            value = table[i - 1, j - d] + grid[row, room.chunks[d - 1, j - d]]
            if value < least:
                least, found = value, j - d
        j = found
    return int(total)


class Families(NamedTuple):
    """A trie whose siblings lie side by side: a letter that leads nowhere is left without a look at anything else.

    ``letter[k]`` carries ``LAST`` at the last of its siblings; ``down[k]`` is the first child (0: none; the root's
    children begin at 0), ``form[k]`` the form that ends there or -1. Families stand in the order of their parents.
    """

    letter: Bytes
    down: Ints
    form: Ints


LAST = 128


@compiled
def read_trie(  # noqa: C901 - one loop nest, kept whole for the compiler
    rows: Ints,
    grid: Bytes,
    floors: Bytes,
    slack: int,
    letters: Bytes,
    down: Ints,
    form_at: Ints,
    child: Ints,
    chunk_of: Ints,
    parent: Ints,
    forms: Ints,
    values: Ints,
) -> int:
    """The forms of a trie (see ``Families``) that the source can emit at no more than ``slack`` above its single cheapest
    emission.

    A subtree is left as soon as no completion can stay within the slack, chunks that are only begun included. What is
    found depends on source and form alone, never on what else the trie holds. Writes ``forms`` in their order and their
    costs ``values``, which must hold as many as there are forms; returns how many.
    """
    n, states = rows.shape[0], parent.shape[0]
    if letters.shape[0] == 0:
        return 0
    rest = np.zeros(n + 1, dtype=np.int32)
    for i in range(n - 1, -1, -1):
        rest[i] = rest[i + 1] + floors[rows[i]]
    limit = rest[0] + slack
    wide = (n + 7) // 8 * 8
    own = np.full((states, wide), NEVER, dtype=np.int32)
    longer = np.full((states, wide), NEVER, dtype=np.int32)
    for state in range(states - 1, 0, -1):
        chunk, above = chunk_of[state], parent[state]
        for i in range(n if chunk > 0 else 0):
            own[state, i] = grid[rows[i], chunk]
            longer[state, i] = min(longer[state, i], own[state, i])
        if above > 0:
            for i in range(wide):
                longer[above, i] = min(longer[above, i], longer[state, i])
    stack = np.full((WIDEST, wide + 1), NEVER, dtype=np.int32)
    promised = np.full((WIDEST, wide), NEVER, dtype=np.int32)
    stack[0, 0] = 0
    for i in range(n):
        stack[0, i + 1] = stack[0, i] + grid[rows[i], 0]
        promised[0, i] = stack[0, i] + rest[i + 1]
    begun = np.zeros((WIDEST, 5), dtype=np.int32)
    best, at = np.empty(wide, dtype=np.int32), np.zeros(WIDEST, dtype=np.int32)
    found, depth = 0, 1
    while depth > 0:
        node = at[depth]
        letter = letters[node] & (LAST - 1)
        best[:] = NEVER
        deepest = min(depth, 4)
        for d in range(1, deepest + 1):
            before = begun[depth - 1, d - 1]
            state = child[before, letter] if d == 1 or before > 0 else 0
            begun[depth, d] = state
            if state == 0:
                continue
            for i in range(wide):
                best[i] = min(best[i], np.int32(promised[depth - d, i] + longer[state, i]))
        promise = best[0]
        for i in range(1, wide):
            promise = min(promise, best[i])
        if promise <= limit:
            best[:] = NEVER
            for d in range(1, deepest + 1):
                state = begun[depth, d]
                if chunk_of[state] == 0:
                    continue
                for i in range(wide):
                    best[i] = min(best[i], np.int32(stack[depth - d, i] + own[state, i]))
            stack[depth, 0] = NEVER
            for i in range(n):
                stack[depth, i + 1] = min(best[i], stack[depth, i] + grid[rows[i], 0])
                promised[depth, i] = stack[depth, i] + rest[i + 1]
            if form_at[node] >= 0 and stack[depth, n] <= limit:
                forms[found], values[found] = form_at[node], stack[depth, n]
                found += 1
            if down[node] > 0:
                depth += 1
                at[depth] = down[node]
                continue
        while depth > 0 and letters[at[depth]] >= LAST:
            depth -= 1
        at[depth] += 1
    return found


@compiled
def lay_families(
    node_letter: Bytes, node_depth: Bytes, node_skip: Ints, node_form: Ints, letter: Bytes, down: Ints, form: Ints
) -> None:
    """Lay a trie in depth-first order (``grow_trie``) out in families; all arrays hold as many nodes."""
    nodes = node_letter.shape[0]
    place, free = np.zeros(nodes, dtype=np.int32), 0
    for node in range(-1, nodes):
        first, end, depth = node + 1, nodes, 0
        if node >= 0:
            end, depth = int(node_skip[node]), int(node_depth[node])
            down[place[node]] = free if first < end else 0
        while first < end and node_depth[first] == depth + 1:
            place[first], letter[free], form[free] = free, node_letter[first], node_form[first]
            first = node_skip[first]
            if first >= end:
                letter[free] |= LAST
            free += 1


@compiled
def grow_trie(
    letters: Bytes, starts: Ints, node_letter: Bytes, node_depth: Bytes, node_skip: Ints, node_form: Ints
) -> int:
    """Lay out the trie of sorted, distinct, non-empty forms in depth-first order; returns the number of nodes.

    Form ``f`` is ``letters[starts[f]:starts[f + 1]]``. The node arrays must hold as many nodes as there are letters.
    """
    open_nodes = np.zeros(WIDEST, dtype=np.int32)
    depth_open, nodes = 0, 0
    for form in range(starts.shape[0] - 1):
        first, last = starts[form], starts[form + 1]
        shared = 0
        if form > 0:
            before = starts[form - 1]
            while (
                shared < last - first
                and shared < first - before
                and letters[before + shared] == letters[first + shared]
            ):
                shared += 1
        while depth_open > shared:
            node_skip[open_nodes[depth_open]] = nodes
            depth_open -= 1
        for depth in range(shared + 1, last - first + 1):
            node_letter[nodes] = letters[first + depth - 1]
            node_depth[nodes] = depth
            node_form[nodes] = -1
            open_nodes[depth] = nodes
            nodes += 1
        depth_open = last - first
        node_form[open_nodes[depth_open]] = form
    while depth_open > 0:
        node_skip[open_nodes[depth_open]] = nodes
        depth_open -= 1
    return nodes


@compiled
def hash_texts(raw: Bytes, starts: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint64]:
    """A 64-bit FNV-1a hash of each text ``raw[starts[i]:starts[i + 1]]``."""
    hashes = np.empty(starts.shape[0] - 1, dtype=np.uint64)
    for i in range(starts.shape[0] - 1):
        value = np.uint64(14695981039346656037)
        for at in range(starts[i], starts[i + 1]):
            value = (value ^ np.uint64(raw[at])) * np.uint64(1099511628211)
        hashes[i] = value
    return hashes


@compiled
def spelled_logs(
    raw: Bytes, starts: npt.NDArray[np.int64], trigrams: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """The log-probability of each Latin word ``raw[starts[i]:starts[i + 1]]`` (ASCII) by its letter trigrams; place 0
    is the boundary, 1–26 are the letters, 27 is anything else.
    """
    logs = np.zeros(starts.shape[0] - 1)
    for i in range(starts.shape[0] - 1):
        a, b = 0, 0
        for at in range(starts[i], starts[i + 1]):
            c = raw[at] - 96 if 97 <= raw[at] <= 122 else 27
            logs[i] += trigrams[a, b, c]
            a, b = b, c
        logs[i] += trigrams[a, b, 0]
    return logs


@compiled
def known_cost(
    word: int,
    latin: int,
    words: npt.NDArray[np.int64],
    starts: Ints,
    spellings: npt.NDArray[np.int64],
    costs: Bytes,
    unseen: Bytes,
) -> int:
    """What a lexicon knows of an Arabic word and a Latin one, by their hashes.

    The cost of a listed spelling; for a word whose spellings are known but do not list this one, minus one minus what
    is to be added to the cost of its letters; ``NEVER`` where nothing is known. Hashes are sorted, spellings within
    each word.
    """
    low, high = 0, words.shape[0]
    while low < high:
        middle = (low + high) // 2
        if words[middle] < word:
            low = middle + 1
        else:
            high = middle
    if low == words.shape[0] or words[low] != word:
        return NEVER
    first, last = starts[low], starts[low + 1]
    while first < last:
        middle = (first + last) // 2
        if spellings[middle] < latin:
            first = middle + 1
        else:
            last = middle
    if first < starts[low + 1] and spellings[first] == latin:
        return int(costs[first])
    return -1 - int(unseen[low])
