"""The walk of an erasure, a test for each place; the proof of it; the ledger that a restore replays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.test import Client

from tansiq.engine.dossiers.entries import Part, SourceRef
from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.engine.formats.times import format_time
from tansiq.node.audit.models import Event
from tansiq.node.desk.models import Task
from tansiq.node.dossiers import drafts, erased, queries
from tansiq.node.dossiers.erased import HeldCopy
from tansiq.node.dossiers.models import CopyOwed, Draft, Entry, Erased
from tansiq.node.dossiers.models import Part as PartRow
from tansiq.node.exchange.models import Item
from tansiq.node.flows import act as flow
from tansiq.node.flows import copies, erasing, erasure_ledger, erasure_proof, reaching, recovering, searching
from tansiq.node.register.exporting import export_subjects
from tansiq.node.register.models import RegisterChange, StatementRow, Subject
from tansiq.node.search.models import Search
from tests.node.far import Far
from tests.node.flows.test_erasing import found, recall
from tests.node.flows.test_forwarding import came, pass_on, passing
from tests.node.flows.test_journeys import tasks
from tests.node.flows.test_killed import survives
from tests.node.flows.test_taking import report_by, report_parts
from tests.node.world import World, leaves_nothing, narrative

SECRET = "ZORGLUB met the courier at the old mill"


@pytest.fixture(autouse=True)
def own_ledger(settings: Any, tmp_path: Path) -> Path:
    """Every test keeps its ledger in a folder of its own."""
    target = tmp_path / "erasures.jsonl"
    settings.NODE = replace(settings.NODE, erasure_ledger=str(target))
    return target


@pytest.fixture
def held(world: World) -> tuple[World, Far, Any]:
    """A report of ma's whose narrative is the secret; its subject is in the register."""
    accord = world.accord("ma", onward="free", evidence="free")
    ma = world.fars["ma"]
    report = report_by(world, ma, accord, ["fr"], SECRET)
    world.arrive(ma, report)
    world.settle()
    return world, ma, report


def take_back(world: World, ma: Far, report: Any) -> Any:
    """Its author recalls it; everything that follows has happened."""
    recalled = recall(world, ma, report)
    world.arrive(ma, recalled)
    world.settle()
    return recalled


def reached(report: Any, index: int = 0) -> dict[str, Any]:
    """From where a part went."""
    return dict(Erased.objects.get(entry=report.entry_id, part=report.header.parts[index].commitment).reached)


def opened() -> Iterator[tuple[str, str]]:
    """Every value of every table as this node can read it, sealed columns opened."""
    for model in apps.get_models():
        for row in model._default_manager.all():
            for field in model._meta.concrete_fields:
                value = getattr(row, field.attname)
                if isinstance(value, bytes | memoryview):
                    yield f"{model.__name__}.{field.attname}", bytes(value).decode("latin-1")
                elif value is not None and not isinstance(field, models.AutoField):
                    yield f"{model.__name__}.{field.attname}", json.dumps(value, default=str, ensure_ascii=False)


def where(text: str) -> set[str]:
    """Every column of every table in which the text can be read."""
    return {place for place, value in opened() if text in value}


# -- one test for each place ------------------------------------------------------------------------------------------------


def test_part(held: tuple[World, Far, Any]) -> None:
    world, ma, report = held
    assert "Part.salted" in where(SECRET)
    change = take_back(world, ma, report)
    assert not PartRow.objects.filter(entry=report.entry_id, salted__isnull=False).exists()
    assert reached(report)["part"] == 1
    row = Erased.objects.get(entry=report.entry_id, part=report.header.parts[0].commitment)
    assert (row.reason, row.change, row.author) == ("recalled", change.entry_id, "ma")


def test_register_and_index(held: tuple[World, Far, Any]) -> None:
    world, ma, report = held
    assert found(world) == 1
    said = StatementRow.objects.count()
    take_back(world, ma, report)
    assert not Subject.objects.exists()
    assert not StatementRow.objects.exists()
    assert found(world) == 0
    assert RegisterChange.objects.get().what == RegisterChange.GONE
    assert (reached(report, 1)["register"], reached(report, 1)["statements"]) == (1, said)


