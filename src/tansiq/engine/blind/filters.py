"""Filters: what a partner may hit, so compact that it can be handed over, and useless without asking.

A holder puts the OPRF outputs of its keys into a filter and gives it to the partner; the partner asks for the output
of a key of its own and looks it up. From each 64-byte output the filter keeps a *mark*: a bucket number and 40 bits.
With at least as many buckets as marks, a key that the holder does not have is found with a probability of at most
2^-40. Nobody can look for a key without the holder's evaluation, for the marks are made by a function under the
holder's key.

Coding is Elias–Fano: per bucket the number of its marks in unary, then all 40-bit remainders in order – two to three
bits and five bytes a key. A binary fuse filter would take as much at this rate and could not be changed; a set of
marks can: a ``Delta`` adds and removes some, padded with random marks so that its size tells nothing (``plan``). The
bytes of a filter are canonical, so that its digest can be signed.

::

    "TSQF" | version 1 | bucket bits (1 byte) | count (4 bytes) | unary counts, ⌈(count + 2^bits) / 8⌉ bytes | count ×
    5 bytes
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tansiq.engine.blind.oprf import OUTPUT_BYTES
from tansiq.engine.errors import Rejected

MAGIC: Final = b"TSQF\x01"
DELTA_MAGIC: Final = b"TSQD\x01"
REMAINDER_BITS: Final = 40
REMAINDER_BYTES: Final = 5
MAX_BUCKET_BITS: Final = 24
_HEADER_BYTES: Final = len(MAGIC) + 1 + 4

Marks: TypeAlias = NDArray[np.uint64]


def bucket_bits_for(capacity: int) -> int:
    """The bucket bits with which ``capacity`` marks keep the false-hit rate at or below 2^-40 (at most 2^24 marks)."""
    bits = max(capacity - 1, 0).bit_length()
    if bits > MAX_BUCKET_BITS:
        raise Rejected("blind.filter_too_full", count=capacity, capacity=1 << MAX_BUCKET_BITS)
    return bits


def mark_of(output: bytes, bucket_bits: int) -> int:
    """The mark of an OPRF output: its first ``bucket_bits + 40`` bits."""
    if len(output) != OUTPUT_BYTES:
        raise Rejected("blind.output_length", length=len(output))
    return int.from_bytes(output[:8], "big") >> (64 - bucket_bits - REMAINDER_BITS)


def marks_of(outputs: Iterable[bytes], bucket_bits: int) -> Marks:
    """The marks of OPRF outputs, sorted and each once."""
    return np.unique(np.fromiter((mark_of(output, bucket_bits) for output in outputs), dtype=np.uint64))


def without(marks: Marks, others: Marks) -> Marks:
    """Those of ``marks`` that are not among ``others``."""
    return np.setdiff1d(marks, others, assume_unique=True)


@dataclass(frozen=True, slots=True)
class Filter:
    """A set of marks, sorted and without duplicates; ``bucket_bits`` fixes the rate and stays for an epoch."""

    bucket_bits: int
    marks: Marks

    def __len__(self) -> int:
        return len(self.marks)

    @property
    def false_hit_rate(self) -> float:
        """The probability that a key which is not in the set is found."""
        return len(self) / 2.0 ** (self.bucket_bits + REMAINDER_BITS)

    def find(self, outputs: Sequence[bytes]) -> list[bool]:
        """For each OPRF output, whether its mark is in the set."""
        if not outputs:
            return []
        asked = np.array([mark_of(output, self.bucket_bits) for output in outputs], dtype=np.uint64)
        places = np.searchsorted(self.marks, asked)
        is_inside = places < len(self.marks)
        found = np.zeros(len(asked), dtype=bool)
        found[is_inside] = self.marks[places[is_inside]] == asked[is_inside]
        return [bool(one) for one in found]

    def to_bytes(self) -> bytes:
        """The canonical bytes: one set, one sequence."""
        count, buckets = len(self.marks), 1 << self.bucket_bits
        bits = np.zeros(count + buckets, dtype=np.uint8)
        bits[(self.marks >> np.uint64(REMAINDER_BITS)).astype(np.int64) + np.arange(count)] = 1
        remainders = self.marks.astype(">u8").view(np.uint8).reshape(count, 8)[:, 8 - REMAINDER_BYTES :]
        header = MAGIC + bytes([self.bucket_bits]) + count.to_bytes(4, "big")
        return header + np.packbits(bits).tobytes() + np.ascontiguousarray(remainders).tobytes()

    def digest(self) -> str:
        """SHA-256 of the canonical bytes, as 64 hexadecimal characters."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


