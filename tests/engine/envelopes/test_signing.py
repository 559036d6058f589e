"""Keys, signatures and the DSSE envelope: nothing verifies by half."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.envelopes import dsse, signing
from tansiq.engine.envelopes.dsse import Signature, Signed
from tansiq.engine.envelopes.signing import Ed25519Signer, key_id
from tansiq.engine.errors import Rejected

TYPE = "application/vnd.tansiq.test+json"
ONE, OTHER, THIRD = (Ed25519Signer.from_seed(hashlib.sha256(name).digest()) for name in (b"one", b"other", b"third"))
KEYS = {one.key_id: one.public for one in (ONE, OTHER, THIRD)}

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P


def code_of(signed: Signed, keys: dict[str, bytes], payload_type: str = TYPE) -> str:
    with pytest.raises(Rejected) as caught:
        dsse.verify(signed, payload_type=payload_type, keys=keys)
    return caught.value.code


def keys_of(*signers: Ed25519Signer) -> dict[str, bytes]:
    return {one.key_id: one.public for one in signers}


def points_of_low_order() -> set[int]:
    """The y of every point with 8·P = identity, by solving doublings instead of trusting a list (RFC 8032 §5.1)."""

    def root(square: int) -> int | None:
        candidate = pow(square, (P + 3) // 8, P)
        for guess in (candidate, candidate * pow(2, (P - 1) // 4, P) % P):
            if guess * guess % P == square % P:
                return guess
        return None

    found = {1, P - 1, 0}
    # A point of order 8 doubles to one with y = 0, so x² = -y²; the curve -x² + y² = 1 + d·x²·y² then leaves
    # d·y⁴ + 2·y² - 1 = 0, that is y² = (-1 ± sqrt(1 + d)) / d.
    inner = root((1 + D) % P)
    assert inner is not None
    for sign in (1, -1):
        square = (-1 + sign * inner) * pow(D, -1, P) % P
        y = root(square)
        if y is not None and root(-square % P) is not None:
            found |= {y, P - y}
    return found


def test_the_low_order_list_is_the_computed_one() -> None:
    assert set(signing._LOW_ORDER) == points_of_low_order()


@pytest.mark.parametrize("sign", [0, 1])
def test_keys_of_low_order_and_second_spellings_are_unsound(sign: int) -> None:
    for y in [*points_of_low_order(), P, P + 1, P + 18]:
        public = (y | sign << 255).to_bytes(32, "little")
        assert not signing.is_sound(public)
        with pytest.raises(Rejected, match=r"envelope\.signature_invalid"):
            signing.verify(public, bytes(64), b"")
    for length in (0, 31, 33, 64):
        assert not signing.is_sound(bytes(range(length)))
    assert signing.is_sound(ONE.public)


def test_a_key_is_named_by_its_bytes_and_hides_its_seed() -> None:
    assert ONE.key_id == key_id(ONE.public) == hashlib.sha256(ONE.public).hexdigest()[:32]
    assert Ed25519Signer.from_seed(ONE.seed) == ONE
    assert Ed25519Signer.generate(bytes).public != ONE.public
    assert str(ONE.seed) not in repr(ONE)
    with pytest.raises(ValueError, match="32 bytes"):
        Ed25519Signer(b"short")


@given(message=st.binary(max_size=64), place=st.integers(0, 63), bit=st.integers(0, 7))
def test_no_flipped_bit_of_a_signature_verifies(message: bytes, place: int, bit: int) -> None:
    signature = bytearray(ONE.sign(message))
    signing.verify(ONE.public, bytes(signature), message)
    signature[place] ^= 1 << bit
    with pytest.raises(Rejected):
        signing.verify(ONE.public, bytes(signature), message)


def test_the_encoding_is_that_of_the_specification() -> None:
    assert dsse.encoding("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert dsse.encoding("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


@given(payload=st.binary(max_size=200))
def test_what_was_signed_goes_round_and_verifies(payload: bytes) -> None:
    signed = dsse.sign(TYPE, payload, [ONE, OTHER])
    assert Signed.from_json(signed.to_json()) == signed
    assert dsse.verify(signed, payload_type=TYPE, keys=keys_of(OTHER, ONE)) == payload


def test_exactly_the_demanded_signatures() -> None:
    signed = dsse.sign(TYPE, b"payload", [ONE, OTHER])
    assert code_of(signed, keys_of(ONE)) == "dsse.signatures_differ"
    assert code_of(signed, keys_of(ONE, OTHER, THIRD)) == "dsse.signatures_differ"
    assert code_of(signed, keys_of(ONE, THIRD)) == "dsse.signatures_differ"
    assert code_of(signed, {}) == "dsse.signatures_differ"
    doubled = Signed(TYPE, b"payload", (signed.signatures[0], signed.signatures[0]))
    assert code_of(doubled, keys_of(ONE)) == "dsse.signatures_differ"


def test_one_wrong_signature_among_two_spoils_both() -> None:
    signed = dsse.sign(TYPE, b"payload", [ONE, OTHER])
    swapped = Signature(OTHER.key_id, signed.signatures[0].signature)
    assert code_of(Signed(TYPE, b"payload", (signed.signatures[0], swapped)), keys_of(ONE, OTHER)) == (
        "envelope.signature_invalid"
    )


def test_a_signature_over_another_type_or_payload_does_not_fit() -> None:
    signed = dsse.sign(TYPE, b"payload", [ONE])
    assert code_of(signed, keys_of(ONE), "application/vnd.tansiq.other+json") == "dsse.payload_type"
    relabelled = Signed("application/vnd.tansiq.other+json", b"payload", signed.signatures)
    assert code_of(relabelled, keys_of(ONE), "application/vnd.tansiq.other+json") == "envelope.signature_invalid"
    assert code_of(Signed(TYPE, b"payloae", signed.signatures), keys_of(ONE)) == "envelope.signature_invalid"


def test_one_of_several_keys() -> None:
    signed = dsse.sign(TYPE, b"payload", [OTHER])
    assert dsse.verify_one(signed, payload_type=TYPE, keys=KEYS) == b"payload"
    for keys, wrong in ((keys_of(ONE), signed), (KEYS, dsse.sign(TYPE, b"payload", [ONE, OTHER]))):
        with pytest.raises(Rejected, match=r"dsse\.signatures_differ"):
            dsse.verify_one(wrong, payload_type=TYPE, keys=keys)
    with pytest.raises(Rejected, match=r"dsse\.payload_type"):
        dsse.verify_one(signed, payload_type="a/b", keys=KEYS)
    with pytest.raises(ValueError, match="at least one signer"):
        dsse.sign(TYPE, b"", [])


GOOD = dsse.sign(TYPE, b"payload", [ONE]).to_json()
SIG = {"keyid": ONE.key_id, "sig": "A" * 86 + "=="}


@pytest.mark.parametrize(
    ("at", "value"),
    [
        ("", None),
        ("", []),
        ("", {**GOOD, "extra": 1}),
        ("", {name: GOOD[name] for name in ("payload", "payloadType")}),
        ("/payloadType", {**GOOD, "payloadType": "json"}),
        ("/payloadType", {**GOOD, "payloadType": 1}),
        ("/payload", {**GOOD, "payload": "cGF5bG9hZA"}),
        ("/payload", {**GOOD, "payload": None}),
        ("/signatures", {**GOOD, "signatures": []}),
        ("/signatures", {**GOOD, "signatures": {}}),
        ("/signatures", {**GOOD, "signatures": [SIG, SIG]}),
        ("/signatures", {**GOOD, "signatures": [{**SIG, "keyid": f"{n:032x}"} for n in range(9)]}),
        ("/signatures/0", {**GOOD, "signatures": [None]}),
        ("/signatures/0", {**GOOD, "signatures": [{**SIG, "cert": ""}]}),
        ("/signatures/0/keyid", {**GOOD, "signatures": [{**SIG, "keyid": ONE.key_id.upper()}]}),
        ("/signatures/0/sig", {**GOOD, "signatures": [{**SIG, "sig": "AA=="}]}),
        ("/signatures/0/sig", {**GOOD, "signatures": [{**SIG, "sig": "*"}]}),
    ],
)
def test_every_other_shape_is_refused_at_its_place(at: str, value: object) -> None:
    with pytest.raises(Rejected) as caught:
        Signed.from_json(value, at="/card")
    assert caught.value.facts["at"] == "/card" + at
    assert caught.value.code in ("dsse.form", "ids.not_base64")
