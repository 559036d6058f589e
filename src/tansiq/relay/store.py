"""Everything a relay keeps, and so everything it knows. Plain SQLite, durable before an answer leaves.

Nothing here is about a case: envelopes are sealed, and a receipt that passes a relay names no dossier.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tansiq.engine.envelopes.cards import NodeCard, open_card
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.sealing import Accepted
from tansiq.engine.formats.ids import b64decode, b64encode
from tansiq.engine.formats.times import format_time

SCHEMA = """
CREATE TABLE IF NOT EXISTS node (
    node_id TEXT PRIMARY KEY, root TEXT NOT NULL, card TEXT NOT NULL, serial INTEGER NOT NULL, is_active INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS envelope (
    sender TEXT NOT NULL, envelope_id TEXT NOT NULL, recipient TEXT NOT NULL, manifest_digest TEXT NOT NULL,
    size INTEGER NOT NULL, stored_at TEXT NOT NULL, expires_at TEXT NOT NULL, word TEXT NOT NULL, raw BLOB,
    PRIMARY KEY (sender, envelope_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS waiting ON envelope (recipient, stored_at) WHERE raw IS NOT NULL;
CREATE INDEX IF NOT EXISTS ending ON envelope (expires_at);
CREATE TABLE IF NOT EXISTS receipt (
    number INTEGER PRIMARY KEY AUTOINCREMENT, recipient TEXT NOT NULL, sender TEXT NOT NULL, envelope_id TEXT NOT NULL,
    receipt TEXT NOT NULL, came_at TEXT NOT NULL, UNIQUE (recipient, sender, envelope_id));
"""
"""``envelope.sender`` wrote it; ``receipt.recipient`` had written the envelope that is receipted."""


@dataclass(frozen=True, slots=True)
class Held:
    """What is kept of an envelope beside its bytes."""

    recipient: str
    manifest_digest: str
    word: dict[str, Any]
    is_waiting: bool


class Store:
    """The file of one relay. One connection behind a lock: the work is a row read or written, and a disk that is slow."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=20)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    # -- nodes ---------------------------------------------------------------------------------------------------------

    def put_node(self, card: NodeCard, signed: Signed) -> None:
        """Enrol a node, or take its newer card."""
        told = (card.node_id, b64encode(card.root_public), json.dumps(signed.to_json()), card.serial)
        with self._transaction() as db:
            db.execute(
                "INSERT INTO node (node_id, root, card, serial) VALUES (?, ?, ?, ?) ON CONFLICT (node_id) DO UPDATE"
                " SET card = excluded.card, serial = excluded.serial, is_active = 1",
                told,
            )

    def stop_node(self, node_id: str) -> bool:
        """Take nothing from a node and give it nothing any more; False for one that is not enrolled."""
        with self._transaction() as db:
            return bool(db.execute("UPDATE node SET is_active = 0 WHERE node_id = ?", (node_id,)).rowcount)

    def card_of(self, node_id: str) -> NodeCard | None:
        """The newest card of an enrolled node, verified under its pinned root; None for anybody else."""
        rows = self._rows("SELECT card, root FROM node WHERE node_id = ? AND is_active = 1", node_id)
        if not rows:
            return None
        return open_card(Signed.from_json(json.loads(rows[0][0])), pinned_root=b64decode(rows[0][1]))

    def root_of(self, node_id: str) -> bytes | None:
        """The root key that was pinned when a node was enrolled, whether it is served or not."""
        rows = self._rows("SELECT root FROM node WHERE node_id = ?", node_id)
        return b64decode(rows[0][0]) if rows else None

    def nodes(self) -> list[tuple[str, int, bool]]:
        """Every node: id, serial of its card, whether it is served."""
        return [(n, s, bool(a)) for n, s, a in self._rows("SELECT node_id, serial, is_active FROM node ORDER BY 1")]

    # -- envelopes -----------------------------------------------------------------------------------------------------

    def held(self, sender: str, envelope_id: str) -> Held | None:
        """What is kept of an envelope; None if it never came."""
        rows = self._rows(
            "SELECT recipient, manifest_digest, word, raw IS NOT NULL FROM envelope WHERE sender = ? AND envelope_id = ?",
            sender,
            envelope_id,
        )
        return Held(rows[0][0], rows[0][1], json.loads(rows[0][2]), bool(rows[0][3])) if rows else None

    def waiting_from(self, sender: str) -> tuple[int, int]:
        """How many envelopes of a sender wait, and their bytes."""
        sql = "SELECT count(*), coalesce(sum(size), 0) FROM envelope WHERE sender = ? AND raw IS NOT NULL"
        ((count, size),) = self._rows(sql, sender)
        return count, size

    def put_envelope(self, accepted: Accepted, raw: bytes, word: dict[str, Any], now: datetime) -> dict[str, Any]:
        """Keep an envelope; whoever came first with this id keeps its word."""
        manifest = accepted.manifest
        told = (
            manifest.sender,
            manifest.envelope_id,
            manifest.recipient,
            accepted.manifest_digest,
            len(raw),
            format_time(now),
            format_time(manifest.expires_at),
            json.dumps(word),
            raw,
        )
        with self._transaction() as db:
            db.execute(
                "INSERT INTO envelope (sender, envelope_id, recipient, manifest_digest, size, stored_at, expires_at, word, raw)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                told,
            )
        kept = self.held(manifest.sender, manifest.envelope_id)
        assert kept is not None
        return kept.word

    def waiting_for(self, recipient: str, *, skip: int, limit: int) -> Iterator[bytes]:
        """The oldest envelopes that wait for a node."""
        sql = "SELECT raw FROM envelope WHERE recipient = ? AND raw IS NOT NULL ORDER BY stored_at, sender, envelope_id LIMIT ? OFFSET ?"
        return (bytes(raw) for (raw,) in self._rows(sql, recipient, limit, skip))

    def put_receipt(
        self, *, sender: str, envelope_id: str, recipient: str, receipt: dict[str, Any], now: datetime
    ) -> None:
        """Keep a receipt for whoever wrote the envelope, and let the envelope's bytes go, in one transaction."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO receipt (recipient, sender, envelope_id, receipt, came_at) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (recipient, sender, envelope_id, json.dumps(receipt), format_time(now)),
            )
            db.execute("UPDATE envelope SET raw = NULL WHERE sender = ? AND envelope_id = ?", (recipient, envelope_id))

    def receipts_for(self, recipient: str, *, after: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """Receipts that came back for a node since number ``after``, in order."""
        sql = "SELECT number, receipt FROM receipt WHERE recipient = ? AND number > ? ORDER BY number LIMIT ?"
        return [(number, json.loads(told)) for number, told in self._rows(sql, recipient, after, limit)]

    def forget(self, *, now: datetime, receipts_before: datetime) -> tuple[int, int]:
        """Remove what expired and receipts that are old; returns how many of each."""
        with self._transaction() as db:
            gone = db.execute("DELETE FROM envelope WHERE expires_at <= ?", (format_time(now),)).rowcount
            old = db.execute("DELETE FROM receipt WHERE came_at < ?", (format_time(receipts_before),)).rowcount
        return gone, old

    def counts(self) -> list[tuple[str, int, int, str]]:
        """For each recipient: how many envelopes wait, their bytes, and since when."""
        sql = "SELECT recipient, count(*), sum(size), min(stored_at) FROM envelope WHERE raw IS NOT NULL GROUP BY 1 ORDER BY 1"
        return [(who, count, size, since) for who, count, size, since in self._rows(sql)]
