"""The air gap: what the wire would carry goes by folder, comes home receipted, and a folder that is odd changes nothing."""

from __future__ import annotations

import json
import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tansiq.engine.envelopes.sealing import Sealed
from tansiq.engine.errors import Rejected, Unavailable
from tansiq.engine.formats import canonical
from tansiq.node.exchange import actions, carrying, folders
from tansiq.node.exchange.models import InEnvelope, Item, Link, OutEnvelope
from tansiq.node.exchange.queries import partners_with_work
from tansiq.node.partners import actions as partners
from tests.node.world import changed, rows

if TYPE_CHECKING:
    from tests.node.far import Far
    from tests.node.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """A folder on a medium."""
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


@pytest.fixture
def asked(world: World) -> tuple[World, str]:
    """An accord with ``ma``, then no line to it any more, and a request that waits for a carrier."""
    world.accord("ma")
    partners.set_by_hand("ma", by_hand=True, actor="administrator", now=world.now)
    dossier = world.ask("ma")
    world.work()
    return world, dossier


def envelopes_in(folder: Path) -> list[Path]:
    return sorted((folder / "envelopes").rglob("*.tansiq"))


def bring(world: World, far: Far, folder: Path) -> None:
    """What the far node does with a folder that is carried to it: it takes the envelopes and lays its receipts beside."""
    for path in envelopes_in(folder):
        receipt = far.receive(path.read_bytes(), world.now)
        folders.put(folder, folders.receipt_name(far.node_id, "fr", receipt_id(receipt)), canonical.dumps(receipt))


def receipt_id(receipt: dict[str, Any]) -> str:
    from tansiq.engine.envelopes.dsse import Signed

    return str(json.loads(Signed.from_json(receipt).payload)["envelope_id"])


def lay(far: Far, folder: Path, *items: Any, world: World) -> Path:
    """An envelope of ``far`` in the folder."""
    sealed = far.seal("fr", *items, now=world.now)
    told = sealed.opened_manifest
    name = folders.envelope_name(
        far.node_id, "fr", incarnation=told.incarnation, sequence=told.sequence, envelope_id=told.envelope_id
    )
    folders.put(folder, name, sealed.to_bytes())
    return folder / name


def states(told: carrying.Imported, kind: str) -> list[str]:
    return [row["state"] for row in told.files if row["kind"] == kind]


def test_nothing_dials_a_partner_by_hand(asked: tuple[World, str]) -> None:
    world, _ = asked
    assert "ma" not in partners_with_work(world.now, "w")
    assert world.deliver() == 0
    assert Item.objects.filter(partner="ma", delivered_at=None).exists()


def test_a_request_goes_out_in_a_folder_and_its_receipt_comes_home(asked: tuple[World, str], stick: Path) -> None:
    world, dossier = asked
    told = carrying.export("ma", stick, clock=world.clock)
    assert told.envelopes
    assert [p.relative_to(stick).as_posix() for p in envelopes_in(stick)] == told.envelopes == sorted(told.envelopes)
    assert [OutEnvelope.objects.get(pk=p.stem.split("-", 2)[2]).raw for p in envelopes_in(stick)] == [
        p.read_bytes() for p in envelopes_in(stick)
    ], "the very bytes that the wire would carry"
    bring(world, world.fars["ma"], stick)
    assert dossier in world.fars["ma"].dossiers
    home = carrying.take(stick, clock=world.clock)
    assert home.is_whole
    assert states(home, "receipt") == ["accepted"] * len(told.envelopes)
    assert states(home, "envelope") == ["own"] * len(told.envelopes)
    assert not Item.objects.filter(partner="ma", delivered_at=None).exists()
    again = carrying.export("ma", stick, clock=world.clock)
    assert again.envelopes == []
    assert envelopes_in(stick) == [], "what has its receipt leaves the folder"


def test_an_answer_comes_in_a_folder_and_our_receipt_goes_back_in_it(asked: tuple[World, str], stick: Path) -> None:
    world, dossier = asked
    far = world.fars["ma"]
    carrying.export("ma", stick, clock=world.clock)
    bring(world, far, stick)
    answer = far.machine(dossier, world.now)
    path = lay(far, stick, *answer, world=world)
    told = carrying.take(stick, clock=world.clock)
    world.work()
    assert told.count("envelope", "accepted") == 1
    envelope_id = Sealed.from_bytes(path.read_bytes()).opened_manifest.envelope_id
    written = stick / folders.receipt_name("fr", "ma", envelope_id)
    assert json.loads(written.read_bytes()) == InEnvelope.objects.get(envelope_id=envelope_id).receipt
    assert told.receipts == [written.relative_to(stick).as_posix()]
    link = Link.objects.get(partner="ma")
    assert (link.carried_out_at, link.carried_in_at) == (world.now, world.now)


