"""Linkage: which records of two whole registers are one subject, which records of one register stand twice.

Pure planning and arithmetic; whoever holds the rows (``tansiq.linkage``: DuckDB on one machine, Spark on several) hands
in values and gets scores. The order of work:

1. ``fields``: what the columns are (a name, a date, a text, a code, a category) and the *rules*, that is, which
   agreements make two records worth comparing.
2. ``store``: every distinct value once, folded and read, whatever script it was written in.
3. ``blocks``: records that share a key of a rule, cut into *units* of bounded size; a block that is too large is left
   out and reported.
4. ``levels``: how far two values agree, a small whole number a field.
5. ``model``: what each level says, as log-odds (Fellegi and Sunter 1969), learned from the registers themselves without
   any labelled pair, rare values weighing more.
6. ``choosing``: each record once, or groups of records.

The same values give the same scores wherever they are computed, bit for bit.
"""

from tansiq.engine.matching.linkage.blocks import (
    Keys,
    Unit,
    Units,
    chance_of_both,
    choose_rules,
    make_keys,
    pairs_of,
    plan_units,
)
from tansiq.engine.matching.linkage.choosing import one_to_one, probability, said_of, together
from tansiq.engine.matching.linkage.fields import Field, Kind, Plan, Rule, narrow_rules, read_plan
from tansiq.engine.matching.linkage.model import Model, Sample, rules_of, train
from tansiq.engine.matching.linkage.scoring import Pairs, sample_levels, score_unit
from tansiq.engine.matching.linkage.store import Store, make_store, value_numbers

__all__ = [
    "Field",
    "Keys",
    "Kind",
    "Model",
    "Pairs",
    "Plan",
    "Rule",
    "Sample",
    "Store",
    "Unit",
    "Units",
    "chance_of_both",
    "choose_rules",
    "make_keys",
    "make_store",
    "narrow_rules",
    "one_to_one",
    "pairs_of",
    "plan_units",
    "probability",
    "read_plan",
    "rules_of",
    "said_of",
    "sample_levels",
    "score_unit",
    "together",
    "train",
    "value_numbers",
]
