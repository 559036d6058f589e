"""Exercises: signed as such, apart from everything real, deleted as a whole; nothing leaks in either direction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings

from tansiq.engine.dossiers.entries import Part
from tansiq.engine.dossiers.parts import SourceRef
from tansiq.engine.errors import Refused, Rejected
from tansiq.node.desk.models import Task
from tansiq.node.desk.queries import counts_for, list_for
from tansiq.node.dossiers import queries
from tansiq.node.dossiers.models import Dossier, Entry, Quarantined, WaitingEntry
from tansiq.node.exchange.models import Item
from tansiq.node.flows import act as flow
from tansiq.node.flows import ending, searching
from tansiq.node.register import actions as register
from tansiq.node.register.models import Subject
from tests.node.web.test_pages import REQUEST, signed_in
from tests.node.world import World, request

if TYPE_CHECKING:
    from tests.node.far import Far

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def agreed(world: World) -> World:
    """A real accord with ``ma``."""
    world.accord("ma")
    return world


def train(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this node a training node."""
    monkeypatch.setattr(settings, "NODE", replace(settings.NODE, exercise=True))


def ask(world: World, **changed: Any) -> str:
    """Our liaison opens an exercise."""
    return str(flow.act(world.officer("liaison"), request("ma", exercise=True, **changed), now=world.now).dossier_id)


def asked_by(world: World, far: Far, **opening: Any) -> Any:
    accord = queries.dossiers_for(world.officer("boss"), kind_name="accord").first()
    assert accord is not None
    return world.asked_by(far, accord=accord.dossier_id, opening={"exercise": True, **opening})


def known(world: World, name: str = "Samir Talbi") -> Subject:
    """A real record in the register."""
    return register.add_subject(
        world.officer("liaison"),
        {"schema": "Person", "properties": {"name": [name], "birthDate": ["1984-03-17"]}},
        circle="unit:ops",
        discoverability="hit",
        now=world.now,
    )


def test_both_sides_know_by_signature(agreed: World) -> None:
    dossier = ask(agreed)
    agreed.settle()
    far = agreed.fars["ma"]
    assert far.dossiers[dossier].opening.exercise
    assert Dossier.objects.get(pk=dossier).exercise
    arrived = asked_by(agreed, far)
    agreed.arrive(far, arrived)
    assert Dossier.objects.get(pk=arrived.dossier).exercise


def test_what_is_not_marked_reads_as_before(agreed: World) -> None:
    dossier = agreed.ask("ma")
    header = queries.load_header(dossier)
    assert header is not None
    assert header.opening is not None
    assert "exercise" not in header.opening.to_json()
    assert not Dossier.objects.get(pk=dossier).exercise


# -- register and matches ------------------------------------------------------------------------------------------------


def test_its_subjects_are_neither_stored_nor_matched(agreed: World) -> None:
    known(agreed)
    before = Subject.objects.count()
    agreed.arrive(agreed.fars["ma"], asked_by(agreed, agreed.fars["ma"]))
    agreed.settle()
    assert Subject.objects.count() == before
    assert not Task.objects.filter(kind__in=["match", "match_elsewhere"]).exists()


def test_the_same_request_in_earnest_is_matched(agreed: World) -> None:
    known(agreed)
    before = Subject.objects.count()
    agreed.arrive(agreed.fars["ma"], asked_by(agreed, agreed.fars["ma"], exercise=False))
    agreed.settle()
    assert Subject.objects.count() == before + 1
    assert Task.objects.filter(kind="match").exists()


