"""The pages of the register: the list, the review queue, and what they cost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tansiq.node.register import actions
from tansiq.node.register.models import Review, Subject
from tests.node.web.test_pages import signed_in, text_of
from tests.node.world import World

PERSON = {"schema": "Person", "properties": {"name": ["سمير الطالبي"]}}
DUE = {"verdict": "erase", "ground": "no_longer_needed", "reason": "The case was closed."}


def add(world: World, name: str = "liaison", **more: object) -> Subject:
    return actions.add_subject(world.officer(name), PERSON, now=timezone.now(), **{"circle": "unit:ops", **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_what_is_due_stands_in_the_queue_with_its_reason(world: World, language: str) -> None:
    row = add(world, review_at=timezone.now() - timedelta(days=3))
    answer = signed_in(world, "liaison", language).get("/register/review/")
    assert answer.status_code == 200
    assert str(row.pk) in answer.content.decode()
    assert "سمير الطالبي" in text_of(answer)


def test_an_empty_queue_says_so_and_a_stranger_sees_nothing(world: World) -> None:
    assert "Nothing is due for review." in text_of(signed_in(world, "liaison").get("/register/review/"))
    add(world, review_at=timezone.now())
    assert "Nothing is due for review." in text_of(signed_in(world, "stranger").get("/register/review/"))


def test_a_decision_is_asked_once_more_and_then_made(world: World) -> None:
    row = add(world, review_at=timezone.now())
    client = signed_in(world, "liaison")
    asked = client.post("/register/review/decide/", {**DUE, "subject": [str(row.pk)]})
    assert "What is erased cannot be brought back" in text_of(asked)
    assert Subject.objects.filter(pk=row.pk).exists()
    done = client.post("/register/review/decide/", {**DUE, "subject": [str(row.pk)], "do": "decide"}, follow=True)
    assert "Decided about 1 record." in text_of(done)
    assert not Subject.objects.filter(pk=row.pk).exists()
    assert Review.objects.get().reason == "The case was closed."


def test_what_is_missing_is_told_and_nothing_is_decided(world: World) -> None:
    row = add(world, review_at=timezone.now())
    client = signed_in(world, "liaison")
    for told in (
        {**DUE, "do": "decide"},
        {**DUE, "subject": [str(row.pk)], "reason": ""},
        {**DUE, "subject": [str(row.pk)], "verdict": "keep", "do": "decide"},
    ):
        assert client.post("/register/review/decide/", told).status_code == 400
    assert not Review.objects.exists()


def test_a_restriction_is_shown_and_lifted(world: World) -> None:
    row = add(world, review_at=timezone.now())
    client = signed_in(world, "liaison")
    told = {"verdict": "restrict", "ground": "kept_as_evidence", "reason": "For the court.", "subject": [str(row.pk)]}
    client.post("/register/review/decide/", {**told, "do": "decide"})
    page = text_of(client.get(f"/register/{row.pk}/"))
    assert "restricted" in page
    assert "For the court." in page
    answer = client.post(f"/register/{row.pk}/lift/", {"reason": "It is over."}, follow=True)
    assert "The restriction is lifted." in text_of(answer)
    row.refresh_from_db()
    assert row.restricted_at is None


def test_the_list_is_narrowed_and_gone_through_page_by_page(world: World) -> None:
    made = [str(add(world).pk) for _ in range(53)]
    add(world, circle="")
    client = signed_in(world, "liaison")
    first = client.get("/register/?schema=Person&circle=unit:ops").content.decode()
    assert "after=" in first
    assert "schema=Person" in first.split("after=")[0].rpartition("href=")[2]
    after = first.split("after=")[1].split('"')[0]
    second = client.get(f"/register/?schema=Person&circle=unit:ops&after={after}").content.decode()
    shown = [one for one in made if f"/register/{one}/" in first]
    shown += [one for one in made if f"/register/{one}/" in second]
    assert sorted(shown) == sorted(made)
    assert not any(one in client.get("/register/?schema=Vessel").content.decode() for one in made)


def test_a_page_of_the_list_asks_as_much_of_many_records_as_of_few(world: World) -> None:
    client = signed_in(world, "liaison")

    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            client.get("/register/")
        return len(captured)

    client.get("/register/")
    few = asked()
    for _ in range(60):
        add(world)
    assert asked() == few


def test_relations_and_timeline_show_what_the_officer_may_see_and_nobody_else(world: World) -> None:
    row, other, far, hidden = add(world), add(world), add(world), add(world, "stranger", circle="unit:borders")
    officer, now = world.officer("liaison"), timezone.now()
    for one, two, verdict in ((row, other, "same"), (other, far, "different")):
        actions.judge(officer, one.pk, two.pk, verdict=verdict, reason="Looked at both.", now=now)
    page = signed_in(world, "liaison").get(f"/register/{row.pk}/")
    raw, text = page.content.decode(), text_of(page)
    graph = raw.split('id="relations-told"')[1].split("</script>")[0]
    assert {str(one.pk) in graph for one in (row, other, far)} == {True}
    assert str(hidden.pk) not in raw
    assert "Judged" in text
    assert "Recorded" in text
    assert raw.count(f'href="/register/{far.pk}/"') >= 1
    assert "unsafe" not in page["Content-Security-Policy"]
