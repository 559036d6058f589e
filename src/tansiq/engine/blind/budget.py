"""What a blind question costs of the day's budget: one definition for who asks and who is asked.

The unit is a question of one person. A batch costs one for every 128 elements begun, so that whoever packs many
questions into one envelope gains nothing by it but fewer envelopes. Both sides reckon from the padded size, which is
all that the holder sees; so they always come to the same sum.
"""

from __future__ import annotations

from typing import Final

from tansiq.engine.accords.terms import Blind
from tansiq.engine.blind import batches

COST_OF: Final = 128
"""Elements that one question of the budget may have."""


def cost_of(elements: int) -> int:
    """What a batch of so many elements takes of the budget: one for a person, more for a list."""
    return -(-elements // COST_OF)


def cost_of_keys(count: int) -> int:
    """What a question of ``count`` keys will take once it is filled up; nothing if there is nothing to ask."""
    return cost_of(batches.size_for(count)) if count else 0


def left(limits: Blind, *, spent_today: int, spent_by_officer: int) -> int:
    """What an officer may still spend today, within the partner's budget and within their own."""
    return max(0, min(limits.budget_per_day - spent_today, limits.budget_per_officer - spent_by_officer))


def most_keys(budget: int) -> int:
    """How many keys one batch may hold that costs no more than ``budget``: a size of batches, 0 if none."""
    if budget <= 0:
        return 0
    size = batches.SMALLEST
    while size < batches.LARGEST_STEP and cost_of(size * 2) <= budget:
        size *= 2
    return size
