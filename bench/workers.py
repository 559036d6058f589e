"""Several workers of one node on PostgreSQL: how fast what has arrived is taken in by 1, 2 and 4 of them, and what it costs.

Two real nodes. The partner's officer acts in ``--dossiers`` dossiers while the receiving node has its door open and no worker: the
envelopes are stored and receipted. Then so many workers are started together, and it is measured from the first entry taken in to the last; the
processor time counts their starts too. The named limits are the cores, the one envelope that a worker opens at a time, and the row of a
dossier, which one worker has at a time.

    python -m bench.workers [--entries 2000] [--dossiers 40] [--workers 1 2 4]
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.delivery.ours import _seconds_of
from tansiq.demo.nodes import wait_for
from tests.system import intents
from tests.system.world import Driver, Made, agreed

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))


def main() -> None:
    """Run it and print a line for each number of workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=2000)
    parser.add_argument("--dossiers", type=int, default=40)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    given = parser.parse_args()
    import private_postgres

    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, PostgreSQL", flush=True)
    with private_postgres.server() as url, tempfile.TemporaryDirectory() as folder:
        os.environ["TANSIQ_TEST_DB"] = url
        with agreed(Path(folder)) as (made, drivers):
            dossiers = [_asked(drivers) for _ in range(given.dossiers)]
            alone = 0.0
            for number in given.workers:
                seconds, spent = taken_in(made["ma"], drivers, dossiers, given.entries, number)
                rate = given.entries / seconds
                alone = alone or rate
                print(
                    f"{number} workers: {rate:7.1f} entries/s, {rate / alone:4.2f} of one; "
                    f"{spent / given.entries * 1000:.2f} ms of the workers' processor time an entry",
                    flush=True,
                )


def _asked(drivers: dict[str, Driver]) -> str:
    dossier = drivers["fr"]("act", officer="liaison", intent=intents.request("ma"))["dossier"]
    for name in ("ma", "fr"):
        wait_for("the receipt", lambda name=name: drivers[name]("entries", dossier=dossier)["phase"] == "received")
    return str(dossier)


def taken_in(
    node: Made, drivers: dict[str, Driver], dossiers: list[str], entries: int, number: int
) -> tuple[float, float]:
    """Seconds from the first entry taken in to the last by so many workers, and the processor time of those workers."""
    node.stop()
    told = {"env": node.environment(), "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    door = subprocess.Popen([*node.program, "serve"], **told)  # type: ignore[call-overload]
    node.wait_until_well(60)
    acts = [intents.act("request", dossiers[n % len(dossiers)], "remind") for n in range(entries)]
    signed = [entry for entry, _ in drivers["fr"]("burst", officer="liaison", intents=acts, every=0)]
    wait_for("the receipts", lambda: drivers["fr"]("totals")["undelivered"] == 0, seconds=600)
    workers = [
        subprocess.Popen([*node.program, "worker", "--name", f"w{n}"], **told)  # type: ignore[call-overload]
        for n in range(number)
    ]
    try:
        wait_for("all", lambda: len(drivers["ma"]("taken", entries=signed)) == entries, seconds=1200, every=0.5)
        spent = sum(_seconds_of(worker.pid) for worker in workers)
        times = sorted(drivers["ma"]("taken", entries=signed).values())
    finally:
        for process in [*workers, door]:
            process.terminate()
        for process in [*workers, door]:
            process.wait(30)
    node.start(wait=60)
    time.sleep(1)  # the next round begins on a node at rest
    return times[-1] - times[0], spent


if __name__ == "__main__":
    main()
