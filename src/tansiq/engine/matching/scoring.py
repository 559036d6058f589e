"""From features to a probability, and from a probability back to its reasons.

The weights are a logistic regression fitted by ``tools/fit_weights.py`` on name pairs the letter costs never saw, once
for names in different scripts and once for names in the same script; then one slope and intercept make the result a
calibrated probability for the mix named in ``docs/matching.md`` (one true pair to two hard rivals).
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import cast

import numpy as np
import numpy.typing as npt

from tansiq.engine.errors import Corrupt
from tansiq.engine.matching import pairing
from tansiq.engine.matching.encoding import EncodedName, EncodedWord, grid_rows
from tansiq.engine.matching.segment import Segment
from tansiq.engine.matching.subjects import Json
from tansiq.engine.names.costs import SCRIPTS, load_costs
from tansiq.engine.names.kernels import trace_reading
from tansiq.engine.names.letters import ALPHABETS

VERSION = 1
RELATIONS = ("cross", "same", "single")
"""Names in two scripts, in one script, one word in each of two scripts: each with weights of its own."""


@dataclass(frozen=True)
class Weights:
    """A linear score: ``bias`` plus the weighted features, both already calibrated."""

    bias: float
    values: npt.NDArray[np.float64]

    def __call__(self, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Log-odds of each line of features."""
        return np.asarray(features @ self.values + self.bias, dtype=np.float64)


@dataclass(frozen=True)
class Compared:
    """Two names compared: log-odds, features, and the words that were joined."""

    log_odds: float
    features: npt.NDArray[np.float64]
    cells: npt.NDArray[np.int32]
    weights: Weights


@lru_cache(maxsize=1)
def load_weights() -> dict[str, Weights]:
    """The shipped weights by relation (see ``RELATIONS``). Raises ``Corrupt("matching.weights")``."""
    path = resources.files("tansiq.engine.matching") / "data" / f"weights-{VERSION}.json"
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))["relations"]
        return {
            relation: Weights(float(model["bias"]), np.array([float(model["weights"][f]) for f in pairing.FEATURES]))
            for relation, model in stored.items()
            if relation in RELATIONS
        }
    except (OSError, ValueError, KeyError) as wrong:
        raise Corrupt("matching.weights", at=f"weights-{VERSION}.json") from wrong


@lru_cache(maxsize=1)
def _kinds() -> npt.NDArray[np.int32]:
    kinds = np.zeros((len(SCRIPTS), 128), dtype=np.int32)
    for number, script in enumerate(SCRIPTS):
        kinds[number, : len(ALPHABETS[script].kinds)] = ALPHABETS[script].kinds
    return kinds


_local = threading.local()


def _scratch() -> pairing.Scratch:
    if not hasattr(_local, "scratch"):
        _local.scratch = pairing.make_scratch()
        _local.room = pairing.make_room()
        _local.memo = np.empty((pairing.SLOTS, pairing.MOST_WORDS, pairing.MEMO), dtype=np.int32)
        _local.lines = None
        _local.keys = np.empty(pairing.SLOTS, dtype=np.int32)
    return cast("pairing.Scratch", _local.scratch)


@lru_cache(maxsize=1)
def _tables() -> pairing.Costs:
    costs = load_costs()
    known = costs.lexicon
    return pairing.Costs(
        costs.grid, costs.floors, costs.starts, _kinds(), costs.chunks.child, costs.chunks.chunk_of,
        known.words, known.starts, known.spellings, known.costs, known.unseen,
    )  # fmt: skip


def _flat(name: EncodedName) -> pairing.Flat:
    return pairing.Flat(
        name.codes,
        name.starts,
        name.reading_codes,
        name.reading_starts,
        name.tables,
        name.roles,
        name.backgrounds,
        name.hashes,
    )


