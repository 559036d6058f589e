"""Two real nodes with no line between them: an accord, a request and its answer go by folder, receipts included.

The folder is killed into, repeated, and shuffled; what stands at the end is what the wire would have left.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tansiq.demo.nodes import FRANCE, MOROCCO, CommandFailed, wait_for
from tests.system import intents
from tests.system.world import Driver, Made, nodes, ratified, start

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(600),
    pytest.mark.skipif("TANSIQ_TEST_DB" in os.environ, reason="the store plays no part in how it is carried"),
]


@dataclass
class Gap:
    """Both nodes, an officer's hands on each, and the stick that is carried between them."""

    nodes: dict[str, Made]
    drivers: dict[str, Driver]
    stick: Path

    def program(self, name: str, *words: str) -> dict[str, Any]:
        """``tansiq envelopes`` on the stick, by the officer's hands: one start of Python less for each of many."""
        return dict(self.drivers[name]("program", words=["envelopes", *words, "--dir", str(self.stick)]))

    def export(self, name: str, other: str) -> dict[str, Any]:
        return self.program(name, "export", "--to", other)

    def take(self, name: str) -> dict[str, Any]:
        told = self.program(name, "import")
        wait_for(f"{name} to open what came", lambda: self.drivers[name]("totals")["jobs"] == 0)
        return told

    def carry(self, name: str, other: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """One way, and the receipts home."""
        self.export(name, other)
        return self.take(other), self.take(name)

    def killed(self, name: str, *words: str, when: Any) -> None:
        """Start a command of the program, and kill it as soon as ``when`` holds."""
        node = self.nodes[name]
        process = subprocess.Popen(
            [sys.executable, "-m", "tansiq.node.cli", "--json", *words],
            env=node.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and not when():
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait(10)


@pytest.fixture(scope="module")
def gap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gap]:
    tmp_path = tmp_path_factory.mktemp("gap")
    with nodes(tmp_path, [FRANCE, MOROCCO], unreachable=["fr", "ma"]) as made:
        for name, other in (("fr", "ma"), ("ma", "fr")):
            made[name].command("partner", "by-hand", other)
        start(made.values())
        drivers = {name: node.hands for name, node in made.items()}
        stick = tmp_path / "stick"
        stick.mkdir()
        found = Gap(made, drivers, stick)
        agreed(found)
        yield found


def agreed(gap: Gap) -> str:
    """An accord in force on both sides, carried by hand."""
    accord = ratified(gap.drivers, ["fr", "ma"], carry=lambda: (gap.carry("fr", "ma"), gap.carry("ma", "fr")))
    assert all(gap.drivers[n]("entries", dossier=accord)["phase"] == "in_force" for n in ("fr", "ma"))
    return accord


def waiting_in(folder: Path) -> list[Path]:
    """The envelopes from fr to ma."""
    return sorted((folder / "envelopes" / "fr_to_ma").glob("*.tansiq"))


def files_in(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file())


def test_a_whole_request_and_its_answer_by_folder(gap: Gap) -> None:
    dossier = gap.drivers["fr"]("act", officer="liaison", intent=intents.request("ma"))["dossier"]
    there, home = gap.carry("fr", "ma")
    assert there["whole"]
    assert home["whole"]
    assert gap.drivers["fr"]("totals")["undelivered"] == 0
    gap.carry("ma", "fr")
    answer = intents.act("request", dossier, "answer", codes={"extent": "full"}, parts=[intents.narrative("result")])
    gap.drivers["ma"]("act", officer="liaison", intent=answer)
    gap.export("ma", "fr")
    kept = gap.stick.with_name("kept")
    shutil.copytree(gap.stick, kept)
    assert gap.take("fr")["whole"]
    assert gap.take("ma")["whole"]
    sides = {name: gap.drivers[name]("entries", dossier=dossier) for name in ("fr", "ma")}
    assert sides["fr"] == sides["ma"]
    assert sides["fr"]["phase"] == "answered"
    assert {name: gap.drivers[name]("totals")["undelivered"] for name in sides} == {"fr": 0, "ma": 0}
    repeated_and_shuffled(gap, kept, sides, dossier)


def repeated_and_shuffled(gap: Gap, kept: Path, sides: dict[str, Any], dossier: str) -> None:
    """The folder as it was before, again, and again with every name changed: nothing changes, with the node's web down too."""
    before = {name: gap.drivers[name]("totals") for name in sides}
    gap.nodes["fr"].kill()
    for number, path in enumerate(reversed(files_in(kept))):
        path.rename(kept / f"{number:03d}{path.suffix}")
    for folder in (kept, gap.stick):
        for name in sides:
            told = gap.nodes[name].command("envelopes", "import", "--dir", str(folder), "--no-receipts")
            assert not {row["state"] for row in told["files"]} & {"accepted", "refused"}, told
    gap.nodes["fr"].start()
    wait_for("the work that was due while fr was down", lambda: gap.drivers["fr"]("totals")["jobs"] == 0)
    assert {name: gap.drivers[name]("totals") for name in sides} == before
    assert {name: gap.drivers[name]("entries", dossier=dossier) for name in sides} == sides


@pytest.mark.slow
def test_killed_while_exporting_and_importing(gap: Gap) -> None:
    asked = []
    for number in range(6):
        intent = intents.request("ma", name=f"Youssef Ziani {number}")
        asked.append(gap.drivers["fr"]("act", officer="liaison", intent=intent)["dossier"])
        if number % 2:
            gap.export("fr", "ma")
    envelopes = len(waiting_in(gap.stick))
    assert envelopes >= 3
    shutil.rmtree(gap.stick)
    gap.stick.mkdir()
    gap.killed("fr", "envelopes", "export", "--to", "ma", "--dir", str(gap.stick), when=lambda: files_in(gap.stick))
    gap.export("fr", "ma")
    assert len(waiting_in(gap.stick)) == envelopes, "no second copy, none lost"
    came = gap.drivers["ma"]("totals")["envelopes_in"]
    gap.killed(
        "ma",
        "envelopes",
        "import",
        "--dir",
        str(gap.stick),
        when=lambda: gap.drivers["ma"]("totals")["envelopes_in"] > came,
    )
    assert gap.take("ma")["whole"]
    assert gap.take("fr")["whole"]
    assert gap.drivers["ma"]("totals")["envelopes_in"] == came + envelopes
    assert gap.drivers["fr"]("totals")["undelivered"] == 0
    for dossier in asked:
        phases = {gap.drivers["ma"]("entries", dossier=dossier)["phase"]}
        assert phases == {"received"}


@pytest.mark.slow
def test_damage_is_named_and_the_exit_status_says_so(gap: Gap) -> None:
    gap.drivers["fr"]("act", officer="liaison", intent=intents.request("ma"))
    gap.export("fr", "ma")
    path = waiting_in(gap.stick)[0]
    raw = path.read_bytes()
    path.write_bytes(raw[:-64] + os.urandom(64))
    with pytest.raises(CommandFailed):
        gap.nodes["ma"].command("envelopes", "import", "--dir", str(gap.stick))
    assert gap.export("fr", "ma")["written"] == 1, "the damaged file is put right"
    assert gap.take("ma")["whole"]
