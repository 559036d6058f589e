"""How far two values agree: a small whole number a field, compiled.

Level 0 says that a value is missing, 1 that the values differ; the highest is agreement. The levels of each kind stand
in ``LEVELS``; the model learns what each is worth.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tansiq.engine.matching.linkage.fields import Kind
from tansiq.engine.matching.linkage.store import Ints
from tansiq.engine.names.compiled import compiled

Table = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
LEVELS: dict[Kind, tuple[str, ...]] = {
    Kind.NAME: ("missing", "different", "exchanged", "alike", "near", "equal"),
    Kind.DATE: ("missing", "different", "same_year", "near", "one_slip", "equal"),
    Kind.TEXT: ("missing", "different", "alike", "near", "equal"),
    Kind.CODE: ("missing", "different", "two_signs", "one_sign", "equal"),
    Kind.CATEGORY: ("missing", "different", "equal"),
}
MOST_LEVELS = 6
NUMBERS = {kind: number for number, kind in enumerate(Kind)}


@compiled
def _bits(value: np.uint64) -> int:
    """How many bits are set."""
    value = value - ((value >> np.uint64(1)) & np.uint64(0x5555555555555555))
    value = (value & np.uint64(0x3333333333333333)) + ((value >> np.uint64(2)) & np.uint64(0x3333333333333333))
    value = (value + (value >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((value * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def may_be_like(a: np.uint64, n: int, b: np.uint64, m: int, least: float) -> bool:
    """Whether two texts of these letters and lengths can reach a likeness at all, with four letters in front alike."""
    common = min(n - _bits(a & ~b), m - _bits(b & ~a))
    if common <= 0:
        return False
    jaro = (common / n + common / m + 1.0) / 3.0
    return jaro + 0.4 * (1.0 - jaro) >= least


@compiled
def likeness(a: Bytes, a_from: int, n: int, b: Bytes, b_from: int, m: int) -> float:
    """Jaro-Winkler similarity of two byte strings of at most 64 letters."""
    if n == 0 or m == 0:
        return 0.0
    n, m = min(n, 64), min(m, 64)
    window = max(max(n, m) // 2 - 1, 0)
    used_a, used_b = np.uint64(0), np.uint64(0)
    one = np.uint64(1)
    common = 0
    for i in range(n):
        letter = a[a_from + i]
        for j in range(max(0, i - window), min(m, i + window + 1)):
            bit = one << np.uint64(j)
            if b[b_from + j] == letter and not used_b & bit:
                used_b |= bit
                used_a |= one << np.uint64(i)
                common += 1
                break
    if common == 0:
        return 0.0
    turned, j = 0, 0
    for i in range(n):
        if used_a & (one << np.uint64(i)):
            while not used_b & (one << np.uint64(j)):
                j += 1
            if a[a_from + i] != b[b_from + j]:
                turned += 1
            j += 1
    jaro = (common / n + common / m + (common - turned / 2) / common) / 3.0
    prefix = 0
    while prefix < min(4, n, m) and a[a_from + prefix] == b[b_from + prefix]:
        prefix += 1
    return jaro + prefix * 0.1 * (1.0 - jaro)


@compiled
def slips(a: Bytes, a_from: int, n: int, b: Bytes, b_from: int, m: int, most: int) -> int:
    """How many signs were inserted, left out, replaced or exchanged with their neighbour; above ``most``, some more."""
    if abs(n - m) > most:
        return most + 1
    rows = np.zeros((3, 66), dtype=np.int32)
    before, last, here = rows[0], rows[1], rows[2]
    for j in range(m + 1):
        last[j] = j
    for i in range(1, n + 1):
        here[0] = i
        least = i
        for j in range(1, m + 1):
            cost = 0 if a[a_from + i - 1] == b[b_from + j - 1] else 1
            value = min(last[j] + 1, here[j - 1] + 1, last[j - 1] + cost)
            exchanged = (
                i > 1 and j > 1 and a[a_from + i - 1] == b[b_from + j - 2] and a[a_from + i - 2] == b[b_from + j - 1]
            )
            if exchanged:
                value = min(value, before[j - 2] + 1)
            here[j] = value
            least = min(least, value)
        if least > most:
            return most + 1
        before, last, here = last, here, before
    return int(last[m])


@compiled
def _word_likeness(words: Table, raw: Bytes, x: int, y: int) -> float:
    if words[x, 2] == words[y, 2]:
        return 1.0
    n, m = words[x, 1], words[y, 1]
    if not may_be_like(np.uint64(words[x, 4]), n, np.uint64(words[y, 4]), m, 0.6):
        return 0.0
    near = likeness(raw, words[x, 0], n, raw, words[y, 0], m)
    if words[x, 3] != 0 and words[x, 3] == words[y, 3] and near >= 0.6:
        return max(near, 0.92)
    return near


@compiled
def name_level(  # noqa: C901 - one loop nest, kept whole for the compiler
    table: Table, words: Table, listed: Ints, raw: Bytes, left: int, right: int
) -> int:
    """Two names: every word of the shorter one is given its likest word of the other, whatever the order."""
    if table[left, 2] == table[right, 2]:
        return 5
    first, n = table[left, 6], table[left, 7]
    second, m = table[right, 6], table[right, 7]
    if n > m:
        first, n, second, m = second, m, first, n
    used = 0
    worst, total = 1.0, 0.0
    for i in range(n):
        best, place = -1.0, -1
        for j in range(m):
            if not used & (1 << j):
                near = _word_likeness(words, raw, listed[first + i], listed[second + j])
                if near > best:
                    best, place = near, j
        used |= 1 << place
        worst = min(worst, best)
        total += best
    if worst >= 0.9 and (n == m or (n > 1 and m == n + 1)):
        return 4
    if (n > 1 and worst >= 0.9) or (total >= 0.8 * n and worst >= 0.6 and n == m):
        return 3
    if n == 1 and m > 1 and worst >= 0.92:
        return 3
    if n > 1 and total >= 0.85 * n and worst >= 0.6:
        return 3
    if n == 1 and m == 1:
        x, y = listed[first], listed[second]
        if min(words[x, 1], words[y, 1]) == 1 and raw[words[x, 0]] == raw[words[y, 0]]:
            return 3
    return 1


@compiled
def _slips_of(table: Table, raw: Bytes, left: int, right: int, most: int) -> int:
    a, b = np.uint64(table[left, 4]), np.uint64(table[right, 4])
    if _bits(a & ~b) > most or _bits(b & ~a) > most:
        return most + 1
    return slips(raw, table[left, 0], table[left, 1], raw, table[right, 0], table[right, 1], most)


@compiled
def _date_level(table: Table, raw: Bytes, left: int, right: int) -> int:
    a, b = table[left, 5], table[right, 5]
    if a == b:
        return 5
    if a // 10000 == b // 10000:
        if a % 10000 == 0 or b % 10000 == 0:
            return 3
        if (a // 100) % 100 == b % 100 and (b // 100) % 100 == a % 100:
            return 4
        found = _slips_of(table, raw, left, right, 2)
        if found <= 1:
            return 4
        return 3 if found == 2 or (a // 100) % 100 == (b // 100) % 100 or a % 100 == b % 100 else 2
    found = _slips_of(table, raw, left, right, 2)
    if found <= 1:
        return 4
    return 3 if found == 2 else 1


@compiled
def _text_level(table: Table, raw: Bytes, left: int, right: int) -> int:
    if table[left, 2] == table[right, 2]:
        return 4
    if table[left, 3] == table[right, 3]:
        return 3
    n, m = table[left, 1], table[right, 1]
    if not may_be_like(np.uint64(table[left, 4]), n, np.uint64(table[right, 4]), m, 0.85):
        return 1
    near = likeness(raw, table[left, 0], n, raw, table[right, 0], m)
    return 3 if near >= 0.93 else (2 if near >= 0.85 else 1)


@compiled
def _code_level(table: Table, raw: Bytes, left: int, right: int) -> int:
    if table[left, 2] == table[right, 2]:
        return 4
    if table[left, 3] == table[right, 3]:
        return 3
    most = 2 if table[left, 1] > 4 else 1
    found = _slips_of(table, raw, left, right, most)
    return 3 if found == 1 else (2 if found == 2 and most == 2 else 1)


@compiled
def level(kind: int, table: Table, words: Table, listed: Ints, raw: Bytes, left: int, right: int) -> int:
    """The level of two values of one kind; both are there."""
    if kind == 0:
        return int(name_level(table, words, listed, raw, left, right))
    if kind == 1:
        return int(_date_level(table, raw, left, right))
    if kind == 2:
        return int(_text_level(table, raw, left, right))
    if kind == 3:
        return int(_code_level(table, raw, left, right))
    return 2 if table[left, 2] == table[right, 2] else 1


@compiled
def field_level(
    f: int, kinds: Ints, crosses: Ints, table: Table, words: Table, listed: Ints, raw: Bytes,
    left: Ints, i: int, right: Ints, j: int
) -> int:  # fmt: skip
    """The level of field ``f`` of two records, rows ``i`` and ``j`` of two tables of value numbers (field × row)."""
    a, b = left[f, i], right[f, j]
    if a < 0 or b < 0:
        return 0
    found = level(kinds[f], table, words, listed, raw, a, b)
    other = crosses[f]
    if found == 1 and other >= 0 and kinds[f] == 0:
        c, d = right[other, j], left[other, i]
        if c < 0 or d < 0 or name_level(table, words, listed, raw, a, c) < 4:
            return 1
        if name_level(table, words, listed, raw, d, b) >= 4:
            return 2 if f < other else 0  # said once, at the first of the two fields
    return found