def compare_encoded(left: EncodedName, right: EncodedName) -> Compared:
    """Compare two encoded names; symmetric."""
    features = np.zeros(len(pairing.FEATURES))
    cells = np.zeros((pairing.MOST_WORDS, pairing.CELL), dtype=np.int32)
    memo = np.full((pairing.MOST_WORDS, pairing.MOST_WORDS, pairing.MEMO), -1, dtype=np.int32)
    slots = np.arange(pairing.MOST_WORDS, dtype=np.int32)
    a, b = _flat(left), _flat(right)
    found = pairing.compare(a, b, _tables(), _scratch(), memo, slots, True, features, cells)
    weights = load_weights()[RELATIONS[pairing.relation_of(a, b)]]
    return Compared(float(weights(features)), features, cells[:found].copy(), weights)


def words_of(segment: Segment) -> pairing.Words:
    """A segment's names and vocabulary as the compiled code takes them."""
    arrays = segment.arrays
    return pairing.Words(
        segment.ints("name_words"),
        segment.ints("name_starts"),
        np.asarray(arrays["code_raw"], dtype=np.uint8),
        segment.ints("code_starts"),
        np.asarray(arrays["reading_raw"], dtype=np.uint8),
        segment.ints("reading_starts"),
        np.asarray(arrays["word_table"], dtype=np.uint8),
        np.asarray(arrays["word_role"], dtype=np.uint8),
        np.asarray(arrays["word_background"], dtype=np.float32),
        np.asarray(arrays["word_hash"], dtype=np.int64),
    )


@lru_cache(maxsize=1)
def _stacked() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    weights = load_weights()
    return (
        np.stack([weights[relation].values for relation in RELATIONS]),
        np.array([weights[relation].bias for relation in RELATIONS]),
    )


@dataclass(frozen=True)
class Comparisons:
    """One name compared with several, line by line: ``place`` among those given, ``odds`` the log-odds, ``rough`` those
    of the first look, by which the rest was chosen.
    """

    place: npt.NDArray[np.int64]
    rough: npt.NDArray[np.float64]
    odds: npt.NDArray[np.float64]
    features: npt.NDArray[np.float64]
    relations: npt.NDArray[np.uint8]
    cells: npt.NDArray[np.int32]
    found: npt.NDArray[np.int32]

    def line(self, k: int) -> Compared:
        """One of the comparisons."""
        weights = load_weights()[RELATIONS[int(self.relations[k])]]
        return Compared(float(self.odds[k]), self.features[k], self.cells[k, : self.found[k]], weights)


def compare_candidates(
    left: EncodedName, words: pairing.Words, names: npt.NDArray[np.int32], *, most: int
) -> Comparisons:
    """Compare one name with several of a segment's: all by the pooled costs, the ``most`` best of them and their equals
    under every romanisation habit. What was left after the first look does not come back.
    """
    size = len(names)
    scratch = _scratch()
    if _local.lines is None or len(_local.lines.odds) < size:
        _local.lines = _make_lines(max(size, 1024))
    lines: Comparisons = _local.lines
    if size:
        pairing.compare_names(
            _flat(left), names, words, _tables(), scratch, _local.room, _local.memo, _local.keys, *_stacked(), most,
            lines.features, lines.relations, lines.cells, lines.found, lines.rough, lines.odds,
        )  # fmt: skip
    kept = np.flatnonzero(lines.odds[:size] > -1.0e8)
    return Comparisons(
        kept, lines.rough[kept], lines.odds[kept], lines.features[kept], lines.relations[kept], lines.cells[kept],
        lines.found[kept],
    )  # fmt: skip


def _make_lines(size: int) -> Comparisons:
    return Comparisons(
        np.arange(size), np.zeros(size), np.zeros(size), np.zeros((size, len(pairing.FEATURES))),
        np.zeros(size, dtype=np.uint8), np.zeros((size, pairing.MOST_WORDS, pairing.CELL), dtype=np.int32),
        np.zeros(size, dtype=np.int32),
    )  # fmt: skip


def probability(log_odds: float) -> float:
    """The probability of natural log-odds."""
    if log_odds < 0:
        odds = math.exp(max(log_odds, -700.0))
        return odds / (1.0 + odds)
    return 1.0 / (1.0 + math.exp(-min(log_odds, 700.0)))


