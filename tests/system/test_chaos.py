"""Killed at will: 300 entries between two nodes while their processes die by kill -9; nothing lost, nothing twice."""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tansiq.demo.nodes import Node, wait_for
from tests.system import intents
from tests.system.world import Driver, Failed, Made, agreed

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]
ENTRIES = 300
DOSSIERS = 12


class Killer(threading.Thread):
    """Kills a process of a node every so often: the server, the worker, or the whole node, which is then started again."""

    def __init__(self, made: list[Node], seed: int) -> None:
        super().__init__(daemon=True)
        self.made, self.chance = made, random.Random(seed)
        self.done = threading.Event()
        self.kills: list[str] = []

    def run(self) -> None:
        while not self.done.wait(self.chance.uniform(0.4, 1.5)):
            node = self.chance.choice(self.made)
            children = node.children()
            if self.chance.random() < 0.25 or not children:
                self.kills.append(f"{node.node_id}: all")
                node.kill()
                time.sleep(self.chance.uniform(0, 1))
                node.start(wait=60)
            else:
                self.kills.append(f"{node.node_id}: one")
                node.kill(self.chance.choice(children))


def test_300_entries_survive_kill_9(tmp_path: Path) -> None:
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(10**6)))
    print(f"CHAOS_SEED={seed}")
    chance = random.Random(seed)
    with agreed(tmp_path) as (made, drivers):
        killer = Killer(list(made.values()), seed)
        killer.start()
        try:
            confirmed = _act_until(drivers, chance, ENTRIES)
        finally:
            killer.done.set()
            killer.join(120)
        print(f"kills: {len(killer.kills)}")
        assert len(killer.kills) >= 5
        _settle(made, drivers)
        _compare(drivers, confirmed)


def _act_until(drivers: dict[str, Driver], chance: random.Random, wanted: int) -> dict[str, set[str]]:
    """Open dossiers and act in them until ``wanted`` entries were confirmed; returns the confirmed entry ids by dossier."""
    confirmed: dict[str, set[str]] = {}
    count = 0
    while count < wanted:
        if len(confirmed) < DOSSIERS:
            side, intent = "fr", intents.request("ma", reference="")
        else:
            dossier = chance.choice(sorted(confirmed))
            side = chance.choice(["fr", "ma"])
            name, codes = ("remind", {}) if side == "fr" else ("assign", {"unit": f"unit-{chance.randrange(50)}"})
            intent = intents.act("request", dossier, name, codes=codes)
        done = _try(drivers[side], intent, chance)
        if done:
            confirmed.setdefault(done["dossier"], set()).add(done["entry"])
            count += 1
    return confirmed


def _try(driver: Driver, intent: dict[str, Any], chance: random.Random) -> dict[str, Any] | None:
    """Act; None when the act had no place yet (the dossier is still under way). The driver itself may be killed too."""
    if chance.random() < 0.02:
        driver.kill()
    try:
        return driver("act", officer="liaison", intent=intent)  # type: ignore[no-any-return]
    except Failed as error:
        if error.code not in {"kind.not_in_this_phase", "dossier.not_found", "dossier.heads_moved", "api.store_busy"}:
            raise
        time.sleep(0.05)
        return None


def _settle(made: dict[str, Made], drivers: dict[str, Driver]) -> None:
    for node in made.values():
        if node.process is None:
            node.start()
        node.wait_until_well(60)

    def quiet() -> bool:
        totals = [driver("totals") for driver in drivers.values()]
        return (
            all(t["undelivered"] == 0 and t["jobs"] == 0 for t in totals)
            and totals[0]["entries"] == totals[1]["entries"]
        )

    wait_for("both nodes to have everything", quiet, seconds=240, every=0.5)


def _compare(drivers: dict[str, Driver], confirmed: dict[str, set[str]]) -> None:
    fr, ma = drivers["fr"], drivers["ma"]
    for dossier, entries in confirmed.items():
        here, there = fr("entries", dossier=dossier), ma("entries", dossier=dossier)
        ids = [entry for entry, _, _ in here["entries"]]
        assert entries <= set(ids), f"lost in {dossier}"
        assert len(ids) == len(set(ids)), f"twice in {dossier}"
        assert here == there, f"the nodes differ on {dossier}"
    for node, other in (("fr", "ma"), ("ma", "fr")):
        report = drivers[node]("verify", checkpoints=[drivers[other]("kept", partner=node)])
        assert report["well"], report
