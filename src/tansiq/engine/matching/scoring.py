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

import numpy as np
import numpy.typing as npt

from tansiq.engine.errors import Corrupt
from tansiq.engine.matching import pairing
from tansiq.engine.matching.encoding import EncodedName, EncodedWord, grid_rows
from tansiq.engine.matching.segment import Segment
from tansiq.engine.matching.subjects import Json
from tansiq.engine.names.costs import SCRIPTS, load_costs
from tansiq.engine.names.kernels import WIDEST, trace_reading
from tansiq.engine.names.letters import ALPHABETS

VERSION = 1


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
    """The shipped weights by relation, ``cross`` (two scripts) and ``same``. Raises ``Corrupt("matching.weights")``."""
    path = resources.files("tansiq.engine.matching") / "data" / f"weights-{VERSION}.json"
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))["relations"]
        return {
            relation: Weights(float(model["bias"]), np.array([float(model["weights"][f]) for f in pairing.FEATURES]))
            for relation, model in stored.items()
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


def _scratch() -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    if not hasattr(_local, "rows"):
        _local.rows = np.zeros(WIDEST, dtype=np.int32)
        _local.table = np.zeros((WIDEST, WIDEST), dtype=np.int32)
    return _local.rows, _local.table


def relation_of(left: EncodedName, right: EncodedName) -> str:
    """``same`` when both names are mostly of one script, else ``cross``."""
    return "same" if main_table(left) == main_table(right) else "cross"


def main_table(name: EncodedName) -> int:
    """The table most words of a name belong to (the lowest on a tie)."""
    return int(np.bincount(name.tables).argmax()) if len(name.tables) else 0


def _flat(name: EncodedName) -> tuple[npt.NDArray[np.generic], ...]:
    return (
        name.codes,
        name.starts,
        name.reading_codes,
        name.reading_starts,
        name.tables,
        name.roles,
        name.backgrounds,
    )


def compare_encoded(left: EncodedName, right: EncodedName, *, habits: bool = True) -> Compared:
    """Compare two encoded names; symmetric."""
    costs = load_costs()
    rows, table = _scratch()
    features = np.zeros(len(pairing.FEATURES))
    cells = np.zeros((pairing.MOST_WORDS, pairing.CELL), dtype=np.int32)
    found = pairing.compare(
        *_flat(left), *_flat(right), costs.grid, costs.starts, _kinds(), costs.chunks.child, costs.chunks.chunk_of,
        rows, table, habits, features, cells,
    )  # fmt: skip
    weights = load_weights()[relation_of(left, right)]
    return Compared(float(weights(features)), features, cells[:found].copy(), weights)


def features_of(
    left: EncodedName, segment: Segment, names: npt.NDArray[np.int32], *, habits: bool
) -> npt.NDArray[np.float64]:
    """One line of features for each of a segment's names."""
    costs = load_costs()
    features = np.zeros((len(names), len(pairing.FEATURES)))
    pairing.compare_names(
        *_flat(left), names, segment.ints("name_words"), segment.ints("name_starts"), segment.arrays["code_raw"],
        segment.ints("code_starts"), segment.arrays["reading_raw"], segment.ints("reading_starts"),
        segment.arrays["word_table"], segment.arrays["word_role"], segment.arrays["word_background"],
        costs.grid, costs.starts, _kinds(), costs.chunks.child, costs.chunks.chunk_of, habits, features,
    )  # fmt: skip
    return features


def probability(log_odds: float) -> float:
    """The probability of natural log-odds."""
    if log_odds < 0:
        odds = math.exp(max(log_odds, -700.0))
        return odds / (1.0 + odds)
    return 1.0 / (1.0 + math.exp(-min(log_odds, 700.0)))


def name_features(compared: Compared) -> list[Json]:
    """The features of a comparison that are not zero, with the log-odds each adds."""
    told: list[Json] = []
    for name, value, weight in zip(pairing.FEATURES, compared.features, compared.weights.values, strict=True):
        if value:
            told.append({"feature": name, "value": round(float(value), 3), "weight": round(float(value * weight), 3)})
    return told


def align(left: EncodedName, right: EncodedName, compared: Compared) -> list[Json]:
    """Letter by letter, in the reading order of ``left``: which letters stand for which, and how usual that is (0..1).

    Words that found no counterpart stand alone, with quality 0 and an empty other side. Letters are folded ones.
    """
    told: list[tuple[int, list[Json]]] = []
    used_left: set[int] = set()
    used_right: set[int] = set()
    for i, iw, j, jw, _, _ in compared.cells.tolist():
        a, b = left.words[i : i + iw + 1], right.words[j : j + jw + 1]
        used_left.update(range(i, i + iw + 1))
        used_right.update(range(j, j + jw + 1))
        told.append((i, _align_words(a, b)))
    told += [(i, [_step(word.text, "", 0.0)]) for i, word in enumerate(left.words) if i not in used_left]
    told.sort(key=lambda part: part[0])
    lone = [_step("", word.text, 0.0) for j, word in enumerate(right.words) if j not in used_right]
    steps: list[Json] = []
    for _, part in told:
        steps += [_step(" ", " ", 1.0), *part] if steps else part
    return steps + lone


def _step(left: str, right: str, quality: float) -> Json:
    return {"left": left, "right": right, "quality": round(quality, 2)}


def _align_words(left: Sequence[EncodedWord], right: Sequence[EncodedWord]) -> list[Json]:
    a, b = left[0], right[0]
    turned = a.table == 0 and b.table != 0
    source, target = (right, left) if turned else (left, right)
    own = source[0].table != 0 and target[0].table == 0
    if own or source[0].table == 0:
        letters = "".join(_kept(word) for word in source)
        codes = np.concatenate([word.codes for word in source])
        table = source[0].table
    else:
        letters = "".join(word.reading for word in source)
        codes = np.concatenate([word.reading_codes for word in source])
        table = 0
    goal = "".join(word.reading for word in target)
    goal_codes = np.concatenate([word.reading_codes for word in target])
    costs = load_costs()
    ends = np.zeros(max(len(codes), 1), dtype=np.int32)
    rows = grid_rows(codes, table)
    trace_reading(rows, goal_codes, costs.grid, costs.chunks.child, costs.chunks.chunk_of, _scratch()[1], ends)
    steps: list[Json] = []
    begin = 0
    for letter, row, end in zip(letters, rows.tolist(), ends.tolist(), strict=False):
        chunk = goal[begin:end]
        cost = int(costs.grid[row, costs.chunks.numbers[chunk]]) - int(costs.grid[row].min())
        quality = math.exp(-cost / 32.0)
        steps.append(_step(chunk, letter, quality) if turned else _step(letter, chunk, quality))
        begin = end
    return steps


def _kept(word: EncodedWord) -> str:
    """The letters of a word that its alphabet knows (those that have a number)."""
    numbers = ALPHABETS[SCRIPTS[word.table]].numbers
    return "".join(letter for letter in word.text if letter in numbers)
