"""Who signed in, out, or tried to stands in the log; an unknown name does not, for it may be a password."""

from __future__ import annotations

import pytest
from django.test import Client

from tansiq.node.audit.models import Event
from tests.node.world import PASSWORD, World

pytestmark = pytest.mark.django_db


def told() -> list[tuple[str, str]]:
    return [(e.event, e.actor) for e in Event.objects.filter(event__startswith="account.sign").order_by("id")]


def test_in_and_out(world: World) -> None:
    page, who = Client(), world.officer("liaison").reference
    page.post("/accounts/login/", {"login": "liaison", "password": PASSWORD})
    page.post("/accounts/logout/")
    assert told() == [("account.signed_in", who), ("account.signed_out", who)]


def test_a_wrong_password(world: World) -> None:
    Client().post("/accounts/login/", {"login": "liaison", "password": "olive"})
    assert told()[0] == ("account.sign_in_failed", world.officer("liaison").reference)


def test_a_name_that_nobody_has_is_not_kept(world: World) -> None:
    Client().post("/accounts/login/", {"login": "my-secret-password", "password": "olive"})
    assert {actor for _, actor in told()} == {"stranger"}
    assert not any("my-secret-password" in str(event.told) for event in Event.objects.all())
