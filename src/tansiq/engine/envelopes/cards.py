"""Node cards: which keys a node has, from when to when, under one root key that stays offline.

A card is enrolled in person: its file is brought, its root key is compared as words (``fingerprint``, ``words``) and
pinned. From then on a newer card under the same root replaces an older one (``supersedes``). Keys of the past stay in
past cards, so old signatures verify; a key's time is half open, ``[valid_from, valid_to)``, and ends with the card
that names it at the latest. Mailbox keys are short-lived and published ahead (``rotation``). What went wrong with a
key is told by a ``Revocation`` (``revocations``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, ClassVar, Final, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field

from tansiq.engine.envelopes import dsse
from tansiq.engine.envelopes.age import HybridRecipient
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.records import Counter, Flat, Instant, Key32, KeyId, NodeId, Record, SignedRecord
from tansiq.engine.envelopes.revocations import LastGood, Revocation, open_revocation, sign_revocation
from tansiq.engine.envelopes.signing import Signer, is_sound, key_id
from tansiq.engine.envelopes.words import FINGERPRINT_LENGTH
from tansiq.engine.errors import Rejected, Unavailable
from tansiq.engine.formats.ids import b64decode, b64encode
from tansiq.engine.formats.json_values import pointer
from tansiq.engine.formats.times import format_time

__all__ = [
    "MAX_MAILBOX_LIFE",
    "CardKey",
    "Contact",
    "LastGood",
    "NodeCard",
    "Purpose",
    "Revocation",
    "fingerprint",
    "open_card",
    "open_revocation",
    "sign_card",
    "sign_revocation",
    "supersedes",
]

Purpose: TypeAlias = Literal["node", "authority", "mailbox", "archive"]
Language: TypeAlias = Literal["ar", "fr", "en", "it", "fa"]

MAX_KEYS: Final = 64
MAX_MAILBOX_LIFE: Final = timedelta(days=45)
"""The longest that one mailbox key may be sealed to: store-and-forward has no forward secrecy beyond this window."""
_SEALING: Final = frozenset({"mailbox", "archive"})
_DEMANDED: Final = ("node", "authority", "mailbox")


class CardKey(Record):
    """One public key: ``node`` and ``authority`` sign (Ed25519, base64), ``mailbox`` and ``archive`` are sealed to."""

    purpose: Purpose
    key_id: KeyId
    public: Annotated[str, Field(min_length=1, max_length=2048)]
    valid_from: Instant
    valid_to: Instant

    @classmethod
    def for_signer(cls, purpose: Purpose, signer: Signer, valid_from: datetime, valid_to: datetime) -> Self:
        """The entry of a signing key."""
        public = b64encode(signer.public)
        return cls(purpose=purpose, key_id=signer.key_id, public=public, valid_from=valid_from, valid_to=valid_to)

    @classmethod
    def for_recipient(
        cls, purpose: Purpose, recipient: HybridRecipient, valid_from: datetime, valid_to: datetime
    ) -> Self:
        """The entry of a sealing key; its text is the ``age1pq1…`` that every age program takes."""
        return cls(
            purpose=purpose,
            key_id=key_id(recipient.public),
            public=recipient.to_text(),
            valid_from=valid_from,
            valid_to=valid_to,
        )

    @property
    def public_bytes(self) -> bytes:
        """The raw public key: 32 bytes to verify with, 1216 to seal to."""
        return self.recipient().public if self.purpose in _SEALING else b64decode(self.public)

    def recipient(self) -> HybridRecipient:
        """The key as one to seal to; ``Rejected("age.key_text")`` when it is none."""
        return _recipient(self.public)


_Phone = Annotated[str, Field(pattern=r"^[+0-9][0-9 ()/.-]{2,39}$")]
_Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=200)]
_NoneWhenEmpty: Final = BeforeValidator(lambda value: None if value == "" else value)


class Contact(Record):
    """Whom to call: a number that is answered at any hour, a mailbox of people, the languages they speak (ISO 639)."""

    phone: Annotated[_Phone | None, _NoneWhenEmpty] = Field(alias="phone_24_7", default=None)
    email: Annotated[_Email | None, _NoneWhenEmpty] = None
    languages: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")], ...], Field(min_length=1, max_length=20), Flat
    ]


class NodeCard(SignedRecord):
    """What a node says of itself, signed by its root key.

    ``state`` is ISO 3166-1 alpha-2, the node id begins with it.
    """

    payload_type: ClassVar[str] = "application/vnd.tansiq.card+json"

    v: Literal[1] = 1
    node_id: NodeId
    names: Annotated[
        dict[Language, Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1, max_length=5)
    ]
    state: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    url: Annotated[
        str | None, Field(pattern=r"^https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?$", max_length=300)
    ] = None
    serial: Counter
    issued_at: Instant
    valid_until: Instant
    keys: Annotated[tuple[CardKey, ...], Field(min_length=1, max_length=MAX_KEYS), Flat]
    root_public: Key32 = Field(alias="root_key")
    contact: Contact

    def keys_by_id(self, purpose: Purpose) -> dict[str, CardKey]:
        """The keys of ``purpose`` by their ids, whatever their time."""
        return {key.key_id: key for key in self.keys if key.purpose == purpose}

    def is_valid(self, key: CardKey, at: datetime) -> bool:
        """Whether ``key``, one of this card, may be used at ``at``."""
        return key.valid_from <= at < min(key.valid_to, self.valid_until)

    def key_for(self, purpose: Purpose, at: datetime) -> CardKey:
        """The key to use at ``at``: of those valid then, the one that became so last.

        Raises ``Unavailable("card.no_key", node=…, purpose=…)``: a newer card is needed.
        """
        valid = [key for key in self.keys if key.purpose == purpose and self.is_valid(key, at)]
        if not valid:
            raise Unavailable("card.no_key", node=self.node_id, purpose=purpose, time=format_time(at))
        return max(valid, key=lambda key: (key.valid_from, key.valid_to, key.key_id))


def sign_card(card: NodeCard, root: Signer) -> Signed:
    """The card under its root key; raises as ``open_card`` for a card that could not be opened."""
    if root.public != card.root_public:
        raise ValueError("not the root key of this card")
    _require_sound(card)
    return card.signed_by(root)


def open_card(signed: Signed, *, pinned_root: bytes | None) -> NodeCard:
    """The card, when its own root key signed it and, once a root was pinned, when that is the pinned one.

    With ``pinned_root=None`` nothing is proved but that the card is whole: whoever enrols it compares ``fingerprint``.
    Raises ``Rejected``: ``card.other_root``, what ``dsse.verify`` and ``Record.from_bytes`` raise, and ``card.…`` for
    each rule of ``_require_sound``.
    """
    card = NodeCard.from_bytes(signed.payload)
    if pinned_root is not None and card.root_public != pinned_root:
        raise Rejected("card.other_root", node=card.node_id)
    if not is_sound(card.root_public):
        raise Rejected("card.key_unsound", at="/root_key")
    root = {key_id(card.root_public): card.root_public}
    dsse.verify(signed, payload_type=NodeCard.payload_type, keys=root)
    _require_sound(card)
    return card


def fingerprint(root_public: bytes) -> bytes:
    """What two people compare before a root key is pinned: fourteen bytes, spelled by ``words``."""
    return hashlib.sha256(b"tansiq root fingerprint v1\n" + root_public).digest()[:FINGERPRINT_LENGTH]


def supersedes(old: NodeCard, new: NodeCard) -> None:
    """Return when ``new`` may stand in the place of ``old``; both were opened under the pinned root.

    Raises ``Rejected``: ``card.other_node``, ``card.other_root``, ``card.not_newer`` (serial or issue time not later),
    or ``card.key_changed``: a key that both name got another purpose or another beginning. Earlier, and a signature of
    the past would change its meaning; later, and what is still on its way under the key would be refused.
    """
    if new.node_id != old.node_id:
        raise Rejected("card.other_node", node=new.node_id, known=old.node_id)
    if new.root_public != old.root_public:
        raise Rejected("card.other_root", node=new.node_id)
    if new.serial <= old.serial or new.issued_at < old.issued_at:
        raise Rejected("card.not_newer", node=new.node_id, serial=new.serial, known=old.serial)
    known = {key.key_id: key for key in old.keys}
    for place, key in enumerate(new.keys):
        before = known.get(key.key_id)
        if before and _meaning(key) != _meaning(before):
            raise Rejected("card.key_changed", at=pointer("/keys", place))


def _meaning(key: CardKey) -> tuple[str, str, datetime]:
    return key.purpose, key.public, key.valid_from


def _require_sound(card: NodeCard) -> None:
    """Every rule of a card that is about several of its members at once, or about a key."""
    if card.state.lower() != card.node_id[:2]:
        raise Rejected("card.state_differs", at="/state")
    if card.issued_at >= card.valid_until:
        raise Rejected("card.times_reversed", at="/valid_until")
    for place, key in enumerate(card.keys):
        _require_sound_key(key, pointer("/keys", place))
    publics = [card.root_public, *_publics(card)]
    if len(set(publics)) != len(publics):
        raise Rejected("card.key_twice", at="/keys")
    for purpose in _DEMANDED:
        if not any(key.purpose == purpose and card.is_valid(key, card.issued_at) for key in card.keys):
            raise Rejected("card.key_missing", at="/keys", purpose=purpose)


def _publics(card: NodeCard) -> Iterator[bytes]:
    return (key.public_bytes for key in card.keys)


def _require_sound_key(key: CardKey, at: str) -> None:
    if key.valid_from >= key.valid_to:
        raise Rejected("card.times_reversed", at=pointer(at, "valid_to"))
    if key.purpose == "mailbox" and key.valid_to - key.valid_from > MAX_MAILBOX_LIFE:
        raise Rejected("card.mailbox_too_long", at=pointer(at, "valid_to"), days=MAX_MAILBOX_LIFE.days)
    try:
        public = key.public_bytes
    except Rejected:
        raise Rejected("card.key_unsound", at=pointer(at, "public")) from None
    if key.purpose not in _SEALING and not is_sound(public):
        raise Rejected("card.key_unsound", at=pointer(at, "public"))
    if key.key_id != key_id(public):
        raise Rejected("card.key_misnamed", at=pointer(at, "key_id"))


@lru_cache(maxsize=256)
def _recipient(text: str) -> HybridRecipient:
    """Public keys only; a card is opened for every envelope, and its long keys need not be read again each time."""
    return HybridRecipient.from_text(text)
