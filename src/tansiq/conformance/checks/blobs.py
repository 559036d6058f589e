"""The doors for sealed files, before any entry names one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from tansiq.conformance import line as doors
from tansiq.conformance.stage import Stage
from tansiq.conformance.verdicts import check
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.formats.ids import digest

READ: Final = "application/vnd.tansiq.blob-read+json"
WRITE: Final = "application/vnd.tansiq.blob-write+json"
WANTED: Final[dict[str, Any]] = {"blob": "b" * 64, "offset": 0, "length": 65_552}


@check("BLB-1")
def nothing_of_that_name(stage: Stage) -> None:
    """A digest that nobody has told it."""
    raw = stage.a.request(stage.clock(), type_=READ, **WANTED)
    stage.refused("a blob that is not here", raw, "blob.not_found", path=doors.BLOB_READ)


@check("BLB-2")
def wrong_requests(stage: Stage) -> None:
    """Signed for nothing."""
    now, a = stage.clock(), stage.a
    stale = a.request(now - timedelta(hours=3), type_=READ, **WANTED)
    stage.refused("three hours old", stale, "exchange.pull_stale", path=doors.BLOB_READ)
    other = a.request(now, type_=READ, signer=Ed25519Signer.generate(a.random), **WANTED)
    stage.refused("under a key on no card", other, "dsse.signatures_differ", path=doors.BLOB_READ)
    stage.refused("a request to fetch", a.request(now), "dsse.payload_type", path=doors.BLOB_READ)


@check("BLB-3")
def brought_unasked(stage: Stage) -> None:
    """A first piece of something that no entry names."""
    piece = bytes(65_552)
    request = stage.a.request(stage.clock(), type_=WRITE, blob="b" * 64, offset=0, digest=digest(piece))
    raw = len(request).to_bytes(4, "big") + request + piece
    stage.refused("a piece unasked", raw, "blob.not_awaited", temporary=True, path=doors.BLOB_WRITE)
