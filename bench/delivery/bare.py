"""The bare cost: the cryptography and the durable writes that the same entries need at least, with nothing around them."""

from __future__ import annotations

import os
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tansiq.engine.envelopes import age, sealing
from tansiq.engine.envelopes.cards import CardKey, Contact, NodeCard
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.formats.ids import new_id


def _card(signer: Ed25519Signer, start: datetime, end: datetime) -> NodeCard:
    return NodeCard(
        node_id="fr",
        names={"en": "Bench"},
        state="FR",
        serial=1,
        issued_at=start,
        valid_until=end,
        root_public=bytes(32),
        keys=(CardKey.for_signer("node", signer, start, end),),
        contact=Contact(languages=("en",)),
    )


def _store(path: Path) -> sqlite3.Connection:
    store = sqlite3.connect(path, isolation_level=None)
    store.execute("PRAGMA journal_mode=WAL")
    store.execute("PRAGMA synchronous=FULL")
    store.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, raw BLOB)")
    return store


def cost(folder: Path, count: int, *, size: int, together: int) -> tuple[float, float]:
    """Entries per second, and milliseconds of processor time each, of the least that must happen to ``count`` entries.

    Each is signed and committed on disk here; ``together`` of them are sealed into an envelope, accepted, opened, receipted, verified,
    and committed on disk there. One process does it all.
    """
    now = datetime.now(UTC)
    signer, mailbox = Ed25519Signer.generate(), age.HybridIdentity.generate()
    start, end = now - timedelta(days=1), now + timedelta(days=30)
    card, stores = _card(signer, start, end), [_store(folder / f"{side}.sqlite3") for side in ("here", "there")]
    body = os.urandom(size)
    previous: str | None = None
    begin, spent = time.monotonic(), time.process_time()
    for sequence in range(1, count // together + 1):
        for _ in range(together):
            signer.sign(body)
            stores[0].execute("INSERT INTO entry (raw) VALUES (?)", (body,))
        sealed = sealing.seal(
            body * together,
            envelope_id=new_id(now, os.urandom),
            sender="fr",
            recipient="ma",
            incarnation=1,
            sequence=sequence,
            previous_manifest_digest=previous,
            created_at=now,
            expires_at=end,
            mailbox=mailbox.recipient(),
            node_signer=signer,
        )
        previous = sealed.manifest_digest
        stores[0].execute("INSERT INTO entry (raw) VALUES (?)", (sealed.to_bytes(),))
        accepted = sealing.accept(
            sealed.to_bytes(),
            me="ma",
            card_of=lambda _: card,
            is_revoked=lambda *_: False,
            seen=lambda *_: None,
            now=now,
        )
        stores[1].execute("INSERT INTO entry (raw) VALUES (?)", (accepted.sealed,))
        opened = sealing.open_body(accepted, [mailbox])
        stores[1].execute("BEGIN")
        for at in range(together):
            piece = opened[at * size : (at + 1) * size]
            stores[1].execute("INSERT INTO entry (raw) VALUES (?)", (piece,))
            signer.sign(piece)
        stores[1].execute("COMMIT")
        signer.sign(body)
    return count / (time.monotonic() - begin), (time.process_time() - spent) / count * 1000
