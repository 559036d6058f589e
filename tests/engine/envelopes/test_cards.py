"""Cards, their succession, revocations and rotation: one broken card per rule."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from tansiq.engine.envelopes import dsse, revocations, rotation, words
from tansiq.engine.envelopes.age import X25519Identity
from tansiq.engine.envelopes.cards import (
    MAX_MAILBOX_LIFE,
    CardKey,
    LastGood,
    NodeCard,
    Revocation,
    fingerprint,
    open_card,
    open_revocation,
    sign_card,
    sign_revocation,
    supersedes,
)
from tansiq.engine.envelopes.signing import Ed25519Signer, key_id
from tansiq.engine.errors import Rejected, TansiqError, Unavailable
from tansiq.engine.formats import canonical
from tansiq.engine.formats.ids import b64encode
from tests.engine.envelopes.makers import DAY, FRANCE, ITALY, MOROCCO, NOW, make_card

START, END = NOW - DAY, NOW + 100 * DAY


def refusal(act: Any, *args: Any, **named: Any) -> TansiqError:
    with pytest.raises(TansiqError) as caught:
        act(*args, **named)
    return caught.value


def forged(changes: dict[str, Any]) -> dsse.Signed:
    """A card of France with its JSON members replaced, rightly signed by its root all the same."""
    payload = canonical.dumps(FRANCE.card.to_json() | changes)
    return dsse.sign(NodeCard.payload_type, payload, [FRANCE.root])


def with_keys(*replaced: tuple[int, dict[str, Any]]) -> dsse.Signed:
    keys = FRANCE.card.to_json()["keys"]
    assert isinstance(keys, list)
    for place, changes in replaced:
        keys[place] = {**keys[place], **changes}  # type: ignore[dict-item]
    return forged({"keys": keys})


def test_a_card_goes_round() -> None:
    signed = FRANCE.signed_card
    assert open_card(signed, pinned_root=None) == open_card(signed, pinned_root=FRANCE.root.public) == FRANCE.card
    assert open_card(dsse.Signed.from_json(signed.to_json()), pinned_root=FRANCE.root.public) == FRANCE.card
    told = FRANCE.card.to_json()
    assert told["root_key"] == b64encode(FRANCE.root.public)
    assert told["contact"] == {
        "phone_24_7": "+33 1 23 45 67 89",
        "email": "desk@node.example",
        "languages": ["ar", "fr"],
    }
    assert told["issued_at"] == "2026-11-21T12:00:00.000Z"


def test_a_fingerprint_is_spelled_and_compared() -> None:
    spoken = " ".join(words.spell(fingerprint(FRANCE.root.public), "ar"))
    assert words.parse(spoken) == fingerprint(FRANCE.card.root_public) != fingerprint(ITALY.root.public)


def test_the_key_in_use_is_the_newest_valid_one() -> None:
    card = MOROCCO.card
    assert card.key_for("mailbox", NOW).recipient() == MOROCCO.mailbox.recipient()
    assert card.key_for("mailbox", NOW + 29 * DAY).recipient() == MOROCCO.next_mailbox.recipient()
    assert card.key_for("node", NOW).public_bytes == MOROCCO.node.public
    assert list(card.keys_by_id("authority")) == [MOROCCO.authority.key_id]
    missing = refusal(card.key_for, "mailbox", NOW + 59 * DAY)
    assert isinstance(missing, Unavailable)
    assert missing.code == "card.no_key"
    assert missing.facts["node"] == "ma-dgsn"


def test_a_key_ends_with_its_card() -> None:
    card = make_card(FRANCE, valid_until=NOW + DAY)
    assert card.is_valid(card.keys[0], NOW + DAY - timedelta(milliseconds=1))
    assert not card.is_valid(card.keys[0], NOW + DAY)


OTHER_ROOT = Ed25519Signer.from_seed(b"r" * 32)
LOW_ORDER = b64encode(bytes(32))
X25519 = X25519Identity(b"x" * 32).recipient().to_text()


@pytest.mark.parametrize(
    ("code", "at", "signed"),
    [
        ("card.state_differs", "/state", forged({"state": "IT"})),
        ("card.times_reversed", "/valid_until", forged({"valid_until": "2026-11-21T12:00:00.000Z"})),
        ("card.times_reversed", "/keys/0/valid_to", with_keys((0, {"valid_to": "2026-11-21T12:00:00.000Z"}))),
        ("card.mailbox_too_long", "/keys/2/valid_to", with_keys((2, {"valid_to": "2027-03-01T00:00:00.000Z"}))),
        ("card.key_unsound", "/root_key", forged({"root_key": LOW_ORDER})),
        ("card.key_unsound", "/keys/0/public", with_keys((0, {"public": LOW_ORDER}))),
        ("card.key_unsound", "/keys/1/public", with_keys((1, {"public": "not base64"}))),
        ("card.key_unsound", "/keys/2/public", with_keys((2, {"public": X25519}))),
        ("card.key_misnamed", "/keys/0/key_id", with_keys((0, {"key_id": ITALY.node.key_id}))),
        (
            "card.key_twice",
            "/keys",
            with_keys((0, {"public": b64encode(FRANCE.authority.public), "key_id": FRANCE.authority.key_id})),
        ),
        (
            "card.key_twice",
            "/keys",
            with_keys((0, {"public": b64encode(FRANCE.root.public), "key_id": FRANCE.root.key_id})),
        ),
        ("card.key_missing", "/keys", with_keys((0, {"purpose": "authority"}))),
        ("card.key_missing", "/keys", with_keys((2, {"purpose": "archive"}))),
        ("card.key_missing", "/keys", with_keys((1, {"valid_from": "2026-11-22T12:00:00.000Z"}))),
    ],
)
def test_one_broken_card_per_rule(code: str, at: str, signed: dsse.Signed) -> None:
    error = refusal(open_card, signed, pinned_root=None)
    assert (error.code, error.facts["at"]) == (code, at)


@pytest.mark.parametrize(
    ("at", "rule", "changes"),
    [
        ("/v", None, {"v": 2}),
        ("/node_id", None, {"node_id": "FR"}),
        ("/names", None, {"names": {}}),
        ("/names/de/[key]", None, {"names": {"de": "Knoten"}}),
        ("/state", None, {"state": "fr"}),
        ("/url", None, {"url": "https://user@node.example"}),
        ("/url", None, {"url": "ftp://node.example"}),
        ("/serial", None, {"serial": 0}),
        ("/serial", None, {"serial": "1"}),
        ("/issued_at", "not_a_time", {"issued_at": "2026-11-22"}),
        ("/keys", None, {"keys": []}),
        ("/keys/0", None, {"keys": ["key"]}),
        ("/root_key", "not_base64", {"root_key": "*"}),
        ("/root_key", "not_32_bytes", {"root_key": "AAAA"}),
        ("/contact/phone_24_7", None, {"contact": {"phone_24_7": "call me", "email": None, "languages": ["ar"]}}),
        ("/contact/languages", None, {"contact": {"phone_24_7": None, "email": None, "languages": []}}),
        ("/contact/fax", "unknown", {"contact": {"fax": "1", "phone_24_7": None, "languages": ["ar"]}}),
        ("/motto", "unknown", {"motto": "one team"}),
    ],
)
def test_every_member_is_read_strictly(at: str, rule: str | None, changes: dict[str, Any]) -> None:
    error = refusal(open_card, forged(changes), pinned_root=None)
    assert error.code == ("record.version" if at == "/v" else "record.field")
    assert error.facts["at"] == at
    assert rule is None or error.facts["rule"] == rule


def test_a_card_under_another_root_or_signature_does_not_open() -> None:
    assert refusal(open_card, FRANCE.signed_card, pinned_root=ITALY.root.public).code == "card.other_root"
    by_another = dsse.sign(NodeCard.payload_type, FRANCE.card.to_bytes(), [OTHER_ROOT])
    assert refusal(open_card, by_another, pinned_root=None).code == "dsse.signatures_differ"
    stolen = dsse.Signed(NodeCard.payload_type, FRANCE.card.to_bytes(), ITALY.signed_card.signatures)
    renamed = dsse.Signature(key_id(FRANCE.root.public), stolen.signatures[0].signature)
    stolen = dsse.Signed(NodeCard.payload_type, stolen.payload, (renamed,))
    assert refusal(open_card, stolen, pinned_root=None).code == "envelope.signature_invalid"
    mistyped = dsse.sign("application/vnd.tansiq.receipt+json", FRANCE.card.to_bytes(), [FRANCE.root])
    assert refusal(open_card, mistyped, pinned_root=None).code == "dsse.payload_type"
    spaced = dsse.sign(NodeCard.payload_type, FRANCE.card.to_bytes() + b" ", [FRANCE.root])
    assert refusal(open_card, spaced, pinned_root=None).code == "json.not_canonical"


def test_what_could_not_be_opened_is_not_signed() -> None:
    with pytest.raises(ValueError, match="root key"):
        sign_card(FRANCE.card, ITALY.root)
    assert refusal(sign_card, make_card(FRANCE, state="IT"), FRANCE.root).code == "card.state_differs"
    with pytest.raises(ValueError, match="serial"):
        make_card(FRANCE, serial=0)


def test_a_newer_card_supersedes() -> None:
    newer = make_card(FRANCE, serial=2, url=None)
    supersedes(FRANCE.card, newer)
    codes = {
        "card.not_newer": [FRANCE.card, make_card(FRANCE, serial=2, issued_at=NOW - 2 * DAY)],
        "card.other_node": [ITALY.card],
        "card.other_root": [make_card(FRANCE, serial=2, root_public=OTHER_ROOT.public)],
        "card.key_changed": [
            make_card(FRANCE, serial=2, keys=(*FRANCE.card.keys[1:], moved(FRANCE.card.keys[0], -DAY))),
            make_card(FRANCE, serial=2, keys=(*FRANCE.card.keys[1:], moved(FRANCE.card.keys[0], DAY))),
            make_card(FRANCE, serial=2, keys=(FRANCE.card.keys[0].model_copy(update={"purpose": "authority"}),)),
        ],
    }
    for code, cards in codes.items():
        for card in cards:
            assert refusal(supersedes, FRANCE.card, card).code == code


def moved(key: CardKey, by: timedelta) -> CardKey:
    return key.model_copy(update={"valid_from": key.valid_from + by})


def test_an_empty_contact_is_none() -> None:
    told = FRANCE.card.contact.model_validate({"phone": "", "email": "", "languages": ("ar",)})
    assert (told.phone, told.email) == (None, None)


DOSSIERS = ["a" * 64, "b" * 64]


def revocation(**changes: Any) -> Revocation:
    told: dict[str, Any] = {
        "node_id": "fr",
        "key_id": FRANCE.authority.key_id,
        "from_time": NOW - 3 * DAY,
        "issued_at": NOW,
        "reason": "compromised",
        "last_good": {DOSSIERS[0]: LastGood(entry="e" * 64, sequence=7)},
    }
    return Revocation(**(told | changes))


def test_a_revocation_goes_round_and_is_the_roots_alone() -> None:
    signed = sign_revocation(revocation(), FRANCE.root)
    opened = open_revocation(dsse.Signed.from_json(signed.to_json()), pinned_root=FRANCE.root.public)
    assert opened == revocation()
    assert refusal(open_revocation, signed, pinned_root=ITALY.root.public).code == "dsse.signatures_differ"


def test_one_broken_revocation_per_rule() -> None:
    of_root = revocation(key_id=FRANCE.root.key_id)
    assert refusal(sign_revocation, of_root, FRANCE.root).code == "revocation.of_root"
    for good in (LastGood(entry=None, sequence=3), LastGood(entry="e" * 64, sequence=0)):
        error = refusal(sign_revocation, revocation(last_good={DOSSIERS[0]: good}), FRANCE.root)
        assert (error.code, error.facts["dossier"]) == ("revocation.last_good", DOSSIERS[0])


def test_each_partner_gets_only_its_own_dossiers() -> None:
    good = {DOSSIERS[0]: LastGood(entry="e" * 64, sequence=7), DOSSIERS[1]: LastGood(entry=None, sequence=0)}
    participants = {DOSSIERS[0]: ["fr", "ma-dgsn"], DOSSIERS[1]: ["fr", "it", "ma-dgsn"]}
    made = revocations.copies(revocation(last_good={}), good, participants)
    assert {partner: set(one.last_good) for partner, one in made.items()} == {
        "it": {DOSSIERS[1]},
        "ma-dgsn": set(DOSSIERS),
    }
    assert made["it"].last_good[DOSSIERS[1]] == made["ma-dgsn"].last_good[DOSSIERS[1]]
    assert made["it"].recipient == "it"


def test_mailbox_keys_are_due_ahead_and_without_a_gap() -> None:
    keys = FRANCE.card.keys
    assert list(rotation.windows_due(keys, now=NOW)) == []
    later = NOW + 40 * DAY
    (window,) = rotation.windows_due(keys, now=later)
    assert window == (NOW + 59 * DAY, NOW + 89 * DAY)
    many = list(rotation.windows_due([], now=NOW, ahead=95 * DAY))
    assert len(many) == 4
    assert many[0].valid_from == NOW
    assert all(one.valid_to == other.valid_from for one, other in pairwise(many))
    assert many[0].valid_to - many[0].valid_from <= MAX_MAILBOX_LIFE
    (late,) = rotation.windows_due(keys, now=NOW + 200 * DAY)
    assert late.valid_from == NOW + 200 * DAY


def test_a_mailbox_key_is_destroyed_when_nothing_can_arrive_for_it() -> None:
    mailbox = FRANCE.card.key_for("mailbox", NOW)
    assert rotation.destroy_at(mailbox) == NOW + (29 + 30 + 7) * DAY


def test_errors_are_of_the_right_class() -> None:
    assert isinstance(refusal(open_card, forged({"state": "IT"}), pinned_root=None), Rejected)
