"""A folder on removable media, as files: what lies there, how a file is written so that no cut leaves half of it, and its index.

    envelopes/<from>_to_<to>/<incarnation>-<sequence>-<envelope id>.tansiq     the bytes that the wire would carry
    receipts/<from>_to_<to>/<envelope id>.json                                 the receiver's signed receipt, on its way home
    index-<from>_to_<to>.json                                                  what one node put there for another, with digests

Nothing here is believed for its name or its place: envelopes and receipts are signed, and are judged by their content alone. The
index is not signed, because it proves nothing; it tells that a copy is not whole. What comes on a medium is foreign: links and
special files are never followed, nothing is read that is longer than it may be, and at most ``MAX_FILES`` are looked at.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tansiq.engine.envelopes.sealing import MAGIC, MAX_ENVELOPE, Sealed
from tansiq.engine.errors import Rejected, TansiqError, Unavailable
from tansiq.engine.formats import canonical, strict_json
from tansiq.engine.formats.ids import digest

ENVELOPES, RECEIPTS = "envelopes", "receipts"
ENVELOPE_SUFFIX, RECEIPT_SUFFIX, BLOB_SUFFIX, UNFINISHED = ".tansiq", ".json", ".blob", ".new"
MAX_FILES = 100_000
MAX_DEPTH = 6
MAX_INDEX = 32 * 1024 * 1024
MAX_RECEIPT = 256 * 1024
_INDEX_HEAD = b'{"files"'
"""How an index begins (RFC 8785), whatever it is called now."""
_INDEX_LIMITS = strict_json.Limits(max_bytes=MAX_INDEX, max_depth=4, max_values=4 * MAX_FILES)


@dataclass(frozen=True, slots=True)
class Found:
    """One file of the folder: its place, and what it is. ``code`` names why it is nothing that can be taken."""

    path: Path
    name: str
    kind: str
    """``envelope``, ``receipt``, ``index``, ``blob`` or ``other``."""
    code: str = ""


def pair(sender: str, recipient: str) -> str:
    """The name under which one node's things for another stand; no node id holds an underscore, so no two pairs share one."""
    return f"{sender}_to_{recipient}"


def envelope_name(sender: str, recipient: str, *, incarnation: int, sequence: int, envelope_id: str) -> str:
    """Where an envelope stands: the order of names is the order of the sequence."""
    return f"{ENVELOPES}/{pair(sender, recipient)}/{incarnation:010d}-{sequence:010d}-{envelope_id}{ENVELOPE_SUFFIX}"


def receipt_name(sender: str, recipient: str, envelope_id: str) -> str:
    """Where a receipt of ``sender`` for an envelope of ``recipient`` stands."""
    return f"{RECEIPTS}/{pair(sender, recipient)}/{envelope_id}{RECEIPT_SUFFIX}"


def index_name(sender: str, recipient: str) -> str:
    """Where the index of what ``sender`` put there for ``recipient`` stands."""
    return f"index-{pair(sender, recipient)}.json"


def put(folder: Path, name: str, raw: bytes) -> bool:
    """Write ``raw`` as ``folder/name``: beside it first, synced, then renamed. False when exactly these bytes stood there.

    Killed at any line, the file is the old one or the new one. Raises Unavailable("exchange.folder_write") when the medium refuses, and
    Rejected("exchange.folder_link") where a link on it would lead the writing elsewhere.
    """
    path = _inside(folder, name)
    return _write(
        path,
        lambda: path.stat().st_size == len(raw) and path.read_bytes() == raw,
        lambda file: file.write(raw),
    )


def put_file(folder: Path, name: str, source: Path) -> bool:
    """Copy a large file as ``folder/name``, in flat memory, as :func:`put` writes a small one; its name is its digest.

    False when a file of that length stood there under that name.
    """
    path = _inside(folder, name)

    def copy(file: BinaryIO) -> None:
        with source.open("rb") as raw:
            shutil.copyfileobj(raw, file, 1 << 20)

    return _write(path, lambda: path.stat().st_size == source.stat().st_size, copy)


def _write(path: Path, stands: Callable[[], bool], write: Callable[[BinaryIO], object]) -> bool:
    """Let ``write`` fill a file beside ``path`` and put it there; False where what is there already ``stands``."""
    try:
        if path.is_file() and stands():
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(path.name + UNFINISHED)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise Unavailable(
            "exchange.folder_write", at=str(path), reason=error.strerror or type(error).__name__
        ) from error
    return True


def _inside(folder: Path, name: str) -> Path:
    """``folder/name``, when no step of it is a link: a hostile medium must not have this node write, or delete, on its own disk."""
    place = folder
    for step in Path(name).parts:
        place = place / step
        if place.is_symlink():
            raise Rejected("exchange.folder_link", at=place.relative_to(folder).as_posix())
    return place


