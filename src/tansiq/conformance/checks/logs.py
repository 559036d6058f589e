"""Checkpoints of both sides: shown, proved, countersigned, and not countersigned where they contradict each other."""

from __future__ import annotations

import hashlib
from typing import Any

from tansiq.conformance.player import Player
from tansiq.conformance.stage import Stage
from tansiq.conformance.verdicts import Broken, NotApplicable, check
from tansiq.engine.envelopes.bodies import Item
from tansiq.engine.envelopes.receipts import Receipt
from tansiq.engine.errors import TansiqError
from tansiq.engine.formats.ids import b64decode, b64encode
from tansiq.engine.ledger import checkpoints, merkle, notes
from tansiq.engine.ledger.checkpoints import Checkpoint


def _origin(player: Player) -> str:
    return f"tansiq/{player.who.node_id}/exchange/{player.outbound.next().incarnation}"


def _leaves(player: Player, size: int, *, story: str = "") -> list[bytes]:
    """The leaf hashes of a log that the player might have; another ``story`` is another log."""
    return [hashlib.sha256(f"{_origin(player)}{story}/{number}".encode()).digest() for number in range(size)]


def _checkpoint(player: Player, size: int, *, story: str = "") -> str:
    head = Checkpoint(_origin(player), size, merkle.root_of(_leaves(player, size, story=story)))
    return checkpoints.sign_checkpoint(head, public=player.who.node.public, signer=player.who.node)


def _proof(player: Player, old: int, new: int, *, story: str = "") -> dict[str, Any]:
    leaves = _leaves(player, new, story=story)
    nodes: dict[tuple[int, int], bytes] = {}
    merkle.Tree().extend(leaves, on_node=lambda level, index, value: nodes.__setitem__((level, index), value))
    steps = merkle.consistency_proof(old, new, lambda level, index: nodes[level, index])
    return {"from_size": old, "proof": [b64encode(step) for step in steps]}


def _show(stage: Stage, player: Player, text: str, consistency: dict[str, Any] | None = None) -> str:
    """Show a checkpoint; what the node countersigned of the player's log afterwards."""
    stage.take(player, Item("witness", {"checkpoint": text, "consistency": consistency, "cosigned": None}))
    return stage.send(player).cosignature or ""


def _require_cosigned(stage: Stage, player: Player, cosigned: str, size: int) -> None:
    """It is the player's checkpoint of that size under a countersignature of the node."""
    if not cosigned:
        raise Broken("nothing came back countersigned")
    name = f"tansiq/{stage.target.node_id}"
    keys = [
        notes.NoteKey(name, one.public_bytes, notes.COSIGNATURE_V1)
        for one in stage.target.keys
        if one.purpose == "node"
    ]
    try:
        head = checkpoints.read_checkpoint(cosigned)
        lines = [one.line() for one in notes.split_note(cosigned).signatures if one.name == name]
        if not lines:
            raise Broken("it does not bear the node's countersignature")
        checkpoints.verify_cosignature(cosigned, lines[-1], keys)
    except TansiqError as error:
        raise Broken(f"the countersignature does not hold: {error}") from error
    if (head.origin, head.size) != (_origin(player), size):
        raise Broken(f"countersigned is size {head.size}, not {size}")


def _shown(stage: Stage, receipt: Receipt) -> Checkpoint:
    """The checkpoint in a receipt, verified."""
    if receipt.checkpoint is None:
        raise NotApplicable("the node's exchange log has no checkpoint yet")
    claimed = checkpoints.read_checkpoint(receipt.checkpoint)
    publics = [one.public_bytes for one in stage.target.keys if one.purpose == "node"]
    try:
        return checkpoints.open_checkpoint(
            receipt.checkpoint, [checkpoints.checkpoint_key(claimed.origin, one) for one in publics]
        )
    except TansiqError as error:
        raise Broken(f"its checkpoint does not hold: {error}") from error


def _with_checkpoint(stage: Stage, player: Player) -> Receipt:
    """A receipt that carries a checkpoint; a log that began just now may need a moment."""
    for _ in range(stage.patience):
        receipt = stage.send(player)
        if receipt.checkpoint is not None:
            return receipt
        stage.pause()
    return stage.send(player)


@check("LOG-1")
def shows_its_log(stage: Stage) -> None:
    """Origin, size, root, signature."""
    head = _shown(stage, _with_checkpoint(stage, stage.a))
    begins = f"tansiq/{stage.target.node_id}/exchange/"
    if not head.origin.startswith(begins) or not head.origin.removeprefix(begins).isdigit():
        raise Broken(f"the origin is {head.origin}")


@check("LOG-2")
def proves_its_growth(stage: Stage) -> None:
    """Once its checkpoint came back countersigned, the next one proves that it continues it."""
    a, first = stage.a, _with_checkpoint(stage, stage.a)
    seen, text = _shown(stage, first), first.checkpoint or ""
    line = checkpoints.cosign(
        text, name=f"tansiq/{a.who.node_id}", public=a.who.node.public, signer=a.who.node, now=stage.clock()
    )
    cosigned = checkpoints.add_cosignature(text, line)
    stage.take(a, Item("witness", {"checkpoint": None, "consistency": None, "cosigned": cosigned}))
    for _ in range(stage.patience):
        receipt = stage.send(a)
        head = _shown(stage, receipt)
        if head.size > seen.size:
            _require_continues(seen, head, receipt)
            return
        stage.pause()
    raise NotApplicable("the node's log has not grown meanwhile")


def _require_continues(seen: Checkpoint, head: Checkpoint, receipt: Receipt) -> None:
    proof = receipt.consistency
    if proof is None or proof["from_size"] != seen.size:
        raise Broken(f"grown from {seen.size} to {head.size} without the proof from {seen.size}")
    try:
        merkle.verify_consistency(
            seen.size, head.size, seen.root, head.root, [b64decode(one) for one in proof["proof"]]
        )
    except TansiqError as error:
        raise Broken(f"its proof does not hold: {error}") from error


@check("LOG-3")
def countersigns(stage: Stage) -> None:
    """Five leaves, then twenty."""
    b = stage.b
    _require_cosigned(stage, b, _show(stage, b, _checkpoint(b, 5)), 5)
    _require_cosigned(stage, b, _show(stage, b, _checkpoint(b, 20), _proof(b, 5, 20)), 20)


@check("LOG-4")
def asks_for_the_proof(stage: Stage) -> None:
    """Twenty-four without a proof."""
    _require_cosigned(stage, stage.b, _show(stage, stage.b, _checkpoint(stage.b, 24)), 20)


@check("LOG-5")
def two_roots_for_one_size(stage: Stage) -> None:
    """The kept one stays; the other is never countersigned."""
    b = stage.b
    cosigned = _show(stage, b, _checkpoint(b, 20, story=" another"))
    _require_cosigned(stage, b, cosigned, 20)
    if checkpoints.read_checkpoint(cosigned).root != merkle.root_of(_leaves(b, 20)):
        raise Broken("the second root for one size was countersigned")


@check("LOG-6")
def proof_that_does_not_hold(stage: Stage) -> None:
    """Forty leaves of another story, with that story's proof."""
    b = stage.b
    cosigned = _show(stage, b, _checkpoint(b, 40, story=" another"), _proof(b, 20, 40, story=" another"))
    _require_cosigned(stage, b, cosigned, 20)
