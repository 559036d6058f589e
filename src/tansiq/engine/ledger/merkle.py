"""Merkle trees after RFC 9162 §2.1: hashing, growing, proving and checking.

A tree is never held whole. What grows is a *compact range* (``Tree``): the roots of the perfect subtrees that cover the
leaves, one per set bit of the size, so that appending costs O(log n) and the state is a few hundred bytes of JSON. What
proves is a callback ``get_node(level, index)`` that returns the root of the perfect subtree over the leaves
``[index << level, (index + 1) << level)``; where those nodes are kept is the caller's affair (see ``tiles``).

Subtrees ``[start, end)`` follow draft-ietf-plants-merkle-tree-certs §4: ``start`` is a multiple of the smallest power
of two that is at least ``end - start``. Plain inclusion and consistency are the case ``start = 0``, so there is one
algorithm for each.

All hashes are 32 bytes of SHA-256. Every check raises ``Rejected`` and returns nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tansiq.engine.errors import Rejected

GetNode: TypeAlias = Callable[[int, int], bytes]
OnNode: TypeAlias = Callable[[int, int, bytes], None]

HASH_BYTES = 32
MAX_SIZE = 2**63 - 1
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf: SHA-256(0x00 || entry) (RFC 9162 §2.1.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right) (RFC 9162 §2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Tree:
    """The compact range of a tree of ``size`` leaves: ``peaks`` are perfect subtrees, leftmost and largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, leaf: bytes, *, on_node: OnNode | None = None) -> Tree:
        """The tree with one more leaf hash; ``on_node(level, index, hash)`` hears of each perfect node it completes."""
        return self.extend((leaf,), on_node=on_node)

    def extend(self, leaves: Iterable[bytes], *, on_node: OnNode | None = None) -> Tree:
        """The tree with these leaf hashes appended in order; amortised two hashes a leaf."""
        size, peaks = self.size, list(self.peaks)
        for leaf in leaves:
            _need_hash(leaf, at="leaf")
            level, index, top = 0, size, leaf
            if on_node:
                on_node(level, index, top)
            while index & 1:  # a peak of this level stands to our left: the two make the next level's node
                level, index, top = level + 1, index >> 1, node_hash(peaks.pop(), top)
                if on_node:
                    on_node(level, index, top)
            peaks.append(top)
            size += 1
        return Tree(size, tuple(peaks))

    def root(self) -> bytes:
        """The root hash, MTH(D[size]) (RFC 9162 §2.1.1); that of an empty tree is SHA-256 of nothing."""
        if not self.peaks:
            return EMPTY_ROOT
        top = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            top = node_hash(peak, top)
        return top

    def to_json(self) -> dict[str, int | list[str]]:
        """``{"size": n, "peaks": [64 hex chars, …]}``."""
        return {"size": self.size, "peaks": [peak.hex() for peak in self.peaks]}

    @classmethod
    def from_json(cls, value: object) -> Tree:
        """The tree that ``to_json`` wrote; raises ``Rejected("ledger.tree_malformed")`` for anything else."""
        if not isinstance(value, dict) or set(value) != {"size", "peaks"}:
            raise Rejected("ledger.tree_malformed", at="tree")
        size, peaks = value["size"], value["peaks"]
        if type(size) is not int or not 0 <= size <= MAX_SIZE:
            raise Rejected("ledger.tree_malformed", at="tree/size")
        if not isinstance(peaks, list) or len(peaks) != size.bit_count():
            raise Rejected("ledger.tree_malformed", at="tree/peaks")
        return cls(size, tuple(_peak(peak, number) for number, peak in enumerate(peaks)))


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root hash over these leaf hashes."""
    return Tree().extend(leaves).root()


def subtree_root(start: int, end: int, get_node: GetNode) -> bytes:
    """The root hash over leaves ``[start, end)``, a valid subtree, put together from perfect nodes."""
    _need_subtree(start, end, MAX_SIZE)
    return _range_root(start, end, get_node) if end > start else EMPTY_ROOT


# --- making proofs ---------------------------------------------------------------------------------------------------


def inclusion_proof(index: int, size: int, get_node: GetNode) -> list[bytes]:
    """The audit path of leaf ``index`` in the tree of ``size`` leaves (RFC 9162 §2.1.3.1)."""
    return subtree_inclusion_proof(index, 0, size, get_node)


def consistency_proof(old_size: int, new_size: int, get_node: GetNode) -> list[bytes]:
    """The proof that the tree of ``new_size`` begins with that of ``old_size`` > 0 (RFC 9162 §2.1.4.1)."""
    if old_size == 0:
        raise Rejected("ledger.range_invalid", start=0, end=0, size=new_size)
    return subtree_consistency_proof(0, old_size, new_size, get_node)


def subtree_inclusion_proof(index: int, start: int, end: int, get_node: GetNode) -> list[bytes]:
    """The audit path of leaf ``index`` in the subtree ``[start, end)`` (merkle-tree-certs §4.3)."""
    _need_subtree(start, end, MAX_SIZE)
    _need_leaf(index, start, end)
    path: list[bytes] = []
    low, high = start, end
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range_root(middle, high, get_node))
            high = middle
        else:
            path.append(_range_root(low, middle, get_node))
            low = middle
    return path[::-1]


def subtree_consistency_proof(start: int, end: int, size: int, get_node: GetNode) -> list[bytes]:
    """The proof that ``[start, end)`` is a subtree of the tree of ``size`` leaves (merkle-tree-certs §4.4.1)."""
    _need_subtree(start, end, size)
    if start == end:
        return []
    path: list[bytes] = []
    low, high, is_known = 0, size, True
    while (low, high) != (start, end):
        middle = low + _split(high - low)
        if end <= middle:
            path.append(_range_root(middle, high, get_node))
            high = middle
        else:
            path.append(_range_root(low, middle, get_node))
            if (
                start < middle
            ):  # the subtree spans the split: its own root is no node here, so its right part must be shown
                start, is_known = middle, False
            low = middle
    if not is_known:
        path.append(_range_root(start, end, get_node))
    return path[::-1]


# --- checking proofs -------------------------------------------------------------------------------------------------


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Passes if ``leaf`` stands at ``index`` of the tree of ``size`` and ``root``, else ``Rejected`` (§2.1.3.2)."""
    verify_subtree_inclusion(index, 0, size, leaf, proof, root)


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Passes if the tree of ``old_root`` begins that of ``new_root``, else ``Rejected`` (RFC 9162 §2.1.4.2).

    The old tree must not be empty: everything extends it, so that a proof would say nothing.
    """
    if old_size == 0:
        raise Rejected("ledger.range_invalid", start=0, end=0, size=new_size)
    verify_subtree_consistency(0, old_size, new_size, old_root, new_root, proof)


def verify_subtree_inclusion(
    index: int, start: int, end: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Passes if ``leaf`` stands at ``index`` in the subtree ``[start, end)`` with ``root``, else ``Rejected``."""
    _need_subtree(start, end, MAX_SIZE)
    _need_leaf(index, start, end)
    _need_hash(leaf, at="leaf")
    _need_hashes(proof)
    here, last, top = index - start, end - start - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Rejected("ledger.proof_length", length=len(proof))
        if here & 1 or here == last:
            top = node_hash(sibling, top)
            while here and not here & 1:  # on the right edge: climb past the levels at which no sibling exists
                here, last = here >> 1, last >> 1
        else:
            top = node_hash(top, sibling)
        here, last = here >> 1, last >> 1
    if last:
        raise Rejected("ledger.proof_length", length=len(proof))
    _need_root(top, root, size=end)


