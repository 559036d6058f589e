"""Sealing an envelope, and accepting one: the cheapest check first, so that a stranger costs us least.

On the wire: ``TANSIQ1`` and a line feed, four bytes with the length of the manifest (big endian), the manifest in its
DSSE envelope (JSON), and the sealed body, an age file to one mailbox key. Inside the age file: ``TANSIQ1 BODY`` and a
line feed, the manifest's ``binding`` (32 bytes), four bytes with the length of the body, the body, and zeros up to a
step of ``padding``.

``accept`` goes through size → framing → manifest → known sender → valid key → signature → addressed to us → not expired
→ not seen → length and digest of the body. Whoever is not an enrolled partner never reaches the age reader; a gate or
relay can check all of it without being able to open anything. ``open_body`` comes later, and elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from tansiq.engine.envelopes import age, dsse
from tansiq.engine.envelopes.age import HybridIdentity, HybridRecipient, RandomBytes
from tansiq.engine.envelopes.cards import NodeCard
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.manifest import Manifest, read_manifest
from tansiq.engine.envelopes.padding import padded_length
from tansiq.engine.envelopes.signing import Signer, key_id
from tansiq.engine.errors import Rejected, Unavailable
from tansiq.engine.formats import canonical, strict_json
from tansiq.engine.formats.ids import digest
from tansiq.engine.formats.json_values import Limits
from tansiq.engine.formats.times import format_time

MAGIC: Final = b"TANSIQ1\n"
BODY_MAGIC: Final = b"TANSIQ1 BODY\n"
MAX_BODY: Final = 8 * 1024 * 1024
MAX_MANIFEST: Final = 16 * 1024
CLOCK_TOLERANCE: Final = timedelta(hours=2)
"""An hour of summer time taken for granted on one side must not hold up a call for help; entries from ahead are flagged anyway."""
"""How far ahead of ours a sender's clock may be."""

_LENGTH: Final = 4
_BINDING: Final = 32
_INNER: Final = len(BODY_MAGIC) + _BINDING + _LENGTH
_AGE_OVERHEAD: Final = 64 * 1024
MAX_ENVELOPE: Final = len(MAGIC) + _LENGTH + MAX_MANIFEST + padded_length(MAX_BODY + _INNER) + _AGE_OVERHEAD
_MANIFEST_LIMITS: Final = Limits(max_bytes=MAX_MANIFEST, max_depth=4, max_values=64, max_string_length=MAX_MANIFEST)


@dataclass(frozen=True)
class Sealed:
    """An envelope: the signed manifest and the sealed body."""

    manifest: Signed
    sealed: bytes

    @cached_property
    def opened_manifest(self) -> Manifest:
        """The manifest as a record; its signature was made, or is checked, elsewhere."""
        return read_manifest(self.manifest)

    @property
    def manifest_digest(self) -> str:
        """SHA-256 of the signed bytes: the name of this envelope in receipts and in the next manifest."""
        return digest(self.manifest.payload)

    def to_bytes(self) -> bytes:
        """The envelope on the wire."""
        manifest = canonical.dumps(self.manifest.to_json())
        return b"".join((MAGIC, len(manifest).to_bytes(_LENGTH, "big"), manifest, self.sealed))

    @classmethod
    def from_bytes(cls, raw: bytes, *, max_bytes: int = MAX_ENVELOPE) -> Sealed:
        """The envelope that ``to_bytes`` wrote; nothing but its framing is checked.

        Raises ``Rejected``: ``envelope.too_large``, ``envelope.not_one`` (it does not begin as one),
        ``envelope.cut_off``, ``envelope.manifest_too_large``, or whatever is wrong with the JSON or its shape.
        """
        if len(raw) > max_bytes:
            raise Rejected("envelope.too_large", limit=max_bytes)
        if not raw.startswith(MAGIC):
            raise Rejected("envelope.not_one")
        start = len(MAGIC) + _LENGTH
        length = int.from_bytes(raw[len(MAGIC) : start], "big")
        if length > MAX_MANIFEST:
            raise Rejected("envelope.manifest_too_large", limit=MAX_MANIFEST)
        if len(raw) <= start + length:
            raise Rejected("envelope.cut_off")
        value = strict_json.loads(raw[start : start + length], limits=_MANIFEST_LIMITS)
        return cls(Signed.from_json(value, at="/manifest"), raw[start + length :])


