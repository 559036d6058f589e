"""Everything goes wrong while two officers act: nothing lost, nothing twice (the longer runs: ``python -m tests.system.soak``)."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.system.soak import soak

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]
ENTRIES = 300


def test_entries_survive_whatever_goes_wrong(tmp_path: Path) -> None:
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(10**6)))
    print(f"CHAOS_SEED={seed}")
    report = soak(tmp_path, entries=ENTRIES, seed=seed)
    print("\n".join(report.lines()))
    assert report.wrong == []
    assert report.entries >= ENTRIES
