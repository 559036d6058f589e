"""Which keys of a file came before, in a few bytes a row: a list of a million rows needs 16 to 32 MB, not 100."""

from __future__ import annotations

import hashlib
from array import array

_FIRST_SLOTS = 1 << 12


class SeenKeys:
    """A set of keys that keeps eight bytes of digest for each, in one open-addressed table.

    Two different keys are taken for one with a probability of n²/2⁶⁵: one in thirty million at a million rows.
    """

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * _FIRST_SLOTS))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: str) -> bool:
        mask = len(self._slots) - 1
        value = _short(key)
        at = value & mask
        while self._slots[at]:
            if self._slots[at] == value:
                return True
            at = (at + 1) & mask
        return False

    def add(self, key: str) -> bool:
        """Remember ``key``; returns whether it is new."""
        is_new = _put(self._slots, _short(key))
        self._count += is_new
        if self._count * 2 > len(self._slots):
            self._grow()
        return is_new

    def _grow(self) -> None:
        wider = array("Q", bytes(16 * len(self._slots)))
        for value in self._slots:
            if value:
                _put(wider, value)
        self._slots = wider


def _short(key: str) -> int:
    # 0 marks an empty slot.
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8"), digest_size=8).digest(), "big") or 1


def _put(slots: array[int], value: int) -> bool:
    mask = len(slots) - 1
    at = value & mask
    while slots[at]:
        if slots[at] == value:
            return False
        at = (at + 1) & mask
    slots[at] = value
    return True
