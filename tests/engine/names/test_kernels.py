"""The quick ways through letters give what the plain ones give: every reading, every form of a trie, nothing else."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tansiq.engine.matching.encoding import grid_rows, make_trie
from tansiq.engine.names import Script
from tansiq.engine.names.costs import SCRIPTS, load_costs
from tansiq.engine.names.kernels import NEVER, make_room, reading_cost
from tansiq.engine.names.letters import ALPHABETS, LATIN

SOUNDS = {Script.ARABIC: "محمدشريفالنورعبس", Script.CYRILLIC: "москваинатлерй", Script.LATIN: "mohaedcrifnyslkb"}


def words(script: Script, count: int, seed: int) -> list[str]:
    chooser = random.Random(seed)
    return ["".join(chooser.choices(SOUNDS[script], k=chooser.randint(2, 9))) for _ in range(count)]


def plain_cost(rows: np.ndarray, letters: str) -> int:
    """The least cost at which the rows emit the letters, by the recurrence as it is written in books."""
    costs = load_costs()
    least = {0: 0}
    for row in rows.tolist():
        after: dict[int, int] = {}
        for place, cost in least.items():
            for size in range(5):
                chunk = costs.chunks.numbers.get(letters[place : place + size])
                if chunk is not None and place + size <= len(letters):
                    value = cost + int(costs.grid[row, chunk])
                    after[place + size] = min(after.get(place + size, NEVER), value)
        least = after
    return least.get(len(letters), NEVER)


def quick_cost(rows: np.ndarray, letters: str, limit: int) -> int:
    costs, codes = load_costs(), LATIN.encode(letters)
    tables = costs.grid, costs.floors, costs.chunks.child, costs.chunks.chunk_of
    return int(reading_cost(rows, 0, len(rows), codes, 0, len(codes), *tables, make_room(), limit))


@pytest.mark.parametrize("script", SOUNDS)
def test_a_reading_costs_what_the_plain_recurrence_says(script: Script) -> None:
    for source, target in zip(words(script, 60, 1), words(Script.LATIN, 60, 2), strict=True):
        rows = grid_rows(ALPHABETS[script].encode(source), SCRIPTS.index(script))
        true = plain_cost(rows, target)
        assert quick_cost(rows, target, NEVER - 1) == true
        assert quick_cost(rows, target, true - 1) == NEVER
        assert quick_cost(rows, target, true) == true


@pytest.mark.parametrize("script", SOUNDS)
def test_a_trie_gives_exactly_the_forms_within_the_slack(script: Script) -> None:
    forms = sorted(
        {*words(Script.LATIN, 400, 3), "mohamed", "mohamad", "muhammad", "m"},
        key=lambda form: LATIN.encode(form).tobytes(),
    )
    encoded = [LATIN.encode(form) for form in forms]
    trie = make_trie(np.concatenate(encoded), np.cumsum([0, *map(len, encoded)]).astype(np.int32))
    for source in words(script, 12, 4):
        rows = grid_rows(ALPHABETS[script].encode(source), SCRIPTS.index(script))
        cheapest = int(load_costs().floors[rows].astype(int).sum())
        for slack in (0, 60, 160):
            found, costs = trie.read(rows, slack)
            expected = [
                (n, cost) for n, form in enumerate(forms) if (cost := plain_cost(rows, form)) <= cheapest + slack
            ]
            assert list(zip(found.tolist(), costs.tolist(), strict=True)) == expected


def test_an_empty_trie_gives_nothing() -> None:
    trie = make_trie(np.zeros(0, dtype=np.uint8), np.zeros(1, dtype=np.int32))
    assert len(trie.read(grid_rows(LATIN.encode("karim"), 0), 100)[0]) == 0