def test_a_folder_that_comes_again_renamed_and_mixed_up_changes_nothing(asked: tuple[World, str], stick: Path) -> None:
    world, dossier = asked
    far = world.fars["ma"]
    carrying.export("ma", stick, clock=world.clock)
    bring(world, far, stick)
    lay(
        far,
        stick,
        *far.machine(dossier, world.now),
        world=world,
    )
    lay(far, stick, far.act(dossier, "assign", world.now, codes={"unit": "bcij"}), world=world)
    carrying.take(stick, clock=world.clock)
    world.work()
    for number, path in enumerate(sorted((p for p in stick.rglob("*") if p.is_file()), reverse=True)):
        path.rename(stick / f"{number:03d}{path.suffix}")
    before = rows(but=("audit.Event", "exchange.Link"))
    told = carrying.take(stick, clock=world.clock, may_write=False)
    world.work()
    assert set(states(told, "envelope")) == {"repeated", "own"}
    assert set(states(told, "receipt")) >= {"repeated"}
    assert changed(before, rows(but=("audit.Event", "exchange.Link"))) == []


def test_a_later_envelope_that_comes_alone_is_taken_and_the_gap_is_shown(asked: tuple[World, str], stick: Path) -> None:
    world, dossier = asked
    far = world.fars["ma"]
    carrying.export("ma", stick, clock=world.clock)
    bring(world, far, stick)
    first = lay(
        far,
        stick,
        *far.machine(dossier, world.now),
        world=world,
    )
    lay(far, stick, far.act(dossier, "assign", world.now, codes={"unit": "bcij"}), world=world)
    folders.write_index(stick, "ma", "fr")
    kept = first.read_bytes()
    first.unlink()
    told = carrying.take(stick, clock=world.clock)
    assert told.missing == [first.relative_to(stick).as_posix()]
    assert not told.is_whole
    assert told.count("envelope", "accepted") == 1
    from tansiq.node.exchange.queries import links

    assert links()["ma"]["missing"]
    first.write_bytes(kept)
    assert carrying.take(stick, clock=world.clock).is_whole
    assert links()["ma"]["missing"] == []


