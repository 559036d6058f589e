"""What stands inside, and the receipts that answer it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.envelopes import bodies, dsse, receipts
from tansiq.engine.envelopes.bodies import Body, Item
from tansiq.engine.envelopes.receipts import Receipt
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical
from tests.engine.envelopes.makers import FRANCE, ITALY, MOROCCO, NOW, seal

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
TYPES = st.from_regex(r"\A[a-z][a-z0-9_]{0,12}\Z")
ITEMS = st.builds(Item, TYPES, st.dictionaries(TEXT, st.integers(-5, 5) | TEXT | st.none(), max_size=4))


@given(items=st.lists(ITEMS, max_size=5), checkpoint=st.none() | TEXT)
def test_a_body_goes_round(items: list[Item], checkpoint: str | None) -> None:
    body = Body(tuple(items), checkpoint)
    raw = body.to_bytes()
    assert Body.from_bytes(raw) == body
    assert len(raw) == len(Body((), checkpoint).to_bytes()) + sum(map(bodies.size, items)) - bool(items)


def test_an_unknown_type_is_kept_and_reported() -> None:
    body = Body((Item("entry", {}), Item("hologram", {"x": 1}), Item("query", {}), Item("hologram", {})))
    kept = Body.from_bytes(body.to_bytes())
    assert kept.items[1] == Item("hologram", {"x": 1})
    assert kept.not_understood({"entry", "query"}) == (1, 3)


@pytest.mark.parametrize(
    ("code", "at", "value"),
    [
        ("body.form", "", []),
        ("body.version", "/v", {}),
        ("body.version", "/v", {"v": 2, "checkpoint": None, "items": []}),
        ("body.form", "", {"v": 1, "items": []}),
        ("body.form", "", {"v": 1, "checkpoint": None, "items": [], "more": 1}),
        ("body.form", "/checkpoint", {"v": 1, "checkpoint": 1, "items": []}),
        ("body.form", "/items", {"v": 1, "checkpoint": None, "items": {}}),
        ("body.form", "/items", {"v": 1, "checkpoint": None, "items": [{"type": "a", "content": {}}] * 1001}),
        ("body.form", "/items/0", {"v": 1, "checkpoint": None, "items": [1]}),
        ("body.form", "/items/0", {"v": 1, "checkpoint": None, "items": [{"type": "entry"}]}),
        ("body.form", "/items/0/type", {"v": 1, "checkpoint": None, "items": [{"type": "Entry", "content": {}}]}),
        ("body.form", "/items/0/content", {"v": 1, "checkpoint": None, "items": [{"type": "entry", "content": []}]}),
    ],
)
def test_one_broken_body_per_rule(code: str, at: str, value: object) -> None:
    with pytest.raises(Rejected) as caught:
        Body.from_bytes(canonical.dumps(value))
    assert (caught.value.code, caught.value.facts["at"]) == (code, at)


SEALED = seal()
MANIFEST = SEALED.opened_manifest
KEYS = {MOROCCO.node.key_id: MOROCCO.node.public, ITALY.authority.key_id: ITALY.authority.public}


def make_receipt(**changes: Any) -> Receipt:
    told: dict[str, Any] = {
        "envelope_id": MANIFEST.envelope_id,
        "manifest_digest": SEALED.manifest_digest,
        "sender": "ma-dgsn",
        "recipient": "fr",
        "status": "accepted",
        "received_at": NOW,
        "understood": ("entry", "query"),
    }
    return Receipt(**(told | changes))


def opened(receipt: Receipt, **changes: Any) -> Receipt:
    signed = receipts.sign_receipt(receipt, MOROCCO.node)
    return receipts.open_receipt(dsse.Signed.from_json(signed.to_json()), **{"keys": KEYS, "me": "fr", **changes})


def test_a_receipt_goes_round_and_is_about_its_envelope() -> None:
    full = make_receipt(
        checkpoint="origin\n3\nroot\n",
        consistency={"from_size": 2, "proof": ["AAAA"]},
        cosignature="— ma-dgsn AAAA\n",
        heads={"a" * 64: ["b" * 64, "c" * 64]},
    )
    assert opened(full, about=MANIFEST) == full
    assert opened(make_receipt(status="refused", code="envelope.expired")).code == "envelope.expired"
    assert opened(make_receipt(status="opened", not_understood=(1, 3))).not_understood == (1, 3)


def test_only_the_receivers_node_key_receipts() -> None:
    for signer in (FRANCE.node, MOROCCO.authority):
        signed = make_receipt().signed_by(signer)
        with pytest.raises(Rejected, match=r"dsse\.signatures_differ"):
            receipts.open_receipt(signed, keys=KEYS, me="fr")


def test_receipt_not_for_us() -> None:
    with pytest.raises(Rejected, match=r"receipt\.not_for_us"):
        opened(make_receipt(), me="it")


@pytest.mark.parametrize(
    "changes",
    [
        {"manifest_digest": "d" * 64},
        {"envelope_id": "019a1f6e-7c00-7000-8000-000000000000"},
        {"sender": "it"},
    ],
)
def test_receipt_of_another(changes: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match=r"receipt\.of_another"):
        opened(make_receipt(**changes), about=MANIFEST)


@pytest.mark.parametrize(
    ("at", "changes"),
    [
        ("/code", {"status": "refused"}),
        ("/code", {"code": "envelope.expired"}),
        ("/consistency", {"consistency": {"from_size": 2, "proof": []}}),
        ("/not_understood", {"not_understood": (0,)}),
        ("/sender", {"sender": "fr"}),
    ],
)
def test_receipt_contradicts_itself(at: str, changes: dict[str, Any]) -> None:
    receipt = make_receipt(**changes)
    for act in (
        lambda: receipts.sign_receipt(receipt, MOROCCO.node),
        lambda: receipts.open_receipt(receipt.signed_by(MOROCCO.node), keys=KEYS, me="fr"),
    ):
        with pytest.raises(Rejected) as caught:
            act()
        assert (caught.value.code, caught.value.facts["at"]) == ("receipt.contradicts_itself", at)
