"""Receipts: the receiver's signed word that an envelope arrived, or why it was refused.

A receipt names the manifest by digest, so it proves to anybody what was received when. With it come what the sender
wants to know and a relay must not: the receiver's heads per dossier, its log's newest checkpoint with a proof that it
continues the one the sender knew, its countersignature under the sender's checkpoint, and the types of items that it
understands. Receipts travel outside envelopes, over the authenticated line; they are not themselves receipted.
``opened`` is a second receipt that may follow ``accepted`` once the body was read; it says which items were not
understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from tansiq.engine.envelopes import dsse
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.manifest import Manifest
from tansiq.engine.envelopes.records import Digest, EnvelopeId, Flat, Instant, NodeId, SignedRecord
from tansiq.engine.envelopes.signing import Signer
from tansiq.engine.errors import Rejected

Status: TypeAlias = Literal["accepted", "refused", "opened"]
ItemType = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$", max_length=100)]

MAX_HEADS: Final = 32
MAX_DOSSIERS: Final = 1000


class Consistency(TypedDict):
    """RFC 9162 §2.1.4 from ``from_size`` to the size of the checkpoint beside it; each hash in base64."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    from_size: Annotated[int, Field(ge=1, le=2**53 - 1)]
    proof: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=64)]


class Receipt(SignedRecord):
    """What became of one envelope. ``sender`` receipts, ``recipient`` had sent the envelope."""

    payload_type: ClassVar[str] = "application/vnd.tansiq.receipt+json"

    v: Literal[1] = 1
    envelope_id: EnvelopeId
    manifest_digest: Digest
    sender: NodeId
    recipient: NodeId
    status: Status
    code: Code | None = None
    received_at: Instant
    understood: Annotated[tuple[ItemType, ...], Field(max_length=200), Flat] = ()
    not_understood: Annotated[tuple[Annotated[int, Field(ge=0, le=9999)], ...], Field(max_length=1000), Flat] = ()
    checkpoint: Annotated[str, Field(max_length=16_384)] | None = None
    consistency: Consistency | None = None
    cosignature: Annotated[str, Field(max_length=16_384)] | None = None
    heads: Annotated[
        dict[Digest, Annotated[list[Digest], Field(max_length=MAX_HEADS)]], Field(max_length=MAX_DOSSIERS)
    ] = {}

    def require_about(self, manifest: Manifest) -> None:
        """Return when this receipt answers that envelope, else raise ``Rejected("receipt.of_another", envelope=…)``."""
        told = (self.envelope_id, self.manifest_digest, self.sender, self.recipient)
        if told != (manifest.envelope_id, manifest.digest(), manifest.recipient, manifest.sender):
            raise Rejected("receipt.of_another", envelope=self.envelope_id)


def sign_receipt(receipt: Receipt, node_signer: Signer) -> Signed:
    """The receipt under the receiver's node key; raises as ``open_receipt`` for one that could not be opened."""
    _require_sound(receipt)
    return receipt.signed_by(node_signer)


def open_receipt(signed: Signed, *, keys: Mapping[str, bytes], me: str, about: Manifest | None = None) -> Receipt:
    """The receipt, when one of the receiver's node ``keys`` signed it and it is for ``me``.

    Give ``about``, the manifest of the envelope, to have it checked that the receipt answers that very one.
    Raises ``Rejected``: what ``dsse.verify_one`` and ``Record.from_bytes`` raise, ``receipt.not_for_us``,
    ``receipt.contradicts_itself`` (a refusal without a code, a code without a refusal, a proof without a checkpoint,
    unread items in what was not opened), ``receipt.of_another``.
    """
    receipt = Receipt.from_bytes(dsse.verify_one(signed, payload_type=Receipt.payload_type, keys=keys))
    if receipt.recipient != me:
        raise Rejected("receipt.not_for_us", recipient=receipt.recipient)
    _require_sound(receipt)
    if about is not None:
        receipt.require_about(about)
    return receipt


def _require_sound(receipt: Receipt) -> None:
    broken = {
        "/code": (receipt.status == "refused") != (receipt.code is not None),
        "/consistency": receipt.consistency is not None and receipt.checkpoint is None,
        "/not_understood": bool(receipt.not_understood) and receipt.status != "opened",
        "/sender": receipt.sender == receipt.recipient,
    }
    for at, is_broken in broken.items():
        if is_broken:
            raise Rejected("receipt.contradicts_itself", at=at)