def empty(capacity: int) -> Filter:
    """A filter with room for ``capacity`` marks at the full rate."""
    return Filter(bucket_bits_for(capacity), np.empty(0, dtype=np.uint64))


def build(outputs: Iterable[bytes], *, capacity: int | None = None) -> Filter:
    """The filter of these OPRF outputs; ``capacity`` leaves room to grow within the epoch."""
    known = list(outputs)
    bits = bucket_bits_for(max(capacity or 0, len(known)))
    return Filter(bits, marks_of(known, bits))


def from_bytes(raw: bytes, *, max_count: int = 1 << MAX_BUCKET_BITS) -> Filter:
    """The filter that ``to_bytes`` wrote; raises ``Rejected("blind.filter_malformed", at=…)`` for any other bytes."""
    if len(raw) < _HEADER_BYTES or not raw.startswith(MAGIC):
        raise Rejected("blind.filter_malformed", at="header")
    bucket_bits, count = raw[len(MAGIC)], int.from_bytes(raw[len(MAGIC) + 1 : _HEADER_BYTES], "big")
    buckets = 1 << min(bucket_bits, MAX_BUCKET_BITS)
    if bucket_bits > MAX_BUCKET_BITS or count > min(max_count, buckets):
        raise Rejected("blind.filter_malformed", at="size")
    unary_bytes = -(-(count + buckets) // 8)
    if len(raw) != _HEADER_BYTES + unary_bytes + count * REMAINDER_BYTES:
        raise Rejected("blind.filter_malformed", at="length")
    unary = np.unpackbits(np.frombuffer(raw, dtype=np.uint8, count=unary_bytes, offset=_HEADER_BYTES))
    places = np.flatnonzero(unary)
    is_counted = len(places) == count and not unary[count + buckets :].any()
    if not is_counted or (count and int(places[-1]) - (count - 1) >= buckets):
        raise Rejected("blind.filter_malformed", at="counts")
    wide = np.zeros((count, 8), dtype=np.uint8)
    wide[:, 8 - REMAINDER_BYTES :] = np.frombuffer(raw, dtype=np.uint8, offset=_HEADER_BYTES + unary_bytes).reshape(
        count, REMAINDER_BYTES
    )
    high = (places - np.arange(count)).astype(np.uint64) << np.uint64(REMAINDER_BITS)
    marks = high | wide.view(">u8").reshape(count).astype(np.uint64)
    if count and not bool(np.all(marks[1:] > marks[:-1])):
        raise Rejected("blind.filter_malformed", at="order")
    return Filter(bucket_bits, marks)


# --- changes within an epoch -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Delta:
    """Marks to add to and remove from the filter whose digest is ``base``; the result has digest ``result``."""

    base: str
    result: str
    added: Marks
    removed: Marks

    def to_bytes(self) -> bytes:
        """``"TSQD" | version 1 | base | result | count | added | count | removed``; 4-byte counts, 8-byte marks."""
        digests = bytes.fromhex(self.base) + bytes.fromhex(self.result)
        lists = [len(marks).to_bytes(4, "big") + marks.astype(">u8").tobytes() for marks in (self.added, self.removed)]
        return DELTA_MAGIC + digests + b"".join(lists)


def delta_from_bytes(raw: bytes, *, max_count: int = 1 << 20) -> Delta:
    """The delta that ``Delta.to_bytes`` wrote; raises ``Rejected("blind.filter_malformed", at=…)``."""
    if not raw.startswith(DELTA_MAGIC):
        raise Rejected("blind.filter_malformed", at="header")
    start = len(DELTA_MAGIC) + 64
    lists: list[Marks] = []
    for name in ("added", "removed"):
        count = int.from_bytes(raw[start : start + 4], "big")
        end = start + 4 + 8 * count
        if len(raw) < start + 4 or count > max_count or len(raw) < end:
            raise Rejected("blind.filter_malformed", at=name)
        marks = np.frombuffer(raw[start + 4 : end], dtype=">u8").astype(np.uint64)
        if not bool(np.all(marks[1:] > marks[:-1])):
            raise Rejected("blind.filter_malformed", at=name)
        lists.append(marks)
        start = end
    if start != len(raw):
        raise Rejected("blind.filter_malformed", at="length")
    at = len(DELTA_MAGIC)
    return Delta(raw[at : at + 32].hex(), raw[at + 32 : at + 64].hex(), lists[0], lists[1])


def apply(old: Filter, delta: Delta) -> Filter:
    """The filter after ``delta``; raises ``Rejected("blind.delta_misfit")`` if that is wrong or for another."""
    if old.digest() != delta.base:
        raise Rejected("blind.delta_misfit", at="base")
    new = _changed(old, delta.added, delta.removed)
    if new.digest() != delta.result:
        raise Rejected("blind.delta_misfit", at="result")
    return new


@dataclass(frozen=True, slots=True)
class Plan:
    """The holder's side of a change: the new filter, the delta to send, and the random marks it holds now."""

    filter: Filter
    delta: Delta
    filling: Marks


def plan(
    old: Filter,
    *,
    added: Marks,
    removed: Marks,
    filling: Marks,
    step: int,
    random: Callable[[int], bytes],
) -> Plan:
    """A change that adds and removes equally many marks, a multiple of ``step``, whatever really changed.

    ``added`` and ``removed`` are marks (``marks_of``); ``filling`` the random ones that stand in the filter so far
    (``fill``).
    What is missing to a multiple is made up by fresh random marks, and by taking away old ones. At least one ``step``
    is sent even if nothing changed, so that a partner who compares two deltas learns neither which record came or went
    nor, within the step, how many did; and the filter never changes its size. A register that grows uses the filling
    up: ``Rejected("blind.filling_short")`` says that it is time for a new epoch.
    """
    bits = old.bucket_bits
    coming = np.setdiff1d(added, old.marks)
    going = np.setdiff1d(np.intersect1d(removed, old.marks), filling)
    size = step * max(1, -(-max(len(coming), len(going)) // step))
    spare = _random_marks(size - len(coming), bits, np.union1d(old.marks, coming), random)
    leaving = _draw(filling, size - len(going), random)
    sent, gone = np.union1d(coming, spare), np.union1d(going, leaving)
    new = _changed(old, sent, gone)
    return Plan(new, Delta(old.digest(), new.digest(), sent, gone), np.union1d(np.setdiff1d(filling, leaving), spare))


def fill(real: Filter, count: int, random: Callable[[int], bytes]) -> tuple[Filter, Marks]:
    """The filter with ``count`` random marks put among the real ones, and those marks: they hide its true size."""
    spare = _random_marks(count, real.bucket_bits, real.marks, random)
    if len(real) + count > 1 << real.bucket_bits:
        raise Rejected("blind.filter_too_full", count=len(real) + count, capacity=1 << real.bucket_bits)
    return Filter(real.bucket_bits, np.union1d(real.marks, spare)), spare


def _changed(old: Filter, added: Marks, removed: Marks) -> Filter:
    is_new = not np.isin(added, old.marks).any()
    is_there = bool(np.isin(removed, old.marks).all())
    if not is_new or not is_there or np.intersect1d(added, removed).size:
        raise Rejected("blind.delta_misfit", at="marks")
    if added.size and int(added.max()) >> (old.bucket_bits + REMAINDER_BITS):
        raise Rejected("blind.delta_misfit", at="marks")
    return Filter(old.bucket_bits, np.union1d(np.setdiff1d(old.marks, removed), added))


def _random_marks(count: int, bucket_bits: int, taken: Marks, random: Callable[[int], bytes]) -> Marks:
    drawn = np.empty(0, dtype=np.uint64)
    while len(drawn) < count:
        raw = np.frombuffer(random(8 * (count - len(drawn))), dtype=">u8").astype(np.uint64)
        fresh = np.setdiff1d(raw >> np.uint64(64 - bucket_bits - REMAINDER_BITS), taken)
        drawn = np.union1d(drawn, fresh)
    return drawn


def _draw(marks: Marks, count: int, random: Callable[[int], bytes]) -> Marks:
    """``count`` of ``marks``, chosen at random."""
    if count > len(marks):
        raise Rejected("blind.filling_short", needed=count, left=len(marks))
    order = np.argsort(np.frombuffer(random(8 * len(marks)), dtype=np.uint64), kind="stable")
    return np.sort(marks[order[:count]])
