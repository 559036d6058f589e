"""A node is lost with everything it had, its copies too: made again from its root key, it has what was shared, and says what it lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tansiq.demo.nodes import FRANCE, ITALY, MOROCCO, PASSWORD, CommandFailed, wait_for
from tests.system import intents
from tests.system.world import Driver, Failed, Made, database, nodes, ratified, start

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


def asked(drivers: dict[str, Driver], asking: str, other: str) -> str:
    """A request that its receiver has receipted, and both know it."""
    dossier = drivers[asking]("act", officer="liaison", intent=intents.request(other))["dossier"]
    for name in (asking, other):
        wait_for("the receipt", lambda name=name: drivers[name]("entries", dossier=dossier)["phase"] == "received")
    return str(dossier)


def lose(node: Made, away: Path) -> None:
    """Everything of the node is gone but what was kept away from it: the root key, and the ledger of erasures."""
    node.command("erasure", "ledger")
    for name in ("root-key.age", "erasures.jsonl"):
        shutil.copy(node.home / name, away / name)
    node.hands.kill()
    node.kill()
    shutil.rmtree(node.home)
    node.database_url = database()


def rebuild(node: Made, away: Path, kept: list[Path], *, erasures: bool = True) -> dict[str, object]:
    """``tansiq rebuild`` as its administrator calls it."""
    words = ["rebuild", node.node_id, "--root-key", str(away / "root-key.age"), "--work-factor", "10", "--demo"]
    words += [word for file in kept for word in ("--kept", str(file))]
    words += ["--port", str(node.port), "--database-url", node.database_url]
    words += ["--erasures", str(away / "erasures.jsonl")] if erasures else []
    return dict(node.command(*words))


def enrolled_again(node: Made, others: list[Made], folder: Path) -> None:
    """Its new card goes to each partner, theirs come to it; the words are read aloud as at first."""
    for one, other in [*((node, other) for other in others), *((other, node) for other in others)]:
        card = folder / f"{other.node_id}-card.json"
        spoken = other.command("partner", "card", "--out", str(card))["fingerprint"]["ar"]
        one.command("partner", "enrol", str(card), "--words", spoken)


def test_what_was_shared_comes_back_and_what_was_not_is_named(tmp_path: Path) -> None:
    with nodes(tmp_path, [FRANCE, MOROCCO, ITALY]) as made:
        start(made.values())
        drivers = {name: node.hands for name, node in made.items()}
        fr, ma, it = (made[name] for name in ("fr", "ma", "it"))
        accord = ratified(drivers, ["fr", "ma", "it"])
        ours, theirs, erased = asked(drivers, "fr", "ma"), asked(drivers, "it", "fr"), asked(drivers, "ma", "fr")
        assert drivers["fr"]("erase", entry=erased)
        before = {one: drivers["fr"]("entries", dossier=one) for one in (accord, ours, theirs, erased)}
        seen = str(drivers["ma"]("kept", partner="fr"))

        lose(fr, tmp_path)
        late = drivers["ma"]("act", officer="liaison", intent=intents.request("fr"))["dossier"]
        wait_for("it waits, sealed to a key that is lost", lambda: drivers["ma"]("totals")["undelivered"])
        kept = tmp_path / "fr-kept.json"
        assert ma.command("partner", "kept", "fr", "--out", str(kept))["cards"] == 1
        with pytest.raises(CommandFailed, match=r"erasure[.]ledger_needed"):
            rebuild(fr, tmp_path, [kept], erasures=False)
        other = tmp_path / "ma-kept.json"
        it.command("partner", "kept", "ma", "--out", str(other))
        with pytest.raises(CommandFailed, match=r"card[.]other_root"):
            rebuild(fr, tmp_path, [other])
        told = rebuild(fr, tmp_path, [kept])
        assert told["serial"] == 2
        assert told["erasures_replayed"] == len(drivers["ma"]("parts", entry=erased)) + 1, "its parts, and a subject"
        people = [["liaison", ["liaison", "analyst"]], ["boss", ["approver", "prosecutor"]]]
        drivers["fr"]("people", password=PASSWORD, officers=people)
        enrolled_again(fr, [ma, it], tmp_path)
        with pytest.raises(Failed, match=r"recovery[.]under_way"):
            ratified(drivers, ["fr", "ma"])
        assert fr.command("recovery", "ask")["asked"] == ["it", "ma"]
        assert fr.command("recovery", "ask")["asked"] == []
        fr.start(wait=90)

        for dossier, entries in before.items():
            wait_for(
                "all of it",
                lambda d=dossier, e=entries: drivers["fr"]("entries", dossier=d)["entries"] == e["entries"],
                seconds=90,
            )
            assert drivers["fr"]("entries", dossier=dossier)["shown"] == entries["shown"]
        found = wait_for("their word", lambda: (r := fr.command("recovery", "status"))["ended_at"] and r, seconds=90)
        assert "register" in found["declaration"]["lost"]["what"]
        assert found["declaration"]["last_envelopes"].keys() == {"it", "ma"}
        assert not any(drivers["fr"]("parts", entry=erased)), "what was erased stays erased"
        assert all(drivers["fr"]("parts", entry=ours))
        wait_for("what had waited", lambda: drivers["fr"]("entries", dossier=late)["entries"], seconds=60)

        new = asked(drivers, "fr", "it")
        assert drivers["it"]("entries", dossier=new)["entries"] == drivers["fr"]("entries", dossier=new)["entries"]
        assert [task for task in ma.command("desk", officer="liaison") if "restored" in str(task) and "fr" in str(task)]
        for node in made.values():
            bad = [f for f in node.command("doctor") if f["level"] == "bad"]
            assert not bad, (node.node_id, bad)
        now_kept = str(drivers["ma"]("kept", partner="fr"))
        assert now_kept != seen
        assert drivers["fr"]("verify", checkpoints=[now_kept])["well"]
