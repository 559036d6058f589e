"""Whole age files: encrypt and decrypt, in memory or as a stream."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence

from tansiq.engine.envelopes.age import header, payload
from tansiq.engine.envelopes.age.header import FILE_KEY_LENGTH, Header, Reader, malformed
from tansiq.engine.envelopes.age.payload import NONCE_LENGTH, Pushback, Writer
from tansiq.engine.envelopes.age.recipients import Identity, RandomBytes, Recipient
from tansiq.engine.errors import Refused, Rejected


def encrypt(plaintext: bytes, recipients: Sequence[Recipient], *, random: RandomBytes = os.urandom) -> bytes:
    """The age file that each of ``recipients`` can open. See ``encrypt_stream``."""
    target = io.BytesIO()
    encrypt_stream(io.BytesIO(plaintext), target, recipients, random=random)
    return target.getvalue()


def decrypt(raw: bytes, identities: Sequence[Identity]) -> bytes:
    """The whole plaintext, or an error and nothing of it. See ``decrypt_stream``."""
    target = io.BytesIO()
    decrypt_stream(io.BytesIO(raw), target, identities)
    return target.getvalue()


def encrypt_stream(
    source: Reader, target: Writer, recipients: Sequence[Recipient], *, random: RandomBytes = os.urandom
) -> int:
    """Write ``source`` as an age file to ``target``, two chunks in memory; the number of bytes that were sealed.

    Raises ``Refused("age.mixed_recipients")`` when recipients of different families (post-quantum, classical,
    passphrase) would share the file, since it would be only as safe as the weakest; a passphrase always stands alone.
    """
    if not recipients:
        raise ValueError("an age file without recipients")
    families = {recipient.family for recipient in recipients}
    if len(families) > 1 or (len(recipients) > 1 and "passphrase" in families):
        raise Refused("age.mixed_recipients", families=sorted(families))
    file_key = random(FILE_KEY_LENGTH)
    stanzas = [recipient.wrap(file_key, random) for recipient in recipients]
    target.write(header.write(stanzas, file_key))
    return payload.encrypt(source, target, file_key=file_key, nonce=random(NONCE_LENGTH))


def decrypt_stream(source: Reader, target: Writer, identities: Sequence[Identity]) -> int:
    """Write the plaintext of the age file ``source`` to ``target``, one chunk in memory; the number of bytes written.

    Raises, each ``Rejected``: ``age.header`` (not an age v1 file, with the ``rule`` it breaks), ``age.no_match`` (not
    for these identities), ``age.header_mac`` (the header was changed), ``age.payload`` (changed, cut off or
    continued). After ``age.payload`` the target holds authentic but incomplete plaintext, which the caller throws
    away.
    """
    file_key, beyond = read_key(source, identities)
    return payload.decrypt(Pushback(beyond, source), target, file_key=file_key)


def read_key(source: Reader, identities: Sequence[Identity]) -> tuple[bytes, bytes]:
    """The file key that the header of ``source`` wraps for one of ``identities``, and the bytes read beyond the header.

    Raises what ``decrypt_stream`` raises before the payload.
    """
    found, beyond = header.read(source)
    file_key = _file_key(found, identities)
    found.verify(file_key)
    return file_key, beyond


def _file_key(found: Header, identities: Sequence[Identity]) -> bytes:
    # Whoever opens by passphrase expects that only its holders made the file; another recipient would break that.
    if len(found.stanzas) > 1 and any(stanza.type == "scrypt" for stanza in found.stanzas):
        malformed("scrypt_not_alone")
    for identity in identities:
        file_key = identity.unwrap(found.stanzas)
        if file_key is not None:
            return file_key
    raise Rejected("age.no_match")
