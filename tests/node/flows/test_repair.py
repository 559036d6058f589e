"""Repair: heads compared, a partner that was restored, this node restored, links and the doctor."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.db import connection

from tansiq.engine.envelopes import bodies
from tansiq.engine.formats.ids import b64encode
from tansiq.node.audit.models import Event, Tile, Tree
from tansiq.node.dossiers import queries, refolding, waiting_room
from tansiq.node.dossiers.actions import STATE
from tansiq.node.dossiers.models import Dossier, Entry, Part, Reference
from tansiq.node.exchange.models import InEnvelope, Item, Link, OutEnvelope
from tansiq.node.exchange.queries import delivery_of, links
from tansiq.node.flows import comparing, mending, recovering, repair
from tests.node.far import Far
from tests.node.flows.test_journeys import agree, tasks
from tests.node.flows.test_recovering import held
from tests.node.world import World


def lose(dossier: str, *, after: int = 0) -> None:
    """What a restore from an older copy does to a dossier: entries beyond depth ``after`` are not here any more."""
    if after:
        raise NotImplementedError
    Part.objects.filter(entry__dossier=dossier).delete()
    Entry.objects.filter(dossier=dossier).delete()
    Reference.objects.filter(dossier=dossier).delete()
    Dossier.objects.filter(pk=dossier).delete()


def asked(world: World) -> tuple[Far, str]:
    """A request of ma's that is received."""
    accord = world.accord("ma")
    ma = world.fars["ma"]
    entry = world.asked_by(ma, accord=accord)
    world.arrive(ma, entry)
    world.settle()
    return ma, entry.entry_id


def heads(far: Far, **changed: Any) -> bodies.Item:
    """What a far node tells of its heads."""
    told = {d: sorted(held.folded.heads) for d, held in far.dossiers.items()}
    return bodies.Item("heads", {"v": 1, "dossiers": told, "after": "", "until": ""} | changed)


def test_a_partner_that_lost_everything_gets_it_again(world: World) -> None:
    ma, dossier = asked(world)
    world.act("liaison", "request", "assign", dossier, codes={"unit": "ops"})
    world.settle()
    lost = ma.dossiers
    ma.dossiers = {}
    world.arrive(ma, heads(ma))
    world.later(minutes=1)
    world.settle()
    assert ma.dossiers.keys() == lost.keys()
    agree(world, dossier)


def test_the_evidence_of_the_first_delivery_stays_when_it_is_sent_again(world: World) -> None:
    world.accord("ma")
    ma = world.fars["ma"]
    dossier = world.ask("ma")
    world.settle()
    first = delivery_of([dossier])[dossier]
    for _ in range(3):
        world.arrive(ma, bodies.Item("fetch", {"v": 1, "dossier": dossier, "entries": [dossier]}))
    world.settle()
    assert delivery_of([dossier])[dossier] == first
    assert (
        len([c for c in ma.items("entry") if c["header"] == ma.dossiers[dossier].entries[dossier].to_wire()["header"]])
        == 2
    )


def test_we_fetch_what_we_lack_and_send_what_it_lacks(world: World) -> None:
    ma, dossier = asked(world)
    reminded = ma.act(dossier, "remind", world.now)
    ma.is_down = True
    world.act("liaison", "request", "assign", dossier, codes={"unit": "ops"})
    world.deliver()
    ma.is_down = False
    world.later(minutes=20)
    world.arrive(ma, heads(ma))
    world.settle()
    assert [f["entries"] for f in ma.items("fetch")] == [[reminded.entry_id]]
    world.arrive(ma, reminded)
    agree(world, dossier)


