"""Who can open an age file: hybrid (ML-KEM-768 with X25519), X25519 and passphrase recipients (https://c2sp.org/age).

A *recipient* wraps the file key into a stanza; an *identity* unwraps it. A stanza of its own type that is malformed
ends the reading with ``Rejected("age.header", rule=…)``; one that is merely somebody else's gives None.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Protocol, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHAKE256, Hash
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey, Suite
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from tansiq.engine.envelopes.age import bech32
from tansiq.engine.envelopes.age.header import FILE_KEY_LENGTH, Stanza, b64decode, b64encode, derive, malformed
from tansiq.engine.errors import Rejected

RandomBytes: TypeAlias = Callable[[int], bytes]
"""How many bytes in, that many random bytes out."""

_BODY_LENGTH: Final = FILE_KEY_LENGTH + 16
_ZERO_NONCE: Final = bytes(12)


class Recipient(Protocol):
    """Somebody to whom a file key can be wrapped; recipients of different ``family`` never share a file."""

    @property
    def family(self) -> str: ...

    def wrap(self, file_key: bytes, random: RandomBytes) -> Stanza: ...


class Identity(Protocol):
    """Somebody who may unwrap a file key: the key, or None when no stanza is for this identity."""

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None: ...


# --- hybrid: ML-KEM-768 with X25519 ("X-Wing"), through HPKE --------------------------------------------------------

_HYBRID: Final = "mlkem768x25519"
_HYBRID_INFO: Final = b"age-encryption.org/mlkem768x25519"
_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_MLKEM_SEED, _MLKEM_PUBLIC, _MLKEM_SHARE, _X25519 = 64, 1184, 1088, 32
_ENC_LENGTH: Final = _MLKEM_SHARE + _X25519


@dataclass(frozen=True)
class HybridRecipient:
    """An ML-KEM-768 encapsulation key (1184 bytes) followed by an X25519 public key (32 bytes)."""

    public: bytes

    family = "postquantum"

    def __post_init__(self) -> None:
        if len(self.public) != _MLKEM_PUBLIC + _X25519:
            raise Rejected("age.key_text", at="key")
        _refuse_low_order(self.public[_MLKEM_PUBLIC:])

    @cached_property
    def _key(self) -> MLKEM768X25519PublicKey:
        try:
            lattice = MLKEM768PublicKey.from_public_bytes(self.public[:_MLKEM_PUBLIC])
        except ValueError:
            raise Rejected("age.key_text", at="key") from None
        return MLKEM768X25519PublicKey(lattice, X25519PublicKey.from_public_bytes(self.public[_MLKEM_PUBLIC:]))

    @classmethod
    def from_text(cls, text: str, *, at: str = "key") -> HybridRecipient:
        """The recipient ``age1pq1…``; ``Rejected("age.key_text", at=…)`` unless it is one whose key can be used."""
        try:
            recipient = cls(bech32.decode(text, prefix="age1pq", at=at))
            _ = recipient._key
        except Rejected:
            raise Rejected("age.key_text", at=at) from None
        return recipient

    def to_text(self) -> str:
        """``age1pq1…``, about 1960 characters."""
        return bech32.encode("age1pq", self.public)

    def wrap(self, file_key: bytes, random: RandomBytes) -> Stanza:
        """The stanza for this recipient. HPKE draws its randomness itself; ``random`` is not asked."""
        del random
        sealed = _SUITE.encrypt(file_key, self._key, info=_HYBRID_INFO)
        return Stanza(_HYBRID, (b64encode(sealed[:_ENC_LENGTH]).decode("ascii"),), sealed[_ENC_LENGTH:])


@dataclass(frozen=True)
class HybridIdentity:
    """A seed of 32 bytes from which both private keys come (draft-connolly-cfrg-xwing-kem §5.2)."""

    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.seed) != 32:
            raise Rejected("age.key_text", at="key")

    @cached_property
    def _keys(self) -> tuple[MLKEM768PrivateKey, X25519PrivateKey, MLKEM768X25519PrivateKey]:
        expanding = Hash(SHAKE256(_MLKEM_SEED + _X25519))
        expanding.update(self.seed)
        expanded = expanding.finalize()
        lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED])
        curve = X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED:])
        return lattice, curve, MLKEM768X25519PrivateKey(lattice, curve)

    @classmethod
    def generate(cls, random: RandomBytes = os.urandom) -> HybridIdentity:
        """A new identity."""
        return cls(random(32))

    @classmethod
    def from_text(cls, text: str, *, at: str = "key") -> HybridIdentity:
        """The identity ``AGE-SECRET-KEY-PQ-1…``; ``Rejected("age.key_text", at=…)`` for anything else."""
        seed = bech32.decode(text, prefix="age-secret-key-pq-", at=at)
        if len(seed) != 32:
            raise Rejected("age.key_text", at=at)
        return cls(seed)

    def to_text(self) -> str:
        """``AGE-SECRET-KEY-PQ-1…``: a secret."""
        return bech32.encode("age-secret-key-pq-", self.seed).upper()

    @cached_property
    def _recipient(self) -> HybridRecipient:
        lattice, curve, _ = self._keys
        return HybridRecipient(lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw())

    def recipient(self) -> HybridRecipient:
        """The public half."""
        return self._recipient

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """The file key from the first stanza that opens, or None."""
        for stanza in stanzas:
            if stanza.type == _HYBRID and (file_key := self._unwrap(stanza)) is not None:
                return file_key
        return None

    def _unwrap(self, stanza: Stanza) -> bytes | None:
        share = _share(stanza, length=_ENC_LENGTH)
        _, curve, key = self._keys
        try:
            return _SUITE.decrypt(share + stanza.body, key, info=_HYBRID_INFO)
        except InvalidTag:
            # HPKE has one error for everything; only a share of low order must end the reading.
            _exchange(curve, share[_MLKEM_SHARE:])
            return None


# --- X25519 --------------------------------------------------------------------------------------------------------

_X25519_INFO: Final = b"age-encryption.org/v1/X25519"


@dataclass(frozen=True)
class X25519Recipient:
    """An X25519 public key: readable by every age program, but not safe against a quantum computer."""

    public: bytes

    family = "classical"

    def __post_init__(self) -> None:
        if len(self.public) != _X25519:
            raise Rejected("age.key_text", at="key")
        _refuse_low_order(self.public)

    @classmethod
    def from_text(cls, text: str, *, at: str = "key") -> X25519Recipient:
        """The recipient ``age1…``; ``Rejected("age.key_text", at=…)`` for anything else."""
        try:
            return cls(bech32.decode(text, prefix="age", at=at))
        except Rejected:
            raise Rejected("age.key_text", at=at) from None

    def to_text(self) -> str:
        """``age1…``, 62 characters."""
        return bech32.encode("age", self.public)

    def wrap(self, file_key: bytes, random: RandomBytes) -> Stanza:
        """The stanza for this recipient, under a fresh ephemeral key from ``random``."""
        ephemeral = X25519PrivateKey.from_private_bytes(random(32))
        share = ephemeral.public_key().public_bytes_raw()
        secret = ephemeral.exchange(X25519PublicKey.from_public_bytes(self.public))
        key = derive(secret, salt=share + self.public, info=_X25519_INFO)
        body = ChaCha20Poly1305(key).encrypt(_ZERO_NONCE, file_key, None)
        return Stanza("X25519", (b64encode(share).decode("ascii"),), body)


@dataclass(frozen=True)
class X25519Identity:
    """An X25519 private key of 32 bytes."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != _X25519:
            raise Rejected("age.key_text", at="key")

    @cached_property
    def _key(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self.secret)

    @classmethod
    def generate(cls, random: RandomBytes = os.urandom) -> X25519Identity:
        """A new identity."""
        return cls(random(32))

    @classmethod
    def from_text(cls, text: str, *, at: str = "key") -> X25519Identity:
        """The identity ``AGE-SECRET-KEY-1…``; ``Rejected("age.key_text", at=…)`` for anything else."""
        secret = bech32.decode(text, prefix="age-secret-key-", at=at)
        if len(secret) != _X25519:
            raise Rejected("age.key_text", at=at)
        return cls(secret)

    def to_text(self) -> str:
        """``AGE-SECRET-KEY-1…``: a secret."""
        return bech32.encode("age-secret-key-", self.secret).upper()

    def recipient(self) -> X25519Recipient:
        """The public half."""
        return X25519Recipient(self._key.public_key().public_bytes_raw())

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """The file key from the first stanza that opens, or None."""
        for stanza in stanzas:
            if stanza.type == "X25519" and (file_key := self._unwrap(stanza)) is not None:
                return file_key
        return None

    def _unwrap(self, stanza: Stanza) -> bytes | None:
        share = _share(stanza, length=_X25519)
        secret = _exchange(self._key, share)
        salt = share + self._key.public_key().public_bytes_raw()
        return _opened(derive(secret, salt=salt, info=_X25519_INFO), stanza.body)


