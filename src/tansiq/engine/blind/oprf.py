"""The oblivious pseudorandom function of RFC 9497, suite ristretto255-SHA512, modes OPRF (0x00) and VOPRF (0x01).

The asker blinds an input, the holder evaluates the blinded element under its key, the asker finalizes: it has the
function's 64-byte output on its input, the holder has learnt nothing about the input, and the asker nothing about the
key. In mode VOPRF the holder adds one proof of 64 bytes for a whole batch that it used the key it published, so that
it cannot mark an asker by a key of its own.

::

    asker                                    holder
    blind(inputs)  ── elements ──▶           evaluate(key, elements)
    finalize(...)  ◀── evaluated, proof ──

Inputs have at most 65,535 bytes, batches at most 65,535 elements. Everything from abroad is checked before use:
elements must be canonical and not the identity, scalars below the order.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from tansiq.engine.blind import group
from tansiq.engine.errors import Rejected

SUITE: Final = b"ristretto255-SHA512"
OUTPUT_BYTES: Final = 64
PROOF_BYTES: Final = 2 * group.SCALAR_BYTES
SEED_BYTES: Final = 32
MAX_INPUT_BYTES: Final = 65_535
MAX_BATCH: Final = 65_535

Random = Callable[[int], bytes]


class Mode(IntEnum):
    """The modes of RFC 9497 §3.1 that are spoken here."""

    OPRF = 0
    VOPRF = 1


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A holder's key: ``public`` is published, ``secret`` is a scalar and never shown."""

    secret: bytes = field(repr=False)
    public: bytes


@dataclass(frozen=True, slots=True)
class Blinded:
    """One input of the asker with its ``blind``; only ``element`` leaves the asker."""

    input: bytes = field(repr=False)
    blind: bytes = field(repr=False)
    element: bytes


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the holder sends back: the evaluated elements in order, and in mode VOPRF the proof for all of them."""

    elements: tuple[bytes, ...]
    proof: bytes | None = None


def derive_key_pair(seed: bytes, info: bytes, *, mode: Mode) -> KeyPair:
    """The key pair of a 32-byte ``seed`` and public ``info`` (RFC 9497 §3.2.1)."""
    if len(seed) != SEED_BYTES:
        raise Rejected("blind.seed_length", length=len(seed))
    material = seed + _prefixed(info)
    for counter in range(256):
        secret = group.hash_to_scalar(material + bytes([counter]), b"DeriveKeyPair" + _context(mode))
        if secret != group.ZERO:
            return KeyPair(secret, group.multiply_base(secret))
    raise Rejected("blind.seed_length", length=len(seed))


def generate_key_pair(random: Random) -> KeyPair:
    """A fresh key pair (RFC 9497 §3.2)."""
    secret = group.random_scalar(random)
    return KeyPair(secret, group.multiply_base(secret))


def blind(value: bytes, *, mode: Mode, random: Random) -> Blinded:
    """``value`` hashed into the group and blinded by a fresh scalar (RFC 9497 §3.3.1, Blind)."""
    scalar = group.random_scalar(random)
    return Blinded(value, scalar, group.multiply(scalar, _element_of(value, mode)))


def evaluate(key: KeyPair, elements: Sequence[bytes], *, mode: Mode, random: Random | None = None) -> Evaluation:
    """The holder's step for a batch (RFC 9497 §3.3.1 and §3.3.2, BlindEvaluate).

    Mode VOPRF needs ``random`` for the proof. Raises ``Rejected``: ``blind.batch_size``, ``blind.element_invalid``.
    """
    _require_batch(len(elements))
    for number, element in enumerate(elements):
        group.require_element(element, at=f"/elements/{number}")
    evaluated = tuple(group.multiply(key.secret, element) for element in elements)
    if mode is Mode.OPRF:
        return Evaluation(evaluated)
    if random is None:
        raise ValueError("a proof needs randomness")
    return Evaluation(evaluated, _prove(key, elements, evaluated, random))


def finalize(
    blinded: Sequence[Blinded], evaluation: Evaluation, *, mode: Mode, public: bytes | None = None
) -> list[bytes]:
    """The 64-byte outputs for the blinded inputs, in order (RFC 9497 §3.3.1 and §3.3.2, Finalize).

    Mode VOPRF needs the holder's ``public`` key and checks the proof before anything is unblinded. Raises ``Rejected``:
    ``blind.batch_mismatch``, ``blind.element_invalid``, ``blind.scalar_invalid``, ``blind.proof_invalid``.
    """
    check(blinded, evaluation, mode=mode, public=public)
    return [unblind(one, element) for one, element in zip(blinded, evaluation.elements, strict=True)]


def check(blinded: Sequence[Blinded], evaluation: Evaluation, *, mode: Mode, public: bytes | None = None) -> None:
    """Passes if ``evaluation`` may be unblinded: right number, valid elements and, in VOPRF, a proof that holds."""
    if len(evaluation.elements) != len(blinded):
        raise Rejected("blind.batch_mismatch", sent=len(blinded), received=len(evaluation.elements))
    _require_batch(len(blinded))
    for number, element in enumerate(evaluation.elements):
        group.require_element(element, at=f"/evaluated/{number}")
    if mode is Mode.VOPRF:
        if public is None or evaluation.proof is None:
            raise Rejected("blind.proof_invalid", count=len(blinded))
        verify(public, [one.element for one in blinded], evaluation.elements, evaluation.proof)


def unblind(blinded: Blinded, element: bytes) -> bytes:
    """The output for one input, from its evaluated element after :func:`check`."""
    return _output(blinded.input, group.multiply(group.invert(blinded.blind), element))


def compute(key: KeyPair, value: bytes, *, mode: Mode) -> bytes:
    """The function's output for the holder's own input, without blinding (RFC 9497 §3.3.1, Evaluate)."""
    return _output(value, group.multiply(key.secret, _element_of(value, mode)))


def verify(public: bytes, elements: Sequence[bytes], evaluated: Sequence[bytes], proof: bytes) -> None:
    """Passes if every ``evaluated`` element is its element times the secret of ``public`` (RFC 9497 §2.2.2)."""
    _require_batch(len(elements))
    if len(elements) != len(evaluated):
        raise Rejected("blind.batch_mismatch", sent=len(elements), received=len(evaluated))
    group.require_element(public, at="/public")
    if len(proof) != PROOF_BYTES:
        raise Rejected("blind.proof_invalid", count=len(elements))
    challenge = group.require_scalar(proof[: group.SCALAR_BYTES], at="/proof/challenge")
    response = group.require_scalar(proof[group.SCALAR_BYTES :], at="/proof/response")
    weights = _weights(public, elements, evaluated)
    composite = _sum(weights, elements)
    product = _sum(weights, evaluated)
    first = group.add(group.multiply_base(response), group.multiply_any(challenge, public))
    second = group.add(group.multiply_any(response, composite), group.multiply_any(challenge, product))
    if not hmac.compare_digest(_challenge(public, composite, product, first, second), challenge):
        raise Rejected("blind.proof_invalid", count=len(elements))


def _prove(key: KeyPair, elements: Sequence[bytes], evaluated: Sequence[bytes], random: Random) -> bytes:
    """The proof of discrete logarithm equality for a batch (RFC 9497 §2.2.1), 64 bytes whatever the batch's size."""
    composite = _sum(_weights(key.public, elements, evaluated), elements)
    product = group.multiply_any(key.secret, composite)
    nonce = group.random_scalar(random)
    first, second = group.multiply_base(nonce), group.multiply_any(nonce, composite)
    challenge = _challenge(key.public, composite, product, first, second)
    return challenge + group.subtract_scalars(nonce, group.multiply_scalars(challenge, key.secret))


