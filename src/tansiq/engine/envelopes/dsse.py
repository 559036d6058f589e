"""DSSE: bytes, what they are, and who signed them (Dead Simple Signing Envelope, protocol version 1.0.2).

What is signed is the pre-authentication encoding of type and payload, so no canonicaliser stands between the signature
and the bytes, and a signature over one type of payload never fits another. Stricter than DSSE: exactly the three
members, standard base64, no second signature under one key id, and a verifier demands *exactly* the signatures it
names, neither one fewer nor one more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tansiq.engine.envelopes.signing import KEY_ID_LENGTH, SIGNATURE_LENGTH, Signer
from tansiq.engine.envelopes.signing import verify as verify_signature
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.ids import b64decode, b64encode
from tansiq.engine.formats.json_values import JsonValue, pointer

MAX_SIGNATURES: Final = 8
_MEMBERS: Final = {"payloadType", "payload", "signatures"}
_SIGNATURE_MEMBERS: Final = {"keyid", "sig"}
_TYPE: Final = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+_-]{0,99}")
_KEY_ID: Final = re.compile(rf"[0-9a-f]{{{KEY_ID_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature and the name of the key that made it."""

    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """A payload with its type and signatures; nothing here says that they were checked: ``verify`` does."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    def to_json(self) -> dict[str, JsonValue]:
        """``{"payloadType", "payload": base64, "signatures": [{"keyid", "sig": base64}]}``."""
        return {
            "payloadType": self.payload_type,
            "payload": b64encode(self.payload),
            "signatures": [{"keyid": one.key_id, "sig": b64encode(one.signature)} for one in self.signatures],
        }

    @classmethod
    def from_json(cls, value: object, *, at: str = "") -> Signed:
        """The envelope that ``to_json`` wrote; ``Rejected("dsse.form", at=JSON pointer)`` for any other shape."""
        if not isinstance(value, dict) or value.keys() != _MEMBERS:
            raise Rejected("dsse.form", at=at)
        payload_type, signatures = value["payloadType"], value["signatures"]
        if not isinstance(payload_type, str) or not _TYPE.fullmatch(payload_type):
            raise Rejected("dsse.form", at=pointer(at, "payloadType"))
        if not isinstance(signatures, list) or not 1 <= len(signatures) <= MAX_SIGNATURES:
            raise Rejected("dsse.form", at=pointer(at, "signatures"))
        read = tuple(_signature(one, pointer(at, "signatures", place)) for place, one in enumerate(signatures))
        if len({one.key_id for one in read}) != len(read):
            raise Rejected("dsse.form", at=pointer(at, "signatures"))
        return cls(payload_type, b64decode(value["payload"], at=pointer(at, "payload")), read)


def sign(payload_type: str, payload: bytes, signers: Sequence[Signer]) -> Signed:
    """``payload`` signed by each of ``signers``, in that order."""
    if not signers or not _TYPE.fullmatch(payload_type):
        raise ValueError("a payload type and at least one signer")
    message = encoding(payload_type, payload)
    return Signed(payload_type, payload, tuple(Signature(one.key_id, one.sign(message)) for one in signers))


def verify(signed: Signed, *, payload_type: str, keys: Mapping[str, bytes]) -> bytes:
    """The payload, when it is of ``payload_type`` and signed by every one of ``keys`` (by key id) and by nobody else.

    Raises ``Rejected``: ``dsse.payload_type``, ``dsse.signatures_differ`` (found and demanded key ids), or
    ``envelope.signature_invalid``.
    """
    _require_type(signed, payload_type)
    found = [one.key_id for one in signed.signatures]
    if not keys or set(found) != keys.keys() or len(found) != len(keys):
        raise Rejected("dsse.signatures_differ", found=sorted(found), demanded=sorted(keys))
    message = encoding(signed.payload_type, signed.payload)
    for one in signed.signatures:
        verify_signature(keys[one.key_id], one.signature, message)
    return signed.payload


def verify_one(signed: Signed, *, payload_type: str, keys: Mapping[str, bytes]) -> bytes:
    """The payload, when it bears exactly one signature and that is by one of ``keys``, whichever; raises as ``verify``.

    For a signer who may use an old or a new key while they overlap.
    """
    _require_type(signed, payload_type)
    found = [one.key_id for one in signed.signatures]
    if len(found) != 1 or found[0] not in keys:
        raise Rejected("dsse.signatures_differ", found=sorted(found), demanded=sorted(keys))
    return verify(signed, payload_type=payload_type, keys={found[0]: keys[found[0]]})


def encoding(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed: ``DSSEv1 LEN(type) type LEN(payload) payload``, lengths in decimal."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _require_type(signed: Signed, payload_type: str) -> None:
    if signed.payload_type != payload_type:
        raise Rejected("dsse.payload_type", found=signed.payload_type, demanded=payload_type)


def _signature(value: object, at: str) -> Signature:
    if not isinstance(value, dict) or value.keys() != _SIGNATURE_MEMBERS:
        raise Rejected("dsse.form", at=at)
    key_id = value["keyid"]
    if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
        raise Rejected("dsse.form", at=pointer(at, "keyid"))
    signature = b64decode(value["sig"], at=pointer(at, "sig"))
    if len(signature) != SIGNATURE_LENGTH:
        raise Rejected("dsse.form", at=pointer(at, "sig"))
    return Signature(key_id, signature)
