"""Envelopes: what was sealed is accepted and opens; one broken envelope per rule, and the first broken rule is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.envelopes import age, dsse, sealing
from tansiq.engine.envelopes.cards import CardKey
from tansiq.engine.envelopes.manifest import Manifest, read_manifest
from tansiq.engine.envelopes.padding import FLOOR, padded_length
from tansiq.engine.envelopes.sealing import MAX_BODY, MAX_MANIFEST, Sealed
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.errors import Rejected, TansiqError, Unavailable
from tansiq.engine.formats import canonical
from tansiq.engine.formats.ids import digest
from tests.engine.envelopes.makers import CARDS, DAY, FRANCE, ITALY, MOROCCO, NOW, accept, make_card, seal

MS = timedelta(milliseconds=1)
ME = [MOROCCO.next_mailbox, MOROCCO.mailbox]
DIGEST = "d" * 64


def refusal(act: Callable[..., Any], *args: Any, **named: Any) -> TansiqError:
    with pytest.raises(TansiqError) as caught:
        act(*args, **named)
    return caught.value


def manifest_of(sealed: Sealed, **changes: Any) -> dict[str, Any]:
    return {**sealed.opened_manifest.to_json(), **changes}


def resigned(sealed: Sealed, told: object, signer: Ed25519Signer = FRANCE.node) -> Sealed:
    """The envelope under another manifest, rightly signed: only the rule in question is broken."""
    return Sealed(dsse.sign(Manifest.payload_type, canonical.dumps(told), [signer]), sealed.sealed)


# --- what is right --------------------


@given(body=st.binary(max_size=6000))
def test_what_was_sealed_is_accepted_and_opens(body: bytes) -> None:
    accepted = accept(seal(body).to_bytes())
    assert sealing.open_body(accepted, ME) == body
    assert accepted.manifest.sender == "fr"
    assert accepted.manifest_digest == digest(accepted.signed_manifest.payload) == accepted.manifest.digest()
    assert not accepted.is_duplicate


def test_the_wire_is_magic_length_manifest_and_age_file() -> None:
    sealed = seal()
    raw = sealed.to_bytes()
    assert raw[:8] == b"TANSIQ1\n"
    length = int.from_bytes(raw[8:12], "big")
    assert canonical.loads(raw[12 : 12 + length]) == sealed.manifest.to_json()
    assert raw[12 + length :].startswith(b"age-encryption.org/v1\n-> mlkem768x25519 ")
    assert Sealed.from_bytes(raw) == sealed


def test_the_manifest_tells_nothing_of_the_body_but_its_step() -> None:
    told = seal(b"secret").manifest.payload
    assert b"secret" not in told
    assert seal(b"").opened_manifest.body_length == seal(b"x" * 4000).opened_manifest.body_length


def test_two_copies_of_one_body_cannot_be_linked() -> None:
    one = seal(b"same")
    other = seal(b"same", recipient="it", mailbox=ITALY.mailbox.recipient())
    assert one.opened_manifest.body_digest != other.opened_manifest.body_digest
    assert one.sealed[-64:] != other.sealed[-64:]


def test_a_relay_can_check_all_but_cannot_open() -> None:
    accepted = accept(seal().to_bytes())
    assert refusal(sealing.open_body, accepted, [ITALY.mailbox]).code == "envelope.mailbox_unknown"


def test_the_same_envelope_again_is_a_duplicate() -> None:
    sealed = seal()
    again = accept(sealed.to_bytes(), seen=lambda sender, envelope: sealed.manifest_digest)
    assert again.is_duplicate


def test_what_seal_refuses() -> None:
    assert refusal(seal, b"x" * (MAX_BODY + 1)).code == "envelope.body_too_large"
    assert refusal(seal, recipient="fr").code == "manifest.to_itself"
    with pytest.raises(ValueError, match="another mailbox"):
        seal(mailbox_key_id=ITALY.node.key_id)
    assert seal(mailbox_key_id=seal().opened_manifest.mailbox_key_id)


def test_the_greatest_body_fits_into_the_greatest_envelope() -> None:
    raw = seal(bytes(MAX_BODY)).to_bytes()
    assert len(raw) <= sealing.MAX_ENVELOPE
    assert sealing.open_body(accept(raw), ME) == bytes(MAX_BODY)


# --- one broken envelope per rule, in the order of the checks --------------------


def test_envelope_too_large() -> None:
    assert refusal(accept, bytes(sealing.MAX_ENVELOPE + 1)).code == "envelope.too_large"


def test_envelope_not_one() -> None:
    for raw in (b"", b"TANSIQ1", b"TANSIQ2\n" + seal().to_bytes()[8:], seal().sealed):
        assert refusal(accept, raw).code == "envelope.not_one"


def test_envelope_manifest_too_large() -> None:
    raw = b"TANSIQ1\n" + (MAX_MANIFEST + 1).to_bytes(4, "big") + bytes(MAX_MANIFEST + 10)
    assert refusal(accept, raw).code == "envelope.manifest_too_large"


def test_envelope_cut_off() -> None:
    raw = seal().to_bytes()
    length = int.from_bytes(raw[8:12], "big")
    for cut in (8, 10, 12, 40, 12 + length):
        assert refusal(accept, raw[:cut]).code == "envelope.cut_off"


def framed(manifest: bytes) -> bytes:
    return b"TANSIQ1\n" + len(manifest).to_bytes(4, "big") + manifest + b"sealed"


def test_manifest_not_json() -> None:
    assert refusal(accept, framed(b"{")).code.startswith("json.")
    assert refusal(accept, framed(b'{"payload":1,"payload":2}')).code == "json.duplicate_key"
    assert refusal(accept, framed(b"[" * 100)).code == "json.too_deep"


def test_manifest_not_signed_form() -> None:
    assert refusal(accept, framed(b"{}")).code == "dsse.form"


def test_manifest_of_another_type() -> None:
    receipt = dsse.sign("application/vnd.tansiq.receipt+json", b"{}", [FRANCE.node])
    assert refusal(accept, Sealed(receipt, b"x").to_bytes()).code == "dsse.payload_type"


def test_manifest_not_canonical() -> None:
    sealed = seal()
    spaced = dsse.sign(Manifest.payload_type, sealed.manifest.payload.replace(b",", b", "), [FRANCE.node])
    assert refusal(accept, Sealed(spaced, sealed.sealed).to_bytes()).code == "json.not_canonical"


def test_manifest_version() -> None:
    sealed = seal()
    assert refusal(accept, resigned(sealed, manifest_of(sealed, v=2)).to_bytes()).code == "record.version"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("envelope_id", "1"),
        ("sender", "FR"),
        ("recipient", None),
        ("incarnation", 0),
        ("sequence", "1"),
        ("previous_manifest_digest", "d"),
        ("created_at", "2026-11-22T12:00:00Z"),
        ("expires_at", 1),
        ("body_digest", DIGEST.upper()),
        ("body_length", 0),
        ("node_key_id", "k"),
        ("mailbox_key_id", None),
        ("replaces", "no id"),
        ("subject", "unknown member"),
    ],
)
def test_manifest_field(name: str, value: object) -> None:
    sealed = seal()
    error = refusal(accept, resigned(sealed, manifest_of(sealed, **{name: value})).to_bytes())
    assert (error.code, error.facts["at"]) == ("record.field", f"/{name}")


def test_manifest_to_itself() -> None:
    sealed = seal()
    assert refusal(accept, resigned(sealed, manifest_of(sealed, sender="ma-dgsn")).to_bytes()).code == (
        "manifest.to_itself"
    )


def test_manifest_life() -> None:
    sealed = seal()
    for expires_at in ("2026-11-22T12:00:00.000Z", "2026-12-22T12:00:00.001Z"):
        changed = resigned(sealed, manifest_of(sealed, expires_at=expires_at))
        assert refusal(accept, changed.to_bytes()).code == "manifest.life"


def test_manifest_first() -> None:
    for changes in ({"sequence": 2}, {"previous_manifest_digest": DIGEST}):
        sealed = seal()
        assert refusal(accept, resigned(sealed, manifest_of(sealed, **changes)).to_bytes()).code == "manifest.first"


def test_sender_unknown() -> None:
    assert refusal(accept, seal().to_bytes(), card_of=lambda node: None).code == "envelope.sender_unknown"


def test_key_unknown() -> None:
    error = refusal(accept, seal(node_signer=ITALY.node).to_bytes())
    assert error.code == "envelope.key_unknown"
    assert isinstance(error, Unavailable)
    # A key of the sender that is there for something else does not sign manifests.
    assert refusal(accept, seal(node_signer=FRANCE.authority).to_bytes()).code == "envelope.key_unknown"


def test_key_not_valid() -> None:
    start, end = NOW - DAY, NOW + DAY
    short = CardKey.for_signer("node", FRANCE.node, start, end)
    card = make_card(FRANCE, keys=(short, *FRANCE.card.keys[1:]))
    for created_at in (start - MS, end):
        raw = seal(created_at=created_at, expires_at=created_at + DAY).to_bytes()
        assert refusal(accept, raw, card_of={"fr": card}.get, now=created_at).code == "envelope.key_not_valid"
    raw = seal(created_at=end - MS, expires_at=end + DAY).to_bytes()
    assert accept(raw, card_of={"fr": card}.get, now=end + DAY - MS)


def test_key_revoked() -> None:
    asked = []

    def is_revoked(node: str, key: str, at: Any) -> bool:
        asked.append((node, key, at))
        return True

    later = NOW + DAY
    assert refusal(accept, seal().to_bytes(), is_revoked=is_revoked, now=later).code == "envelope.key_revoked"
    assert asked == [("fr", FRANCE.node.key_id, later)]


def test_signature_invalid() -> None:
    sealed = seal()
    other = seal(sequence=2, previous_manifest_digest=DIGEST)
    stolen = Sealed(dsse.Signed(Manifest.payload_type, sealed.manifest.payload, other.manifest.signatures), b"x")
    assert refusal(accept, stolen.to_bytes()).code == "envelope.signature_invalid"


def test_signatures_differ() -> None:
    sealed = seal()
    for signers in ([FRANCE.node, FRANCE.authority], [FRANCE.authority]):
        signed = dsse.sign(Manifest.payload_type, sealed.manifest.payload, signers)
        assert refusal(accept, Sealed(signed, sealed.sealed).to_bytes()).code == "dsse.signatures_differ"


def test_not_for_us() -> None:
    assert refusal(accept, seal().to_bytes(), me="it").code == "envelope.not_for_us"


def test_expired() -> None:
    raw = seal(expires_at=NOW + DAY).to_bytes()
    assert accept(raw, now=NOW + DAY - MS)
    assert refusal(accept, raw, now=NOW + DAY).code == "envelope.expired"


def test_early() -> None:
    created_at = NOW + timedelta(hours=2)
    assert accept(seal(created_at=created_at).to_bytes())
    error = refusal(accept, seal(created_at=created_at + MS).to_bytes())
    assert error.code == "envelope.early"
    assert isinstance(error, Unavailable)


def test_id_reused() -> None:
    assert refusal(accept, seal().to_bytes(), seen=lambda sender, envelope: DIGEST).code == "envelope.id_reused"


def test_body_length() -> None:
    sealed = seal()
    for body in (sealed.sealed[:-1], sealed.sealed + b"x"):
        assert refusal(accept, Sealed(sealed.manifest, body).to_bytes()).code == "envelope.body_length"


def test_body_digest() -> None:
    sealed = seal()
    changed = sealed.sealed[:-1] + bytes([sealed.sealed[-1] ^ 1])
    assert refusal(accept, Sealed(sealed.manifest, changed).to_bytes()).code == "envelope.body_digest"


def test_the_checks_come_cheapest_first() -> None:
    """An envelope with everything wrong is refused for the first thing; repaired step by step, for the next."""
    sealed = seal(created_at=NOW - 5 * DAY, expires_at=NOW - 4 * DAY)
    broken = Sealed(resigned(sealed, manifest_of(sealed), ITALY.node).manifest, b"x")
    faults: list[tuple[str, Sealed, dict[str, Any]]] = [
        ("envelope.sender_unknown", broken, {"me": "it", "card_of": lambda node: None}),
        ("envelope.key_not_valid", broken, {"me": "it"}),
    ]
    sealed = seal(expires_at=NOW + DAY)
    broken = Sealed(resigned(sealed, manifest_of(sealed), ITALY.node).manifest, b"x")
    right = Sealed(sealed.manifest, b"x")
    late: dict[str, Any] = {"now": NOW + 2 * DAY, "seen": lambda sender, envelope: DIGEST}
    faults += [
        ("envelope.key_revoked", broken, {"me": "it", **late, "is_revoked": lambda node, key, at: True}),
        ("dsse.signatures_differ", broken, {"me": "it", **late}),
        ("envelope.not_for_us", right, {"me": "it", **late}),
        ("envelope.expired", right, late),
        ("envelope.id_reused", right, {**late, "now": NOW}),
        ("envelope.body_length", right, {}),
    ]
    assert [refusal(accept, one.to_bytes(), **given).code for _, one, given in faults] == [
        code for code, _, _ in faults
    ]


def test_a_stranger_never_reaches_the_age_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(age, "decrypt", lambda *args: pytest.fail("opened"))
    assert accept(seal().to_bytes())


# --- opening --------------------


def reframed(plain: bytes, **changes: Any) -> sealing.Accepted:
    """An accepted envelope whose age file holds ``plain`` as it is."""
    sealed = age.encrypt(plain, [MOROCCO.mailbox.recipient()])
    told = manifest_of(seal(), body_digest=digest(sealed), body_length=len(sealed), **changes)
    return accept(resigned(Sealed(seal().manifest, sealed), told).to_bytes())


def inner(body: bytes, length: int | None = None, padding: bytes | None = None) -> bytes:
    start = b"TANSIQ1 BODY\n" + bytes.fromhex(seal().opened_manifest.binding())
    framed = start + (len(body) if length is None else length).to_bytes(4, "big") + body
    return framed + (bytes(padded_length(len(framed)) - len(framed)) if padding is None else padding)


def test_the_inner_framing_is_as_specified() -> None:
    assert sealing.open_body(reframed(inner(b"body")), ME) == b"body"


def test_mailbox_unknown() -> None:
    assert refusal(sealing.open_body, accept(seal().to_bytes()), [MOROCCO.next_mailbox]).code == (
        "envelope.mailbox_unknown"
    )


def test_body_sealed_to_another_than_named() -> None:
    sealed = seal(mailbox=ITALY.mailbox.recipient())
    told = manifest_of(sealed, mailbox_key_id=seal().opened_manifest.mailbox_key_id)
    assert refusal(sealing.open_body, accept(resigned(sealed, told).to_bytes()), ME).code == "age.no_match"


def test_body_of_another() -> None:
    """Italy takes what France sealed for Morocco and passes it off as its own question."""
    from_france = seal(b"who is this?")
    told = manifest_of(from_france, sender="it", node_key_id=ITALY.node.key_id)
    passed_off = accept(resigned(from_france, told, ITALY.node).to_bytes())
    assert refusal(sealing.open_body, passed_off, ME).code == "envelope.body_of_another"


@pytest.mark.parametrize(
    ("rule", "plain"),
    [
        ("framing", b""),
        ("framing", b"TANSIQ1 BODY\n"),
        ("framing", bytes(FLOOR)),
        ("length", inner(b"body", length=FLOOR)),
        ("length", inner(b"body", padding=b"")),
        ("length", inner(b"body", padding=bytes(5000))),
        ("padding", inner(b"body")[:-1] + b"\1"),
        ("padding", inner(b"body", length=3)),
    ],
)
def test_body_form(rule: str, plain: bytes) -> None:
    error = refusal(sealing.open_body, reframed(plain), ME)
    assert (error.code, error.facts) == ("envelope.body_form", {"rule": rule})


# --- properties --------------------


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), body=st.binary(max_size=50))
def test_no_flipped_bit_is_accepted(place: float, bit: int, body: bytes) -> None:
    raw = bytearray(seal(body).to_bytes())
    raw[int(place * len(raw))] ^= 1 << bit
    with pytest.raises(TansiqError):
        accept(bytes(raw))


@given(raw=st.binary(max_size=300))
def test_any_bytes_are_refused_in_order(raw: bytes) -> None:
    for given_raw in (raw, b"TANSIQ1\n" + raw, framed(raw)):
        with pytest.raises(Rejected):
            accept(given_raw)


@given(length=st.integers(0, 2**24))
def test_padding_is_a_step_above_and_little(length: int) -> None:
    padded = padded_length(length)
    assert padded >= length
    assert padded_length(padded) == padded
    assert padded == FLOOR or padded <= length * 1.25 + 1
    octave = 1 << padded.bit_length() - 1
    assert padded % (octave // 4) == 0


def test_there_are_few_lengths() -> None:
    steps = {padded_length(length) for length in [*range(0, MAX_BODY, 512), MAX_BODY + 49]}
    assert len(steps) == 46
    assert sorted(steps)[:6] == [4096, 5120, 6144, 7168, 8192, 10240]


def test_reading_a_manifest_does_not_check_its_signature() -> None:
    sealed = seal()
    unsigned = dsse.Signed(Manifest.payload_type, sealed.manifest.payload, (dsse.Signature("0" * 32, bytes(64)),))
    assert read_manifest(unsigned) == sealed.opened_manifest
    assert refusal(accept, Sealed(unsigned, sealed.sealed).to_bytes()).code == "dsse.signatures_differ"
    assert CARDS["fr"].node_id == "fr"
