"""Randomness that a test can repeat."""

from __future__ import annotations

import hashlib
from collections.abc import Callable


def stream(seed: str) -> Callable[[int], bytes]:
    """A source of bytes that is the same in every run for one ``seed``."""
    counter = iter(range(1 << 62))

    def random(size: int) -> bytes:
        return hashlib.shake_256(f"{seed}/{next(counter)}".encode()).digest(size)

    return random
