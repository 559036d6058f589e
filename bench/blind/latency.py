"""One blind question between two real nodes on this machine: from the officer's act until the outcome stands in the store.

    python -m bench.blind.latency [--questions 100] [--marks 6000000]

Everything is on: the accord, blinding, envelope, post-quantum key exchange, receipt, audit in both logs, evaluation with its proof, look-up in
a filter of ``--marks`` marks a family (a register of a million subjects has up to six million), SQLite with synchronous=FULL. Beside the time
stands the processor time that both nodes took for a question, which other work on the machine does not change.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tansiq.demo.nodes import FRANCE, MOROCCO, Node, wait_for
from tests.system.world import Driver, nodes, ratified

TICKS = os.sysconf("SC_CLK_TCK")
BLIND = {"families": ["identifier", "pair_day", "word_day"], "budget_per_day": 100_000, "budget_per_officer": 100_000}


def main() -> None:
    """Run it and print what came."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--marks", type=int, default=6_000_000)
    given = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder, nodes(Path(folder), [FRANCE, MOROCCO]) as made:
        for node in made.values():
            node.start(wait=90)
        drivers = {name: Driver(node) for name, node in made.items()}
        ratified(drivers, ["fr", "ma"], blind=BLIND)
        for driver in drivers.values():
            driver.kill()
        wait_for("the filters", lambda: asked(made["fr"], 1, 0), seconds=60)
        asked(made["fr"], 3, given.marks)  # reads the filters once
        before = {name: spent(node) for name, node in made.items()}
        told = asked(made["fr"], given.questions, 0)
        assert told
        report(told, {name: spent(node) - before[name] for name, node in made.items()}, given.marks)


def asked(node: Node, questions: int, marks: int) -> dict[str, list[float]] | None:
    """What an officer of ``node`` found who asked Morocco so many questions; None if that could not be asked yet."""
    command = [sys.executable, "-m", "bench.blind.asker", "ma", str(questions), str(marks)]
    done = subprocess.run(command, env=node.environment(), capture_output=True, check=False)
    return dict(json.loads(done.stdout)) if done.returncode == 0 else None


def spent(node: Node) -> float:
    """Processor seconds of the node's own processes so far."""
    total = 0
    for pid in node.children():
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def report(told: dict[str, list[float]], spent_by: dict[str, float], marks: int) -> None:
    """Print it."""
    times = sorted(1000 * one for one in told["seconds"])
    tail = times[int(len(times) * 0.95)]
    print(
        f"one question end to end, filters of {marks} marks: p50 {statistics.median(times):.0f} ms, p95 {tail:.0f} ms"
    )
    each = ", ".join(f"{name} {1000 * seconds / len(times):.0f} ms" for name, seconds in spent_by.items())
    print(f"processor time a question, besides the asker's own process: {each}")
    print(f"envelopes of the questions: {', '.join(str(int(size)) for size in told['envelopes'])} bytes")


if __name__ == "__main__":
    main()
