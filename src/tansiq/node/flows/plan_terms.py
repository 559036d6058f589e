"""What both sides of a question about a plan share: what the accord is asked, and under which families of keys subjects are compared."""

from __future__ import annotations

from datetime import datetime

from tansiq.engine.accords.decide import Decision, Question, decide
from tansiq.engine.blind import cells
from tansiq.node.deconfliction.extents import SUBJECT_FAMILIES
from tansiq.node.flows.search_terms import accord_for_plans, families_between
from tansiq.node.partners import queries as partners

KIND = "deconfliction"
COARSE, FINE, SUBJECT = "coarse", "fine", "subject"
LEVELS = (COARSE, FINE, SUBJECT)
MOST_KEYS = {COARSE: cells.MOST_COARSE, FINE: cells.MOST_FINE + cells.MOST_COARSE, SUBJECT: 1024}
"""Keys that one question of a level may hold."""


def may_ask(asker: str, holder: str, *, cost: int, spent: int, now: datetime) -> Decision:
    """Whether the accord lets ``asker`` put a question about a plan that costs so much, after what was spent today."""
    question = Question(
        act="query",
        kind=KIND,
        entry_act="query",
        sender=asker,
        recipients=frozenset({holder}),
        discloses="contact",
        spent_today=spent,
        cells=cost,
    )
    return decide(question, accord_for_plans(asker, holder), now=now, local=partners.local_rules())


def askable_partners(now: datetime) -> list[str]:
    """The enrolled partners whose accord lets this node ask about plans at all, by node id."""
    me = partners.my_id()
    others = [row.node_id for row in partners.partners() if row.status == row.ENROLLED and not row.is_self]
    return sorted(p for p in others if may_ask(me, p, cost=1, spent=0, now=now).is_permitted)


def subject_families(asker: str, holder: str, now: datetime) -> list[str]:
    """The families under which ``asker`` may be told that plans are about the same subject."""
    return [family for family in families_between(asker, holder, now) if family in SUBJECT_FAMILIES]
