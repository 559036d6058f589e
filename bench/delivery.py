"""Delivery between two real nodes on this machine: entries per second, and the time from an officer's act to the partner's store.

Everything is on: decide, signing, sealing, receipts, audit, both logs, SQLite with synchronous=FULL. Beside it, in the same run, the *bare
cost*: the cryptography and the durable database writes that the same entries need at least, done by one process with nothing
around them. The figure to quote is the ratio.

    python -m bench.delivery [--entries 1000] [--rate 20] [--seconds 30]
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tansiq.demo.nodes import wait_for
from tansiq.engine.envelopes import age, sealing
from tansiq.engine.envelopes.cards import CardKey, Contact, NodeCard
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.formats.ids import new_id
from tests.system import intents
from tests.system.world import Driver, agreed


def main() -> None:
    """Run it and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=30)
    given = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        bare = bare_cost(Path(folder), min(given.entries, 500))
    with tempfile.TemporaryDirectory() as folder, agreed(Path(folder)) as (_, drivers):
        dossier = drivers["fr"]("act", officer="liaison", intent=intents.request("ma"))["dossier"]
        for name in ("ma", "fr"):
            wait_for("the receipt", lambda name=name: drivers[name]("entries", dossier=dossier)["phase"] == "received")
        latency(drivers, dossier, given.rate, given.seconds)
        rate = throughput(drivers, dossier, given.entries)
    print(f"bare cost of the same entries          {bare:8.1f} /s")
    print(f"sustained, of the bare cost            {rate / bare:8.2f}")


def throughput(drivers: dict[str, Driver], dossier: str, count: int) -> float:
    """Sign ``count`` entries as fast as one officer's process can; until all are in the partner's store."""
    begin = time.time()
    signed = [e for e, _ in drivers["fr"]("burst", officer="liaison", intents=[_remind(dossier)] * count, every=0)]
    accepted = time.time() - begin
    last = wait_for("all of them", lambda: _all(drivers["ma"], signed), seconds=600, every=0.05)
    total = last - begin
    print(f"accepted here                          {count / accepted:8.1f} /s   ({count} entries)")
    print(f"delivered, judged and stored there     {count / total:8.1f} /s")
    return count / total


def _all(driver: Driver, signed: list[str]) -> float:
    found = driver("taken", entries=signed)
    return max(found.values()) if len(found) == len(signed) else 0.0


def latency(drivers: dict[str, Driver], dossier: str, rate: float, seconds: float) -> None:
    """Act at a steady rate; from the beginning of the act to its record at the partner."""
    done = drivers["fr"]("burst", officer="liaison", intents=[_remind(dossier)] * int(rate * seconds), every=1 / rate)
    wait_for("all of them", lambda: _all(drivers["ma"], [e for e, _ in done]), seconds=300)
    taken = drivers["ma"]("taken", entries=[e for e, _ in done])
    times = sorted((taken[e] - begin) * 1000 for e, begin in done)
    quantile = statistics.quantiles(times, n=100)
    points = ", ".join(f"p{n} {quantile[n - 1]:.0f} ms" for n in (50, 95, 99))
    print(f"at {rate:g}/s: act here to record there   {points}, max {times[-1]:.0f} ms")


def _remind(dossier: str) -> dict[str, object]:
    return intents.act("request", dossier, "remind")


def bare_cost(folder: Path, count: int) -> float:
    """Entries per second of the least that must happen: sign, seal, verify, open, and one durable commit on each side."""
    now = datetime.now(UTC)
    signer, mailbox = Ed25519Signer.generate(), age.HybridIdentity.generate()
    start, end = now - timedelta(days=1), now + timedelta(days=30)
    card = NodeCard(
        node_id="fr",
        names={"en": "Bench"},
        state="FR",
        serial=1,
        issued_at=now,
        valid_until=end,
        root_public=bytes(32),
        keys=(CardKey.for_signer("node", signer, start, end),),
        contact=Contact(languages=("en",)),
    )
    stores = [sqlite3.connect(folder / f"{side}.sqlite3", isolation_level=None) for side in ("here", "there")]
    for store in stores:
        store.execute("PRAGMA journal_mode=WAL")
        store.execute("PRAGMA synchronous=FULL")
        store.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, raw BLOB)")
    body = os.urandom(1500)
    previous: str | None = None
    begin = time.monotonic()
    for number in range(1, count + 1):
        signer.sign(body)
        stores[0].execute("INSERT INTO entry (raw) VALUES (?)", (body,))
        sealed = sealing.seal(
            body,
            envelope_id=new_id(now, os.urandom),
            sender="fr",
            recipient="ma",
            incarnation=1,
            sequence=number,
            previous_manifest_digest=previous,
            created_at=now,
            expires_at=end,
            mailbox=mailbox.recipient(),
            node_signer=signer,
        )
        previous = sealed.manifest_digest
        accepted = sealing.accept(
            sealed.to_bytes(),
            me="ma",
            card_of=lambda _: card,
            is_revoked=lambda *_: False,
            seen=lambda *_: None,
            now=now,
        )
        opened = sealing.open_body(accepted, [mailbox])
        stores[1].execute("INSERT INTO entry (raw) VALUES (?)", (opened,))
        signer.sign(body)
    return count / (time.monotonic() - begin)


if __name__ == "__main__":
    main()
