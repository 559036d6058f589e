"""Sealed columns: Django fields whose values are encrypted in the database and plain only in the process that is unlocked.

AES-256-GCM-SIV (RFC 8452) with a random nonce, so that a repeated nonce would reveal equality and nothing more; the associated
data is the column's own name, so a value cannot be moved to another column unseen. First byte: format version.
"""

from __future__ import annotations

import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from django.db import models

from tansiq.engine.errors import Corrupt
from tansiq.engine.formats import canonical, strict_json
from tansiq.node.vault import keys

FORMAT = b"\x01"
_LIMITS = strict_json.Limits(
    max_bytes=64 * 1024 * 1024,
    max_depth=64,
    max_values=5_000_000,
    max_string_length=64 * 1024 * 1024,
    allow_floats=True,
)


def seal(raw: bytes, *, label: str) -> bytes:
    """The sealed form of ``raw`` for the column named ``label``."""
    nonce = os.urandom(12)
    return FORMAT + nonce + AESGCMSIV(keys.current().storage_key).encrypt(nonce, raw, label.encode())


def unseal(sealed: bytes, *, label: str) -> bytes:
    """The plain bytes; raises Corrupt("vault.unseal") when the key, the column or the bytes are wrong."""
    if sealed[:1] != FORMAT:
        raise Corrupt("vault.unseal", column=label)
    try:
        return AESGCMSIV(keys.current().storage_key).decrypt(sealed[1:13], sealed[13:], label.encode())
    except (InvalidTag, ValueError) as error:
        raise Corrupt("vault.unseal", column=label) from error


class Sealed(bytes):
    """Bytes that are sealed already, for the column in which they will stand: what several processes prepare for one that writes."""


class Sealer:
    """Seals for many rows, with a key that the caller holds: for processes that have no other key."""

    def __init__(self, storage_key: bytes) -> None:
        self._cipher = AESGCMSIV(storage_key)

    def seal(self, raw: bytes, *, label: str) -> Sealed:
        """As ``seal`` does under the same key."""
        nonce = os.urandom(12)
        return Sealed(FORMAT + nonce + self._cipher.encrypt(nonce, raw, label.encode()))


class SealedBytesField(models.BinaryField):
    """Bytes that are sealed at rest."""

    @property
    def _label(self) -> str:
        return f"{self.model._meta.label_lower}.{self.name}"

    def get_prep_value(self, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, Sealed):
            return super().get_prep_value(bytes(value))
        return super().get_prep_value(seal(self.to_bytes(value), label=self._label))

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Any:
        return None if value is None else self.from_bytes(unseal(bytes(value), label=self._label))

    def to_bytes(self, value: Any) -> bytes:
        return bytes(value)

    def from_bytes(self, raw: bytes) -> Any:
        return raw

    def get_lookup(self, lookup_name: str) -> Any:
        # A sealed value differs at every write: any comparison but "is null" would silently find nothing.
        if lookup_name != "isnull":
            raise TypeError(f"{self._label} is sealed and cannot be searched with {lookup_name!r}")
        return super().get_lookup(lookup_name)

    def value_to_string(self, obj: Any) -> str:  # noqa: ARG002 - Django's signature
        raise TypeError(f"{self._label} is sealed and is never serialised in clear")


class SealedTextField(SealedBytesField):
    """Text that is sealed at rest."""

    def to_bytes(self, value: Any) -> bytes:
        return str(value).encode("utf-8")

    def from_bytes(self, raw: bytes) -> str:
        return raw.decode("utf-8")


class SealedJSONField(SealedBytesField):
    """A JSON value (RFC 8785 bytes) that is sealed at rest."""

    def to_bytes(self, value: Any) -> bytes:
        return canonical.dumps(value, allow_floats=True)

    def from_bytes(self, raw: bytes) -> Any:
        return strict_json.loads(raw, limits=_LIMITS)