def test_heads_speak_for_their_range_only(world: World) -> None:
    ma, dossier = asked(world)
    before = Item.objects.count()
    world.arrive(ma, heads(ma, dossiers={}, after=dossier))
    world.arrive(ma, heads(ma, dossiers={}, until="0" * 64))
    others = [d for d in ma.dossiers if d > dossier]
    sent = Item.objects.filter(pk__gt=0).count() - before
    assert sent == sum(len(ma.dossiers[d].entries) for d in others)
    world.settle()
    world.later(minutes=2)
    world.arrive(ma, heads(ma, dossiers={}, until=dossier))
    assert Item.objects.filter(dossier=dossier, delivered_at=None).count() == len(ma.dossiers[dossier].entries)


def test_what_is_not_theirs_is_neither_sent_nor_confirmed(world: World) -> None:
    _, dossier = asked(world)
    it = world.partner("it")
    before = Item.objects.filter(partner="it").count()
    world.arrive(it, bodies.Item("fetch", {"v": 1, "dossier": dossier, "entries": [dossier, "a" * 64]}))
    world.arrive(it, heads(it))
    assert Item.objects.filter(partner="it").count() == before


def test_many_dossiers_are_told_in_several_items(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "TOLD_AT_ONCE", 3)
    world.accord("ma")
    ma = world.fars["ma"]
    for _ in range(7):
        world.ask("ma")
    world.settle()
    comparing.tell_heads(world.now, only=["ma"])
    world.settle()
    told = ma.items("heads")
    assert [len(item["dossiers"]) for item in told] == [3, 3, 2]
    assert (told[0]["after"], told[-1]["until"]) == ("", "")
    assert [item["until"] for item in told[:-1]] == [item["after"] for item in told[1:]]
    assert {d for item in told for d in item["dossiers"]} == set(ma.dossiers)


def test_where_nothing_differs_a_digest_is_all_that_travels(world: World) -> None:
    ma, _ = asked(world)
    comparing.tell_summary(world.now)
    world.settle()
    (told,) = ma.items("heads")
    assert (told["dossiers"], told["after"]) == ({}, told["until"])
    assert told["summary"] == summed(ma)
    before = Item.objects.count()
    world.arrive(ma, heads(ma, **comparing.NOTHING, summary=summed(ma)))
    assert Item.objects.count() == before
    assert comparing.tell_summary(world.later(minutes=1)) == 0


def test_what_differs_is_wanted_told_and_sent(world: World) -> None:
    ma, dossier = asked(world)
    theirs = {**summed(ma), dossier[:2]: "0" * 64}
    world.arrive(ma, heads(ma, **comparing.NOTHING, summary=theirs))
    world.settle()
    wanted = ma.items("heads")[-1]["wanted"]
    assert wanted == [dossier[:2]]
    world.arrive(ma, heads(ma, **comparing.NOTHING, wanted=wanted))
    world.settle()
    told = ma.items("heads")[-1]
    assert dossier in told["dossiers"]
    assert told["after"] < dossier <= told["until"]
    assert told["until"][:2] == dossier[:2]


@pytest.mark.parametrize(
    "member",
    [
        {"summary": {"zz": "0" * 64}},
        {"summary": {"00": "no digest"}},
        {"summary": []},
        {"wanted": ["0"]},
        {"wanted": ["00", "00"]},
        {"wanted": [f"{n:02x}" for n in range(256)] + ["00"]},
        {"wanted": {"00": 1}},
    ],
)
def test_a_summary_that_is_none_is_refused(world: World, member: dict[str, Any]) -> None:
    ma, _ = asked(world)
    before = Item.objects.count()
    world.arrive(ma, heads(ma, **comparing.NOTHING, **member))
    assert Item.objects.filter(type="heads").count() == 0
    assert Item.objects.count() <= before + 1  # that it was not understood


def test_every_shared_dossier_keeps_the_digest_of_its_heads(world: World) -> None:
    asked(world)
    for row in Dossier.objects.all():
        assert row.heads_digest == queries.digest_of_heads(queries.folded_of(row).heads)


