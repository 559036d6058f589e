"""Every reader of foreign bytes: only the tree's errors, within bounds of memory, for what is almost right and what never was."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutations import changed
from tests.fuzz.targets import CORPUS, TARGETS, corpus, feed

MIB = 1 << 20
ROOM = 64 * MIB
EXAMPLES = 40


def test_every_reader_has_a_corpus_and_every_corpus_a_reader() -> None:
    assert {path.name for path in CORPUS.iterdir() if path.is_dir()} == set(TARGETS)
    assert all(corpus(target) for target in TARGETS)
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < MIB, "small"


@pytest.mark.parametrize("target", TARGETS)
def test_what_was_kept_is_read_or_refused(target: str) -> None:
    for raw in corpus(target).values():
        feed(target, raw)


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_almost_right_is_read_or_refused(target: str) -> None:
    seeds = list(corpus(target).values())
    feed(target, seeds[0])  # whatever is loaded once is loaded here

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(changed(seeds))
    def each(raw: bytes) -> None:
        tracemalloc.start()
        try:
            feed(target, raw)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < ROOM + 40 * len(raw), f"{peak:,} bytes for {len(raw):,}"

    each()


@given(st.binary(max_size=64))
@settings(max_examples=20, deadline=None)
def test_bytes_from_nowhere_go_to_every_reader(raw: bytes) -> None:
    for target in TARGETS:
        feed(target, raw)
