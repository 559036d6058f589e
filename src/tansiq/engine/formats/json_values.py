"""What a JSON value is here, how much of it we take, and how its places are named (RFC 6901)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, Union

JsonValue: TypeAlias = Union[bool, int, float, str, "list[JsonValue]", "dict[str, JsonValue]", None]

MAX_INTEGER = 2**53 - 1
"""The greatest integer that every JSON reader keeps exact (RFC 7493 §2.2, RFC 8785 §3.2.2.3)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much foreign JSON is read before it is refused.

    ``max_bytes`` counts the raw bytes; ``max_depth`` the containers around a value (``[]`` is 1); ``max_values`` every
    value including containers; ``max_string_length`` the characters of one string or key. Integers are always held to
    ±(2^53 - 1). With ``allow_floats`` a number is an IEEE 754 double as in RFC 8785: fractions and exponents are read
    as floats, and so are integer literals outside the exact range; infinities are refused always.
    """

    max_bytes: int = 8 * 1024 * 1024
    max_depth: int = 32
    max_values: int = 200_000
    max_string_length: int = 1024 * 1024
    allow_floats: bool = False


DEFAULT_LIMITS = Limits()


def pointer(base: str, *steps: str | int) -> str:
    """The JSON pointer of what stands under ``base`` at ``steps`` (RFC 6901 §3): ``pointer("/parts", 0, "a/b")``."""
    return base + "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def shown(text: str, longest: int = 64) -> str:
    """A piece of foreign text short enough to stand as a fact of an error, with lone surrogates made printable."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return cut.encode("utf-8", "backslashreplace").decode("utf-8")
