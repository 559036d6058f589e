"""Whole lists asked against the register: all or nothing at the door, once each row, what the officer may see, nothing left behind."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tansiq.engine.errors import TansiqError
from tansiq.node.audit.models import Event
from tansiq.node.flows import screening as flow
from tansiq.node.register import actions
from tansiq.node.search import screenings
from tansiq.node.search.models import Screening, ScreeningHit
from tests.node.world import World, leaves_nothing

pytestmark = pytest.mark.django_db
LIST = "p1\tمحمد الشريف بن سليمان\t1960\np2\tNobody Atall\np3\tOlena Kovalenko\t1990-01-02\n"


@pytest.fixture
def held(world: World, now: datetime) -> list[Any]:
    people = [("Mohamed Chérif Benslimane", "1960-05-12", ""), ("Олена Коваленко", "1990-01-02", "unit:borders")]
    officers = {"": "liaison", "unit:borders": "stranger"}
    return [
        actions.add_subject(
            world.officer(officers[circle]),
            {"schema": "Person", "properties": {"name": [name], "birthDate": [born]}},
            circle=circle,
            now=now,
        )
        for name, born, circle in people
    ]


def screened(world: World, content: str, who: str = "liaison", **changed: Any) -> Screening:
    asked = {"name": "flight.tsv", "purpose": "investigation", "reference": "PV 1", **changed}
    return flow.screen(world.officer(who), content.encode(), **asked, now=world.now)


def test_rows_are_asked_in_portions_and_the_list_goes(
    world: World, held: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "PORTION", 2)
    made = screened(world, LIST)
    assert world.work([flow.JOB]) == 2
    row = Screening.objects.get()
    assert (row.state, row.done, row.rows, row.content) == ("done", 3, 3, None)
    (hit,) = ScreeningHit.objects.all()
    assert (hit.row, hit.subject_id, hit.told["id"], hit.band) == (1, held[0].pk, "p1", "strong")
    assert hit.told["explanation"]["alignment"]
    assert made.pk == row.pk


def test_each_officer_meets_what_they_may_see(world: World, held: list[Any]) -> None:
    screened(world, LIST, who="stranger")
    world.work([flow.JOB])
    assert set(ScreeningHit.objects.values_list("subject_id", flat=True)) == {row.pk for row in held}


def test_a_worker_that_died_after_its_portion_asks_no_row_twice(
    world: World, held: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "PORTION", 1)
    made = screened(world, LIST)
    payload = {"screening": str(made.pk)}
    flow.work(payload, world.now)
    stale = screenings.running(str(made.pk))
    assert stale is not None
    flow.work(payload, world.now)
    assert not screenings.keep_answers(stale, [], before=1, done=2, now=world.now), "another worker was first"
    world.work([flow.JOB])
    assert ScreeningHit.objects.count() == 1
    flow.work(payload, world.now)
    assert Screening.objects.get().done == 3


@pytest.mark.parametrize(
    ("content", "changed", "code"),
    [
        ("", {}, "search.list_empty"),
        ("p1\tA B\np2\tC D\tyesterday\n", {}, "search.list_row"),
        ("p1\t" + "x" * 600, {}, "search.list_row"),
        ("x\n" * (2 * 2**20 + 1), {}, "search.list_too_large"),
        (LIST, {"reference": " "}, "search.reference_needed"),
        (LIST, {"purpose": "curiosity"}, "codes.unknown"),
    ],
)
def test_a_wrong_list_is_refused_as_a_whole(world: World, content: str, changed: dict[str, str], code: str) -> None:
    with leaves_nothing(), pytest.raises(TansiqError) as wrong:
        screened(world, content, **changed)
    assert wrong.value.code.split(".")[0] == code.split(".", maxsplit=1)[0]
    if code == "search.list_row" and "yesterday" in content:
        assert wrong.value.facts["line"] == 2


def test_bytes_that_are_no_text_are_refused(world: World) -> None:
    with leaves_nothing(), pytest.raises(TansiqError) as wrong:
        flow.screen(
            world.officer("liaison"),
            b"p1\t\xff\xfe",
            name="a.tsv",
            purpose="investigation",
            reference="x",
            now=world.now,
        )
    assert wrong.value.code == "search.list_not_text"


def test_an_officer_who_left_asks_no_further_rows(world: World, held: list[Any]) -> None:
    screened(world, LIST)
    officer = world.officer("liaison")
    officer.is_active = False
    officer.save()
    world.work([flow.JOB])
    row = Screening.objects.get()
    assert (row.state, row.done, row.content, ScreeningHit.objects.count()) == ("stopped", 0, None, 0)


def client_of(world: World, name: str) -> Client:
    client = Client()
    client.force_login(world.officer(name), backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_the_pages_bring_show_judge_and_take_out(world: World, held: list[Any]) -> None:
    client = client_of(world, "liaison")
    sent = {"list": SimpleUploadedFile("flight.tsv", LIST.encode()), "purpose": "investigation", "reference": "PV 7"}
    brought = client.post("/search/lists/", sent)
    assert brought.status_code == 302
    assert "being worked off" in client.get(brought.url).content.decode()
    world.work([flow.JOB])
    page = client.get(brought.url).content.decode()
    assert "Mohamed Chérif Benslimane" in page
    assert "hx-get" not in page.split('id="screening"')[1][:200]
    hit = ScreeningHit.objects.get()
    assert client.post(f"{brought.url}judge/", {"hit": hit.pk, "verdict": "same"}).status_code == 302
    assert ScreeningHit.objects.get().verdict == "same"
    assert client.post(f"{brought.url}judge/", {"hit": hit.pk, "verdict": "perhaps"}).status_code == 400
    before = Event.objects.count()
    (line,) = client.post(f"{brought.url}export/").getvalue().decode().splitlines()
    assert (json.loads(line)["subject"], json.loads(line)["verdict"]) == (str(held[0].pk), "same")
    assert Event.objects.count() == before + 1
    assert client_of(world, "stranger").get(brought.url).status_code >= 400
    assert client.post("/search/lists/", {**sent, "list": SimpleUploadedFile("a.tsv", b"")}).status_code == 400


def test_a_stopped_screening_keeps_what_was_met(world: World, held: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "PORTION", 1)
    made = screened(world, LIST)
    flow.work({"screening": str(made.pk)}, world.now)
    client_of(world, "liaison").post(f"/search/lists/{made.pk}/stop/")
    world.work([flow.JOB])
    assert (Screening.objects.get().done, ScreeningHit.objects.count()) == (1, 1)
