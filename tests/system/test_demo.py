"""The README's first command, as a newcomer runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif("TANSIQ_TEST_DB" in os.environ, reason="the demonstration runs on the embedded default")
def test_the_story_comes_out_and_leaves_nothing_behind() -> None:
    with tempfile.TemporaryDirectory() as folder:
        told = {**os.environ, "TMPDIR": folder, "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(
            [sys.executable, "-m", "tansiq.demo", "--once"],
            env=told,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        assert "The story came out" in done.stdout
        assert not list(Path(folder).glob("tansiq-demo-*"))
