"""The examples of docs/matching.md run as they stand there."""

from __future__ import annotations

import re

import pytest

from tests.shared import ROOT

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs/matching.md").read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_an_example_runs(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block, "docs/matching.md", "exec"), {})
    told = capsys.readouterr().out
    assert "alignment" in told or "left" in told


def test_there_are_examples() -> None:
    assert len(BLOCKS) >= 2
