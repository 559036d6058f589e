"""Plans of two nodes that meet, in both directions: what is asked, what is told, what is kept, and what goes wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from tansiq.engine.blind import oprf
from tansiq.engine.blind.keys import record_keys
from tansiq.engine.blind.oprf import Mode
from tansiq.engine.dossiers.entries import Part
from tansiq.engine.errors import Conflict as Contradicted
from tansiq.engine.errors import Refused, Rejected
from tansiq.engine.formats.ids import b64encode
from tansiq.engine.formats.times import format_time
from tansiq.node.audit.models import Event
from tansiq.node.deconfliction import queries
from tansiq.node.deconfliction.models import Conflict, InboundPlanQuery, Plan, PlanQuery
from tansiq.node.desk.queries import list_for
from tansiq.node.flows import plan_asking, plan_holding, planning
from tests.node.plans import CONTACT, PARIS, PERSON, TANGIER, at_utc, entered, plan, planner, tonight
from tests.node.world import World, leaves_nothing, narrative


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


# -- asking ---------------------------------------------------------------------------------------------------------------


def test_a_plan_in_a_district_meets_whatever_lies_in_it_and_a_district_is_never_called_close(world: World) -> None:
    ma = planner(world)
    ma.plans_at([2.38, 48.87], hour=12, buffer_m=4000, is_district=True)
    mine = plan(world, buffer_m=300)
    ma.answers()
    assert Conflict.objects.get().levels == ["district"]
    assert states(mine) == ["conflict"]
    other = plan(world, [2.37, 48.86], is_district=True, buffer_m=3000)
    assert [q["level"] for q in ma.far.items("plan_query")][-1] == "fine"
    ma.answers()
    assert [q["level"] for q in ma.far.items("plan_query")][-1] == "coarse"
    assert Conflict.objects.get(plan=other, partner="ma").levels == ["district"]


def test_plans_about_the_same_man_meet_wherever_they_are(world: World) -> None:
    ma = planner(world)
    ma.subjects = [key for listed in record_keys(["سمير الطالبي"], ["1984-03-17"]).values() for key in listed]
    ma.plans_at(TANGIER)
    plan(world, subjects=[PERSON])
    ma.answers()
    conflict = Conflict.objects.get()
    assert (conflict.levels, conflict.begins_at) == (["subject"], None)
    assert "Talbi" not in str([entry.to_wire() for entry in ma.far.dossiers[conflict.dossier_id].entries.values()])


def test_a_moving_surveillance_is_met_where_it_is_at_the_time(world: World) -> None:
    ma = planner(world)
    begins = world.now + timedelta(hours=11)
    times = [(begins + timedelta(hours=n)).isoformat() for n in range(3)]
    route = {"type": "LineString", "coordinates": [[2.35, 48.85], [2.75, 48.85], [3.15, 48.85]]}
    ma.plans_at([2.36, 48.85], name="at its start", hour=15, hours=1, buffer_m=100)
    moving = plan(world, kind="surveillance", geometry=route, times=times, buffer_m=300)
    ma.answers()
    assert states(moving) == ["near"] or states(moving) == ["clear"]
    ma.plans_at([2.36, 48.85], name="while it passes", hour=11, hours=1, buffer_m=100)
    again = plan(world, kind="surveillance", geometry=route, times=times, buffer_m=300)
    ma.answers()
    assert states(again) == ["conflict"]


def test_local_times_of_a_night_when_the_clocks_change_are_asked_as_instants(world: World) -> None:
    ma = planner(world)
    second_half_past_two = at_utc("2027-10-31T01:30:00+00:00")  # in Paris it comes twice
    ma.plans_at(PARIS, hour=(second_half_past_two - world.now) / timedelta(hours=1), hours=0.25)
    first = plan(world, **{"from": "2027-10-31T02:20:00+02:00", "to": "2027-10-31T02:40:00+02:00"})
    second = plan(world, **{"from": "2027-10-31T02:20:00+01:00", "to": "2027-10-31T02:40:00+01:00"})
    ma.answers()
    assert states(first) == ["near"]
    assert states(second) == ["conflict"]


def test_three_parties_are_told_in_pairs(world: World) -> None:
    ma, it = planner(world), planner(world, "it")
    for one in (ma, it):
        one.plans_at([2.355, 48.857])
    mine = plan(world)
    ma.answers()
    it.answers()
    assert {c.partner for c in Conflict.objects.filter(plan=mine)} == {"ma", "it"}
    assert len(ma.dossiers) == len(it.dossiers) == 1
    assert ma.dossiers != it.dossiers
    assert {*ma.far.dossiers[ma.dossiers[0]].opening.participants} == {"fr", "ma"}


def test_two_units_of_one_authority_get_a_task_each_and_no_partner_hears_of_it(world: World) -> None:
    ma = planner(world)
    mine = plan(world)
    theirs = plan(world, [2.357, 48.858], officer="stranger", reference="Surveillance Quai")
    ma.answers()
    assert ma.dossiers == []
    assert [tasks(world, name, "plan_conflict_here") for name in ("liaison", "stranger")] == [
        ["desk.plan_conflict_here"]
    ] * 2
    (conflict,) = queries.conflicts_for(world.officer("liaison"))
    told = planning.contact_of_other(world.officer("liaison"), conflict)
    assert told == {"unit": "borders", "name": CONTACT["name"], "phone": CONTACT["phone"], "email": ""}
    assert planning.contact_of_other(world.officer("stranger"), conflict) == {}
    with pytest.raises(Rejected, match="reason_needed"):
        planning.settle_local(
            world.officer("liaison"), str(conflict.conflict_id), outcome="joint", reason=" ", now=world.now
        )
    planning.settle_local(
        world.officer("liaison"), str(conflict.conflict_id), outcome="joint", reason="Même cible", now=world.now
    )
    assert {c.outcome for c in Conflict.objects.all()} == {"joint"}
    assert tasks(world, "stranger", "plan_conflict_here") == []
    planning.move(world.officer("stranger"), str(theirs.plan_id), entered(world, TANGIER), now=world.now)
    assert queries.open_conflicts(mine) == []


# -- what moves -----------------------------------------------------------------------------------------------------------


def test_a_plan_that_is_moved_away_ends_its_conflict_and_one_that_comes_near_begins_it(world: World) -> None:
    ma = planner(world)
    ma.plans_at([2.36, 48.86])
    mine = plan(world)
    ma.answers()
    (dossier,) = ma.dossiers
    planning.move(world.officer("liaison"), str(mine.plan_id), entered(world, TANGIER), now=world.later(minutes=5))
    assert Conflict.objects.get().state == Conflict.OPEN
    ma.answers()
    (withdrawn,) = ma.far.dossiers[dossier].of("withdraw")
    assert withdrawn.header.codes["ground"] == "moved"
    assert Conflict.objects.get().state == Conflict.ENDED
    assert tasks(world, "liaison", "plan_conflict") == []
    planning.move(world.officer("liaison"), str(mine.plan_id), entered(world), now=world.later(minutes=5))
    ma.answers()
    assert len(ma.dossiers) == 2
    assert states(mine) == ["conflict"]


def test_a_plan_that_is_moved_and_still_meets_brings_the_dossier_up_to_date(world: World) -> None:
    ma = planner(world)
    ma.plans_at([2.36, 48.86], hours=6)
    mine = plan(world)
    ma.answers()
    before = Conflict.objects.get()
    later = entered(world, **tonight(world, 14, 2))
    planning.move(world.officer("liaison"), str(mine.plan_id), later, now=world.later(minutes=5))
    ma.answers()
    after = Conflict.objects.get()
    assert after.pk == before.pk
    assert before.begins_at is not None
    assert after.begins_at is not None
    assert after.begins_at > before.begins_at
    assert len(ma.far.dossiers[after.dossier_id].of("update")) == 1


def test_an_answer_for_where_the_plan_was_before_is_left_aside(world: World) -> None:
    ma = planner(world)
    ma.plans_at(PARIS)
    mine = plan(world)
    world.settle()
    (stale,) = ma.unanswered()
    planning.move(world.officer("liaison"), str(mine.plan_id), entered(world, TANGIER), now=world.later(minutes=5))
    world.settle()
    world.arrive(ma.far, ma.answer_to(stale))
    assert (PlanQuery.objects.get(query_id=stale["query"]).state, states(mine)) == ("outdated", ["waiting"])
    ma.answered += 1
    ma.answers()
    assert (states(mine), ma.dossiers) == (["clear"], [])


def test_a_plan_that_is_cancelled_leaves_nothing_at_partners_but_what_was_counted(world: World) -> None:
    ma = planner(world)
    mine = plan(world)
    ma.answers()
    came = len(ma.far.came)
    planning.cancel(world.officer("liaison"), str(mine.plan_id), now=world.later(minutes=5))
    world.settle()
    assert len(ma.far.came) == came
    assert {item.type for item in ma.far.came if item.type.startswith("plan")} == {"plan_query"}
    assert not any(word in str(ma.far.items("plan_query")) for word in ("Lanterne", "2.35", "tsc1", CONTACT["phone"]))
    row = PlanQuery.objects.get()
    assert (row.kept, row.met, row.marks) == (None, None, None)


def test_a_partner_who_met_a_plan_hears_that_it_was_cancelled(world: World) -> None:
    ma = planner(world)
    ma.plans_at(PARIS)
    mine = plan(world)
    ma.answers()
    with pytest.raises(Refused, match="conflict_open"):
        planning.finish(world.officer("liaison"), str(mine.plan_id), now=world.now)
    planning.cancel(world.officer("liaison"), str(mine.plan_id), now=world.now)
    world.settle()
    (withdrawn,) = ma.far.dossiers[ma.dossiers[0]].of("withdraw")
    assert withdrawn.header.codes["ground"] == "cancelled"
    with pytest.raises(Contradicted, match=r"plan\.over"):
        planning.move(world.officer("liaison"), str(mine.plan_id), entered(world), now=world.now)


# -- being asked ----------------------------------------------------------------------------------------------------------


def test_a_partner_finds_our_plan_and_both_units_have_it_at_once_with_a_telephone_each(world: World) -> None:
    ma = planner(world)
    mine = plan(world, officer="stranger")
    ma.answers()
    ma.plans_at([2.355, 48.857], hour=12)
    query, hits = ma.finds()
    assert hits
    dossier = ma.opens(query, hits)
    (received,) = ma.far.dossiers[dossier].of("received")
    assert [s.part.content["phone"] for s in received.parts if s] == [CONTACT["phone"]]
    conflict = Conflict.objects.get()
    assert (conflict.plan_id, conflict.partner, conflict.is_own, conflict.levels) == (
        mine.plan_id,
        "ma",
        False,
        ["close"],
    )
    assert tasks(world, "stranger", "plan_conflict") == ["desk.plan_conflict"]
    assert tasks(world, "liaison", "plan_conflict") == []
    assert [c.pk for c in queries.conflicts_of_dossier(world.officer("stranger"), dossier)] == [conflict.pk]


def test_what_is_kept_of_a_question_is_who_how_much_and_when_whether_it_hit_or_not(world: World) -> None:
    ma = planner(world)
    plan(world)
    ma.answers()
    ma.plans_at(PARIS, name="near")
    ma.plans_at(TANGIER, name="far", hours=4)
    hit = ma.ask("coarse", ma.plans["near"].coarse)
    miss = ma.ask("coarse", ma.plans["far"].coarse)
    assert isinstance(hit, tuple)
    assert isinstance(miss, tuple)
    assert hit[1]
    assert not miss[1]
    one, two = InboundPlanQuery.objects.order_by("received_at", "pk")
    known = ("level", "outcome", "code", "elements", "cost", "asked_by", "bucket_bits")
    assert [getattr(one, name) for name in known] == [getattr(two, name) for name in known]
    told = [e.told["facts"] for e in Event.objects.filter(event="plan.answered_for").order_by("pk")]
    assert told[0].keys() == told[1].keys()
    sizes = {len(answer["filter"]) for answer in ma.far.items("plan_answer")}
    assert len(sizes) == 1
    listed = list(queries.asked_of_us(world.officer("auditor")))
    assert {(row.partner, row.cost) for row in listed} == {("ma", 16 * 196)}


def test_what_the_partner_gets_shows_no_cell_and_only_what_it_may_hit(world: World) -> None:
    ma, it = planner(world), planner(world, "it")
    held_back = {"leave_out": ["it"], "reason": "Fuite présumée"}
    plan(world, **held_back)
    for one in (ma, it):
        one.answers()
        one.plans_at(PARIS)
    assert not it.far.items("plan_query")
    found, nothing = ma.ask("coarse", ma.plans["one"].coarse), it.ask("coarse", it.plans["one"].coarse)
    assert isinstance(found, tuple)
    assert isinstance(nothing, tuple)
    assert found[1]
    assert not nothing[1]
    assert "tsc1" not in str(ma.far.items("plan_answer"))


def test_the_same_question_again_is_answered_once_and_costs_once(world: World) -> None:
    ma = planner(world)
    ma.plans_at(PARIS)
    item, _, _ = ma.question("coarse", ma.plans["one"].coarse)
    world.arrive(ma.far, item)
    world.settle()
    with leaves_nothing(
        but=("audit.Event", "audit.Tree", "exchange.InEnvelope", "exchange.Link", "jobs.Job", "partners.Partner")
    ):
        world.arrive(ma.far, item)
        world.work()
    assert len(ma.far.items("plan_answer")) == 1
    assert queries.spent_by("ma", world.now) == 16 * 196


def test_a_fine_question_goes_into_a_coarse_one_once_and_within_a_day(world: World) -> None:
    ma = planner(world)
    ma.plans_at(PARIS)
    fine = ma.plans["one"].fine
    coarse = ma.ask("coarse", ma.plans["one"].coarse)
    assert isinstance(coarse, tuple)
    assert ma.ask("fine", fine, follows="00000000-0000-4000-8000-000000000000") == "plan.fine_without_coarse"
    assert isinstance(ma.ask("fine", fine, follows=coarse[0]), tuple)
    assert ma.ask("fine", fine, follows=coarse[0]) == "plan.fine_without_coarse"
    late = ma.ask("coarse", ma.plans["one"].coarse)
    assert isinstance(late, tuple)
    world.later(hours=25)
    assert ma.ask("fine", fine, follows=late[0]) == "plan.fine_without_coarse"


def test_the_budget_ends_and_everybody_is_told_before_what_it_could_have_scanned(world: World) -> None:
    ma = planner(world, cells_per_day=4 * 16 * 196)
    ma.plans_at(PARIS)
    told = [ma.ask("coarse", ma.plans["one"].coarse) for _ in range(5)]
    assert [isinstance(one, tuple) for one in told] == [True] * 4 + [False]
    assert told[4] == "decide.cell_budget_spent"
    assert tasks(world, "dpo", "plan_alarm") == ["desk.plan_alarm"]
    world.later(days=1)
    assert isinstance(ma.ask("coarse", ma.plans["one"].coarse), tuple)


MALFORMED = [
    ({"query": "no id"}, "/query"),
    ({"level": "finest"}, "/level"),
    ({"asked_by": "x" * 65}, "/asked_by"),
    ({"level": "fine"}, "/follows"),
    ({"elements": b64encode(bytes(31))}, "/elements"),
    ({"elements": b64encode(bytes(32 * 17))}, "/elements"),
    ({"elements": b64encode(bytes(32 * 1024))}, "/elements"),
    ({"elements": b64encode(bytes(32 * 16))}, "/elements/0"),
]


def test_a_malformed_question_is_noted_and_nothing_is_kept(world: World) -> None:
    ma = planner(world)
    ma.plans_at(PARIS)
    for changed, at in MALFORMED:
        item, _, content = ma.question("coarse", ma.plans["one"].coarse, **changed)
        with pytest.raises(Rejected) as caught:
            plan_holding.take_question("ma", content, world.now)
        assert caught.value.facts["at"] == at
        world.arrive(ma.far, item)
    assert not InboundPlanQuery.objects.exists()
    assert Event.objects.filter(event="item.refused").count() == len(MALFORMED)


def test_without_a_budget_in_the_accord_nobody_asks_and_the_officer_sees_why(world: World) -> None:
    ma = planner(world, cells_per_day=0)
    ma.plans_at(PARIS)
    mine = plan(world)
    assert (mine.partners, ma.answers()) == ([], 0)
    assert ma.ask("coarse", ma.plans["one"].coarse) == "decide.plans_not_covered"
    preview = planning.consider(world.officer("liaison"), entered(world), now=world.now)
    assert (preview.costs, preview.refused) == ({}, {})


def test_our_own_budget_ends_with_the_clause_and_a_task_to_use_the_telephone(world: World) -> None:
    ma = planner(world, cells_per_day=16 * 196)
    first, second = plan(world), plan(world, TANGIER)
    assert ma.answers() == 1
    (told,) = queries.asked_for(second)
    assert (told.state, told.code, told.clause) == ("refused", "decide.cell_budget_spent", "blind")
    assert states(first) == ["clear"]
    assert tasks(world, "liaison", "plan_not_asked") == ["desk.plan_not_asked"]
    world.later(hours=15)
    planning.move(world.officer("liaison"), str(second.plan_id), entered(world, TANGIER), now=world.now)
    assert tasks(world, "liaison", "plan_not_asked") == []
    assert ma.answers() == 1


# -- what goes wrong ------------------------------------------------------------------------------------------------------


WORTHLESS = [
    ({"proof": b64encode(bytes(64))}, "blind.proof_invalid"),
    ({"public": b64encode(oprf.derive_key_pair(bytes(32), b"x", mode=Mode.VOPRF).public)}, "blind.proof_invalid"),
    ({"filter": b64encode(b"TSQF")}, "blind.filter_malformed"),
    ({"elements": b64encode(bytes(32))}, "blind.batch_mismatch"),
    ({"code": "decide.cell_budget_spent"}, "decide.cell_budget_spent"),
]


def test_an_answer_that_is_worth_nothing_is_never_taken_for_no_conflict(world: World) -> None:
    ma = planner(world)
    ma.plans_at(PARIS)
    mine = plan(world)
    for changed, code in WORTHLESS:
        ma.answers(**changed)
        (told,) = queries.asked_for(mine)
        assert (told.state, told.code) == ("refused", code)
        assert tasks(world, "liaison", "plan_not_asked") == ["desk.plan_not_asked"]
        planning.check(world.officer("liaison"), str(mine.plan_id), now=world.later(minutes=1))
        assert tasks(world, "liaison", "plan_not_asked") == []
    ma.answers()
    assert states(mine) == ["conflict"]


def test_an_answer_to_what_was_never_asked_or_asked_of_another_is_refused(world: World) -> None:
    ma, it = planner(world), planner(world, "it")
    plan(world, leave_out=["it"], reason="Fuite présumée")
    world.settle()
    (question,) = ma.unanswered()
    world.arrive(it.far, it.answer_to(question))
    assert PlanQuery.objects.get().state == PlanQuery.WAITING
    assert Event.objects.filter(event="item.refused").count() == 1
    with pytest.raises(Rejected, match=r"plan\.not_asked"):
        plan_asking.take_answer("it", it.answer_to(question).content, world.now)


def test_an_answer_that_comes_twice_changes_nothing(world: World) -> None:
    ma = planner(world)
    ma.plans_at(PARIS)
    plan(world)
    ma.answers()
    first = ma.far.items("plan_query")[0]
    ma.plans.clear()
    with leaves_nothing(
        but=("audit.Event", "audit.Tree", "exchange.InEnvelope", "exchange.Link", "jobs.Job", "partners.Partner")
    ):
        world.arrive(ma.far, ma.answer_to(first))
    assert Conflict.objects.get().state == Conflict.OPEN


def test_a_partner_that_is_down_is_one_to_call_and_its_answer_is_taken_when_it_comes(world: World) -> None:
    ma = planner(world)
    ma.plans_at(PARIS)
    ma.far.is_down = True
    mine = plan(world)
    world.settle()
    assert states(mine) == ["waiting"]
    world.later(minutes=16)
    world.settle()
    assert tasks(world, "liaison", "plan_unanswered") == ["desk.plan_unanswered"]
    ma.far.is_down = False
    world.later(minutes=16)
    ma.answers()
    assert states(mine) == ["conflict"]
    assert tasks(world, "liaison", "plan_unanswered") == []


def test_the_questions_go_on_from_their_rows_wherever_the_work_was_killed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ma = planner(world)
    ma.plans_at(PARIS)
    real, calls = plan_asking.actions.ask, iter(range(100))

    def dying(*given: Any) -> Any:
        row = real(*given)
        if next(calls) in (0, 2):
            raise MemoryError
        return row

    monkeypatch.setattr(plan_asking.actions, "ask", dying)
    with pytest.raises(MemoryError):
        plan(world)
    mine = Plan.objects.get()
    assert not PlanQuery.objects.exists()
    for _ in range(6):
        ma.answers()
        world.later(minutes=6)
    assert states(mine) == ["conflict"]
    assert len(ma.dossiers) == 1
    assert [q["level"] for q in ma.far.items("plan_query")] == ["coarse", "fine"]


def test_both_find_each_other_at_once_and_one_dossier_stays(world: World) -> None:
    ma = planner(world)
    ma.plans_at([2.355, 48.857])
    plan(world)
    world.settle()
    query, hits = ma.finds()
    ma.answers()
    (ours,) = ma.dossiers
    theirs = ma.opens(query, hits)
    world.settle()
    stays = min(ours, theirs)
    assert {c.dossier_id for c in Conflict.objects.filter(state=Conflict.OPEN)} <= {ours, theirs}
    if stays == theirs:
        assert ma.far.dossiers[ours].of("withdraw")[0].header.codes["ground"] == "same_conflict"
        assert [c.dossier_id for c in Conflict.objects.filter(state=Conflict.OPEN)] == [theirs]
    else:
        ma.far.act(theirs, "withdraw", world.now, codes={"ground": "same_conflict"}, clause="rule", keep=True)
        world.arrive(ma.far, ma.far.dossiers[theirs].of("withdraw")[0])
        world.settle()
        assert [c.dossier_id for c in Conflict.objects.filter(state=Conflict.OPEN)] == [ours]


@pytest.mark.parametrize("ground", ["moved_or_ended", "marks_unknown"])
def test_a_dossier_about_nothing_here_is_ended_at_once_and_says_why(world: World, ground: str) -> None:
    ma = planner(world)
    mine = plan(world)
    ma.answers()
    ma.plans_at(PARIS)
    query, hits = ma.finds()
    if ground == "moved_or_ended":
        planning.cancel(world.officer("liaison"), str(mine.plan_id), now=world.now)
    else:
        world.later(days=31)
        planning.tidy(world.now)
        world.later(days=-31)
    dossier = ma.opens(query, hits)
    (ended,) = ma.far.dossiers[dossier].of("not_met")
    assert ended.header.codes["ground"] == ground
    assert not Conflict.objects.exists()


def test_a_dossier_with_a_third_reader_is_not_taken_in(world: World) -> None:
    ma = planner(world)
    world.partner("tn")
    entry = ma.far.open(
        "deconfliction",
        ["fr", "tn"],
        world.now,
        codes={
            "levels": ["subject"],
            "acknowledge_by": format_time(world.now),
            "resolve_by": format_time(world.now),
        },
        parts=(
            Part("contact_point", {"name": "x", "phone": "+212"}),
            Part("plan_marks", {"query": "00000000-0000-4000-8000-000000000000", "marks": ["0" * 16]}),
        ),
        accord=ma.accord,
        accord_version=world.version(ma.accord),
    )
    world.arrive(ma.far, entry)
    refused = [e.told["facts"]["code"] for e in Event.objects.filter(event="item.refused")]
    assert refused == ["deconfliction.only_two"]


# -- the dossier ----------------------------------------------------------------------------------------------------------


def test_from_the_telephone_to_a_reasoned_outcome(world: World) -> None:
    ma = planner(world)
    ma.plans_at(PARIS)
    plan(world)
    ma.answers()
    (dossier,) = ma.dossiers
    world.act("liaison", "deconfliction", "acknowledge", dossier)
    assert tasks(world, "liaison", "plan_conflict") == []
    world.act("liaison", "deconfliction", "consent", dossier)
    with pytest.raises(Refused, match="not_now"):
        world.act("liaison", "deconfliction", "disclose", dossier, parts=(narrative("facts"),))
    world.settle()
    world.arrive(ma.far, ma.far.act(dossier, "consent", world.now))
    world.act("liaison", "deconfliction", "disclose", dossier, parts=(narrative("facts", "Livraison à 21 h."),))
    proposal = world.act(
        "liaison", "deconfliction", "propose", dossier, codes={"outcome": "joint"}, parts=(narrative("reason"),)
    )
    world.settle()
    agreed = {"proposal": proposal.entry_id, "outcome": "joint"}
    world.arrive(ma.far, ma.far.act(dossier, "agree", world.now, codes=agreed))
    conflict = Conflict.objects.get()
    assert (conflict.state, conflict.outcome) == (Conflict.RESOLVED, "joint")
    world.later(hours=24)
    world.settle()
    assert tasks(world, "boss", "plan_escalated") == []


def test_what_nobody_acknowledges_or_resolves_goes_to_the_supervisors(world: World) -> None:
    ma = planner(world)
    ma.plans_at(PARIS)
    plan(world)
    ma.answers()
    world.later(minutes=31)
    world.settle()
    assert tasks(world, "boss", "plan_escalated") == ["desk.plan_conflict_unseen"]
    assert tasks(world, "liaison", "plan_unacknowledged") == ["desk.plan_unacknowledged"]
    assert tasks(world, "stranger", "plan_escalated", "plan_unacknowledged") == []
    world.arrive(ma.far, ma.far.act(ma.dossiers[0], "acknowledge", world.now))
    assert tasks(world, "liaison", "plan_unacknowledged") == []
    world.later(hours=11)
    world.settle()
    assert tasks(world, "boss", "plan_escalated") == ["desk.plan_conflict_unresolved", "desk.plan_conflict_unseen"]


def test_an_accord_that_knows_no_such_dossier_leaves_the_telephone(world: World) -> None:
    ma = planner(world)
    ma.plans_at(PARIS)
    plan(world)
    world.settle()
    world.act("boss", "accord", "suspend", ma.accord)
    world.settle()
    ma.answers()
    assert ma.dossiers == []
    assert "desk.plan_not_asked" in tasks(world, "liaison") or "desk.plan_not_told" in tasks(world, "liaison")


# -- exceptions and figures -----------------------------------------------------------------------------------------------


def test_whoever_leaves_a_partner_out_needs_another_ones_written_reason(world: World) -> None:
    ma = planner(world)
    with pytest.raises(Rejected, match="malformed"):
        entered(world, leave_out=["ma"])
    mine = plan(world, officer="second", leave_out=["ma"], reason="Fuite présumée")
    assert (ma.answers(), states(mine)) == (0, ["held_back"])
    assert tasks(world, "boss", "plan_exception") == ["desk.plan_exception"]
    told = {"granted": True, "reason": "Vu la note 12", "now": world.now}
    with pytest.raises(Rejected, match="not_found"):
        planning.decide_exception(world.officer("liaison"), str(mine.plan_id), **told)
    with pytest.raises(Refused, match="own_exception"):
        planning.decide_exception(world.officer("second"), str(mine.plan_id), **told)
    with pytest.raises(Rejected, match="reason_needed"):
        planning.decide_exception(world.officer("boss"), str(mine.plan_id), granted=True, reason="", now=world.now)
    decided = planning.decide_exception(world.officer("boss"), str(mine.plan_id), **told)
    assert (decided.exception, decided.exception_answer, decided.excepted_by) == (
        "granted",
        "Vu la note 12",
        world.officer("boss").reference,
    )
    assert ma.answers() == 0


def test_an_exception_that_is_refused_has_the_partner_asked_at_once(world: World) -> None:
    ma = planner(world)
    mine = plan(world, leave_out=["ma"], reason="Fuite présumée")
    planning.decide_exception(
        world.officer("boss"), str(mine.plan_id), granted=False, reason="Sans fondement", now=world.now
    )
    assert (ma.answers(), states(mine)) == (1, ["clear"])


def test_the_auditor_sees_what_each_officers_questions_came_to_on_both_sides(world: World) -> None:
    ma = planner(world)
    ma.plans_at(PARIS)
    plan(world)
    plan(world, TANGIER)
    ma.answers()
    ma.finds()
    since = world.now - timedelta(days=1)
    (own,) = queries.hit_ratios(world.officer("auditor"), since=since)
    assert (own.officer, own.questions, own.hits, own.share) == (world.officer("liaison").reference, 2, 1, 0.5)
    (theirs,) = queries.ratios_of_partners(world.officer("auditor"), since=since)
    assert (theirs.officer, theirs.partner, theirs.questions, theirs.hits) == ("officer-7", "ma", 1, 1)
    with pytest.raises(Refused, match=r"account\.role"):
        queries.hit_ratios(world.officer("liaison"), since=since)


def test_a_plan_is_seen_by_its_circle_alone(world: World) -> None:
    planner(world)
    mine = plan(world)
    assert queries.get_plan_for(world.officer("liaison"), str(mine.plan_id)) == mine
    for name in ("stranger", "auditor"):
        with pytest.raises(Rejected, match="not_found"):
            queries.get_plan_for(world.officer(name), str(mine.plan_id))
        assert list(queries.plans_for(world.officer(name))) == []
    with pytest.raises(Refused, match=r"account\.role"):
        plan(world, officer="auditor")
    with pytest.raises(Rejected, match="over_already"):
        plan(world, **tonight(world, hour=-5, hours=1))


def test_nothing_of_a_plan_but_its_kind_and_window_stands_in_clear_in_the_store(world: World) -> None:
    ma = planner(world)
    ma.plans_at(PARIS)
    plan(world, subjects=[PERSON])
    ma.answers()
    shown = ""
    with connection.cursor() as cursor:
        for table in ("plan", "planquery", "inboundplanquery", "conflict"):
            cursor.execute(f"SELECT * FROM deconfliction_{table}")
            shown += "".join(str(bytes(v) if isinstance(v, memoryview) else v) for row in cursor for v in row)
    assert "operation" in shown
    assert not any(word in shown for word in ("Lanterne", "48.85", "tsc1", "tsk1", "Talbi", CONTACT["phone"]))