@dataclass(frozen=True)
class Accepted:
    """An envelope that passed every check that needs no private key. ``is_duplicate``: it was accepted before."""

    manifest: Manifest
    manifest_digest: str
    signed_manifest: Signed
    sealed: bytes
    is_duplicate: bool = False


def seal(
    body: bytes,
    *,
    envelope_id: str,
    sender: str,
    recipient: str,
    incarnation: int,
    sequence: int,
    previous_manifest_digest: str | None,
    created_at: datetime,
    expires_at: datetime,
    mailbox: HybridRecipient,
    node_signer: Signer,
    mailbox_key_id: str | None = None,
    replaces: str | None = None,
    random: RandomBytes = os.urandom,
) -> Sealed:
    """``body`` sealed to ``mailbox`` and to nobody else, under a manifest that ``node_signer`` signs.

    Raises ``Rejected("envelope.body_too_large", limit=…)``, and what ``Manifest.require_sound`` raises.
    ``mailbox_key_id`` may be given when it is at hand; another key's is a ``ValueError``.
    """
    if len(body) > MAX_BODY:
        raise Rejected("envelope.body_too_large", limit=MAX_BODY)
    mailbox_id = key_id(mailbox.public)
    if mailbox_key_id not in (None, mailbox_id):
        raise ValueError("the id of another mailbox key")
    draft = Manifest(
        envelope_id=envelope_id,
        sender=sender,
        recipient=recipient,
        incarnation=incarnation,
        sequence=sequence,
        previous_manifest_digest=previous_manifest_digest,
        created_at=created_at,
        expires_at=expires_at,
        body_digest="0" * 64,
        body_length=1,
        node_key_id=node_signer.key_id,
        mailbox_key_id=mailbox_id,
        replaces=replaces,
    )
    draft.require_sound()
    sealed = age.encrypt(_framed(body, draft), [mailbox], random=random)
    manifest = draft.model_copy(update={"body_digest": digest(sealed), "body_length": len(sealed)})
    return Sealed(manifest.signed_by(node_signer), sealed)


def accept(
    raw: bytes,
    *,
    me: str,
    card_of: Callable[[str], NodeCard | None],
    is_revoked: Callable[[str, str, datetime], bool],
    seen: Callable[[str, str], str | None],
    now: datetime,
) -> Accepted:
    """The envelope in ``raw``, when nothing that can be checked without a private key speaks against it.

    ``card_of`` gives the card of an enrolled partner, else None; ``is_revoked`` says whether (node id, key id) stands
    revoked at a time; ``seen`` gives the manifest digest accepted before under (sender, envelope id), else None. An
    envelope that was accepted before comes back with ``is_duplicate``: answer it with its stored receipt.

    Raises, in this order: what ``Sealed.from_bytes`` and ``read_manifest`` raise;
    ``Rejected("envelope.sender_unknown")``; ``Unavailable("envelope.key_unknown")`` (a newer card may be on its way);
    ``Rejected``: ``envelope.key_not_valid``, ``envelope.key_revoked``, what ``dsse.verify`` raises,
    ``envelope.not_for_us``, ``envelope.expired``; ``Unavailable("envelope.early")`` (a clock is wrong);
    ``Rejected``: ``envelope.id_reused``, ``envelope.body_length``, ``envelope.body_digest``.
    """
    found = Sealed.from_bytes(raw)
    manifest = found.opened_manifest
    _require_signature(found.manifest, manifest, card_of=card_of, is_revoked=is_revoked, now=now)
    if manifest.recipient != me:
        raise Rejected("envelope.not_for_us", recipient=manifest.recipient)
    if now >= manifest.expires_at:
        raise Rejected("envelope.expired", time=format_time(manifest.expires_at))
    if manifest.created_at > now + CLOCK_TOLERANCE:
        raise Unavailable("envelope.early", time=format_time(manifest.created_at))
    known = seen(manifest.sender, manifest.envelope_id)
    if known not in (None, found.manifest_digest):
        raise Rejected("envelope.id_reused", sender=manifest.sender, envelope=manifest.envelope_id)
    if len(found.sealed) != manifest.body_length:
        raise Rejected("envelope.body_length", found=len(found.sealed), demanded=manifest.body_length)
    if digest(found.sealed) != manifest.body_digest:
        raise Rejected("envelope.body_digest", sender=manifest.sender)
    return Accepted(manifest, found.manifest_digest, found.manifest, found.sealed, is_duplicate=known is not None)


