"""The reference reader of strict JSON: iterative, exact about place and rule, and the last word on what is accepted.

``strict_json.loads`` accepts ordinary documents through the C parser of the standard library and comes here whenever
that parser, or one of its hooks, has any doubt. So this reader runs on hostile and on unusual input only; it may be
slow (a few megabytes a second), but it may not be wrong, and it uses no recursion.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from json import JSONDecodeError, decoder
from typing import Final, NoReturn

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.json_values import MAX_INTEGER, JsonValue, Limits, pointer, shown

_scan_string: Final[Callable[[str, int, bool], tuple[str, int]]] = decoder.scanstring  # type: ignore[attr-defined]
_SPACE = re.compile(r"[ \t\n\r]*+")
_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]*+))(\.[0-9]++)?([eE][+-]?[0-9]++)?")
_NOT_A_NUMBER = re.compile(r"-?(?:NaN|Infinity)")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS: Final[dict[str, JsonValue]] = {"true": True, "false": False, "null": None}
_LONGEST_INTEGER = len(str(-MAX_INTEGER))


class _Opened:
    """Stands for "a container was opened and its first value is next"."""


_OPENED: Final = _Opened()


@dataclass(slots=True)
class _Frame:
    """One container that is still open; ``key`` is the member being read when it is an object."""

    members: dict[str, JsonValue] | None
    elements: list[JsonValue]
    key: str | None = None

    @property
    def steps(self) -> tuple[str | int, ...]:
        """The step from this container to what is being read; none while that is a key."""
        if self.members is None:
            return (len(self.elements),)
        return () if self.key is None else (self.key,)

    @property
    def closing(self) -> str:
        return "]" if self.members is None else "}"

    def add(self, value: JsonValue) -> None:
        if self.members is None:
            self.elements.append(value)
        elif self.key is not None:
            self.members[self.key] = value

    @property
    def value(self) -> JsonValue:
        return self.elements if self.members is None else self.members


class ExactReader:
    """Reads one JSON text (RFC 8259) within limits, or raises ``Rejected("json.…", at=pointer, offset=byte, …)``."""

    def __init__(self, text: str, limits: Limits) -> None:
        self._text = text
        self._limits = limits
        self._position = 0
        self._values = 0
        self._frames: list[_Frame] = []

    def read(self) -> JsonValue:
        """The value of the whole text."""
        self._skip_space()
        while True:
            value = self._begin_value()
            if not isinstance(value, _Opened):
                value = self._end_value(value)
                if not isinstance(value, _Opened):
                    return value

    def _begin_value(self) -> JsonValue | _Opened:
        self._values += 1
        if self._values > self._limits.max_values:
            self._refuse("json.too_many_values", limit=self._limits.max_values)
        sign = self._peek()
        if sign == '"':
            return self._string()
        if sign in ("{", "["):
            return self._open(is_object=sign == "{")
        if sign.isascii() and (sign.isdigit() or sign == "-"):
            return self._number()
        return self._word()

    def _open(self, *, is_object: bool) -> JsonValue | _Opened:
        if len(self._frames) >= self._limits.max_depth:
            self._refuse("json.too_deep", limit=self._limits.max_depth)
        frame = _Frame({} if is_object else None, [])
        self._position += 1
        self._skip_space()
        if self._peek() == frame.closing:
            self._position += 1
            return frame.value
        self._frames.append(frame)
        if is_object:
            self._member_key(frame)
        return _OPENED

    def _end_value(self, value: JsonValue) -> JsonValue | _Opened:
        """Hang a finished value into its container, closing every container that ends here."""
        while self._frames:
            frame = self._frames[-1]
            frame.add(value)
            self._skip_space()
            sign = self._peek()
            if sign == ",":
                self._position += 1
                self._skip_space()
                if frame.members is not None:
                    self._member_key(frame)
                return _OPENED
            if sign != frame.closing:
                self._refuse_syntax("comma_or_end")
            self._position += 1
            self._frames.pop()
            value = frame.value
        self._skip_space()
        if self._position != len(self._text):
            self._refuse_syntax("end")
        return value

    def _member_key(self, frame: _Frame) -> None:
        frame.key = None
        if self._peek() != '"':
            self._refuse_syntax("key")
        start = self._position
        key = self._string()
        if frame.members is not None and key in frame.members:
            self._position = start
            frame.key = key
            self._refuse("json.duplicate_key", key=shown(key))
        frame.key = key
        self._skip_space()
        if self._peek() != ":":
            self._refuse_syntax("colon")
        self._position += 1
        self._skip_space()

    def _string(self) -> str:
        try:
            text, end = _scan_string(self._text, self._position + 1, True)
        except JSONDecodeError as error:
            self._position = min(error.pos, len(self._text))
            self._refuse_syntax("string")
        if len(text) > self._limits.max_string_length:
            self._refuse("json.string_too_long", limit=self._limits.max_string_length)
        if _SURROGATE.search(text):
            self._refuse("json.lone_surrogate")
        self._position = end
        return text

    def _number(self) -> int | float:
        found = _NUMBER.match(self._text, self._position)
        if found is None:
            if _NOT_A_NUMBER.match(self._text, self._position):
                self._refuse("json.not_a_number")
            self._refuse_syntax("value")
        whole, fraction, exponent = found.groups()
        is_float = fraction is not None or exponent is not None
        if is_float and not self._limits.allow_floats:
            self._refuse("json.float_refused")
        if not is_float and len(whole) <= _LONGEST_INTEGER and abs(int(whole)) <= MAX_INTEGER:
            number: int | float = int(whole)
        elif self._limits.allow_floats:
            number = float(found.group())
            if math.isinf(number):
                self._refuse("json.number_out_of_range")
        else:
            self._refuse("json.integer_out_of_range")
        self._position = found.end()
        return number

    def _word(self) -> JsonValue:
        word = next((word for word in _WORDS if self._text.startswith(word, self._position)), None)
        if word is None:
            if _NOT_A_NUMBER.match(self._text, self._position):
                self._refuse("json.not_a_number")
            self._refuse_syntax("value")
        self._position += len(word)
        return _WORDS[word]

    def _peek(self) -> str:
        return self._text[self._position : self._position + 1]

    def _skip_space(self) -> None:
        found = _SPACE.match(self._text, self._position)
        if found is not None:
            self._position = found.end()

    def _refuse_syntax(self, expected: str) -> NoReturn:
        self._refuse("json.syntax", expected=expected)

    def _refuse(self, code: str, **facts: str | int) -> NoReturn:
        at = pointer("", *(step for frame in self._frames for step in frame.steps))
        offset = len(self._text[: self._position].encode("utf-8"))
        raise Rejected(code, at=shown(at, 200), offset=offset, **facts)