def test_searches_kept(held: tuple[World, Far, Any]) -> None:
    world, ma, report = held
    fields = searching.Fields(names=("Samir Talbi",))
    searching.search(world.officer("liaison"), fields, purpose="investigation", now=world.now)
    assert Search.objects.get().found_here
    take_back(world, ma, report)
    assert Search.objects.get().found_here == []
    assert reached(report, 1)["searches"] == 1


def test_tasks_about_it(held: tuple[World, Far, Any]) -> None:
    world, ma, report = held
    subject = Subject.objects.get()
    reaching.desk.put(
        "match",
        "match/x",
        title_code="desk.match",
        facts={"partner": "ma"},
        link=f"/register/{subject.pk}",
        now=world.now,
    )
    take_back(world, ma, report)
    task = Task.objects.get(key="match/x")
    assert (task.state, task.facts, task.link) == ("settled", {}, "")


def test_items_waiting_to_be_sent(world: World) -> None:
    it = world.partner("it")
    accord = world.accord("ma", "it")
    ma = world.fars["ma"]
    report = report_by(world, ma, accord, ["fr", "it"], SECRET)
    world.arrive(ma, report)
    it.is_down = True
    world.settle()
    from tansiq.engine.envelopes import bodies

    world.arrive(it, bodies.Item("fetch", {"v": 1, "dossier": report.entry_id, "entries": [report.entry_id]}))
    world.arrive(ma, recall(world, ma, report))
    world.work()
    assert Item.objects.get(partner="it", reference=report.entry_id).content["parts"] == [None, None]
    assert reached(report)["waiting"] == 1


def test_the_copy_in_quarantine(world: World) -> None:
    from tests.node.flows.test_taking import _refuse_suspects

    accord = world.accord("ma")
    ma = world.fars["ma"]
    _refuse_suspects(world)
    report = report_by(world, ma, accord, ["fr"], SECRET)
    world.arrive(ma, report)
    world.settle()
    assert "Quarantined.wire" in where(SECRET)
    take_back(world, ma, report)
    assert where(SECRET) == set()
    assert reached(report)["quarantine"] == 1


def drafted(world: World, *parts: Part) -> Draft:
    """A draft of the liaison's that awaits an approval."""
    intent = {"kind": "request", "act": "ask", "dossier": "", "parts": [part.to_json() for part in parts]}
    officer = world.officer("liaison")
    told = {"kind_name": "request", "act": "ask", "intent": intent, "dossier": None, "circle": "unit:ops"}
    draft = drafts.save(officer, draft_id=None, now=world.now, **told)
    drafts.await_approval(draft, digest="d" * 64, role="approver", clause="Art. 1", now=world.now)
    return draft


def test_drafts_that_derive_from_it_or_quote_it(held: tuple[World, Far, Any]) -> None:
    world, ma, report = held
    source = SourceRef(report.entry_id, report.header.parts[0].commitment)
    derived = drafted(world, narrative("facts", "in our own words", sources=(source,)), narrative("offence", "ours"))
    quoting = drafted(world, narrative("facts", f"They wrote: {SECRET}."))
    other = drafted(world, narrative("facts", "something else"))
    take_back(world, ma, report)
    told = {d.pk: [p["content"]["topic"] for p in d.intent["parts"]] for d in Draft.objects.all()}
    assert told == {derived.pk: ["offence"], quoting.pk: [], other.pk: ["facts"]}
    assert {d.pk: d.state for d in Draft.objects.all()} == {
        derived.pk: "drafting",
        quoting.pk: "drafting",
        other.pk: "awaiting",
    }
    assert Draft.objects.get(pk=derived.pk).digest == ""
    assert f"draft_thinned/{derived.pk}" in tasks(world)
    assert f"draft_thinned/{other.pk}" not in tasks(world)
    assert reached(report)["drafts"] == 2


