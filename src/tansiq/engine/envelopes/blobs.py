"""Blobs: files that are too large for an envelope, each sealed once to an identity of its own.

A blob is an age v1 file (``age``) to one fresh *hybrid* identity. The secret of that identity stands in the part that
describes the file and nowhere else: whoever has the part can open the blob, whoever erases the part has erased it, and
another recipient costs bytes and no second sealing. Hybrid, not X25519 alone, because a blob travels outside of the
post-quantum envelope that carries its secret: what is recorded on the wire today must not be opened by breaking a curve
later. The price is 1.6 KB a file.

The payload is a row of chunks of 64 KiB, each under its own tag, at places that follow from the lengths alone
(``Layout``). So a broken journey goes on at the last whole chunk, a chunk that was damaged on the way is known at once
and fetched anew, and any stretch of the file can be read without what is before it. Two digests name a blob: that of the
sealed bytes, by which nodes ask for it, and that of the file itself; ``Inspection`` computes both in one pass.

Nothing here touches a disk: bytes come in and go out.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tansiq.engine.envelopes.age import HybridIdentity, RandomBytes, header, payload
from tansiq.engine.envelopes.age.files import read_key
from tansiq.engine.envelopes.age.header import FILE_KEY_LENGTH, MAX_HEADER
from tansiq.engine.envelopes.age.payload import CHUNK, NONCE_LENGTH, TAG
from tansiq.engine.errors import Rejected

PIECE_CHUNKS: Final = 16
PIECE: Final = PIECE_CHUNKS * (CHUNK + TAG)
"""Sealed bytes that travel at once: a mebibyte of the file."""
MAX_HEAD: Final = MAX_HEADER + NONCE_LENGTH

ReadAt = Callable[[int, int], bytes]
"""(offset, length) in, those sealed bytes out; fewer only where the file ends."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the chunks of a sealed file stand: ``head`` bytes of header and nonce, then the chunks, ``sealed`` in all."""

    head: int
    sealed: int

    @classmethod
    def of_plain(cls, head: int, plain: int) -> Layout:
        """The layout of a file of ``plain`` bytes."""
        return cls(head, head + plain + TAG * max(1, -(-plain // CHUNK)))

    def __post_init__(self) -> None:
        body = self.sealed - self.head
        if body < TAG or (body > CHUNK + TAG and 0 < body % (CHUNK + TAG) <= TAG):
            raise Rejected("blob.size_impossible", size=self.sealed)

    @property
    def chunks(self) -> int:
        """How many chunks; one at least."""
        return -(-(self.sealed - self.head) // (CHUNK + TAG))

    @property
    def plain(self) -> int:
        """Bytes of the file itself."""
        return self.sealed - self.head - TAG * self.chunks

    def start(self, number: int) -> int:
        """Where chunk ``number`` begins; past the last one: the end."""
        return min(self.head + number * (CHUNK + TAG), self.sealed)

    def whole(self, length: int) -> int:
        """How many chunks stand complete in the first ``length`` bytes."""
        if length >= self.sealed:
            return self.chunks
        return max(0, length - self.head) // (CHUNK + TAG)


@dataclass(frozen=True)
class Chunks:
    """The cipher of one blob and its layout: seals or opens any chunk by its number."""

    layout: Layout
    _cipher: ChaCha20Poly1305

    @classmethod
    def begin(cls, identity: HybridIdentity, plain: int, *, random: RandomBytes = os.urandom) -> tuple[Chunks, bytes]:
        """A new blob for a file of ``plain`` bytes: its chunks, and the bytes that stand before them."""
        file_key, nonce = random(FILE_KEY_LENGTH), random(NONCE_LENGTH)
        head = header.write([identity.recipient().wrap(file_key, random)], file_key) + nonce
        return cls(Layout.of_plain(len(head), plain), payload.cipher_of(file_key, nonce)), head

    @classmethod
    def read(cls, first: bytes, identity: HybridIdentity, *, sealed: int) -> Chunks:
        """The chunks of a blob of ``sealed`` bytes that begins with ``first`` (``MAX_HEAD`` bytes are always enough).

        Raises what ``age.decrypt_stream`` raises for a header, and ``Rejected("blob.size_impossible")``.
        """
        head, cipher = _opened_head(first, identity)
        return cls(Layout(head, sealed), cipher)

    @classmethod
    def resume(cls, first: bytes, identity: HybridIdentity, *, plain: int) -> Chunks:
        """The chunks of a blob whose sealing was broken off, for a file of ``plain`` bytes; raises as ``read`` does."""
        head, cipher = _opened_head(first, identity)
        return cls(Layout.of_plain(head, plain), cipher)

    def seal(self, number: int, plain: bytes) -> bytes:
        """Chunk ``number`` sealed; ``ValueError`` unless it has the length that its place demands."""
        sealed = payload.seal_chunk(self._cipher, number, plain, is_last=number == self.layout.chunks - 1)
        if self.layout.start(number) + len(sealed) != self.layout.start(number + 1):
            raise ValueError(f"chunk {number} of {len(plain)} bytes")
        return sealed

    def open(self, number: int, sealed: bytes) -> bytes:
        """The plaintext of chunk ``number``; ``Rejected("age.payload")`` for bytes that are not it."""
        if self.layout.start(number) + len(sealed) != self.layout.start(number + 1):
            raise Rejected("age.payload", rule="cut_off")
        return payload.open_chunk(self._cipher, number, sealed, is_last=number == self.layout.chunks - 1)

    def check(self, offset: int, sealed: bytes) -> int:
        """How many of the bytes ``sealed``, which stand at ``offset`` (the start of a chunk), are whole chunks of this blob.

        Raises ``Rejected("blob.chunk_damaged", chunk=…)`` for the first that is not.
        """
        number = self.layout.whole(offset)
        taken = 0
        while number < self.layout.chunks:
            end = self.layout.start(number + 1) - offset
            if end > len(sealed):
                break
            try:
                self.open(number, sealed[taken:end])
            except Rejected:
                raise Rejected("blob.chunk_damaged", chunk=number) from None
            taken, number = end, number + 1
        return taken

    def plain(self, read_at: ReadAt, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes of the file from ``start`` to ``end``, one chunk in memory; ``read_at`` gives the sealed bytes.

        Raises ``Rejected("age.payload")`` at the first chunk that is damaged or missing.
        """
        stop = self.layout.plain if end is None else min(end, self.layout.plain)
        for number in range(start // CHUNK, self.layout.chunks):
            first = number * CHUNK
            if first >= stop and not (number == 0 and stop == 0):
                return
            place = self.layout.start(number)
            opened = self.open(number, read_at(place, self.layout.start(number + 1) - place))
            yield opened[max(0, start - first) : stop - first]


def _opened_head(first: bytes, identity: HybridIdentity) -> tuple[int, ChaCha20Poly1305]:
    """How many bytes stand before the first chunk, and the cipher that they give this identity."""
    source = io.BytesIO(first)
    file_key, beyond = read_key(source, [identity])
    start = source.tell() - len(beyond)
    nonce = first[start : start + NONCE_LENGTH]
    if len(nonce) < NONCE_LENGTH:
        header.malformed("payload_nonce")
    return start + NONCE_LENGTH, payload.cipher_of(file_key, nonce)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What one pass over a whole sealed file finds: both digests, and the first bytes of the file for ``media``."""

    blob: str
    digest: str
    size: int
    first: bytes


def open_identity(text: str) -> HybridIdentity:
    """The identity that a part names; ``Rejected("blob.identity")`` for any other text."""
    try:
        return HybridIdentity.from_text(text, at="/identity")
    except Rejected:
        raise Rejected("blob.identity", at="/identity") from None


def inspect(read_at: ReadAt, identity: HybridIdentity, *, sealed: int, keep: int = 4096) -> Inspection:
    """Open every chunk of a blob and digest both sides, in flat memory.

    Raises ``Rejected("blob.chunk_damaged", chunk=…)`` for the first bad chunk, and what ``Chunks.read`` raises.
    """
    chunks = Chunks.read(read_at(0, min(MAX_HEAD, sealed)), identity, sealed=sealed)
    layout = chunks.layout
    outside, inside = hashlib.sha256(read_at(0, layout.head)), hashlib.sha256()
    first = b""
    for number in range(layout.chunks):
        place = layout.start(number)
        raw = read_at(place, layout.start(number + 1) - place)
        try:
            plain = chunks.open(number, raw)
        except Rejected:
            raise Rejected("blob.chunk_damaged", chunk=number) from None
        outside.update(raw)
        inside.update(plain)
        first = first or plain[:keep]
    return Inspection(outside.hexdigest(), inside.hexdigest(), layout.plain, first)
