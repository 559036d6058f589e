"""Bech32 (BIP 173) without its length limit, as age writes recipients and identities."""

from __future__ import annotations

import base64
from typing import Final

from tansiq.engine.errors import Rejected

_ALPHABET: Final = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BASE32: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_TO_BECH32: Final = bytes.maketrans(_BASE32, _ALPHABET)
_TO_DIGITS: Final = bytes.maketrans(_ALPHABET, b"0123456789abcdefghijklmnopqrstuv")
_TO_VALUES: Final = bytes.maketrans(_ALPHABET, bytes(range(32)))
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_LENGTH: Final = 6


def _folded(top: int) -> int:
    folded = 0
    for bit, generator in enumerate(_GENERATOR):
        if top >> bit & 1:
            folded ^= generator
    return folded


_FOLDED: Final = tuple(_folded(top) for top in range(32))


def encode(prefix: str, raw: bytes) -> str:
    """``raw`` under a lowercase human-readable ``prefix``."""
    letters = base64.b32encode(raw).rstrip(b"=").translate(_TO_BECH32)
    check = _checksum(prefix, letters + b"q" * _CHECKSUM_LENGTH) ^ 1
    tail = bytes(_ALPHABET[check >> 5 * (5 - place) & 31] for place in range(_CHECKSUM_LENGTH))
    return f"{prefix}1{(letters + tail).decode('ascii')}"


def decode(text: str, *, prefix: str, at: str) -> bytes:
    """The bytes that ``encode`` wrote under ``prefix``; all upper case or all lower case is the same text.

    Raises ``Rejected("age.key_text", at=…)`` for a wrong prefix, checksum, character, mixed case or stray final bits.
    """
    lowered = text.lower()
    head, separator, letters = lowered.rpartition("1")
    if text not in (lowered, text.upper()) or not separator or head != prefix:
        raise Rejected("age.key_text", at=at)
    coded = letters.encode("utf-8", "replace")
    if len(coded) < _CHECKSUM_LENGTH or coded.translate(None, _ALPHABET):
        raise Rejected("age.key_text", at=at)
    if _checksum(prefix, coded) != 1:
        raise Rejected("age.key_text", at=at)
    return _bytes_of(coded[:-_CHECKSUM_LENGTH], at)


def _bytes_of(letters: bytes, at: str) -> bytes:
    length, spare = divmod(5 * len(letters), 8)
    number = int(letters.translate(_TO_DIGITS), 32) if letters else 0
    if spare > 4 or number & (1 << spare) - 1:
        raise Rejected("age.key_text", at=at)
    return (number >> spare).to_bytes(length, "big")


def _checksum(prefix: str, letters: bytes) -> int:
    head = prefix.encode("ascii")
    expanded = bytes(character >> 5 for character in head) + b"\0" + bytes(character & 31 for character in head)
    check = 1
    for value in expanded + letters.translate(_TO_VALUES):
        check = (check & 0x1FFFFFF) << 5 ^ value ^ _FOLDED[check >> 25]
    return check
