"""What it costs two nodes to find that they have the same: a digest of all shared dossiers told, weighed, and nothing answered.

A real node in this process (SQLite, or PostgreSQL by TANSIQ_DATABASE_URL: an empty database) with copies of a real request. *tell* makes the
summary and owes it; *weigh* is what the partner does with it when it has the same; the peer is telling the heads themselves, as nodes do after
a restore. Both by the clock and by processor time, in milliseconds.

    python -m bench.sync [--dossiers 1000 10000 100000] [--heads 10000]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.pages import copy_dossiers, grown
from bench.register_import import start_node


def main() -> None:
    """Grow, measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dossiers", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--heads", type=int, default=10_000, help="compare by heads as well up to so many dossiers")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        start_node(Path(folder))
        world, dossier = grown(Path(folder), Namespace(entries=3, dossiers=0, lines=10))
        told, before = {}, 0
        for count in sorted(given.dossiers):
            copy_dossiers(dossier, count - before, world.now)
            before = count
            told[str(count)] = measured(world, by_heads=count <= given.heads)
    print(json.dumps({"machine": platform.platform(), "cores": os.cpu_count(), "ms": told}, indent=1))


def measured(world: Any, *, by_heads: bool) -> dict[str, Any]:
    """Each step once; the first that touches the rows pays for reading them from the disk."""
    from tansiq.node.dossiers import queries
    from tansiq.node.exchange.models import Item
    from tansiq.node.flows import comparing

    now = world.now + timedelta(days=1 + Item.objects.count())
    found = {"tell": timed(lambda: comparing.tell_summary(now, only="ma"))}
    same = {**comparing.NOTHING, "summary": queries.summary_with("ma")}
    before = Item.objects.count()
    found["weigh"] = timed(lambda: comparing.compare("ma", same, now))
    assert Item.objects.count() == before
    found["bytes"] = {"summary": len(json.dumps(same))}
    if by_heads:
        found["tell heads"] = timed(lambda: comparing.tell_heads(now))
        items = Item.objects.filter(type="heads", reference__startswith="heads/").order_by("-pk")
        found["bytes"]["heads"] = sum(len(json.dumps(item.content)) for item in items)
        items.delete()
    return found


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Milliseconds of one call."""
    clock, spent = time.perf_counter(), time.process_time()
    work()
    return {
        "clock": round((time.perf_counter() - clock) * 1e3, 1),
        "processor": round((time.process_time() - spent) * 1e3, 1),
    }


if __name__ == "__main__":
    main()
