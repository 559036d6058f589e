"""What a kind version decided once it decides for ever: its golden vectors, replayed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tansiq.engine.kinds.registry import kind, kinds
from tests.engine.dossiers.simulated import Node
from tests.engine.kinds.golden import headers_in, path_of, replay


def vectors_of(name: str, version: int) -> dict[str, Any]:
    path = path_of(kind(name, version))
    assert path.is_file(), f"record the vectors of {name} {version}: python tools/kind_vectors.py"
    vectors: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return vectors


@pytest.mark.parametrize(("name", "version"), kinds())
def test_every_verdict_and_state_is_as_recorded(name: str, version: int) -> None:
    for life in vectors_of(name, version)["lives"]:
        assert json.loads(json.dumps(replay(kind(name, version), headers_in(life)))) == life


@pytest.mark.parametrize(("name", "version"), kinds())
def test_another_order_ends_in_the_recorded_state(name: str, version: int) -> None:
    for life in vectors_of(name, version)["lives"]:
        headers = headers_in(life)
        node = Node(headers[0].author, kind(name, version))
        for header in [headers[0], *reversed(headers)]:
            node.take(header)
        assert node.folded is not None
        assert json.loads(json.dumps(node.folded.shown())) == life["state"]
        assert json.loads(json.dumps(node.kind.view(node.state))) == life["view"]


@pytest.mark.parametrize(("name", "version"), kinds())
def test_the_vectors_are_worth_replaying(name: str, version: int) -> None:
    """Every act with effect and acts refused, several phases, several heads at once, and forked chains."""
    lives = vectors_of(name, version)["lives"]
    entries = [entry for life in lives for entry in life["entries"]]
    known = kind(name, version)
    effective = {entry["header"]["act"] for entry in entries if entry["reason"] is None}
    assert len({entry["reason"] for entry in entries}) >= 4
    assert len({entry["phase_after"] for entry in entries} & set(known.phases)) >= 2
    assert any(len(entry["header"]["heads"]) > 1 for entry in entries)
    assert any(life["state"]["equivocations"] for life in lives)
    known_then = known.acts.keys() - {"passed_on"}  # an act of every kind that is younger than the vectors
    assert len(effective) >= len(known_then) * 3 // 4, sorted(known_then - effective)
