"""A restored node: it signs nothing until its partners have said what they hold of it, and its logs open with what they said."""

from __future__ import annotations

from typing import Any

import pytest

from tansiq.engine.envelopes import bodies
from tansiq.engine.errors import Conflict, Unavailable
from tansiq.node.audit import queries as audit_log
from tansiq.node.audit.models import Checkpoint, Event, Tree
from tansiq.node.audit.verification import verify
from tansiq.node.dossiers.models import Entry
from tansiq.node.exchange.models import InEnvelope, Item, Recovery
from tansiq.node.exchange.queries import links
from tansiq.node.flows import recovering
from tests.node.far import Far
from tests.node.flows.test_journeys import tasks
from tests.node.world import PASSWORD, World, rolled_back


def held(incarnation: int, **changed: Any) -> bodies.Item:
    """A partner's word that it holds nothing of us, or what ``changed`` says."""
    return bodies.Item("held", {"v": 1, "incarnation": incarnation, "checkpoint": "", "manifest": None} | changed)


def restored(world: World) -> tuple[Far, str, int, str]:
    """A node that goes back to an older copy; (partner, a request since the copy, incarnation, the checkpoint that the partner keeps)."""
    world.accord("ma")
    ma = world.fars["ma"]
    world.settle()
    with rolled_back():
        dossier = world.ask("ma")
        world.later(minutes=1)
        world.settle()
        kept = audit_log.checkpoint_text("exchange")
    assert kept is not None
    assert not Entry.objects.filter(pk=dossier).exists()
    assert audit_log.checkpoint_text("exchange") != kept
    return ma, dossier, recovering.begin(world.later(minutes=1))["incarnation"], kept


def test_what_a_partner_numbered_before_the_restore_is_no_gap_and_what_it_withholds_since_is(world: World) -> None:
    ma = world.partner("ma")
    for _ in range(3):
        ma.seal("fr", held(1), now=world.now)  # the node had these, and its copy had not
    incarnation = recovering.begin(world.later(minutes=1))["incarnation"]
    world.arrive(ma, held(incarnation))
    assert links()["ma"]["missing"] == []
    ma.seal("fr", held(incarnation), now=world.now)
    world.arrive(ma, held(incarnation))
    assert links()["ma"]["missing"] == ["1:5-5"]


def test_nothing_is_signed_until_partners_have_spoken_and_the_logs_open_with_what_they_say(world: World) -> None:
    ma, dossier, incarnation, kept = restored(world)
    with pytest.raises(Unavailable, match=r"recovery[.]under_way"):
        world.ask("ma")
    world.settle()
    (asked,) = ma.items("restored")
    assert asked["incarnation"] == incarnation
    assert asked["copy_at"] < asked["restored_at"]
    assert Tree.objects.filter(closed_at=None).count() == 0
    assert Event.objects.filter(tree=None).exists(), "what happens meanwhile waits for its number"
    manifest = {"incarnation": 1, "sequence": 7, "digest": "a" * 64}
    world.arrive(ma, *ma.dossiers[dossier].entries.values(), held(incarnation, checkpoint=kept, manifest=manifest))
    world.later(minutes=1)
    world.settle()
    tree = Tree.objects.get(log="exchange", incarnation=incarnation)
    opening = Event.objects.get(tree=tree, index=0)
    facts = opening.told["facts"]
    assert facts["checkpoint"] == kept
    assert facts["declaration"]["last_envelopes"] == {"ma": manifest}
    assert facts["declaration"]["lost"]["from"] == asked["copy_at"]
    assert Checkpoint.objects.filter(tree=tree).exists()
    assert Entry.objects.filter(pk=dossier, is_own=True).exists()
    assert verify([]).is_well
    world.ask("ma")
    assert recovering.status()["entries_come_back"] >= 1


def test_a_lower_checkpoint_than_our_own_does_not_go_back(world: World) -> None:
    world.accord("ma")
    world.settle()
    first = Checkpoint.objects.filter(tree__log="exchange").order_by("size").first()
    assert first is not None
    world.ask("ma")
    world.later(minutes=1)
    world.settle()
    own = audit_log.checkpoint_text("exchange")
    assert own != first.text
    incarnation = recovering.begin(world.later(minutes=1))["incarnation"]
    world.arrive(world.fars["ma"], held(incarnation, checkpoint=first.text))
    world.settle()
    assert (
        Event.objects.get(tree__incarnation=incarnation, tree__log="exchange", index=0).told["facts"]["checkpoint"]
        == own
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"checkpoint": "tansiq/ma/exchange/1\n3\nAAAA\n"},
        {"checkpoint": None},
        {"manifest": {"incarnation": 1, "sequence": 0, "digest": "a" * 64}},
        {"manifest": {"incarnation": 1}},
        {"incarnation": True},
    ],
)
def test_a_word_that_is_none_is_refused_and_still_awaited(world: World, changed: dict[str, Any]) -> None:
    ma, _, incarnation, _ = restored(world)
    item = held(incarnation)
    world.arrive(ma, bodies.Item(item.type, {**item.content, **changed}))
    world.settle()
    assert recovering.status()["awaited"] == ["ma"]
    assert Event.objects.filter(event="item.refused").exists()


