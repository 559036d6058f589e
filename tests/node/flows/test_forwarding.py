"""Passing on: what its provider lets go goes on with its signature and conditions, is told of, and is taken back on recall."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tansiq.engine.accords.markings import Marking
from tansiq.engine.dossiers import reshared
from tansiq.engine.dossiers.entries import Grading, Part, SourceRef
from tansiq.engine.errors import Refused, Rejected
from tansiq.engine.formats.times import format_time
from tansiq.node.audit.models import Event
from tansiq.node.dossiers import queries
from tansiq.node.dossiers.models import Dossier, Entry, Forwarded
from tansiq.node.dossiers.models import Part as PartRow
from tansiq.node.flows import act as flow
from tansiq.node.flows import forwarding
from tansiq.node.flows.forwarding import Chosen, PassingOn
from tansiq.node.register.models import Subject
from tests.node.far import Far
from tests.node.flows.test_killed import nothing_is_owed, survives
from tests.node.flows.test_taking import report_parts
from tests.node.world import World, leaves_nothing

A1 = Grading("4x4", "A", "1")


def came(world: World, *, marking: Marking | None = None, onward: str = "free") -> tuple[Far, Any]:
    """A report of ma's that is here, under an accord of the two; ``it`` has an accord of its own with us."""
    world.partner("it")
    accord = world.accord("ma", onward=onward)
    world.accord("it")
    ma = world.fars["ma"]
    parts = [replace(part, marking=marking or Marking()) for part in report_parts("ZORGLUB")]
    report = ma.open(
        "report",
        ["fr"],
        world.now,
        codes={"purpose": "investigation", "crime_area": "0601"},
        parts=parts,
        accord=accord,
        accord_version=world.version(accord),
    )
    world.arrive(ma, report)
    world.settle()
    return ma, report


def passing(report: Any, *indexes: int, to: tuple[str, ...] = ("it",)) -> PassingOn:
    """An officer means to pass parts of a report on."""
    return PassingOn(
        dossier=report.dossier,
        chosen=tuple(Chosen(report.entry_id, index) for index in indexes or (0, 1)),
        to=to,
        purpose="investigation",
        crime_area="0601",
        why="It concerns your inquiry.",
        grading=A1,
    )


def pass_on(world: World, told: PassingOn, name: str = "liaison") -> Any:
    """The officer passes it on."""
    officer = world.officer(name)
    done = flow.act(officer, forwarding.intent_of(officer, told), now=world.now)
    world.settle()
    return done


def test_what_is_passed_on_carries_its_authors_signature_part_and_card(world: World) -> None:
    _, report = came(world)
    done = pass_on(world, passing(report))
    successor = Dossier.objects.get(pk=done.dossier_id)
    assert (successor.continues, successor.kind) == (report.entry_id, "report")
    assert world.fars["it"].dossiers[done.dossier_id].opening.cites == report.entry_id
    entry = world.fars["it"].dossiers[done.dossier_id].entries[done.entry_id]
    found = reshared.origins(entry)
    assert sorted(found) == [1, 2]
    for index, origin in found.items():
        assert origin.entry.raw == report.raw
        assert origin.salted == report.parts[origin.index]
        assert entry.parts[index].part.marking == origin.salted.part.marking
        assert [card["payload"] for card in origin.cards] == [world.fars["ma"].card(world.now)["payload"]]


def test_its_provider_is_told_what_went_to_whom_and_both_logs_know(world: World) -> None:
    ma, report = came(world)
    done = pass_on(world, passing(report, 1))
    (told,) = ma.dossiers[report.entry_id].of("passed_on")
    assert told.header.codes == {
        "entry": report.entry_id,
        "parts": (report.header.parts[1].commitment,),
        "to": ("it",),
        "successor": done.dossier_id,
    }
    assert told.header.acted_by.clause == "tansiq:onward_notice"
    assert told.parts == ()
    assert Event.objects.filter(event="part.passed_on", log="exchange", dossier=done.dossier_id).count() == 1
    world.work([forwarding.TELL_JOB])
    forwarding.tell_providers({"entry": done.entry_id}, world.now)
    assert len(queries.effective(Dossier.objects.get(pk=report.entry_id), "fr", "passed_on")) == 1


