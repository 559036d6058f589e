"""The deconfliction: nothing is told before both consent, nobody agrees with itself, and two different agreements are none."""

from __future__ import annotations

from tansiq.engine.dossiers.kind import CONFLICT
from tansiq.engine.kinds.registry import kind
from tests.engine.kinds.enumerate import check_kind, check_many_writers
from tests.engine.kinds.samples import DECONFLICTION as SAMPLES

KIND = kind("deconfliction")


def test_every_state_and_pair_of_acts_commutes_or_stands_in_the_table() -> None:
    assert check_kind(KIND, SAMPLES, ("fr", "ma"), steps=2) == set(KIND.phases) - {CONFLICT}
    check_many_writers(KIND)
