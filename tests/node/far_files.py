"""Files of far nodes, made of engine functions only: sealed, kept, given in ranges, and asked for as a second implementation would."""

from __future__ import annotations

import hashlib
import shutil
import struct
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tansiq.engine.dossiers.entries import Grading, Part
from tansiq.engine.envelopes import age, dsse
from tansiq.engine.envelopes.age.payload import CHUNK
from tansiq.engine.envelopes.blobs import Chunks
from tansiq.engine.formats import canonical, strict_json
from tansiq.engine.formats.ids import b64encode
from tansiq.engine.formats.times import format_time
from tansiq.node.exchange import files
from tests.node.far import Far, repeatable

READ = "/peer/v1/blobs/read"
WRITE = "/peer/v1/blobs/write"


def content(size: int, seed: str = "file") -> bytes:
    """Bytes that are the same in every run and differ everywhere; no media type begins like this."""
    return b"\x00\x01" + hashlib.shake_256(seed.encode()).digest(size - 2) if size > 2 else b"\x00" * size


def sealed(plain: bytes, identity: age.HybridIdentity) -> bytes:
    """A blob."""
    chunks, head = Chunks.begin(identity, len(plain))
    return head + b"".join(chunks.seal(n, plain[n * CHUNK : (n + 1) * CHUNK]) for n in range(chunks.layout.chunks))


def file_part(plain: bytes, *, name: str = "film.bin", seed: str = "film", **changed: Any) -> tuple[Part, bytes]:
    """A part about a file, and the sealed bytes; ``changed`` are members of its content."""
    identity = age.HybridIdentity.generate(repeatable(seed))
    raw = sealed(plain, identity)
    told = {
        "name": name,
        "media_type": "application/octet-stream",
        "size": len(plain),
        "digest": hashlib.sha256(plain).hexdigest(),
        "blob": hashlib.sha256(raw).hexdigest(),
        "blob_size": len(raw),
        "identity": identity.to_text(),
    }
    marked = {"marking": changed.pop("marking")} if "marking" in changed else {}
    noted = {"handling_note": changed.pop("handling_note")} if "handling_note" in changed else {}
    return Part("file", told | changed, grading=Grading("4x4", "A", "1"), **marked, **noted), raw


def gives(
    far: Far, raw: bytes, *, spoil: Callable[[int, bytes], tuple[int, bytes]] | None = None
) -> list[tuple[int, int]]:
    """``far`` gives ranges of ``raw`` to whoever asks; ``spoil`` may change an answer. Returns the ranges asked for, as they come."""
    asked: list[tuple[int, int]] = []

    def door(request: bytes, now: datetime) -> tuple[int, bytes]:
        told = opened(request)
        assert told["blob"] == hashlib.sha256(raw).hexdigest()
        asked.append((told["offset"], told["length"]))
        piece = raw[told["offset"] : told["offset"] + told["length"]]
        return spoil(told["offset"], piece) if spoil else (200, piece)

    far.doors[READ] = door
    return asked


def opened(request: bytes) -> dict[str, Any]:
    """What a signed request says."""
    told = strict_json.loads(dsse.Signed.from_json(strict_json.loads(request)).payload)
    assert isinstance(told, dict)
    return told


def read_request(far: Far, blob: str, offset: int, length: int, now: datetime, **changes: Any) -> bytes:
    """``far`` asks this node for a range."""
    return _signed(
        far, "application/vnd.tansiq.blob-read+json", now, blob=blob, offset=offset, length=length, **changes
    )


def write_request(far: Far, blob: str, offset: int, piece: bytes, now: datetime, **changes: Any) -> bytes:
    """``far`` brings this node a piece."""
    told = {"blob": blob, "offset": offset, "digest": hashlib.sha256(piece).hexdigest(), **changes}
    request = _signed(far, "application/vnd.tansiq.blob-write+json", now, **told)
    return struct.pack(">I", len(request)) + request + piece


def _signed(far: Far, kind: str, now: datetime, **members: Any) -> bytes:
    told = {
        "v": 1,
        "from": far.node_id,
        "to": "fr",
        "at": format_time(now),
        "nonce": b64encode(far.random(12)),
        **members,
    }
    return canonical.dumps(dsse.sign(kind, canonical.dumps(told), [far.node]).to_json())


def wipe() -> None:
    """Take every sealed file of this node away, as a fresh disk would."""
    shutil.rmtree(files.folder(), ignore_errors=True)


def on_disk() -> dict[str, bytes]:
    """Everything that lies in the folder of sealed files."""
    return {str(p.relative_to(files.folder())): p.read_bytes() for p in files.folder().rglob("*") if p.is_file()}
