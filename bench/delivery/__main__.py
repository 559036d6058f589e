"""Delivery between two real nodes, the bare cost of the same entries, and two Matrix homeservers beside them, in one run.

Everything is on: decide, signing, sealing, receipts, audit, both logs, commits on disk. Latency runs from the beginning of an officer's act
to the record in the partner's store; of a Matrix message from the beginning of its sending to its arrival at the other's client, with a
body as long as the entry is on its way. The *bare cost* is the cryptography and the durable writes alone, by one process.

    python -m bench.delivery [--entries 1000] [--rate 20] [--seconds 30] [--synapse FOLDER | --alone] [--backlog 1000 10000 …]

With TANSIQ_TEST_DB=postgres://… the nodes stand on that server. docs/benchmarks.md has the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import tempfile
from pathlib import Path

from bench.delivery import bare, ours, synapse
from tests.system.world import agreed

TOGETHER = (1, 20)


def main() -> None:
    """Run it and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--alone", action="store_true", help="without Synapse")
    parser.add_argument("--synapse", type=Path, default=Path(tempfile.gettempdir()) / "tansiq-bench-synapse")
    parser.add_argument("--backlog", type=int, nargs="*", default=[], help="drain backlogs of these sizes as well")
    given = parser.parse_args()
    store = "PostgreSQL" if os.environ.get("TANSIQ_TEST_DB") else "SQLite"
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {store}", flush=True)
    size = of_nodes(given)
    with tempfile.TemporaryDirectory() as folder:
        for together in TOGETHER:
            (Path(folder) / str(together)).mkdir()
            rate, spent = bare.cost(Path(folder) / str(together), 400, size=size, together=together)
            print(f"bare cost, {together:3} to an envelope      {rate:9.1f} /s, {spent:.2f} ms of processor time each")
    if not given.alone:
        of_homeservers(given, size)


def of_nodes(given: argparse.Namespace) -> int:
    """Our two nodes; returns the size of an entry on its way."""
    with tempfile.TemporaryDirectory() as folder, agreed(Path(folder)) as (made, drivers):
        pair = ours.Pair.asked(made, drivers)
        size = int(drivers["fr"]("wire_size", entry=pair.act(1)[0][0]))
        print(f"an entry on its way has {size} bytes")
        tell("Tansiq", ours.quantiles(ours.latency(pair, given.rate, given.seconds)), f"at {given.rate:g}/s, ms")
        tell("Tansiq", ours.throughput(pair, given.entries), f"{given.entries} entries")
        for backlog in given.backlog:
            tell("Tansiq", ours.drain(pair, backlog), f"backlog of {backlog}")
    return size


def of_homeservers(given: argparse.Namespace, size: int) -> None:
    """Theirs: the same rate, messages of the same size, one sender and four."""
    with tempfile.TemporaryDirectory() as folder, synapse.homeservers(Path(folder), given.synapse) as room:
        times = asyncio.run(synapse.latency(room, given.rate, given.seconds, size=size, first=1))
        tell("Synapse", ours.quantiles(times), f"at {given.rate:g}/s, ms")
        for senders in (1, 4):
            found = synapse.throughput(room, given.entries, size=size, senders=senders, first=10**7 * senders)
            tell("Synapse", asyncio.run(found), f"{given.entries} messages, {senders} at once")


def tell(whose: str, found: dict[str, float], what: str) -> None:
    """One line of the table."""
    print(f"{whose:8} {what:28} " + ", ".join(f"{name} {value:.1f}" for name, value in found.items()), flush=True)


if __name__ == "__main__":
    main()
