"""Row, database and index say the same about who may see what."""

from __future__ import annotations

from datetime import datetime
from itertools import product

import pytest

from tansiq.node.register import actions, queries
from tansiq.node.register.models import Discoverability, Subject
from tansiq.node.register.policy import labels_for, labels_of, labels_of_others, may_see, visible_to
from tests.node.register.officers import CONTENT, Somebody, officer

ROLES = [
    "liaison",
    "analyst",
    "prosecutor",
    "duty",
    "approver",
    "programme",
    "data_protection",
    "auditor",
    "administrator",
]
CIRCLES = ["", "unit:a", "unit:b", "team:c"]
OFFICERS = [
    officer(n, *roles, circles=circles)
    for n, (roles, circles) in enumerate(
        product(
            [(), *((role,) for role in ROLES), ("administrator", "analyst")], [(), ("unit:a",), ("unit:b", "team:c")]
        )
    )
]


@pytest.mark.django_db
def test_the_three_ways_to_ask_agree(now: datetime) -> None:
    maker = officer(999, "analyst", circles=tuple(CIRCLES[1:]))
    for circle, reach in product(CIRCLES, Discoverability.values):
        actions.add_subject(maker, CONTENT, circle=circle, discoverability=reach, now=now)
    rows = list(Subject.objects.all())
    rows[0].delisted_at = now
    rows[0].save()
    for who in OFFICERS:
        by_row = {row.pk for row in rows if may_see(who, row)}
        assert by_row == set(Subject.objects.filter(visible_to(who)).values_list("pk", flat=True))
        both = labels_for(who, is_former_wanted=True)
        assert by_row == {row.pk for row in rows if both.see(labels_of(row))}
        current = labels_for(who)
        assert by_row - {rows[0].pk} == {row.pk for row in rows if current.see(labels_of(row))}


@pytest.mark.parametrize("role", ["administrator", "auditor", "programme"])
def test_who_needs_no_case_sees_none(role: str) -> None:
    who: Somebody = officer(1, role, circles=("unit:a",))
    assert labels_for(who, is_former_wanted=True).allowed == frozenset()


@pytest.mark.django_db
def test_others_find_only_what_is_discoverable(now: datetime) -> None:
    maker = officer(1, "analyst", circles=("unit:a",))
    for reach in Discoverability.values:
        actions.add_subject(maker, CONTENT, circle="unit:a", discoverability=reach, now=now)
    found = [
        row.discoverability for row in Subject.objects.all() if labels_of_others("contact", "hit").see(labels_of(row))
    ]
    assert sorted(found) == ["contact", "hit"]
    assert queries.count_for(officer(2, "analyst")) == 0
