"""Entries that come by another road than the plain one: relayed, incomplete, unwelcome, unreadable, early, forked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tansiq.engine.accords.local_rules import LocalRule, LocalRules
from tansiq.engine.dossiers.entries import Part
from tansiq.engine.envelopes import bodies, dsse
from tansiq.engine.formats import canonical
from tansiq.engine.formats.ids import b64decode
from tansiq.node.audit.models import Event
from tansiq.node.desk.queries import list_for
from tansiq.node.dossiers import queries, waiting_room
from tansiq.node.dossiers.models import Dossier, Entry, Quarantined, WaitingEntry
from tansiq.node.dossiers.models import Part as PartRow
from tansiq.node.flows import taking, working
from tansiq.node.partners import actions as partners
from tansiq.node.register.models import Subject
from tests.node.far import Far, entry_item
from tests.node.flows.test_journeys import agree, tasks
from tests.node.world import ASK, World, leaves_nothing, narrative, question_parts


def report_parts(text: str = "…") -> tuple[Part, ...]:
    """The parts of an intelligence report, graded."""
    from tansiq.engine.dossiers.entries import Grading
    from tests.node.world import subject

    grading = Grading("4x4", "A", "1")
    return (narrative("facts", text, grading=grading), subject("Samir Talbi", grading=grading))


def three(world: World) -> tuple[Far, Far, str]:
    """``ma`` and ``it`` and us under one accord."""
    it = world.partner("it")
    return world.fars["ma"], it, world.accord("ma", "it")


def report_by(
    world: World, far: Far, accord: str, others: list[str], text: str = "…", parts: tuple[Part, ...] | None = None
) -> Any:
    """A report that ``far`` opens."""
    return far.open(
        "report",
        others,
        world.now,
        codes={"purpose": "investigation", "crime_area": "0601"},
        parts=report_parts(text) if parts is None else parts,
        accord=accord,
        accord_version=world.version(accord),
    )


# -- three parties -------------------------------------------------------------------------------------------------------


def test_an_entry_may_come_through_another_participant(world: World) -> None:
    ma, it, accord = three(world)
    report = report_by(world, it, accord, ["fr", "ma"])
    ma.keep(report)
    world.arrive(ma, report)
    assert Entry.objects.get(entry_id=report.entry_id).author == "it"
    assert Subject.objects.get(entry=report.entry_id).owner == "it"
    world.settle()
    assert it.dossiers[report.entry_id].of("received")
    assert ma.dossiers[report.entry_id].of("received")
    agree(world, report.entry_id, "it")
    agree(world, report.entry_id, "ma")


def test_parts_that_a_participant_left_out_are_filled_in_by_the_author(world: World) -> None:
    ma, it, accord = three(world)
    report = report_by(world, it, accord, ["fr", "ma"])
    bare = report.without(*(ref.commitment for ref in report.header.parts))
    world.arrive(ma, bare)
    assert not Subject.objects.filter(entry=report.entry_id).exists()
    world.arrive(it, report)
    assert PartRow.objects.filter(entry=report.entry_id, salted__isnull=True).count() == 0
    assert Subject.objects.filter(entry=report.entry_id).count() == 1
    assert Event.objects.filter(event="parts.completed").count() == 1
    with leaves_nothing(but=("exchange.InEnvelope", "exchange.Link", "jobs.Job", "audit.Event")):
        world.arrive(it, report)


def test_a_stranger_to_the_dossier_may_not_bring_its_entries(world: World) -> None:
    accord = world.accord("ma")
    ma, it = world.fars["ma"], world.partner("it")
    asked = world.asked_by(ma, accord=accord)
    world.arrive(it, asked)
    assert Dossier.objects.filter(kind="request").count() == 0
    assert Event.objects.get(event="item.refused").told["facts"]["code"] == "item.not_in_audience"


def test_nor_by_coming_before_the_dossier(world: World) -> None:
    """An entry of an unknown dossier waits; when the dossier comes, its sender turns out to be no participant."""
    accord = world.accord("ma")
    ma, it = world.fars["ma"], world.partner("it")
    asked = world.asked_by(ma, accord=accord)
    reminded = ma.act(asked.entry_id, "remind", world.now)
    world.arrive(it, reminded)
    assert [w.entry_id for w in waiting_room.listed()] == [reminded.entry_id]
    world.arrive(ma, asked)
    assert waiting_room.listed() == []
    assert not Entry.objects.filter(entry_id=reminded.entry_id).exists()
    codes = [e.told["facts"]["code"] for e in Event.objects.filter(event="item.refused")]
    assert codes == ["item.not_in_audience"]


def test_what_waits_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_room, "MAX_WAITING_PER_DOSSIER", 3)
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    reminders = [ma.act(asked.entry_id, "remind", world.now) for _ in range(5)]
    world.arrive(ma, *reminders)
    assert WaitingEntry.objects.count() == 3
    refused = Event.objects.filter(event="item.refused")
    assert {e.told["facts"]["code"] for e in refused} == {"dossier.too_many_waiting"}
    world.arrive(ma, asked, *reminders)
    assert WaitingEntry.objects.count() == 0
    agree_on_entries(world, asked.entry_id)


def agree_on_entries(world: World, dossier: str) -> None:
    """Both hold the same entries (our machine's answers delivered)."""
    world.settle()
    agree(world, dossier)


# -- a fork --------------------------------------------------------------------------------------------------------------


def test_two_entries_in_one_place_are_kept_as_evidence(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    world.arrive(ma, asked)
    world.settle()
    before = ma.dossiers[asked.entry_id].folded
    one = ma.act(asked.entry_id, "remind", world.now, folded=before)
    two = ma.act(asked.entry_id, "remind", world.now + timedelta(minutes=1), folded=before)
    world.arrive(ma, one, two)
    assert Dossier.objects.get(pk=asked.entry_id).equivocation[0][0] == "ma"
    assert Entry.objects.filter(entry_id__in=[one.entry_id, two.entry_id]).count() == 2
    agree(world, asked.entry_id)


def test_an_entry_that_breaks_a_rule_stays_without_effect(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    world.arrive(ma, asked)
    world.settle()
    forged = ma.forge(asked.entry_id, "answer", world.now, codes={"extent": "full"})
    world.arrive(ma, forged)
    row = Entry.objects.get(entry_id=forged.entry_id)
    assert (row.is_effective, row.reason) == (False, "kind.not_for_this_role")
    assert queries.dossier_by_id(asked.entry_id).phase == "received"


def test_a_time_ahead_of_ours_is_flagged(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    late = ma.act(asked.entry_id, "remind", world.now + timedelta(hours=1))
    world.arrive(ma, asked, late)
    assert "time_ahead" in Entry.objects.get(entry_id=late.entry_id).flags


# -- quarantine ----------------------------------------------------------------------------------------------------------


def _refuse_suspects(world: World) -> None:
    rule = LocalRule(clause="Loi nationale, art. 12", outcome="refuse", acts=("receive",), categories=("suspect",))
    partners.set_local_rules(LocalRules(node="fr", rules=(rule,)), actor="dpo", now=world.now)


def _not_accepted(far: Far, dossier: str) -> list[Any]:
    return [entry.header for entry in far.dossiers[dossier].of("not_accepted")]


def test_what_local_rules_refuse_goes_to_quarantine_and_the_reason_stays(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    _refuse_suspects(world)
    asked = world.asked_by(ma, accord=accord, name="Samir Talbi")
    world.arrive(ma, asked)
    world.settle()
    row = Entry.objects.get(entry_id=asked.entry_id)
    assert row.is_effective
    assert not row.parts.filter(salted__isnull=False).exists()
    assert not Subject.objects.exists()
    kept = Quarantined.objects.get(entry_id=asked.entry_id)
    assert (kept.reason, kept.sender) == ("decide.local_rule", "ma")
    assert kept.wire == entry_item(asked).content
    assert f"quarantine/{asked.entry_id}" in {t.key for t in list_for(world.officer("dpo"), now=world.now).tasks}
    told = _not_accepted(ma, asked.entry_id)
    assert [header.codes["entry"] for header in told] == [asked.entry_id]
    said = canonical.dumps(told[0].to_json())
    assert b"local" not in said
    assert b"art. 12" not in said
    agree(world, asked.entry_id)
    world.arrive(ma, asked)
    world.settle()
    assert not row.parts.filter(salted__isnull=False).exists(), "coming again does not let it out of quarantine"
    assert len(_not_accepted(ma, asked.entry_id)) == 1


def test_what_the_accord_refuses_goes_to_quarantine(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    provider = Part(
        type="subject",
        category="information_provider",
        content={"schema": "Person", "properties": {"name": ["Nobody"]}},
    )
    asked = world.asked_by(ma, accord=accord, parts=(*question_parts(), provider))
    world.arrive(ma, asked)
    world.settle()
    assert Quarantined.objects.get().reason == "decide.category_never"
    assert len(_not_accepted(ma, asked.entry_id)) == 1
    agree(world, asked.entry_id)


def test_not_accepted_is_never_answered_by_not_accepted(world: World) -> None:
    """Else two nodes whose rules differ would answer each other for ever."""
    world.accord("ma")
    ma = world.fars["ma"]
    rule = LocalRule(clause="Nothing from there", outcome="refuse", acts=("receive",), states=("ma",))
    dossier = world.ask("ma")
    world.settle()
    partners.set_local_rules(LocalRules(node="fr", rules=(rule,)), actor="dpo", now=world.now)
    world.arrive(ma, ma.act(dossier, "not_accepted", world.now, codes={"entry": dossier}, clause="tansiq:quarantine"))
    world.settle()
    assert Quarantined.objects.count() == 0
    assert _not_accepted(ma, dossier)[-1].author == "ma"
    assert queries.view_of(queries.dossier_by_id(dossier))["not_accepted"] == 1


def test_an_entry_under_an_unknown_accord_waits_ten_minutes_and_is_not_accepted_then(world: World) -> None:
    ma = world.fars["ma"]
    unknown = {"accord": "a" * 64, "accord_version": "b" * 64}
    asked = ma.open("request", ["fr"], world.now, codes=ASK, parts=question_parts(), **unknown)
    world.arrive(ma, asked)
    assert not Dossier.objects.exists()
    assert [w.missing for w in waiting_room.listed()] == [[f"accord:{'a' * 64}"]]
    world.later(minutes=11)
    world.settle()
    assert waiting_room.listed() == []
    assert Quarantined.objects.get().reason == "decide.no_accord"
    assert len(_not_accepted(ma, asked.entry_id)) == 1
    agree(world, asked.entry_id)


def test_a_ratification_that_comes_a_moment_later_is_waited_for(world: World) -> None:
    """Three parties: that the third has ratified may be known there and not yet here."""
    ma, it = world.fars["ma"], world.partner("it")
    from tansiq.engine.accords.terms import read_terms
    from tansiq.node.flows import act as flow
    from tansiq.node.flows.intents import Intent
    from tests.node.world import TERMS

    terms = read_terms({**TERMS, "parties": ["fr", "it", "ma"]})
    codes = {"terms": terms.digest}
    boss = world.officer("boss")
    propose = Intent(
        "accord", "propose", participants=("it", "ma"), codes=codes, parts=(Part("terms", terms.to_json()),)
    )
    accord = flow.act(boss, propose, now=world.now).dossier_id
    flow.act(boss, Intent("accord", "ratify", dossier=accord, codes=codes), now=world.now)
    world.settle()
    by_ma = ma.act(accord, "ratify", world.now, codes=codes)
    world.arrive(ma, by_ma)
    world.settle()
    it.keep(by_ma)
    by_it = it.act(accord, "ratify", world.now, codes=codes)
    report = ma.open(
        "report",
        ["fr", "it"],
        world.now,
        codes={"purpose": "investigation", "crime_area": "0601"},
        parts=report_parts(),
        accord=accord,
        accord_version=terms.digest,
    )
    world.arrive(ma, report)
    assert not Dossier.objects.filter(kind="report").exists()
    world.arrive(it, by_it)
    assert Dossier.objects.filter(kind="report").count() == 1
    assert Quarantined.objects.count() == 0
    assert waiting_room.listed() == []


# -- what this version cannot read --------------------------------------------------------------------------------------


def _unknown_kind(far: Far, entry: Any, **changed: Any) -> dict[str, Any]:
    """The same opening of a kind that nobody here knows, signed afresh."""
    header = entry.header.to_json()
    header["opening"] = {**header["opening"], "kind": "horoscope", **changed.pop("opening", {})}
    signed = dsse.sign("application/vnd.tansiq.entry+json", canonical.dumps({**header, **changed}), [far.authority])
    return {"header": signed.to_json(), "parts": entry.to_wire()["parts"]}


def _told_not_understood(far: Far) -> list[str]:
    return [r for status in far.items("status") if status["status"] == "not_understood" for r in status["references"]]


def test_an_unknown_kind_is_kept_and_the_sender_is_told(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    wire = _unknown_kind(ma, asked)
    world.arrive(ma, bodies.Item("entry", wire))
    world.settle()
    (kept,) = waiting_room.listed()
    assert kept.missing == ["kind:horoscope/1"]
    assert WaitingEntry.objects.get().wire == wire
    assert _told_not_understood(ma) == [kept.entry_id]
    assert not Dossier.objects.filter(kind="horoscope").exists()


def test_an_upgrade_takes_what_could_not_be_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from tansiq.engine.kinds import registry

    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    known = registry.kind
    with pytest.MonkeyPatch.context() as older:
        older.setitem(registry._MODULES, ("request", 1), None)
        registry.kind.cache_clear()
        world.arrive(ma, asked)
        assert [w.missing for w in waiting_room.listed()] == [["kind:request/1"]]
    registry.kind.cache_clear()
    assert known("request", 1)
    working.begin(world.now)
    assert waiting_room.listed() == []
    agree_on_entries(world, asked.entry_id)


def test_an_unknown_version_of_the_header_is_kept_and_the_sender_is_told(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    wire = _unknown_kind(ma, asked, v=2)
    world.arrive(ma, bodies.Item("entry", wire))
    world.settle()
    (kept,) = waiting_room.listed()
    assert kept.missing == ["version:entry.unknown_version"]
    assert _told_not_understood(ma) == [kept.entry_id]


def test_an_unknown_type_of_item_is_told_and_the_others_are_taken(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    strange = {"v": 1, "song": "la la"}
    world.arrive(
        ma, bodies.Item("melody", strange), entry_item(asked), bodies.Item("melody", {"reference": asked.entry_id})
    )
    world.settle()
    assert Entry.objects.filter(entry_id=asked.entry_id).exists()
    assert _told_not_understood(ma) == [canonical.digest(strange), asked.entry_id]


def test_our_officer_hears_that_a_partner_did_not_understand(world: World) -> None:
    world.accord("ma")
    ma = world.fars["ma"]
    dossier = world.ask("ma")
    world.settle()
    told = {"v": 1, "status": "not_understood", "references": [dossier], "code": "kind.unknown"}
    world.arrive(ma, bodies.Item("status", told))
    assert f"not_understood/ma/{dossier}" in tasks(world)
    from tansiq.node.exchange.queries import delivery_of

    assert delivery_of([dossier])[dossier][0]["state"] == "not_understood"


# -- wrong entries -------------------------------------------------------------------------------------------------------


def _spoiled(ma: Far, asked: Any) -> dict[str, dict[str, Any]]:
    """Wires of one entry, each broken in one way, with the code that it must get."""
    good = asked.to_wire()
    other = Far("ma", ma.since, seed="thief")
    by_thief = dsse.sign("application/vnd.tansiq.entry+json", asked.raw, [other.authority]).to_json()
    part = good["parts"][0]
    changed_part = {**part, "part": {**part["part"], "content": {"text": "Autre chose ?"}}}
    return {
        "dsse.signatures_differ": {**good, "header": by_thief},
        "entry.commitment_differs": {**good, "parts": [changed_part, *good["parts"][1:]]},
        "entry.malformed": {**good, "parts": good["parts"][1:]},
        "envelope.signature_invalid": {**good, "header": _flipped(good["header"])},
    }


def _flipped(header: dict[str, Any]) -> dict[str, Any]:
    from tansiq.engine.formats.ids import b64encode

    raw = bytearray(b64decode(header["signatures"][0]["sig"]))
    raw[5] ^= 1
    return {**header, "signatures": [{**header["signatures"][0], "sig": b64encode(bytes(raw))}]}


@pytest.mark.parametrize(
    "code", ["dsse.signatures_differ", "entry.commitment_differs", "entry.malformed", "envelope.signature_invalid"]
)
def test_a_broken_entry_is_refused_and_the_others_in_its_envelope_are_taken(world: World, code: str) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    broken, good = world.asked_by(ma, accord=accord, name="Samir Talbi"), world.asked_by(ma, accord=accord)
    world.arrive(ma, bodies.Item("entry", _spoiled(ma, broken)[code]), good)
    assert [d.dossier_id for d in Dossier.objects.filter(kind="request")] == [good.entry_id]
    (refused,) = Event.objects.filter(event="item.refused")
    assert refused.told["facts"] == {"partner": "ma", "type": "entry", "code": code}
    assert not WaitingEntry.objects.exists()
    assert not Quarantined.objects.exists()


ITEMS: list[tuple[str, dict[str, Any], str]] = [
    ("entry", {}, "entry.malformed"),
    ("entry", {"header": 1, "parts": []}, "dsse.form"),
    ("status", {"status": "sung", "references": []}, "item.malformed"),
    ("status", {"status": "opened", "references": "all"}, "item.malformed"),
    ("status", {"status": "opened", "references": ["\x00"]}, "item.malformed"),
    ("status", {"status": "not_understood", "references": ["x" * 5000]}, "item.malformed"),
    ("status", {"status": ["opened"], "references": []}, "item.malformed"),
    ("fetch", {"entries": {}}, "item.malformed"),
    ("fetch", {"entries": ["\x00"]}, "item.malformed"),
    ("fetch", {"entries": ["a" * 64] * 1001}, "item.malformed"),
    ("heads", {"dossiers": []}, "item.malformed"),
    ("heads", {"dossiers": {"x": []}}, "item.malformed"),
    ("heads", {"dossiers": {"a" * 64: "b"}}, "item.malformed"),
    ("heads", {"dossiers": {"a" * 64: ["\x00"]}}, "ids.not_a_digest"),
    ("heads", {"dossiers": {}, "after": "\x00"}, "item.malformed"),
    ("heads", {"dossiers": {}, "until": 5}, "item.malformed"),
    ("card", {}, "dsse.form"),
    ("card", {"payloadType": "x", "payload": "", "signatures": []}, "dsse.form"),
    ("revocation", {}, "dsse.form"),
    ("query", {}, "ids.not_an_id"),
    ("query", {"query": "not-an-id"}, "ids.not_an_id"),
    ("query", {"query": "0192d3b0-7c1e-7a3c-8f00-5a1e2b3c4d5e", "fields": 5}, "search.fields"),
    ("query", {"query": "0192d3b0-7c1e-7a3c-8f00-5a1e2b3c4d5e", "fields": {"names": ["a"] * 21}}, "search.fields"),
    ("query", {"query": "0192d3b0-7c1e-7a3c-8f00-5a1e2b3c4d5e", "fields": {"names": ["Ali"]}}, "item.malformed"),
    (
        "query",
        {"query": "0192d3b0-7c1e-7a3c-8f00-5a1e2b3c4d5e", "fields": {"names": ["Ali"]}, "purpose": "\x00"},
        "item.malformed",
    ),
    ("answer", {}, "ids.not_an_id"),
    ("answer", {"query": "0192d3b0-7c1e-7a3c-8f00-5a1e2b3c4d5e", "outcome": "hit", "hits": []}, "search.not_asked"),
    ("answer", {"query": "0192d3b0-7c1e-7a3c-8f00-5a1e2b3c4d5e", "outcome": [], "hits": []}, "item.malformed"),
    ("answer", {"query": "0192d3b0-7c1e-7a3c-8f00-5a1e2b3c4d5e", "outcome": "hit", "hits": [[]]}, "item.malformed"),
    ("melody", {}, "item.not_understood"),
]


@pytest.mark.parametrize(("type_", "content", "code"), ITEMS)
def test_a_malformed_item_is_named_by_its_rule_and_nothing_of_it_is_kept(
    world: World, type_: str, content: dict[str, Any], code: str
) -> None:
    ma = world.fars["ma"]
    told = {
        "audit.Event",
        "desk.Task",
        "exchange.Item",
        "exchange.InEnvelope",
        "exchange.Link",
        "jobs.Job",
        "partners.Partner",
    }
    with leaves_nothing(but=tuple(told)):
        world.arrive(ma, bodies.Item(type_, content), bodies.Item("status", {"status": "opened", "references": []}))
    (refused,) = Event.objects.filter(event="item.refused")
    assert refused.told["facts"] == {"partner": "ma", "type": type_, "code": code}
    assert Event.objects.filter(event="item.status").count() == 1, "the item behind it was taken"
    task = next(t for t in list_for(world.officer("liaison"), now=world.now).tasks if t.kind == "item_refused")
    assert task.facts["code"] == code


WITNESS: list[dict[str, Any]] = [
    {"checkpoint": 5},
    {"checkpoint": "nonsense"},
    {"checkpoint": ["x"]},
    {"cosigned": "nonsense"},
    {"cosigned": {"a": 1}},
    {"checkpoint": "\x00", "consistency": {"from_size": "many", "proof": 3}},
    {"checkpoint": "tansiq/ma/exchange/1\n1\nAAAA\n\n— x AAAA\n", "consistency": [1]},
]


@pytest.mark.parametrize("content", WITNESS)
def test_a_malformed_witness_stops_nothing(world: World, content: dict[str, Any]) -> None:
    ma = world.fars["ma"]
    world.arrive(ma, bodies.Item("witness", content), bodies.Item("status", {"status": "opened", "references": []}))
    assert Event.objects.filter(event="item.status").count() == 1
    assert Event.objects.filter(event="witness.rejected").count() == 1


def test_the_sender_is_asked_again_each_hour_and_so_are_the_others(world: World) -> None:
    ma, it, accord = three(world)
    report = report_by(world, it, accord, ["fr", "ma"])
    ma.keep(report)
    world.arrive(it, report)
    world.settle()
    missing = it.act(report.entry_id, "supplement", world.now, parts=report_parts())
    later = it.act(report.entry_id, "supplement", world.now, parts=report_parts())
    world.arrive(it, later)
    world.settle()
    assert [f["entries"] for f in it.items("fetch")] == [[missing.entry_id]]
    assert ma.items("fetch") == []
    world.later(hours=2)
    taking.ask_again(world.now)
    taking.ask_again(world.now)
    world.settle()
    assert [f["entries"] for f in ma.items("fetch")] == [[missing.entry_id]]
    assert len(it.items("fetch")) == 2
