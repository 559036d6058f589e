"""Two real nodes on this machine: one officer acts as fast as it goes, or steadily; the other node takes it all in."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from tansiq.demo.nodes import wait_for
from tests.system import intents
from tests.system.world import Driver, Made


@dataclass
class Pair:
    """Both nodes, their officers' hands, and one dossier that both have."""

    made: dict[str, Made]
    drivers: dict[str, Driver]
    dossier: str

    @classmethod
    def asked(cls, made: dict[str, Made], drivers: dict[str, Driver]) -> Pair:
        """With one request that has been received."""
        dossier = drivers["fr"]("act", officer="liaison", intent=intents.request("ma"))["dossier"]
        for name in ("ma", "fr"):
            wait_for("the receipt", lambda name=name: drivers[name]("entries", dossier=dossier)["phase"] == "received")
        return cls(made, drivers, str(dossier))

    def act(self, count: int, *, every: float = 0) -> list[tuple[str, float]]:
        """Acts of one officer, one after another or one every so many seconds; returns (entry id, when it was begun)."""
        wanted = [intents.act("request", self.dossier, "remind")] * count
        return [(e, at) for e, at in self.drivers["fr"]("burst", officer="liaison", intents=wanted, every=every)]

    def taken(self, entries: list[str], *, seconds: float = 1200) -> dict[str, float]:
        """When each was recorded by the partner, once all are there."""

        def all_there() -> dict[str, float]:
            found: dict[str, float] = self.drivers["ma"]("taken", entries=entries)
            return found if len(found) == len(entries) else {}

        found: dict[str, float] = wait_for("all of them", all_there, seconds=seconds, every=0.2)
        return found

    def spent(self) -> dict[str, float]:
        """Seconds of processor time that each process of both nodes, and the officer's, has used so far."""
        pids = {f"{name} {node.part_of(pid)}": pid for name, node in self.made.items() for pid in node.children()}
        hands = self.drivers["fr"].process
        if hands is not None:
            pids["fr officer"] = hands.pid
        return {name: _seconds_of(pid) for name, pid in pids.items()}


def _seconds_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def throughput(pair: Pair, count: int) -> dict[str, float]:
    """Entries per second accepted here and stored there, and milliseconds of processor time that each entry cost each process."""
    before, begin = pair.spent(), time.time()
    signed = [entry for entry, _ in pair.act(count)]
    accepted = time.time() - begin
    last = max(pair.taken(signed).values())
    after = pair.spent()
    found = {"accepted /s": count / accepted, "delivered /s": count / (last - begin)}
    found |= {f"ms of {name}": (after[name] - before[name]) / count * 1000 for name in after if name in before}
    return found


def latency(pair: Pair, rate: float, seconds: float) -> list[float]:
    """Milliseconds from the beginning of an act to its record at the partner, sorted."""
    done = pair.act(int(rate * seconds), every=1 / rate)
    taken = pair.taken([entry for entry, _ in done])
    return sorted((taken[entry] - begin) * 1000 for entry, begin in done)


def quantiles(times: list[float]) -> dict[str, float]:
    """The 50th, 95th and 99th of a hundred, and the worst."""
    points = statistics.quantiles(times, n=100)
    return {"p50": points[49], "p95": points[94], "p99": points[98], "max": times[-1]}


def drain(pair: Pair, count: int) -> dict[str, float]:
    """A backlog of ``count`` entries, made while the partner is down: how long until the partner has it, from its first to its last."""
    pair.made["ma"].kill()
    pair.drivers["ma"].kill()
    signed = [entry for entry, _ in pair.act(count)]
    pair.made["ma"].start(wait=60)
    times = sorted(pair.taken(signed).values())
    seconds = times[-1] - times[0]
    return {"seconds": seconds, "entries /s": count / seconds if seconds else float("nan")}
