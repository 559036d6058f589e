"""Revocations: from when on a key of a node is no longer believed, and what of its past still is.

The root key signs it. Time alone decides nothing, since whoever stole a key also writes the time: per dossier the
revocation names the *last good* entry that the node itself had written, so everything after it in that author's chain
is known for what it is. One copy is made for each partner and names only the dossiers that this partner takes part in;
the same dossier has the same last good entry in every copy.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from tansiq.engine.envelopes import dsse
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.records import Digest, Instant, KeyId, NodeId, Record, SignedRecord
from tansiq.engine.envelopes.signing import Signer, key_id
from tansiq.engine.errors import Rejected

Reason: TypeAlias = Literal["compromised", "lost", "withdrawn"]


class LastGood(Record):
    """The last entry of the node in a dossier that stands; sequence 0 and no entry where none does."""

    entry: Digest | None
    sequence: Annotated[int, Field(ge=0, le=2**53 - 1)]


class Revocation(SignedRecord):
    """``key_id`` of ``node_id`` is not believed from ``from_time`` on.

    ``recipient`` is the partner this copy is for.
    """

    payload_type: ClassVar[str] = "application/vnd.tansiq.revocation+json"

    v: Literal[1] = 1
    node_id: NodeId
    key_id: KeyId
    from_time: Instant
    issued_at: Instant
    reason: Reason
    recipient: NodeId | None = None
    last_good: dict[Digest, LastGood] = {}


def sign_revocation(revocation: Revocation, root: Signer) -> Signed:
    """The revocation under the root key; raises as ``open_revocation``."""
    _require_sound(revocation, root.public)
    return revocation.signed_by(root)


def open_revocation(signed: Signed, *, pinned_root: bytes) -> Revocation:
    """The revocation, when the pinned root key signed it.

    Raises what ``dsse.verify`` and ``Record.from_bytes`` raise, ``Rejected("revocation.of_root")`` (a root cannot
    revoke itself; the partner is enrolled anew), ``revocation.last_good`` (an entry without sequence or a sequence
    without entry).
    """
    dsse.verify(signed, payload_type=Revocation.payload_type, keys={key_id(pinned_root): pinned_root})
    revocation = Revocation.from_bytes(signed.payload)
    _require_sound(revocation, pinned_root)
    return revocation


def copies(
    revocation: Revocation, last_good: Mapping[str, LastGood], participants: Mapping[str, Collection[str]]
) -> dict[str, Revocation]:
    """The copy of ``revocation`` for each partner: the dossiers in ``last_good`` in which ``participants`` name it."""
    partners = {partner for dossier in last_good for partner in participants[dossier]} - {revocation.node_id}
    return {
        partner: revocation.model_copy(
            update={
                "recipient": partner,
                "last_good": {one: good for one, good in last_good.items() if partner in participants[one]},
            }
        )
        for partner in sorted(partners)
    }


def _require_sound(revocation: Revocation, root: bytes) -> None:
    if revocation.key_id == key_id(root):
        raise Rejected("revocation.of_root", node=revocation.node_id)
    for dossier, good in revocation.last_good.items():
        if (good.entry is None) != (good.sequence == 0):
            raise Rejected("revocation.last_good", node=revocation.node_id, dossier=dossier)
