"""What a relay says: its signed word that it holds an envelope, and the frames in which it gives what waits."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from tansiq.engine.envelopes import dsse
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.manifest import Manifest
from tansiq.engine.envelopes.signing import Signer, key_id
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical, strict_json
from tansiq.engine.formats.times import format_time

RELAYED_TYPE: Final = "application/vnd.tansiq.relayed+json"
TOLD_TYPE: Final = "application/vnd.tansiq.told+json"
"""The request for receipts that came back."""


def sign_relayed(manifest: Manifest, *, relay: str, signer: Signer, now: datetime) -> dict[str, Any]:
    """The relay's word that it holds the envelope of ``manifest`` from ``now`` until it is receipted or expires."""
    payload = {
        "v": 1,
        "relay": relay,
        "envelope_id": manifest.envelope_id,
        "manifest_digest": manifest.digest(),
        "at": format_time(now),
    }
    return dsse.sign(RELAYED_TYPE, canonical.dumps(payload), [signer]).to_json()


def open_relayed(value: object, *, relay: str, public: bytes, manifest_digest: str) -> dict[str, Any]:
    """What a relay says, once it is proved to be that relay's word on that envelope; raises Rejected("relay.other_word") or dsse codes."""
    payload = dsse.verify_one(Signed.from_json(value), payload_type=RELAYED_TYPE, keys={key_id(public): public})
    told = strict_json.loads(payload)
    if not isinstance(told, dict) or (told.get("relay"), told.get("manifest_digest")) != (relay, manifest_digest):
        raise Rejected("relay.other_word", relay=relay)
    return told


def framed(raws: Iterable[bytes]) -> bytes:
    """Each piece behind its length, four bytes, big endian."""
    return b"".join(struct.pack(">I", len(raw)) + raw for raw in raws)


def split(raw: bytes) -> Iterator[bytes]:
    """The pieces of :func:`framed`; raises Rejected("exchange.pull_frames") when the lengths do not add up."""
    place = 0
    while place < len(raw):
        if place + 4 > len(raw):
            raise Rejected("exchange.pull_frames", at=place)
        (size,) = struct.unpack_from(">I", raw, place)
        if place + 4 + size > len(raw):
            raise Rejected("exchange.pull_frames", at=place)
        yield raw[place + 4 : place + 4 + size]
        place += 4 + size