def summed(far: Far) -> dict[str, str]:
    """A partner's own summary, reckoned from the page of the protocol alone."""
    told: dict[str, Any] = {}
    for dossier in sorted(far.dossiers):
        heads_digest = hashlib.sha256("".join(sorted(far.dossiers[dossier].folded.heads)).encode()).hexdigest()
        told.setdefault(dossier[:2], hashlib.sha256()).update(f"{dossier}{heads_digest}".encode())
    return {prefix: one.hexdigest() for prefix, one in told.items()}


# -- a partner comes back ------------------------------------------------------------------------------------------------


def test_a_restored_partner_is_an_event_and_no_attack(world: World) -> None:
    ma, dossier = asked(world)
    ma.restored(2)
    world.arrive(ma, ma.act(dossier, "remind", world.now))
    assert any("desk.partner_restored" in key for key in tasks(world))
    assert Event.objects.filter(event="link.newincarnation").count() == 1
    assert not any("sequence_forked" in key for key in tasks(world))
    agree(world, dossier)


def test_two_envelopes_under_one_number_are_evidence_and_both_are_taken(world: World) -> None:
    ma, dossier = asked(world)
    place = ma.outbound.next()
    world.arrive(ma, ma.act(dossier, "remind", world.now))
    again = {"sequence": place.sequence, "previous_manifest_digest": place.previous_manifest_digest}
    world.arrive(ma, ma.act(dossier, "remind", world.now), **again)
    assert any("sequence_forked" in key for key in tasks(world))
    assert InEnvelope.objects.filter(sender="ma", sequence=place.sequence).count() == 2
    agree(world, dossier)


def test_a_gap_is_visible_and_holds_nothing_up(world: World) -> None:
    ma, dossier = asked(world)
    lost = ma.seal("fr", ma.act(dossier, "remind", world.now), now=world.now)
    number = lost.opened_manifest.sequence
    world.arrive(ma, bodies.Item("status", {"status": "opened", "references": []}))
    assert links()["ma"]["missing"] == [f"1:{number}-{number}"]
    assert Event.objects.filter(event="item.status").count() == 1
    world.post("envelopes", lost.to_bytes())
    world.work()
    assert links()["ma"]["missing"] == []
    agree(world, dossier)


# -- this node comes back ------------------------------------------------------------------------------------------------


def test_this_node_comes_back_in_a_new_incarnation_and_gets_its_own_entries_again(world: World) -> None:
    ma, dossier = asked(world)
    world.act("liaison", "request", "answer", dossier, codes={"extent": "full"})
    world.settle()
    entries = {e.pk for e in Entry.objects.filter(dossier=dossier)}
    lose(dossier)
    report = recovering.begin(world.now)
    world.settle()
    assert not Tree.objects.filter(incarnation=report["incarnation"]).exists()
    (told,) = ma.items("heads")
    assert dossier not in told["dossiers"]
    assert Link.objects.get(partner="ma").incarnation == report["incarnation"]
    world.arrive(ma, *ma.dossiers[dossier].entries.values(), held(report["incarnation"]))
    world.later(minutes=1)
    world.settle()
    assert Tree.objects.filter(incarnation=report["incarnation"]).count() == 2
    assert {e.pk for e in Entry.objects.filter(dossier=dossier)} == entries
    assert Entry.objects.filter(dossier=dossier, is_own=True).count() == 2
    agree(world, dossier)
    assert "restored/" in "".join(tasks(world))


def test_an_old_copy_restored_twice_is_two_incarnations(world: World) -> None:
    world.accord("ma")
    first = recovering.begin(world.now)["incarnation"]
    recovering.finish(world.now, without=["ma"])
    Link.objects.update(incarnation=1)
    second = recovering.begin(world.later(minutes=5))["incarnation"]
    recovering.finish(world.now, without=["ma"])
    assert second > first
    assert sorted(set(Tree.objects.values_list("incarnation", flat=True))) == [1, first, second]