def test_another_partners_or_an_older_word_counts_for_nothing(world: World) -> None:
    ma, _, incarnation, _ = restored(world)
    world.arrive(world.partner("it"), held(incarnation))
    world.arrive(ma, held(incarnation - 1))
    world.settle()
    assert recovering.status()["awaited"] == ["ma"]


def test_a_partner_that_does_not_understand_the_question_is_not_awaited(world: World) -> None:
    _, _, incarnation, _ = restored(world)
    world.settle()
    reference = f"restored/{incarnation}"
    assert Item.objects.get(partner="ma", reference=reference).delivered_at is not None
    Item.objects.filter(reference=reference).update(not_understood=True)
    world.later(minutes=1)
    world.settle()
    assert Recovery.objects.get().ended_at is not None


def test_what_arrived_is_taken_in_first(world: World) -> None:
    ma, _, incarnation, _ = restored(world)
    came = InEnvelope.objects.filter(sender=ma.node_id)[:1].get()
    InEnvelope.objects.filter(pk=came.pk).update(state=InEnvelope.STORED)
    recovering.take_answer("ma", held(incarnation).content, world.now)
    recovering.look({}, world.now)
    assert recovering.status()["awaited"] == []
    assert Recovery.objects.get().ended_at is None
    InEnvelope.objects.filter(pk=came.pk).update(state=InEnvelope.OPENED)
    world.later(minutes=1)
    world.settle()
    assert Recovery.objects.get().ended_at is not None


def test_waiting_ends_by_hand_only_for_those_who_are_named(world: World) -> None:
    _, _, incarnation, _ = restored(world)
    with pytest.raises(Conflict, match=r"recovery[.]awaited"):
        recovering.finish(world.now)
    declaration = recovering.finish(world.now, without=["ma"])
    assert declaration["without"] == ["ma"]
    assert Tree.objects.filter(incarnation=incarnation).count() == 2
    with pytest.raises(Conflict, match=r"recovery[.]none"):
        recovering.finish(world.now, without=["ma"])
    world.ask("ma")


def test_pages_are_read_and_not_written(world: World) -> None:
    restored(world)
    page = world.client
    assert page.post("/accounts/login/", {"login": "liaison", "password": PASSWORD}).status_code == 302
    shown = page.get("/")
    assert shown.status_code == 200
    assert 'aria-label="Restore under way"' in page.get("/", headers={"accept-language": "en"}).content.decode()
    told = page.post("/desk/take/", {"task": "1"})
    assert told.status_code == 503
    assert "ma" in told.content.decode()
    machine = page.post("/api/v1/searches", data="{}", content_type="application/json")
    assert (machine.status_code, machine.json()["code"]) == (503, "recovery.under_way")


def test_a_partner_that_was_restored_hears_what_we_hold_of_it_and_a_desk_hears_of_its_loss(world: World) -> None:
    world.accord("ma")
    ma = world.fars["ma"]
    last = InEnvelope.objects.filter(sender="ma").order_by("-sequence").first()
    assert last is not None
    ma.restored(9)
    asked = bodies.Item(
        "restored",
        {"v": 1, "incarnation": 9, "restored_at": "2026-11-22T09:00:00.000Z", "copy_at": "2026-11-21T20:00:00.000Z"},
    )
    world.arrive(ma, asked)
    world.arrive(ma, asked)
    world.settle()
    (answer,) = ma.items("held")
    assert answer["manifest"] == {"incarnation": 1, "sequence": last.sequence, "digest": last.manifest_digest}
    assert any(key == "restored/ma" for key in tasks(world))
    ma.restored(10)
    world.arrive(ma, bodies.Item("restored", {"v": 1, "incarnation": 10, "restored_at": "2026-11-22T09:30:00.000Z"}))
    world.settle()
    assert len([key for key in tasks(world) if key.startswith("restored/ma")]) == 1, "however often it is restored"
