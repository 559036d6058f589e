"""The one door for foreign JSON: bytes in, a value within limits out, or a refusal that names place and rule.

Refused are: bytes that are not UTF-8, a byte order mark, duplicate keys, NaN and infinities, lone surrogates, floats
(unless allowed), integers outside ±(2^53 - 1), and anything over the limits of size, depth, number of values and length
of a string. RFC 8259 for the grammar, RFC 7493 (I-JSON) for the restrictions.

How it is fast: a look over the raw bytes proves, without parsing, that depth, count and string lengths keep their
limits; then the C parser of the standard library reads, with hooks that raise on everything we refuse. Any doubt at
either step sends the text to ``exact_reader``, whose word is final and which knows the exact place. Property tests in
``tests/engine/formats`` hold that the two never disagree.
"""

from __future__ import annotations

import json
import math
import re
from typing import Final, NoReturn

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.exact_reader import ExactReader
from tansiq.engine.formats.json_values import DEFAULT_LIMITS, MAX_INTEGER, JsonValue, Limits, pointer, shown

__all__ = ["DEFAULT_LIMITS", "MAX_INTEGER", "JsonValue", "Limits", "loads", "pointer", "shown"]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Each alternative of the ending always matches, so an unclosed string costs one pass and not one pass per quote.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_BRACKETS: Final = bytes.maketrans(b"[{]}", b"(())")
_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")
_LONGEST_INTEGER = len(str(-MAX_INTEGER))


class _DoubtError(Exception):
    """Raised by a hook of the C parser: the exact reader must look."""


def loads(raw: bytes, *, limits: Limits = DEFAULT_LIMITS) -> JsonValue:
    """The value that ``raw`` writes, or ``Rejected("json.…", at=JSON pointer, offset=byte offset, …)``.

    Never raises anything else, whatever the bytes: no ``RecursionError``, no ``UnicodeDecodeError``, no ``ValueError``.
    """
    if len(raw) > limits.max_bytes:
        raise Rejected("json.too_large", at="", offset=0, found=len(raw), limit=limits.max_bytes)
    if raw.startswith(_BYTE_ORDER_MARK):
        raise Rejected("json.byte_order_mark", at="", offset=0)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Rejected("json.not_utf8", at="", offset=error.start) from None
    if _is_plainly_within(raw, limits):
        try:
            return (_WITH_FLOATS if limits.allow_floats else _WITHOUT_FLOATS).decode(text)  # type: ignore[no-any-return]
        except (_DoubtError, ValueError, RecursionError):
            pass
    return ExactReader(text, limits).read()


def _is_plainly_within(raw: bytes, limits: Limits) -> bool:
    """Whether a look at the bytes proves every limit kept. False means only "not proven"."""
    containers = raw.count(b"[") + raw.count(b"{")
    if raw.count(b",") + containers >= limits.max_values:
        return False
    if len(raw) > limits.max_string_length and any(
        found.end() - found.start() > limits.max_string_length for found in _STRING.finditer(raw)
    ):
        return False
    if _SURROGATE_ESCAPE.search(raw):
        return False
    return containers <= limits.max_depth or _has_depth_within(raw, limits.max_depth)


def _has_depth_within(raw: bytes, max_depth: int) -> bool:
    """Whether brackets outside strings nest at most ``max_depth`` deep: each round takes the innermost pairs away."""
    brackets = _STRING.sub(b"", raw).translate(_BRACKETS, _NO_BRACKETS)
    for _ in range(max_depth):
        if not brackets:
            return True
        brackets = brackets.replace(b"()", b"")
    return not brackets


def _members(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _DoubtError
    return members


def _integer(digits: str) -> int:
    if len(digits) <= _LONGEST_INTEGER:
        number = int(digits)
        if -MAX_INTEGER <= number <= MAX_INTEGER:
            return number
    raise _DoubtError


def _integer_or_double(digits: str) -> int | float:
    try:
        return _integer(digits)
    except _DoubtError:
        return _double(digits)


def _double(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _DoubtError
    return number


def _refuse(_: str) -> NoReturn:
    raise _DoubtError


_WITHOUT_FLOATS: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_refuse, parse_constant=_refuse
)
_WITH_FLOATS: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer_or_double, parse_float=_double, parse_constant=_refuse
)
