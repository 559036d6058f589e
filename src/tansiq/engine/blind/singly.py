"""Answers under a key of their own: for a set so small and so quickly out of date that nothing need be held ready.

Where ``filters`` are made once and changed for a month, the plans of an authority are a few thousand keys and may be
other ones in an hour. So the holder makes a fresh key for every question, evaluates the asker's elements **and its own
keys** under it, and sends the filter along with the answer::

    asker                                    holder
    blind(keys)  ── elements ──▶             k fresh; evaluate(k, elements); filter of F(k, own keys), filled up
    look up      ◀── k·G, evaluated, proof, filter ──

There is no epoch, no stale filter and nothing to rotate; two answers cannot be compared, and a filter that is stolen
is of no use with any other answer. What the asker may find is decided at the instant at which it is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from tansiq.engine.blind import filters, oprf
from tansiq.engine.blind.filters import Filter

SMALLEST_FILTER: Final = 64
LARGEST_FILTER: Final = 98_304
"""Marks an answer's filter may have: what a holder could scan with one question that it is asked is bounded by it."""


def key_for(seed: bytes, *, holder: str, asker: str, query: str) -> oprf.KeyPair:
    """The key of one answer; ``seed`` is fresh and kept only as long as the holder must recognise a mark."""
    info = f"tansiq plan answer|{holder}|{asker}|{query}".encode()
    return oprf.derive_key_pair(seed, info, mode=oprf.Mode.VOPRF)


def filter_of(outputs: Iterable[bytes], random: Callable[[int], bytes]) -> Filter:
    """The filter of the holder's own outputs, filled up with random marks to a size that hides how many they are.

    Sizes have two significant binary digits: 64, 96, 128, 192, 256 … Raises ``Rejected("blind.filter_too_full")``.
    """
    known = set(outputs)
    size = stepped(len(known))
    bits = filters.bucket_bits_for(size)
    real = Filter(bits, filters.marks_of(known, bits))
    return filters.fill(real, size - len(real), random)[0]


def stepped(count: int) -> int:
    """The size to which a filter of ``count`` marks is filled up."""
    power = max(SMALLEST_FILTER, 1 << max(count - 1, 1).bit_length())
    return power if power == SMALLEST_FILTER or count > power * 3 // 4 else power * 3 // 4


def hits(held: Filter, keys: Sequence[str], outputs: Sequence[bytes]) -> dict[str, str]:
    """The keys whose outputs are found, each with its mark in 16 hexadecimal digits."""
    found = held.find(outputs)
    return {
        key: name_of(output, held.bucket_bits)
        for key, output, is_hit in zip(keys, outputs, found, strict=True)
        if is_hit
    }


def name_of(output: bytes, bucket_bits: int) -> str:
    """The mark of an output as it is told to whoever made the filter."""
    return f"{filters.mark_of(output, bucket_bits):016x}"
