"""The import of a list killed with SIGKILL in the middle of its writing; the second run ends as one that was never disturbed."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tansiq.demo import people
from tansiq.demo.nodes import FRANCE, Node, wait_for

pytestmark = [pytest.mark.system, pytest.mark.slow]

ROWS = 6_000


def subjects(node: Node) -> dict[str, str]:
    """Which subjects stand, and since when, read past the program."""
    with closing(sqlite3.connect(f"file:{node.home / 'node.sqlite3'}?mode=ro", uri=True, timeout=30)) as store:
        return dict(store.execute("SELECT subject_id, source_token FROM register_subject WHERE delisted_at IS NULL"))


def test_a_list_killed_while_it_is_stored_is_stored_by_the_second_run(tmp_path: Path) -> None:
    node = Node(FRANCE, tmp_path / "fr" / "home")
    node.init()
    node.command("seed", "-", given={"officers": people.OFFICERS["fr"], "subjects": []})
    source = tmp_path / "list.json"
    with source.open("w", encoding="utf-8") as sink:
        for number in range(ROWS):
            properties = {"name": [f"Invented Person {number}"], "birthDate": [str(1930 + number % 80)]}
            print(json.dumps({"id": f"p{number}", "schema": "Person", "properties": properties}), file=sink)
    words = ["import", "ftm", str(source), "--list", "invented"]
    started = subprocess.Popen(
        [sys.executable, "-m", "tansiq.node.cli", "--json", *words],
        env=node.environment("claire"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(
        "the first rows in the store", lambda: subjects(node) or started.poll() is not None, seconds=120, every=0.02
    )
    os.killpg(started.pid, signal.SIGKILL)
    assert started.wait() == -signal.SIGKILL
    halfway = subjects(node)
    assert 0 < len(halfway) < ROWS
    told: dict[str, Any] = node.command(*words, officer="claire")
    assert (told["counts"]["rows"], told["counts"]["lost"]) == (ROWS, 0)
    assert told["counts"]["added"] + told["counts"]["unchanged"] == ROWS
    whole = subjects(node)
    assert len(whole) == len(set(whole.values())) == ROWS
    assert whole.items() >= halfway.items()
    again: dict[str, Any] = node.command(*words, officer="claire")
    assert again["counts"]["unchanged"] == ROWS
    assert subjects(node) == whole
