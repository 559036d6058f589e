"""The keys of blind epochs: one file each in the node's home, sealed under the storage key, and in no ordinary backup.

A filter is useless without its key and a key without its filter; whoever steals a backup has filters alone. A node
that was restored finds no key and begins a new epoch with each partner, which costs time and loses nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings

from tansiq.engine.blind import oprf
from tansiq.engine.blind.keys import SCHEME
from tansiq.node.vault import columns

FOLDER = "blind"
_LABEL = "search.epoch_key"


def make(holder: str, partner: str, number: int, *, scheme: str = SCHEME) -> oprf.KeyPair:
    """A fresh key for an epoch, on disk when this returns; the one that is there already if there is one."""
    known = load(holder, partner, number, scheme=scheme)
    if known is not None:
        return known
    seed = os.urandom(oprf.SEED_BYTES)
    path = _path(partner, number)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(columns.seal(seed, label=_LABEL))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _sync(path.parent)
    return _derive(seed, holder, partner, number, scheme)


def load(holder: str, partner: str, number: int, *, scheme: str = SCHEME) -> oprf.KeyPair | None:
    """The key of an epoch; None if it is not here (any more). Raises Corrupt("vault.unseal") for a damaged file."""
    try:
        sealed = _path(partner, number).read_bytes()
    except FileNotFoundError:
        return None
    return _derive(columns.unseal(sealed, label=_LABEL), holder, partner, number, scheme)


def destroy(partner: str, number: int) -> None:
    """The epoch is over: its key goes, and with it the meaning of every filter that was made under it."""
    _path(partner, number).unlink(missing_ok=True)


def _derive(seed: bytes, holder: str, partner: str, number: int, scheme: str) -> oprf.KeyPair:
    info = f"tansiq blind epoch|{scheme}|{holder}|{partner}|{number}".encode()
    return oprf.derive_key_pair(seed, info, mode=oprf.Mode.VOPRF)


def _path(partner: str, number: int) -> Path:
    return Path(settings.NODE.home) / FOLDER / f"{partner}.{number}.key"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
