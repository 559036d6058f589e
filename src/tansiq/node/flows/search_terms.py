"""What open and blind questions share: under which accord two nodes ask each other, and how a question's codes are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tansiq.engine.accords.decide import AccordInForce, Question, decide
from tansiq.engine.accords.terms import Blind, Terms
from tansiq.engine.blind.keys import FAMILIES
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.strict_json import JsonValue
from tansiq.node.flows import exercises
from tansiq.node.partners import queries as partners

WORD = re.compile(r"[A-Za-z0-9_.-]{1,60}")


def accord_between(one: str, other: str, *, is_blind: bool = False) -> AccordInForce | None:
    """The most special accord between the two that lets one search (blindly) at the other at all, else the most special one."""
    return _accord_that(
        one, other, lambda terms: bool(terms.blind.families) if is_blind else terms.search.mode != "none"
    )


def _accord_that(one: str, other: str, permits: Callable[[Terms], bool]) -> AccordInForce | None:
    first = None
    for row in partners.accords_among([one, other]):
        accord = partners.accord_in_force(row.accord_id)
        if accord is None or not exercises.may_found(row.accord_id, exercise=exercises.node_is_exercise()):
            continue
        accord = accord.among([one, other])
        first = first or accord
        if accord.terms and permits(accord.terms):
            return accord
    return first


def accord_for_plans(one: str, other: str) -> AccordInForce | None:
    """The most special accord between the two that gives a budget for questions about plans, else the most special one."""
    return _accord_that(one, other, lambda terms: terms.blind.cells_per_day > 0)


def query_of(asker: str, holder: str, purpose: str | None = None, crime_area: str = "", **more: Any) -> Question:
    """What ``decide`` is asked about a question of ``asker`` to ``holder``, open or blind, on either side."""
    return Question(
        act="query",
        kind="request",
        entry_act="query",
        sender=asker,
        recipients=frozenset({holder}),
        purpose=purpose,
        crime_area=crime_area or None,
        discloses="contact",
        **more,
    )


def blind_limits(asker: str, holder: str, now: datetime) -> Blind:
    """What the accord, tightened by both sides' reservations, lets ``asker`` ask ``holder`` blindly; no families if nothing."""
    accord = accord_between(asker, holder, is_blind=True)
    if accord is None:
        return Blind()
    decision = decide(query_of(asker, holder, families=frozenset({"any"})), accord, now=now)
    # Everything else is permitted if nothing is wrong but the family, which no accord names.
    if decision.code != "decide.blind_family_not_covered" or decision.conditions is None:
        return Blind()
    return decision.conditions.blind


def families_between(asker: str, holder: str, now: datetime) -> list[str]:
    """The families of keys under which ``asker`` may ask ``holder`` blindly as the accord stands, strongest first; empty if none."""
    allowed = blind_limits(asker, holder, now).families
    return [family for family in FAMILIES if family in allowed]


def code_of(content: Mapping[str, JsonValue], name: str) -> str:
    """A code of the question by its form; whether it is permitted, and so whether it is known, is for the accord to say."""
    told = content.get(name)
    if not isinstance(told, str) or not WORD.fullmatch(told):
        raise Rejected("item.malformed", at=f"/{name}")
    return told
