"""Where an officer is signed in: only one's own is seen and ended; an administrator ends all of them."""

from __future__ import annotations

import pytest
from django.test import Client

from tansiq.engine.errors import Rejected
from tansiq.node.accounts import sessions
from tansiq.node.audit.models import Event
from tests.node.world import World

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough pass phrase"


def signed_in(world: World, name: str) -> Client:
    officer = world.officer(name)
    if not officer.check_password(PASSWORD):  # a new password would end what is open
        officer.set_password(PASSWORD)
        officer.save()
    client = Client(HTTP_USER_AGENT=f"browser of {name}")
    answer = client.post("/accounts/login/", {"login": officer.username, "password": PASSWORD})
    assert answer.status_code == 302
    return client


def test_a_session_of_somebody_else_is_neither_seen_nor_ended(world: World) -> None:
    mine, theirs = signed_in(world, "liaison"), signed_in(world, "stranger")
    (other,) = sessions.sessions_of(world.officer("stranger"))
    assert b"browser of stranger" not in mine.get("/sessions/").content
    assert mine.post(f"/sessions/{other.pk}/end/").status_code in (404, 422)
    assert theirs.get("/").status_code == 200
    with pytest.raises(Rejected, match=r"account\.session_not_found"):
        sessions.end_session(world.officer("liaison"), other.pk, now=world.now)


def test_all_others_are_ended_and_this_one_goes_on(world: World) -> None:
    here, there = signed_in(world, "liaison"), signed_in(world, "liaison")
    assert here.post("/sessions/end-others/").status_code == 302
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 302
    event = Event.objects.filter(event="account.sessions_ended").last()
    assert event is not None


def test_an_administrator_ends_every_session_of_an_officer(world: World) -> None:
    one = signed_in(world, "liaison")
    assert sessions.end_sessions(world.officer("liaison"), actor="administrator", now=world.now) == 1
    assert one.get("/").status_code == 302
    assert sessions.sessions_of(world.officer("liaison")) == []
