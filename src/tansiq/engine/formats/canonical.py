"""Canonical JSON, RFC 8785: one value, one sequence of bytes. Whatever is signed or digested is written here.

The library ``rfc8785`` is the authority. Ordinary values (text, integers, lists, objects; no float, no sign outside
the Basic Multilingual Plane) are written by the C encoder of the standard library, whose bytes are then the same: its
escapes are those of RFC 8785 §3.2.2.2, and keys sort alike by code point and by UTF-16 unit where no surrogate pair
occurs. A property test compares the two.
"""

from __future__ import annotations

import json
import math
import re
from typing import Final

import rfc8785

from tansiq.engine.errors import Rejected
from tansiq.engine.formats import strict_json
from tansiq.engine.formats.ids import digest as digest_of
from tansiq.engine.formats.json_values import DEFAULT_LIMITS, MAX_INTEGER, JsonValue, Limits, pointer, shown

_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False, allow_nan=False
)


def dumps(value: object, *, allow_floats: bool = False, max_depth: int = DEFAULT_LIMITS.max_depth) -> bytes:
    """The canonical bytes of ``value`` (RFC 8785); ``strict_json.loads`` reads every one of them back.

    Takes None, bool, int within ±(2^53 - 1), str, list or tuple, dict with str keys, and finite float where allowed.
    Raises ``Rejected("json.…", at=JSON pointer)`` for anything else, for lone surrogates, and beyond ``max_depth``.
    """
    if _is_plain(value, max_depth):
        text = _ENCODER.encode(value)
        if text.isascii() or not _ASTRAL.search(text):
            try:
                return text.encode("utf-8")
            except UnicodeEncodeError:
                pass
    _demand_representable(value, allow_floats=allow_floats, max_depth=max_depth)
    return rfc8785.dumps(value)  # type: ignore[arg-type]


def digest(value: object) -> str:
    """SHA-256 over the canonical bytes, as 64 lowercase hexadecimal characters."""
    return digest_of(dumps(value))


def loads(raw: bytes, *, limits: Limits = DEFAULT_LIMITS) -> JsonValue:
    """The value that ``raw`` writes, provided that ``raw`` is canonical; else ``Rejected("json.not_canonical")``."""
    value = strict_json.loads(raw, limits=limits)
    if dumps(value, allow_floats=limits.allow_floats, max_depth=limits.max_depth) != raw:
        raise Rejected("json.not_canonical", at="")
    return value


def _is_plain(value: object, max_depth: int) -> bool:
    """Whether the C encoder may write it: exact built-in types, integers in range, str keys, no float, not too deep."""
    level: list[object] = [value]
    for levels_left in range(max_depth, -1, -1):
        below: list[object] = []
        for item in level:
            kind = type(item)
            if kind is str or item is None or kind is bool:
                continue
            if kind is int:
                if not -MAX_INTEGER <= item <= MAX_INTEGER:  # type: ignore[operator]
                    return False
            elif not levels_left:
                return False
            elif kind is list or kind is tuple:
                below.extend(item)  # type: ignore[arg-type]
            elif kind is dict:
                if not all(type(key) is str for key in item):  # type: ignore[attr-defined]
                    return False
                below.extend(item.values())  # type: ignore[attr-defined]
            else:
                return False
        if not below:
            return True
        level = below
    return False


def _demand_representable(value: object, *, allow_floats: bool, max_depth: int) -> None:
    """Raise for the first thing that canonical JSON cannot write, naming its place."""
    waiting: list[tuple[str, int, object]] = [("", 0, value)]
    while waiting:
        at, depth, item = waiting.pop()
        if isinstance(item, list | tuple | dict):
            if depth >= max_depth:
                raise Rejected("json.too_deep", at=shown(at, 200), limit=max_depth)
            steps = item.items() if isinstance(item, dict) else enumerate(item)
            below = [(_step(at, step, isinstance(item, dict)), depth + 1, inner) for step, inner in steps]
            waiting.extend(reversed(below))
        else:
            _demand_scalar(at, item, allow_floats=allow_floats)


def _step(at: str, step: object, is_key: bool) -> str:
    if is_key and not isinstance(step, str):
        raise Rejected("json.not_json", at=shown(at, 200), found=type(step).__name__)
    below = pointer(at, str(step))
    if is_key and _SURROGATE.search(str(step)):
        raise Rejected("json.lone_surrogate", at=shown(below, 200))
    return below


def _demand_scalar(at: str, item: object, *, allow_floats: bool) -> None:
    if isinstance(item, str):
        if _SURROGATE.search(item):
            raise Rejected("json.lone_surrogate", at=shown(at, 200))
    elif isinstance(item, int):
        if not -MAX_INTEGER <= item <= MAX_INTEGER:
            raise Rejected("json.integer_out_of_range", at=shown(at, 200))
    elif isinstance(item, float):
        if not allow_floats:
            raise Rejected("json.float_refused", at=shown(at, 200))
        if not math.isfinite(item):
            raise Rejected("json.not_a_number", at=shown(at, 200))
    elif item is not None:
        raise Rejected("json.not_json", at=shown(at, 200), found=type(item).__name__)
