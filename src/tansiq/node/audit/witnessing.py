"""What partners show us of their logs, and what they saw of ours.

A partner's checkpoint is kept only if its signature holds and its log is the continuation of the last one we kept.
Two checkpoints of one log that do not fit each other are evidence: both are stored as signed, before the error is
raised, and an officer hears of it. Countersignatures go the same way in the other direction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from tansiq.engine.errors import Corrupt, Rejected, TansiqError
from tansiq.engine.formats.ids import b64decode
from tansiq.engine.ledger import checkpoints, merkle, notes
from tansiq.node.audit.actions import Signs
from tansiq.node.audit.models import Checkpoint, Contradiction, Cosigned, PartnerCheckpoint

_ORIGIN = re.compile(r"tansiq/([a-z0-9-]{2,160})/exchange/([1-9][0-9]{0,8})")
MAX_PROOF = 64
MAX_CONTRADICTIONS = 100
"""Kept of one partner: evidence enough, and a bound."""


def witness_name(node_id: str) -> str:
    """The name under which a node countersigns."""
    return f"tansiq/{node_id}"


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a partner's checkpoint: is it new here, and from which size would a proof be needed to keep it."""

    size: int
    is_new: bool
    proof_needed_from: int | None = None


def keep_partner_checkpoint(
    partner: str,
    text: str,
    consistency: Mapping[str, Any] | None,
    *,
    publics: Iterable[bytes],
    node_id: str,
    signer: Signs,
    now: datetime,
) -> Kept:
    """Verify a partner's checkpoint, keep it with our countersignature, and say whether it was new.

    ``consistency`` is ``{"from_size": n, "proof": [base64, …]}`` or None; ``publics`` are the partner's node keys. An
    older checkpoint than the kept one, or one whose proof starts elsewhere, changes nothing. Raises ``Rejected`` for
    a bad signature or a foreign origin, and ``Corrupt("audit.partner_contradicts")`` – after storing both checkpoints
    – when the partner's log is not the continuation of what it showed before. Opens its own transaction, so that the
    evidence outlives the error.
    """
    head = _opened(partner, text, publics)
    incarnation = _incarnation(partner, head.origin)
    with transaction.atomic(durable=True):
        newest = (
            PartnerCheckpoint.objects.select_for_update()
            .filter(partner=partner)
            .order_by("-incarnation", "-size")
            .first()
        )
        verdict = _weigh(head, incarnation, newest, consistency)
        if isinstance(verdict, str):
            _keep_contradiction(partner, head, text, newest, verdict, consistency, now)
        elif verdict.is_new:
            _keep(partner, head, incarnation, text, node_id, signer, now)
    if isinstance(verdict, str):
        raise Corrupt("audit.partner_contradicts", partner=partner, size=head.size, kind=verdict)
    return verdict


def _opened(partner: str, text: str, publics: Iterable[bytes]) -> checkpoints.Checkpoint:
    claimed = checkpoints.read_checkpoint(text)
    _incarnation(partner, claimed.origin)
    return checkpoints.open_checkpoint(text, [checkpoints.checkpoint_key(claimed.origin, public) for public in publics])


def _incarnation(partner: str, origin: str) -> int:
    found = _ORIGIN.fullmatch(origin)
    if found is None or found[1] != partner:
        raise Rejected("audit.foreign_origin", partner=partner, origin=origin[:220])
    return int(found[2])


def _weigh(
    head: checkpoints.Checkpoint,
    incarnation: int,
    newest: PartnerCheckpoint | None,
    consistency: Mapping[str, Any] | None,
) -> Kept | str:
    """What to do with ``head`` beside the newest kept one; a text names the kind of contradiction."""
    known = PartnerCheckpoint.objects.filter(origin=head.origin, size=head.size).first()
    if known is not None:
        return Kept(head.size, is_new=False) if bytes(known.root) == head.root else Contradiction.FORKED
    if newest is None or incarnation > newest.incarnation or (incarnation == newest.incarnation and newest.size == 0):
        return Kept(head.size, is_new=True)
    if incarnation < newest.incarnation or head.size < newest.size:
        return Kept(head.size, is_new=False)
    if consistency is None or consistency.get("from_size") != newest.size:
        return Kept(head.size, is_new=False, proof_needed_from=newest.size)
    try:
        merkle.verify_consistency(newest.size, head.size, bytes(newest.root), head.root, _proof(consistency))
    except TansiqError:
        return Contradiction.UNPROVEN
    return Kept(head.size, is_new=True)


