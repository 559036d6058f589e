"""Secrets at rest under a passphrase: one JSON object in one armored age file, which any age program can open too.

The passphrase is compared as RFC 8265 §4.2 prepares it (NFC, every space an ordinary one), since an Arabic or French
keyboard on another machine may compose the same words of other code points.
"""

from __future__ import annotations

import os
import unicodedata
from typing import Final

from tansiq.engine.envelopes import age
from tansiq.engine.envelopes.age import RandomBytes
from tansiq.engine.errors import Refused, Rejected
from tansiq.engine.formats import canonical, strict_json
from tansiq.engine.formats.json_values import JsonValue

WORK_FACTOR: Final = age.WORK_FACTOR


def seal(
    secrets: JsonValue, passphrase: str, *, work_factor: int = WORK_FACTOR, random: RandomBytes = os.urandom
) -> bytes:
    """``secrets`` as an armored age file under ``passphrase``; scrypt with N = 2^``work_factor``, 1 to 20.

    Raises ``Rejected("keyfile.passphrase_empty")``; how good a passphrase must be is the node's rule.
    """
    words = prepared(passphrase)
    if not words:
        raise Rejected("keyfile.passphrase_empty")
    recipient = age.ScryptRecipient(words, work_factor)
    return age.armor.encode(age.encrypt(canonical.dumps(secrets), [recipient], random=random))


def unseal(raw: bytes, passphrase: str, *, max_work_factor: int = age.MAX_WORK_FACTOR) -> JsonValue:
    """The secrets that ``seal`` wrote.

    Raises ``Refused("keyfile.passphrase")`` when the passphrase is another one, and ``Rejected("keyfile.damaged",
    rule=…)`` when the file is not a key file, was changed, or asks for more work than ``max_work_factor`` allows.
    """
    try:
        sealed = age.armor.decode(raw) if age.armor.is_armored(raw) else raw
        plain = age.decrypt(sealed, [age.ScryptIdentity(prepared(passphrase), max_work_factor)])
        return strict_json.loads(plain)
    except Rejected as error:
        if error.code == "age.no_match":
            raise Refused("keyfile.passphrase") from None
        raise Rejected("keyfile.damaged", rule=error.code) from None


def prepared(passphrase: str) -> str:
    """The passphrase as it is compared: RFC 8265 §4.2.2, additional mapping and normalisation."""
    spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in passphrase)
    return unicodedata.normalize("NFC", spaced)
