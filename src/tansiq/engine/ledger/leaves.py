"""What stands in a leaf: a salted commitment, so that an event's text can be erased and the log still verifies.

The leaf's entry is HMAC-SHA256(salt, text) and nothing else. Whoever holds salt and text can show that they belong to
the leaf; once both are gone, the 32 bytes that remain say nothing, not even to one who can guess the text.
"""

from __future__ import annotations

import hashlib
import hmac

from tansiq.engine.errors import Rejected
from tansiq.engine.ledger.merkle import HASH_BYTES, leaf_hash

SALT_BYTES = 32


def commit(salt: bytes, text: bytes) -> bytes:
    """The 32-byte commitment to ``text`` (canonical bytes of an event) under a fresh 32-byte ``salt``."""
    if len(salt) != SALT_BYTES:
        raise Rejected("ledger.hash_length", at="salt", length=len(salt))
    return hmac.new(salt, text, hashlib.sha256).digest()


def is_commitment(commitment: bytes, *, salt: bytes, text: bytes) -> bool:
    """Whether ``commitment`` is the one to ``text`` under ``salt``; in constant time."""
    return len(salt) == SALT_BYTES and hmac.compare_digest(commitment, commit(salt, text))


def leaf_of(commitment: bytes) -> bytes:
    """The leaf hash of a commitment."""
    if len(commitment) != HASH_BYTES:
        raise Rejected("ledger.hash_length", at="commitment", length=len(commitment))
    return leaf_hash(commitment)
