"""The kit's folder: the keys and cards of the two partners that it plays, and what must be remembered from run to run.

The keys stand there in clear, readable by their owner alone: they are partners for tests and may be enrolled at test nodes only.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

from tansiq.engine.envelopes import cards, words
from tansiq.engine.envelopes.age import HybridIdentity
from tansiq.engine.envelopes.cards import CardKey, Contact, NodeCard
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical, strict_json
from tansiq.engine.formats.ids import b64decode, b64encode
from tansiq.engine.formats.times import format_time, parse_time

Random = Callable[[int], bytes]
FILE: Final = "kit.json"
PLAYED: Final = ("zz-kit-a", "zz-kit-b")
"""The partners that the kit plays; ZZ is a code that ISO 3166 leaves to its users."""
LIFE: Final = timedelta(days=60)
_MAILBOX: Final = timedelta(days=30)
_EARLIER: Final = timedelta(hours=2)
_KEPT_KEYS: Final = 4


@dataclass(frozen=True, slots=True)
class TimedKey:
    """A signing key and since when the card names it."""

    signer: Ed25519Signer
    since: datetime

    def to_json(self) -> dict[str, str]:
        """A secret."""
        return {"seed": b64encode(self.signer.seed), "since": format_time(self.since)}

    @classmethod
    def from_json(cls, value: Any) -> TimedKey:
        """Read what ``to_json`` wrote."""
        return cls(Ed25519Signer(b64decode(value["seed"])), parse_time(value["since"]))


@dataclass(frozen=True)
class Identity:
    """One partner that the kit plays: its keys, the newest last, and the serial of its newest card."""

    node_id: str
    root: Ed25519Signer
    node_keys: tuple[TimedKey, ...]
    authority_keys: tuple[TimedKey, ...]
    mailboxes: tuple[HybridIdentity, ...]
    made_at: datetime
    serial: int = 1

    @classmethod
    def generate(cls, node_id: str, now: datetime, random: Random = os.urandom) -> Identity:
        """A new partner whose keys are valid from a little before ``now``."""
        made = [Ed25519Signer.generate(random) for _ in range(3)]
        keys = [TimedKey(one, now - _EARLIER) for one in made[1:]]
        mailboxes = tuple(HybridIdentity.generate(random) for _ in range(2))
        return cls(node_id, made[0], (keys[0],), (keys[1],), mailboxes, now)

    @property
    def node(self) -> Ed25519Signer:
        """The node key in use."""
        return self.node_keys[-1].signer

    @property
    def authority(self) -> Ed25519Signer:
        """The authority key in use."""
        return self.authority_keys[-1].signer

    def card(self, now: datetime, **changes: Any) -> Signed:
        """Its card, members replaced by ``changes``; it has no address, so it fetches."""
        begin, end = self.made_at - _EARLIER, self.made_at + LIFE
        signing = [
            *(CardKey.for_signer("node", key.signer, key.since, end) for key in self.node_keys),
            *(CardKey.for_signer("authority", key.signer, key.since, end) for key in self.authority_keys),
        ]
        sealing = [
            CardKey.for_recipient("mailbox", one.recipient(), begin + place * _MAILBOX, begin + (place + 1) * _MAILBOX)
            for place, one in enumerate(self.mailboxes)
        ]
        told: dict[str, Any] = {
            "node_id": self.node_id,
            "names": {"en": f"Conformance kit {self.node_id}", "ar": f"عدة المطابقة {self.node_id}"},
            "state": self.node_id[:2].upper(),
            "url": None,
            "serial": self.serial,
            "issued_at": now,
            "valid_until": end,
            "keys": (*signing, *sealing),
            "root_public": self.root.public,
            "contact": Contact(languages=("en",)),
        }
        return cards.sign_card(NodeCard(**(told | changes)), self.root)

    def fingerprint(self, language: str) -> str:
        """The words that are read aloud when it is enrolled."""
        return " ".join(words.spell(cards.fingerprint(self.root.public), language))

    def with_new_key(self, purpose: Literal["node", "authority"], signer: Ed25519Signer, since: datetime) -> Identity:
        """The same partner after a rotation; its next card names the old key beside the new one."""
        key = TimedKey(signer, since)
        if purpose == "node":
            return replace(self, node_keys=(*self.node_keys, key)[-_KEPT_KEYS:], serial=self.serial + 1)
        return replace(self, authority_keys=(*self.authority_keys, key)[-_KEPT_KEYS:], serial=self.serial + 1)

    def to_json(self) -> dict[str, Any]:
        """A secret."""
        return {
            "node_id": self.node_id,
            "root": b64encode(self.root.seed),
            "node_keys": [key.to_json() for key in self.node_keys],
            "authority_keys": [key.to_json() for key in self.authority_keys],
            "mailboxes": [one.to_text() for one in self.mailboxes],
            "made_at": format_time(self.made_at),
            "serial": self.serial,
        }

    @classmethod
    def from_json(cls, value: Any) -> Identity:
        """Read what ``to_json`` wrote."""
        return cls(
            node_id=value["node_id"],
            root=Ed25519Signer(b64decode(value["root"])),
            node_keys=tuple(TimedKey.from_json(one) for one in value["node_keys"]),
            authority_keys=tuple(TimedKey.from_json(one) for one in value["authority_keys"]),
            mailboxes=tuple(HybridIdentity.from_text(text) for text in value["mailboxes"]),
            made_at=parse_time(value["made_at"]),
            serial=value["serial"],
        )


@dataclass
class Kept:
    """What the kit remembers: who it plays, its last incarnation, and the accord that it proposed (entries in wire form)."""

    identities: dict[str, Identity]
    incarnation: int = 0
    accord: list[Any] = field(default_factory=list)

    @classmethod
    def prepare(cls, now: datetime, random: Random = os.urandom) -> Kept:
        """Two new partners."""
        return cls({name: Identity.generate(name, now, random) for name in PLAYED})

    def save(self, folder: Path, now: datetime) -> None:
        """Write everything into ``folder``, and beside it the cards of ``now`` that are brought to the node under test."""
        folder.mkdir(parents=True, exist_ok=True)
        value = {
            "v": 1,
            "identities": [one.to_json() for one in self.identities.values()],
            "incarnation": self.incarnation,
            "accord": self.accord,
        }
        fresh = folder / f"{FILE}.new"
        fresh.touch(mode=0o600)
        fresh.write_bytes(canonical.dumps(value))
        fresh.rename(folder / FILE)
        for one in self.identities.values():
            card_file(folder, one.node_id).write_bytes(canonical.dumps(one.card(now).to_json()))

    @classmethod
    def load(cls, folder: Path) -> Kept:
        """What ``save`` wrote; raises Rejected("conformance.no_kit") where nothing was prepared."""
        path = folder / FILE
        if not path.exists():
            raise Rejected("conformance.no_kit", at=str(folder))
        value: Any = strict_json.loads(path.read_bytes())
        identities = [Identity.from_json(one) for one in value["identities"]]
        return cls({one.node_id: one for one in identities}, value["incarnation"], value["accord"])


def card_file(folder: Path, node_id: str) -> Path:
    """Where the card of a played partner lies."""
    return folder / f"{node_id}.card.json"
