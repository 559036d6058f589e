"""Wycheproof: Ed25519 as ``signing.verify`` uses it, ML-KEM-768 as hybrid identities and recipients use it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

from tansiq.engine.envelopes import age, signing
from tansiq.engine.envelopes.age import bech32
from tansiq.engine.envelopes.age.header import Stanza, b64encode
from tansiq.engine.errors import Rejected
from tests.shared import shared_path

FILE_KEY = b"YELLOW SUBMARINE"
CURVE = X25519PrivateKey.from_private_bytes(hashlib.sha256(b"curve").digest())
EPHEMERAL = X25519PrivateKey.from_private_bytes(hashlib.sha256(b"ephemeral").digest())
SUITE = b"HPKE" + b"\x64\x7a" + b"\x00\x01" + b"\x00\x03"


def cases(name: str, expected: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    read = json.loads(shared_path(f"vectors/wycheproof/{name}").read_bytes())
    found = [(group, test) for group in read["testGroups"] for test in group["tests"]]
    assert len(found) == read["numberOfTests"] == expected
    return found


def test_ed25519() -> None:
    wrong = []
    for group, test in cases("ed25519_test.json", 151):
        public = bytes.fromhex(group["publicKey"]["pk"])
        try:
            signing.verify(public, bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]))
            result = "valid"
        except Rejected:
            result = "invalid"
        if result != test["result"]:
            wrong.append(test["tcId"])
    assert wrong == []


def mac(key: bytes, *pieces: bytes) -> bytes:
    running = HMAC(key, SHA256())
    for piece in pieces:
        running.update(piece)
    return running.finalize()


def labelled(salt: bytes, label: bytes, key: bytes) -> bytes:
    """RFC 9180 §4: LabeledExtract."""
    return mac(salt or bytes(32), b"HPKE-v1", SUITE, label, key)


def expanded(key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """RFC 9180 §4: LabeledExpand, up to 32 bytes."""
    return mac(key, length.to_bytes(2, "big"), b"HPKE-v1", SUITE, label, info, b"\x01")[:length]


def wrapped_by_hand(lattice_secret: bytes, lattice_share: bytes) -> Stanza:
    """The stanza of a sender whose ML-KEM share and secret are given, step by step from the specifications."""
    share, public = EPHEMERAL.public_key().public_bytes_raw(), CURVE.public_key().public_bytes_raw()
    curve_secret = EPHEMERAL.exchange(CURVE.public_key())
    secret = hashlib.sha3_256(lattice_secret + curve_secret + share + public + rb"\.//^\ "[:-1]).digest()
    context = b"\x00" + labelled(b"", b"psk_id_hash", b"")
    context += labelled(b"", b"info_hash", b"age-encryption.org/mlkem768x25519")
    scheduled = labelled(secret, b"secret", b"")
    key, nonce = expanded(scheduled, b"key", context, 32), expanded(scheduled, b"base_nonce", context, 12)
    body = ChaCha20Poly1305(key).encrypt(nonce, FILE_KEY, None)
    return Stanza("mlkem768x25519", (b64encode(lattice_share + share).decode(),), body)


def identity_of(lattice: MLKEM768PrivateKey) -> age.HybridIdentity:
    identity = age.HybridIdentity(bytes(32))
    identity.__dict__["_keys"] = (lattice, CURVE, MLKEM768X25519PrivateKey(lattice, CURVE))
    return identity


def test_mlkem_768_decapsulation_through_a_hybrid_identity() -> None:
    wrong = []
    for _, test in cases("mlkem_768_test.json", 193):
        share, secret = bytes.fromhex(test["c"]), bytes.fromhex(test["K"])
        try:
            lattice = MLKEM768PrivateKey.from_seed_bytes(bytes.fromhex(test["seed"]))
            if lattice.public_key().public_bytes_raw().hex() != test["ek"]:
                raise ValueError("another public key")
            found = identity_of(lattice).unwrap([wrapped_by_hand(secret, share)])
            result = "valid" if found == FILE_KEY else "invalid"
        except (ValueError, Rejected):
            result = "invalid"
        if result != test["result"]:
            wrong.append(test["tcId"])
    assert wrong == []


def test_mlkem_768_public_keys_through_a_hybrid_recipient() -> None:
    curve = CURVE.public_key().public_bytes_raw()
    wrong = []
    for _, test in cases("mlkem_768_encaps_test.json", 265):
        text = bech32.encode("age1pq", bytes.fromhex(test["ek"]) + curve)
        try:
            recipient = age.HybridRecipient.from_text(text)
            assert len(recipient.wrap(FILE_KEY, bytes).body) == 32
            result = "valid"
        except Rejected:
            result = "invalid"
        if result != test["result"]:
            wrong.append(test["tcId"])
    assert wrong == []


def test_edge_case_signatures_are_settled_once_for_all() -> None:
    """C2SP/CCTV: libraries differ on these 914; ours are the verdicts of a cofactorless verifier without low order."""
    vectors = json.loads(shared_path("vectors/cctv/ed25519-ed25519vectors.json").read_bytes())
    accepted = []
    for vector in vectors:
        flags = set(vector["flags"] or ())
        try:
            signing.verify(bytes.fromhex(vector["key"]), bytes.fromhex(vector["sig"]), vector["msg"].encode())
        except Rejected:
            continue
        accepted.append(vector["number"])
        assert not flags & {"low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R", "low_order_residue"}, (
            vector
        )
    assert len(vectors) == 914
    assert accepted
