"""All 518 proofs of transparency-dev/merkle: what must verify verifies, what must not does not."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tansiq.engine.errors import Rejected
from tansiq.engine.ledger import merkle
from tests.shared import shared_path

COUNTS = {"inclusion": 98, "consistency": 98, "subtreeinclusion": 204, "subtreeconsistency": 118}


def _proof(case: dict[str, Any]) -> list[bytes]:
    return [b64decode(value) for value in case["proof"] or []]


def _inclusion(case: dict[str, Any]) -> None:
    merkle.verify_inclusion(
        case["leafIdx"], case["treeSize"], b64decode(case["leafHash"]), _proof(case), b64decode(case["root"])
    )


def _consistency(case: dict[str, Any]) -> None:
    merkle.verify_consistency(
        case["size1"], case["size2"], b64decode(case["root1"]), b64decode(case["root2"]), _proof(case)
    )


def _subtree_inclusion(case: dict[str, Any]) -> None:
    merkle.verify_subtree_inclusion(
        case["leafIdx"], case["start"], case["end"], b64decode(case["leafHash"]), _proof(case), b64decode(case["root"])
    )


def _subtree_consistency(case: dict[str, Any]) -> None:
    merkle.verify_subtree_consistency(
        case["start"], case["end"], case["size"], b64decode(case["root1"]), b64decode(case["root2"]), _proof(case)
    )


CHECKS: dict[str, Callable[[dict[str, Any]], None]] = {
    "inclusion": _inclusion,
    "consistency": _consistency,
    "subtreeinclusion": _subtree_inclusion,
    "subtreeconsistency": _subtree_consistency,
}


def _files(folder: str) -> list[Path]:
    return sorted((shared_path("vectors/merkle-rfc9162") / folder).rglob("*.json"))


@pytest.mark.parametrize("folder", sorted(CHECKS))
def test_every_vector_of_the_set(folder: str) -> None:
    files = _files(folder)
    assert len(files) == COUNTS[folder]
    wrong = []
    for path in files:
        case = json.loads(path.read_bytes())
        try:
            CHECKS[folder](case)
            is_refused = False
        except Rejected:
            is_refused = True
        if is_refused is not case["wantErr"]:
            wrong.append(f"{path.relative_to(path.parents[2])}: {case['desc']}")
    assert wrong == []


def _leaf_entries() -> list[bytes]:
    """The eight leaves under the upstream proofs (RFC 6962 reference tree)."""
    return [bytes.fromhex(text) for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )]  # fmt: skip


def test_the_reference_tree_makes_the_published_proofs() -> None:
    leaves = [merkle.leaf_hash(entry) for entry in _leaf_entries()]

    def get_node(level: int, index: int) -> bytes:
        return merkle.root_of(leaves[index << level : (index + 1) << level])

    for path in _files("inclusion"):
        case = json.loads(path.read_bytes())
        if path.name == "happy-path.json":
            assert merkle.inclusion_proof(case["leafIdx"], case["treeSize"], get_node) == _proof(case)
            assert merkle.root_of(leaves[: case["treeSize"]]) == b64decode(case["root"])
    for path in _files("consistency"):
        case = json.loads(path.read_bytes())
        if path.name == "happy-path.json":
            assert merkle.consistency_proof(case["size1"], case["size2"], get_node) == _proof(case)
