"""Trees to test with, and the norm's own recursive definition to test against."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from tansiq.engine.ledger import merkle


def leaves_of(count: int) -> list[bytes]:
    """``count`` distinct leaf hashes."""
    return [merkle.leaf_hash(number.to_bytes(4, "big")) for number in range(count)]


def mth(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 9162 §2.1.1 over leaf hashes, word for word and slow."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def reader(leaves: Sequence[bytes]) -> Callable[[int, int], bytes]:
    """``get_node`` over these leaf hashes; asking for a node that is not perfect yet fails the test."""
    nodes: dict[tuple[int, int], bytes] = {}
    merkle.Tree().extend(leaves, on_node=lambda level, index, value: nodes.__setitem__((level, index), value))
    return lambda level, index: nodes[level, index]