@pytest.mark.parametrize("we_train", [False, True])
@pytest.mark.parametrize("they_train", [False, True])
def test_a_training_node_and_a_real_one_answer_each_other_no_search(
    agreed: World, monkeypatch: pytest.MonkeyPatch, we_train: bool, they_train: bool
) -> None:
    known(agreed)
    if we_train:
        train(monkeypatch)
    content: dict[str, Any] = {
        "v": 1,
        "query": "01900000-0000-7000-8000-000000000001",
        "fields": {"names": ["Samir Talbi"], "birth_dates": ["1984-03-17"]},
        "purpose": "investigation",
        "crime_area": "",
        **({"exercise": True} if they_train else {}),
    }
    searching.take_query("ma", content, agreed.now)
    answer = Item.objects.get(type="answer").content
    told = (answer["outcome"], answer["code"], len(answer["hits"]))
    if we_train != they_train:
        assert told == ("refused", "search.exercise", 0)
        assert not Task.objects.filter(kind="asked_about").exists()
    elif not we_train:
        assert told == ("hit", "", 1)


# -- never mixed ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["continues", "cites"])
def test_an_exercise_and_a_real_dossier_do_not_build_on_each_other(agreed: World, name: str) -> None:
    real, exercise = agreed.ask("ma"), ask(agreed)
    refused = [request("ma", exercise=True, **{name: real})]
    if name == "cites":
        refused.append(request("ma", cites=exercise))
    for intent in refused:
        with pytest.raises(Rejected, match=r"dossier[.]exercise_mixed"):
            flow.act(agreed.officer("liaison"), intent, now=agreed.now)
    after = flow.act(
        agreed.officer("liaison"), request("ma", exercise=name == "cites", **{name: exercise}), now=agreed.now
    )
    assert Dossier.objects.get(pk=after.dossier_id).exercise, "what continues an exercise is one"


@pytest.mark.parametrize("name", ["continues", "cites"])
def test_nor_does_what_arrives(agreed: World, name: str) -> None:
    real = agreed.ask("ma")
    arrived = asked_by(agreed, agreed.fars["ma"], **{name: real})
    agreed.arrive(agreed.fars["ma"], arrived)
    assert queries.dossier_by_id(arrived.dossier) is None
    assert not WaitingEntry.objects.exists()


def test_no_part_is_quoted_from_one_world_into_the_other(agreed: World) -> None:
    exercise, real = ask(agreed), agreed.ask("ma")
    row = queries.entry_by_id(exercise)
    assert row is not None
    source = SourceRef(exercise, queries.signed_entry(row).header.parts[0].commitment)
    part = Part(type="narrative", language="fr", content={"topic": "clarification", "text": "…"}, sources=(source,))
    with pytest.raises(Refused, match=r"dossier[.]exercise_mixed"):
        agreed.act("liaison", "request", "remind", real, parts=(part,))