# --- passphrase ----------------------------------------------------------------------------------------------------

WORK_FACTOR: Final = 18
"""Base-two logarithm of scrypt's N when sealing: 256 MiB and about half a second."""
MAX_WORK_FACTOR: Final = 20
"""The most that a file may ask of us when opening: 1 GiB and a few seconds."""
_SCRYPT_SALT: Final = b"age-encryption.org/v1/scrypt"
_DECIMAL: Final = re.compile(r"[1-9][0-9]{0,2}")


@dataclass(frozen=True)
class ScryptRecipient:
    """Whoever knows the passphrase; always the only recipient of its file."""

    passphrase: str = field(repr=False)
    work_factor: int = WORK_FACTOR

    family = "passphrase"

    def __post_init__(self) -> None:
        if not self.passphrase or not 1 <= self.work_factor <= MAX_WORK_FACTOR:
            raise ValueError("an empty passphrase or a work factor out of bounds")

    def wrap(self, file_key: bytes, random: RandomBytes) -> Stanza:
        """The stanza for this passphrase, under a fresh salt from ``random``."""
        salt = random(16)
        body = ChaCha20Poly1305(_stretched(self.passphrase, salt, self.work_factor)).encrypt(
            _ZERO_NONCE, file_key, None
        )
        return Stanza("scrypt", (b64encode(salt).decode("ascii"), str(self.work_factor)), body)


