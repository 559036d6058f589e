"""age v1 files (https://c2sp.org/age): a small format, so that an auditor's own ``age`` program opens what we sealed.

A file key of 128 bits is wrapped once per recipient in a textual header under a MAC; the payload is sealed under it
in chunks of 64 KiB. Tansiq seals to *hybrid* recipients only, ML-KEM-768 with X25519: whoever records traffic today
must break both to read it later. X25519 is here for test and rescue, passphrases for the key file of a node.

What a file cannot do here: ask for unbounded work (64 KiB of header, 2^20 of scrypt), release a byte whose tag was
not checked, or mean anything else after a bit was flipped. The outside vectors (C2SP/CCTV) judge every failure by its
class: ``age.armor``, ``age.header``, ``age.no_match``, ``age.header_mac``, ``age.payload``.
"""

from tansiq.engine.envelopes.age import armor
from tansiq.engine.envelopes.age.files import decrypt, decrypt_stream, encrypt, encrypt_stream
from tansiq.engine.envelopes.age.recipients import (
    MAX_WORK_FACTOR,
    WORK_FACTOR,
    HybridIdentity,
    HybridRecipient,
    Identity,
    RandomBytes,
    Recipient,
    ScryptIdentity,
    ScryptRecipient,
    X25519Identity,
    X25519Recipient,
)

__all__ = [
    "MAX_WORK_FACTOR",
    "WORK_FACTOR",
    "HybridIdentity",
    "HybridRecipient",
    "Identity",
    "RandomBytes",
    "Recipient",
    "ScryptIdentity",
    "ScryptRecipient",
    "X25519Identity",
    "X25519Recipient",
    "armor",
    "decrypt",
    "decrypt_stream",
    "encrypt",
    "encrypt_stream",
]
