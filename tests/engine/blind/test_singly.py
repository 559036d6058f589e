"""Answers under a key of their own: what is found, what sizes tell, and that one answer is of no use with another."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tansiq.engine.blind import batches, filters, oprf, singly
from tansiq.engine.blind.oprf import Evaluation, Mode
from tansiq.engine.errors import Rejected
from tests.engine.blind.randomness import stream as repeatable

HOLDS = ["tsc1|fine|881fb46621fffff|498715", "tsc1|fine|881fb46625fffff|498715"]


def outputs(key: oprf.KeyPair, keys: list[str]) -> list[bytes]:
    return [oprf.compute(key, one.encode(), mode=Mode.VOPRF) for one in keys]


def key(query: str = "q1") -> oprf.KeyPair:
    return singly.key_for(bytes(32), holder="ma", asker="fr", query=query)


def test_what_both_have_is_found_with_the_mark_by_which_the_holder_knows_it() -> None:
    held = singly.filter_of(outputs(key(), HOLDS), repeatable("filling"))
    asked = [HOLDS[1], "tsc1|fine|881fb46627fffff|498715"]
    batch = batches.prepare([one.encode() for one in asked], mode=Mode.VOPRF, random=repeatable("blinds"))
    done = oprf.evaluate(key(), batch.elements, mode=Mode.VOPRF, random=repeatable("proof"))
    hits = singly.hits(held, asked, batch.finalize(Evaluation(done.elements, done.proof), public=key().public))
    assert list(hits) == [HOLDS[1]]
    (told,) = hits.values()
    assert told == singly.name_of(outputs(key(), HOLDS)[1], held.bucket_bits)


def test_a_filter_is_of_no_use_with_another_answer() -> None:
    held = singly.filter_of(outputs(key(), HOLDS), repeatable("filling"))
    assert singly.hits(held, HOLDS, outputs(key("q2"), HOLDS)) == {}
    assert key().public != key("q2").public


@given(st.integers(0, 3000))
@settings(max_examples=200, deadline=None)
def test_sizes_grow_in_steps_and_leave_room(count: int) -> None:
    size = singly.stepped(count)
    assert max(count, singly.SMALLEST_FILTER) <= size
    assert size == singly.SMALLEST_FILTER or size < 2 * count
    assert bin(size).rstrip("0").count("1") <= 2


def test_the_number_of_the_holders_keys_is_not_told_by_the_filter() -> None:
    sizes = {len(singly.filter_of(outputs(key(), HOLDS[:n]), repeatable("f"))) for n in (0, 1, 2)}
    assert sizes == {singly.SMALLEST_FILTER}
    lengths = {len(singly.filter_of(outputs(key(), HOLDS[:n]), repeatable("f")).to_bytes()) for n in (0, 1, 2)}
    assert len(lengths) == 1


def test_a_filter_larger_than_any_answer_may_have_is_refused() -> None:
    raw = singly.filter_of(outputs(key(), HOLDS), repeatable("filling")).to_bytes()
    with pytest.raises(Rejected, match="filter_malformed"):
        filters.from_bytes(raw, max_count=singly.SMALLEST_FILTER - 1)


def test_the_library_leaves_no_file_behind(tmp_path: Path) -> None:
    code = "import tansiq.engine.blind.group as group; print(len(group.hash_to_element(b'x', b'y')))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, check=True
    )
    assert done.stdout == b"32\n"
    assert list(tmp_path.iterdir()) == []
