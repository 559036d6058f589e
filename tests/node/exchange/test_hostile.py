"""A hostile partner: what it brings is bounded, others are served, an alarm names what was seen, and the evidence can be taken out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from tansiq.engine.dossiers import entries
from tansiq.engine.envelopes import bodies, dsse
from tansiq.engine.envelopes.cards import open_card
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.manifest import read_manifest
from tansiq.engine.formats.ids import digest
from tansiq.node.audit.models import Event
from tansiq.node.desk.queries import list_for
from tansiq.node.exchange import gaps, limits
from tansiq.node.exchange.models import Contradiction, InEnvelope, Item
from tansiq.node.flows import evidence, taking
from tests.node.far import Far
from tests.node.world import World

STATUS = bodies.Item("status", {"v": 1, "status": "opened", "references": [], "code": ""})


def alarms(world: World) -> set[str]:
    """The keys of what lies on the liaison officer's desk."""
    return {task.key for task in list_for(world.officer("liaison"), now=world.now).tasks}


def knocks(
    world: World, far: Far, count: int = 1, *, items: tuple[bodies.Item, ...] = (STATUS,)
) -> list[tuple[int, str]]:
    """What the door answers to so many envelopes that are right."""
    told = []
    for _ in range(count):
        answer = world.post("envelopes", far.seal("fr", *items, now=world.now).to_bytes())
        told.append((answer.status_code, answer.json().get("code", "")))
    return told


def limited(monkeypatch: pytest.MonkeyPatch, **told: int) -> None:
    """A node whose administrator has set these limits."""
    monkeypatch.setattr(settings, "NODE", replace(settings.NODE, **told))


# -- flooding ------------------------------------------------------------------------------------------------------------


def test_more_than_a_partner_may_in_a_minute_waits_at_the_partner(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(monkeypatch, partner_envelopes_per_minute=3)
    ma, it = world.fars["ma"], world.partner("it")
    assert [status for status, _ in knocks(world, ma, 3)] == [200] * 3
    sealed = ma.seal("fr", STATUS, now=world.now)
    answer = world.post("envelopes", sealed.to_bytes())
    assert (answer.status_code, answer.json()["code"], answer["retry-after"]) == (429, "exchange.too_much", "60")
    assert InEnvelope.objects.filter(sender="ma").count() == 3
    assert knocks(world, it) == [(200, "")], "another partner is served"
    assert "flood/ma" in alarms(world)
    world.post("envelopes", sealed.to_bytes())
    (event,) = Event.objects.filter(event="link.too_much")
    assert event.told["facts"] == {"partner": "ma", "rule": "minute", "limit": 3}
    world.later(minutes=1)
    assert world.post("envelopes", sealed.to_bytes()).status_code == 200, "the same bytes, later"


def test_what_a_partner_brings_in_a_day_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEBI", 8 * 1024)
    limited(monkeypatch, partner_mb_per_day=2)
    ma = world.fars["ma"]
    size = len(ma.seal("fr", STATUS, now=world.now).to_bytes())
    allowed = 2 * limits.MEBI // size
    assert knocks(world, ma, allowed + 1) == [(200, "")] * allowed + [(429, "exchange.too_much")]
    world.later(days=1)
    assert knocks(world, world.fars["ma"]) == [(200, "")]


def test_what_waits_to_be_opened_is_bounded_and_goes_behind_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WAITING", 4)
    monkeypatch.setattr(limits, "EASY", 1)
    ma, it = world.fars["ma"], world.partner("it")
    assert knocks(world, ma, 5)[-1] == (429, "exchange.too_much")
    knocks(world, it)
    world.work()
    opened = InEnvelope.objects.filter(state=InEnvelope.OPENED)
    assert opened.filter(sender="it").exists(), "it came last and is opened among the first"
    assert opened.filter(sender="ma").count() == 2
    world.later(seconds=1)
    world.work()
    assert knocks(world, ma) == [(200, "")]


def test_nobody_uses_up_a_partners_room_in_its_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, partner_envelopes_per_minute=1)
    ma, stranger = world.fars["ma"], Far("de", world.now)
    for _ in range(5):
        forged = ma.seal("fr", STATUS, now=world.now, node_signer=stranger.node)
        assert world.post("envelopes", forged.to_bytes()).status_code == 503
    assert knocks(world, ma) == [(200, "")]


