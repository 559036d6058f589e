"""What waits for a partner without an address: fetched on a signed request, opened, receipted."""

from __future__ import annotations

import uuid
from datetime import timedelta
from itertools import pairwise
from typing import Any

from tansiq.conformance import line as doors
from tansiq.conformance.keeping import Identity
from tansiq.conformance.player import Player
from tansiq.conformance.stage import UNKNOWN_TYPE, Stage
from tansiq.conformance.verdicts import Broken, check
from tansiq.engine.envelopes.bodies import Item
from tansiq.engine.envelopes.sealing import Accepted
from tansiq.engine.envelopes.sequences import Outbound
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.errors import TansiqError


def _something_waits(stage: Stage, player: Player) -> list[bytes]:
    """Cause an answer and fetch it, without a receipt."""
    reference = str(uuid.UUID(bytes=player.random(16), version=4))
    stage.send(player, Item(UNKNOWN_TYPE, {"reference": reference}))
    for _ in range(stage.patience):
        stage.pause()
        if came := stage.fetched(player):
            return came
    raise Broken("nothing came that could be fetched")


def _opened(stage: Stage, player: Player, came: list[bytes]) -> list[Accepted]:
    try:
        return [player.open(raw, stage.clock()) for raw in came]
    except TansiqError as error:
        raise Broken(f"an envelope of the node does not hold: {error}") from error


@check("ENV-25")
def fetched_in_sequence(stage: Stage) -> None:
    """Each envelope names the one before it."""
    manifests = []
    for _ in range(2):
        for one in _opened(stage, stage.b, _something_waits(stage, stage.b)):
            manifests.append(one.manifest)
            stage.post(stage.b.receipt(one.manifest, stage.clock()), doors.RECEIPTS)
    for before, after in pairwise(manifests):
        told = (after.incarnation, after.sequence, after.previous_manifest_digest)
        if told != (before.incarnation, before.sequence + 1, before.digest()):
            raise Broken(f"number {after.sequence} does not continue number {before.sequence}")


@check("ENV-26")
def wrong_requests(stage: Stage) -> None:
    """Each is refused, whatever waits."""
    now, a = stage.clock(), stage.a
    stranger = Player(Identity.generate("zz-kit-stranger", now, a.random), stage.target, Outbound.start(1), a.random)
    tried: list[tuple[str, bytes, tuple[str, ...]]] = [
        ("three hours old", a.request(now - timedelta(hours=3)), ("exchange.pull_stale",)),
        ("three hours ahead", a.request(now + timedelta(hours=3)), ("exchange.pull_stale",)),
        ("for another node", a.request(now, to="zz-kit-other"), ("exchange.pull_not_for_us",)),
        ("another's name", a.request(now, sender=stage.b.who.node_id), ("dsse.signatures_differ",)),
        (
            "under a key on no card",
            a.request(now, signer=Ed25519Signer.generate(a.random)),
            ("dsse.signatures_differ",),
        ),
        ("of a stranger", stranger.request(now), ("dsse.", "partner.", "envelope.sender_unknown")),
        ("no request", b"{}", ("dsse.form",)),
    ]
    for what, raw, codes in tried:
        stage.refused(what, raw, *codes, path=doors.PULL)


@check("ENV-27")
def sealed_as_written(stage: Stage) -> None:
    """The reader of the engine holds it to binding, step and zeros."""
    for one in _opened(stage, stage.a, _something_waits(stage, stage.a)):
        stage.post(stage.a.receipt(one.manifest, stage.clock()), doors.RECEIPTS)


@check("ENV-28")
def same_bytes_until_receipted(stage: Stage) -> None:
    """The receipt may come twice."""
    first = _something_waits(stage, stage.b)
    again = stage.fetched(stage.b)
    if again[: len(first)] != first:
        raise Broken("without a receipt, other bytes came the second time")
    opened = _opened(stage, stage.b, again)
    for one in [*opened, *opened]:
        answer = stage.post(stage.b.receipt(one.manifest, stage.clock()), doors.RECEIPTS)
        if answer.status != 200:
            raise Broken(f"a receipt that is right was answered {answer}")
    if set(stage.fetched(stage.b)) & set(again):
        raise Broken("an envelope came again after its receipt")


@check("ENV-29")
def wrong_receipts(stage: Stage) -> None:
    """None of them ends the envelope."""
    came = _something_waits(stage, stage.a)
    (told, *_), a, now = _opened(stage, stage.a, came), stage.a, stage.clock()

    def wrong(**changes: Any) -> bytes:
        return a.receipt(told.manifest, now, **changes)

    tried: list[tuple[str, bytes, tuple[str, ...]]] = [
        ("under a key on no card", wrong(signer=Ed25519Signer.generate(a.random)), ("dsse.signatures_differ",)),
        ("in another's name", wrong(sender=stage.b.who.node_id), ("dsse.signatures_differ",)),
        ("by another partner", stage.b.receipt(told.manifest, now), ("exchange.receipt_for_other",)),
        ("of another manifest", wrong(manifest_digest="a" * 64), ("exchange.receipt_for_other",)),
        ("for another node", wrong(recipient="zz-kit-other"), ("receipt.not_for_us",)),
        ("a refusal without a code", wrong(status="refused"), ("receipt.contradicts_itself",)),
    ]
    for what, raw, codes in tried:
        stage.refused(what, raw, *codes, path=doors.RECEIPTS)
    if stage.fetched(a)[: len(came)] != came:
        raise Broken("after receipts that were wrong the envelope is not given any more")
    stage.collect(a)