@dataclass(frozen=True)
class ScryptIdentity:
    """Somebody who tries a passphrase, and who does no more than ``max_work_factor`` of work for it."""

    passphrase: str = field(repr=False)
    max_work_factor: int = MAX_WORK_FACTOR

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """The file key when the only stanza is ours and opens, else None."""
        stanza = stanzas[0]
        if stanza.type != "scrypt":
            return None
        if len(stanza.arguments) != 2:
            malformed("stanza_argument_count")
        salt = b64decode(stanza.arguments[0].encode("ascii"), rule="scrypt_salt")
        if len(salt) != 16:
            malformed("scrypt_salt")
        if not _DECIMAL.fullmatch(stanza.arguments[1]) or int(stanza.arguments[1]) > self.max_work_factor:
            malformed("scrypt_work_factor")
        if len(stanza.body) != _BODY_LENGTH:
            malformed("stanza_body_length")
        return _opened(_stretched(self.passphrase, salt, int(stanza.arguments[1])), stanza.body)


def _stretched(passphrase: str, salt: bytes, work_factor: int) -> bytes:
    return Scrypt(salt=_SCRYPT_SALT + salt, length=32, n=2**work_factor, r=8, p=1).derive(passphrase.encode())


# --- shared --------------------------------------------------------------------------------------------------------


def _share(stanza: Stanza, *, length: int) -> bytes:
    """The key share of a stanza with one argument, after every check that the specification demands before opening."""
    if len(stanza.arguments) != 1:
        malformed("stanza_argument_count")
    share = b64decode(stanza.arguments[0].encode("ascii"), rule="share")
    if len(share) != length:
        malformed("share_length")
    # Checked before opening, or the length of a body would tell apart keys (a partitioning oracle).
    if len(stanza.body) != _BODY_LENGTH:
        malformed("stanza_body_length")
    return share


def _exchange(key: X25519PrivateKey, share: bytes) -> bytes:
    """The shared secret; a share of low order (an all-zero secret) is a malformed header."""
    try:
        return key.exchange(X25519PublicKey.from_public_bytes(share))
    except ValueError:
        malformed("share_low_order")


_PROBE: Final = X25519PrivateKey.from_private_bytes(bytes(range(32)))


def _refuse_low_order(public: bytes) -> None:
    try:
        _PROBE.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise Rejected("age.key_text", at="key") from None


def _opened(key: bytes, body: bytes) -> bytes | None:
    try:
        return ChaCha20Poly1305(key).decrypt(_ZERO_NONCE, body, None)
    except InvalidTag:
        return None
