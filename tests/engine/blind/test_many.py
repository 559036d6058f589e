"""A whole register's keys: the same outputs in the same order, however many processes made them."""

from __future__ import annotations

import pytest

from tansiq.engine.blind import many, oprf
from tansiq.engine.blind.oprf import Mode
from tests.engine.blind.randomness import stream


@pytest.mark.parametrize("count", [0, 1, 250])
def test_spread_over_processes_or_not_the_outputs_are_those_of_each_alone(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "SPREAD_FROM", 200)
    monkeypatch.setattr(many, "_SLICE", 100)
    pair = oprf.generate_key_pair(stream("many"))
    inputs = [b"%d" % number for number in range(count)]
    found = many.compute_all(pair, inputs, mode=Mode.VOPRF)
    assert found == [oprf.compute(pair, value, mode=Mode.VOPRF) for value in inputs]
