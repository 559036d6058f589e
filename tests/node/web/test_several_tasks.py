"""One thing done with several tasks: all of them or none, and handed over only to whoever may see them."""

from __future__ import annotations

import pytest

from tansiq.node.accounts.models import Officer
from tansiq.node.desk import actions
from tansiq.node.desk.models import SavedView, Task
from tests.node.web.test_pages import signed_in, text_of
from tests.node.world import World

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = ["one", "two", "three"]


@pytest.fixture
def laid(empty_world: World) -> World:
    for key in KEYS:
        facts = {"partner": "ma", "kind": "request", "act": "ask"}
        actions.put("entry", key, title_code="desk.entry", facts=facts, circle="unit:ops", now=empty_world.now)
    return empty_world


def holders() -> dict[str, str]:
    names = {one.reference: one.username for one in Officer.objects.all()} | {"": ""}
    return {one.key: names[one.taken_by] for one in Task.objects.all()}


def test_several_are_taken_given_back_and_done(laid: World) -> None:
    client = signed_in(laid, "liaison")
    assert "Done with 3 tasks." in text_of(client.post("/desk/several/", {"key": KEYS, "do": "take"}, follow=True))
    assert set(holders().values()) == {"liaison"}
    client.post("/desk/several/", {"key": KEYS[:1], "do": "give_back"})
    assert holders() == {"one": "", "two": "liaison", "three": "liaison"}
    client.post("/desk/several/", {"key": KEYS[1:], "do": "done"})
    assert Task.objects.filter(state="open").count() == 1


def test_all_or_none(laid: World) -> None:
    actions.take(laid.officer("second"), "two", now=laid.now)
    answer = signed_in(laid, "liaison").post("/desk/several/", {"key": KEYS, "do": "take"})
    assert answer.status_code == 409
    assert holders() == {"one": "", "two": "second", "three": ""}


def test_work_is_handed_over_to_a_colleague_of_the_circle_and_to_nobody_else(laid: World) -> None:
    client = signed_in(laid, "liaison")
    client.post("/desk/several/", {"key": KEYS[:2], "do": "take"})
    client.post("/desk/several/", {"key": KEYS, "do": "hand_over", "to": "second"})
    assert set(holders().values()) == {"second"}
    again = signed_in(laid, "second").post("/desk/several/", {"key": KEYS, "do": "hand_over", "to": "stranger"})
    assert again.status_code == 403
    assert set(holders().values()) == {"second"}


def test_only_colleagues_are_offered_and_nothing_chosen_is_said(laid: World) -> None:
    page = signed_in(laid, "liaison").get("/").content.decode()
    assert '<option value="second">' in page
    assert '<option value="stranger">' not in page
    for told in ({"do": "take"}, {"do": "explode", "key": KEYS}):
        answer = signed_in(laid, "liaison").post("/desk/several/", told, follow=True)
        assert "Choose at least one task." in text_of(answer)


def test_the_desk_is_narrowed_to_one_of_ones_own_circles(laid: World) -> None:
    client = signed_in(laid, "liaison")
    assert "one" in client.get("/?circle=unit:ops").content.decode()
    assert client.get("/?circle=unit:borders").status_code == 200


def test_a_whole_watch_is_handed_over_but_for_what_the_next_may_not_see(laid: World) -> None:
    client = signed_in(laid, "liaison")
    client.post("/desk/several/", {"key": KEYS[:2], "do": "take"})
    mine = {"facts": {"number": "7"}, "owner": laid.officer("liaison").reference}
    actions.put("copy", "mine", title_code="desk.copy_owed", now=laid.now, **mine)
    actions.take(laid.officer("liaison"), "mine", now=laid.now)
    told = text_of(client.post("/desk/watch/", {"to": "second", "note": "Call Rabat at six."}, follow=True))
    assert "2 tasks were handed over." in told
    assert "1 task stays yours" in told
    assert holders() | {"watch": ""} == {"one": "second", "two": "second", "three": "", "mine": "liaison"} | {
        key: "" for key in holders() if key.startswith("watch")
    } | {"watch": ""}
    assert "Call Rabat at six." in text_of(signed_in(laid, "second").get("/"))
    assert "Call Rabat" not in text_of(signed_in(laid, "boss").get("/"))
    assert client.post("/desk/watch/", {"to": "liaison"}).status_code == 400


def test_a_view_is_kept_under_a_name_changed_and_forgotten_by_its_officer_alone(laid: World) -> None:
    client, other = signed_in(laid, "liaison"), signed_in(laid, "second")
    kept = client.post("/desk/views/", {"name": "Night", "only": "urgent", "circle": "unit:ops"})
    assert kept["Location"] == "/?only=urgent&circle=unit%3Aops"
    assert "Night" in text_of(client.get("/"))
    assert "Night" not in text_of(other.get("/"))
    client.post("/desk/views/", {"name": "Night", "only": "overdue"})
    view = SavedView.objects.get()
    assert (view.only, view.circle) == ("overdue", "")
    other.post("/desk/views/", {"drop": str(view.pk)})
    assert SavedView.objects.exists()
    for bad in ({"name": ""}, {"name": "x", "only": "all"}, {"name": "x", "circle": "unit:borders"}):
        assert client.post("/desk/views/", bad).status_code == 400
    client.post("/desk/views/", {"drop": str(view.pk)})
    assert not SavedView.objects.exists()
