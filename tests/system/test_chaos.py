"""Everything goes wrong while two officers act: nothing lost, nothing twice (the longer runs: ``python -m tests.system.soak``)."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.soak import soak
from tests.system.world import HERE

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]
ENTRIES = 300


@pytest.fixture(autouse=True)
def own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """On PostgreSQL a server of its own: it is crashed, and other tests stand on theirs."""
    if "TANSIQ_TEST_DB" not in os.environ:
        yield
        return
    monkeypatch.setattr(sys, "path", [*sys.path, str(HERE / "tools")])
    import private_postgres

    with private_postgres.server() as url:
        monkeypatch.setenv("TANSIQ_TEST_DB", url)
        yield


def test_entries_survive_whatever_goes_wrong(tmp_path: Path) -> None:
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(10**6)))
    print(f"CHAOS_SEED={seed}")
    report = soak(tmp_path, entries=ENTRIES, seed=seed)
    print("\n".join(report.lines()))
    assert report.wrong == []
    assert report.entries >= ENTRIES