def _weights(public: bytes, elements: Sequence[bytes], evaluated: Sequence[bytes]) -> list[bytes]:
    """The scalars that fold a batch into one pair (RFC 9497 §2.2.1, ComputeComposites)."""
    context = _context(Mode.VOPRF)
    seed = hashlib.sha512(_prefixed(public) + _prefixed(b"Seed-" + context)).digest()
    return [
        group.hash_to_scalar(
            _prefixed(seed) + number.to_bytes(2, "big") + _prefixed(element) + _prefixed(result) + b"Composite",
            b"HashToScalar-" + context,
        )
        for number, (element, result) in enumerate(zip(elements, evaluated, strict=True))
    ]


def _sum(weights: Sequence[bytes], elements: Sequence[bytes]) -> bytes:
    total = group.IDENTITY
    for weight, element in zip(weights, elements, strict=True):
        total = group.add(total, group.multiply_any(weight, element))
    return total


def _challenge(public: bytes, composite: bytes, product: bytes, first: bytes, second: bytes) -> bytes:
    transcript = b"".join(_prefixed(part) for part in (public, composite, product, first, second))
    return group.hash_to_scalar(transcript + b"Challenge", b"HashToScalar-" + _context(Mode.VOPRF))


def _element_of(value: bytes, mode: Mode) -> bytes:
    if len(value) > MAX_INPUT_BYTES:
        raise Rejected("blind.input_length", length=len(value))
    element = group.hash_to_element(value, _TO_GROUP[mode])
    if element == group.IDENTITY:  # the only element that hashing gives and nobody may use (RFC 9497 §3.3.1)
        raise Rejected("blind.element_invalid", at="/input")
    return element


def _output(value: bytes, unblinded: bytes) -> bytes:
    return hashlib.sha512(_prefixed(value) + _prefixed(unblinded) + b"Finalize").digest()


def _context(mode: Mode) -> bytes:
    return b"OPRFV1-" + bytes([mode]) + b"-" + SUITE


_TO_GROUP: Final = {mode: b"HashToGroup-" + _context(mode) for mode in Mode}


def _prefixed(raw: bytes) -> bytes:
    return len(raw).to_bytes(2, "big") + raw


def _require_batch(count: int) -> None:
    if not 0 < count <= MAX_BATCH:
        raise Rejected("blind.batch_size", count=count)