def test_each_odd_file_is_named_and_holds_up_no_other(asked: tuple[World, str], stick: Path) -> None:
    world, dossier = asked
    far = world.fars["ma"]
    carrying.export("ma", stick, clock=world.clock)
    bring(world, far, stick)
    good = lay(
        far,
        stick,
        *far.machine(dossier, world.now),
        world=world,
    )
    raw = good.read_bytes()
    (stick / "a-cut.tansiq").write_bytes(raw[: len(raw) // 2])
    (stick / "b-damaged.tansiq").write_bytes(raw[:-40] + bytes(40))
    (stick / "c-empty.tansiq").write_bytes(b"")
    (stick / "notes.txt").write_text("lunch at one", encoding="utf-8")
    (stick / "half.tansiq.new").write_bytes(raw[:10])
    (stick / "link.tansiq").symlink_to("/etc/hostname")
    (stick / "broken.json").write_text("{", encoding="utf-8")
    (stick / "index-xx_to_fr.json").write_text("[]", encoding="utf-8")
    from tests.node.far import Far

    stranger = Far("xx", world.now)
    stranger.knows(world.own_card)
    (stick / "d-stranger.tansiq").write_bytes(stranger.seal("fr", now=world.now).to_bytes())
    it = world.partner("it")
    it.knows(far.card(world.now))
    (stick / "e-other.tansiq").write_bytes(it.seal("ma", now=world.now).to_bytes())
    told = carrying.take(stick, clock=world.clock)
    seen = {row["file"]: (row["state"], row.get("code", "")) for row in told.files}
    assert seen["a-cut.tansiq"] == ("refused", "envelope.body_length")
    assert seen["b-damaged.tansiq"] == ("refused", "envelope.body_digest")
    assert seen["c-empty.tansiq"] == ("refused", "envelope.not_one")
    assert seen["notes.txt"] == ("left", "exchange.file_foreign")
    assert seen["half.tansiq.new"] == ("left", "exchange.file_unfinished")
    assert seen["link.tansiq"] == ("left", "exchange.file_special")
    assert seen["broken.json"][0] == "refused"
    assert seen["index-xx_to_fr.json"] == ("refused", "exchange.not_an_index")
    assert seen["d-stranger.tansiq"] == ("refused", "envelope.sender_unknown")
    assert seen["e-other.tansiq"][0] == "for_another"
    assert seen[good.relative_to(stick).as_posix()][0] == "accepted"
    assert not told.is_whole
    assert InEnvelope.objects.filter(by_hand=True).count() == 1


def test_a_forged_receipt_ends_nothing(asked: tuple[World, str], stick: Path) -> None:
    world, _ = asked
    told = carrying.export("ma", stick, clock=world.clock)
    bring(world, world.fars["ma"], stick)
    path = next((stick / "receipts").rglob("*.json"))
    value = json.loads(path.read_bytes())
    value["signatures"][0]["sig"] = "A" * 86 + "=="
    path.write_bytes(canonical.dumps(value))
    home = carrying.take(stick, clock=world.clock)
    assert states(home, "receipt").count("refused") == 1
    assert Item.objects.filter(partner="ma", delivered_at=None).exists()
    assert len(carrying.export("ma", stick, clock=world.clock).envelopes) == 1 <= len(told.envelopes)


def test_links_on_a_medium_lead_this_node_nowhere(asked: tuple[World, str], stick: Path, tmp_path: Path) -> None:
    world, _ = asked
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious.json").write_text("{}", encoding="utf-8")
    (stick / "envelopes").mkdir()
    (stick / "envelopes" / "fr_to_ma").symlink_to(elsewhere)
    with pytest.raises(Rejected, match=r"exchange[.]folder_link"):
        carrying.export("ma", stick, clock=world.clock)
    assert [p.name for p in elsewhere.iterdir()] == ["precious.json"]


def test_a_medium_without_room_loses_nothing(
    asked: tuple[World, str], stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _ = asked
    real = os.fsync

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match=r"exchange[.]folder_write"):
        carrying.export("ma", stick, clock=world.clock)
    monkeypatch.setattr(os, "fsync", real)
    assert carrying.export("ma", stick, clock=world.clock).envelopes
    assert not list(stick.rglob("*.new"))


def test_what_would_expire_on_its_way_is_sealed_anew(asked: tuple[World, str], stick: Path) -> None:
    world, _ = asked
    first = carrying.export("ma", stick, clock=world.clock).envelopes
    world.now += actions.EXPIRES - carrying.WAY + timedelta(hours=1)
    again = carrying.export("ma", stick, clock=world.clock).envelopes
    assert set(first).isdisjoint(again)
    assert [p.relative_to(stick).as_posix() for p in envelopes_in(stick)] == again
    assert all(row.expires_at >= world.now + carrying.WAY for row in OutEnvelope.objects.filter(state="ready"))


def test_an_export_waits_for_whoever_is_sending(asked: tuple[World, str], stick: Path) -> None:
    world, _ = asked
    assert actions.lease("ma", "somebody/ma", world.now)
    with pytest.raises(Unavailable, match=r"exchange[.]link_busy"):
        carrying.export("ma", stick, clock=world.clock)
    assert not list(stick.iterdir())


def test_two_partners_share_a_medium(asked: tuple[World, str], stick: Path) -> None:
    world, _ = asked
    world.partner("it")
    world.accord("it")
    partners.set_by_hand("it", by_hand=True, actor="administrator", now=world.now)
    world.ask("it")
    world.work()
    ma, it = (carrying.export(name, stick, clock=world.clock).envelopes for name in ("ma", "it"))
    assert [p.relative_to(stick).as_posix() for p in envelopes_in(stick)] == sorted(ma + it)
    far = world.fars["ma"]
    for path in envelopes_in(stick):
        if Sealed.from_bytes(path.read_bytes()).opened_manifest.recipient == "ma":
            receipt = far.receive(path.read_bytes(), world.now)
            folders.put(stick, folders.receipt_name("ma", "fr", receipt_id(receipt)), canonical.dumps(receipt))
    carrying.take(stick, clock=world.clock)
    assert not Item.objects.filter(partner="ma", delivered_at=None).exists()
    assert Item.objects.filter(partner="it", delivered_at=None).exists()
    shutil.rmtree(stick)
    stick.mkdir()
    assert carrying.export("it", stick, clock=world.clock).envelopes == it, (
        "a lost medium is written again, byte for byte"
    )
