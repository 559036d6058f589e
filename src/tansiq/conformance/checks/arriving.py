"""Envelopes that are right arrive, in whatever order; enrolment is where everything begins."""

from __future__ import annotations

import uuid
from functools import partial

from tansiq.conformance.stage import UNKNOWN_TYPE, Stage, speaks_of
from tansiq.conformance.verdicts import Broken, check
from tansiq.engine.envelopes import cards
from tansiq.engine.envelopes.age import HybridIdentity
from tansiq.engine.envelopes.bodies import Item
from tansiq.engine.errors import TansiqError


@check("ENV-1")
def card_that_was_brought(stage: Stage) -> None:
    """The card opens, and there is a key for what has to be done now."""
    try:
        card = cards.open_card(stage.signed_target, pinned_root=None)
        for purpose in ("node", "authority", "mailbox"):
            card.key_for(purpose, stage.clock())
    except TansiqError as error:
        raise Broken(str(error)) from error


@check("ENV-2")
def enrolled_and_accepted(stage: Stage) -> None:
    """Both partners send something; this fails as a whole where the kit was not enrolled."""
    for player in (stage.a, stage.b):
        receipt = stage.send(player)
        if receipt.status != "accepted":
            raise Broken(f"the receipt says {receipt.status}")


@check("ENV-16")
def same_again(stage: Stage) -> None:
    """The stored receipt comes again, also after other envelopes."""
    sealed = stage.a.seal((), stage.clock())
    first = stage.post(sealed)
    stage.receipt_in(first, sealed)
    stage.a.sent(sealed)
    stage.send(stage.a)
    for _ in range(2):
        stage.pause()
        again = stage.post(sealed)
        if again.raw != first.raw:
            raise Broken(f"other bytes came than the first time: {again}")


@check("ENV-18")
def does_not_open(stage: Stage) -> None:
    """Sealed to a stranger's key, bound to another manifest, no body at all: the next one is processed."""
    stranger = HybridIdentity.generate(stage.a.random)
    sealed = [stage.a.seal((), stage.clock(), mailbox=stranger.recipient())]
    stage.accepted(stage.a, sealed[0])
    stage.accepted(stage.a, stage.a.seal((), stage.clock(), body=b"no body at all"))
    bound = stage.a.seal((), stage.clock())
    stage.accepted(stage.a, stage.a.signed_again(bound, replaces=sealed[0].opened_manifest.envelope_id))
    stage.take(stage.a)


@check("ENV-19")
def out_of_sequence(stage: Stage) -> None:
    """What comes after a gap is processed; the late one too."""
    late = stage.b.skip(stage.clock())
    stage.take(stage.b)
    answer = stage.post(late)
    stage.receipt_in(answer, late)
    stage.take(stage.b)


@check("ENV-20")
def two_under_one_number(stage: Stage) -> None:
    """Both are receipted, and the items of both are taken."""
    references = [str(uuid.UUID(bytes=stage.a.random(16), version=4)) for _ in range(2)]
    since = len(stage.a.came)
    twins = [stage.a.seal((Item(UNKNOWN_TYPE, {"reference": one}),), stage.clock()) for one in references]
    for sealed in twins:
        stage.receipt_in(stage.post(sealed), sealed)
    stage.a.sent(twins[0])
    for name in references:
        if stage.until(stage.a, partial(speaks_of, reference=name), since=since) is None:
            raise Broken("what one of two envelopes under one number held was not taken")


@check("ENV-21")
def higher_incarnation(stage: Stage) -> None:
    """It begins at 1 there; envelopes of the incarnation before still arrive."""
    earlier = stage.b.outbound
    stage.kept.incarnation += 1
    stage.b.outbound = type(earlier).start(stage.kept.incarnation)
    stage.send(stage.b)
    later, stage.b.outbound = stage.b.outbound, earlier
    stage.send(stage.b)
    stage.b.outbound = later
