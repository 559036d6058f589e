"""A model learned from two registers at hand, without one labelled pair: random pairs, and pairs of rules, the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tansiq.engine.matching import linkage as work
from tansiq.engine.matching.linkage.store import Ints

RANDOM = 100_000
"""Random pairs from which it is learned how often values agree by chance."""
SAMPLE = 50_000
"""Pairs of each rule from which the rest of the model is learned."""
NARROW = 3
"""Pairs a record that a rule may bring from which the model is learned: many of them must be matches."""
SEED = 20260101


@dataclass
class Sides:
    """Both registers as numbers of values (field × row), and the values; ``alone``: both are one."""

    left: Ints
    right: Ints
    store: work.Store
    alone: bool

    @property
    def pairs(self) -> float:
        """How many pairs there are."""
        n, m = self.left.shape[1], self.right.shape[1]
        return float(n * (n - 1) / 2) if self.alone else float(n) * m


def learn(plan: work.Plan, sides: Sides, keys: Sequence[tuple[work.Keys, work.Keys]], units: work.Units) -> work.Model:
    """Learn a model from a sample that is the same on every machine."""
    chooser = np.random.default_rng(SEED)
    n, m = sides.left.shape[1], sides.right.shape[1]
    if not n or not m:
        random = np.zeros((2, 0), dtype=np.int32)
    else:
        random = np.stack([chooser.integers(0, n, RANDOM), chooser.integers(0, m, RANDOM)]).astype(np.int32)
        if sides.alone:
            random = random[:, random[0] != random[1]]
    samples = [_sample(plan, sides, keys, units, rule, chooser) for rule in range(len(plan.rules))]
    return work.train(
        plan,
        _made(plan, sides, random, frozenset(), 1.0, units, 0),
        _narrow(plan, sides, units, chooser),
        [sample for sample in samples if sample],
        pairs=sides.pairs,
        both=work.chance_of_both(sides.store, sides.left, sides.right),
    )


def _narrow(plan: work.Plan, sides: Sides, units: work.Units, chooser: np.random.Generator) -> list[work.Sample]:
    """Pairs of narrow rules, from one key in so many that a small register has them all."""
    records = max(sides.left.shape[1], sides.right.shape[1])
    one_in = max(1, records // SAMPLE)
    found = []
    for rule in work.narrow_rules(plan.fields):
        left = work.make_keys(plan, rule, sides.store, sides.left, one_in=one_in)
        right = left if sides.alone else work.make_keys(plan, rule, sides.store, sides.right, one_in=one_in)
        cut = work.plan_units([(left, right)], records, alone=sides.alone)
        if not cut.units or cut.pairs[0] * one_in > NARROW * records:
            continue
        chosen = [
            work.pairs_of(
                unit,
                chooser.random(len(unit.left_starts)) < SAMPLE / cut.pairs[0],
                (left.rows, right.rows),
                alone=sides.alone,
            )
            for unit in cut.units
        ]
        agreed = frozenset(plan.number(field) for field, _ in rule.parts)
        found.append(_made(plan, sides, np.concatenate(chosen, axis=1), agreed, 1.0, units, 0))
    return found


def _made(
    plan: work.Plan,
    sides: Sides,
    pairs: Ints,
    agreed: frozenset[int],
    stands_for: float,
    units: work.Units,
    rule: int,
) -> work.Sample:
    levels, rarity = work.sample_levels(plan, sides.store.values, pairs[0], pairs[1], sides.left, sides.right)
    a, b = units.met[0][:rule, pairs[0]], units.met[1][:rule, pairs[1]]
    is_new = ~((a == b) & (a != 0)).any(axis=0) if rule else np.ones(pairs.shape[1], dtype=bool)
    return work.Sample(levels, rarity, agreed, stands_for, is_new)


def _sample(
    plan: work.Plan,
    sides: Sides,
    keys: Sequence[tuple[work.Keys, work.Keys]],
    units: work.Units,
    rule: int,
    chooser: np.random.Generator,
) -> work.Sample | None:
    """Pairs of a rule: whole blocks, chosen by chance until there are enough."""
    of_rule = [unit for unit in units.units if unit.rule == rule]
    total = units.pairs[rule]
    if not of_rule:
        return None
    share = min(1.0, SAMPLE / max(total, 1))
    parts: list[Ints] = []
    left, right = keys[rule]
    for unit in of_rule:
        chosen = chooser.random(len(unit.left_starts)) < share
        parts.append(work.pairs_of(unit, chosen, (left.rows, right.rows), alone=sides.alone))
    pairs = np.concatenate(parts, axis=1)
    if not pairs.shape[1]:
        return None
    agreed = frozenset(plan.number(field) for field, _ in plan.rules[rule].parts)
    return _made(plan, sides, pairs, agreed, total / pairs.shape[1], units, rule)
