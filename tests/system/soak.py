"""Entries between two nodes while everything goes wrong, then the count: none lost, none twice, both sides the same, both logs sound.

    python -m tests.system.soak [--entries 10000] [--seed N]      (make soak: 1,000,000)

Two officers act at once, one on each side, as fast as their nodes let them, in the same dossiers, until there are so many entries and every
kind of fault has been there. With TANSIQ_TEST_DB the nodes keep
their rows in databases of that PostgreSQL server. The report ends with *sound* or with what is not, and exit status 1.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tansiq.demo.nodes import wait_for
from tests.system import intents
from tests.system.faults import HOUR, Faults, Tried
from tests.system.world import Driver, Failed, agreed

A_DOSSIER = 40
"""Entries of one dossier before a new one is opened."""
NOT_YET = {"kind.not_in_this_phase", "dossier.not_found", "dossier.heads_moved", "api.store_busy"}
TOLD_EVERY = 15


@dataclass
class Work:
    """What both officers have done: confirmed entries by dossier, and how often an act had no answer."""

    wanted: int
    faults: Faults
    confirmed: dict[str, set[str]] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    count: int = 0
    unanswered: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    broken: list[BaseException] = field(default_factory=list)

    def note(self, done: dict[str, Any]) -> None:
        with self.lock:
            entries = self.confirmed.setdefault(done["dossier"], set())
            entries.add(done["entry"])
            self.count += 1
            if len(entries) == 1:
                self.open.append(done["dossier"])
            elif len(entries) >= A_DOSSIER and done["dossier"] in self.open:
                self.open.remove(done["dossier"])

    def choose(self, chance: random.Random) -> str | None:
        with self.lock:
            return chance.choice(self.open) if self.open else None

    @property
    def is_done(self) -> bool:
        enough = self.count >= self.wanted and self.faults.has_done_each()
        return enough or bool(self.broken or self.faults.broken)


class Officer(threading.Thread):
    """Acts on one side until there are enough entries; its own process is killed now and then too."""

    def __init__(self, side: str, driver: Driver, work: Work, seed: int) -> None:
        super().__init__(daemon=True)
        self.side, self.driver, self.work, self.chance = side, driver, work, random.Random(f"{seed}/{side}")

    def run(self) -> None:
        try:
            while not self.work.is_done:
                self._once()
        except BaseException as error:
            self.work.broken.append(error)

    def _once(self) -> None:
        intent = self._intent()
        if intent is None:
            time.sleep(0.2)
            return
        if self.chance.random() < 0.005:
            self.driver.kill()
        try:
            self.work.note(self.driver("act", officer="liaison", intent=intent))
        except Failed as error:
            if error.code not in NOT_YET:
                raise
            time.sleep(0.02)
        except (RuntimeError, OSError):  # it died in the middle: whether the act was done is not known to it
            self.work.unanswered[self.side] += 1
            self.driver.kill()
            time.sleep(0.2)

    def _intent(self) -> dict[str, Any] | None:
        if self.side == "fr" and len(self.work.open) < 8:
            return intents.request("ma", reference="")
        dossier = self.work.choose(self.chance)
        if dossier is None:
            return None
        if self.side == "fr":
            return intents.act("request", dossier, "remind", codes={})
        return intents.act("request", dossier, "assign", codes={"unit": f"unit-{self.chance.randrange(50)}"})


@dataclass
class Report:
    """What came of it."""

    seed: int
    entries: int
    unanswered: dict[str, int]
    dossiers: int
    faults: dict[str, int]
    acting: float
    settling: float
    wrong: list[str]

    def lines(self) -> list[str]:
        """For a person."""
        faults = ", ".join(f"{name} {n}" for name, n in sorted(self.faults.items()))
        return [
            f"seed {self.seed}: {self.entries} entries confirmed in {self.dossiers} dossiers, {self.acting:.0f} s of acting under faults",
            f"faults: {faults}",
            f"acts without an answer: {self.unanswered}",
            f"everything everywhere {self.settling:.0f} s after the last fault",
            *(f"WRONG: {one}" for one in self.wrong),
            "NOT SOUND"
            if self.wrong
            else "sound: none lost, none twice, no gap, both sides the same, both logs verify",
        ]


def soak(folder: Path, *, entries: int, seed: int, told: Any = None) -> Report:
    """Run it; ``told`` hears of the progress."""
    with agreed(folder, kind=Tried) as (made, drivers):
        nodes = [node for node in made.values() if isinstance(node, Tried)]
        try:
            nodes[-1].set_clock(HOUR)  # an accord is in force from its last ratification, so not while clocks are wrong
            return _run(nodes, drivers, entries=entries, seed=seed, told=told)
        finally:
            for driver in drivers.values():
                driver.kill()
            for node in nodes:
                node.kill()
                node.unmount()


def _run(nodes: list[Tried], drivers: dict[str, Driver], *, entries: int, seed: int, told: Any) -> Report:
    faults = Faults(nodes, seed)
    work, begin = Work(entries, faults), time.monotonic()
    officers = [Officer(side, driver, work, seed) for side, driver in drivers.items()]
    for one in (*officers, faults):
        one.start()
    said = begin
    while any(one.is_alive() for one in officers):
        officers[0].join(0.5)
        if told and time.monotonic() - said > TOLD_EVERY:
            said = time.monotonic()
            told(f"{work.count} of {entries}, {sum(faults.count.values())} faults")
    acting = time.monotonic() - begin
    faults.end()
    if work.broken:
        raise work.broken[0]
    settled = time.monotonic()
    _settle(drivers, seconds=240 + entries / 20)
    settling = time.monotonic() - settled
    wrong = [*_differences(drivers, work.confirmed), *_unsound(nodes, drivers)]
    confirmed = sum(len(one) for one in work.confirmed.values())
    count = dict(faults.count)
    return Report(seed, confirmed, dict(work.unanswered), len(work.confirmed), count, acting, settling, wrong)


def _settle(drivers: dict[str, Driver], *, seconds: float) -> None:
    def quiet() -> bool:
        totals = [driver("totals") for driver in drivers.values()]
        return (
            all(t["undelivered"] == 0 and t["jobs"] == 0 for t in totals) and len({t["entries"] for t in totals}) == 1
        )

    try:
        wait_for("both nodes to have everything", quiet, seconds=seconds, every=0.5)
    except TimeoutError as error:
        error.add_note("\n".join(f"{name}: {driver('stuck')}" for name, driver in drivers.items()))
        raise


def _differences(drivers: dict[str, Driver], confirmed: dict[str, set[str]]) -> list[str]:
    """Each dossier, on both sides, against what officers were told was done."""
    found = []
    fr, ma = drivers["fr"], drivers["ma"]
    for dossier, entries in confirmed.items():
        here, there = fr("entries", dossier=dossier), ma("entries", dossier=dossier)
        ids = [entry for entry, _, _ in here["entries"]]
        if lost := entries - set(ids):
            found.append(f"{dossier[:12]}: {len(lost)} lost")
        if len(ids) != len(set(ids)):
            found.append(f"{dossier[:12]}: twice")
        if here != there:
            found.append(f"{dossier[:12]}: the nodes differ")
    return found


def _unsound(nodes: list[Tried], drivers: dict[str, Driver]) -> list[str]:
    """Sequences without a gap, both logs against what the other side keeps, and what the doctor says."""
    found = []
    for node, other in (("fr", "ma"), ("ma", "fr")):
        for sender, (count, last, missing) in drivers[node]("sequences").items():
            if missing or count != last:
                found.append(f"{node} has {count} of {last} envelopes of {sender}, not {missing}")
        report = drivers[node]("verify", checkpoints=[drivers[other]("kept", partner=node)])
        if not report["well"]:
            found.append(f"the log of {node}: {report['report']}")
    for node in nodes:
        found += [
            f"doctor of {node.node_id}: {f['check']} {f['told']}" for f in node.command("doctor") if f["level"] == "bad"
        ]
    return found


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m tests.system.soak")
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    store = "PostgreSQL" if os.environ.get("TANSIQ_TEST_DB") else "SQLite"
    print(f"seed {given.seed}, {given.entries} entries, {store}", flush=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        report = soak(Path(folder), entries=given.entries, seed=given.seed, told=lambda text: print(text, flush=True))
    print("\n".join(report.lines()))
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
