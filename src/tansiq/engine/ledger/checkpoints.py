"""Checkpoints and countersignatures: a log says how long it is and what it holds, and partners say they saw it.

A checkpoint is a signed note of three lines – origin, size, root (C2SP tlog-checkpoint). We write no extension lines
and refuse to read any: nobody could audit them. A countersignature (C2SP tlog-cosignature, Ed25519,
``cosignature/v1``) says that at a stated time this was the longest consistent tree the witness had seen of that log.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tansiq.engine.errors import Rejected
from tansiq.engine.ledger.merkle import EMPTY_ROOT, HASH_BYTES, MAX_SIZE
from tansiq.engine.ledger.notes import (
    COSIGNATURE_V1,
    ED25519,
    Note,
    NoteKey,
    NoteSignature,
    Signs,
    is_key_name,
    parse_signature,
    sign_note,
    split_note,
    verify_note,
    verify_signature,
)

_TIMESTAMP_BYTES = 8


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of the log ``origin``: ``size`` leaves under ``root`` (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note text: three lines, each with its newline."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def from_text(cls, text: str) -> Checkpoint:
        """The checkpoint that this note text states; raises ``Rejected("ledger.checkpoint_malformed", at=line)``."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise Rejected("ledger.checkpoint_malformed", at="lines")
        origin, size, root = lines[:3]
        if not is_key_name(origin):
            raise Rejected("ledger.checkpoint_malformed", at="origin")
        if (
            not (size.isascii() and size.isdigit() and len(size) <= 19)
            or str(int(size)) != size
            or int(size) > MAX_SIZE
        ):
            raise Rejected("ledger.checkpoint_malformed", at="size")
        return cls(origin, int(size), _root(root, size=int(size)))


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A verified countersignature: who (``name``) saw this as the longest tree, and ``at`` what time (UTC, seconds)."""

    name: str
    at: datetime
    line: str


def sign_checkpoint(checkpoint: Checkpoint, *, public: bytes, signer: Signs) -> str:
    """The checkpoint as a signed note; the key's name is the origin, as the norm advises."""
    text = checkpoint.text()
    if Checkpoint.from_text(text) != checkpoint:
        raise Rejected("ledger.checkpoint_malformed", at="origin")
    key = NoteKey(checkpoint.origin, public)
    return str(Note(text, (sign_note(text, key, signer),)))


def checkpoint_key(origin: str, public: bytes) -> NoteKey:
    """The key under which checkpoints of ``origin`` are signed."""
    return NoteKey(origin, public, ED25519)


def read_checkpoint(raw: str) -> Checkpoint:
    """What a signed checkpoint claims, without any verification; for looking up whose keys to verify it with."""
    return Checkpoint.from_text(split_note(raw).text)


def open_checkpoint(raw: str, keys: Iterable[NoteKey]) -> Checkpoint:
    """The checkpoint, its signature verified under one of ``keys`` whose name is the checkpoint's own origin."""
    note = split_note(raw)
    checkpoint = Checkpoint.from_text(note.text)
    verify_note(note, [key for key in keys if key.name == checkpoint.origin])
    return checkpoint


def cosign(raw: str, *, name: str, public: bytes, signer: Signs, now: datetime) -> str:
    """One countersignature line (with newline) by witness ``name`` for the signed checkpoint ``raw``.

    The caller has verified the checkpoint and its consistency with all it saw before: that is what the line states.
    The signed text does not name the witness, so a key may serve one witness only (tlog-cosignature).
    """
    key = NoteKey(name, public, COSIGNATURE_V1)
    stamp = int(now.timestamp())
    signature = signer.sign(_cosigned_text(split_note(raw).text, stamp))
    return NoteSignature(name, key.key_id, stamp.to_bytes(_TIMESTAMP_BYTES, "big") + signature).line()


def add_cosignature(raw: str, line: str) -> str:
    """The signed checkpoint with one more signature line; the line is read strictly and not verified."""
    note = split_note(raw)
    signature = parse_signature(line.removesuffix("\n"))
    if signature in note.signatures:
        return raw
    return str(Note(note.text, (*note.signatures, signature)))


def verify_cosignature(raw: str, line: str, keys: Sequence[NoteKey]) -> Cosignature:
    """The countersignature ``line`` of checkpoint ``raw``, verified under one of ``keys`` (kind ``COSIGNATURE_V1``).

    Raises ``Rejected``: ``ledger.note_unsigned`` if the line is by none of them, ``ledger.note_signature_invalid``.
    """
    signature = parse_signature(line.removesuffix("\n"))
    for key in keys:
        if key.kind == COSIGNATURE_V1 and (key.name, key.key_id) == (signature.name, signature.key_id):
            stamp = int.from_bytes(signature.signature[:_TIMESTAMP_BYTES], "big")
            message = _cosigned_text(split_note(raw).text, stamp)
            verify_signature(key, signature.signature[_TIMESTAMP_BYTES:], message)
            return Cosignature(key.name, _moment(stamp, name=key.name), signature.line())
    raise Rejected("ledger.note_unsigned", names=sorted({key.name for key in keys}))


def _cosigned_text(text: str, stamp: int) -> bytes:
    return f"cosignature/v1\ntime {stamp}\n{text}".encode()


def _moment(stamp: int, *, name: str) -> datetime:
    try:
        return datetime.fromtimestamp(stamp, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise Rejected("ledger.note_signature_invalid", name=name) from error


def _root(encoded: str, *, size: int) -> bytes:
    try:
        root = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Rejected("ledger.checkpoint_malformed", at="root") from error
    if len(root) != HASH_BYTES or base64.b64encode(root).decode() != encoded:
        raise Rejected("ledger.checkpoint_malformed", at="root")
    if size == 0 and root != EMPTY_ROOT:
        raise Rejected("ledger.checkpoint_malformed", at="root")
    return root
