"""The manifest: what a relay may read of an envelope. From, to, how long, which place in the sequence.

Nothing of the case.

It commits to the sealed body by length and digest, and the body commits to it (``binding``), so neither can be put to
another. It commits to the manifest before it, so a sequence cannot be told in two ways.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.records import Counter, Digest, EnvelopeId, Instant, KeyId, NodeId, SignedRecord
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical
from tansiq.engine.formats.ids import digest

MAX_LIFE: Final = timedelta(days=30)
"""The longest that an envelope may be on its way."""


class Manifest(SignedRecord):
    """The outside of one envelope. ``sequence`` counts from 1 in each ``incarnation`` of the sender, per recipient."""

    payload_type: ClassVar[str] = "application/vnd.tansiq.manifest+json"

    v: Literal[1] = 1
    envelope_id: EnvelopeId
    sender: NodeId
    recipient: NodeId
    incarnation: Counter
    sequence: Counter
    previous_manifest_digest: Digest | None
    created_at: Instant
    expires_at: Instant
    body_digest: Digest
    body_length: Annotated[int, Field(ge=1, le=2**53 - 1)]
    node_key_id: KeyId
    mailbox_key_id: KeyId
    replaces: EnvelopeId | None = None

    def binding(self) -> str:
        """Digest of the manifest without what it says of the body: what the body carries inside."""
        told = self.to_json()
        del told["body_digest"], told["body_length"]
        return digest(canonical.dumps(told))

    def require_sound(self) -> None:
        """Raise ``Rejected`` where members contradict each other.

        ``manifest.to_itself``; ``manifest.life`` (expires not after created, or over ``MAX_LIFE`` later);
        ``manifest.first`` (a first in its incarnation that names a previous one, or a later one that names none).
        """
        if self.sender == self.recipient:
            raise Rejected("manifest.to_itself", node=self.sender)
        if not timedelta(0) < self.expires_at - self.created_at <= MAX_LIFE:
            raise Rejected("manifest.life", at="/expires_at", days=MAX_LIFE.days)
        if (self.sequence == 1) != (self.previous_manifest_digest is None):
            raise Rejected("manifest.first", at="/previous_manifest_digest", sequence=self.sequence)


def read_manifest(signed: Signed) -> Manifest:
    """The manifest in ``signed``; its signature is *not* checked here.

    Raises ``Rejected``: ``dsse.payload_type``, what ``Record.from_bytes`` and ``Manifest.require_sound`` raise.
    """
    if signed.payload_type != Manifest.payload_type:
        raise Rejected("dsse.payload_type", found=signed.payload_type, demanded=Manifest.payload_type)
    manifest = Manifest.from_bytes(signed.payload)
    manifest.require_sound()
    return manifest
