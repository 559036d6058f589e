"""age v1 against the vectors of C2SP/CCTV: success or the exact class of failure, and exactly the released bytes."""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tansiq.engine.envelopes import age
from tansiq.engine.errors import Rejected
from tests.shared import shared_path

EXPECTED_VECTORS = 143
CODES = {
    "no match": "age.no_match",
    "HMAC failure": "age.header_mac",
    "header failure": "age.header",
    "payload failure": "age.payload",
    "armor failure": "age.armor",
}


@dataclass
class Vector:
    expect: str
    payload: str | None
    identities: list[age.Identity]
    is_armored: bool
    raw: bytes


def read_vector(path: Path) -> Vector:
    head, raw = path.read_bytes().split(b"\n\n", 1)
    lines = [line.split(": ", 1) for line in head.decode().split("\n")]
    once = dict(lines)
    identities: list[age.Identity] = []
    for key, value in lines:
        if key == "identity" and value.startswith("AGE-SECRET-KEY-PQ-"):
            identities.append(age.HybridIdentity.from_text(value))
        elif key == "identity":
            identities.append(age.X25519Identity.from_text(value))
        elif key == "passphrase":
            identities.append(age.ScryptIdentity(value))
    if once.get("compressed") == "zlib":
        raw = zlib.decompress(raw)
    return Vector(once["expect"], once.get("payload"), identities, once.get("armored") == "yes", raw)


def outcome(vector: Vector, released: io.BytesIO) -> str:
    try:
        raw = age.armor.decode(vector.raw) if vector.is_armored else vector.raw
        age.decrypt_stream(io.BytesIO(raw), released, vector.identities)
    except Rejected as error:
        return error.code
    return "success"


def test_the_set_is_whole() -> None:
    folder = shared_path("vectors/age-cctv")
    assert len([path for path in folder.iterdir() if not path.suffix]) == EXPECTED_VECTORS


def test_every_vector_ends_in_its_class_and_releases_its_bytes() -> None:
    wrong = {}
    for path in sorted(shared_path("vectors/age-cctv").iterdir()):
        if path.suffix:
            continue
        vector = read_vector(path)
        released = io.BytesIO()
        found = outcome(vector, released)
        wanted = CODES.get(vector.expect, vector.expect)
        digest = hashlib.sha256(released.getvalue()).hexdigest()
        if found != wanted or digest != (vector.payload or hashlib.sha256(b"").hexdigest()):
            wrong[path.name] = (wanted, found, digest == vector.payload)
    assert wrong == {}


def test_whole_message_reading_releases_nothing_on_failure() -> None:
    for path in sorted(shared_path("vectors/age-cctv").iterdir()):
        if path.suffix or (vector := read_vector(path)).is_armored:
            continue
        if vector.expect == "success":
            assert hashlib.sha256(age.decrypt(vector.raw, vector.identities)).hexdigest() == vector.payload
        else:
            with pytest.raises(Rejected):
                age.decrypt(vector.raw, vector.identities)


def test_identities_expand_as_the_hpke_vectors_say() -> None:
    """The two vectors of KEM 0x647a: a seed gives that public key."""
    vectors = json.loads(shared_path("vectors/hpke/hpke-pq-test-vectors.json").read_bytes())
    hybrid = [vector for vector in vectors if vector["kem_id"] == 0x647A]
    assert len(hybrid) == 2
    for vector in hybrid:
        assert age.HybridIdentity(bytes.fromhex(vector["skRm"])).recipient().public.hex() == vector["pkRm"]


def test_armor_of_every_good_vector_goes_round() -> None:
    for path in sorted(shared_path("vectors/age-cctv").iterdir()):
        if path.suffix or not (vector := read_vector(path)).is_armored or vector.expect != "success":
            continue
        raw = age.armor.decode(vector.raw)
        assert age.armor.is_armored(vector.raw)
        assert age.armor.decode(age.armor.encode(raw)) == raw
        assert age.armor.encode(raw) == vector.raw.strip().replace(b"\r\n", b"\n") + b"\n"
