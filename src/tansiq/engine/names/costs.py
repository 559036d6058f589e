"""The learned letter costs: how each script's letters are written in Latin ones, by habit, and how rare a Latin word
is.

The data file (``data/letters-1.npz``) is made by ``tools/train_names.py`` from openly licensed name pairs; it holds
expected counts, not names: how often a letter in a context emitted a chunk. Costs are smoothed from them here, coarse
contexts helping fine ones: letter → letter at the edge of a word → letter between kinds of neighbours → the same
within one romanisation habit.

For common Arabic words it also holds how often each Latin spelling was met (words as hashes): letters alone cannot
know that يوسف is *Youssef* in one country and *Yousuf* in another, but hardly ever *Yasaf*.

Beside the letters it holds what a Latin word is worth as evidence: log-frequencies of common words and a letter
trigram model for all others. Nothing in it depends on any gallery, so no score ever tells what else an index holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from tansiq.engine.errors import Corrupt
from tansiq.engine.names import meanings
from tansiq.engine.names.kernels import hash_texts, spelled_logs
from tansiq.engine.names.letters import ALPHABETS, DIGITS, KINDS, LATIN, LATIN_LETTERS, Alphabet
from tansiq.engine.names.scripts import Script

VERSION = 1
HABITS = ("mashriq", "maghreb", "iran", "pakistan")
"""Arabic-script romanisation habits: English of the Mashriq and the Gulf, French of the Maghreb, Persian, Urdu and
Pashto.
"""
SCRIPTS = (Script.LATIN, Script.ARABIC, Script.CYRILLIC, Script.HEBREW)
"""Scripts with a table of their own, in the order of the tables."""
_POOLED = 1.0
_EDGE = 30.0
_KIND = 30.0
_HABIT = 60.0
NAT = 16
"""Cost units in a nat."""
_WORD_SHARE = 0.8


@dataclass(frozen=True)
class Chunks:
    """The Latin chunks a letter may emit, and the two tries by which they are found."""

    texts: tuple[str, ...]
    numbers: dict[str, int]
    child: npt.NDArray[np.int32]
    chunk_of: npt.NDArray[np.int32]
    parent: npt.NDArray[np.int32]
    rear: npt.NDArray[np.int32]
    rear_chunk: npt.NDArray[np.int32]


def _trie(texts: tuple[str, ...], *, backwards: bool) -> list[npt.NDArray[np.int32]]:
    child = [[0] * (len(LATIN_LETTERS) + 1)]
    ends, parent = [0], [0]
    for number, text in enumerate(texts):
        state = 0
        for letter in reversed(text) if backwards else text:
            code = LATIN.numbers[letter]
            if not child[state][code]:
                child.append([0] * (len(LATIN_LETTERS) + 1))
                ends.append(0)
                parent.append(state)
                child[state][code] = len(child) - 1
            state = child[state][code]
        if text:
            ends[state] = number
    return [np.array(values, dtype=np.int32) for values in (child, ends, parent)]


def make_chunks(texts: tuple[str, ...]) -> Chunks:
    """The tries over ``texts``, whose first is the empty chunk."""
    return Chunks(
        texts,
        {text: number for number, text in enumerate(texts)},
        *_trie(texts, backwards=False),
        *_trie(texts, backwards=True)[:2],
    )


def smooth(
    counts: npt.NDArray[np.float64], prior: npt.NDArray[np.float64] | None = None, *, strength: float = _HABIT
) -> npt.NDArray[np.float64]:
    """Probabilities from expected counts (rows × chunks): each context leans on the coarser one, or on ``prior`` if
    given.
    """
    if prior is not None:
        totals = counts.sum(axis=1, keepdims=True)
        return np.asarray((counts + strength * prior) / (totals + strength), dtype=np.float64)
    width = counts.shape[1]
    cube = counts.reshape(-1, KINDS, KINDS, width)
    letter = cube.sum(axis=(1, 2))
    overall = letter.sum(axis=0) + 1.0
    overall /= overall.sum()
    coarse = (letter + _POOLED * overall) / (letter.sum(axis=1, keepdims=True) + _POOLED)
    result = np.empty_like(cube)
    edges = (slice(0, 1), slice(1, KINDS))
    for before in edges:
        for after in edges:
            fine = cube[:, before, after]
            seen = fine.sum(axis=(1, 2))
            edge = (seen + _EDGE * coarse) / (seen.sum(axis=1, keepdims=True) + _EDGE)
            totals = fine.sum(axis=3, keepdims=True)
            result[:, before, after] = (fine + _KIND * edge[:, None, None]) / (totals + _KIND)
    return result.reshape(-1, width)


def to_costs(
    probabilities: npt.NDArray[np.float64], alphabet: Alphabet, texts: tuple[str, ...]
) -> npt.NDArray[np.uint8]:
    """Costs (sixteenths of a nat, one byte) from probabilities; digits stand for themselves."""
    nats = -np.log(np.maximum(probabilities, 1e-9))
    costs = np.minimum(np.round(nats * NAT), 255).astype(np.uint8)
    cube = costs.reshape(-1, KINDS * KINDS, len(texts))
    for digit in DIGITS:
        cube[alphabet.numbers[digit]] = 255
        cube[alphabet.numbers[digit], :, texts.index(digit)] = 1
        cube[alphabet.numbers[digit], :, 0] = 80
    return costs


@dataclass(frozen=True)
class Lexicon:
    """Spellings of common Arabic words, by hash: how each was met in training, and how much unseen ones weigh more."""

    words: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int32]
    spellings: npt.NDArray[np.int64]
    costs: npt.NDArray[np.uint8]
    unseen: npt.NDArray[np.uint8]


def _with_meanings(known: Lexicon) -> Lexicon:
    """The lexicon with nicknames that are translated (``meanings``) beside the spellings of the same words."""
    sides = [_hashes([pair[side] for pair in meanings.PAIRS]) for side in (0, 1)]
    words = np.concatenate((np.repeat(known.words, np.diff(known.starts)), sides[0]))
    spellings = np.concatenate((known.spellings, sides[1]))
    costs = np.concatenate((known.costs, np.full(len(sides[0]), meanings.COST, dtype=np.uint8)))
    order = np.lexsort((costs, spellings, words))
    words, spellings, costs = words[order], spellings[order], costs[order]
    first = np.ones(len(words), dtype=bool)
    first[1:] = (words[1:] != words[:-1]) | (spellings[1:] != spellings[:-1])
    words, spellings, costs = words[first], spellings[first], costs[first]
    distinct, starts = np.unique(words, return_index=True)
    unseen = np.zeros(len(distinct), dtype=np.uint8)
    unseen[np.searchsorted(distinct, known.words)] = known.unseen
    return Lexicon(distinct, np.append(starts, len(words)).astype(np.int32), spellings, costs, unseen)


def _hashes(words: Sequence[str]) -> npt.NDArray[np.int64]:
    encoded = [word.encode() for word in words]
    starts = np.cumsum([0, *map(len, encoded)]).astype(np.uint32)
    return hash_texts(np.frombuffer(b"".join(encoded), dtype=np.uint8), starts).astype(np.int64)


class Background:
    """How rare a Latin word is: log-probability that a random name word is this one."""

    def __init__(self, words: dict[str, float], trigrams: npt.NDArray[np.float32]) -> None:
        self._words = words
        self._trigrams = trigrams

    def __call__(self, letters: str) -> float:
        """Natural log-probability of a folded Latin word."""
        return self.many([letters])[0]

    def many(self, words: Sequence[str]) -> list[float]:
        """The same of each of several words."""
        raw = np.frombuffer("".join(words).encode("ascii", "replace"), dtype=np.uint8)
        starts = np.cumsum([0, *map(len, words)])
        spelled = spelled_logs(raw, starts, self._trigrams).tolist()
        return [self._log(word, own) for word, own in zip(words, spelled, strict=True)]

    def _log(self, word: str, spelled: float) -> float:
        known = self._words.get(word, 0.0)
        return math.log(_WORD_SHARE * known + (1.0 - _WORD_SHARE) * math.exp(max(spelled, -200.0)) + 1e-90)


def _read() -> dict[str, npt.NDArray[np.generic]]:
    path = resources.files("tansiq.engine.names") / "data" / f"letters-{VERSION}.npz"
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, KeyError) as wrong:
        raise Corrupt("names.letter_costs", at=f"letters-{VERSION}.npz") from wrong


class Costs:
    """All tables of one data file as one grid: table ``t`` begins at row ``starts[t]``.

    Tables: 0 Latin (written by another habit), 1 Arabic, 2 Cyrillic, 3 Hebrew, then Arabic by habit in the order of
    ``HABITS``.
    """

    def __init__(self, stored: dict[str, npt.NDArray[np.generic]]) -> None:
        self._stored = stored
        self.chunks = make_chunks(tuple(str(text) for text in stored["chunks"]))
        frequencies = np.exp(-stored["word_logs"].astype(np.float64) / NAT)
        self.words: dict[str, float] = dict(zip(str(stored["words"]).split(), frequencies.tolist(), strict=True))
        self.background = Background(self.words, (-stored["trigrams"].astype(np.float64) / NAT).astype(np.float32))
        pooled = {script: smooth(self._counts(script.value, ALPHABETS[script])) for script in SCRIPTS}
        texts = self.chunks.texts
        parts = [to_costs(pooled[script], ALPHABETS[script], texts) for script in SCRIPTS]
        arabic = ALPHABETS[Script.ARABIC]
        for habit in HABITS:
            counts = self._counts(f"arabic:{habit}", arabic)
            parts.append(to_costs(smooth(counts, pooled[Script.ARABIC]), arabic, texts))
        self.lexicon = Lexicon(
            stored["lexicon/words"].astype(np.int64),
            np.cumsum(np.concatenate(([0], stored["lexicon/sizes"].astype(np.int64)))).astype(np.int32),
            stored["lexicon/spellings"].astype(np.int64),
            stored["lexicon/costs"].astype(np.uint8),
            stored["lexicon/unseen"].astype(np.uint8),
        )
        self.lexicon = _with_meanings(self.lexicon)
        self.starts = np.cumsum([0] + [len(part) for part in parts[:-1]]).astype(np.int32)
        self.grid: npt.NDArray[np.uint8] = np.concatenate(parts)
        self.floors: npt.NDArray[np.uint8] = self.grid.min(axis=1)

    def _counts(self, name: str, alphabet: Alphabet) -> npt.NDArray[np.float64]:
        counts = np.zeros(alphabet.rows * len(self.chunks.texts), dtype=np.float64)
        places = np.cumsum(self._stored[f"{name}/steps"].astype(np.int64))
        counts[places] = self._stored[f"{name}/counts"].astype(np.float64) / 16.0
        return counts.reshape(alphabet.rows, -1)


@lru_cache(maxsize=1)
def load_costs() -> Costs:
    """The shipped letter costs, read once. Raises ``Corrupt("names.letter_costs")``."""
    return Costs(_read())
