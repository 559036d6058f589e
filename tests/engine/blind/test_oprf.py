"""What a blind question promises: the right output, and a refusal of everything else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tansiq.engine.blind import batches, group, oprf
from tansiq.engine.blind.oprf import Evaluation, Mode
from tansiq.engine.errors import Rejected
from tests.engine.blind.randomness import stream

RANDOM = stream("oprf")
KEY = oprf.generate_key_pair(RANDOM)
OTHER = oprf.generate_key_pair(RANDOM)
INPUTS = st.lists(st.binary(max_size=60), min_size=1, max_size=5)


@settings(max_examples=30)
@given(INPUTS, st.sampled_from(Mode))
def test_the_asker_gets_what_the_holder_would_compute(inputs: list[bytes], mode: Mode) -> None:
    blinded = [oprf.blind(value, mode=mode, random=RANDOM) for value in inputs]
    evaluation = oprf.evaluate(KEY, [one.element for one in blinded], mode=mode, random=RANDOM)
    outputs = oprf.finalize(blinded, evaluation, mode=mode, public=KEY.public)
    assert outputs == [oprf.compute(KEY, value, mode=mode) for value in inputs]
    assert outputs[0] != oprf.compute(OTHER, inputs[0], mode=mode)
    assert outputs[0] != oprf.compute(KEY, inputs[0], mode=Mode(1 - mode))
    assert evaluation.proof is None or len(evaluation.proof) == 64


@given(st.binary(max_size=40))
def test_one_input_is_never_blinded_alike(value: bytes) -> None:
    elements = {oprf.blind(value, mode=Mode.VOPRF, random=RANDOM).element for _ in range(3)}
    assert len(elements) == 3


def _asked(count: int = 3) -> tuple[list[oprf.Blinded], Evaluation]:
    blinded = [oprf.blind(bytes([number]), mode=Mode.VOPRF, random=RANDOM) for number in range(count)]
    return blinded, oprf.evaluate(KEY, [one.element for one in blinded], mode=Mode.VOPRF, random=RANDOM)


def _refused(blinded: list[oprf.Blinded], evaluation: Evaluation, public: bytes | None = KEY.public) -> str:
    with pytest.raises(Rejected) as caught:
        oprf.finalize(blinded, evaluation, mode=Mode.VOPRF, public=public)
    return caught.value.code


def test_a_holder_that_uses_another_key_is_caught() -> None:
    blinded, honest = _asked()
    marked = oprf.evaluate(OTHER, [one.element for one in blinded], mode=Mode.VOPRF, random=RANDOM)
    assert _refused(blinded, marked) == "blind.proof_invalid"
    assert _refused(blinded, replace(marked, proof=honest.proof)) == "blind.proof_invalid"
    one_marked = (*honest.elements[:2], marked.elements[2])
    assert _refused(blinded, replace(honest, elements=one_marked)) == "blind.proof_invalid"
    assert _refused(blinded, honest, OTHER.public) == "blind.proof_invalid"


def test_a_batch_cannot_be_reordered_shortened_or_stretched() -> None:
    blinded, honest = _asked()
    assert _refused(blinded, replace(honest, elements=honest.elements[::-1])) == "blind.proof_invalid"
    assert _refused(blinded, replace(honest, elements=honest.elements[:2])) == "blind.batch_mismatch"
    assert _refused(blinded[:2], honest) == "blind.batch_mismatch"
    with pytest.raises(Rejected):
        oprf.verify(KEY.public, [one.element for one in blinded], honest.elements[:2], honest.proof or b"")


@given(st.integers(0, 511))
def test_no_flipped_bit_of_a_proof_passes(bit: int) -> None:
    blinded, honest = _asked(1)
    proof = bytearray(honest.proof or b"")
    proof[bit // 8] ^= 1 << (bit % 8)
    assert _refused(blinded, replace(honest, proof=bytes(proof))) in {"blind.proof_invalid", "blind.scalar_invalid"}


@pytest.mark.parametrize("proof", [None, b"", b"\x00" * 63, b"\x00" * 65, b"\x00" * 64, b"\xff" * 64])
def test_a_missing_or_malformed_proof_is_refused(proof: bytes | None) -> None:
    blinded, honest = _asked(1)
    assert _refused(blinded, replace(honest, proof=proof)) in {"blind.proof_invalid", "blind.scalar_invalid"}
    assert _refused(blinded, honest, None) == "blind.proof_invalid"
    assert _refused(blinded, honest, bytes(32)) == "blind.element_invalid"


@given(st.binary(min_size=0, max_size=40))
def test_foreign_bytes_are_an_element_or_refused(raw: bytes) -> None:
    try:
        group.require_element(raw, at="/x")
    except Rejected:
        with pytest.raises(Rejected):
            oprf.evaluate(KEY, [raw], mode=Mode.OPRF)
        return
    assert len(oprf.evaluate(KEY, [raw], mode=Mode.OPRF).elements[0]) == 32


@given(st.binary(min_size=32, max_size=32))
def test_foreign_bytes_are_a_scalar_below_the_order_or_refused(raw: bytes) -> None:
    order = 2**252 + 27742317777372353535851937790883648493
    is_below = int.from_bytes(raw, "little") < order
    try:
        assert group.require_scalar(raw, at="/x") == raw
        assert is_below
    except Rejected:
        assert not is_below


def test_the_edges_of_scalars() -> None:
    order = 2**252 + 27742317777372353535851937790883648493
    group.require_scalar((order - 1).to_bytes(32, "little"), at="/x")
    group.require_scalar(bytes(32), at="/x")
    for value in (order, order + 1, 2**256 - 1):
        with pytest.raises(Rejected):
            group.require_scalar(value.to_bytes(32, "little"), at="/x")
    zeros = iter([bytes(64), order.to_bytes(64, "little"), b"\x01" + bytes(63)])
    assert group.random_scalar(lambda _size: next(zeros)) == b"\x01" + bytes(31)
    assert group.multiply_any(group.ZERO, KEY.public) == group.IDENTITY
    assert group.multiply_any(KEY.secret, group.IDENTITY) == group.IDENTITY
    with pytest.raises(Rejected):
        group.multiply(group.ZERO, KEY.public)


def test_limits() -> None:
    with pytest.raises(Rejected) as long:
        oprf.compute(KEY, b"x" * 65_536, mode=Mode.OPRF)
    assert long.value.code == "blind.input_length"
    for elements in ([], [KEY.public] * 65_536):
        with pytest.raises(Rejected) as size:
            oprf.evaluate(KEY, elements, mode=Mode.OPRF)
        assert size.value.code == "blind.batch_size"
    with pytest.raises(Rejected) as seed:
        oprf.derive_key_pair(b"short", b"", mode=Mode.OPRF)
    assert seed.value.code == "blind.seed_length"
    with pytest.raises(ValueError, match="randomness"):
        oprf.evaluate(KEY, [KEY.public], mode=Mode.VOPRF)
    with pytest.raises(ValueError, match="RFC 9380"):
        group.expand_message(b"", b"")


def test_secrets_are_not_shown() -> None:
    blinded, _ = _asked(1)
    assert KEY.secret.hex() not in repr(KEY)
    assert repr(KEY.secret) not in repr(KEY)
    assert repr(blinded[0].blind) not in repr(blinded[0])
    assert "input" not in repr(blinded[0])


def test_keys_of_two_partners_and_two_modes_differ() -> None:
    seed = b"s" * 32
    keys = {oprf.derive_key_pair(seed, info, mode=mode).secret for info in (b"", b"it", b"ma", b"it ") for mode in Mode}
    assert len(keys) == 8


@pytest.mark.parametrize(
    ("count", "size"),
    [(1, 16), (16, 16), (17, 32), (33, 64), (1023, 1024), (1024, 1024), (1025, 2048), (2049, 3072), (64_512, 64_512)],
)
def test_batches_have_fixed_sizes(count: int, size: int) -> None:
    assert batches.size_for(count) == size


@settings(max_examples=10)
@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=20))
def test_a_filled_up_batch_gives_the_real_outputs_and_shows_no_count(inputs: list[bytes]) -> None:
    batch = batches.prepare(inputs, mode=Mode.VOPRF, random=RANDOM)
    assert len(batch.elements) == batches.size_for(len(inputs))
    assert len(set(batch.elements)) == len(batch.elements)
    evaluation = oprf.evaluate(KEY, batch.elements, mode=Mode.VOPRF, random=RANDOM)
    outputs = batch.finalize(evaluation, public=KEY.public)
    assert outputs == [oprf.compute(KEY, value, mode=Mode.VOPRF) for value in inputs]


def test_a_question_about_nothing_or_too_much_is_refused() -> None:
    for inputs in ([], [b""] * 65_000):
        with pytest.raises(Rejected) as caught:
            batches.prepare(inputs, mode=Mode.OPRF, random=RANDOM)
        assert caught.value.code == "blind.batch_size"
