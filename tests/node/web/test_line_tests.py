"""The line to a partner is tested from its page: a receipt comes home, nothing is told, and what does not answer is said."""

from __future__ import annotations

import pytest

from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.node.audit.models import Event
from tansiq.node.dossiers.models import Dossier
from tansiq.node.flows import loopback
from tests.node.web.test_pages import signed_in, text_of
from tests.node.world import World


def test_a_receipt_comes_home_and_nothing_was_told(world: World) -> None:
    world.accord("ma")
    ma = world.fars["ma"]
    world.ask("ma")
    world.settle()
    client = signed_in(world, "liaison")
    assert "The line was not tested yet." in text_of(client.get("/partners/ma/"))
    answer = client.post("/partners/ma/line/")
    assert (answer.status_code, answer["Location"]) == (302, "/partners/ma/#line-tests")
    page = client.get("/partners/ma/line/").content.decode()
    assert "hx-get" in page, "it looks again by itself"
    assert "Test the line" not in page, "one at a time"
    world.later(seconds=3)
    world.settle()
    page = client.get("/partners/ma/line/").content.decode()
    assert "There and back in 3.0 seconds." in page
    assert "hx-get" not in page
    assert all(item["dossiers"] == {} for item in ma.items("heads")), "it names no dossier"
    assert Event.objects.filter(event="partner.line_tested").count() == 1
    before = Dossier.objects.count()
    assert client.post("/partners/ma/line/").status_code == 302
    assert Dossier.objects.count() == before


def test_what_does_not_answer_is_said_and_tried_again(world: World) -> None:
    world.partner("ma", url=None)
    client = signed_in(world, "liaison")
    client.post("/partners/ma/line/")
    world.settle()
    assert "hx-get" in client.get("/partners/ma/line/").content.decode()
    with pytest.raises(Conflict, match=r"partner[.]test_under_way"):
        loopback.begin(world.officer("liaison"), "ma", now=world.now)
    loopback.begin(world.officer("liaison"), "ma", now=world.later(minutes=11))
    assert len(loopback.tests_of("ma")) == 2


def test_who_neither_acts_nor_looks_after_partners_tests_nothing(world: World) -> None:
    world.partner("ma")
    auditor = world.officer("auditor")
    with pytest.raises(Refused, match=r"account[.]role"):
        loopback.begin(auditor, "ma", now=world.now)
    with pytest.raises(Rejected, match=r"partner[.]unknown"):
        loopback.begin(world.officer("liaison"), "it", now=world.now)
    with pytest.raises(Rejected, match=r"partner[.]unknown"):
        loopback.begin(world.officer("liaison"), "fr", now=world.now)
    assert "Test the line" not in text_of(signed_in(world, "auditor").get("/partners/ma/"))


def test_an_exercise_is_begun_from_the_partners_page(world: World) -> None:
    world.accord("ma")
    client = signed_in(world, "liaison")
    page = client.get("/dossiers/new/?to=ma&exercise=on").content.decode()
    field = page[page.index('name="exercise"') - 200 : page.index('name="exercise"') + 200]
    assert "checked" in field
