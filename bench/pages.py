"""What the pages that officers live in cost at a grown database: desk, a dossier of 1,000 entries, search, statistics.

The node is real and in this process (SQLite with WAL, or PostgreSQL by TANSIQ_DATABASE_URL: an empty database); a page is asked
as a browser would ask it, through the whole of Django, without the network. The long dossier is made by acts; the other
dossiers are copies of real rows, the register is imported. For every page: the processor time and the clock of each call
(p50, p95), and how many questions it asks the store. Processor time says what a page costs wherever it runs; the clock is
true only on a machine that does nothing else.

    python -m bench.pages                                        # 2,000 dossiers, 10,000 lines of register: two minutes
    python -m bench.pages --dossiers 100000 --lines 200000       # 1,000,000 values of register
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.register_import import Analyst, start_node, write_file

BATCH = 1000
YEAR = timedelta(days=365)


def main() -> None:
    """Grow a node, measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dossiers", type=int, default=2_000)
    parser.add_argument("--entries", type=int, default=1_000, help="of the long dossier")
    parser.add_argument("--lines", type=int, default=10_000, help="of the register's import: about five values each")
    parser.add_argument("--calls", type=int, default=40, help="of every page")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        start_node(Path(folder))
        world, dossier = grown(Path(folder), given)
        found = {name: measured(world, address, given.calls) for name, address in pages(dossier).items()}
        counts = counted()
    machine = {"machine": platform.platform(), "python": platform.python_version(), "cores": os.cpu_count()}
    print(json.dumps({**machine, "holds": counts, "pages": found}, indent=1))


def grown(folder: Path, given: argparse.Namespace) -> tuple[Any, str]:
    """A node with as much in it as was asked for; its world and the id of the long dossier."""
    import pytest
    from django.conf import settings

    from tests.node.world import World

    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    world = World(pytest.MonkeyPatch(), now=datetime.now(UTC))
    world.staff()
    ma = world.partner("ma")
    world.accord("ma")
    dossier = world.ask("ma")
    world.settle()
    world.arrive(ma, *ma.machine(dossier, world.now))
    for _ in range(given.entries - 2):
        world.act("liaison", "request", "remind", dossier)
    copy_dossiers(dossier, given.dossiers, world.now)
    fill_register(folder, given.lines)
    return world, dossier


def copy_dossiers(source: str, count: int, now: datetime) -> None:
    """``count`` requests of the last year, sent and received, answered, refused or open; a refusal carries its ground."""
    from tansiq.node.dossiers.models import Dossier, Entry

    row = Dossier.objects.get(pk=source)
    first = row.entries.order_by("depth").first()
    assert first is not None
    refused = json.loads(bytes(first.header)) | {"act": "refuse", "codes": {"ground": "not_available"}}
    for numbers in _batches(count):
        made = [_dossier(row, number, now) for number in numbers]
        Dossier.objects.bulk_create(made)
        Entry.objects.bulk_create(
            Entry(
                entry_id=secrets.token_hex(32),
                dossier=one,
                author="ma",
                seq=1,
                depth=2,
                act="refuse",
                ground="not_available",
                at=one.opened_at,
                header=json.dumps(refused).encode(),
                signatures=[],
                trace={},
                is_effective=True,
                is_own=False,
                recorded_at=one.opened_at,
            )
            for one in made
            if one.phase == "refused"
        )


def _dossier(row: Any, number: int, now: datetime) -> Any:
    from tansiq.node.dossiers.models import Dossier

    phase = ("answered", "answered", "answered", "refused", "received")[number % 5]
    opened_at = now - YEAR * ((number * 7919) % 10_000) / 10_000
    return Dossier(
        dossier_id=secrets.token_hex(32),
        kind=row.kind,
        kind_version=row.kind_version,
        participants=row.participants,
        opened_by=("fr", "ma")[number % 2],
        accord=row.accord,
        accord_version=row.accord_version,
        folded=row.folded,
        heads_digest=row.heads_digest,
        phase=phase,
        urgent=number % 7 == 0,
        due_at=None if phase != "received" else opened_at + timedelta(days=7),
        is_closed=phase != "received",
        entry_count=row.entry_count,
        opened_at=opened_at,
        changed_at=opened_at,
        circle=row.circle,
        title=f"Copy {number}",
    )


def _batches(count: int) -> Iterator[range]:
    return (range(begin, min(begin + BATCH, count)) for begin in range(0, count, BATCH))


def fill_register(folder: Path, lines: int) -> None:
    """Invented persons by the ordinary import."""
    from tansiq.node.register.import_formats import ftm_format
    from tansiq.node.register.importing import import_list

    path = folder / "entities.ftm.json"
    write_file(path, lines)
    import_list(Analyst(), ftm_format("bench"), lambda: path.open("rb"), now=datetime.now(UTC))


def pages(dossier: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Address and, where something is asked, the form of each page."""
    question = {"names": "Amina Karim Example", "purpose": "investigation", "schema": "Person", "kind": "passport"}
    return {
        "desk": ("/", {}),
        "dossiers": ("/dossiers/", {}),
        "dossier": (f"/dossiers/{dossier}/", {}),
        "search": ("/search/", question),
        "register": ("/register/", {}),
        "statistics": ("/statistics/", {}),
    }


def measured(world: Any, page: tuple[str, dict[str, str]], calls: int) -> dict[str, Any]:
    """One page, asked ``calls`` times by the same officer; what comes back must be a page."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    address, form = page
    client = Client()
    client.force_login(world.officer("liaison"), backend="django.contrib.auth.backends.ModelBackend")
    ask = (lambda: client.post(address, form, follow=True)) if form else (lambda: client.get(address))
    with CaptureQueriesContext(connection) as questions:
        answer = ask()
    asked = len(questions)  # read now: the log is emptied when the next page begins
    if answer.status_code != 200:
        raise SystemExit(f"{address} answered {answer.status_code}")
    clock, spent = [], []
    for _ in range(calls):
        began, used = time.perf_counter(), time.process_time()
        ask()
        clock.append((time.perf_counter() - began) * 1000)
        spent.append((time.process_time() - used) * 1000)
    return {"queries": asked, "cpu_ms": _cuts(spent), "clock_ms": _cuts(clock)}


def _cuts(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=100)
    return {"p50": round(cuts[49], 1), "p95": round(cuts[94], 1)}


def counted() -> dict[str, int]:
    """What the node holds."""
    from tansiq.node.dossiers.models import Dossier, Entry
    from tansiq.node.register.models import StatementRow, Subject

    return {one.__name__.lower(): one.objects.count() for one in (Dossier, Entry, Subject, StatementRow)}


if __name__ == "__main__":
    main()