def test_exports(held: tuple[World, Far, Any], tmp_path: Path) -> None:
    world, ma, report = held
    liaison = world.officer("liaison")
    with (tmp_path / "copy").open("wb") as sink:
        export = export_subjects(liaison, "ftm", sink, purpose="investigation", now=world.now)
    assert export.subjects == 1, export.to_json()
    take_back(world, ma, report)
    (owed,) = erased.copies_owed(liaison.reference)
    assert (owed.kind, owed.number, owed.holder) == ("register", str(export.copy_number), liaison.reference)
    assert f"copy/register/{export.copy_number}" in tasks(world)
    assert reached(report, 1)["copies"] == 1
    with leaves_nothing(), pytest.raises(Rejected, match="copy_not_found"):
        copies.settle(world.officer("stranger"), owed.pk, outcome="destroyed", now=world.now)
    with leaves_nothing(), pytest.raises(Rejected, match="unknown_outcome"):
        copies.settle(liaison, owed.pk, outcome="eaten", now=world.now)
    copies.settle(liaison, owed.pk, outcome="destroyed", now=world.now)
    assert f"copy/register/{export.copy_number}" not in tasks(world)
    with leaves_nothing(), pytest.raises(Conflict, match="copy_settled"):
        copies.settle(liaison, owed.pk, outcome="lost", now=world.now)


