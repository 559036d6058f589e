"""What each level of agreement says: log-odds, learned from two registers without one labelled pair.

Fellegi and Sunter (1969): a level of a field is worth the logarithm of how often it is found among pairs that are one
subject (*m*), over how often among pairs that are not (*u*). *u* is counted on random pairs. *m* is estimated by
expectation and maximisation (Dempster, Laird and Rubin 1977) on the pairs of each rule apart, for the fields that the
rule says nothing about, and averaged. Agreement on one value is worth more the rarer the value (Newcombe 1959).
Where agreement in one field makes agreement in another likely by itself (a postcode lies in one town), the second is
worth only what it adds: its chance is taken given the first. In the same way a difference counts less that goes with
another among matches (who has moved has another street, postcode and town).

Both start from documented expectations that count like a few observed pairs, so that registers of three records have a
model too; with thousands of records they no longer matter.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tansiq.engine.errors import Rejected
from tansiq.engine.matching.linkage.fields import Kind, Plan
from tansiq.engine.matching.linkage.levels import LEVELS, MOST_LEVELS
from tansiq.engine.matching.linkage.scoring import Floats, Numbers, Weighing

M_EXPECTED: dict[Kind, tuple[float, ...]] = {
    Kind.NAME: (0.0, 0.04, 0.01, 0.05, 0.12, 0.78),
    Kind.DATE: (0.0, 0.02, 0.01, 0.03, 0.05, 0.89),
    Kind.TEXT: (0.0, 0.15, 0.05, 0.12, 0.68),
    Kind.CODE: (0.0, 0.06, 0.02, 0.06, 0.86),
    Kind.CATEGORY: (0.0, 0.06, 0.94),
}
U_EXPECTED: dict[Kind, tuple[float, ...]] = {
    Kind.NAME: (0.0, 0.984, 0.002, 0.008, 0.003, 0.003),
    Kind.DATE: (0.0, 0.974, 0.015, 0.01, 0.0008, 0.0002),
    Kind.TEXT: (0.0, 0.985, 0.008, 0.004, 0.003),
    Kind.CODE: (0.0, 0.985, 0.009, 0.004, 0.002),
    Kind.CATEGORY: (0.0, 0.7, 0.3),
}
_M_COUNT, _U_COUNT = 20.0, 200.0
"""How many observed pairs the expectations count for."""
_FLOOR = 1e-7
ROUNDS = 40
_DEPENDENT = 3.0
MOST_RARE = 7.0
"""However rare a value, agreement on it adds no more than this to that on an average one."""
RAREST = -14.0


@dataclass(frozen=True)
class Sample:
    """Pairs of one rule, or random ones: levels and rarities (pair × field), and how many pairs each stands for.

    ``agreed`` are the fields that the rule says something about; empty for random pairs. ``is_new`` marks pairs that no
    earlier rule brings.
    """

    levels: npt.NDArray[np.uint8]
    rarity: Floats
    agreed: frozenset[int]
    stands_for: float
    is_new: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Model:
    """Frequencies of levels among matches (*m*) and by chance (*u*), chances of agreement in one field given another
    (``given[f, g]``: in ``f`` if ``g`` agrees; NaN where they are independent), of difference among matches given another
    difference (``moved``, likewise), and the prior log-odds of a pair.
    """

    m: Floats
    u: Floats
    given: Floats
    moved: Floats
    prior: float
    expected_matches: float

    def weights(self) -> Floats:
        """Log-odds of each level (field × level); a missing value says nothing."""
        found = np.log(np.maximum(self.m, _FLOOR) / np.maximum(self.u, _FLOOR))
        found[:, 0] = 0.0
        return found

    def weighing(self, plan: Plan) -> Weighing:
        """The form in which compiled code takes it."""
        weights = self.weights()
        tops = np.array([len(LEVELS[field.kind]) - 1 for field in plan.fields])
        chance = np.log(np.maximum(self.u[np.arange(len(tops)), tops], _FLOOR))
        size = len(tops)
        rare = np.stack([tops.astype(np.float64), chance, np.full(size, RAREST), np.full(size, MOST_RARE)], axis=1)
        most = np.maximum(weights.max(axis=1), 0.0) + MOST_RARE
        agreeing = np.log(np.maximum(self.m[np.arange(size), tops], _FLOOR))
        known = np.where(np.isnan(self.given), 0.0, np.maximum(np.nan_to_num(self.given), _FLOOR))
        tied = np.full((size, size), np.inf)
        np.subtract(
            agreeing[:, None], np.log(known, where=known > 0, out=np.zeros_like(known)), out=tied, where=known > 0
        )
        differing = np.log(np.maximum(self.u[:, 1], _FLOOR))
        moved = np.log(np.maximum(np.nan_to_num(self.moved), _FLOOR)) - differing[:, None]
        moved = np.where(np.isnan(self.moved), -np.inf, np.minimum(moved, 0.0))
        order = Numbers.of(plan).order.tolist()
        tables = [np.ascontiguousarray(table) for table in (weights, rare, tied, moved, most)]
        return Weighing(tables[0], tables[1], tables[2], tables[3], tables[4], self.prior, order)

    def to_json(self, plan: Plan) -> str:
        """The model as a file that a person can read."""
        told = {
            "version": 1,
            "prior": self.prior,
            "expected_matches": self.expected_matches,
            "rules": [str(rule) for rule in plan.rules],
            "fields": {
                field.name: {
                    "kind": field.kind,
                    "levels": list(LEVELS[field.kind]),
                    "m": self.m[f, : len(LEVELS[field.kind])].tolist(),
                    "u": self.u[f, : len(LEVELS[field.kind])].tolist(),
                    "given": _named(plan, self.given[f]),
                    "moved": _named(plan, self.moved[f]),
                }
                for f, field in enumerate(plan.fields)
            },
        }
        return json.dumps(told, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, plan: Plan) -> Model:
        """Read it again. Raises ``Rejected("matching.model")`` for one that was made for other fields."""
        try:
            told = json.loads(text)
            m, u = _empty(plan), _empty(plan)
            given, moved = (np.full((len(plan.fields), len(plan.fields)), np.nan) for _ in range(2))
            for f, field in enumerate(plan.fields):
                known = told["fields"][field.name]
                if known["kind"] != field.kind or len(told["fields"]) != len(plan.fields):
                    raise Rejected("matching.model", at=field.name)
                m[f, : len(known["m"])], u[f, : len(known["u"])] = known["m"], known["u"]
                for table, listed in ((given, known["given"]), (moved, known["moved"])):
                    for other, chance in listed.items():
                        table[f, plan.number(other)] = float(chance)
            return cls(m, u, given, moved, float(told["prior"]), float(told["expected_matches"]))
        except (ValueError, KeyError, TypeError, StopIteration) as wrong:
            raise Rejected("matching.model", at="model") from wrong


def rules_of(text: str) -> str:
    """The rules that a model was learned with, as ``read_plan`` takes them. Raises ``Rejected("matching.model")``."""
    try:
        return ",".join(map(str, json.loads(text)["rules"]))
    except (ValueError, KeyError, TypeError) as wrong:
        raise Rejected("matching.model", at="rules") from wrong


def _named(plan: Plan, chances: Floats) -> dict[str, float]:
    told = zip(plan.fields, chances.tolist(), strict=True)
    return {field.name: chance for field, chance in told if not math.isnan(chance)}


def _empty(plan: Plan) -> Floats:
    return np.zeros((len(plan.fields), MOST_LEVELS))


def _expected(plan: Plan, table: Mapping[Kind, tuple[float, ...]]) -> Floats:
    found = _empty(plan)
    for f, field in enumerate(plan.fields):
        values = table[field.kind]
        found[f, : len(values)] = values
    return found


def train(
    plan: Plan, random: Sample, narrow: Sequence[Sample], rules: Sequence[Sample], *, pairs: float, both: Floats
) -> Model:
    """Learn a model: *u* from ``random`` pairs, *m* from pairs of ``narrow`` rules, many of which are matches, the prior
    from pairs of the ``rules`` that are worked off.

    ``pairs`` is how many pairs there are at all, ``both`` how often they agree in two fields (``blocks.chance_of_both``).
    """
    u = _counted(random.levels, np.ones(len(random.levels)), _expected(plan, U_EXPECTED) * _U_COUNT)
    expected = _expected(plan, M_EXPECTED)
    masses, learned = _empty(plan), _empty(plan)
    differences = np.zeros((2, len(plan.fields), len(plan.fields)))
    for sample in narrow:
        free = [f for f in range(len(plan.fields)) if f not in sample.agreed]
        if not len(sample.levels) or not free:
            continue
        m, levels, worth = _maximise(sample, u, expected, free)
        mass = float(worth.sum()) * sample.stands_for
        masses[free] += mass
        learned[free] += m[free] * mass
        _count_differences(differences, levels, worth, free)
    m = np.where(masses > 0, learned / np.maximum(masses, _FLOOR), expected)
    unknown = np.full(both.shape, np.nan)
    model = Model(m, u, unknown, _moved(m, differences), 0.0, 0.0)
    for _ in range(2):
        prior, matches = _prior(plan, model, rules, pairs)
        given = _given(plan, model, both, matches / max(pairs, 1.0))
        model = replace(model, given=given, prior=prior, expected_matches=matches)
    prior, matches = _prior(plan, model, rules, pairs)
    return replace(model, prior=prior, expected_matches=matches)


def _count_differences(counts: Floats, levels: npt.NDArray[np.uint8], worth: Floats, free: Sequence[int]) -> None:
    """Add up, among matches, how often two fields differ at once, and how often the second differs while the first is
    there.
    """
    for f in free:
        for g in free:
            second = (levels[:, g] == 1) & (levels[:, f] > 0)
            counts[0, f, g] += worth[second & (levels[:, f] == 1)].sum()
            counts[1, f, g] += worth[second].sum()


def _moved(m: Floats, differences: Floats) -> Floats:
    """The chance of a difference given another, where it is well above that of the difference itself."""
    found = np.full(differences.shape[1:], np.nan)
    chance = (differences[0] + 1.0) / (differences[1] + 4.0)
    likely = (differences[1] >= 20.0) & (chance > 2.0 * m[:, 1][:, None])
    np.fill_diagonal(likely, val=False)
    found[likely] = chance[likely]
    return found


def _given(plan: Plan, model: Model, both: Floats, share: float) -> Floats:
    """The chance of agreement in one field if another agrees, where that is far from independent.

    Matches agree in both without proving anything of strangers, so their share is taken away first; what is left must
    be several times what independence and all matches together explain.
    """
    found = np.full(both.shape, np.nan)
    tops = [len(LEVELS[field.kind]) - 1 for field in plan.fields]
    for f in range(len(tops)):
        for g in range(len(tops)):
            if f == g:
                continue
            alone = both[f, f] * both[g, g]
            matched = share * model.m[f, tops[f]] * model.m[g, tops[g]]
            strangers = both[f, g] - matched
            if strangers > _DEPENDENT * (alone + matched):
                chance = strangers / max(both[g, g] - share * model.m[g, tops[g]], _FLOOR)
                found[f, g] = min(max(chance, both[f, f]), 1.0)
    return found


def _counted(levels: npt.NDArray[np.uint8], worth: Floats, begin: Floats) -> Floats:
    """Frequencies of levels among those present, beginning with some counts."""
    counts = begin.copy()
    for f in range(levels.shape[1]):
        counts[f] += np.bincount(levels[:, f], weights=worth, minlength=MOST_LEVELS)
    counts[:, 0] = 0.0
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), _FLOOR))


def _maximise(
    sample: Sample, u: Floats, expected: Floats, free: Sequence[int]
) -> tuple[Floats, npt.NDArray[np.uint8], Floats]:
    """*m* of the free fields; the distinct lines of levels, and how many matches each is expected to be."""
    levels, counts = _patterns(sample.levels)
    m, share = expected.copy(), 0.3
    begin = expected * _M_COUNT
    for _ in range(ROUNDS):
        weights = np.log(np.maximum(m, _FLOOR) / np.maximum(u, _FLOOR))
        weights[:, 0] = 0.0
        odds = sum((weights[f][levels[:, f]] for f in free), start=np.zeros(len(levels)))
        worth = counts / (1.0 + np.exp(np.clip(-odds - math.log(share / (1.0 - share)), -500, 500)))
        m = _counted(levels, worth, begin)
        share = min(max(float(worth.sum() / counts.sum()), 1e-6), 1.0 - 1e-6)
    return m, levels, worth


def _patterns(levels: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], Floats]:
    """The distinct lines and how often each stands."""
    packed = np.zeros(len(levels), dtype=np.uint64)
    for f in range(levels.shape[1]):
        packed = packed * np.uint64(MOST_LEVELS) + levels[:, f]
    _, first, counts = np.unique(packed, return_index=True, return_counts=True)
    return levels[first], counts.astype(np.float64)


def _prior(plan: Plan, model: Model, rules: Sequence[Sample], pairs: float) -> tuple[float, float]:
    """The prior log-odds at which the expected number of matches is what it says: by bisection, for the sum grows."""
    weighing = model.weighing(plan)
    odds, worth = [], []
    for sample in rules:
        kept = sample.is_new
        odds.append(_log_odds(weighing, sample.levels[kept], sample.rarity[kept]))
        worth.append(np.full(int(kept.sum()), sample.stands_for))
    every, stands = np.concatenate(odds or [np.zeros(0)]), np.concatenate(worth or [np.zeros(0)])
    matches = 1.0
    for _ in range(60):
        prior = math.log(matches / max(pairs - matches, 1.0))
        found = float((stands / (1.0 + np.exp(np.clip(-every - prior, -500, 500)))).sum())
        new = min(max(found, 1.0), pairs / 2 + 0.5)
        if abs(new - matches) <= 1e-6 * matches:
            break
        matches = new
    return math.log(matches / max(pairs - matches, 1.0)), matches


def _log_odds(weighing: Weighing, levels: npt.NDArray[np.uint8], rarity: Floats) -> Floats:
    """As ``scoring.score_unit`` adds up, for whole samples."""
    total = np.zeros(len(levels))
    before: list[tuple[int, npt.NDArray[np.bool_]]] = []
    for f in weighing.order:
        top, chance, rarest, most = weighing.rare[f]
        agreed, differs = levels[:, f] == int(top), levels[:, f] == 1
        extra = np.minimum(chance - np.maximum(rarity[:, f], rarest), most)
        worth = weighing.weights[f][levels[:, f]] + np.where(agreed, extra, 0.0)
        for g, other in before:
            worth = np.where(agreed & other, np.minimum(worth, weighing.tied[f, g]), worth)
            worth = np.where(differs & (levels[:, g] == 1), np.maximum(worth, weighing.moved[f, g]), worth)
        before.append((int(f), agreed))
        total += worth
    return total
