"""Padding: a sealed body has one of few lengths, so that its length says little of what is in it.

The steps are four to an octave, from 4 KiB: 4, 5, 6, 7, 8, 10, 12, 14, 16, 20 … KiB. Up to the greatest body there are
46 of them, so a length tells under six bits; the price is a quarter at most above the floor. Padmé (the other known
way) costs at most an eighth but has the more steps the longer the body: thirty-two to an octave at 64 KiB, and 256
bytes apart at 4 KiB, which is fine enough to tell "no hit" from a hit. Most bodies here are small, and for them the
floor makes all lengths one.
"""

from __future__ import annotations

from typing import Final

FLOOR: Final = 4096


def padded_length(length: int) -> int:
    """The least step that is not below ``length``."""
    if length <= FLOOR:
        return FLOOR
    step = 1 << (length - 1).bit_length() - 1 >> 2
    return -(-length // step) * step
