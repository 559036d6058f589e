"""The mark of an exercise in an opening: there and true, or not there; what was signed before it existed stays canonical."""

from __future__ import annotations

import pytest

from tansiq.engine.dossiers import entries
from tansiq.engine.dossiers.headers import Opening
from tansiq.engine.errors import Rejected
from tansiq.engine.kinds.registry import kind


def opening(*, exercise: bool) -> Opening:
    return entries.new_opening(kind("request"), ("fr", "ma"), random=bytes, exercise=exercise)


@pytest.mark.parametrize("exercise", [True, False])
def test_it_reads_what_it_writes(exercise: bool) -> None:
    made = opening(exercise=exercise)
    assert Opening.from_json(made.to_json(), at="") == made
    assert ("exercise" in made.to_json()) == exercise


@pytest.mark.parametrize("value", [False, None, 1, "true"])
def test_it_is_written_in_one_way_only(value: object) -> None:
    with pytest.raises(Rejected) as caught:
        Opening.from_json({**opening(exercise=False).to_json(), "exercise": value}, at="/opening")
    assert caught.value.facts["at"] == "/opening/exercise"
