"""A hundred desks open at once: how long after something stands on the desk each browser is told, and what it costs the node.

Two real nodes on this machine. Over there an officer acts again and again; here ``--desks`` streams are open
(``/desk/events``), read by one client process as browsers read them. Measured from the moment the entry is recorded here to
the event in each stream; beside it the processor time that the node's web process spent for each minute of open desks.

    python -m bench.open_desks [--desks 100] [--acts 20] [--every 3]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

import httpx

from tansiq.demo.browser import Person
from tansiq.demo.nodes import FRANCE, MOROCCO, PASSWORD, Node, wait_for
from tests.system import intents
from tests.system.world import Driver, nodes, ratified


def main() -> None:
    """Run it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--desks", type=int, default=100)
    parser.add_argument("--acts", type=int, default=20)
    parser.add_argument("--every", type=float, default=3)
    given = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder, nodes(Path(folder), [FRANCE, MOROCCO]) as made:
        for node in made.values():
            node.start()
        drivers = {name: Driver(node) for name, node in made.items()}
        ratified(drivers, ["fr", "ma"])
        dossier = drivers["fr"]("act", officer="liaison", intent=intents.request("ma"))["dossier"]
        for name in ("ma", "fr"):
            wait_for("the receipt", lambda name=name: drivers[name]("entries", dossier=dossier)["phase"] == "received")
        told = asyncio.run(watched(made["ma"], drivers["fr"], dossier, given))
        for driver in drivers.values():
            driver.kill()
    report(told, given.desks)


async def watched(node: Node, far: Driver, dossier: str, given: argparse.Namespace) -> list[float]:
    """Open the desks, let the far officer act, and gather how late every desk heard of every act, in seconds."""
    cookie = await asyncio.to_thread(signed_in, node)
    heard: list[asyncio.Queue[float]] = [asyncio.Queue() for _ in range(given.desks)]
    limits = httpx.Limits(max_connections=given.desks + 5)
    async with httpx.AsyncClient(base_url=node.url, cookies=cookie, timeout=None, limits=limits) as http:
        open_ones = [asyncio.create_task(listen(http, one)) for one in heard]
        for one in heard:
            await one.get()  # the stream stands
        spent, began = _processor_seconds(node), time.time()
        late: list[float] = []
        for _ in range(given.acts):
            await asyncio.sleep(given.every)
            ((_entry, at),) = await asyncio.to_thread(act, far, dossier)
            late += [await asyncio.wait_for(one.get(), 30) - at for one in heard]
        minutes = (time.time() - began) / 60
        print(f"processor time of the web process      {(_processor_seconds(node) - spent) / minutes:8.2f} s a minute")
        for one in open_ones:
            one.cancel()
    return late


def signed_in(node: Node) -> dict[str, str]:
    """The cookies of an officer whose desk it is."""
    return dict(Person(node.url, "liaison", PASSWORD).http.cookies)


async def listen(http: httpx.AsyncClient, heard: asyncio.Queue[float]) -> None:
    """One open desk, as a browser keeps it: when it stood, and when it was told each time."""
    async with http.stream("GET", "/desk/events", params={"since": "2100-01-01T00:00:00.000Z"}) as stream:
        async for line in stream.aiter_lines():
            if line.startswith(("retry:", "event: desk")):
                heard.put_nowait(time.time())


def act(far: Driver, dossier: str) -> list[list[object]]:
    """The far officer reminds; [entry, wall time]."""
    return list(far("burst", officer="liaison", intents=[intents.act("request", dossier, "remind")], every=0))


def _processor_seconds(node: Node) -> float:
    """Processor time of the node's processes until now (Linux)."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0.0
    for line in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"TANSIQ_HOME={node.home}".encode() in line.read_bytes():
                fields = (line.parent / "stat").read_text().rpartition(") ")[2].split()
                total += (int(fields[11]) + int(fields[12])) / ticks
        except OSError:
            continue
    return total


def report(late: list[float], desks: int) -> None:
    """The table."""
    cuts = statistics.quantiles(late, n=100)
    print(f"{desks} desks, {len(late)} events told")
    print(f"act over there to event here, p50      {cuts[49] * 1000:8.0f} ms")
    print(f"act over there to event here, p95      {cuts[94] * 1000:8.0f} ms")
    print(f"act over there to event here, worst    {max(late) * 1000:8.0f} ms")


if __name__ == "__main__":
    main()
