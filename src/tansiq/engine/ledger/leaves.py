"""What stands in a leaf: an event's header, with a salted commitment in the place of its facts.

The header says what happened, when, who did it and which dossier it concerns, all in codes and opaque ids. The facts
stand beside it, erasable: the header holds only HMAC-SHA256(salt, canonical facts). Whoever has salt and facts can show
that they belong to the leaf; once both are gone, what remains says nothing about them, not even to one who can guess
them – and who did what when can still be verified.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical
from tansiq.engine.formats.times import format_time
from tansiq.engine.ledger.merkle import leaf_hash

SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Header:
    """The part of an event that stays: codes and opaque ids, and the 32-byte ``commitment`` to its facts."""

    log: str
    event: str
    actor: str
    dossier: str
    at: datetime
    commitment: bytes

    def to_bytes(self) -> bytes:
        """The canonical bytes (RFC 8785) that are the leaf's entry."""
        return canonical.dumps(
            {
                "v": 1,
                "log": self.log,
                "event": self.event,
                "actor": self.actor,
                "dossier": self.dossier,
                "at": format_time(self.at),
                "facts": self.commitment.hex(),
            }
        )

    def leaf(self) -> bytes:
        """The leaf hash."""
        return leaf_hash(self.to_bytes())


def new_salt(random: Callable[[int], bytes]) -> bytes:
    """A fresh 32-byte salt; every event has its own."""
    return random(SALT_BYTES)


def commit(salt: bytes, facts: object) -> bytes:
    """The 32-byte commitment to ``facts`` (a JSON value without floats) under ``salt``."""
    if len(salt) != SALT_BYTES:
        raise Rejected("ledger.hash_length", at="salt", length=len(salt))
    return hmac.new(salt, canonical.dumps(facts), hashlib.sha256).digest()


def is_commitment(commitment: bytes, *, salt: bytes, facts: object) -> bool:
    """Whether ``commitment`` is the one to ``facts`` under ``salt``; in constant time."""
    return len(salt) == SALT_BYTES and hmac.compare_digest(commitment, commit(salt, facts))
