"""What can be done with the rows of a list without looking at the register: digests, sealing, ids for what may be new.

It runs in the importing process or in several beside it (``import_pool``): it needs no database, no settings and, of
all keys of the node, only the one under which columns are sealed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final
from uuid import UUID

import orjson

from tansiq.engine.entities import pack
from tansiq.engine.entities.lists import ListHeader, ListRecord, ListRow, RowProblem
from tansiq.engine.formats.ids import new_id
from tansiq.node.register.cards import card_of
from tansiq.node.register.tokens import keyed_token
from tansiq.node.vault.columns import Sealed, Sealer

CARD_LABEL: Final = "register.subject.card"
PACKED_LABEL: Final = "register.subject.packed"


class Want(IntEnum):
    """How much of a row is wanted: whether it says something new; the sealed columns of a new subject; all it says."""

    DIGEST, FRESH, RECORD = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Fresh:
    """A subject that a row would make, sealed."""

    subject_id: UUID
    schema: str
    card: Sealed
    packed: Sealed


@dataclass(frozen=True, slots=True)
class Prepared:
    """A row under its token and fingerprint, with as much of it as was wanted."""

    key: str
    number: str
    place: str
    token: str
    fingerprint: str
    fresh: Fresh | None = None
    record: ListRecord | None = None


PreparedRow = ListHeader | Prepared | RowProblem


@dataclass(frozen=True, slots=True)
class Preparing:
    """Everything that preparing rows of one list depends on; goes to other processes through a pipe."""

    source: str
    salt: bytes
    search_key: bytes
    storage_key: bytes
    now: datetime

    def token(self, key: str) -> str:
        """The token under which the subject of the row ``key`` is found again."""
        return keyed_token(self.search_key, "list row", self.source, key, salt=self.salt)

    def fingerprint(self, record: ListRecord) -> str:
        """The keyed digest of what the row says."""
        return keyed_token(self.search_key, "list row says", record.fingerprint(), salt=self.salt)

    def fresh(self, record: ListRecord, sealer: Sealer) -> Fresh:
        """The subject that the row would make."""
        subject_id = new_id(self.now, os.urandom)
        card = orjson.dumps(card_of(record.statements))
        packed = pack(record.statements, old=record.entity_id, new=subject_id, seen=self.now)
        return Fresh(
            UUID(subject_id),
            record.schema,
            sealer.seal(card, label=CARD_LABEL),
            sealer.seal(orjson.dumps(packed), label=PACKED_LABEL),
        )

    def rows(self, rows: Sequence[ListRow], wanted: Want | bytes) -> list[PreparedRow]:
        """The rows prepared, all alike or each record as the byte of ``wanted`` at its place says."""
        sealer = Sealer(self.storage_key)
        done: list[PreparedRow] = []
        records = 0
        for row in rows:
            if not isinstance(row, ListRecord):
                done.append(row)
                continue
            want = wanted if isinstance(wanted, Want) else wanted[records] if records < len(wanted) else Want.RECORD
            records += 1
            is_asked = isinstance(wanted, Want) or want != Want.DIGEST
            done.append(
                Prepared(
                    row.key,
                    row.number,
                    row.place,
                    self.token(row.key),
                    self.fingerprint(row) if is_asked else "",
                    self.fresh(row, sealer) if want == Want.FRESH else None,
                    row if want == Want.RECORD else None,
                )
            )
        return done
