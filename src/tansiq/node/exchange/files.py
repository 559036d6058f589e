"""Sealed files on the disk of this node: ``blobs/`` in its home, named by the digest of their sealed bytes.

Only sealed bytes ever stand here. What is under way is named ``….new`` and has its name only once the whole was read back
and digested, synced and renamed: a name is a promise. What a crash leaves ends in ``.new`` and is gone on with or swept.
A full disk is noticed before and while writing; the file is cut back to what it was.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from tansiq.engine.envelopes.blobs import ReadAt
from tansiq.engine.errors import Rejected, Unavailable
from tansiq.engine.formats.ids import is_digest, is_id

FOLDER = "blobs"
NEW = ".new"
MEBI = 1024 * 1024


def folder() -> Path:
    """Where blobs stand; made when it is first needed, for this user alone."""
    place = settings.NODE.home / FOLDER
    place.mkdir(mode=0o700, exist_ok=True)
    return Path(place)


def path_of(name: str) -> Path:
    """The file of a blob (a digest) that is whole."""
    if not is_digest(name):
        raise ValueError("not the digest of a blob")
    return folder() / name[:2] / name


def arriving(name: str) -> Path:
    """The file of what is under way: a blob's digest, or the id of an upload."""
    if not (is_digest(name) or is_id(name)):
        raise ValueError("neither a digest nor an id")
    return folder() / f"{name}{NEW}"


def length_of(name: str) -> int:
    """How many bytes of what is under way are here."""
    with contextlib.suppress(FileNotFoundError):
        return arriving(name).stat().st_size
    return 0


def has(name: str) -> bool:
    """Whether the whole blob is here."""
    return path_of(name).exists()


def require_room(wanted: int) -> None:
    """Raise unless ``wanted`` more sealed bytes may be taken in: Rejected("blob.too_large"), Unavailable("blob.no_room")."""
    node = settings.NODE
    if wanted > node.max_file_mb * MEBI + node.max_file_mb * MEBI // 1000 + 65536:
        raise Rejected("blob.too_large", at="/size", limit=node.max_file_mb)
    if shutil.disk_usage(folder()).free - wanted < node.min_free_mb * MEBI:
        raise Unavailable("blob.no_room")


@contextmanager
def held(name: str) -> Iterator[int]:
    """Alone with the file under way, made if it is not there; gives its length.

    Raises Unavailable("blob.busy") when another process writes it now.
    """
    descriptor = os.open(arriving(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable("blob.busy") from None
        yield os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def append(name: str, raw: bytes, *, at: int, sync: bool = False) -> int:
    """Write ``raw`` at ``at``, cutting off whatever stood there; returns the length. Call it only while :func:`held`.

    Raises Unavailable("blob.no_room") on a full disk, with the file as long as it was.
    """
    descriptor = os.open(arriving(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(descriptor, at)
        try:
            place = at
            while place < at + len(raw):
                place += os.pwrite(descriptor, raw[place - at :], place)
            if sync:
                os.fsync(descriptor)
        except OSError as error:
            os.ftruncate(descriptor, at)
            raise Unavailable("blob.no_room") from error
        return place
    finally:
        os.close(descriptor)


def cut(name: str, length: int) -> None:
    """Cut what is under way back to ``length``."""
    with contextlib.suppress(FileNotFoundError):
        os.truncate(arriving(name), length)


@contextmanager
def reading(path: Path) -> Iterator[ReadAt]:
    """A function that reads stretches of the file; raises Unavailable("blob.not_here") when it is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Unavailable("blob.not_here") from None
    try:
        yield lambda offset, length: _read(descriptor, offset, length)
    finally:
        os.close(descriptor)


def _read(descriptor: int, offset: int, length: int) -> bytes:
    pieces = []
    while length and (piece := os.pread(descriptor, length, offset)):
        pieces.append(piece)
        offset, length = offset + len(piece), length - len(piece)
    return b"".join(pieces)


def digest_of(name: str) -> str:
    """SHA-256 of what the file of that name holds now, in hex."""
    with path_of(name).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def keep(name: str, digest: str) -> None:
    """What was under way as ``name`` is the blob ``digest``: synced, then renamed; safe to repeat."""
    source, target = arriving(name), path_of(digest)
    target.parent.mkdir(mode=0o700, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(source, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        source.replace(target)
    for place in (target.parent, target.parent.parent):
        _sync_folder(place)


def _sync_folder(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def drop(name: str) -> None:
    """Remove what is under way; nothing where there is nothing."""
    arriving(name).unlink(missing_ok=True)


def erase(digest: str) -> None:
    """Remove the blob, whole or under way."""
    path_of(digest).unlink(missing_ok=True)
    drop(digest)


def names() -> Iterator[tuple[str, bool]]:
    """Everything in the folder: (name, whether it is whole)."""
    for place in folder().iterdir():
        if place.name.endswith(NEW):
            yield place.name.removesuffix(NEW), False
        elif place.is_dir():
            yield from ((one.name, True) for one in place.iterdir() if is_digest(one.name))
