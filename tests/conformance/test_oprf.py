"""Every vector of RFC 9497 appendix A for ristretto255-SHA512 in the modes OPRF and VOPRF, and the parts beneath."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tansiq.engine.blind import group, oprf
from tansiq.engine.blind.oprf import Mode
from tests.shared import shared_path

CASES = {Mode.OPRF: 2, Mode.VOPRF: 3}


def _suite(mode: Mode) -> dict[str, Any]:
    suites = json.loads(shared_path("vectors/oprf-rfc9497/allVectors.json").read_bytes())
    (found,) = [one for one in suites if one["identifier"] == "ristretto255-SHA512" and one["mode"] == mode]
    return dict(found)


def _hexes(text: str) -> list[bytes]:
    return [bytes.fromhex(part) for part in text.split(",")]


def _fixed(*scalars: bytes) -> Callable[[int], bytes]:
    """Randomness that makes ``random_scalar`` draw these scalars: 64 bytes below the order reduce to themselves."""
    drawn = iter(scalars)

    def random(size: int) -> bytes:
        return next(drawn).ljust(size, b"\x00")

    return random


def _key(suite: dict[str, Any], mode: Mode) -> oprf.KeyPair:
    key = oprf.derive_key_pair(bytes.fromhex(suite["seed"]), bytes.fromhex(suite["keyInfo"]), mode=mode)
    assert key.secret.hex() == suite["skSm"]
    if mode is Mode.VOPRF:
        assert key.public.hex() == suite["pkSm"]
    return key


@pytest.mark.parametrize("mode", CASES)
def test_every_vector(mode: Mode) -> None:
    suite = _suite(mode)
    assert bytes.fromhex(suite["groupDST"]) == b"HashToGroup-OPRFV1-" + bytes([mode]) + b"-ristretto255-SHA512"
    key = _key(suite, mode)
    assert len(suite["vectors"]) == CASES[mode]
    for vector in suite["vectors"]:
        inputs, blinds, outputs = (_hexes(vector[name]) for name in ("Input", "Blind", "Output"))
        assert len(inputs) == len(blinds) == vector["Batch"]
        blinded = [
            oprf.blind(value, mode=mode, random=_fixed(scalar)) for value, scalar in zip(inputs, blinds, strict=True)
        ]
        assert [one.element for one in blinded] == _hexes(vector["BlindedElement"])
        nonce = bytes.fromhex(vector["Proof"]["r"]) if mode is Mode.VOPRF else b""
        evaluation = oprf.evaluate(key, [one.element for one in blinded], mode=mode, random=_fixed(nonce))
        assert list(evaluation.elements) == _hexes(vector["EvaluationElement"])
        if mode is Mode.VOPRF:
            assert evaluation.proof == bytes.fromhex(vector["Proof"]["proof"])
        assert oprf.finalize(blinded, evaluation, mode=mode, public=key.public) == outputs
        assert [oprf.compute(key, value, mode=mode) for value in inputs] == outputs


# RFC 9380 appendix K.3: expand_message_xmd with SHA-512, DST QUUX-V01-CS02-with-expander-SHA512-256.
_DST = b"QUUX-V01-CS02-with-expander-SHA512-256"
_EXPANDED = {
    (b"", 32): "6b9a7312411d92f921c6f68ca0b6380730a1a4d982c507211a90964c394179ba",
    (b"abc", 32): "0da749f12fbe5483eb066a5f595055679b976e93abe9be6f0f6318bce7aca8dc",
    (b"abcdef0123456789", 32): "087e45a86e2939ee8b91100af1583c4938e0f5fc6c9db4b107b83346bc967f58",
}


def test_expanding_messages_as_rfc_9380_does() -> None:
    for (message, length), expected in _EXPANDED.items():
        assert group.expand_message(message, _DST, length).hex() == expected


# RFC 9496 appendix A.3: encodings that must be refused (non-canonical, negative, no square root, and so on).
_INVALID = """
00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
0100000000000000000000000000000000000000000000000000000000000000
01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20
c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562
c940e5a4404157cfb1628b108db051a8d439e1a421394ec4ebccb9ec92a8ac78
47cfc5497c53dc8e61c91d17fd626ffb1c49e2bca94eed052281b510b1117a24
f1c6165d33367351b0da8f6e4511010c68174a03b6581212c71c0e1d026c3c72
87260f7a2f12495118360f02c26a470f450dadf34a413d21042b43b9d93e1309
26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371
4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f
de6a7b00deadc788eb6b6c8d20c0ae96c2f2019078fa604fee5b87d6e989ad7b
bcab477be20861e01e4a0e295284146a510150d9817763caf1a6f4b422d67042
2a292df7e32cababbd9de088d1d1abec9fc0440f637ed2fba145094dc14bea08
f4a9e534fc0d216c44b218fa0c42d99635a0127ee2e53c712f70609649fdff22
8268436f8c4126196cf64b3c7ddbda90746a378625f9813dd9b8457077256731
2810e5cbc2cc4d4eece54f61c6f69758e289aa7ab440b3cbeaa21995c2f4232b
3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e
a45fdc55c76448c049a1ab33f17023edfb2be3581e9c7aade8a6125215e04220
d483fe813c6ba647ebbfd3ec41adca1c6130c2beeee9d9bf065c8d151c5f396e
8a2e1d30050198c65a54483123960ccc38aef6848e1ec8f5f780e8523769ba32
32888462f8b486c68ad7dd9610be5192bbeaf3b443951ac1a8118419d9fa097b
227142501b9d4355ccba290404bde41575b037693cef1f438c47f8fbf35d1165
5c37cc491da847cfeb9281d407efc41e15144c876e0170b499a96a22ed31e01e
445425117cb8c90edcbc7c1cc0e74f747f2c1efa5630a967c64f287792a48a4b
"""


def test_encodings_that_are_no_element_are_refused() -> None:
    from tansiq.engine.errors import Rejected

    for text in [*_INVALID.split(), "00" * 32, "", "00" * 31, "00" * 33]:
        with pytest.raises(Rejected):
            group.require_element(bytes.fromhex(text), at="/x")
