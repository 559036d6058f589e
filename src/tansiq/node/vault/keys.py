"""The unsealed keys of this process.

``secrets.age`` in the node's home is an age file under a passphrase. ``tansiq run`` asks for the passphrase once, opens the file,
and forks its children, which have the keys with the rest of its memory: never through the environment, a command line or the
disk. A process that has no keys can serve nothing that is sealed and says so.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tansiq.engine.envelopes import age, keyfile
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.errors import Unavailable
from tansiq.engine.formats.ids import b64decode, b64encode
from tansiq.engine.formats.times import format_time, parse_time

SECRETS_FILE = "secrets.age"
ROOT_FILE = "root-key.age"
MAILBOX_DAYS = 30


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox key pair with the time span in which partners seal to it."""

    identity: age.HybridIdentity
    valid_from: datetime
    valid_to: datetime


@dataclass(frozen=True, slots=True)
class Keys:
    """Everything secret that a running node needs; the root key is not among it."""

    storage_key: bytes
    node: Ed25519Signer
    authority: Ed25519Signer
    archive: age.HybridIdentity
    mailboxes: tuple[Mailbox, ...]

    @property
    def identities(self) -> list[age.HybridIdentity]:
        """The mailbox identities, newest first."""
        return [m.identity for m in sorted(self.mailboxes, key=lambda m: m.valid_from, reverse=True)]

    @property
    def search_key(self) -> bytes:
        """The key of the tokens by which sealed reference numbers are found again."""
        return hmac.new(self.storage_key, b"tansiq search token v1", hashlib.sha256).digest()

    def to_json(self) -> dict[str, Any]:
        return {
            "v": 1,
            "storage_key": b64encode(self.storage_key),
            "node": b64encode(self.node.seed),
            "authority": b64encode(self.authority.seed),
            "archive": self.archive.to_text(),
            "mailboxes": [
                {
                    "identity": m.identity.to_text(),
                    "valid_from": format_time(m.valid_from),
                    "valid_to": format_time(m.valid_to),
                }
                for m in self.mailboxes
            ],
        }

    @classmethod
    def from_json(cls, value: Any) -> Keys:
        return cls(
            storage_key=b64decode(value["storage_key"]),
            node=Ed25519Signer.from_seed(b64decode(value["node"])),
            authority=Ed25519Signer.from_seed(b64decode(value["authority"])),
            archive=age.HybridIdentity.from_text(value["archive"]),
            mailboxes=tuple(
                Mailbox(
                    age.HybridIdentity.from_text(m["identity"]), parse_time(m["valid_from"]), parse_time(m["valid_to"])
                )
                for m in value["mailboxes"]
            ),
        )


def generate(now: datetime, random: Callable[[int], bytes] = os.urandom) -> Keys:
    """Fresh keys: a mailbox for the next 30 days and its successor, published ahead."""
    first = Mailbox(age.HybridIdentity.generate(random), now - timedelta(days=1), now + timedelta(days=MAILBOX_DAYS))
    following = Mailbox(
        age.HybridIdentity.generate(random), first.valid_to, first.valid_to + timedelta(days=MAILBOX_DAYS)
    )
    return Keys(
        storage_key=random(32),
        node=Ed25519Signer.generate(random),
        authority=Ed25519Signer.generate(random),
        archive=age.HybridIdentity.generate(random),
        mailboxes=(first, following),
    )


_current: Keys | None = None


def install(keys: Keys | None) -> None:
    """Make ``keys`` the keys of this process (None locks it)."""
    global _current  # noqa: PLW0603 - the one place where the process's keys live
    _current = keys


def current() -> Keys:
    """The keys of this process; raises Unavailable("vault.locked") until an officer has unlocked the node."""
    if _current is None:
        raise Unavailable("vault.locked")
    return _current


def is_unlocked() -> bool:
    """Whether :func:`current` would answer."""
    return _current is not None


def write_secrets(
    path: Path, secrets: dict[str, Any], passphrase: str, *, work_factor: int = keyfile.WORK_FACTOR
) -> None:
    """Seal ``secrets`` into ``path`` under ``passphrase``: written beside, synced, then renamed, so a crash leaves the old file."""
    raw = keyfile.seal(secrets, passphrase, work_factor=work_factor)
    beside = path.with_suffix(".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def unlock(home: Path, passphrase: str) -> Keys:
    """Open ``secrets.age`` and install its keys in this process; raises Refused("keyfile.passphrase") when the words are wrong."""
    keys = Keys.from_json(keyfile.unseal((home / SECRETS_FILE).read_bytes(), passphrase))
    install(keys)
    return keys


def search_token(text: str) -> str:
    """A keyed digest of a reference number, equal for writings that a person would call the same number."""
    folded = "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())
    digits = "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in folded)
    return hmac.new(current().search_key, digits.encode(), hashlib.sha256).hexdigest()
