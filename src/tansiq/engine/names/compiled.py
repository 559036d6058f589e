"""The one way to compile a function here: ahead of nothing, cached beside the module, without the interpreter's lock.

numba has no types of its own that a checker could follow, so the decorator says what callers may rely on: the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Result = TypeVar("Result")


def compiled(function: Callable[..., Result]) -> Callable[..., Result]:
    """Compile ``function`` on its first call (seconds, once per machine; later processes read the cache)."""
    return cast("Callable[..., Result]", njit(cache=True, nogil=True)(function))
