"""A small world: three nodes with keys, cards and a clock that stands still."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from tansiq.engine.envelopes import sealing
from tansiq.engine.envelopes.age import HybridIdentity
from tansiq.engine.envelopes.cards import CardKey, Contact, NodeCard, sign_card
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.sealing import Accepted, Sealed
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.formats.ids import new_id

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def repeatable(seed: str) -> Callable[[int], bytes]:
    """Random bytes that are the same in every run."""
    numbers = count()
    return lambda size: hashlib.shake_256(f"{seed} {next(numbers)}".encode()).digest(size)


@dataclass(frozen=True)
class Node:
    """One node with every private key that it has."""

    node_id: str
    root: Ed25519Signer
    node: Ed25519Signer
    authority: Ed25519Signer
    mailbox: HybridIdentity
    next_mailbox: HybridIdentity
    archive: HybridIdentity

    @property
    def card(self) -> NodeCard:
        return make_card(self)

    @property
    def signed_card(self) -> Signed:
        return sign_card(self.card, self.root)


def make_node(node_id: str) -> Node:
    random = repeatable(node_id)
    signers = [Ed25519Signer.generate(random) for _ in range(3)]
    identities = [HybridIdentity.generate(random) for _ in range(3)]
    return Node(node_id, *signers, *identities)  # type: ignore[misc, arg-type]


def make_card(node: Node, **changes: Any) -> NodeCard:
    """The card of ``node``, its members replaced by ``changes``."""
    start, end = NOW - DAY, NOW + 400 * DAY
    turn = NOW + 29 * DAY
    keys = (
        CardKey.for_signer("node", node.node, start, end),
        CardKey.for_signer("authority", node.authority, start, end),
        CardKey.for_recipient("mailbox", node.mailbox.recipient(), start, turn),
        CardKey.for_recipient("mailbox", node.next_mailbox.recipient(), turn, turn + 30 * DAY),
        CardKey.for_recipient("archive", node.archive.recipient(), start, end),
    )
    members: dict[str, Any] = {
        "node_id": node.node_id,
        "names": {"ar": "عقدة", "en": f"Node {node.node_id}"},
        "state": node.node_id[:2].upper(),
        "url": "https://node.example:8443/tansiq",
        "serial": 1,
        "issued_at": NOW - DAY,
        "valid_until": end,
        "keys": keys,
        "root_public": node.root.public,
        "contact": Contact(phone="+33 1 23 45 67 89", email="desk@node.example", languages=("ar", "fr")),
    }
    return NodeCard(**(members | changes))


FRANCE, MOROCCO, ITALY = make_node("fr"), make_node("ma-dgsn"), make_node("it")
CARDS = {node.node_id: node.card for node in (FRANCE, MOROCCO, ITALY)}


def seal(body: bytes = b"{}", **changes: Any) -> Sealed:
    """An envelope from France to Morocco."""
    told: dict[str, Any] = {
        "envelope_id": new_id(NOW, repeatable("envelope")),
        "sender": "fr",
        "recipient": "ma-dgsn",
        "incarnation": 1,
        "sequence": 1,
        "previous_manifest_digest": None,
        "created_at": NOW,
        "expires_at": NOW + 30 * DAY,
        "mailbox": MOROCCO.mailbox.recipient(),
        "node_signer": FRANCE.node,
    }
    return sealing.seal(body, **(told | changes))


def accept(raw: bytes, **changes: Any) -> Accepted:
    """Morocco accepts, knowing the three cards and having seen nothing."""
    given: dict[str, Any] = {
        "me": "ma-dgsn",
        "card_of": CARDS.get,
        "is_revoked": lambda node, key, at: False,
        "seen": lambda sender, envelope: None,
        "now": NOW,
    }
    return sealing.accept(raw, **(given | changes))
