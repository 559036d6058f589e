"""Screening on several processes: in order, no further ahead than is soon answered, ended by a reader that leaves or is killed."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tansiq.engine.matching import Index, Subject, screening
from tansiq.engine.matching.command import match

NAMES = ("Olena Kovalenko", "Samira Haddadi", "Youssef Benslimane", "Karim Ziani")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("screening") / "index"
    Index(place).add((Subject(f"s{n}", names=(name,)), (screening.OPEN,)) for n, name in enumerate(NAMES))
    return place


def test_a_list_without_end_is_read_no_further_than_it_is_answered(folder: Path) -> None:
    read = itertools.count()

    def endless() -> Iterator[Subject]:
        for number in read:
            yield Subject(f"q{number}", names=(NAMES[number % 4],))

    lines = screening.screen(folder, endless(), limit=1, workers=2)
    ids = [json.loads(line)["query_id"] for line in itertools.islice(lines, 1000)]
    assert ids == [f"q{number}" for number in range(1000)]
    lines.close()  # type: ignore[attr-defined]
    assert next(read) < 1000 + 1000


def test_a_run_that_was_killed_goes_on_and_ends_as_if_it_had_not_been(folder: Path, tmp_path: Path) -> None:
    asked, target = tmp_path / "passengers.tsv", tmp_path / "hits.jsonl"
    asked.write_text("".join(f"p{number}\t{NAMES[number % 4]}\n" for number in range(3000)))
    command = ["search", str(folder), str(asked), "--least", "0.5", "--limit", "1"]
    running = subprocess.Popen(
        [sys.executable, "-m", "tansiq.engine.matching.command", *command, "--workers", "2"], stdout=subprocess.PIPE
    )
    assert running.stdout is not None
    begun = b"".join(running.stdout.readline() for _ in range(100))
    running.send_signal(signal.SIGKILL)
    begun += running.stdout.read()  # ends only when no process of it is left that could write
    assert 100 <= begun.count(b"\n") < 3000
    assert running.wait() == -signal.SIGKILL
    target.write_bytes(begun)
    resumed = CliRunner().invoke(match, [*command, "--workers", "1", "--out", str(target), "--resume"])
    assert resumed.exit_code == 0, resumed.stderr
    whole = screening.screen(
        folder, (Subject(f"p{n}", names=(NAMES[n % 4],)) for n in range(3000)), limit=1, workers=1, least=0.5
    )
    assert target.read_text().splitlines() == list(whole)
