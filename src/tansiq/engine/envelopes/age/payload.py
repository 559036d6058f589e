"""The payload of an age file: chunks of 64 KiB, each sealed and released on its own (https://c2sp.org/age, "Payload").

The nonce of a chunk is its number and one byte that marks the last: chunks cannot be reordered, dropped, repeated or
cut off.
"""

from __future__ import annotations

from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tansiq.engine.envelopes.age.header import Reader, derive, malformed
from tansiq.engine.errors import Rejected

CHUNK: Final = 64 * 1024
TAG: Final = 16
NONCE_LENGTH: Final = 16


class Writer(Protocol):
    """Anything with ``write``, such as an open binary file."""

    def write(self, raw: bytes, /) -> object: ...


class Pushback:
    """A reader that first gives the bytes that somebody else read too many."""

    def __init__(self, first: bytes, source: Reader) -> None:
        self._first = first
        self._source = source

    def read_fully(self, size: int) -> bytes:
        """``size`` bytes, or fewer only at the end of the source."""
        pieces = [self._first[:size]]
        self._first = self._first[size:]
        missing = size - len(pieces[0])
        while missing and (piece := self._source.read(missing)):
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)


def encrypt(source: Reader, target: Writer, *, file_key: bytes, nonce: bytes) -> int:
    """Seal all of ``source`` into ``target``, with one chunk in memory; the number of bytes that were sealed."""
    target.write(nonce)
    cipher = cipher_of(file_key, nonce)
    reader = Pushback(b"", source)
    number, length = 0, 0
    chunk = reader.read_fully(CHUNK)
    while True:
        following = reader.read_fully(CHUNK) if len(chunk) == CHUNK else b""
        length += len(chunk)
        target.write(cipher.encrypt(_nonce(number, is_last=not following), chunk, None))
        if not following:
            return length
        chunk, number = following, number + 1


def decrypt(source: Pushback, target: Writer, *, file_key: bytes) -> int:
    """Write the plaintext to ``target`` chunk by chunk, each after its tag was checked; the number of bytes written.

    Raises ``Rejected("age.payload", rule=…)`` at the first chunk that is not right: what was written until then is
    authentic but incomplete, and the caller throws it away.
    """
    nonce = source.read_fully(NONCE_LENGTH)
    if len(nonce) < NONCE_LENGTH:
        malformed("payload_nonce")
    cipher = cipher_of(file_key, nonce)
    number, length, is_last = 0, 0, False
    while not is_last:
        chunk = source.read_fully(CHUNK + TAG)
        plain, is_last = _open(cipher, number, chunk)
        target.write(plain)
        length += len(plain)
        number += 1
    if source.read_fully(1):
        raise Rejected("age.payload", rule="bytes_after_last_chunk")
    return length


def cipher_of(file_key: bytes, nonce: bytes) -> ChaCha20Poly1305:
    """The cipher of all chunks of one file."""
    return ChaCha20Poly1305(derive(file_key, salt=nonce, info=b"payload"))


def seal_chunk(cipher: ChaCha20Poly1305, number: int, plain: bytes, *, is_last: bool) -> bytes:
    """One chunk in its place; ``plain`` is ``CHUNK`` bytes but for the last."""
    return cipher.encrypt(_nonce(number, is_last=is_last), plain, None)


def open_chunk(cipher: ChaCha20Poly1305, number: int, sealed: bytes, *, is_last: bool) -> bytes:
    """The plaintext of one chunk whose place is known; ``Rejected("age.payload", rule="tag")`` for any other bytes."""
    try:
        return cipher.decrypt(_nonce(number, is_last=is_last), sealed, None)
    except InvalidTag:
        raise Rejected("age.payload", rule="tag") from None


def _open(cipher: ChaCha20Poly1305, number: int, chunk: bytes) -> tuple[bytes, bool]:
    """The plaintext of one chunk and whether it is the last. A full chunk may be the last one too."""
    if len(chunk) < TAG:
        raise Rejected("age.payload", rule="cut_off")
    if len(chunk) == CHUNK + TAG:
        try:
            return cipher.decrypt(_nonce(number, is_last=False), chunk, None), False
        except InvalidTag:
            pass
    try:
        plain = cipher.decrypt(_nonce(number, is_last=True), chunk, None)
    except InvalidTag:
        raise Rejected("age.payload", rule="tag") from None
    if not plain and number:
        raise Rejected("age.payload", rule="empty_last_chunk")
    return plain, True


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if is_last else b"\x00")