def verify_subtree_consistency(
    start: int, end: int, size: int, subtree: bytes, root: bytes, proof: Sequence[bytes]
) -> None:
    """Passes if ``subtree`` is the root of ``[start, end)`` in the tree of ``size`` and ``root``, else ``Rejected``.

    After merkle-tree-certs §4.4.3. An empty subtree stands in every tree, with an empty proof. Where subtree and tree
    are the same, the proof is empty and the roots are equal.
    """
    _need_subtree(start, end, size)
    _need_hashes(proof)
    if start == end or (start, end) == (0, size):
        if proof:
            raise Rejected("ledger.proof_length", length=len(proof))
        _need_root(subtree, EMPTY_ROOT if start == end else root, size=end)
        return
    first, here, last = start, end - 1, size - 1
    while first != here and (here == last or here & 1):  # climb to the lowest node that the proof has to name
        first, here, last = first >> 1, here >> 1, last >> 1
    path = list(proof)
    if first == here:
        seed = subtree
    elif path:
        seed = path.pop(0)
    else:
        raise Rejected("ledger.proof_length", length=0)
    part, top = _climb(seed, path, first=first, here=here, last=last)
    _need_root(part, subtree, size=end)
    _need_root(top, root, size=size)


def _climb(seed: bytes, path: Sequence[bytes], *, first: int, here: int, last: int) -> tuple[bytes, bytes]:
    """The roots of subtree and tree that this path leads to from ``seed`` (merkle-tree-certs §4.4.3, steps 5 and 6)."""
    part = top = seed
    for sibling in path:
        if last == 0:
            raise Rejected("ledger.proof_length", length=len(path))
        if here & 1 or here == last:
            if first < here:
                part = node_hash(sibling, part)
            top = node_hash(sibling, top)
            while not here & 1:
                first, here, last = first >> 1, here >> 1, last >> 1
        else:
            top = node_hash(top, sibling)
        first, here, last = first >> 1, here >> 1, last >> 1
    if last:
        raise Rejected("ledger.proof_length", length=len(path))
    return part, top


