"""ASCII armor of age files: strict PEM (RFC 7468 §3, figure 3) with the label ``AGE ENCRYPTED FILE``.

Only white space may stand before and after it, lines end all in LF or all in CRLF, and the base64 is canonical, so that
one file has (but for those freedoms) one armor.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from tansiq.engine.errors import Rejected

BEGIN: Final = b"-----BEGIN AGE ENCRYPTED FILE-----"
END: Final = b"-----END AGE ENCRYPTED FILE-----"
_COLUMNS: Final = 64
_WHITE_SPACE: Final = b" \t\r\n"


def is_armored(raw: bytes) -> bool:
    """Whether ``raw`` starts as an armored age file does."""
    return raw[:1024].lstrip(_WHITE_SPACE).startswith(BEGIN)


def encode(raw: bytes) -> bytes:
    """The age file ``raw`` as lines of text."""
    coded = base64.b64encode(raw)
    lines = [coded[start : start + _COLUMNS] for start in range(0, len(coded), _COLUMNS)]
    return b"\n".join([BEGIN, *lines, END, b""])


def decode(text: bytes) -> bytes:
    """The age file inside its armor; ``Rejected("age.armor", rule=…)`` for any other spelling."""
    body = text.strip(_WHITE_SPACE)
    lines = body.split(b"\r\n" if b"\r" in body else b"\n")
    if lines[0] != BEGIN:
        raise Rejected("age.armor", rule="first_line")
    if len(lines) < 2 or lines[-1] != END:
        raise Rejected("age.armor", rule="last_line")
    lines = lines[1:-1]
    if any(len(line) != _COLUMNS for line in lines[:-1]) or (lines and not 0 < len(lines[-1]) <= _COLUMNS):
        raise Rejected("age.armor", rule="line_length")
    coded = b"".join(lines)
    try:
        raw = binascii.a2b_base64(coded, strict_mode=True)
    except binascii.Error:
        raise Rejected("age.armor", rule="base64") from None
    if base64.b64encode(raw) != coded:
        raise Rejected("age.armor", rule="base64")
    return raw
