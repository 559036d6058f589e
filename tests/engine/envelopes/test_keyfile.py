"""A key file opens by its passphrase alone, however the keyboard composed it."""

from __future__ import annotations

import pytest

from tansiq.engine.envelopes import age, keyfile
from tansiq.engine.errors import Refused, Rejected

SECRETS = {"v": 1, "node": "c2VlZA=="}


def test_what_was_sealed_unseals() -> None:
    raw = keyfile.seal(SECRETS, "sept mots que personne ne devine", work_factor=4)
    assert keyfile.unseal(raw, "sept mots que personne ne devine") == SECRETS
    assert b"c2VlZA" not in raw
    assert raw.isascii()


@pytest.mark.parametrize(("sealed_by", "opened_by"), [("clé", "cle\u0301"), ("آب", "ا\u0653ب"), ("a b", "a\u00a0b")])
def test_the_same_words_of_another_keyboard_open(sealed_by: str, opened_by: str) -> None:
    raw = keyfile.seal(SECRETS, sealed_by, work_factor=2)
    assert keyfile.unseal(raw, opened_by) == SECRETS


def test_another_passphrase_is_told_from_a_damaged_file() -> None:
    raw = keyfile.seal(SECRETS, "right", work_factor=2)
    with pytest.raises(Refused, match=r"keyfile\.passphrase"):
        keyfile.unseal(raw, "wrong")
    binary = bytearray(age.armor.decode(raw))
    binary[-1] ^= 1
    for damaged in (raw[:-60], bytes(binary), b"", b"{}"):
        with pytest.raises(Rejected, match=r"keyfile\.damaged"):
            keyfile.unseal(damaged, "right")
    with pytest.raises(Rejected, match=r"keyfile\.damaged"):
        keyfile.unseal(raw, "right", max_work_factor=1)
    with pytest.raises(Rejected, match=r"keyfile\.passphrase_empty"):
        keyfile.seal(SECRETS, "")
