"""The one way to compile a function here: ahead of nothing, cached beside the module, without the interpreter's lock.

numba has no types of its own that a checker could follow, so the decorator says what callers may rely on: the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

Result = TypeVar("Result")


def compiled(function: Callable[..., Result]) -> Callable[..., Result]:
    """Compile ``function`` on its first call (seconds, once per machine; later processes read the cache)."""
    return cast("Callable[..., Result]", njit(cache=True, nogil=True)(function))


def inlined(function: Callable[..., Result]) -> Callable[..., Result]:
    """The same for a small function that others call in their innermost loops: it becomes part of them.

    Tuples of arrays are handed over by value; a call may cost more than what it does.
    """
    return cast("Callable[..., Result]", njit(cache=True, nogil=True, forceinline=True)(function))


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
