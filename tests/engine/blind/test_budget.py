"""What a question costs: by its padded size, never less by packing, and a batch that a budget pays for costs no more than it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.accords.terms import Blind
from tansiq.engine.blind import batches, budget


@pytest.mark.parametrize(
    ("keys", "cost"), [(0, 0), (1, 1), (16, 1), (128, 1), (129, 2), (512, 4), (513, 8), (1024, 8), (1025, 16)]
)
def test_a_question_costs_one_for_every_128_elements_begun(keys: int, cost: int) -> None:
    assert budget.cost_of_keys(keys) == cost


@given(st.integers(1, 5000))
def test_both_sides_come_to_the_same_sum(keys: int) -> None:
    assert budget.cost_of_keys(keys) == budget.cost_of(batches.size_for(keys)) >= budget.cost_of(keys)


@given(st.integers(-3, 5000))
def test_what_a_budget_pays_for_costs_no_more_than_it_and_is_a_size_of_batches(left: int) -> None:
    most = budget.most_keys(left)
    assert budget.cost_of_keys(most) <= max(left, 0)
    assert most == 0 or batches.size_for(most) == most <= batches.LARGEST_STEP
    assert most >= min(left, 1)


@given(*[st.integers(0, 50)] * 4)
def test_what_is_left_is_within_both_budgets_and_never_less_than_nothing(
    day: int, officer: int, spent: int, own: int
) -> None:
    limits = Blind(families=("pair_day",), budget_per_day=day, budget_per_officer=officer)
    left = budget.left(limits, spent_today=spent, spent_by_officer=own)
    assert left == max(0, min(day - spent, officer - own))
