"""Plans of two nodes that meet, in both directions: what is asked, what is told, what is kept, and what goes wrong."""

from __future__ import annotations

from datetime import timedelta

from tansiq.node.deconfliction import queries
from tansiq.node.deconfliction.models import Conflict, Plan, PlanQuery
from tansiq.node.desk.queries import list_for
from tests.node.plans import TANGIER, plan, planner
from tests.node.world import World


def tasks(world: World, officer: str, *kinds: str) -> list[str]:
    listed = list_for(world.officer(officer), now=world.now).tasks
    return sorted(t.title_code for t in listed if not kinds or t.kind in kinds)


def states(row: Plan) -> list[str]:
    return [one.state for one in queries.asked_for(Plan.objects.get(pk=row.pk))]


def test_two_plans_that_meet_are_told_to_both_at_once_and_nothing_but_a_window_and_a_telephone(world: World) -> None:
    ma = planner(world)
    ma.plans_at([2.36, 48.86], hour=13)
    mine = plan(world)
    ma.answers()
    (dossier,) = ma.dossiers
    held = ma.far.dossiers[dossier]
    assert held.phase == "met"
    (meet,) = held.of("meet")
    assert [s.part.type for s in meet.parts if s] == ["contact_point", "plan_marks"]
    assert "Lanterne" not in str(meet.to_wire())
    assert "2.35" not in str(meet.to_wire())
    conflict = Conflict.objects.get()
    assert (conflict.plan_id, conflict.partner, conflict.levels, conflict.dossier_id) == (
        mine.plan_id,
        "ma",
        ["close"],
        dossier,
    )
    assert conflict.begins_at is not None
    assert conflict.ends_at is not None
    assert conflict.begins_at <= world.now + timedelta(hours=13) < conflict.ends_at
    assert tasks(world, "liaison", "plan_conflict") == ["desk.plan_conflict"]
    assert states(mine) == ["conflict"]


def test_a_plan_that_meets_nothing_leaves_nothing_but_counts(world: World) -> None:
    ma = planner(world)
    ma.plans_at(TANGIER)
    mine = plan(world)
    assert ma.answers() == 1
    assert (states(mine), ma.dossiers, Conflict.objects.count()) == (["clear"], [], 0)
    assert PlanQuery.objects.get().kept is None


def test_a_coarse_cell_in_common_is_gone_into_and_may_be_nothing(world: World) -> None:
    ma = planner(world)
    ma.plans_at([2.3522, 48.90], hour=11)
    mine = plan(world, buffer_m=200)
    assert ma.answers() == 2
    assert [q["level"] for q in ma.far.items("plan_query")] == ["coarse", "fine"]
    assert ma.far.items("plan_query")[1]["follows"] == ma.far.items("plan_query")[0]["query"]
    assert (states(mine), ma.dossiers) == (["near"], [])
