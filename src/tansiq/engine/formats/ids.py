"""Names that machines give: digests, ids, node ids, and bytes written as text.

Random bytes and the time are arguments, so that a test or a simulation can repeat every id.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Final

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.json_values import shown
from tansiq.engine.formats.times import milliseconds

LANGUAGES: Final = ("ar", "fr", "en", "it", "fa")
"""The five languages of everything that has labels or sentences, in the order in which screens list them."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_NODE_ID = re.compile(r"[a-z]{2}(?:-[a-z0-9]{1,30}){0,4}")


def digest(raw: bytes) -> str:
    """SHA-256 of ``raw`` as 64 lowercase hexadecimal characters."""
    return hashlib.sha256(raw).hexdigest()


def is_digest(value: object) -> bool:
    """Whether ``value`` is text of the form that ``digest`` returns."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def require_digest(value: object, *, at: str) -> str:
    """``value`` if it is a digest, else ``Rejected("ids.not_a_digest")``."""
    if isinstance(value, str) and _DIGEST.fullmatch(value):
        return value
    raise Rejected("ids.not_a_digest", at=at)


def new_id(now: datetime, random: Callable[[int], bytes]) -> str:
    """A UUIDv7 (RFC 9562 §5.7) as text: 48 bits of ``now`` in milliseconds, 74 bits from ``random``.

    Ids of later milliseconds sort after earlier ones; within one millisecond their order says nothing.
    """
    noise = int.from_bytes(random(10), "big")
    value = (milliseconds(now) & (2**48 - 1)) << 80 | noise
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def is_id(value: object) -> bool:
    """Whether ``value`` is a UUID of RFC 9562 in its lowercase text form."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def require_id(value: object, *, at: str) -> str:
    """``value`` if it is an id, else ``Rejected("ids.not_an_id")``."""
    if isinstance(value, str) and _ID.fullmatch(value):
        return value
    raise Rejected("ids.not_an_id", at=at)


def is_node_id(value: object) -> bool:
    """Whether ``value`` can name a node: a country in two letters and up to four short words (``ma-dgsn``)."""
    return isinstance(value, str) and _NODE_ID.fullmatch(value) is not None


def is_external(value: object) -> bool:
    """Whether ``value`` names an external party: ``ext:`` and then as a node id, a State first (``ext:es-fiscalia-cadiz``)."""
    return isinstance(value, str) and value.startswith("ext:") and is_node_id(value[4:])


def require_node_id(value: object, *, at: str) -> str:
    """``value`` if it can name a node, else ``Rejected("ids.not_a_node_id")``."""
    if isinstance(value, str) and _NODE_ID.fullmatch(value):
        return value
    raise Rejected("ids.not_a_node_id", at=at, found=shown(value) if isinstance(value, str) else type(value).__name__)


def b64encode(raw: bytes) -> str:
    """Standard base64 with padding (RFC 4648 §4)."""
    return base64.b64encode(raw).decode("ascii")


def b64decode(text: object, *, at: str = "") -> bytes:
    """The bytes that ``b64encode`` wrote; ``Rejected("ids.not_base64")`` for every other spelling.

    One sequence of bytes has one text: no white space, no missing padding, no stray bits in the last character.
    """
    if isinstance(text, str) and text.isascii():
        try:
            raw = binascii.a2b_base64(text, strict_mode=True)
        except binascii.Error:
            raw = b""
        if b64encode(raw) == text:
            return raw
    raise Rejected("ids.not_base64", at=at)
