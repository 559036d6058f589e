"""Signed notes (C2SP signed-note): a text, a blank line, signature lines; and nothing else is read out of them.

``split_note`` is the one strict reader of the bytes. Signatures by unknown keys are ignored, as the norm demands; one
by a known key that fails rejects the whole note.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tansiq.engine.errors import Rejected

ED25519 = 0x01
COSIGNATURE_V1 = 0x04
MAX_NOTE_CHARS = 65_536
MAX_SIGNATURES = 64
KEY_ID_BYTES = 4
ED25519_SIGNATURE_BYTES = 64
_DASH = "— "


class Signs(Protocol):
    """Anything that signs bytes with one Ed25519 key."""

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature."""
        ...


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A key that may sign notes: its ``name``, its 32-byte Ed25519 ``public`` key, and the signature type."""

    name: str
    public: bytes
    kind: int = ED25519

    def __post_init__(self) -> None:
        if not is_key_name(self.name) or len(self.public) != 32:
            raise Rejected("ledger.note_key", name=self.name)

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name || newline || type || public) (signed-note, Signatures)."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: key ``name``, four-byte ``key_id`` and the bytes that follow it."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """The line, with its newline."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A note: its ``text`` (with final newline) and its signatures. The text means nothing before one is verified."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(signature.line() for signature in self.signatures)


def is_key_name(name: str) -> bool:
    """Whether ``name`` may name a key: not empty, no Unicode space, no plus, no control character."""
    return bool(name) and "+" not in name and name.isprintable() and not any(char.isspace() for char in name)


def sign_note(text: str, key: NoteKey, signer: Signs) -> NoteSignature:
    """The Ed25519 signature (type 0x01) of ``text`` by ``key``, whose secret half ``signer`` holds."""
    return NoteSignature(key.name, key.key_id, signer.sign(text.encode()))


def split_note(raw: str) -> Note:
    """The parts of a signed note, strictly read; nothing is verified. Raises ``Rejected("ledger.note_malformed")``."""
    if len(raw) > MAX_NOTE_CHARS:
        raise Rejected("ledger.note_malformed", at="length")
    if any(char < " " and char != "\n" for char in raw) or not _is_unicode(raw):
        raise Rejected("ledger.note_malformed", at="characters")
    text, blank, lines = raw.rpartition("\n\n")
    if not text or not blank or not lines.endswith("\n"):
        raise Rejected("ledger.note_malformed", at="blank_line")
    found = lines[:-1].split("\n")
    if len(found) > MAX_SIGNATURES:
        raise Rejected("ledger.note_malformed", at="signatures")
    return Note(text + "\n", tuple(parse_signature(line) for line in found))


def parse_signature(line: str) -> NoteSignature:
    """The signature line (without newline) as name, key id and bytes."""
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not is_key_name(name):
        raise Rejected("ledger.note_malformed", at="signature_line")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Rejected("ledger.note_malformed", at="signature_base64") from error
    if len(raw) <= KEY_ID_BYTES or base64.b64encode(raw).decode() != encoded:
        raise Rejected("ledger.note_malformed", at="signature_base64")
    return NoteSignature(name, raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])


def verify_note(note: Note, keys: Iterable[NoteKey]) -> tuple[NoteKey, ...]:
    """The known keys whose signatures stand on ``note``: at least one, and none of them fails.

    Raises ``Rejected``: ``ledger.note_unsigned`` if no known key signed, ``ledger.note_signature_invalid`` if one
    fails.
    """
    known = {(key.name, key.key_id): key for key in keys if key.kind == ED25519}
    signed: list[NoteKey] = []
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is not None:
            verify_signature(key, signature.signature, note.text.encode())
            signed.append(key)
    if not signed:
        raise Rejected("ledger.note_unsigned", names=sorted({key.name for key in known.values()}))
    return tuple(signed)


def verify_signature(key: NoteKey, signature: bytes, message: bytes) -> None:
    """Passes if ``signature`` is ``key``'s over ``message``, else ``Rejected("ledger.note_signature_invalid")``."""
    if len(signature) != ED25519_SIGNATURE_BYTES:
        raise Rejected("ledger.note_signature_invalid", name=key.name)
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise Rejected("ledger.note_signature_invalid", name=key.name) from error


def _is_unicode(raw: str) -> bool:
    try:
        raw.encode()
    except UnicodeEncodeError:
        return False
    return True