def test_a_thousand_items_that_are_nothing_cost_no_more_than_twenty(world: World) -> None:
    ma = world.fars["ma"]
    nothing = [bodies.Item("nothing", {"reference": digest(bytes([n % 256, n // 256]))}) for n in range(400)]
    broken = [bodies.Item("fetch", {"entries": n}) for n in range(400)]
    world.arrive(ma, *nothing, *broken)
    assert Event.objects.filter(event="item.refused").count() == 20
    (rest,) = Event.objects.filter(event="items.refused")
    assert (rest.told["facts"]["count"], rest.told["facts"]["codes"]) == (
        800,
        ["item.malformed", "item.not_understood"],
    )
    (status,) = Item.objects.filter(partner="ma", type="status")
    assert len(status.content["references"]) == 400


def test_dossiers_that_are_nowhere_do_not_fill_our_queue(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "MAX_ASKED", 10)
    told = {digest(bytes([n])): [] for n in range(100)}
    world.arrive(world.fars["ma"], bodies.Item("heads", {"v": 1, "dossiers": told, "after": "", "until": ""}))
    assert Item.objects.filter(partner="ma", type="fetch").count() == 10


# -- contradictions --------------------------------------------------------------------------------------------------------


def keys_in(held: dict[str, Any], purpose: str) -> dict[str, bytes]:
    """The keys by which a third person judges: from the cards in the evidence."""
    cards = [open_card(Signed.from_json(one), pinned_root=None) for one in held["cards"]]
    return {key.key_id: key.public_bytes for card in cards for key in card.keys if key.purpose == purpose}


def test_two_envelopes_under_one_id_and_one_number_are_evidence_that_convicts_by_itself(world: World) -> None:
    ma = world.fars["ma"]
    place = ma.outbound
    first = ma.seal("fr", STATUS, now=world.now)
    world.post("envelopes", first.to_bytes())
    again = ma.seal("fr", STATUS, now=world.now + timedelta(seconds=1), envelope_id=first.opened_manifest.envelope_id)
    world.post("envelopes", again.to_bytes())
    ma.outbound = place
    world.post("envelopes", ma.seal("fr", STATUS, now=world.now + timedelta(seconds=2)).to_bytes())
    held = json.loads(json.dumps(evidence.against("ma", world.now)))
    (by_id,), (by_number,) = held["envelope_ids"], held["numbers"]
    for signed in [*by_id["manifests"], *by_number["manifests"]]:
        dsse.verify_one(
            Signed.from_json(signed), payload_type="application/vnd.tansiq.manifest+json", keys=keys_in(held, "node")
        )
    ids = [read_manifest(Signed.from_json(one)) for one in by_id["manifests"]]
    assert {one.envelope_id for one in ids} == {by_id["envelope"]}
    assert len({one.digest() for one in ids}) == 2
    numbers = [read_manifest(Signed.from_json(one)).sequence for one in by_number["manifests"]]
    assert numbers == [1, 1]


def test_evidence_of_one_kind_is_kept_a_hundred_times_and_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "KEPT_CONTRADICTIONS", 3)
    ma = world.fars["ma"]
    first = ma.seal("fr", STATUS, now=world.now)
    world.post("envelopes", first.to_bytes())
    for number in range(6):
        at = world.now + timedelta(seconds=number + 1)
        again = ma.seal("fr", STATUS, now=at, envelope_id=first.opened_manifest.envelope_id)
        assert world.post("envelopes", again.to_bytes()).json()["code"] == "envelope.id_reused"
    assert Contradiction.objects.count() == 3


def test_two_entries_in_one_place_are_an_alarm_with_both_headers_as_evidence(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    world.arrive(ma, asked)
    world.settle()
    before = ma.dossiers[asked.entry_id].folded
    pair = [ma.act(asked.entry_id, "remind", world.now + timedelta(minutes=n), folded=before) for n in range(2)]
    world.arrive(ma, *pair)
    assert f"forked/{asked.entry_id}/ma" in alarms(world)
    (place,) = evidence.against("ma", world.now)["entries"]
    assert place["dossier"] == asked.entry_id
    held = evidence.against("ma", world.now)
    found = set()
    for signed in place["headers"]:
        raw = dsse.verify_one(
            Signed.from_json(signed), payload_type=entries.PAYLOAD_TYPE, keys=keys_in(held, "authority")
        )
        assert entries.read_header(raw).prev == place["after"]
        found.add(digest(raw))
    assert found == {one.entry_id for one in pair}


def test_of_an_honest_partner_there_is_no_evidence(world: World) -> None:
    world.accord("ma")
    held = evidence.against("ma", world.now)
    assert [held[name] for name in ("envelope_ids", "numbers", "entries", "logs")] == [[], [], [], []]


# -- withholding -----------------------------------------------------------------------------------------------------------


def test_a_gap_that_stays_is_an_alarm_until_it_is_filled(world: World) -> None:
    ma = world.fars["ma"]
    withheld = ma.seal("fr", STATUS, now=world.now)
    world.arrive(ma, STATUS)
    gaps.flag(world.now)
    assert "gap/ma" not in alarms(world), "the line may be slow"
    world.later(minutes=61)
    gaps.flag(world.now)
    assert "gap/ma" in alarms(world)
    assert world.post("envelopes", withheld.to_bytes()).status_code == 200
    gaps.flag(world.now)
    assert "gap/ma" not in alarms(world)
