"""Sealed columns and keys: only an unlocked process reads, only what was written there, and nothing can be searched by accident."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.errors import Corrupt, Refused, Unavailable
from tansiq.node.dossiers.models import Case, Dossier, Note
from tansiq.node.vault import columns, keys
from tests.node.conftest import NOW, stream


@given(raw=st.binary(max_size=500))
def test_what_is_sealed_is_unsealed_under_its_own_label_only(raw: bytes) -> None:
    keys.install(keys.Keys.from_json(KEYS))
    sealed = columns.seal(raw, label="notes.text")
    assert columns.unseal(sealed, label="notes.text") == raw
    assert len(raw) < 8 or raw not in sealed
    with pytest.raises(Corrupt, match=r"vault\.unseal"):
        columns.unseal(sealed, label="notes.other")


KEYS = keys.generate(NOW, stream("columns")).to_json()


@pytest.mark.parametrize(
    "change", [lambda s: s[:-1], lambda s: s + b"x", lambda s: b"\x02" + s[1:], lambda s: b"", lambda s: s[:20]]
)
def test_altered_bytes_are_corrupt(change: object) -> None:
    sealed = columns.seal(b"something", label="a.b")
    with pytest.raises(Corrupt):
        columns.unseal(change(sealed), label="a.b")  # type: ignore[operator]


def test_two_sealings_of_one_value_differ() -> None:
    assert columns.seal(b"same", label="a.b") != columns.seal(b"same", label="a.b")


def test_another_key_opens_nothing() -> None:
    sealed = columns.seal(b"mine", label="a.b")
    keys.install(keys.generate(NOW, stream("another")))
    with pytest.raises(Corrupt):
        columns.unseal(sealed, label="a.b")


def test_a_locked_process_reads_and_writes_nothing(db: None) -> None:
    case = Case.objects.create(title="Affaire", circle="unit:ops", created_by="x", created_at=NOW)
    keys.install(None)
    assert not keys.is_unlocked()
    with pytest.raises(Unavailable, match=r"vault\.locked"):
        Case.objects.get(pk=case.pk)
    with pytest.raises(Unavailable, match=r"vault\.locked"), transaction.atomic():
        Case.objects.create(title="Another", circle="unit:ops", created_by="x", created_at=NOW)
    assert Case.objects.values_list("circle", flat=True).get() == "unit:ops", "what stands in clear is not sealed"


def test_a_sealed_column_cannot_be_searched_or_exported_by_accident(db: None) -> None:
    for wrong in ({"text": "x"}, {"text__contains": "x"}, {"text__in": ["x"]}, {"text__gt": "x"}):
        with pytest.raises(TypeError, match="is sealed"):
            list(Note.objects.filter(**wrong))
    assert list(Dossier.objects.filter(title__isnull=True)) == []
    with pytest.raises(TypeError, match="is sealed"):
        Case._meta.get_field("title").value_to_string(Case(title="x"))


def test_absent_is_absent(db: None) -> None:
    from tansiq.node.search.models import Search

    row = Search.objects.create(
        officer="x",
        circle="",
        asked={"b": [1, None, "é"], "a": {}},
        purpose="p",
        found_here=[],
        reference=None,
        asked_at=NOW,
    )
    row.refresh_from_db()
    assert (row.reference, row.asked) == (None, {"a": {}, "b": [1, None, "é"]})


# -- keys ----------------------------------------------------------------------------------------------------------------


def test_keys_survive_their_file(tmp_path: Path) -> None:
    held = keys.generate(NOW)
    keys.write_secrets(tmp_path / keys.SECRETS_FILE, held.to_json(), "seven lamps", work_factor=4)
    assert (tmp_path / keys.SECRETS_FILE).stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == [keys.SECRETS_FILE]
    assert keys.unlock(tmp_path, "seven lamps").to_json() == held.to_json()


def test_the_wrong_words_open_nothing(tmp_path: Path) -> None:
    keys.write_secrets(tmp_path / keys.SECRETS_FILE, KEYS, "seven lamps", work_factor=4)
    keys.install(None)
    with pytest.raises(Refused, match=r"keyfile\.passphrase"):
        keys.unlock(tmp_path, "eight lamps")
    assert not keys.is_unlocked()


def test_a_write_that_dies_leaves_the_old_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / keys.SECRETS_FILE
    keys.write_secrets(path, KEYS, "seven lamps", work_factor=4)
    before = path.read_bytes()

    def dies(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", dies)
    with pytest.raises(OSError, match="No space"):
        keys.write_secrets(path, keys.generate(NOW).to_json(), "seven lamps", work_factor=4)
    assert path.read_bytes() == before


def test_mailboxes_come_newest_first_and_follow_without_a_gap() -> None:
    held = keys.generate(NOW)
    first, following = held.mailboxes
    assert first.valid_to == following.valid_from
    assert first.valid_from < NOW < first.valid_to
    assert held.identities == [following.identity, first.identity]


SAME = [
    ("PV 2026/1107", "pv2026-1107"),
    ("PV ٢٠٢٦/١١٠٧", "PV 2026/1107"),
    ("ＰＶ２０２６", "pv 2026"),
    ("Straße 5", "STRASSE-5"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_writings_of_one_number_have_one_token(one: str, other: str) -> None:
    assert keys.search_token(one) == keys.search_token(other)


def test_a_token_tells_nothing_without_the_key() -> None:
    token = keys.search_token("PV 1")
    assert token != keys.search_token("PV 2")
    keys.install(keys.generate(NOW, stream("another")))
    assert token != keys.search_token("PV 1")
