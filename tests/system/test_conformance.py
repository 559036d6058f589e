"""The kit as its user runs it: two cards brought to a real node, and `tansiq conformance` against its address."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tansiq.demo.nodes import MOROCCO
from tests.system.world import nodes

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(240),
    pytest.mark.skipif(
        "TANSIQ_TEST_DB" in os.environ, reason="the same clauses are kept in one process on both stores"
    ),
]


def kit(folder: Path, *words: str) -> tuple[int, Any]:
    """A command of the kit, which has no node of its own; its exit status and what it answered."""
    command = [sys.executable, "-m", "tansiq.node.cli", "--json", "conformance", "--kit", str(folder), *words]
    done = subprocess.run(command, capture_output=True, check=False)
    return done.returncode, json.loads(done.stdout or done.stderr)


SEVERAL = ("ENV-4", "ENV-16", "ENV-28", "ENV-30", "ITM-9", "LOG-3", "DOS-5")
"""What other processes, threads and connections could make different from the run in one process (tests/node/conformance)."""


@pytest.mark.parametrize("only", [SEVERAL, pytest.param((), marks=pytest.mark.slow)], ids=["several", "all"])
def test_a_real_node_keeps_every_clause(tmp_path: Path, only: tuple[str, ...]) -> None:
    folder = tmp_path / "kit"
    assert kit(folder, "http://127.0.0.1:1", "--card", __file__)[1]["error"]["code"] == "conformance.no_kit"
    status, played = kit(folder, "--prepare")
    assert status == 0
    with nodes(tmp_path, [MOROCCO]) as made:
        node = made["ma"]
        node.command("partner", "card", "--out", str(tmp_path / "node.card.json"))
        for one in played:
            node.command("partner", "enrol", one["card"], "--words", one["fingerprint"]["ar"])
        node.start()
        asked = [word for number in only for word in ("--only", number)]
        status, report = kit(folder, node.url, "--card", str(tmp_path / "node.card.json"), *asked)
    assert [(one["clause"], one["told"]) for one in report["clauses"] if one["verdict"] == "fail"] == []
    not_applicable = [one["clause"] for one in report["clauses"] if one["verdict"] == "not applicable"]
    assert not_applicable == ([] if only else ["DOS-6"])
    assert (status, report["node"], report["well"]) == (0, "ma", True)