def name_features(compared: Sequence[Compared]) -> list[list[Json]]:
    """For each comparison its features that are not zero, with the log-odds each adds."""
    if not compared:
        return []
    features = np.stack([one.features for one in compared])
    weighted = features * np.stack([one.weights.values for one in compared])
    line, at = np.nonzero(features)
    told: list[list[Json]] = [[] for _ in compared]
    values, weights = _rounded(features[line, at]).tolist(), _rounded(weighted[line, at]).tolist()
    for number, feature, value, weight in zip(line.tolist(), at.tolist(), values, weights, strict=True):
        told[number].append({"feature": pairing.FEATURES[feature], "value": value, "weight": weight})
    return told


def _rounded(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Three decimals, as ``round`` gives them; numpy alone is quicker by far and may err where a half is rounded."""
    thousandths = values * 1000.0
    rounded = np.rint(thousandths) / 1000.0
    halves = np.flatnonzero(np.abs(np.abs(thousandths - np.trunc(thousandths)) - 0.5) < 1e-6)
    for place in halves.tolist():
        rounded.flat[place] = round(float(values.flat[place]), 3)
    return np.asarray(rounded, dtype=np.float64)


def align(left: EncodedName, right: Sequence[EncodedWord], compared: Compared) -> list[Json]:
    """Letter by letter, in the reading order of ``left``: which letters stand for which, and how usual that is (0..1).

    Words that found no counterpart stand alone, with quality 0 and an empty other side. Letters are folded ones.
    """
    told: list[tuple[int, tuple[Json, ...]]] = []
    used_left: set[int] = set()
    used_right: set[int] = set()
    for i, iw, j, jw, _ in compared.cells.tolist():
        used_left.update(range(i, i + iw + 1))
        used_right.update(range(j, j + jw + 1))
        told.append((i, _align_words(left.words[i : i + iw + 1], tuple(right[j : j + jw + 1]))))
    told += [(i, (_step(word.text, "", 0.0),)) for i, word in enumerate(left.words) if i not in used_left]
    told.sort(key=lambda part: part[0])
    steps: list[Json] = []
    for _, part in told:
        if steps:
            steps.append(_step(" ", " ", 1.0))
        steps += part
    return steps + [_step("", word.text, 0.0) for j, word in enumerate(right) if j not in used_right]


def _step(left: str, right: str, quality: float) -> Json:
    return {"left": left, "right": right, "quality": quality}


_QUALITIES = [round(math.exp(-cost / 32.0), 2) for cost in range(256)]
"""How usual what costs so much more than the most usual is (0 to 1)."""


@lru_cache(maxsize=50_000)
def _align_words(left: tuple[EncodedWord, ...], right: tuple[EncodedWord, ...]) -> tuple[Json, ...]:
    turned = left[0].table == 0 and right[0].table != 0
    source, target = (right, left) if turned else (left, right)
    own = source[0].table == 0 or target[0].table == 0
    letters = "".join([word.text if own else word.reading for word in source])
    codes = _codes([word.codes if own else word.reading_codes for word in source])
    goal = "".join([word.reading for word in target])
    ends = np.zeros(max(len(codes), 1), dtype=np.int32)
    rows, tables = grid_rows(codes, source[0].table if own else 0), _tables()
    trace_reading(
        rows, _codes([word.reading_codes for word in target]), tables.grid, tables.floors, tables.child,
        tables.chunk_of, _scratch().room, ends,
    )  # fmt: skip
    numbers, bounds = load_costs().chunks.numbers, ends.tolist()
    chunks = [goal[begin:end] for begin, end in zip([0, *bounds], bounds, strict=False)][: len(codes)]
    more = tables.grid[rows, [numbers[chunk] for chunk in chunks]] - tables.floors[rows]
    steps = zip(letters, chunks, map(_QUALITIES.__getitem__, more.tolist()), strict=False)
    return tuple(
        _step(chunk, letter, quality) if turned else _step(letter, chunk, quality) for letter, chunk, quality in steps
    )


def _codes(parts: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
