"""Two nodes that nobody can reach exchange through a relay, which is killed and comes back; nothing is lost and nothing opened there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tansiq.demo.nodes import FRANCE, MOROCCO, Node, free_port, wait_for
from tests.system import intents
from tests.system.world import Driver, nodes, ratified

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(600),
    pytest.mark.skipif("TANSIQ_TEST_DB" in os.environ, reason="the store plays no part in how it is carried"),
]


class RelayProcess:
    """``tansiq relay serve`` in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.words = self.command("init", str(folder), "--id", "xr-test", "--url", f"http://127.0.0.1:{self.port}")

    def command(self, *given: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "tansiq.node.cli", "relay", *given], capture_output=True, text=True, check=True
        )
        return done.stdout

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "tansiq.node.cli",
            "relay",
            "serve",
            str(self.folder),
            "--port",
            str(self.port),
        ]
        self.process = subprocess.Popen(command)
        wait_for("the relay", self.is_well)

    def is_well(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/health", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def waiting(self) -> int:
        return sum(row["waiting"] for row in json.loads(self.command("status", str(self.folder), "--json")))


@contextmanager
def relayed(folder: Path, made: dict[str, Node]) -> Iterator[RelayProcess]:
    """A relay that serves the nodes, and that they reach each other through."""
    relay = RelayProcess(folder / "relay")
    spoken = relay.words.splitlines()[2].removeprefix("en: ")
    for node in made.values():
        told = node.command("partner", "card", "--out", str(folder / f"{node.node_id}.json"))
        relay.command(
            "enrol", str(relay.folder), str(folder / f"{node.node_id}.json"), "--words", told["fingerprint"]["ar"]
        )
        node.command("partner", "relay-add", str(relay.folder / "relay.json"), "--words", spoken)
        for other in made:
            if other != node.node_id:
                node.command("partner", "via", other, "xr-test")
    try:
        yield relay
    finally:
        relay.kill()


def test_two_nodes_without_an_address_exchange_through_a_relay_that_is_killed(tmp_path: Path) -> None:
    with (
        nodes(tmp_path, [FRANCE, MOROCCO], unreachable=["fr", "ma"]) as made,
        relayed(tmp_path, made) as relay,
    ):
        relay.start()
        for node in made.values():
            node.start(wait=120)
        drivers = {name: Driver(node) for name, node in made.items()}
        ratified(drivers, ["fr", "ma"])
        made["ma"].stop()
        dossier = drivers["fr"]("act", officer="liaison", intent=intents.request("ma"))["dossier"]
        wait_for("it lies at the relay", lambda: relay.waiting() >= 1)
        relay.kill()
        raw = b"".join(path.read_bytes() for path in relay.folder.iterdir())
        assert b"Youssef" not in raw
        assert dossier.encode() not in raw
        relay.start()
        made["ma"].start(wait=120)
        wait_for("it arrived", lambda: drivers["fr"]("entries", dossier=dossier)["phase"] == "received", seconds=60)
        here, there = (drivers[name]("entries", dossier=dossier) for name in ("fr", "ma"))
        assert here == there
        wait_for("every receipt came back", lambda: all(d("totals")["undelivered"] == 0 for d in drivers.values()))
        wait_for("nothing waits at the relay", lambda: relay.waiting() == 0)
        for driver in drivers.values():
            driver.kill()
