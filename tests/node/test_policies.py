"""``may_see`` about a row in hand and ``visible_to`` about the table say the same: plans, meetings of plans, tasks, data-subject requests."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tansiq.node.deconfliction import policy as plans
from tansiq.node.deconfliction import queries as planned
from tansiq.node.deconfliction.models import Conflict, Plan
from tansiq.node.desk import policy as tasks
from tansiq.node.desk import queries as desk
from tansiq.node.desk.models import NEVER, Task
from tansiq.node.rights import policy as rights
from tansiq.node.rights.models import Claim
from tests.node.conftest import NOW
from tests.node.dossiers.test_policy import CIRCLES, Somebody, officers
from tests.node.world import rolled_back

pytestmark = pytest.mark.django_db
OTHER = "11111111-1111-4111-8111-111111111111"


def _plan(circle: str) -> Plan:
    return Plan.objects.create(
        plan_id=uuid4(),
        officer="x",
        circle=circle,
        kind="search",
        reference="r",
        place={},
        begins_at=NOW,
        ends_at=NOW + timedelta(hours=1),
        before_s=0,
        after_s=0,
        subjects=[],
        contact={},
        created_at=NOW,
        changed_at=NOW,
    )


@given(officer=officers, circles=st.lists(st.sampled_from(CIRCLES), max_size=5))
@settings(max_examples=50)
def test_plans_and_what_they_meet(officer: Somebody, circles: list[str]) -> None:
    with rolled_back():
        made = [_plan(circle) for circle in circles]
        allowed = {row.pk for row in made if plans.may_see(officer, row)}
        assert {row.pk for row in Plan.objects.filter(plans.visible_to(officer))} == allowed
        assert {row.pk for row in planned.plans_for(officer)} == allowed


owners = st.sampled_from(["", Somebody().reference, OTHER])


@given(
    officer=officers,
    rows=st.lists(st.tuples(st.sampled_from(CIRCLES), owners, owners), max_size=6),
)
@settings(max_examples=80)
def test_tasks(officer: Somebody, rows: list[tuple[str, str, str]]) -> None:
    with rolled_back():
        for number, (circle, owner, taken_by) in enumerate(rows):
            Task.objects.create(
                kind="entry",
                key=f"k{number}",
                title_code="desk.entry",
                facts={},
                circle=circle,
                owner=owner,
                taken_by=taken_by,
                sorts_at=NEVER,
                created_at=NOW,
                changed_at=NOW,
            )
        allowed = {row.key for row in Task.objects.all() if tasks.may_see(officer, row)}
        everything = desk.list_for(officer, now=NOW, limit=50, colleagues=True, snoozed=True)
        assert {row.key for row in everything.tasks} == allowed
        mine = {row.key for row in Task.objects.all() if row.key in allowed and _deals(officer, row)}
        assert {row.key for row in desk.list_for(officer, now=NOW, limit=50, snoozed=True).tasks} == mine
        assert desk.counts_for(officer, now=NOW).total == len(mine), "a count tells of nothing that is not shown"


def _deals(officer: Somebody, row: Task) -> bool:
    return row.taken_by == officer.reference or (not row.taken_by and row.owner in ("", officer.reference))


@given(officer=officers, count=st.integers(0, 3))
@settings(max_examples=30)
def test_data_subject_requests(officer: Somebody, count: int) -> None:
    with rolled_back():
        for _ in range(count):
            Claim.objects.create(right="access", channel="letter", told={}, received_at=NOW, due_at=NOW, created_by="x")
        allowed = {row.pk for row in Claim.objects.all() if rights.may_see(officer, row)}
        assert {row.pk for row in Claim.objects.filter(rights.visible_to(officer))} == allowed
        assert Conflict.objects.filter(plans.visible_to(officer, through="plan__")).count() == 0