def test_a_partner_enrolled_after_the_copy_gets_the_new_incarnation_too(world: World) -> None:
    world.partner("it")
    assert not Link.objects.filter(partner="it").exists()
    incarnation = recovering.begin(world.now)["incarnation"]
    world.settle()
    assert OutEnvelope.objects.get(partner="it").incarnation == incarnation


def test_what_was_sealed_before_the_copy_is_sealed_anew(world: World) -> None:
    world.accord("ma")
    ma = world.fars["ma"]
    ma.is_down = True
    dossier = world.ask("ma")
    world.deliver()
    recovering.begin(world.now)
    ma.is_down = False
    world.settle()
    assert dossier in ma.dossiers
    assert OutEnvelope.objects.filter(state="replaced", raw=None).count() == 1


# -- the doctor ----------------------------------------------------------------------------------------------------------


def _bad(world: World) -> dict[str, str]:
    found = repair.examine(world.now, quick=False)
    return {f["check"]: f["told"] for f in found if f["level"] == "bad"}


def test_the_doctor_finds_nothing_wrong_with_a_sound_node(world: World) -> None:
    asked(world)
    from tansiq.node.audit.tasks import sequence_all

    sequence_all(world.now)
    assert _bad(world) == {}


def test_the_doctor_finds_an_altered_entry_and_an_altered_part(world: World) -> None:
    _, dossier = asked(world)
    row = Entry.objects.get(pk=dossier)
    Entry.objects.filter(pk=dossier).update(header=bytes(row.header).replace(b'"0601"', b'"0602"'))
    assert f"{dossier[:12]} entry.malformed" in _bad(world)["entries"]


def test_what_is_damaged_is_asked_of_a_partner_and_put_back_as_it_was_signed(world: World) -> None:
    ma, dossier = asked(world)
    world.act("liaison", "request", "answer", dossier, codes={"extent": "full"}, parts=())
    world.settle()
    sound = {(e.pk, bytes(e.header), str(e.signatures)) for e in Entry.objects.all()}
    contents = {p.pk: p.salted for p in Part.objects.all()}
    Entry.objects.filter(pk=dossier).update(header=b"{}")
    other = Entry.objects.filter(is_own=True).exclude(dossier__kind="accord").first()
    assert other is not None
    Entry.objects.filter(pk=other.pk).update(signatures=[])
    victim = Part.objects.filter(entry=dossier).first()
    assert victim is not None
    with connection.cursor() as cursor:
        cursor.execute("UPDATE dossiers_part SET salted = %s WHERE id = %s", [b"\x01" * 90, victim.pk])
    bad = _bad(world)["entries"]
    assert dossier[:12] in bad
    assert "part 0" in bad
    assert other.pk[:12] in bad
    done = mending.mend(world.later(minutes=2))
    assert [d["level"] for d in done if d["check"] == "entry"] == ["ok", "ok"]
    world.settle()
    wanted = {one for item in ma.items("fetch") for one in item["entries"]}
    assert {dossier, other.pk} <= wanted
    world.arrive(ma, *ma.dossiers[dossier].entries.values())
    world.settle()
    assert {(e.pk, bytes(e.header), str(e.signatures)) for e in Entry.objects.all()} == sound
    assert {p.pk: p.salted for p in Part.objects.all()} == contents
    assert "entries" not in _bad(world)


def test_a_forged_entry_does_not_take_the_place_of_a_damaged_one(world: World) -> None:
    ma, dossier = asked(world)
    Entry.objects.filter(pk=dossier).update(signatures=[])
    entry = ma.dossiers[dossier].entries[dossier]
    wire = entry.to_wire()
    wire["header"]["signatures"][0]["sig"] = b64encode(b"\0" * 64)
    world.arrive(ma, bodies.Item("entry", wire))
    world.settle()
    assert Entry.objects.get(pk=dossier).signatures == []
    world.arrive(ma, entry)
    world.settle()
    assert "entries" not in _bad(world)


