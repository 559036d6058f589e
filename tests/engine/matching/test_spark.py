"""``--spark`` gives what one machine gives, on a local cluster of two workers (minutes; needs Java 17 and tansiq[spark])."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.matching.invented import write
from bench.matching.linkage import INVENTED
from tests.shared import ROOT

HERE = importlib.util.find_spec("pyspark") is not None and shutil.which("java") is not None
TANSIQ = [sys.executable, "-m", "tansiq.node.cli", "match"]


def run(*arguments: str, seconds: int = 280) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*TANSIQ, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=seconds)


def answers(out: Path, *arguments: str) -> list[object]:
    told = run(*arguments, "--fields", INVENTED, "--out", str(out), seconds=880)
    assert told.returncode == 0, told.stderr[-2000:]
    return [json.loads(line) for line in out.read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not HERE, reason="needs tansiq[spark] and Java 17: apt-get install openjdk-17-jre-headless")
@pytest.mark.parametrize("master", ["local-cluster[2,1,1024]", "local[2]"])
def test_a_cluster_gives_the_links_and_groups_of_one_machine(master: str, tmp_path: Path) -> None:
    left, right = map(str, write(1000, tmp_path))
    spark = ["--spark", master, "--parts", "2"]
    asked = ["link", left, right] if "cluster" in master else ["dedupe", left, "--rules", "surname.sound,birth_date"]
    alone = answers(tmp_path / "alone.jsonl", *asked)
    assert answers(tmp_path / "spark.jsonl", *asked, *spark) == alone
    assert len(alone) > 300 or asked[0] == "dedupe"


@pytest.mark.skipif(HERE, reason="PySpark and Java are here")
def test_without_spark_it_says_what_is_missing(tmp_path: Path) -> None:
    left, right = map(str, write(50, tmp_path))
    told = run("link", left, right, "--fields", INVENTED, "--spark", "local[1]")
    assert told.returncode == 2
    assert "matching.spark_missing" in told.stderr
    assert "tansiq[spark]" in told.stderr or "Java 17" in told.stderr


def test_a_list_is_not_linked_on_a_cluster(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("a1\tOlena Kovalenko\n")
    told = run("link", str(tmp_path / "a.tsv"), str(tmp_path / "a.tsv"), "--spark", "local[1]")
    assert told.returncode == 2
    assert "--fields" in told.stderr