def test_printed_copies_and_files_have_their_hooks(
    held: tuple[World, Far, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, ma, report = held
    seen: list[tuple[str, int, bool]] = []
    monkeypatch.setattr(
        reaching, "PLACES", [lambda row, i, part, _now: seen.append((row.entry_id, i, part is None)) or {"blob": 1}]
    )
    holder = world.officer("liaison").reference
    monkeypatch.setattr(reaching, "COPIES", [lambda _row, _index: [HeldCopy("print", "7", holder)]])
    take_back(world, ma, report)
    assert seen == [(report.entry_id, 0, False), (report.entry_id, 1, False)]
    assert reached(report)["blob"] == 1
    assert CopyOwed.objects.filter(kind="print", number="7").count() == 2
    assert "copy/print/7" in tasks(world)


def test_successor_dossiers(world: World) -> None:
    ma, report = came(world)
    done = pass_on(world, passing(report))
    take_back(world, ma, report)
    assert not PartRow.objects.filter(entry=done.entry_id, type="reshared", salted__isnull=False).exists()
    assert reached(report)["successors"] == 1
    assert len(world.fars["it"].dossiers[done.dossier_id].of("recall_part")) == 2
    assert where("ZORGLUB") == set()


def test_after_everything_nothing_in_the_store_can_be_read_of_it(held: tuple[World, Far, Any], tmp_path: Path) -> None:
    """Every column opened with the storage key, and the bytes of the store itself."""
    world, ma, report = held
    fields = searching.Fields(names=("Samir Talbi",))
    searching.search(world.officer("liaison"), fields, purpose="investigation", now=world.now)
    Search.objects.all().delete()  # what the officer asked is the officer's own
    drafted(world, narrative("facts", SECRET))
    with (tmp_path / "copy").open("wb") as sink:
        export_subjects(world.officer("liaison"), "ftm", sink, purpose="investigation", now=world.now)
    assert len(where(SECRET)) >= 2
    take_back(world, ma, report)
    assert where(SECRET) == set()
    assert where("Samir Talbi") <= {"Event.told"}, "the search that an officer made stands in the log"
    if connection.vendor == "sqlite":
        raw = b"".join(
            path.read_bytes() for path in Path(connection.settings_dict["NAME"]).parent.glob("test.sqlite3*")
        )
        assert SECRET.encode() not in raw


def test_walking_twice_changes_nothing(held: tuple[World, Far, Any]) -> None:
    world, ma, report = held
    take_back(world, ma, report)
    row = Entry.objects.get(pk=report.entry_id)
    before = list(Erased.objects.values())
    events = Event.objects.filter(event="parts.erased_everywhere").count()
    reaching.erase(row, None, reason="again", now=world.later(days=1))
    assert list(Erased.objects.values()) == before
    assert Event.objects.filter(event="parts.erased_everywhere").count() == events


def test_killed_at_any_commit_everything_is_erased_once(held: tuple[World, Far, Any]) -> None:
    world, ma, report = held
    raw = ma.seal("fr", recall(world, ma, report), now=world.now).to_bytes()
    drafted(world, narrative("facts", SECRET))

    def play() -> None:
        world.post("envelopes", raw)
        world.settle()

    def check() -> None:
        assert where(SECRET) == set()
        assert Erased.objects.count() == 2
        assert Event.objects.filter(event="parts.erased_everywhere").count() == 2
        assert len(queries.effective(queries.dossier_by_id(report.entry_id), "fr", "confirm")) == 1
        names = [erasure_ledger.name_of(one) for one in erasure_ledger.read(erasure_ledger.path())]
        assert len(names) == len(set(names)) == 3, "two parts and a subject"
        erasure_ledger.path().unlink()

    survives(world, play, check, every=2)


# -- a subject's right -----------------------------------------------------------------------------------------------------


def test_a_subject_is_erased_with_the_part_that_brought_it(held: tuple[World, Far, Any]) -> None:
    world, _, report = held
    subject = str(Subject.objects.get().pk)
    with leaves_nothing(), pytest.raises((Refused, Rejected)):
        erasing.erase_subject(world.officer("stranger"), subject, ground="retention_ended", now=world.now)
    dpo = next(name for name in ("dpo", "liaison") if _may_erase(world, name, subject))
    erasing.erase_subject(world.officer(dpo), subject, ground="retention_ended", now=world.now)
    assert not Subject.objects.exists()
    assert PartRow.objects.get(entry=report.entry_id, index=1).erased_for == "retention_ended"
    assert PartRow.objects.get(entry=report.entry_id, index=0).salted is not None
    world.settle()
    assert len(erasure_ledger.read(erasure_ledger.path())) == 2


def _may_erase(world: World, name: str, subject: str) -> bool:
    from tansiq.node.register.policy import may_erase

    return may_erase(world.officer(name), Subject.objects.get(pk=subject))


# -- the proof -------------------------------------------------------------------------------------------------------------


def proof_of(world: World, report: Any, **told: Any) -> dict[str, Any]:
    """The statement, as the liaison takes it."""
    return erasure_proof.make(world.officer("liaison"), report.entry_id, now=world.now, **told)


def verified(world: World, made: dict[str, Any]) -> Any:
    """As its author's node verifies it: with our card alone."""
    from tansiq.engine.dossiers import erasure

    signed, node, made_at = erasure.read_signed(json.loads(json.dumps(made)))
    card = world.fars["ma"].cards[node]
    authority = {k.key_id: k.public_bytes for k in card.keys if k.purpose == "authority"}
    publics = [k.public_bytes for k in card.keys if k.purpose == "node"]
    assert made_at == world.now
    return erasure.verify(signed, authority=authority, node_keys=publics)


def test_the_proof_names_each_part_and_stands_in_the_log_and_holds_no_content(held: tuple[World, Far, Any]) -> None:
    world, ma, report = held
    change = take_back(world, ma, report)
    made = proof_of(world, report, change=change.entry_id)
    proof = verified(world, made)
    assert (proof.node, proof.dossier, proof.change) == ("fr", report.entry_id, change.entry_id)
    assert proof.lacks((report.entry_id, ref.commitment) for ref in report.header.parts) == []
    assert all(one.is_logged for one in proof.parts)
    assert [dict(one.reached)["part"] for one in proof.parts] == [1, 1]
    assert proof.lacks([("a" * 64, "b" * 64)]) == [("a" * 64, "b" * 64)]
    assert "ZORGLUB" not in json.dumps(made)
    with pytest.raises(Rejected, match="nothing_erased"):
        proof_of(world, report, change="c" * 64)
    with pytest.raises(Rejected, match=r"dossier\.not_found"):
        erasure_proof.make(world.officer("stranger"), report.entry_id, now=world.now)


def test_a_proof_that_was_altered_proves_nothing(held: tuple[World, Far, Any]) -> None:
    from tansiq.engine.dossiers import erasure
    from tansiq.engine.formats import canonical
    from tansiq.engine.formats.ids import b64decode
    from tansiq.node.vault import keys

    world, ma, report = held
    take_back(world, ma, report)
    made = proof_of(world, report)
    told = canonical.loads(b64decode(made["payload"]))

    def signed(change: Any) -> dict[str, Any]:
        copy = json.loads(json.dumps(told))
        change(copy)
        return erasure.sign(copy, keys.current().authority).to_json()

    def other_part(copy: Any) -> None:
        copy["parts"][0]["part"] = "e" * 64

    def more_places(copy: Any) -> None:
        copy["parts"][0]["event"]["facts"]["reached"]["copies"] = 9

    def other_leaf(copy: Any) -> None:
        copy["parts"][0]["event"]["index"] += 1

    def other_reason(copy: Any) -> None:
        copy["parts"][0]["reason"] = "kindness"

    def no_part(copy: Any) -> None:
        copy["parts"] = [{}]

    codes = {
        other_part: "erasure.event_differs",
        more_places: "erasure.event_differs",
        other_leaf: "ledger",
        other_reason: "erasure.event_differs",
        no_part: "erasure.malformed",
    }
    for change, code in codes.items():
        with pytest.raises(Rejected, match=code):
            verified(world, signed(change))
    with pytest.raises(Rejected):
        verified(world, {**made, "payload": made["payload"][:-8] + "AAAAAAA="})
    for wrong in ({}, [], {"payloadType": 1}, None):
        with pytest.raises(Rejected):
            erasure_proof.check(wrong, now=world.now)


def test_our_own_node_checks_a_partners_proof_against_its_own_recall(world: World) -> None:
    """We recalled; ma proves, and later proves less than we asked for."""
    from tansiq.engine.dossiers import erasure

    world.accord("ma")
    ma = world.fars["ma"]
    codes = {"purpose": "investigation", "crime_area": "0601"}
    intent = flow.Intent(kind="report", act="report", participants=("ma",), codes=codes, parts=report_parts(SECRET))
    dossier = flow.act(world.officer("liaison"), intent, now=world.now).dossier_id
    world.settle()
    due = format_time(world.now + timedelta(days=3))
    change = world.act("liaison", "report", "recall", dossier, codes={"due": due}).entry_id
    world.settle()
    header = ma.dossiers[dossier].headers[dossier]
    parts = [
        {
            "entry": dossier,
            "part": ref.commitment,
            "erased_at": format_time(world.now),
            "reason": "recalled",
            "event": None,
            "now": {},
        }
        for ref in header.parts
    ]
    statement = {
        "v": 1,
        "node": "ma",
        "dossier": dossier,
        "change": change,
        "made_at": format_time(world.now),
        "parts": parts,
    }
    told = erasure_proof.check(erasure.sign(statement, ma.authority).to_json(), now=world.now)
    assert told["unknown"] == []
    assert len(told["lacking"]) == 2, "what stands in no log is not proved"
    stranger = {**statement, "node": "zz"}
    with pytest.raises(Rejected, match=r"partner\.unknown"):
        erasure_proof.check(erasure.sign(stranger, ma.authority).to_json(), now=world.now)
    with pytest.raises(Rejected, match=r"dsse\."):
        erasure_proof.check(erasure.sign(statement, ma.node).to_json(), now=world.now)


def test_the_pages_give_the_proof_and_settle_the_copies(held: tuple[World, Far, Any], tmp_path: Path) -> None:
    world, ma, report = held
    liaison = world.officer("liaison")
    with (tmp_path / "copy").open("wb") as sink:
        export_subjects(liaison, "ftm", sink, purpose="investigation", now=world.now)
    take_back(world, ma, report)
    client = Client()
    client.force_login(liaison)
    assert "Proof of erasure" in client.get(f"/dossiers/{report.entry_id}/").content.decode()
    made = client.get(f"/dossiers/{report.entry_id}/erasure-proof/")
    assert made["Content-Disposition"].startswith("attachment")
    assert len(verified(world, made.json()).parts) == 2
    page = client.get("/copies/").content.decode()
    assert "export of the register" in page
    owed = CopyOwed.objects.get()
    assert client.post("/copies/settle/", {"copy": "x", "outcome": "destroyed"}).status_code in (400, 404)
    assert client.post("/copies/settle/", {"copy": owed.pk, "outcome": "destroyed"}).status_code == 302
    assert CopyOwed.objects.get().outcome == "destroyed"
    client.force_login(world.officer("stranger"))
    assert "export of the register" not in client.get("/copies/").content.decode()


# -- the ledger and a restore ------------------------------------------------------------------------------------------------


def test_what_was_erased_since_the_copy_is_erased_again_before_anything_is_served(
    held: tuple[World, Far, Any], own_ledger: Path
) -> None:
    from tests.node.world import rolled_back

    world, ma, report = held
    with rolled_back():
        take_back(world, ma, report)
        assert len(erasure_ledger.read(own_ledger)) == 3
    # The store is what it was before: an older copy.
    assert where(SECRET) != set()
    told = recovering.begin(world.now, erasures=own_ledger)
    assert told["erased_again"] >= 2
    assert where(SECRET) == set()
    assert not Subject.objects.exists()
    assert {row.reason for row in Erased.objects.all()} == {"recalled"}


def test_what_is_not_in_the_copy_stays_out_when_it_comes_again(world: World, own_ledger: Path) -> None:
    from tests.node.world import rolled_back

    accord = world.accord("ma")
    ma = world.fars["ma"]
    report = report_by(world, ma, accord, ["fr"], SECRET)
    with rolled_back():
        world.arrive(ma, report)
        world.settle()
        world.arrive(ma, recall(world, ma, report))
        world.settle()
    assert not Entry.objects.filter(pk=report.entry_id).exists()
    recovering.begin(world.now, erasures=own_ledger)
    world.arrive(ma, report)
    world.settle()
    assert Entry.objects.filter(pk=report.entry_id).exists()
    assert where(SECRET) == set()
    assert {p.erased_for for p in PartRow.objects.filter(entry=report.entry_id)} == {"recalled"}
    assert not Subject.objects.exists()


def test_without_the_ledger_our_own_word_that_comes_back_erases_again(held: tuple[World, Far, Any]) -> None:
    """The partner sends recall and our confirmation: what we confirmed is gone, though the job finds nothing owed."""
    from tests.node.world import rolled_back

    world, ma, report = held
    with rolled_back():
        recalled = take_back(world, ma, report)
        (confirmed,) = ma.dossiers[report.entry_id].of("confirm")
    assert where(SECRET) != set()
    world.arrive(ma, recalled, confirmed)
    world.settle()
    assert where(SECRET) == set()


def test_a_ledger_that_was_touched_is_refused_and_one_cut_short_is_mended(
    held: tuple[World, Far, Any], own_ledger: Path
) -> None:
    world, ma, report = held
    take_back(world, ma, report)
    whole = own_ledger.read_bytes()
    lines = whole.splitlines(keepends=True)
    assert len(lines) == 3
    assert SECRET.encode() not in whole
    own_ledger.write_bytes(whole[:-9])
    assert len(erasure_ledger.read(own_ledger)) == 2
    assert erasure_ledger.append(own_ledger) == 1
    assert len(erasure_ledger.read(own_ledger)) == 3
    assert erasure_ledger.append(own_ledger) == 0
    for broken in (lines[1] + lines[0], lines[0] + lines[2], lines[0] + b"{}\n", b"x" * 20_000 + b"\n", b"\xff\n"):
        own_ledger.write_bytes(broken)
        with leaves_nothing(), pytest.raises(Rejected, match="ledger_broken"):
            recovering.begin(world.now, erasures=own_ledger)
        with pytest.raises(Rejected, match="ledger_broken"):
            erasure_ledger.append(own_ledger)
        assert own_ledger.read_bytes() == broken, "a file that is not ours is not written to"


def test_a_review_that_erases_reaches_as_far(held: tuple[World, Far, Any]) -> None:
    from tansiq.node.register.reviewing import Decision

    world, _, report = held
    subject = Subject.objects.get()
    name = next(one for one in ("dpo", "liaison") if _may_erase(world, one, str(subject.pk)))
    grounds = _grounds_to_erase()
    keep = Decision(verdict="erase", ground=grounds[0], reason="no use any more", until=None)
    erasing.decide_review(world.officer(name), str(subject.pk), keep, now=world.now)
    assert not Subject.objects.exists()
    assert PartRow.objects.get(entry=report.entry_id, index=1).erased_for == grounds[0]


def _grounds_to_erase() -> list[str]:
    from tansiq.engine.formats.codes import code_list

    return [one.code for one in code_list("review_grounds").entries if one.facts["verdict"] == "erase"]