def test_what_nobody_else_has_is_named_and_left(world: World) -> None:
    _, dossier = asked(world)
    Dossier.objects.filter(pk=dossier).update(participants=["fr"])
    Entry.objects.filter(pk=dossier).update(header=b"{}")
    (told,) = [d for d in mending.mend(world.now) if d["check"] == "entry"]
    assert told["level"] == "bad"
    assert Entry.objects.get(pk=dossier).signatures != []


def test_hashes_are_made_anew_and_rows_of_a_log_are_never_touched(world: World) -> None:
    asked(world)
    world.later(minutes=11)
    world.settle()
    tile = Tile.objects.filter(tree__log="exchange", level=0).first()
    assert tile is not None
    sound = bytes(tile.hashes)
    Tile.objects.filter(pk=tile.pk).update(hashes=b"\x07" * len(sound))
    assert any("hashes_damaged" in told for told in _bad(world).values())
    mending.mend(world.now)
    world.settle()
    assert _bad(world) == {}
    assert bytes(Tile.objects.get(tree=tile.tree_id, level=0, number=tile.number).hashes)[: len(sound)] == sound
    event = Event.objects.filter(tree=tile.tree_id).order_by("index").first()
    assert event is not None
    Event.objects.filter(pk=event.pk).update(actor="somebody")
    assert [d["level"] for d in mending.mend(world.now) if d["check"].startswith("log")] == ["bad"]
    assert Event.objects.get(pk=event.pk).actor == "somebody"


def test_a_state_that_is_not_what_its_entries_come_to_is_found_and_folded_anew(world: World) -> None:
    ma, dossier = asked(world)
    world.arrive(ma, ma.act(dossier, "remind", world.now))
    world.settle()
    row = Dossier.objects.get(pk=dossier)
    right = {name: getattr(row, name) for name in STATE}
    reminded = Entry.objects.filter(dossier=dossier, act="remind").get()
    other = {**row.folded, "count": 1}
    Dossier.objects.filter(pk=dossier).update(phase="answered", is_closed=True, folded=other)
    Entry.objects.filter(pk=reminded.pk).update(is_effective=False, reason="request.nobody")
    (told,) = [f for f in repair.examine(world.now, quick=False) if f["check"] == "states"]
    assert told["level"] == "bad"
    assert all(word in told["told"] for word in (dossier[:12], "phase", "is_closed", "folded", reminded.pk[:12]))
    done = [f for f in mending.mend(world.now) if f["check"] == "state"]
    assert [f["level"] for f in done] == ["ok"]
    row.refresh_from_db()
    assert {name: getattr(row, name) for name in STATE} == right | {"changed_at": world.now}
    reminded.refresh_from_db()
    assert (reminded.is_effective, reminded.reason) == (True, "")
    assert list(refolding.differences()) == []
    world.arrive(ma, ma.act(dossier, "remind", world.now))
    world.settle()
    agree(world, dossier)


def test_a_state_cannot_be_reckoned_while_an_ancestor_is_lost(world: World) -> None:
    ma, dossier = asked(world)
    world.arrive(ma, ma.act(dossier, "remind", world.now))
    world.settle()
    Part.objects.filter(entry=dossier).delete()
    Entry.objects.filter(pk=dossier).update(header=b"{}")
    (found,) = [f for f in refolding.differences() if f.dossier == dossier]
    assert found.code
    before = Dossier.objects.filter(pk=dossier).values().get()
    assert refolding.write_anew(dossier, world.now) == found
    assert Dossier.objects.filter(pk=dossier).values().get() == before


def test_the_doctor_counts_what_waits(world: World) -> None:
    ma, dossier = asked(world)
    ma.act(dossier, "remind", world.now)
    world.arrive(ma, ma.act(dossier, "remind", world.now))
    told = {f["check"]: f for f in repair.examine(world.now, quick=True)}
    assert told["waiting entries"]["level"] == "warn"
    assert waiting_room.listed()
