"""Envelopes that are wrong: each is refused by the code of the first rule that it breaks, and nothing is signed for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tansiq.conformance.keeping import Identity
from tansiq.conformance.player import LIFE, Player
from tansiq.conformance.stage import Stage
from tansiq.conformance.verdicts import check
from tansiq.engine.envelopes.sealing import MAGIC, MAX_ENVELOPE, MAX_MANIFEST, Sealed
from tansiq.engine.envelopes.sequences import Outbound
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.formats.times import format_time

DAY = timedelta(days=1)


def _framed(manifest: bytes, sealed: bytes = b"x") -> bytes:
    return MAGIC + len(manifest).to_bytes(4, "big") + manifest + sealed


def _good(stage: Stage, **changes: Any) -> Sealed:
    return stage.a.seal((), stage.clock(), **changes)


def _timed(stage: Stage, created: datetime, expires: datetime, **changes: Any) -> Sealed:
    return _good(stage, created_at=created, expires_at=expires, **changes)


@check("ENV-3")
def framing(stage: Stage) -> None:
    """Prose, another version, cut off in every part, a manifest too long, bytes that are no JSON."""
    stage.refused("prose", b"Dear colleague", "envelope.not_one")
    stage.refused("another version", b"TANSIQ2\n" + bytes(100), "envelope.not_one")
    stage.refused("magic alone", MAGIC, "envelope.cut_off")
    stage.refused("a length beyond the end", MAGIC + b"\0\0\x10\0{}", "envelope.cut_off")
    stage.refused("no body", _framed(b"{}", b""), "envelope.cut_off")
    too_long = MAGIC + (MAX_MANIFEST + 1).to_bytes(4, "big") + bytes(100)
    stage.refused("a manifest too long", too_long, "envelope.manifest_too_large")
    for what, raw in (("XML", b"<xml/>"), ("a key twice", b'{"a":1,"a":2}'), ("too deep", b"[" * 50 + b"]" * 50)):
        stage.refused(what, _framed(raw), "json.")


@check("ENV-4")
def too_large(stage: Stage) -> None:
    """One byte over the limit."""
    stage.refused("too large", MAGIC + bytes(MAX_ENVELOPE + 1 - len(MAGIC)), "envelope.too_large")


@check("ENV-5")
def manifest_members(stage: Stage) -> None:
    """A member more, one of another form, another version, no DSSE envelope."""
    sealed = _good(stage)
    stage.refused("a member more", stage.a.signed_again(sealed, more=1), "record.field")
    stage.refused("a sequence below 1", stage.a.signed_again(sealed, sequence=0), "record.field")
    stage.refused("an id that is none", stage.a.signed_again(sealed, envelope_id="1"), "record.field")
    stage.refused("version 2", stage.a.signed_again(sealed, v=2), "record.version")
    stage.refused("no DSSE envelope", _framed(b"{}"), "dsse.form")


@check("ENV-6")
def manifest_against_itself(stage: Stage) -> None:
    """Each member is right, together they are not."""
    sealed, now = _good(stage), stage.clock()
    again = stage.a.signed_again
    stage.refused("to itself", again(sealed, recipient=stage.a.who.node_id), "manifest.to_itself")
    stage.refused("a life of 31 days", again(sealed, expires_at=format_time(now + 31 * DAY)), "manifest.life")
    stage.refused("expires before it begins", again(sealed, expires_at=format_time(now - DAY)), "manifest.life")
    first = again(sealed, sequence=5, previous_manifest_digest=None)
    stage.refused("a fifth without one before", first, "manifest.first")


@check("ENV-7")
def stranger(stage: Stage) -> None:
    """Somebody whom nobody enrolled, right in all else."""
    unknown = Identity.generate("zz-kit-stranger", stage.clock(), stage.a.random)
    played = Player(unknown, stage.target, Outbound.start(1), stage.a.random)
    stage.refused("a stranger", played.seal((), stage.clock()), "envelope.sender_unknown")


@check("ENV-8")
def key_on_no_card(stage: Stage) -> None:
    """A newer card may be on its way, so the refusal is temporary."""
    signer = Ed25519Signer.generate(stage.a.random)
    stage.refused("a key on no card", _good(stage, node_signer=signer), "envelope.key_unknown", temporary=True)


@check("ENV-9")
def key_before_its_time(stage: Stage) -> None:
    """Created before the key was valid."""
    created = stage.a.who.node_keys[-1].since - timedelta(hours=1)
    stage.refused("before its time", _timed(stage, created, created + LIFE), "envelope.key_not_valid")


@check("ENV-10")
def signatures(stage: Stage) -> None:
    """Another key's signature, one more than demanded, and one with a bit turned."""
    sealed = _good(stage)
    thief = Ed25519Signer.generate(stage.a.random)
    stage.refused("another key", stage.a.signed_again(sealed, thief), "dsse.signatures_differ")
    turned = Sealed(_turned(sealed), sealed.sealed)
    stage.refused("a bit turned", turned, "envelope.signature_invalid")
    as_b = stage.a.signed_again(sealed, stage.b.who.node, node_key_id=stage.b.who.node.key_id)
    stage.refused("another partner's key", as_b, "envelope.key_unknown", temporary=True)


