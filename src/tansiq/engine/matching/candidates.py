"""Which names of a segment are worth comparing: posting lists of all words each asked word could be, added up, best
kept.

Only visible names are counted, and what a name is worth depends on the question and that name alone. So the candidates
are the same whatever hidden names stand beside them, and however the names are spread over segments.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tansiq.engine.matching.encoding import EncodedWord, grid_rows
from tansiq.engine.matching.segment import Segment
from tansiq.engine.names.compiled import compiled

Ints = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
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
def _collect(
    words: Ints, worths: Ints, slots: Ints, own: int, post_starts: Ints, post_names: Ints,
    open_name: npt.NDArray[np.bool_], state: npt.NDArray[np.int16], name_core: Bytes, touched: Ints, totals: Ints,
    histogram: Ints,
) -> int:  # fmt: skip
    """Add up, per open name, the best worth of each asked word; fill ``touched``, ``totals`` and their histogram.

    A name's state – total, last slot plus one, its worth there, words that agreed – lies in eight bytes side by side,
    so that a posting costs one look into memory; it is cleared again.
    """
    count = 0
    for slot in range(slots.shape[0] - 1):
        mark = np.int16(slot + 1)
        for k in range(slots[slot], slots[slot + 1]):
            worth = np.int16(worths[k] if slot < own else worths[k] - DERIVED)
            if worth <= 0:
                continue
            for at in range(post_starts[words[k]], post_starts[words[k] + 1]):
                name = post_names[at]
                if not open_name[name]:
                    continue
                seen = state[name, 1]
                if seen != mark:
                    if seen == 0:
                        touched[count] = name
                        count += 1
                    state[name, 0] += worth
                    state[name, 1] = mark
                    state[name, 2] = worth
                    state[name, 3] += 1
                elif worth > state[name, 2]:
                    state[name, 0] += worth - state[name, 2]
                    state[name, 2] = worth
    for k in range(count):
        name = touched[k]
        spare = int(name_core[name]) - int(state[name, 3])
        total = int(state[name, 0])
        if spare > 0:
            total = max(total - SPARE * spare, 0)
        totals[k] = total
        histogram[min(total, BINS - 1)] += 1
        state[name, :] = 0
    return count


@compiled
def _pick(touched: Ints, count: int, totals: Ints, least: int, names: Ints, worths: Ints) -> int:
    """The touched names of at least ``least`` sixteenths."""
    found = 0
    for k in range(count):
        if min(totals[k], BINS - 1) >= least:
            names[found] = touched[k]
            worths[found] = totals[k]
            found += 1
    return found


class Searcher:
    """Finds candidates in one segment; holds scratch, so each thread needs its own."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self._state = np.zeros((segment.names, 4), dtype=np.int16)
        self._touched = np.empty(segment.names, dtype=np.int32)
        self._totals = np.empty(segment.names, dtype=np.int32)
        self._background = np.asarray(segment.arrays["word_background"], dtype=np.float32)
        self._form_starts = segment.ints("form_starts")
        self._form_words = segment.ints("form_words")
        self._post_starts = segment.ints("post_starts")
        self._post_names = segment.ints("post_names")
        self._name_core = np.asarray(segment.arrays["name_core"], dtype=np.uint8)
        self._count = 0
        self._hits = lru_cache(maxsize=20_000)(self._find)

    def _find(self, word: EncodedWord) -> tuple[Ints, Ints]:
        """The vocabulary words that ``word`` could be, and what each is worth in nats."""
        rows = grid_rows(word.codes, word.table)
        forms, values = self.segment.trie.read(rows, 16 * (5 + len(word.codes)))
        most = len(self._background) + len(self._form_words)
        words, worths = np.empty(most, dtype=np.int32), np.empty(most, dtype=np.int32)
        found = _worths(forms, values, self._form_starts, self._form_words, self._background, words, worths)
        return words[:found].copy(), worths[:found].copy()

    def collect(self, slots: Sequence[EncodedWord], own: int, open_names: npt.NDArray[np.bool_]) -> Ints:
        """Add up worths of open names for these asked words, of which the first ``own`` are whole words; returns the
        histogram of totals. Then call ``pick``.
        """
        found = [self._hits(slot) for slot in slots]
        starts = np.cumsum([0] + [len(words) for words, _ in found]).astype(np.int32)
        words = np.concatenate([words for words, _ in found] or [np.zeros(0, dtype=np.int32)])
        worths = np.concatenate([worths for _, worths in found] or [np.zeros(0, dtype=np.int32)])
        histogram = np.zeros(BINS, dtype=np.int32)
        self._count = _collect(
            words, worths, starts, own, self._post_starts, self._post_names, open_names, self._state, self._name_core,
            self._touched, self._totals, histogram,
        )  # fmt: skip
        return histogram

    def pick(self, least: int) -> tuple[Ints, Ints]:
        """The collected names worth at least ``least`` sixteenths of a nat, and their worths."""
        names, worths = np.empty(self._count, dtype=np.int32), np.empty(self._count, dtype=np.int32)
        found = _pick(self._touched, self._count, self._totals, least, names, worths)
        return names[:found], worths[:found]


def least_of(histogram: Ints, wanted: int) -> int:
    """The bound (in sixteenths) at or above which at least ``wanted`` names stand, or 0 if there are fewer."""
    above = np.cumsum(histogram[::-1])[::-1]
    enough = np.flatnonzero(above >= wanted)
    return int(enough[-1]) if len(enough) else 0