def _proof(consistency: Mapping[str, Any]) -> list[bytes]:
    steps = consistency.get("proof")
    if not isinstance(steps, list) or len(steps) > MAX_PROOF:
        raise Rejected("audit.proof_malformed", at="/consistency/proof")
    return [b64decode(step, at=f"/consistency/proof/{number}") for number, step in enumerate(steps)]


def _keep(
    partner: str,
    head: checkpoints.Checkpoint,
    incarnation: int,
    text: str,
    node_id: str,
    signer: Signs,
    now: datetime,
) -> None:
    line = checkpoints.cosign(text, name=witness_name(node_id), public=signer.public, signer=signer, now=now)
    PartnerCheckpoint.objects.get_or_create(
        origin=head.origin,
        size=head.size,
        defaults={
            "partner": partner,
            "incarnation": incarnation,
            "root": head.root,
            "text": text,
            "cosigned": checkpoints.add_cosignature(text, line),
            "kept_at": now,
        },
    )


def _keep_contradiction(
    partner: str,
    head: checkpoints.Checkpoint,
    text: str,
    newest: PartnerCheckpoint | None,
    kind: str,
    consistency: Mapping[str, Any] | None,
    now: datetime,
) -> None:
    known = PartnerCheckpoint.objects.filter(origin=head.origin, size=head.size).first() or newest
    is_shown = Contradiction.objects.filter(origin=head.origin, other=text, kind=kind).exists()
    is_enough = Contradiction.objects.filter(partner=partner).count() >= MAX_CONTRADICTIONS
    if known is not None and not is_shown and not is_enough:
        proof = dict(consistency) if consistency else None
        Contradiction.objects.create(
            partner=partner,
            origin=head.origin,
            kind=kind,
            known=known.text,
            other=text,
            proof=proof,
            found_at=now,
        )


def require_own(text: str, *, node_id: str, publics: Iterable[bytes]) -> None:
    """Raise Rejected where ``text`` is no checkpoint of this node's own exchange log, or was not signed here."""
    _opened(node_id, text, publics)


def keep_cosigned(partner: str, text: str, *, publics: Iterable[bytes]) -> Cosigned:
    """Keep one of our checkpoints with this partner's countersignature, verified; idempotent.

    Raises ``Rejected``: ``audit.cosigned_unknown`` if it is no checkpoint of ours, ``ledger.note_…`` for a bad
    signature.
    """
    head = checkpoints.read_checkpoint(text)
    ours = Checkpoint.objects.filter(tree__origin=head.origin, size=head.size).first()
    if ours is None or bytes(ours.root) != head.root:
        raise Rejected("audit.cosigned_unknown", partner=partner, origin=head.origin, size=head.size)
    name = witness_name(partner)
    keys = [notes.NoteKey(name, public, notes.COSIGNATURE_V1) for public in publics]
    lines = [signature.line() for signature in notes.split_note(text).signatures if signature.name == name]
    if not lines:
        raise Rejected("ledger.note_unsigned", names=[name])
    seen = checkpoints.verify_cosignature(ours.text, lines[-1], keys)
    row, _ = Cosigned.objects.get_or_create(
        partner=partner,
        origin=head.origin,
        size=head.size,
        defaults={"text": checkpoints.add_cosignature(ours.text, seen.line), "seen_at": seen.at},
    )
    return row


def keep_witness(
    partner: str,
    *,
    checkpoint: str | None,
    consistency: Mapping[str, Any] | None,
    cosigned: str | None,
    publics: Iterable[bytes],
    node_id: str,
    signer: Signs,
    now: datetime,
) -> Kept | None:
    """Keep everything a verified receipt or envelope of ``partner`` carries for the logs; what is absent is skipped.

    ``cosigned`` is our checkpoint with the partner's countersignature, ``checkpoint`` the partner's own. Call it
    outside a transaction.
    """
    known = list(publics)
    if cosigned is not None:
        keep_cosigned(partner, cosigned, publics=known)
    if checkpoint is None:
        return None
    return keep_partner_checkpoint(
        partner, checkpoint, consistency, publics=known, node_id=node_id, signer=signer, now=now
    )
