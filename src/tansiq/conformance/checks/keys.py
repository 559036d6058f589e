"""Cards and keys that change. These checks come last: each leaves the player with the key that counts from then on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Literal

from tansiq.conformance.checks.entries import consulted, proposal
from tansiq.conformance.keeping import Identity
from tansiq.conformance.player import Player
from tansiq.conformance.stage import Stage
from tansiq.conformance.verdicts import Broken, check
from tansiq.engine.envelopes.bodies import Item
from tansiq.engine.envelopes.signing import Ed25519Signer

MINUTE = timedelta(minutes=1)


def _become(stage: Stage, player: Player, who: Identity) -> None:
    """The player has these keys from now on, and the kit remembers it."""
    player.who = who
    stage.kept.identities[who.node_id] = who


def _rotated(stage: Stage, player: Player, purpose: Literal["node", "authority"]) -> Identity:
    """A new key beside the old one, told by a newer card; returns who the player was before."""
    before = player.who
    after = before.with_new_key(purpose, Ed25519Signer.generate(player.random), stage.clock() - MINUTE)
    stage.take(player, Item("card", after.card(stage.clock()).to_json()))
    _become(stage, player, after)
    return before


@check("ENV-22")
def newer_card(stage: Stage) -> None:
    """A second node key: envelopes under it are accepted, and under the old one too."""
    before = _rotated(stage, stage.a, "node")
    stage.send(stage.a)
    stage.accepted(stage.a, stage.a.seal((), stage.clock(), node_signer=before.node))


@check("ENV-23")
def card_that_does_not_count(stage: Stage) -> None:
    """The same serial, a lower one, another root: a key that only these name signs nothing."""
    b, now = stage.b, stage.clock()
    thief = Ed25519Signer.generate(b.random)
    forged = b.who.with_new_key("node", thief, now - MINUTE)
    other_root = replace(forged, root=Ed25519Signer.generate(b.random))
    cards = [forged.card(now, serial=b.who.serial), other_root.card(now)]
    stage.take(b, *(Item("card", one.to_json()) for one in cards))
    sealed = b.seal((), stage.clock(), node_signer=thief)
    stage.refused("a key that no valid card names", sealed, "envelope.key_unknown", temporary=True)


@check("ITM-12")
def revoked_authority_key(stage: Stage) -> None:
    """What the revocation vouches for stays; what comes under the key after it is not taken from its author."""
    a = stage.a
    dossier = proposal(stage, a)
    stage.take(a, dossier.entries[0])
    late = consulted(stage, a, dossier)
    before = _rotated(stage, a, "authority")
    vouched: dict[str, tuple[str | None, int]] = {dossier.dossier_id: (dossier.dossier_id, 1)}
    stage.take(a, a.revocation(before.authority.key_id, stage.clock(), vouched))
    stage.take(a, late)
    if stage.has(a, late.entry_id, dossier.dossier_id):
        raise Broken("an entry beyond the last good one was taken in")
    if not stage.has(a, dossier.dossier_id, dossier.dossier_id):
        raise Broken("the last good entry is gone")


@check("ENV-24")
def revoked_node_key(stage: Stage) -> None:
    """Also with a time before the revocation: whoever stole the key writes the time."""
    a = stage.a
    before = _rotated(stage, a, "node")
    stage.take(a, a.revocation(before.node.key_id, stage.clock()))
    earlier = max(before.node_keys[-1].since, stage.clock() - timedelta(minutes=30))
    for created in (stage.clock(), earlier):
        sealed = a.seal((), stage.clock(), node_signer=before.node, created_at=created)
        stage.refused("under a revoked key", sealed, "envelope.key_revoked")
    stage.send(a)
