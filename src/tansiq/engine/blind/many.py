"""The function on very many inputs of one's own, spread over the processors: how a register of a million is made ready.

Every key costs a hash to the group and a multiplication, a tenth of a millisecond; nothing else is worth saving. The inputs go out in
slices to processes that have this module loaded already. Which inputs there are is the holder's own; no partner sees how long it takes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Final

from tansiq.engine.blind import oprf

SPREAD_FROM: Final = 3000
"""Fewer inputs are done sooner than processes are started."""
_SLICE: Final = 1000


def compute_all(key: oprf.KeyPair, inputs: Sequence[bytes], *, mode: oprf.Mode) -> list[bytes]:
    """``oprf.compute`` of every input, in order."""
    if len(inputs) < SPREAD_FROM:
        return _compute(key, inputs, mode)
    slices = [inputs[at : at + _SLICE] for at in range(0, len(inputs), _SLICE)]
    with _pool() as pool:
        parts = pool.map(_compute, [key] * len(slices), slices, [mode] * len(slices))
        return [output for part in parts for output in part]


def _compute(key: oprf.KeyPair, inputs: Sequence[bytes], mode: oprf.Mode) -> list[bytes]:
    return [oprf.compute(key, value, mode=mode) for value in inputs]


@contextmanager
def _pool() -> Iterator[ProcessPoolExecutor]:
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=context) as pool:
        yield pool
