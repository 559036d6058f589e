"""Keyed digests by which sealed things are found again: equal things have equal tokens, and tokens alone tell nothing.

A plain digest of a name, a number or an id made of them could be guessed by trying; a token cannot without the node's
key.
"""

from __future__ import annotations

import hmac

import orjson

from tansiq.node.vault import keys


def token(purpose: str, *said: str, salt: bytes = b"") -> str:
    """64 lowercase hexadecimal characters, different for every purpose, salt and node."""
    return keyed_token(keys.current().search_key, purpose, *said, salt=salt)


def keyed_token(search_key: bytes, purpose: str, *said: str, salt: bytes = b"") -> str:
    """The same for a process that was given the node's search key and no other."""
    # A list of texts: for that, orjson writes what RFC 8785 says (a property test compares them).
    raw = orjson.dumps(["register", purpose, *said])
    return hmac.digest(search_key + salt, raw, "sha256").hex()
