"""Each migration over a store with rows, on the database of the run: nothing is lost and nothing is changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.world import database

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


def test_rows_survive_every_migration(tmp_path: Path) -> None:
    told = {**os.environ, "TANSIQ_HOME": str(tmp_path)}
    told.pop("DJANGO_SETTINGS_MODULE", None)
    if url := database():
        told["TANSIQ_DATABASE_URL"] = url
    done = subprocess.run(
        [sys.executable, "-m", "tests.system.migrated"], env=told, capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr[-3000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["wrong"] == []
    assert report["migrations"] > 60
    assert report["models"] > 50