def _turned(sealed: Sealed) -> Any:
    from dataclasses import replace

    (one,) = sealed.manifest.signatures
    raw = bytearray(one.signature)
    raw[40] ^= 1
    return replace(sealed.manifest, signatures=(replace(one, signature=bytes(raw)),))


@check("ENV-11")
def wrong_addressee(stage: Stage) -> None:
    """Signed by a partner, for somebody else."""
    stage.refused("for another", _good(stage, recipient=stage.b.who.node_id), "envelope.not_for_us")


@check("ENV-12")
def expired(stage: Stage) -> None:
    """A while ago: as far back as the key allows, an hour at most."""
    created = max(stage.a.who.node_keys[-1].since, stage.clock() - timedelta(hours=1))
    stage.refused("expired", _timed(stage, created, created + timedelta(minutes=5)), "envelope.expired")


@check("ENV-13")
def early(stage: Stage) -> None:
    """A clock that is three hours ahead may be set right."""
    created = stage.clock() + timedelta(hours=3)
    stage.refused("from in three hours", _timed(stage, created, created + DAY), "envelope.early", temporary=True)


@check("ENV-14")
def id_again(stage: Stage) -> None:
    """The same id with other bytes, also when tried twice."""
    first = _good(stage)
    stage.accepted(stage.a, first)
    second = _good(stage, envelope_id=first.opened_manifest.envelope_id)
    for _ in range(2):
        stage.refused("an id again", second, "envelope.id_reused")


@check("ENV-15")
def body_of_another_size(stage: Stage) -> None:
    """A byte more, a byte less, a byte changed."""
    sealed = _good(stage)
    stage.refused("a byte more", Sealed(sealed.manifest, sealed.sealed + b"x"), "envelope.body_length")
    stage.refused("a byte less", Sealed(sealed.manifest, sealed.sealed[:-1]), "envelope.body_length")
    changed = sealed.sealed[:-1] + bytes([sealed.sealed[-1] ^ 1])
    stage.refused("a byte changed", Sealed(sealed.manifest, changed), "envelope.body_digest")


@check("ENV-17")
def order_of_checks(stage: Stage) -> None:
    """Each pair breaks a rule of a later step too."""
    now, thief = stage.clock(), Ed25519Signer.generate(stage.a.random)
    created = now - timedelta(minutes=30)
    old = {"created_at": created, "expires_at": created + timedelta(minutes=5)}
    sealed = _good(stage)
    stage.refused(
        "a bad key before a bad body",
        Sealed(_good(stage, node_signer=thief).manifest, b"x"),
        "envelope.key_unknown",
        temporary=True,
    )
    stage.refused(
        "a bad signature before another's address",
        stage.a.signed_again(sealed, thief, recipient="zz-kit-other"),
        "dsse.signatures_differ",
    )
    stage.refused(
        "another's address before expired", _good(stage, recipient="zz-kit-other", **old), "envelope.not_for_us"
    )
    stage.refused("expired before a bad body", Sealed(_good(stage, **old).manifest, b"x"), "envelope.expired")
