"""One partner, played: it seals and numbers envelopes, opens what was sealed to it, signs receipts and requests.

Everything that it makes is right unless it is told otherwise: a hostile partner is the same player with members of a manifest,
a receipt or a request replaced.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from tansiq.conformance.keeping import Identity, Random
from tansiq.engine.envelopes import bodies, dsse, receipts, sealing
from tansiq.engine.envelopes.age import HybridRecipient
from tansiq.engine.envelopes.bodies import Item
from tansiq.engine.envelopes.cards import LastGood, NodeCard, Revocation, sign_revocation
from tansiq.engine.envelopes.manifest import Manifest
from tansiq.engine.envelopes.sealing import Accepted, Sealed
from tansiq.engine.envelopes.sequences import Outbound
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.formats import canonical
from tansiq.engine.formats.ids import b64encode, new_id
from tansiq.engine.formats.times import format_time

LIFE: Final = timedelta(days=29)
PULL_TYPE: Final = "application/vnd.tansiq.pull+json"
_PLACE: Final = frozenset({"sequence", "incarnation", "envelope_id", "sender", "recipient", "previous_manifest_digest"})


@dataclass
class Player:
    """A partner of the node whose card is ``target``; ``came`` holds every item that the node has sent it in this run."""

    who: Identity
    target: NodeCard
    outbound: Outbound
    random: Random = os.urandom
    came: list[Item] = field(default_factory=list)
    opened: dict[str, Accepted] = field(default_factory=dict)
    shown: str = ""
    """The newest checkpoint of the node's exchange log that it has seen."""

    def seal(self, items: tuple[Item, ...], now: datetime, *, body: bytes | None = None, **changes: Any) -> Sealed:
        """The next envelope for the node; with ``changes`` to what is sealed and signed, whatever they say."""
        place = self.outbound.next()
        mailbox = HybridRecipient.from_text(self.target.key_for("mailbox", now).public)
        told: dict[str, Any] = {
            "envelope_id": new_id(now, self.random),
            "sender": self.who.node_id,
            "recipient": self.target.node_id,
            "incarnation": place.incarnation,
            "sequence": place.sequence,
            "previous_manifest_digest": place.previous_manifest_digest,
            "created_at": now,
            "expires_at": now + LIFE,
            "mailbox": mailbox,
            "node_signer": self.who.node,
            "random": self.random,
        }
        return sealing.seal(bodies.Body(items).to_bytes() if body is None else body, **(told | changes))

    def sent(self, sealed: Sealed) -> None:
        """The envelope took its number: the next one comes after it."""
        manifest = sealed.opened_manifest
        place = self.outbound.next()
        if (manifest.sequence, manifest.incarnation) == (place.sequence, place.incarnation):
            self.outbound = self.outbound.sent(sealed.manifest_digest)

    def skip(self, now: datetime) -> Sealed:
        """An envelope that takes its number and is not sent: a gap, until somebody sends it."""
        sealed = self.seal((), now)
        self.sent(sealed)
        return sealed

    def signed_again(self, sealed: Sealed, signer: Ed25519Signer | None = None, **members: Any) -> Sealed:
        """The envelope with ``members`` of its manifest replaced or (None) taken away, as JSON, and signed anew."""
        value: dict[str, Any] = {**sealed.opened_manifest.to_json(), **members}
        left = {name: one for name, one in value.items() if name not in members or one is not ...}
        signed = dsse.sign(Manifest.payload_type, canonical.dumps(left), [signer or self.who.node])
        return Sealed(signed, sealed.sealed)

    def open(self, raw: bytes, now: datetime) -> Accepted:
        """Accept and open an envelope of the node as a second implementation would; raises ``TansiqError`` as the engine does."""
        accepted = sealing.accept(
            raw,
            me=self.who.node_id,
            card_of={self.target.node_id: self.target}.get,
            is_revoked=lambda _node, _key, _at: False,
            seen=lambda _sender, _envelope: None,
            now=now,
        )
        if accepted.manifest.envelope_id not in self.opened:
            body = bodies.Body.from_bytes(sealing.open_body(accepted, self.who.mailboxes))
            self.opened[accepted.manifest.envelope_id] = accepted
            self.came.extend(body.items)
            self.shown = body.checkpoint or self.shown
        return accepted

    def receipt(
        self, manifest: Manifest, now: datetime, *, signer: Ed25519Signer | None = None, **changes: Any
    ) -> bytes:
        """The receipt for an envelope of the node, members replaced by ``changes``."""
        told: dict[str, Any] = {
            "envelope_id": manifest.envelope_id,
            "manifest_digest": manifest.digest(),
            "sender": self.who.node_id,
            "recipient": manifest.sender,
            "status": "accepted",
            "received_at": now,
        }
        made = receipts.Receipt(**(told | changes))
        return canonical.dumps(made.signed_by(signer or self.who.node).to_json())

    def request(
        self,
        now: datetime,
        *,
        type_: str = PULL_TYPE,
        sender: str | None = None,
        signer: Ed25519Signer | None = None,
        **members: Any,
    ) -> bytes:
        """A signed request to the node: to fetch, or (with another type and members) for a blob."""
        payload = {
            "v": 1,
            "from": sender or self.who.node_id,
            "to": self.target.node_id,
            "at": format_time(now),
            "nonce": b64encode(self.random(12)),
        }
        return canonical.dumps(
            dsse.sign(type_, canonical.dumps(payload | members), [signer or self.who.node]).to_json()
        )

    def revocation(
        self, key_id: str, now: datetime, last_good: dict[str, tuple[str | None, int]] | None = None
    ) -> Item:
        """The item that tells the node of a revoked key; ``last_good`` is {dossier: (entry, sequence)}."""
        told = Revocation(
            node_id=self.who.node_id,
            key_id=key_id,
            from_time=now,
            issued_at=now,
            reason="compromised",
            recipient=self.target.node_id,
            last_good={name: LastGood(entry=entry, sequence=seq) for name, (entry, seq) in (last_good or {}).items()},
        )
        return Item("revocation", sign_revocation(told, self.who.root).to_json())
