"""Signatures: Ed25519 behind a ``Signer``; its key may live in a sealed file, another process or a hardware token.

What verifies is fixed to the last bit, since libraries differ on edge cases and two nodes must never disagree (RFC
8032 §5.1.7 leaves room): a public key is canonical and not of low order, ``S`` is below the group order, the equation
is checked without the cofactor, and the encoded ``R`` is compared byte by byte and is not of low order either. The
digest of the signed bytes names a thing; a signature or its digest never does.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tansiq.engine.envelopes.age import RandomBytes
from tansiq.engine.errors import Rejected

PUBLIC_LENGTH: Final = 32
SIGNATURE_LENGTH: Final = 64
KEY_ID_LENGTH: Final = 32

_FIELD: Final = 2**255 - 19
_SIGN_BIT: Final = 1 << 255
_LOW_ORDER: Final = frozenset(
    int.from_bytes(bytes.fromhex(encoded), "little")
    for encoded in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)
"""The y coordinates of the eight points whose order divides 8."""


class Signer(Protocol):
    """Whoever can sign with one key without showing it."""

    @property
    def key_id(self) -> str: ...

    @property
    def public(self) -> bytes: ...

    def sign(self, message: bytes) -> bytes: ...


@dataclass(frozen=True)
class Ed25519Signer:
    """A ``Signer`` that holds its seed of 32 bytes in memory."""

    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.seed) != 32:
            raise ValueError("an Ed25519 seed has 32 bytes")

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @classmethod
    def generate(cls, random: RandomBytes = os.urandom) -> Ed25519Signer:
        """A new key."""
        return cls(random(32))

    @classmethod
    def from_seed(cls, seed: bytes) -> Ed25519Signer:
        """The key of ``seed``; ``ValueError`` unless it has 32 bytes."""
        return cls(seed)

    @cached_property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return self._key.public_key().public_bytes_raw()

    @cached_property
    def key_id(self) -> str:
        """See ``key_id``."""
        return key_id(self.public)

    def sign(self, message: bytes) -> bytes:
        """64 bytes, the same for the same message always (RFC 8032 §5.1.6)."""
        return self._key.sign(message)


def key_id(public: bytes) -> str:
    """The name of a public key: the first 32 hexadecimal characters of the SHA-256 of its raw bytes.

    128 bits, so that not even the owner of a key can find a second one of the same name.
    """
    return hashlib.sha256(public).hexdigest()[:KEY_ID_LENGTH]


def verify(public: bytes, signature: bytes, message: bytes) -> None:
    """Return when ``public`` signed ``message``; else raise ``Rejected("envelope.signature_invalid", key=key id)``."""
    try:
        if is_sound(public) and len(signature) == SIGNATURE_LENGTH and not _has_low_order(signature[:32]):
            Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
            return
    except InvalidSignature:
        pass
    raise Rejected("envelope.signature_invalid", key=key_id(public))


def is_sound(public: bytes) -> bool:
    """Whether ``public`` can be enrolled: 32 bytes, the one encoding of its point, not one of the eight of low order.

    Under a key of low order one signature fits many messages.
    """
    if len(public) != PUBLIC_LENGTH:
        return False
    encoded = int.from_bytes(public, "little") & ~_SIGN_BIT
    return encoded < _FIELD and encoded not in _LOW_ORDER


def _has_low_order(point: bytes) -> bool:
    return (int.from_bytes(point, "little") & ~_SIGN_BIT) % _FIELD in _LOW_ORDER
