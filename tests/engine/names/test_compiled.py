"""Compiled code is kept between processes, and never beyond a change of what it was compiled from."""

from __future__ import annotations

from tansiq.engine.matching import pairing
from tansiq.engine.names import compiled, kernels


def test_what_is_kept_carries_the_digest_of_all_compiled_sources() -> None:
    for function in (pairing.compare_names, kernels.reading_cost, kernels.read_trie):
        _, digest = function._cache._cache_file._source_stamp  # type: ignore[attr-defined]
        assert digest == compiled._compiled_sources()