def open_body(accepted: Accepted, identities: Sequence[HybridIdentity]) -> bytes:
    """The body of an accepted envelope. See ``open_sealed``."""
    return open_sealed(accepted.sealed, accepted.manifest, identities)


def open_sealed(sealed: bytes, manifest: Manifest, identities: Sequence[HybridIdentity]) -> bytes:
    """The body that was sealed under ``manifest`` to one of our mailbox ``identities``.

    Raises ``Rejected``: ``envelope.mailbox_unknown`` (its private key is not, or no longer, among them), what
    ``age.decrypt`` raises, ``envelope.body_of_another`` (the body was sealed under another manifest: somebody passes
    it off as theirs), ``envelope.body_form`` (framing or padding).
    """
    named = [one for one in identities if key_id(one.recipient().public) == manifest.mailbox_key_id]
    if not named:
        raise Rejected("envelope.mailbox_unknown", key=manifest.mailbox_key_id)
    plain = age.decrypt(sealed, named)
    start = len(BODY_MAGIC) + _BINDING
    if not plain.startswith(BODY_MAGIC) or len(plain) < _INNER:
        raise Rejected("envelope.body_form", rule="framing")
    if plain[len(BODY_MAGIC) : start].hex() != manifest.binding():
        raise Rejected("envelope.body_of_another", sender=manifest.sender)
    length = int.from_bytes(plain[start:_INNER], "big")
    body = plain[_INNER : _INNER + length]
    if len(body) != length or len(plain) != padded_length(_INNER + length):
        raise Rejected("envelope.body_form", rule="length")
    if plain.count(0, _INNER + length) != len(plain) - _INNER - length:
        raise Rejected("envelope.body_form", rule="padding")
    return body


def _framed(body: bytes, manifest: Manifest) -> bytes:
    framed = BODY_MAGIC + bytes.fromhex(manifest.binding()) + len(body).to_bytes(_LENGTH, "big") + body
    return framed.ljust(padded_length(len(framed)), b"\0")


def _require_signature(
    signed: Signed,
    manifest: Manifest,
    *,
    card_of: Callable[[str], NodeCard | None],
    is_revoked: Callable[[str, str, datetime], bool],
    now: datetime,
) -> None:
    card = card_of(manifest.sender)
    if card is None:
        raise Rejected("envelope.sender_unknown", sender=manifest.sender)
    key = card.keys_by_id("node").get(manifest.node_key_id)
    if key is None:
        # The sender may have changed its key before its newer card came: the same bytes may be right in a minute.
        raise Unavailable("envelope.key_unknown", sender=manifest.sender, key=manifest.node_key_id)
    if not card.is_valid(key, manifest.created_at):
        raise Rejected("envelope.key_not_valid", sender=manifest.sender, key=key.key_id)
    # Asked for now, not for the time of creation: whoever stole the key also writes that time.
    if is_revoked(manifest.sender, key.key_id, now):
        raise Rejected("envelope.key_revoked", sender=manifest.sender, key=key.key_id)
    dsse.verify(signed, payload_type=Manifest.payload_type, keys={key.key_id: key.public_bytes})
