"""Blobs: sealed once, opened from anywhere, gone on with after any break, and never a byte that was not sealed."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tansiq.engine.envelopes import age, blobs
from tansiq.engine.envelopes.age.payload import CHUNK, TAG
from tansiq.engine.envelopes.blobs import MAX_HEAD, Chunks, Layout
from tansiq.engine.errors import Rejected

IDENTITY = age.HybridIdentity.generate(lambda size: bytes(range(size)))
SIZES = st.one_of(
    st.integers(0, 3 * CHUNK + 5), st.sampled_from([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK])
)


def content(size: int) -> bytes:
    """Bytes that differ everywhere."""
    return hashlib.shake_256(b"blob").digest(size)


def sealed(plain: bytes) -> bytes:
    """A whole blob."""
    chunks, head = Chunks.begin(IDENTITY, len(plain))
    return head + b"".join(chunks.seal(n, plain[n * CHUNK : (n + 1) * CHUNK]) for n in range(chunks.layout.chunks))


def reader(raw: bytes) -> blobs.ReadAt:
    return lambda offset, length: raw[offset : offset + length]


@given(SIZES)
@settings(max_examples=30, deadline=None)
def test_a_blob_is_an_age_file_that_any_age_program_opens(size: int) -> None:
    plain = content(size)
    raw = sealed(plain)
    assert age.decrypt(raw, [IDENTITY]) == plain
    found = blobs.inspect(reader(raw), IDENTITY, sealed=len(raw))
    assert found.blob == hashlib.sha256(raw).hexdigest()
    assert (found.digest, found.size, found.first) == (hashlib.sha256(plain).hexdigest(), size, plain[:4096])


@given(SIZES, st.data())
@settings(max_examples=40, deadline=None)
def test_any_stretch_is_read_without_what_is_before_it(size: int, data: st.DataObject) -> None:
    plain, start = content(size), data.draw(st.integers(0, size))
    end = data.draw(st.integers(start, size))
    raw = sealed(plain)
    chunks = Chunks.read(raw[:MAX_HEAD], IDENTITY, sealed=len(raw))
    assert b"".join(chunks.plain(reader(raw), start=start, end=end)) == plain[start:end]


@given(SIZES, st.data())
@settings(max_examples=40, deadline=None)
def test_sealing_goes_on_where_it_was_broken_off(size: int, data: st.DataObject) -> None:
    plain = content(size)
    chunks, head = Chunks.begin(IDENTITY, size)
    broken = data.draw(st.integers(0, chunks.layout.chunks))
    raw = head + b"".join(chunks.seal(n, plain[n * CHUNK : (n + 1) * CHUNK]) for n in range(broken))
    again = Chunks.resume(raw[:MAX_HEAD], IDENTITY, plain=size)
    assert again.layout == chunks.layout
    place = again.layout.whole(len(raw))
    assert place == broken
    raw += b"".join(again.seal(n, plain[n * CHUNK : (n + 1) * CHUNK]) for n in range(place, again.layout.chunks))
    assert age.decrypt(raw, [IDENTITY]) == plain


@given(SIZES, st.data())
@settings(max_examples=60, deadline=None)
def test_a_changed_bit_is_found_in_its_chunk_and_everything_before_is_kept(size: int, data: st.DataObject) -> None:
    raw = bytearray(sealed(content(size)))
    chunks = Chunks.read(bytes(raw[:MAX_HEAD]), IDENTITY, sealed=len(raw))
    layout = chunks.layout
    place = data.draw(st.integers(layout.head, len(raw) - 1))
    raw[place] ^= 1 << data.draw(st.integers(0, 7))
    damaged = (place - layout.head) // (CHUNK + TAG)
    with pytest.raises(Rejected) as caught:
        chunks.check(layout.head, bytes(raw[layout.head :]))
    assert caught.value.facts == {"chunk": damaged}
    before = bytes(raw[layout.head : layout.start(damaged)])
    assert chunks.check(layout.head, before) == len(before)
    with pytest.raises(Rejected, match=r"blob\.chunk_damaged"):
        blobs.inspect(reader(bytes(raw)), IDENTITY, sealed=len(raw))


@given(SIZES, st.data())
@settings(max_examples=40, deadline=None)
def test_only_whole_chunks_of_what_came_are_taken(size: int, data: st.DataObject) -> None:
    raw = sealed(content(size))
    chunks = Chunks.read(raw[:MAX_HEAD], IDENTITY, sealed=len(raw))
    came = data.draw(st.integers(chunks.layout.head, len(raw)))
    taken = chunks.check(chunks.layout.head, raw[chunks.layout.head : came])
    assert chunks.layout.head + taken == chunks.layout.start(chunks.layout.whole(came))


def test_chunks_have_their_places() -> None:
    raw = sealed(content(3 * CHUNK))
    chunks = Chunks.read(raw[:MAX_HEAD], IDENTITY, sealed=len(raw))
    first, second = (raw[chunks.layout.start(n) : chunks.layout.start(n + 1)] for n in (0, 1))
    for number, piece in ((1, first), (0, second), (2, second), (0, first[:-1]), (0, first + b"x")):
        with pytest.raises(Rejected, match=r"age\.payload"):
            chunks.open(number, piece)
    with pytest.raises(ValueError, match="chunk 0"):
        chunks.seal(0, b"too short")


@pytest.mark.parametrize("less", [1, TAG, CHUNK, CHUNK + TAG])
def test_a_blob_that_was_cut_off_is_never_whole(less: int) -> None:
    raw = sealed(content(2 * CHUNK + 9))[:-less]
    with pytest.raises(Rejected, match=r"blob\.(chunk_damaged|size_impossible)"):
        blobs.inspect(reader(raw), IDENTITY, sealed=len(raw))


def test_the_wrong_secret_opens_nothing() -> None:
    raw = sealed(b"secret")
    with pytest.raises(Rejected, match=r"age\.no_match"):
        Chunks.read(raw, age.HybridIdentity.generate(), sealed=len(raw))
    assert blobs.open_identity(IDENTITY.to_text()) == IDENTITY
    for text in ("AGE-SECRET-KEY-1QQ", "x" * 20, IDENTITY.to_text()[:-1]):
        with pytest.raises(Rejected, match=r"blob\.identity"):
            blobs.open_identity(text)


@pytest.mark.parametrize("cut", [0, 10, 200, 1000])
def test_half_a_head_opens_nothing(cut: int) -> None:
    raw = sealed(b"secret")
    with pytest.raises(Rejected, match=r"age\.header"):
        Chunks.read(raw[:cut], IDENTITY, sealed=len(raw))


def test_impossible_lengths_are_refused_before_anything_is_read() -> None:
    for body in (0, TAG - 1, CHUNK + TAG + 1, CHUNK + 2 * TAG, 2 * (CHUNK + TAG) + TAG):
        with pytest.raises(Rejected, match=r"blob\.size_impossible"):
            Layout(2000, 2000 + body)
    assert Layout(2000, 2000 + TAG).plain == 0
    assert Layout.of_plain(2000, 0) == Layout(2000, 2000 + TAG)
