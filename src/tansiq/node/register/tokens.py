"""Keyed digests by which sealed things are found again: equal things have equal tokens, and tokens alone tell nothing.

A plain digest of a name, a number or an id made of them could be guessed by trying; a token cannot without the node's
key.
"""

from __future__ import annotations

import hashlib
import hmac

from tansiq.engine.formats import canonical
from tansiq.node.vault import keys


def token(purpose: str, *said: str, salt: bytes = b"") -> str:
    """64 lowercase hexadecimal characters, different for every purpose, salt and node."""
    raw = canonical.dumps(["register", purpose, *said])
    return hmac.new(keys.current().search_key + salt, raw, hashlib.sha256).hexdigest()