@pytest.mark.parametrize(
    ("marking", "onward", "code"),
    [
        (Marking(handling=frozenset({"H2"})), "free", "decide.onward_consent"),
        (Marking(tlp="AMBER"), "free", "decide.onward_consent"),
        (Marking(), "consent", "decide.onward_consent"),
        (Marking(), "never", "decide.onward_never"),
    ],
)
def test_without_its_providers_word_it_does_not_go(world: World, marking: Marking, onward: str, code: str) -> None:
    _, report = came(world, marking=marking, onward=onward)
    officer = world.officer("liaison")
    considered = flow.consider(officer, forwarding.intent_of(officer, passing(report, 0)), now=world.now)
    assert (considered.decision.answer, considered.decision.code) == ("refuse", code)
    assert considered.decision.blocks == "ma"
    with leaves_nothing(but=("audit.Event",)), pytest.raises(Refused, match=code):
        pass_on_unsettled(world, passing(report, 0))


def pass_on_unsettled(world: World, told: PassingOn) -> Any:
    """The act alone."""
    officer = world.officer("liaison")
    return flow.act(officer, forwarding.intent_of(officer, told), now=world.now)


def test_a_consent_that_an_officer_merely_claims_is_none(world: World) -> None:
    _, report = came(world, marking=Marking(handling=frozenset({"H2"})))
    officer = world.officer("liaison")
    intent = replace(forwarding.intent_of(officer, passing(report, 0)), consents=(("ma", "onward"),))
    with pytest.raises(Refused, match="onward_consent"):
        flow.act(officer, intent, now=world.now)


def test_a_lift_of_that_part_lets_that_part_go_and_its_code_stays_on_it(world: World) -> None:
    ma, report = came(world, marking=Marking(handling=frozenset({"H2"})))
    asked = world.act("liaison", "report", "ask_lift", report.entry_id, codes={"entry": report.entry_id, "code": "H2"})
    world.settle()
    codes = {
        "entry": report.entry_id,
        "code": "H2",
        "part": report.header.parts[0].commitment,
        "ask": asked.entry_id,
    }
    world.arrive(ma, ma.act(report.entry_id, "lift", world.now, codes=codes))
    world.settle()
    with pytest.raises(Refused, match="onward_consent"):
        pass_on(world, passing(report, 0, 1))
    done = pass_on(world, passing(report, 0))
    entry = world.fars["it"].dossiers[done.dossier_id].entries[done.entry_id]
    assert entry.parts[1].part.marking.handling == {"H2"}, "what was allowed once is not free for ever"


def test_no_hand_written_intent_passes_on_what_may_not_go(world: World) -> None:
    """A carrying part that names another source, or none, is refused at the one door."""
    _, report = came(world, onward="never")
    mine = world.ask("it")
    world.settle()
    officer = world.officer("liaison")
    intent = forwarding.intent_of(officer, passing(report, 0))
    why, carrying = intent.parts
    own = queries.signed_entry(queries.entry_by_id(mine)).header.parts[0].commitment
    for sources in ((), (SourceRef(mine, own),), (SourceRef("a" * 64, "b" * 64),)):
        forged = replace(intent, parts=(why, replace(carrying, sources=sources)))
        with leaves_nothing(but=("audit.Event",)), pytest.raises((Rejected, Refused), match="source"):
            flow.act(officer, forged, now=world.now)


@pytest.mark.parametrize("chosen", [(), (Chosen("a" * 64, 0),), (Chosen("", 9),)])
def test_what_is_not_there_is_not_passed_on(world: World, chosen: tuple[Chosen, ...]) -> None:
    _, report = came(world)
    told = replace(passing(report), chosen=tuple(replace(c, entry=c.entry or report.entry_id) for c in chosen))
    with leaves_nothing(), pytest.raises(Rejected, match=r"reshared\.(nothing_chosen|part_gone)"):
        forwarding.intent_of(world.officer("liaison"), told)


def test_whoever_may_not_see_the_dossier_passes_nothing_of_it_on(world: World) -> None:
    _, report = came(world)
    with pytest.raises(Rejected, match=r"dossier\.not_found"):
        forwarding.intent_of(world.officer("stranger"), passing(report))


# -- being passed something ------------------------------------------------------------------------------------------------


def handed(world: World, *, knows: bool = True) -> tuple[Far, Any, Any, str]:
    """``it`` holds a report of ``xx``'s and can pass it on to us; xx is known here or not."""
    it = world.partner("it")
    accord = world.accord("it")
    xx = world.partner("xx", enrolled=knows)
    first = xx.open(
        "report",
        ["it"],
        world.now,
        codes={"purpose": "investigation", "crime_area": "0601"},
        parts=report_parts("ZORGLUB"),
    )
    it.keep(first)
    return it, xx, first, accord


