"""Journeys between this node and a far one: what an officer does here, what arrives from there, and what follows."""

from __future__ import annotations

from typing import Any

from tansiq.node.audit.models import Event
from tansiq.node.desk.queries import list_for
from tansiq.node.dossiers import queries, waiting_room
from tansiq.node.dossiers.models import Entry
from tansiq.node.exchange.queries import delivery_of
from tansiq.node.flows.reading import read_dossier
from tansiq.node.register.models import Subject
from tests.node.world import World, leaves_nothing, narrative


def tasks(world: World, officer: str = "liaison") -> dict[str, Any]:
    """The open tasks on an officer's desk, by key."""
    return {task.key: task for task in list_for(world.officer(officer), now=world.now).tasks}


def agree(world: World, dossier: str, far: str = "ma") -> None:
    """Both nodes hold the same dossier, byte for byte."""
    row = queries.dossier_by_id(dossier)
    assert row is not None
    assert queries.folded_of(row).shown() == world.fars[far].dossiers[dossier].folded.shown()


def test_own_request_is_answered(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    dossier = world.ask("ma")
    world.settle()
    assert ma.dossiers[dossier].phase == "sent"
    world.arrive(ma, *ma.machine(dossier, world.now))
    assert queries.dossier_by_id(dossier).phase == "received"
    world.arrive(
        ma, ma.act(dossier, "answer", world.now, codes={"extent": "full"}, parts=[narrative("answer", "Connu.")])
    )
    row = queries.dossier_by_id(dossier)
    assert (row.phase, row.is_closed, row.accord, row.circle) == ("answered", True, accord, "unit:ops")
    agree(world, dossier)
    assert tasks(world)[f"entry/{dossier}"].facts == {"kind": "request", "act": "answer", "partner": "ma"}


def test_a_request_that_arrives_is_received_by_the_machine_and_due(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    world.arrive(ma, asked)
    world.settle()
    dossier = asked.entry_id
    assert ma.dossiers[dossier].phase == "received"
    agree(world, dossier)
    due = queries.dossier_by_id(dossier).due_at
    assert (due - world.now).total_seconds() == 8 * 3600
    assert tasks(world)[f"deadline/{dossier}"].due_at == due
    received = ma.dossiers[dossier].of("received")[0].header
    assert (received.acted_by.role, received.acted_by.clause) == ("machine", "2023/977:5")


def test_the_deadlines_task_settles_with_the_answer(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    world.arrive(ma, asked)
    world.settle()
    world.act("liaison", "request", "ask_clarification", asked.entry_id, parts=[_question("Quelle année ?")])
    assert f"deadline/{asked.entry_id}" not in tasks(world), "the clock stands still while a clarification is awaited"
    world.settle()
    question = ma.dossiers[asked.entry_id].of("ask_clarification")[0].entry_id
    world.later(hours=1)
    world.arrive(
        ma, ma.act(asked.entry_id, "clarify", world.now, codes={"question": question}, parts=[narrative("facts")])
    )
    world.settle()
    assert ma.dossiers[asked.entry_id].of("extend"), "our machine says how long the pause was"
    assert (tasks(world)[f"deadline/{asked.entry_id}"].due_at - world.now).total_seconds() == 8 * 3600
    world.act("liaison", "request", "answer", asked.entry_id, codes={"extent": "nothing"})
    assert not {f"deadline/{asked.entry_id}", f"entry/{asked.entry_id}"} & tasks(world).keys()
    world.settle()
    assert ma.dossiers[asked.entry_id].phase == "answered"
    agree(world, asked.entry_id)


def _question(text: str) -> Any:
    from tansiq.engine.dossiers.entries import Part

    return Part(type="question", language="fr", content={"text": text})


def test_subjects_that_arrive_are_kept_and_matched_for_the_owner(world: World) -> None:
    from tansiq.node.register import actions as register

    accord = world.accord("ma")
    ma = world.fars["ma"]
    stranger = world.officer("stranger")
    held = register.add_subject(
        stranger,
        {"schema": "Person", "properties": {"name": ["Samir Talbi"], "birthDate": ["1984-03-17"]}},
        circle="unit:borders",
        discoverability="hit",
        now=world.now,
    )
    asked = world.asked_by(ma, accord=accord, name="Samir Talbi")
    world.arrive(ma, asked)
    kept = Subject.objects.get(entry=asked.entry_id)
    assert (kept.origin, kept.owner, kept.circle, kept.discoverability) == ("received", "ma", "unit:ops", "none")
    assert tasks(world, "stranger")[f"match/{asked.entry_id}/{held.subject_id}"].link == f"/register/{held.subject_id}"
    assert tasks(world)[f"match_elsewhere/{asked.entry_id}"].facts == {"partner": "ma"}


def test_the_author_learns_that_its_entry_was_opened_once(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    world.arrive(ma, asked)
    world.settle()
    read_dossier(world.officer("liaison"), asked.entry_id, now=world.now)
    read_dossier(world.officer("liaison"), asked.entry_id, now=world.now)
    world.settle()
    opened = [s for s in ma.items("status") if s["status"] == "opened" and asked.entry_id in s["references"]]
    assert len(opened) == 1
    assert Event.objects.filter(event="dossier.read", dossier=asked.entry_id).count() == 2


def test_what_we_sent_is_shown_as_opened(world: World) -> None:
    world.accord("ma")
    ma = world.fars["ma"]
    dossier = world.ask("ma")
    assert delivery_of([dossier])[dossier][0]["state"] == "queued"
    world.settle()
    assert delivery_of([dossier])[dossier][0]["state"] == "delivered"
    status = {"v": 1, "status": "opened", "references": [dossier], "code": ""}
    world.arrive(ma, _item("status", status))
    evidence = delivery_of([dossier])[dossier][0]
    assert evidence["state"] == "opened"
    assert evidence["receipt"]["payload"]


def _item(type_: str, content: dict[str, Any]) -> Any:
    from tansiq.engine.envelopes import bodies

    return bodies.Item(type_, content)


def test_what_arrives_twice_changes_nothing(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    sealed = ma.seal("fr", asked, now=world.now).to_bytes()
    first = world.post("envelopes", sealed).json()
    world.settle()
    with leaves_nothing(but=()):
        assert world.post("envelopes", sealed).json() == first
        world.settle()
    before = Entry.objects.count()
    world.arrive(ma, asked, asked)
    world.settle()
    assert Entry.objects.count() == before
    agree(world, asked.entry_id)


def test_an_entry_whose_ancestor_is_missing_waits_and_is_asked_for(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    world.arrive(ma, asked)
    world.settle()
    one = ma.act(asked.entry_id, "remind", world.now)
    two = ma.act(asked.entry_id, "remind", world.now)
    world.arrive(ma, two)
    assert [w.entry_id for w in waiting_room.listed()] == [two.entry_id]
    assert Entry.objects.filter(entry_id=two.entry_id).count() == 0
    world.settle()
    assert ma.items("fetch")[-1]["entries"] == [one.entry_id]
    world.arrive(ma, one)
    assert waiting_room.listed() == []
    agree(world, asked.entry_id)


def test_entries_may_arrive_before_their_dossier_and_backwards(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    chain = [asked, *(ma.act(asked.entry_id, "remind", world.now) for _ in range(4))]
    for entry in reversed(chain):
        world.arrive(ma, entry)
    assert waiting_room.listed() == []
    world.settle()
    agree(world, asked.entry_id)


def test_a_restored_dossier_is_not_opened_by_ourselves(world: World) -> None:
    """Our own entries that come back from a partner are our own: nobody is told that we opened them."""
    world.accord("ma")
    ma = world.fars["ma"]
    dossier = world.ask("ma")
    world.settle()
    own = ma.dossiers[dossier].entries[dossier]
    _lose(dossier)
    world.arrive(ma, own)
    assert Entry.objects.get(entry_id=dossier).is_own
    read_dossier(world.officer("liaison"), dossier, now=world.now)
    world.settle()
    assert [s for s in ma.items("status") if dossier in s["references"]] == []


def _lose(dossier: str) -> None:
    """What a restore from an older copy does: the dossier is not here any more."""
    from tansiq.node.dossiers.models import Dossier, Part, Reference

    Part.objects.filter(entry__dossier=dossier).delete()
    Entry.objects.filter(dossier=dossier).delete()
    Reference.objects.filter(dossier=dossier).delete()
    Dossier.objects.filter(pk=dossier).delete()


def test_concurrent_acts_end_alike_on_both_sides(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    world.arrive(ma, asked)
    world.settle()
    ma.is_down = True
    world.act("liaison", "request", "answer", asked.entry_id, codes={"extent": "full"})
    withdrawn = ma.act(asked.entry_id, "withdraw", world.now)
    world.arrive(ma, withdrawn)
    ma.is_down = False
    world.later(minutes=20)
    world.settle()
    assert queries.dossier_by_id(asked.entry_id).phase == "answered"
    agree(world, asked.entry_id)


def test_a_wrongly_addressed_request_is_returned_and_erased(world: World) -> None:
    from tansiq.node.dossiers.models import Part
    from tansiq.node.register.models import Erasure

    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord, name="Samir Talbi")
    world.arrive(ma, asked)
    world.settle()
    assert Subject.objects.filter(entry=asked.entry_id).exists()
    world.act("liaison", "request", "return", asked.entry_id, codes={"competent": "it"})
    world.settle()
    parts = Part.objects.filter(entry=asked.entry_id)
    assert all(p.salted is None and p.erased_for == "wrongly_addressed" for p in parts)
    assert not Subject.objects.filter(entry=asked.entry_id).exists()
    assert Erasure.objects.filter(entry=asked.entry_id).count() == 1
    assert ma.dossiers[asked.entry_id].of("erased")[0].header.acted_by.clause == "tansiq:return"
    agree(world, asked.entry_id)
    world.arrive(ma, asked)
    world.settle()
    assert not Part.objects.filter(entry=asked.entry_id, salted__isnull=False).exists(), (
        "what was erased does not come back"
    )
