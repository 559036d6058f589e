"""The kit before this node, in one process: its requests go through the node's real doors, jobs run when it pauses."""

from __future__ import annotations

import httpx

from tansiq.conformance.keeping import Kept
from tansiq.conformance.line import Line
from tansiq.conformance.stage import Stage, staged
from tansiq.engine.envelopes.cards import open_card
from tansiq.engine.envelopes.dsse import Signed
from tansiq.node.audit.tasks import sequence_all
from tansiq.node.partners import actions as partners
from tests.node.far import repeatable
from tests.node.world import ENVELOPE_TYPE, World

PATIENCE = 3


def kit(world: World, *, enrolled: bool = True) -> Stage:
    """A stage whose two partners are enrolled here as in life."""
    kept = Kept.prepare(world.now, repeatable("kit"))
    for who in kept.identities.values():
        if enrolled:
            card = who.card(world.now).to_json()
            partners.enrol(card, spoken=who.fingerprint("en"), actor="administrator", now=world.now)
    return before(world, kept)


def before(world: World, kept: Kept) -> Stage:
    """A run of that kit."""

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        told = world.client.post(path, data=request.content, content_type=ENVELOPE_TYPE)
        return httpx.Response(told.status_code, content=told.content, headers={"content-type": told["content-type"]})

    def pause() -> None:
        world.later(seconds=1)
        world.work()
        sequence_all(world.now)

    signed = Signed.from_json(world.own_card)
    line = Line("http://fr.example", httpx.Client(transport=httpx.MockTransport(answer)), is_network=False)
    card = open_card(signed, pinned_root=None)
    stage = staged(line, signed, card, kept, clock=world.clock, pause=pause, patience=PATIENCE)
    stage.a.random, stage.b.random = repeatable("kit a"), repeatable("kit b")
    return stage
