"""What a relay does: take an envelope, give what waits, take a receipt, give it back. Every answer after the row that it speaks of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from tansiq.engine.envelopes import receipts, sealing
from tansiq.engine.envelopes.cards import open_card, supersedes
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.relaying import TOLD_TYPE, framed, sign_relayed
from tansiq.engine.envelopes.requests import PULL_TYPE, open_request
from tansiq.engine.envelopes.sealing import Sealed
from tansiq.engine.envelopes.signing import Signer
from tansiq.engine.errors import Rejected, Unavailable
from tansiq.engine.formats import canonical, strict_json
from tansiq.relay.store import Store

MAX_WAITING: Final = 5_000
"""Envelopes of one sender that may wait, and their bytes: whoever sends without end fills its own share, nobody else's."""
MAX_BYTES: Final = 2 * 1024**3
GIVEN: Final = 20
GIVEN_BYTES: Final = 16 * 1024 * 1024
RECEIPTS: Final = 200
KEEP_RECEIPTS: Final = timedelta(days=30)


class Relay:
    """One relay: its id, its key, and its store."""

    def __init__(self, relay_id: str, signer: Signer, store: Store) -> None:
        self.relay_id, self.signer, self.store = relay_id, signer, store

    def take(self, raw: bytes, now: datetime) -> dict[str, Any]:
        """Keep an envelope for its recipient; returns the signed word that says so, the same for the same envelope.

        Raises what ``sealing.accept`` raises, Rejected("relay.recipient_unknown") and Unavailable("relay.full").
        """
        manifest = Sealed.from_bytes(raw).opened_manifest
        accepted = sealing.accept(
            raw,
            me=manifest.recipient,
            card_of=self.store.card_of,
            is_revoked=lambda _node, _key, _at: False,  # revocations are the recipient's to know; it checks again
            seen=self._digest_of,
            now=now,
        )
        known = self.store.held(manifest.sender, manifest.envelope_id)
        if known is not None:
            return known.word
        if self.store.card_of(manifest.recipient) is None:
            raise Rejected("relay.recipient_unknown", node=manifest.recipient)
        count, size = self.store.waiting_from(manifest.sender)
        if count >= MAX_WAITING or size + len(raw) > MAX_BYTES:
            raise Unavailable("relay.full", count=count, size=size)
        word = sign_relayed(manifest, relay=self.relay_id, signer=self.signer, now=now)
        return self.store.put_envelope(accepted, raw, word, now)

    def take_card(self, raw: bytes) -> None:
        """Take a newer card that a served node brings itself; its pinned root must have signed it.

        Raises Rejected("envelope.sender_unknown") for a stranger, and what ``open_card`` and ``supersedes`` raise.
        """
        value = strict_json.loads(raw)
        signed = Signed.from_json(value)
        claimed = open_card(signed, pinned_root=None)
        known = self.store.card_of(claimed.node_id)
        if known is None:
            raise Rejected("envelope.sender_unknown", sender=claimed.node_id)
        card = open_card(signed, pinned_root=known.root_public)
        if card.serial != known.serial:
            supersedes(known, card)
            self.store.put_node(card, signed)

    def give(self, raw: bytes, now: datetime) -> bytes:
        """The framed envelopes that wait for whoever asks, but the first ``skip``; they wait until they are receipted."""
        asked = self._proved(raw, PULL_TYPE, now)
        asker, skip = str(asked["from"]), asked.get("skip", 0)
        if not isinstance(skip, int) or not 0 <= skip <= MAX_WAITING:
            raise Rejected("relay.after", at="/skip")
        given: list[bytes] = []
        for one in self.store.waiting_for(asker, skip=skip, limit=GIVEN):
            if given and sum(map(len, given)) + len(one) > GIVEN_BYTES:
                break
            given.append(one)
        return framed(given)

    def take_receipt(self, raw: bytes, now: datetime) -> None:
        """Keep the receipt of an envelope that was fetched here, for whoever wrote it.

        Raises Rejected("relay.no_such_envelope") for one that never lay here, and what ``receipts.open_receipt`` raises.
        """
        value = strict_json.loads(raw)
        if not isinstance(value, dict):
            raise Rejected("relay.no_such_envelope")
        signed = Signed.from_json(value)
        claimed = strict_json.loads(signed.payload)
        told = claimed if isinstance(claimed, dict) else {}
        writer, signs = str(told.get("recipient", "")), str(told.get("sender", ""))
        receipt = receipts.open_receipt(signed, keys=self._node_keys(signs, now), me=writer)
        held = self.store.held(writer, receipt.envelope_id)
        if held is None or (held.recipient, held.manifest_digest) != (receipt.sender, receipt.manifest_digest):
            raise Rejected("relay.no_such_envelope", envelope=receipt.envelope_id)
        if receipt.heads:
            raise Rejected("relay.receipt_tells_too_much", at="/heads")
        self.store.put_receipt(
            sender=receipt.sender, envelope_id=receipt.envelope_id, recipient=writer, receipt=value, now=now
        )

    def give_receipts(self, raw: bytes, now: datetime) -> bytes:
        """The framed receipts for whoever asks, after the number it names; each ``{"number", "receipt"}``."""
        told = self._proved(raw, TOLD_TYPE, now)
        after = told.get("after")
        if not isinstance(after, int) or after < 0:
            raise Rejected("relay.after", at="/after")
        found = self.store.receipts_for(str(told["from"]), after=after, limit=RECEIPTS)
        return framed(canonical.dumps({"number": number, "receipt": receipt}) for number, receipt in found)

    def forget(self, now: datetime) -> tuple[int, int]:
        """Remove what expired."""
        return self.store.forget(now=now, receipts_before=now - KEEP_RECEIPTS)

    def _digest_of(self, sender: str, envelope_id: str) -> str | None:
        held = self.store.held(sender, envelope_id)
        return held.manifest_digest if held else None

    def _proved(self, raw: bytes, type_: str, now: datetime) -> dict[str, Any]:
        return open_request(raw, type_, me=self.relay_id, keys_of=lambda node: self._node_keys(node, now), now=now)

    def _node_keys(self, node_id: str, now: datetime) -> dict[str, bytes]:
        card = self.store.card_of(node_id)
        if card is None:
            return {}
        named = card.keys_by_id("node")
        return {name: key.public_bytes for name, key in named.items() if card.is_valid(key, now)}