def successor(
    world: World, it: Far, first: Any, accord: str, *, cards: tuple[Any, ...] = (), change: Any = None
) -> Any:
    """The entry by which ``it`` passes the report on to us."""
    carrying = [
        reshared.wrap(
            reshared.origin_of(first, i, cards=cards), SourceRef(first.entry_id, first.header.parts[i].commitment)
        )
        for i in (0, 1)
    ]
    why = Part(type="narrative", content={"topic": "facts", "text": "for you"}, grading=A1, language="fr")
    parts = (why, *(change(part) if change else part for part in carrying))
    return it.open(
        "report",
        ["fr"],
        world.now,
        codes={"purpose": "investigation", "crime_area": "0601"},
        parts=parts,
        accord=accord,
        accord_version=world.version(accord),
        continues=first.entry_id,
    )


def standings(entry: Any) -> set[str]:
    """What the log says of the signatures."""
    rows = Event.objects.filter(event="part.reshared", dossier=entry.entry_id)
    return {row.told["facts"]["signature"] for row in rows}


def test_a_known_authors_signature_is_checked_with_its_own_keys(world: World) -> None:
    it, _, first, accord = handed(world)
    entry = successor(world, it, first, accord)
    world.arrive(it, entry)
    world.settle()
    assert standings(entry) == {"known"}
    kept = Subject.objects.get(entry=entry.entry_id)
    assert (kept.owner, kept.dossier) == ("xx", entry.entry_id)


def test_a_strangers_signature_is_vouched_for_by_whoever_passed_it_on_or_unverified(world: World) -> None:
    it, xx, first, accord = handed(world, knows=False)
    vouched = successor(world, it, first, accord, cards=(xx.card(world.now),))
    bare = successor(world, it, first, accord)
    world.arrive(it, vouched, bare)
    world.settle()
    assert (standings(vouched), standings(bare)) == ({"vouched"}, {"unverified"})


def test_what_is_not_what_its_author_signed_is_refused_and_nothing_of_it_kept(world: World) -> None:
    it, _xx, first, accord = handed(world)
    other = it.open(
        "report", ["fr"], world.now, codes={"purpose": "investigation", "crime_area": "0601"}, parts=report_parts("LIE")
    )

    def text(part: Part) -> Part:
        salted = {**part.content["salted"]}
        salted["part"] = {**salted["part"], "language": "en"}
        return replace(part, content={**part.content, "salted": salted})

    def signature(part: Part) -> Part:
        """The header says xx, the signature is another's."""
        header = {**part.content["header"], "signatures": other.signed.to_json()["signatures"]}
        return replace(part, content={**part.content, "header": header})

    def place(part: Part) -> Part:
        return replace(part, content={**part.content, "index": 7})

    def conditions(part: Part) -> Part:
        return replace(part, flags=(), category="witness") if part.category else part

    for change in (text, signature, place, conditions):
        entry = successor(world, it, first, accord, change=change)
        world.arrive(it, entry)
        world.settle()
        assert not Entry.objects.filter(pk=entry.entry_id).exists(), change.__name__
        assert not Dossier.objects.filter(pk=entry.entry_id).exists()
    refused = [e.told["facts"]["code"] for e in Event.objects.filter(event="item.refused").order_by("id")]
    assert refused == [
        "entry.commitment_differs",
        "reshared.signature_wrong",
        "entry.no_such_part",
        "reshared.conditions_weaker",
    ]


# -- taking back -----------------------------------------------------------------------------------------------------------


def recall(world: World, far: Far, dossier: str, *, days: int = 5) -> Any:
    """Its author recalls a whole report."""
    return far.act(dossier, "recall", world.now, codes={"due": format_time(world.now + timedelta(days=days))})


def test_a_recall_at_the_source_is_owed_by_those_it_was_passed_on_to(world: World) -> None:
    ma, report = came(world)
    it = world.fars["it"]
    done = pass_on(world, passing(report))
    world.arrive(ma, recall(world, ma, report.entry_id))
    world.settle()
    recalls = it.dossiers[done.dossier_id].of("recall_part")
    assert {r.header.codes["part"] for r in recalls} == {
        ref.commitment for ref in it.dossiers[done.dossier_id].headers[done.entry_id].parts if ref.type == "reshared"
    }
    assert {r.header.codes["due"] for r in recalls} == {format_time(world.now + timedelta(days=5))}
    assert all(r.header.acted_by.is_machine for r in recalls)
    assert ma.dossiers[report.entry_id].of("confirm"), "each holder confirms its own"
    assert not PartRow.objects.filter(type="reshared", salted__isnull=False).exists(), "our own copy in the successor"
    assert set(Forwarded.objects.values_list("recalled_by", flat=True)) == {r.entry_id for r in recalls}


