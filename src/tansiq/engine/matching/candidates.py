"""Which names of a segment are worth comparing: the names that hold what the asked words could be, best kept.

A *hit* is a word of the vocabulary that an asked word could be, with its worth. A name is worth the best hit of each
asked word, added up, less what its words without counterpart cost. Posting lists are only marked as bits, a bit a
name. Names that agree in two asked words or more – few – are then added up from their own words. Names that agree in
one alone are looked at dearest hit first, and only down to the last worth that still counts: when the best names agree
in two words, the long lists of common words bring in nothing and are never looked at again.

Only visible names are counted, and what a name is worth depends on the question and that name alone. So the candidates
are the same whatever hidden names stand beside them, and however the names are spread over segments.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tansiq.engine.matching.encoding import EncodedWord, grid_rows
from tansiq.engine.matching.segment import Segment
from tansiq.engine.names.compiled import compiled

Ints = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]
DERIVED = 96
"""What a join of asked words, or a part of one, is worth less than a whole word that agrees."""
SPARE = 32
"""What each word of a name (weak parts and titles aside) is worth less when nothing asked agrees with it."""
BINS = 4096
"""Worth is counted in sixteenths of a nat, up to this many."""
AGREEMENT = 192
"""What each agreeing word is worth before its cost is taken off: agreement in many words counts more than in one rare
word.
"""
MOST = 600
"""When more names than this are worth the same as the last that counts, they say too little and are left out."""
_ENOUGH = 50
"""But never so that fewer than this are left."""
WALKED = 30
"""Places of posting lists that are walked past in the time that one name takes to be looked up with its words."""
ONE_MORE = 1 << 16
"""Worths are summed below, the asked words that a name agrees with are counted above."""
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_PLACES = np.argsort([(0x03F79D71B4CB0A89 << place & 2**64 - 1) >> 58 for place in range(64)]).astype(np.uint8)


class Chain(NamedTuple):
    """From a word of the vocabulary to its hits: ``head`` is the first one's number plus one, ``after`` the next's."""

    head: Ints
    after: Ints
    slot_of: Ints
    worths: Ints
    slots: Ints


class Bound:
    """The best names counted so far, over several segments: how many stand at which worth, and the worth of the last
    that counts.
    """

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.histogram = np.zeros(BINS, dtype=np.int32)
        self.level = np.zeros(2, dtype=np.int64)
        """The bound; and how many names stand at or above it."""

    def least(self, *, every: bool) -> int:
        """At or above this stand at least ``wanted`` names, or all there are; a crowd of equals at the end is left out
        unless ``every``.
        """
        bound, above = int(self.level[0]), int(self.level[1])
        better = above - int(self.histogram[bound])
        return bound + 1 if not every and above > MOST and better >= _ENOUGH else bound


@compiled
def _worths(
    forms: Ints, values: Ints, form_starts: Ints, form_words: Ints, background: Floats, words: Ints, worths: Ints
) -> int:
    found = 0
    for k in range(forms.shape[0]):
        for at in range(form_starts[forms[k]], form_starts[forms[k] + 1]):
            word = form_words[at]
            worth = AGREEMENT - values[k] - int(8.0 * background[word])
            if worth > 0:
                words[found] = word
                worths[found] = worth
                found += 1
    return found


@compiled
def _total(
    name: int, name_starts: Ints, name_words: Ints, chain: Chain, best: Ints, stamp: Ints, mark: int, core: int
) -> int:  # fmt: skip
    """What a name is worth: the best hit of each asked word among its words, less what nothing agrees with."""
    total, agreed = 0, 0
    for at in range(name_starts[name], name_starts[name + 1]):
        hit = chain.head[name_words[at]]
        while hit > 0:
            slot, worth = chain.slot_of[hit - 1], chain.worths[hit - 1]
            if stamp[slot] != mark:
                stamp[slot], best[slot] = mark, worth
                total += worth
                agreed += 1
            elif worth > best[slot]:
                total += worth - best[slot]
                best[slot] = worth
            hit = chain.after[hit - 1]
    return max(total - SPARE * (core - agreed), 0) if core > agreed else total


@compiled
def _mark(
    words: Ints, slots: Ints, post_starts: Ints, post_names: Ints, open_names: Bits, once: Bits, twice: Bits, own: Bits
) -> tuple[int, int]:
    """Set a bit in ``once`` for each open name that agrees in one asked word alone, in ``twice`` where in several.

    Returns how long the posting lists were, and how many names stand in ``twice``.
    """
    once[:], twice[:] = 0, 0
    one, walked, several = np.uint64(1), 0, 0
    for slot in range(slots.shape[0] - 1):
        own[:] = 0
        for k in range(slots[slot], slots[slot + 1]):
            walked += post_starts[words[k] + 1] - post_starts[words[k]]
            for place in range(post_starts[words[k]], post_starts[words[k] + 1]):
                name = post_names[place]
                own[name >> 6] |= one << np.uint64(name & 63)
        for at in range(once.shape[0]):
            twice[at] |= once[at] & own[at]
            once[at] |= own[at]
    for at in range(once.shape[0]):
        twice[at] &= open_names[at]
        once[at] &= open_names[at] & ~twice[at]
        bits = twice[at]
        while bits:
            bits &= bits - one
            several += 1
    return walked, several


@compiled
def _lowest(bits: np.uint64) -> int:
    """The place of the lowest bit that is set: shifted by it, a de Bruijn sequence begins with six bits of its own."""
    return int(_PLACES[((bits & (~bits + np.uint64(1))) * _DE_BRUIJN) >> np.uint64(58)])


@compiled
def _raise(level: Longs, histogram: Ints, wanted: int) -> None:
    while level[1] - histogram[level[0]] >= wanted:
        level[1] -= histogram[level[0]]
        level[0] += 1


@compiled
def _sum_up(
    twice: Bits, words: Ints, slots: Ints, worths: Ints, post_starts: Ints, post_names: Ints, own: Bits, sums: Ints
) -> None:
    """Add to ``sums`` of each name of ``twice`` the best hit of each asked word, and ``ONE_MORE`` for each asked word."""
    one = np.uint64(1)
    for slot in range(slots.shape[0] - 1):
        own[:] = 0
        for k in range(slots[slot], slots[slot + 1]):
            for place in range(post_starts[words[k]], post_starts[words[k] + 1]):
                name = post_names[place]
                cell, bit = name >> 6, one << np.uint64(name & 63)
                # Hits come dearest first, so that the first of a name is its best.
                if twice[cell] & bit & ~own[cell]:
                    own[cell] |= bit
                    sums[name] += ONE_MORE + worths[k]


@compiled
def _collect_several(
    twice: Bits, chain: Chain, name_starts: Ints, name_words: Ints, name_core: Bytes, is_summed: bool, sums: Ints,
    wanted: int, histogram: Ints, level: Longs, names: Ints, totals: Ints,
) -> int:  # fmt: skip
    """Add up the names that agree in several asked words; returns how many may count. ``sums`` are zeros again at the end."""
    many, count, mark = chain.slots.shape[0], 0, 0
    best, stamp = np.zeros(many + 1, dtype=np.int32), np.full(many + 1, -1, dtype=np.int32)
    for at in range(twice.shape[0]):
        bits = twice[at]
        while bits:
            name = at * 64 + _lowest(bits)
            bits &= bits - np.uint64(1)
            core = int(name_core[name])
            if is_summed:
                agreed, total = sums[name] // ONE_MORE, sums[name] % ONE_MORE
                sums[name] = 0
                total = max(total - SPARE * (core - agreed), 0) if core > agreed else total
            else:
                mark += 1
                total = _total(name, name_starts, name_words, chain, best, stamp, mark, core)
            if total >= level[0]:
                names[count], totals[count] = name, total
                count += 1
                histogram[min(total, BINS - 1)] += 1
                level[1] += 1
                _raise(level, histogram, wanted)
    return count


@compiled
def _collect_single(
    once: Bits, words: Ints, worths: Ints, slots: Ints, post_starts: Ints, post_names: Ints, name_core: Bytes,
    wanted: int, histogram: Ints, level: Longs, names: Ints, totals: Ints, count: int,
) -> int:  # fmt: skip
    """Add the names that agree in one asked word alone, dearest hit first, while they can count."""
    at = slots[:-1].copy()
    one = np.uint64(1)
    while True:
        chosen = -1
        for slot in range(at.shape[0]):
            if at[slot] < slots[slot + 1] and (chosen < 0 or worths[at[slot]] > worths[at[chosen]]):
                chosen = slot
        if chosen < 0 or worths[at[chosen]] < level[0]:
            return count
        word, worth = words[at[chosen]], worths[at[chosen]]
        at[chosen] += 1
        for place in range(post_starts[word], post_starts[word + 1]):
            name = post_names[place]
            bit = one << np.uint64(name & 63)
            if not once[name >> 6] & bit:
                continue
            once[name >> 6] ^= bit
            spare = max(int(name_core[name]) - 1, 0)
            total = max(worth - SPARE * spare, 0)
            if total >= level[0]:
                names[count], totals[count] = name, total
                count += 1
                histogram[min(total, BINS - 1)] += 1
                level[1] += 1
                _raise(level, histogram, wanted)


@compiled
def _collect(
    words: Ints, worths: Ints, slots: Ints, post_starts: Ints, post_names: Ints, name_starts: Ints, name_words: Ints,
    name_core: Bytes, open_names: Bits, bits: Bits, head: Ints, wanted: int, histogram: Ints, level: Longs,
    names: Ints, totals: Ints, sums: Ints,
) -> int:  # fmt: skip
    """Fill ``names`` and ``totals`` with all open names that may be among the best; returns how many.

    ``bits`` is scratch of three bits a name, ``head`` of one zero a word, ``sums`` of one zero a name.
    """
    marked = _mark(words, slots, post_starts, post_names, open_names, bits[0], bits[1], bits[2])
    # A name that is looked up by itself costs as much as walking past some thirty of a posting list.
    is_summed = marked[1] * WALKED > marked[0]
    if is_summed:
        _sum_up(bits[1], words, slots, worths, post_starts, post_names, bits[2], sums)
    chain = Chain(head, np.zeros(len(words), np.int32), np.zeros(len(words), np.int32), worths, slots)
    for slot in range(slots.shape[0] - 1):
        for k in range(slots[slot], slots[slot + 1]):
            chain.after[k], head[words[k]], chain.slot_of[k] = head[words[k]], k + 1, slot
    count = _collect_several(
        bits[1], chain, name_starts, name_words, name_core, is_summed, sums, wanted, histogram, level, names, totals
    )  # fmt: skip
    for k in range(len(words)):
        head[words[k]] = 0
    return _collect_single(
        bits[0], words, worths, slots, post_starts, post_names, name_core, wanted, histogram, level, names, totals, count
    )  # fmt: skip


@compiled
def _pick(
    names: Ints, totals: Ints, count: int, least: int, name_starts: Ints, name_words: Ints,
    word_hash: npt.NDArray[np.int64], word_role: Bytes, keys: npt.NDArray[np.uint64],
) -> int:  # fmt: skip
    """Keep the names worth ``least`` and more, and give each a key that says which words it consists of."""
    found = 0
    for k in range(count):
        if min(totals[k], BINS - 1) < least:
            continue
        key = np.uint64(14695981039346656037)
        for at in range(name_starts[names[k]], name_starts[names[k] + 1]):
            word = name_words[at]
            key = (key ^ np.uint64(word_hash[word])) * np.uint64(1099511628211)
            key = (key ^ np.uint64(word_role[word])) * np.uint64(1099511628211)
        names[found], totals[found], keys[found] = names[k], totals[k], key
        found += 1
    return found


class Searcher:
    """Finds candidates in one segment; holds scratch, so each thread needs its own."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        arrays = segment.arrays
        self._names = np.empty(segment.names, dtype=np.int32)
        self._totals = np.empty(segment.names, dtype=np.int32)
        self._sums = np.zeros(segment.names, dtype=np.int32)
        self._background = np.asarray(arrays["word_background"], dtype=np.float32)
        self._head = np.zeros(len(self._background), dtype=np.int32)
        self._forms = segment.ints("form_starts"), segment.ints("form_words")
        self._postings = segment.ints("post_starts"), segment.ints("post_names")
        self._name_words = segment.ints("name_starts"), segment.ints("name_words")
        self._name_core = np.asarray(arrays["name_core"], dtype=np.uint8)
        self._hashes = np.asarray(arrays["word_hash"], dtype=np.int64)
        self._roles = np.asarray(arrays["word_role"], dtype=np.uint8)
        self._bits = np.zeros((3, segment.names // 64 + 1), dtype=np.uint64)
        self._count = 0
        self._hits = lru_cache(maxsize=20_000)(self._find)

    def _find(self, word: EncodedWord) -> tuple[Ints, Ints]:
        """The vocabulary words that ``word`` could be, dearest first, and what each is worth in sixteenths of a nat."""
        rows = grid_rows(word.codes, word.table)
        forms, values = self.segment.trie.read(rows, 16 * (5 + len(word.codes)))
        form_starts, form_words = self._forms
        most = int((form_starts[forms + 1] - form_starts[forms]).sum())
        words, worths = np.empty(most, dtype=np.int32), np.empty(most, dtype=np.int32)
        found = _worths(forms, values, form_starts, form_words, self._background, words, worths)
        order = np.argsort(-worths[:found], kind="stable")
        return words[order], worths[order]

    def collect(self, asked: Sequence[EncodedWord], own: int, open_names: Bits, bound: Bound) -> None:
        """Count the names whose bit stands in ``open_names`` for these asked words, of which the first ``own`` are
        whole words. Then call ``pick``, when ``bound`` has seen all segments.
        """
        words, worths = [], []
        for number, word in enumerate(asked):
            found, values = self._hits(word)
            if number >= own:
                values = values - DERIVED
                found, values = found[values > 0], values[values > 0]
            words.append(found)
            worths.append(values)
        slots = np.cumsum([0] + [len(found) for found in words]).astype(np.int32)
        self._count = _collect(
            np.concatenate(words), np.concatenate(worths), slots, *self._postings, *self._name_words, self._name_core,
            open_names, self._bits, self._head, bound.wanted, bound.histogram, bound.level, self._names, self._totals, self._sums,
        )  # fmt: skip

    def pick(self, least: int) -> tuple[Ints, Ints, npt.NDArray[np.uint64]]:
        """The collected names worth at least ``least`` sixteenths of a nat, their worths, and the keys of their words
        (equal keys, in any segment: the same words).
        """
        keys = np.empty(self._count, dtype=np.uint64)
        found = _pick(
            self._names, self._totals, self._count, least, *self._name_words, self._hashes, self._roles, keys
        )  # fmt: skip
        return self._names[:found].copy(), self._totals[:found].copy(), keys[:found]
