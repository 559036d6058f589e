"""The textual header of an age v1 file: recipient stanzas under a MAC (https://c2sp.org/age, "Header").

Everything a reader may accept has exactly one spelling, so the MAC is computed over the very bytes that were read.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NoReturn, Protocol

from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tansiq.engine.errors import Rejected

VERSION_LINE: Final = b"age-encryption.org/v1\n"
MAX_HEADER: Final = 64 * 1024
"""Bytes of header that are read at most: forty hybrid recipients, and no more work for a stranger."""
FILE_KEY_LENGTH: Final = 16
_COLUMNS: Final = 64
_END_MARK: Final = b"\n---"
_MAC_LINE: Final = re.compile(rb" ([A-Za-z0-9+/]{43})\n")
_ARGUMENT_LINE: Final = re.compile(rb"-> ([!-~]+(?: [!-~]+)*)")


class Reader(Protocol):
    """Anything with ``read``, such as an open binary file."""

    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Stanza:
    """The file key wrapped for one recipient: a type, further arguments, and a body."""

    type: str
    arguments: tuple[str, ...]
    body: bytes

    def to_bytes(self) -> bytes:
        """The lines of the stanza; the last one is shorter than 64 columns and may be empty."""
        first = " ".join(("->", self.type, *self.arguments)).encode("ascii")
        coded = b64encode(self.body)
        lines = [coded[start : start + _COLUMNS] for start in range(0, len(coded) + 1, _COLUMNS)]
        return b"\n".join((first, *lines, b""))


@dataclass(frozen=True, slots=True)
class Header:
    """What was read: the stanzas, the MAC, and the bytes that the MAC covers."""

    stanzas: tuple[Stanza, ...]
    mac: bytes
    covered: bytes

    def verify(self, file_key: bytes) -> None:
        """Return when ``file_key`` made this MAC, else raise ``Rejected("age.header_mac")``."""
        if not bytes_eq(_mac(file_key, self.covered), self.mac):
            raise Rejected("age.header_mac")


def malformed(rule: str) -> NoReturn:
    """Raise the one error of everything that is wrong with a header."""
    raise Rejected("age.header", rule=rule)


def write(stanzas: Sequence[Stanza], file_key: bytes) -> bytes:
    """The header, from its version line to the line feed after its MAC."""
    covered = VERSION_LINE + b"".join(stanza.to_bytes() for stanza in stanzas) + b"---"
    return covered + b" " + b64encode(_mac(file_key, covered)) + b"\n"


def read(source: Reader) -> tuple[Header, bytes]:
    """The header at the start of ``source`` and the bytes that were read beyond it.

    Raises ``Rejected("age.header", rule=…)``; never reads more than ``MAX_HEADER`` and one block.
    """
    raw = b""
    while True:
        block = source.read(4096)
        raw += block
        if not raw.startswith(VERSION_LINE[: len(raw)]) or (not block and len(raw) < len(VERSION_LINE)):
            malformed("version")
        end = raw.find(_END_MARK)
        if end >= 0 and (raw.find(b"\n", end + 1) >= 0 or not block):
            return _parse(raw, end + len(_END_MARK))
        if not block:
            malformed("end_missing")
        if len(raw) > MAX_HEADER:
            malformed("too_long")


def _parse(raw: bytes, end: int) -> tuple[Header, bytes]:
    found = _MAC_LINE.match(raw, end)
    if found is None:
        malformed("mac_line")
    mac = b64decode(found.group(1), rule="mac_line")
    lines = raw[len(VERSION_LINE) : end - len(b"---")].split(b"\n")
    stanzas: list[Stanza] = []
    place = 0
    while place < len(lines) - 1:
        stanza, place = _stanza(lines, place)
        stanzas.append(stanza)
    if not stanzas:
        malformed("no_stanza")
    return Header(tuple(stanzas), mac, raw[:end]), raw[found.end() :]


def _stanza(lines: list[bytes], place: int) -> tuple[Stanza, int]:
    """The stanza whose first line stands at ``place``, and the place after its last line."""
    found = _ARGUMENT_LINE.fullmatch(lines[place])
    if found is None:
        malformed("stanza_arguments")
    kind, *arguments = found.group(1).decode("ascii").split(" ")
    last = place + 1
    # The element after the last line feed is no line: a stanza that reaches it lacks its short final line.
    while last < len(lines) - 1 and len(lines[last]) == _COLUMNS:
        last += 1
    if last == len(lines) - 1 or len(lines[last]) > _COLUMNS:
        malformed("stanza_body_lines")
    body = b64decode(b"".join(lines[place + 1 : last + 1]), rule="stanza_body")
    return Stanza(kind, tuple(arguments), body), last + 1


def b64encode(raw: bytes) -> bytes:
    """Standard base64 without padding (RFC 4648 §4, §3.2)."""
    return base64.b64encode(raw).rstrip(b"=")


def b64decode(text: bytes, *, rule: str) -> bytes:
    """The bytes that ``b64encode`` wrote; any other spelling is a malformed header under ``rule``."""
    try:
        raw = binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
    except binascii.Error:
        malformed(rule)
    if b64encode(raw) != text:
        malformed(rule)
    return raw


def derive(key: bytes, *, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA-256 to 32 bytes (RFC 5869), the only derivation that age knows."""
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(key)


def _mac(file_key: bytes, covered: bytes) -> bytes:
    mac = HMAC(derive(file_key, salt=b"", info=b"header"), SHA256())
    mac.update(covered)
    return mac.finalize()