def _sync(folder: Path) -> None:
    """Bring the renaming itself to the medium. FAT and some network shares cannot; then the next export writes it again."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def keep_only(folder: Path, place: str, names: Iterable[str]) -> int:
    """Remove from ``folder/place`` what is not among ``names``: it has its receipt, or travels anew. Returns how many went."""
    wanted, gone = set(names), 0
    try:
        for path in sorted(_inside(folder, place).glob("*")):
            if path.is_file() and f"{place}/{path.name}" not in wanted:
                path.unlink()
                gone += 1
    except OSError as error:
        raise Unavailable("exchange.folder_write", at=place, reason=error.strerror or type(error).__name__) from error
    return gone


def write_index(folder: Path, sender: str, recipient: str) -> None:
    """Write down what ``sender`` has put there for ``recipient``, by name, length and digest; the last file of an export."""
    files: dict[str, Any] = {}
    for place in (ENVELOPES, RECEIPTS):
        for path in sorted((folder / place / pair(sender, recipient)).glob("*")):
            if path.is_file() and not path.is_symlink() and not path.name.endswith(UNFINISHED):
                raw = path.read_bytes()
                files[path.relative_to(folder).as_posix()] = {"bytes": len(raw), "sha256": digest(raw)}
    told = {"v": 1, "from": sender, "to": recipient, "files": files}
    put(folder, index_name(sender, recipient), canonical.dumps(told))


def found_in(folder: Path) -> list[Found]:
    """Everything that lies in ``folder``, each thing once and in the order of names; raises Rejected where that is no folder."""
    if not folder.is_dir():
        raise Rejected("exchange.no_folder", at=str(folder))
    found: list[Found] = []
    for path in _walk(folder, 0):
        if len(found) >= MAX_FILES:
            raise Rejected("exchange.folder_too_full", at=str(folder), limit=MAX_FILES)
        found.append(_look(folder, path))
    return found


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink() and depth < MAX_DEPTH:
            yield from _walk(path, depth + 1)
        else:
            yield path


def _look(folder: Path, path: Path) -> Found:
    """What a file is, told by how it begins; its name decides only whether its writing was finished."""
    name = path.relative_to(folder).as_posix()
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return Found(path, name, "other", "exchange.file_special")
        if path.name.endswith(UNFINISHED):
            return Found(path, name, "other", "exchange.file_unfinished")
        with path.open("rb") as file:
            head = file.read(max(len(MAGIC), len(_INDEX_HEAD)))
    except OSError:
        return Found(path, name, "other", "exchange.file_unreadable")
    if head.startswith(MAGIC) or path.suffix == ENVELOPE_SUFFIX:
        return Found(path, name, "envelope")
    if path.suffix == RECEIPT_SUFFIX:
        is_index = head.startswith(_INDEX_HEAD) or path.name.startswith("index-")
        return Found(path, name, "index" if is_index else "receipt")
    if path.suffix == BLOB_SUFFIX and head.startswith(b"age-encr"):
        return Found(path, name, "blob")
    return Found(path, name, "other", "exchange.file_foreign")


def read(path: Path, limit: int) -> bytes:
    """The bytes of a file that is no longer than ``limit``; raises Rejected for a longer one, Unavailable where reading fails."""
    try:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except OSError as error:
        raise Unavailable("exchange.file_unreadable", at=str(path)) from error
    if len(raw) > limit:
        raise Rejected("envelope.too_large", limit=limit)
    return raw


def read_envelope(path: Path) -> tuple[bytes, Sealed]:
    """An envelope's bytes and its framing; nothing is verified yet. Raises as :func:`Sealed.from_bytes`."""
    raw = read(path, MAX_ENVELOPE)
    return raw, Sealed.from_bytes(raw)


def read_index(path: Path) -> dict[str, Any]:
    """An index: ``{"v", "from", "to", "files": {name: {"bytes", "sha256"}}}``; raises Rejected for anything else."""
    value = strict_json.loads(read(path, MAX_INDEX), limits=_INDEX_LIMITS)
    files = value.get("files") if isinstance(value, dict) else None
    shaped = isinstance(files, dict) and all(
        isinstance(told, dict) and isinstance(told.get("sha256"), str) for told in files.values()
    )
    if not shaped or value.get("v") != 1:
        raise Rejected("exchange.not_an_index", at=path.name)
    return dict(value)


def missing_of(folder: Path, indexes: Iterable[Path]) -> tuple[list[str], list[tuple[str, str]]]:
    """What the indexes name and no file of the folder holds, whatever it is called now; and the indexes that cannot be read.

    Raises nothing: an index that is damaged costs only the knowledge of what is missing.
    """
    wanted: dict[str, str] = {}
    broken: list[tuple[str, str]] = []
    for path in indexes:
        try:
            wanted |= {told["sha256"]: name for name, told in read_index(path)["files"].items()}
        except TansiqError as error:
            broken.append((path.name, error.code))
    for path in _walk(folder, 0) if wanted else ():
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= MAX_ENVELOPE:
            wanted.pop(digest(path.read_bytes()), None)
    return sorted(wanted.values()), broken
