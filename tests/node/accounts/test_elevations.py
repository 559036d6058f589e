"""A role lent for a while: a second person's word, everybody's eyes, an end of its own, and never four eyes of one person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.node.accounts import elevations
from tansiq.node.accounts.models import Elevation, Officer
from tansiq.node.accounts.policy import may
from tansiq.node.audit.models import Event
from tansiq.node.desk.models import OPEN, Task
from tansiq.node.flows import leaving
from tests.node.web.test_pages import signed_in
from tests.node.world import World

REASON = "The approving officer cannot be reached and a life depends on it."


@pytest.fixture
def people(world: World) -> World:
    """An officer who needs a role, and two who decide."""
    world.hire("chief", "senior")
    world.hire("admin", "administrator")
    return world


def again(officer: Any) -> Officer:
    """The officer as the next request has them."""
    return Officer.objects.get(pk=officer.pk)


def events() -> list[str]:
    return list(Event.objects.filter(event__startswith="elevation.").order_by("id").values_list("event", flat=True))


def test_a_role_is_lent_by_a_second_person_for_its_time_and_no_longer(people: World, now: datetime) -> None:
    officer, chief = people.officer("liaison"), people.officer("chief")
    assert not may(officer.roles, "approve")
    row = elevations.ask(officer, "approver", minutes=30, reason=REASON, now=now)
    assert not may(again(officer).roles, "approve"), "asked is not granted"
    assert Task.objects.filter(key__startswith=f"elevation/{row.pk}/", state=OPEN).count() == 2
    elevations.decide(chief, row.pk, is_granted=True, now=now)
    assert not Task.objects.filter(key__startswith="elevation/", state=OPEN).exists()
    assert may(again(officer).roles, "approve")
    assert again(officer).own_roles == officer.own_roles, "it is lent and not given"
    now = people.later(minutes=31)
    assert not may(again(officer).roles, "approve"), "over by the clock alone"
    assert elevations.in_force(now) == []
    assert elevations.sweep(now) == 1
    assert elevations.sweep(now) == 0
    assert events() == ["elevation.asked", "elevation.granted", "elevation.ended"]


def test_nobody_lends_a_role_to_themselves_nor_by_a_lent_one(people: World, now: datetime) -> None:
    officer, chief, admin = (people.officer(name) for name in ("liaison", "chief", "admin"))
    own = elevations.ask(chief, "approver", minutes=30, reason=REASON, now=now)
    with pytest.raises(Refused, match=r"account[.]elevation_not_yours"):
        elevations.decide(chief, own.pk, is_granted=True, now=now)
    lent = elevations.ask(officer, "senior", minutes=30, reason=REASON, now=now)
    elevations.decide(admin, lent.pk, is_granted=True, now=now)
    assert "senior" in again(officer).roles
    with pytest.raises(Refused, match=r"account[.]elevation_not_yours"):
        elevations.decide(again(officer), own.pk, is_granted=True, now=now)
    assert elevations.waiting() == [own]


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"role": "liaison"}, "account.elevation_role"),
        ({"role": "king"}, "account.elevation_role"),
        ({"minutes": 721}, "account.elevation_minutes"),
        ({"reason": "because"}, "account.elevation_reason"),
    ],
)
def test_what_cannot_be_asked_leaves_nothing(people: World, now: datetime, told: dict[str, Any], code: str) -> None:
    asked = {"role": "approver", "minutes": 30, "reason": REASON} | told
    with pytest.raises(Rejected, match=code):
        elevations.ask(people.officer("liaison"), asked.pop("role"), now=now, **asked)
    assert not Elevation.objects.exists()
    assert events() == []


def test_one_at_a_time_and_a_decision_is_final(people: World, now: datetime) -> None:
    officer, chief = people.officer("liaison"), people.officer("chief")
    row = elevations.ask(officer, "approver", minutes=30, reason=REASON, now=now)
    with pytest.raises(Conflict, match="elevation_open"):
        elevations.ask(officer, "senior", minutes=30, reason=REASON, now=now)
    elevations.decide(chief, row.pk, is_granted=False, now=now)
    with pytest.raises(Conflict, match="elevation_decided"):
        elevations.decide(chief, row.pk, is_granted=True, now=now)
    assert "approver" not in again(officer).roles
    second = elevations.ask(officer, "senior", minutes=30, reason=REASON, now=now)
    elevations.end(officer, second.pk, now=now)
    elevations.end(officer, second.pk, now=now)
    assert events() == ["elevation.asked", "elevation.refused", "elevation.asked", "elevation.ended"]


def test_a_lent_role_is_seen_by_everybody_and_ended_by_whoever_decides(people: World, now: datetime) -> None:
    officer = people.officer("liaison")
    row = elevations.ask(officer, "approver", minutes=60, reason=REASON, now=now)
    admin = signed_in(people, "admin")
    assert REASON in admin.get("/people/roles/").content.decode()
    assert admin.post(f"/people/roles/{row.pk}/grant/").status_code == 302
    other = signed_in(people, "auditor")
    page = other.get("/people/roles/").content.decode()
    assert 'aria-label="Roles for a while"' in page
    assert str(officer) in other.get("/").content.decode(), "above every page"
    assert REASON not in page, "why is for those who decide"
    assert other.post(f"/people/roles/{row.pk}/end/").status_code == 403
    assert admin.post(f"/people/roles/{row.pk}/end/").status_code == 302
    assert 'aria-label="Roles for a while"' not in other.get("/").content.decode()
    assert "approver" not in again(officer).roles


def test_who_leaves_has_no_lent_role(people: World, now: datetime) -> None:
    officer, chief, admin = (people.officer(name) for name in ("liaison", "chief", "admin"))
    row = elevations.ask(officer, "approver", minutes=60, reason=REASON, now=now)
    elevations.decide(chief, row.pk, is_granted=True, now=now)
    leaving.leave(again(officer), None, actor=admin.reference, now=now)
    assert again(officer).roles == []
    assert elevations.in_force(now) == []


def test_asking_by_the_page_tells_what_is_wrong_in_its_place(people: World) -> None:
    client = signed_in(people, "liaison")
    answer = client.post("/people/roles/", {"role": "approver", "minutes": "30", "reason": "short"})
    assert answer.status_code == 400
    assert 'id="id_reason"' in answer.content.decode()
    assert client.post("/people/roles/", {"role": "approver", "minutes": "30", "reason": REASON}).status_code == 302
    assert "Take back" in client.get("/people/roles/").content.decode()
