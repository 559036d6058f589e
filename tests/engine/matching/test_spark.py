"""Spark gives the pairs and scores of one machine, on a local cluster of two workers (minutes; needs Java 17 and tansiq[spark])."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from tests.shared import ROOT


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_cluster_of_two_workers_gives_what_one_machine_gives() -> None:
    pytest.importorskip("pyspark", reason="needs tansiq[spark]")
    pytest.importorskip("pandas", reason="needs tansiq[spark]")
    if shutil.which("java") is None:
        pytest.skip("needs Java 17: apt-get install openjdk-17-jre-headless")
    command = [sys.executable, "-m", "bench.matching.spark", "--size", "2000", "--workers", "2", "--parts", "4"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=880).stdout
    lines = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert len(lines) == 2, told
    assert lines[1]["pairs"] == lines[0]["pairs"] > 500
    assert lines[1]["same_pairs"]
    assert lines[1]["same_scores"]
