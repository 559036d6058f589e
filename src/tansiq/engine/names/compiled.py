"""The one way to compile a function here: ahead of nothing, cached beside the module, without the interpreter's lock.

numba has no types of its own that a checker could follow, so the decorator says what callers may rely on: the result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

Result = TypeVar("Result")


def compiled(function: Callable[..., Result]) -> Callable[..., Result]:
    """Compile ``function`` on its first call (seconds, once per machine; later processes read the cache)."""
    return cast("Callable[..., Result]", _stamped(njit(cache=True, nogil=True)(function)))


def inlined(function: Callable[..., Result]) -> Callable[..., Result]:
    """The same for a small function that others call in their innermost loops: it becomes part of them.

    Tuples of arrays are handed over by value; a call may cost more than what it does.
    """
    return cast("Callable[..., Result]", _stamped(njit(cache=True, nogil=True, forceinline=True)(function)))


@lru_cache(maxsize=1)
def _compiled_sources() -> str:
    """A digest of all modules of the engine that hold compiled code."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.parent.glob("**/*.py")):
        text = path.read_bytes()
        if b"@compiled" in text or b"@inlined" in text:
            digest.update(text)
    return digest.hexdigest()


def _stamped(function: Any) -> Any:
    """The same; its cache holds only while no compiled code of the engine changes.

    numba looks at a function's own file alone. Compiled code holds what it calls in other files: called with arrays of
    another shape than those files now make, it would write beside them.
    """
    stored = getattr(getattr(function, "_cache", None), "_cache_file", None)
    if stored is not None:
        stored._source_stamp = (stored._source_stamp, _compiled_sources())
    return function


def _without_owner(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """The same array, or tuple of arrays, with no owner to be counted."""
    if isinstance(kind, types.Array):
        make_proxy: Any = cgutils.create_struct_proxy
        array = make_proxy(kind)(context, builder, value=value)
        array.meminfo, array.parent = array.meminfo.type(None), array.parent.type(None)
        return array._getvalue()
    if isinstance(kind, types.BaseTuple):
        parts: Any = kind
        for place, part in enumerate(parts):
            inner = builder.extract_value(value, place)
            value = builder.insert_value(value, _without_owner(context, builder, part, inner), place)
    return value


@intrinsic
def _borrowed(_typing: Any, value: Any) -> Any:
    def build(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return _without_owner(context, builder, value, arguments[0])

    return value(value), build


borrowed = cast("Callable[[Result], Result]", _borrowed)
"""Inside compiled code: an array, or a named tuple of arrays, that is not counted.

Compiled code counts the owners of every array it hands on, atomically, which takes longer than comparing two words.
What a caller holds for the length of the call needs no counting; so borrow arguments where compiled code is entered,
and never return or keep what was borrowed.
"""