def test_an_accord_made_in_an_exercise_permits_nothing_real(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        train(patch)
        accord = world.accord("ma")
    assert Dossier.objects.get(pk=accord).exercise
    with pytest.raises(Refused, match=r"decide[.]no_accord"):
        world.ask("ma")
    with pytest.raises(Rejected, match=r"dossier[.]exercise_mixed"):
        world.ask("ma", accord=accord)
    assert ask(world)
    assert not searching.may_ask("ma", "investigation", "", world.now).is_permitted


def test_a_training_node_marks_all_and_takes_in_nothing_real(agreed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    train(monkeypatch)
    assert Dossier.objects.get(pk=agreed.ask("ma")).exercise
    arrived = asked_by(agreed, agreed.fars["ma"], exercise=False)
    agreed.arrive(agreed.fars["ma"], arrived)
    assert queries.dossier_by_id(arrived.dossier) is None
    marked = asked_by(agreed, agreed.fars["ma"])
    agreed.arrive(agreed.fars["ma"], marked)
    assert queries.dossier_by_id(marked.dossier) is not None


# -- figures and desk ----------------------------------------------------------------------------------------------------


def test_its_tasks_and_deadlines_lie_apart_and_count_nowhere(agreed: World) -> None:
    liaison = agreed.officer("liaison")
    before = counts_for(liaison, now=agreed.now)
    arrived = asked_by(agreed, agreed.fars["ma"])
    agreed.arrive(agreed.fars["ma"], arrived)
    agreed.settle()
    agreed.later(days=30)
    after = counts_for(liaison, now=agreed.now)
    assert (after.total, after.urgent, after.overdue, after.by_kind) == (
        before.total,
        before.urgent,
        before.overdue,
        before.by_kind,
    )
    assert after.exercise >= 2, "the entry and its deadline"
    shown = [task.link for task in list_for(liaison, now=agreed.now).tasks]
    assert f"/dossiers/{arrived.dossier}" not in shown
    apart = list_for(liaison, now=agreed.now, exercise=True).tasks
    assert {task.link for task in apart} == {f"/dossiers/{arrived.dossier}"}
    assert Dossier.objects.get(pk=arrived.dossier).due_at is not None, "the deadline runs all the same"


# -- the end of it -------------------------------------------------------------------------------------------------------


def test_it_is_deleted_as_a_whole_and_does_not_come_back(agreed: World) -> None:
    dossier = ask(agreed)
    agreed.settle()
    far = agreed.fars["ma"]
    agreed.act("liaison", "request", "remind", dossier)
    ending.delete_exercise(agreed.officer("boss"), dossier, now=agreed.now)
    assert not Dossier.objects.filter(pk=dossier).exists()
    assert not Entry.objects.filter(dossier_id=dossier).exists()
    assert not Item.objects.filter(dossier=dossier).exists()
    assert not Task.objects.filter(link=f"/dossiers/{dossier}").exists()
    agreed.arrive(far, *far.machine(dossier, agreed.now))
    agreed.settle()
    assert not Dossier.objects.filter(pk=dossier).exists()
    assert not WaitingEntry.objects.exists()
    assert not Quarantined.objects.exists()


def test_nothing_real_is_deleted_so(agreed: World) -> None:
    real = agreed.ask("ma")
    with pytest.raises(Refused, match=r"dossier[.]not_an_exercise"):
        ending.delete_exercise(agreed.officer("boss"), real, now=agreed.now)
    exercise = ask(agreed)
    with pytest.raises(Refused, match=r"account[.]role"):
        ending.delete_exercise(agreed.officer("liaison"), exercise, now=agreed.now)
    with pytest.raises(Rejected, match=r"dossier[.]not_found"):
        ending.delete_exercise(agreed.officer("stranger"), exercise, now=agreed.now)
    assert Dossier.objects.filter(pk__in=[real, exercise]).count() == 2


# -- pages ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "word"), [("ar", "تمرين"), ("fr", "EXERCICE"), ("en", "EXERCISE")])
def test_every_page_of_it_says_so(agreed: World, language: str, word: str) -> None:
    dossier, real = ask(agreed), agreed.ask("ma")
    client = signed_in(agreed, "liaison", language)
    for path in (f"/dossiers/{dossier}/", f"/dossiers/{dossier}/acts/remind/"):
        page = client.get(path).content.decode()
        assert 'class="exercise"' in page
        assert word in page
    assert 'class="exercise"' not in client.get(f"/dossiers/{real}/").content.decode()
    listed = client.get("/dossiers/").content.decode()
    assert real in listed
    assert dossier not in listed
    apart = client.get("/dossiers/?exercise=only").content.decode()
    assert dossier in apart
    assert real not in apart


def test_it_is_deleted_on_its_page_by_who_may(agreed: World) -> None:
    dossier = ask(agreed)
    assert "end-exercise" not in signed_in(agreed, "liaison").get(f"/dossiers/{dossier}/").content.decode()
    boss = signed_in(agreed, "boss")
    assert "end-exercise" in boss.get(f"/dossiers/{dossier}/").content.decode()
    assert boss.post(f"/dossiers/{dossier}/end-exercise/").status_code == 302
    assert not Dossier.objects.filter(pk=dossier).exists()


def test_a_request_is_opened_as_an_exercise_by_its_form(agreed: World) -> None:
    client = signed_in(agreed, "liaison")
    assert client.post("/dossiers/new/", REQUEST | {"exercise": "on"}).status_code == 302
    assert Dossier.objects.get(kind="request").exercise
