"""Plans on their pages: entered, asked about, met, moved, cancelled; conflicts, exceptions, and what auditors see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tansiq.node.deconfliction.models import Conflict, Plan
from tests.node.plans import CONTACT, PARIS, PERSON, plan, planner
from tests.node.web.test_pages import signed_in, text_of
from tests.node.world import World, leaves_nothing

pytestmark = pytest.mark.django_db


def local(world: World, hour: float) -> str:
    """A time of the form in UTC, which is the zone of these officers."""
    return f"{world.now + timedelta(hours=hour):%Y-%m-%dT%H:%M}"


def form(world: World, **changed: Any) -> dict[str, Any]:
    told = {
        "kind": "operation",
        "reference": "Lanterne",
        "begins": local(world, 11),
        "ends": local(world, 15),
        "shape": "point",
        "points": f"{PARIS[1]}, {PARIS[0]}",
        "before_min": "0",
        "after_min": "0",
        **{f"contact_{name}": value for name, value in CONTACT.items()},
    }
    return told | changed


@pytest.fixture
def liaison(world: World) -> Client:
    return signed_in(world, "liaison")


def test_a_plan_is_entered_and_its_partner_asked(world: World, liaison: Client) -> None:
    ma = planner(world)
    page = text_of(liaison.get("/plans/new/"))
    assert "In your time zone" in page
    answer = liaison.post("/plans/new/", form(world))
    assert answer.status_code == 302, text_of(answer)
    row = Plan.objects.get()
    assert (row.kind, row.contact["phone"], row.place["buffer_m"]) == ("operation", CONTACT["phone"], 1000)
    shown = text_of(liaison.get(answer["Location"]))
    assert "Not asked yet" in shown or "The answer appears here by itself." in shown
    assert 'hx-trigger="every' in liaison.get(answer["Location"]).content.decode()
    ma.answers()
    part = liaison.get(answer["Location"], headers={"hx-request": "true"})
    assert "Nothing of this partner meets the plan." in text_of(part)
    assert "wide cell" in text_of(part)
    assert "hx-get" not in part.content.decode()
    assert "Lanterne" in text_of(liaison.get("/plans/"))


def test_moving_a_plan_keeps_every_subject_with_all_its_numbers(world: World, liaison: Client) -> None:
    planner(world)
    subjects = [
        {
            "names": [f"Person {n}"],
            "birth_dates": ["1980", "1981"],
            "identifiers": [["passport", f"X{n}"], ["phone", "+33612345678"]],
        }
        for n in range(5)
    ]
    row = plan(world, subjects=subjects)
    before = row.subjects
    page = liaison.get(f"/plans/{row.plan_id}/move/")
    assert [one["names"].value() for one in page.context["form"].subjects][:6] == [f"Person {n}" for n in range(5)] + [
        None
    ]
    told = form(world, reference="Moved")
    for one in page.context["form"].subjects:
        told |= {
            f"{one.prefix}-{name}": one[name].value() or "" for name in ("names", "birth_date", "number_kind", "number")
        }
    told["s1-names"] = ""
    told["s1-number"] = ""
    with leaves_nothing(but=("sessions.Session",)):
        more = liaison.post(f"/plans/{row.plan_id}/move/", told | {"do": "rows"})
    assert len(more.context["form"].subjects) == len(page.context["form"].subjects) + 3
    assert "error-summary" not in more.content.decode()
    assert liaison.post(f"/plans/{row.plan_id}/move/", told).status_code == 302
    moved = Plan.objects.get(plan_id=row.plan_id)
    assert moved.subjects == [*before[:1], *before[2:]]


def test_the_list_of_plans_as_a_file_has_no_place_subject_or_telephone(world: World, liaison: Client) -> None:
    planner(world)
    liaison.post("/plans/new/", form(world, reference="=1+1", **{"s0-names": "Somebody"}))
    told = liaison.get("/plans/?form=csv").content.decode()
    assert "'=1+1" in told
    assert not any(word in told for word in ("Somebody", CONTACT["phone"], str(PARIS[0])))


def test_before_a_plan_is_kept_the_page_says_what_each_side_learns(world: World, liaison: Client) -> None:
    planner(world)
    with leaves_nothing(but=("sessions.Session",)):
        answer = liaison.post("/plans/new/", form(world, do="check", s0_names="x"))
    told = text_of(answer)
    assert answer.status_code == 200
    assert "Will be asked It learns that you asked, and how much:" in told
    assert "Not where, not when, not about whom." in told
    assert "both sides are told at once" in told


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"points": ""}, "Enter at least one point"),
        ({"ends": "2020-01-01T00:00"}, "The end lies before the beginning."),
        ({"begins": "tonight"}, "Write a date and a time."),
        ({"contact_phone": ""}, "This is needed: fill it in."),
        ({"times": "21:30\n22:00"}, "Times belong to a route"),
        ({"times": "soon"}, "Write one time a line"),
        ({"shape": "area", "points": "40, 0\n49, 0\n49, 7"}, ""),
    ],
)
def test_what_is_wrong_is_told_at_its_field(world: World, liaison: Client, changed: dict[str, str], said: str) -> None:
    answer = liaison.post("/plans/new/", form(world, **changed))
    assert answer.status_code == 400
    assert said in text_of(answer)
    assert 'class="notice notice-bad error-summary"' in answer.content.decode()
    assert not Plan.objects.exists()


def test_an_hour_that_the_clocks_skip_is_no_time(world: World, liaison: Client) -> None:
    officer = world.officer("liaison")
    officer.time_zone = "Europe/Paris"
    officer.save()
    answer = liaison.post("/plans/new/", form(world, begins="2027-03-28T02:30", ends="2027-03-28T06:00"))
    assert answer.status_code == 400
    assert "2027-03-28 02:30" in text_of(answer)
    assert liaison.post("/plans/new/", form(world, begins="2027-03-28T01:30", ends="2027-03-28T06:00"))["Location"]
    assert f"{Plan.objects.get().begins_at:%H:%M}" == "00:30"


def test_a_route_that_moves_has_a_time_for_each_point(world: World, liaison: Client) -> None:
    start = world.now + timedelta(hours=11)
    times = "\n".join(f"{start + timedelta(hours=n):%H:%M}" for n in range(3))
    points = "48.85, 2.35\n48.90, 2.35\n48.95, 2.40"
    answer = liaison.post("/plans/new/", form(world, shape="route", points=points, times=times, ends=local(world, 16)))
    assert answer.status_code == 302, text_of(answer)
    row = Plan.objects.get()
    assert (row.begins_at, row.ends_at) == (start, start + timedelta(hours=2))
    assert "When it passes each point" in text_of(liaison.get(answer["Location"]))


def test_a_meeting_is_told_on_the_plan_and_on_its_dossier_with_a_telephone_and_nothing_else(
    world: World, liaison: Client
) -> None:
    ma = planner(world)
    ma.plans_at([2.36, 48.86], hour=13)
    mine = plan(world)
    ma.answers()
    conflict = Conflict.objects.get()
    shown = text_of(liaison.get(f"/plans/{mine.plan_id}/"))
    assert "Another plan meets this one" in shown
    assert "To be settled" in text_of(liaison.get("/plans/conflicts/"))
    assert "1 conflict is to be settled" in text_of(liaison.get("/plans/"))
    redirected = liaison.get(f"/plans/conflicts/{conflict.conflict_id}/")
    assert redirected["Location"] == f"/dossiers/{conflict.dossier_id}/"
    answer = liaison.get(redirected["Location"])
    told = text_of(answer)
    assert "Two plans meet" in told
    assert "Near in place and time" in told
    assert f"tel:{CONTACT['phone']}" in answer.content.decode()
    assert "Neither side knows more than this." in told
    assert "nobody has acknowledged it yet" in told
    assert "marks" not in told
    assert 'href="/dossiers/' + conflict.dossier_id + '/acts/consent/"' in answer.content.decode()


def test_a_moved_plan_keeps_what_was_entered_and_is_asked_anew(world: World, liaison: Client) -> None:
    planner(world)
    mine = plan(world, subjects=[PERSON])
    page = liaison.get(f"/plans/{mine.plan_id}/move/").content.decode()
    assert 'value="Opération Lanterne"' in page
    assert "48.856600, 2.352200" in page
    assert "Samir Talbi" in page
    answer = liaison.post(f"/plans/{mine.plan_id}/move/", form(world, points="48.90, 2.40"))
    assert answer.status_code == 302, text_of(answer)
    row = Plan.objects.get()
    assert (row.version, row.place["geometry"]["coordinates"]) == (2, [2.4, 48.9])


def test_a_plan_is_done_or_cancelled_and_offers_nothing_then(world: World, liaison: Client) -> None:
    for word, state in (("finish", "done"), ("cancel", "cancelled")):
        mine = plan(world)
        answer = liaison.post(f"/plans/{mine.plan_id}/{word}/")
        assert answer.status_code == 302, text_of(answer)
        page = liaison.get(answer["Location"])
        assert state in text_of(page)
        assert "/move/" not in page.content.decode()
        assert mine.reference in text_of(liaison.get(f"/plans/?state={state}"))
    assert "No plan fits." in text_of(liaison.get("/plans/"))


def test_two_plans_of_this_node_are_settled_with_a_reason(world: World, liaison: Client) -> None:
    plan(world)
    other = plan(world, reference="Phare")
    conflict = Conflict.objects.filter(plan=other).get()
    page = f"/plans/conflicts/{conflict.conflict_id}/"
    told = text_of(liaison.get(page))
    assert "Two plans of this authority meet" in told
    assert CONTACT["phone"] in told
    wrong = liaison.post(f"{page}settle/", {"outcome": "joint", "reason": ""})
    assert wrong.status_code >= 400
    done = liaison.post(f"{page}settle/", {"outcome": "joint", "reason": "Une seule équipe suffit."})
    assert done.status_code == 302
    settled = text_of(liaison.get(page))
    assert "Act jointly" in settled
    assert "Une seule équipe suffit." in settled
    assert "No plan meets another." in text_of(liaison.get("/plans/conflicts/"))
    assert "Act jointly" in text_of(liaison.get("/plans/conflicts/?state=all"))


def test_a_supervisor_decides_about_who_is_left_out_with_a_reason(world: World, liaison: Client) -> None:
    ma = planner(world)
    missing = liaison.post("/plans/new/", form(world, leave_out=["ma"]))
    assert "Say why: a supervisor decides about it." in text_of(missing)
    answer = liaison.post("/plans/new/", form(world, leave_out=["ma"], reason="Source en danger."))
    assert answer.status_code == 302, text_of(answer)
    assert "A supervisor has yet to decide." in text_of(liaison.get(answer["Location"]))
    assert liaison.get("/plans/exceptions/").status_code == 403
    approver = signed_in(world, "boss")
    page = approver.get("/plans/exceptions/")
    assert "Source en danger." in text_of(page)
    address = f"/plans/exceptions/{Plan.objects.get().plan_id}/"
    assert approver.post(address, {"do": "grant", "reason": ""}).status_code >= 400
    assert approver.post(address, {"do": "grant", "reason": "D’accord jusqu’à demain."}).status_code == 302
    assert "Nothing awaits your decision." in text_of(approver.get("/plans/exceptions/"))
    assert "D’accord jusqu’à demain." in text_of(liaison.get(answer["Location"]))
    assert ma.answers() == 0


def test_what_partners_asked_is_counted_and_never_said(world: World, liaison: Client) -> None:
    ma = planner(world)
    ma.plans_at(PARIS)
    ma.finds()
    told = text_of(liaison.get("/plans/asked/"))
    assert "wide cell" in told
    assert "Answered" in told
    assert "48.8" not in told


def test_auditors_see_how_often_each_officer_hit(world: World, liaison: Client) -> None:
    ma = planner(world)
    ma.plans_at([2.36, 48.86], hour=13)
    plan(world)
    ma.answers()
    assert liaison.get("/audit/plans/").status_code == 403
    told = text_of(signed_in(world, "auditor").get("/audit/plans/"))
    assert str(world.officer("liaison")) in told
    assert "100 %" in told


def test_an_analyst_has_no_plans_in_the_navigation(world: World) -> None:
    world.hire("analyst", "analyst")
    assert 'href="/plans/"' not in signed_in(world, "analyst").get("/").content.decode()
    assert signed_in(world, "analyst").get("/plans/new/").status_code == 403
