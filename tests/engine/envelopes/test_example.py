"""The protocol page and its worked example agree with the code."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tansiq.engine.envelopes import sealing, words
from tansiq.engine.envelopes.age import HybridIdentity
from tansiq.engine.envelopes.bodies import Body
from tansiq.engine.envelopes.cards import open_card
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.receipts import open_receipt
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.formats.ids import b64decode
from tansiq.engine.formats.times import parse_time
from tests.engine.envelopes import example, makers
from tests.shared import ROOT

PAGE = (ROOT / "docs" / "protocol" / "envelopes.md").read_text(encoding="utf-8")
OTHERS = "".join((ROOT / "docs" / "protocol" / name).read_text(encoding="utf-8") for name in ("blobs.md", "relay.md"))
SOURCE = ROOT / "src" / "tansiq" / "engine" / "envelopes"
RANDOM = {"envelope", "manifest_digest", "receipt"}


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    raw = (ROOT / "docs" / "protocol" / "examples" / "envelope.json").read_bytes()
    return json.loads(raw)  # type: ignore[no-any-return]


def test_the_example_follows_from_its_seeds(told: dict[str, Any]) -> None:
    made = example.example()
    assert {name: told[name] for name in told.keys() - RANDOM} == {name: made[name] for name in made.keys() - RANDOM}


def test_the_envelope_of_the_example_is_accepted_and_opens(told: dict[str, Any]) -> None:
    card = open_card(Signed.from_json(told["card"]), pinned_root=None)
    assert words.parse(" ".join(told["words"]["ar"])).hex() == told["fingerprint"]
    accepted = makers.accept(b64decode(told["envelope"]), card_of={"fr": card}.get, now=parse_time(told["now"]))
    assert accepted.manifest_digest == told["manifest_digest"]
    assert accepted.manifest.binding() == told["binding"]
    identity = HybridIdentity.from_text(told["secrets"]["ma-dgsn"]["mailbox"])
    body = sealing.open_body(accepted, [identity])
    assert body.decode() == told["body"]
    assert Body.from_bytes(body) == example.BODY
    node = Ed25519Signer.from_seed(bytes.fromhex(told["secrets"]["ma-dgsn"]["node"]))
    receipt = open_receipt(
        Signed.from_json(told["receipt"]), keys={node.key_id: node.public}, me="fr", about=accepted.manifest
    )
    assert receipt.status == "accepted"


def test_the_page_names_the_words_of_the_example(told: dict[str, Any]) -> None:
    assert told["fingerprint"] in PAGE
    assert "، ".join(told["words"]["ar"]) in PAGE
    assert ", ".join(told["words"]["fr"]) in PAGE


def test_the_page_names_every_code_and_limit() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    codes = set(re.findall(r"(?:Rejected|Refused|Unavailable|Corrupt|Conflict)\(\s*\"([a-z_]+\.[a-z_0-9]+)\"", source))
    assert len(codes) > 50
    assert sorted(code for code in codes if f"`{code}`" not in PAGE + OTHERS) == []
    assert f"{sealing.MAX_ENVELOPE:,} bytes" in PAGE
    assert f"{sealing.MAX_MANIFEST:,}" in PAGE