def test_what_comes_back_over_two_hops_goes_on_over_both(world: World) -> None:
    """xx → it → us → ma: it recalls what xx recalled, and so do we."""
    it, _xx, first, accord = handed(world)
    world.accord("ma")
    ma = world.fars["ma"]
    entry = successor(world, it, first, accord)
    world.arrive(it, entry)
    world.settle()
    lifts = it.act(entry.entry_id, "lift", world.now, codes={"entry": entry.entry_id, "code": "H2"})
    world.arrive(it, lifts)
    told = PassingOn(
        dossier=entry.entry_id,
        chosen=(Chosen(entry.entry_id, 2),),
        to=("ma",),
        purpose="investigation",
        crime_area="0601",
        why="seen at our border",
        grading=A1,
    )
    done = pass_on(world, told)
    carried = ma.dossiers[done.dossier_id].entries[done.entry_id].parts[1].part
    origin = reshared.open_origin(carried)
    assert (origin.author, origin.via) == ("xx", ("it",))
    assert origin.salted == first.parts[1], "unwrapped, not wrapped twice"
    codes = {
        "entry": entry.entry_id,
        "part": entry.header.parts[2].commitment,
        "due": format_time(world.now + timedelta(days=2)),
    }
    world.arrive(it, it.act(entry.entry_id, "recall_part", world.now, codes=codes, clause="report:recalled_at_source"))
    world.settle()
    assert it.dossiers[entry.entry_id].of("confirm")
    (ours,) = ma.dossiers[done.dossier_id].of("recall_part")
    assert ours.header.codes["due"] == codes["due"]
    world.arrive(ma, ma.act(done.dossier_id, "confirm", world.now, codes={"change": ours.entry_id}, clause="x:y"))
    world.settle()
    assert not Subject.objects.filter(entry=entry.entry_id).exists()


def test_what_an_officer_keeps_here_is_recalled_there_all_the_same(world: World) -> None:
    from tests.node.flows.test_erasing import _put_into_case

    ma, report = came(world)
    done = pass_on(world, passing(report, 0))
    _put_into_case(world, report)
    recalled = recall(world, ma, report.entry_id)
    world.arrive(ma, recalled)
    world.settle()
    codes = {"change": recalled.entry_id, "ground": "evidence_in_proceedings"}
    world.act("liaison", "report", "keep", report.entry_id, codes=codes)
    world.settle()
    assert world.fars["it"].dossiers[done.dossier_id].of("recall_part")


def test_killed_at_any_commit_it_is_passed_on_told_and_recalled_once(world: World) -> None:
    ma, report = came(world)
    raw = ma.seal("fr", recall(world, ma, report.entry_id), now=world.now).to_bytes()

    def play() -> None:
        if not Dossier.objects.exclude(continues="").exists():
            pass_on_unsettled(world, passing(report, 1))
        world.settle()
        world.post("envelopes", raw)
        world.settle()

    def check() -> None:
        nothing_is_owed()
        successor = Dossier.objects.get(continues=report.entry_id)
        source = Dossier.objects.get(pk=report.entry_id)
        assert len(queries.effective(source, "fr", "passed_on")) == 1
        assert len(queries.effective(successor, "fr", "recall_part")) == 1
        assert Forwarded.objects.exclude(recalled_by="").filter(is_told=True).count() == 1

    survives(world, play, check, every=2)


# -- the page --------------------------------------------------------------------------------------------------------------


def test_the_page_says_who_will_read_it_why_it_is_refused_and_passes_it_on(world: World) -> None:
    from django.test import Client

    _, report = came(world, marking=Marking(handling=frozenset({"H2"})))
    client = Client()
    client.force_login(world.officer("liaison"))
    address = f"/dossiers/{report.entry_id}/pass-on/"
    page = client.get(address).content.decode()
    assert "ZORGLUB" in page
    told = {
        "parts": [f"{report.entry_id}:0"],
        "partners": ["it"],
        "purpose": "investigation",
        "crime_area": "0601",
        "why": "It concerns your inquiry.",
        "source": "A",
        "information": "1",
        "language": "fr",
    }
    refused = client.post(address, {**told, "do": "check"}).content.decode()
    assert "Not permitted" in refused
    assert "decide.onward_consent" in refused
    assert client.post(address, {"do": "send"}).status_code == 400
    assert client.post(address, {**told, "parts": ["nonsense"], "do": "send"}).status_code == 400
    ma = world.fars["ma"]
    world.arrive(ma, ma.act(report.entry_id, "lift", world.now, codes={"entry": report.entry_id, "code": "H2"}))
    world.settle()
    sent = client.post(address, {**told, "do": "send"}, follow=True)
    assert sent.status_code == 200
    page = sent.content.decode()
    assert "passed on by" in page
    assert "ZORGLUB" in page
    assert "verified with the keys" in page
    client.force_login(world.officer("stranger"))
    assert client.get(address).status_code == 404
