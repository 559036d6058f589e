"""The group ristretto255 (RFC 9496) and hashing into it, over libsodium (``rbcl``).

Elements and scalars are their 32-byte encodings throughout; nothing is ever a Python integer, whose arithmetic takes
a time that depends on its value. libsodium's operations run in constant time. What Python adds – lengths, copies,
error paths – depends on the number and validity of elements only, never on a secret; but the interpreter cannot wipe
a ``bytes``, so blinds and keys live as long as the objects that hold them.

Hashing follows RFC 9380 (``expand_message_xmd`` with SHA-512) as RFC 9497 §4.1 prescribes.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import rbcl

from tansiq.engine.errors import Rejected

# The wheel writes libsodium into a temporary file, loads it and leaves it there: three megabytes for each process that ever began.
with contextlib.suppress(OSError):
    Path(rbcl._sodium._name).unlink()

ELEMENT_BYTES: Final = 32
SCALAR_BYTES: Final = 32
HASH_BYTES: Final = 64
IDENTITY: Final = bytes(ELEMENT_BYTES)
ZERO: Final = bytes(SCALAR_BYTES)
_BLOCK: Final = 128
_UNIFORM: Final = 64


def expand_message(message: bytes, dst: bytes, length: int = _UNIFORM) -> bytes:
    """``expand_message_xmd`` with SHA-512 (RFC 9380 §5.3.1); ``dst`` up to 255 bytes, ``length`` up to 16,320."""
    if not 0 < len(dst) <= 255 or not 0 < length <= 255 * HASH_BYTES:
        raise ValueError("a domain separation tag or a length that RFC 9380 does not have")
    tag = dst + bytes([len(dst)])
    first = hashlib.sha512(bytes(_BLOCK) + message + length.to_bytes(2, "big") + b"\x00" + tag).digest()
    block = hashlib.sha512(first + b"\x01" + tag).digest()
    out = [block]
    for number in range(2, -(-length // HASH_BYTES) + 1):
        mixed = bytes(a ^ b for a, b in zip(first, block, strict=True))
        block = hashlib.sha512(mixed + bytes([number]) + tag).digest()
        out.append(block)
    return b"".join(out)[:length]


def hash_to_element(message: bytes, dst: bytes) -> bytes:
    """The element that ``message`` hashes to (RFC 9380 appendix B, hash_to_ristretto255)."""
    return bytes(rbcl.crypto_core_ristretto255_from_hash(expand_message(message, dst)))


def hash_to_scalar(message: bytes, dst: bytes) -> bytes:
    """The scalar that ``message`` hashes to: 64 uniform bytes, little-endian, modulo the order (RFC 9497 §4.1)."""
    return bytes(rbcl.crypto_core_ristretto255_scalar_reduce(expand_message(message, dst)))


def random_scalar(random: Callable[[int], bytes]) -> bytes:
    """A uniform scalar that is not zero, from 64 bytes of ``random`` (RFC 9497 §4.7)."""
    while True:
        scalar = bytes(rbcl.crypto_core_ristretto255_scalar_reduce(random(_UNIFORM)))
        if scalar != ZERO:
            return scalar


def require_element(raw: bytes, *, at: str) -> bytes:
    """``raw`` if it encodes an element, not the identity (RFC 9497 §2.1); else ``blind.element_invalid``."""
    is_element = len(raw) == ELEMENT_BYTES and raw != IDENTITY and rbcl.crypto_core_ristretto255_is_valid_point(raw)
    if not is_element:
        raise Rejected("blind.element_invalid", at=at)
    return raw


def require_scalar(raw: bytes, *, at: str) -> bytes:
    """``raw`` if it encodes a scalar below the order, else ``Rejected("blind.scalar_invalid")``."""
    if len(raw) != SCALAR_BYTES or rbcl.crypto_core_ristretto255_scalar_reduce(raw + bytes(SCALAR_BYTES)) != raw:
        raise Rejected("blind.scalar_invalid", at=at)
    return raw


def multiply(scalar: bytes, element: bytes) -> bytes:
    """``scalar`` times ``element``, both valid; ``Rejected("blind.element_invalid")`` if that is the identity."""
    try:
        return bytes(rbcl.crypto_scalarmult_ristretto255(scalar, element))
    except RuntimeError as error:
        raise Rejected("blind.element_invalid", at="product") from error


def multiply_base(scalar: bytes) -> bytes:
    """``scalar`` times the generator; ``scalar`` may be zero."""
    return bytes(rbcl.crypto_scalarmult_ristretto255_base_allow_scalar_zero(scalar))


def multiply_any(scalar: bytes, element: bytes) -> bytes:
    """``scalar`` times ``element``, where either may be nothing: zero or the identity gives the identity."""
    if ZERO in (scalar, element):
        return IDENTITY
    return multiply(scalar, element)


def add(one: bytes, other: bytes) -> bytes:
    """The sum of two elements."""
    return bytes(rbcl.crypto_core_ristretto255_add(one, other))


def invert(scalar: bytes) -> bytes:
    """The inverse of a scalar that is not zero."""
    return bytes(rbcl.crypto_core_ristretto255_scalar_invert(scalar))


def multiply_scalars(one: bytes, other: bytes) -> bytes:
    """The product of two scalars."""
    return bytes(rbcl.crypto_core_ristretto255_scalar_mul(one, other))


def subtract_scalars(one: bytes, other: bytes) -> bytes:
    """The difference of two scalars."""
    return bytes(rbcl.crypto_core_ristretto255_scalar_sub(one, other))
