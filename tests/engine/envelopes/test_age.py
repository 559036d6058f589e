"""Laws of our age files that no published vector states."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
from itertools import count

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tansiq.engine.envelopes import age
from tansiq.engine.envelopes.age import bech32
from tansiq.engine.errors import Refused, Rejected


def repeatable(seed: str = "age") -> age.RandomBytes:
    numbers = count()
    return lambda size: hashlib.shake_256(f"{seed} {next(numbers)}".encode()).digest(size)


HYBRID = age.HybridIdentity.generate(repeatable("hybrid"))
CLASSICAL = age.X25519Identity.generate(repeatable("x25519"))
IDENTITIES = {"hybrid": HYBRID, "x25519": CLASSICAL}
CHUNK = 64 * 1024
SIZES = [0, 1, 15, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", IDENTITIES)
def test_what_was_sealed_opens(kind: str, size: int) -> None:
    identity = IDENTITIES[kind]
    plaintext = repeatable()(size)
    sealed = age.encrypt(plaintext, [identity.recipient()], random=repeatable())
    assert age.decrypt(sealed, [identity]) == plaintext


@pytest.mark.parametrize("size", SIZES)
def test_pyrage_opens_ours_and_we_open_pyrage(size: int) -> None:
    plaintext = repeatable()(size)
    theirs = pyrage.x25519.Identity.from_str(CLASSICAL.to_text())
    assert str(theirs.to_public()) == CLASSICAL.recipient().to_text()
    assert pyrage.decrypt(age.encrypt(plaintext, [CLASSICAL.recipient()]), [theirs]) == plaintext
    assert age.decrypt(pyrage.encrypt(plaintext, [theirs.to_public()]), [CLASSICAL]) == plaintext


@given(plaintext=st.binary(max_size=300), place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_reader_and_pyrage_agree_on_changed_files(plaintext: bytes, place: float, bit: int) -> None:
    sealed = bytearray(age.encrypt(plaintext, [CLASSICAL.recipient()], random=repeatable()))
    sealed[int(place * len(sealed))] ^= 1 << bit
    with pytest.raises(Rejected):
        age.decrypt(bytes(sealed), [CLASSICAL])
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(bytes(sealed), [pyrage.x25519.Identity.from_str(CLASSICAL.to_text())])


@given(plaintext=st.binary(max_size=100), place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_flipped_bit_opens_a_hybrid_file(plaintext: bytes, place: float, bit: int) -> None:
    sealed = bytearray(age.encrypt(plaintext, [HYBRID.recipient()]))
    sealed[int(place * len(sealed))] ^= 1 << bit
    with pytest.raises(Rejected) as caught:
        age.decrypt(bytes(sealed), [HYBRID])
    assert caught.value.code in ("age.header", "age.no_match", "age.header_mac", "age.payload")


@given(st.data())
def test_cut_or_continued_files_do_not_open(data: st.DataObject) -> None:
    sealed = age.encrypt(b"x" * 70_000, [HYBRID.recipient()])
    cut = data.draw(st.integers(0, len(sealed) - 1))
    for changed in (sealed[:cut], sealed + data.draw(st.binary(min_size=1, max_size=40))):
        with pytest.raises(Rejected):
            age.decrypt(changed, [HYBRID])


@given(raw=st.binary(max_size=400))
@settings(max_examples=200)
def test_any_bytes_are_refused_in_order(raw: bytes) -> None:
    for start in (b"", b"age-encryption.org/v1\n", b"age-encryption.org/v1\n-> X25519 "):
        with pytest.raises(Rejected):
            age.decrypt(start + raw, [HYBRID, CLASSICAL])
    with pytest.raises(Rejected):
        age.armor.decode(raw)


@given(raw=st.binary(max_size=400))
def test_armor_goes_round(raw: bytes) -> None:
    assert age.armor.decode(age.armor.encode(raw)) == raw


def test_a_header_is_read_no_further_than_its_limit() -> None:
    class Endless:
        taken = 0

        def read(self, size: int = -1, /) -> bytes:
            self.taken += size
            return b"A" * size

    stranger = Endless()
    with pytest.raises(Rejected, match=r"age\.header"):
        age.decrypt_stream(stranger, io.BytesIO(), [HYBRID])
    assert stranger.taken <= 4096
    endless_stanza = io.BytesIO(b"age-encryption.org/v1\n-> grease\n" + (b"A" * 64 + b"\n") * 100_000)
    with pytest.raises(Rejected) as caught:
        age.decrypt_stream(endless_stanza, io.BytesIO(), [HYBRID])
    assert caught.value.facts == {"rule": "too_long"}
    assert endless_stanza.tell() <= 70_000


def test_streams_in_small_pieces_and_flat_memory() -> None:
    class Zeros:
        """A source of ``left`` zero bytes that never gives more than 10,000 at once."""

        def __init__(self, left: int) -> None:
            self.left = left

        def read(self, size: int = -1, /) -> bytes:
            given = min(size, self.left, 10_000)
            self.left -= given
            return bytes(given)

    class Counting:
        length = 0

        def write(self, raw: bytes, /) -> None:
            self.length += len(raw)

    size = 8 * 1024 * 1024 + 3
    sealed = io.BytesIO()
    assert age.encrypt_stream(Zeros(size), sealed, [HYBRID.recipient()]) == size
    sealed.seek(0)
    tracemalloc.start()
    plain = Counting()
    assert age.decrypt_stream(sealed, plain, [HYBRID]) == size
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert plain.length == size
    assert peak < 12 * CHUNK


def test_families_are_never_mixed() -> None:
    passphrase = age.ScryptRecipient("words", 1)
    for mixed in (
        [HYBRID.recipient(), CLASSICAL.recipient()],
        [HYBRID.recipient(), passphrase],
        [passphrase, passphrase],
    ):
        with pytest.raises(Refused, match=r"age\.mixed_recipients"):
            age.encrypt(b"", mixed)
    with pytest.raises(ValueError, match="without recipients"):
        age.encrypt(b"", [])


def test_several_hybrid_recipients_open_each() -> None:
    identities = [age.HybridIdentity.generate(repeatable(str(number))) for number in range(3)]
    sealed = age.encrypt(b"to all", [identity.recipient() for identity in identities])
    for identity in identities:
        assert age.decrypt(sealed, [HYBRID, identity]) == b"to all"
    with pytest.raises(Rejected, match=r"age\.no_match"):
        age.decrypt(sealed, [HYBRID])


def test_two_files_of_one_plaintext_share_nothing() -> None:
    one, other = (age.encrypt(b"same", [HYBRID.recipient()]) for _ in range(2))
    assert one.split(b"\n")[1] != other.split(b"\n")[1]
    assert one[-30:] != other[-30:]


@pytest.mark.parametrize("kind", IDENTITIES)
def test_keys_as_text_go_round_and_hide(kind: str) -> None:
    identity = IDENTITIES[kind]
    text = identity.to_text()
    assert type(identity).from_text(text) == identity
    assert type(identity).from_text(text.lower()) == identity
    recipient = identity.recipient()
    assert type(recipient).from_text(recipient.to_text()) == recipient
    assert text not in repr(identity)
    assert str(getattr(identity, "seed", b"") or identity.secret) not in repr(identity)


@pytest.mark.parametrize("kind", IDENTITIES)
@given(place=st.floats(0, 1, exclude_max=True), letter=st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l1bioB٣é"))
def test_a_mistyped_recipient_is_refused(kind: str, place: float, letter: str) -> None:
    text = IDENTITIES[kind].recipient().to_text()
    position = int(place * len(text))
    changed = text[:position] + letter + text[position + 1 :]
    if changed == text:
        return
    with pytest.raises(Rejected, match=r"age\.key_text"):
        type(IDENTITIES[kind].recipient()).from_text(changed)


def test_hybrid_and_classical_texts_are_not_taken_for_each_other() -> None:
    with pytest.raises(Rejected):
        age.HybridRecipient.from_text(CLASSICAL.recipient().to_text())
    with pytest.raises(Rejected):
        age.X25519Identity.from_text(HYBRID.to_text())


LOW_ORDER = [
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
]


@pytest.mark.parametrize("point", LOW_ORDER)
def test_recipients_of_low_order_are_refused(point: bytes) -> None:
    with pytest.raises(Rejected):
        age.X25519Recipient(point)
    with pytest.raises(Rejected):
        age.HybridRecipient(HYBRID.recipient().public[:1184] + point)
    with pytest.raises(Rejected):
        age.HybridRecipient.from_text(bech32.encode("age1pq", b"\xff" * 1184 + bytes(range(1, 33))))


def test_scrypt_work_is_bounded() -> None:
    sealed = age.encrypt(b"secret", [age.ScryptRecipient("words", 10)])
    assert age.decrypt(sealed, [age.ScryptIdentity("words")]) == b"secret"
    with pytest.raises(Rejected) as caught:
        age.decrypt(sealed, [age.ScryptIdentity("words", max_work_factor=9)])
    assert caught.value.facts == {"rule": "scrypt_work_factor"}
    with pytest.raises(ValueError, match="out of bounds"):
        age.ScryptRecipient("words", 21)
    assert pyrage.passphrase.decrypt(sealed, "words") == b"secret"