# --- pieces ----------------------------------------------------------------------------------------------------------


def _split(width: int) -> int:
    """The largest power of two smaller than ``width`` (> 1)."""
    return 1 << ((width - 1).bit_length() - 1)


def _range_root(start: int, end: int, get_node: GetNode) -> bytes:
    """The root over ``[start, end)``, not empty: its perfect subtrees from left to right, folded from the right."""
    peaks: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        peaks.append(get_node(level, start >> level))
        start += 1 << level
    top = peaks.pop()
    while peaks:
        top = node_hash(peaks.pop(), top)
    return top


def _need_subtree(start: int, end: int, size: int) -> None:
    is_ordered = 0 <= start <= end <= size <= MAX_SIZE
    if not is_ordered or start % (1 << max(end - start - 1, 0).bit_length()):
        raise Rejected("ledger.range_invalid", start=start, end=end, size=size)


def _need_leaf(index: int, start: int, end: int) -> None:
    if not start <= index < end:
        raise Rejected("ledger.leaf_outside", index=index, start=start, end=end)


def _need_hash(value: bytes, *, at: str) -> None:
    if len(value) != HASH_BYTES:
        raise Rejected("ledger.hash_length", at=at, length=len(value))


def _need_hashes(proof: Sequence[bytes]) -> None:
    for number, value in enumerate(proof):
        _need_hash(value, at=f"proof/{number}")


def _need_root(computed: bytes, stated: bytes, *, size: int) -> None:
    if not hmac.compare_digest(computed, stated):
        raise Rejected("ledger.root_mismatch", size=size)


def _peak(value: object, number: int) -> bytes:
    at = f"tree/peaks/{number}"
    if not isinstance(value, str) or len(value) != 2 * HASH_BYTES or value != value.lower():
        raise Rejected("ledger.tree_malformed", at=at)
    try:
        return bytes.fromhex(value)
    except ValueError as error:
        raise Rejected("ledger.tree_malformed", at=at) from error
