"""Folding and words: what must become equal does, whatever is typed."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.errors import Rejected
from tansiq.engine.names import MAX_NAME_CHARACTERS, Role, fold, read_name, romanise
from tests.shared import shared_path


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("مُحَمَّد", "محمد"),
        ("محـــمد", "محمد"),
        ("ﻣﺤﻤﺪ", "محمد"),
        ("کریمی", "كريمي"),
        ("فاطمة", "فاطمه"),
        ("إبراهيم", "ابراهيم"),
        ("ھمایوں", "همايون"),
        ("ئاسۆ", "اسو"),
        ("Chérif", "cherif"),
        ("ÞÓRÐUR", "thordur"),
        ("Şahin", "shahin"),
        ("Ka‘bi", "kabi"),
        ("El-Mehdi", "el mehdi"),
        ("Ёлкин", "елкин"),
        ("כֹּהֵן", "כהנ"),
        ("Γιώργος", "γιωργοσ"),
        ("Ａｌｉ", "ali"),
    ],
)
def test_one_folded_form(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("عبد الرحمن", "عبدالرحمن"),
        ("شرف الدين", "شرفالدين"),
        ("Abd al-Rahman", "Abdal Rahman"),
        ("Salah al-Din", "Salahaldin"),
        ("Habib al Adli", "Habib Adli"),
    ],
)
def test_compounds_are_one_word(left: str, right: str) -> None:
    assert [w.letters for w in read_name(left).words] == [w.letters for w in read_name(right).words]


def test_weak_parts_and_titles_are_marked() -> None:
    roles = {word.letters: word.role for word in read_name("Dr Ahmed ben Ali").words}
    assert roles == {"dr": Role.TITLE, "ahmed": Role.NAME, "ben": Role.WEAK, "ali": Role.NAME}


@given(st.text(max_size=80))
def test_folding_is_idempotent_and_never_fails(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert set(romanise(folded)) <= set("abcdefghijklmnopqrstuvwxyz0123456789 ")


@given(st.text(alphabet="abcéîحمدعليشрдя -'", max_size=40))
def test_folding_ignores_composition_and_direction_controls(text: str) -> None:
    assert fold(unicodedata.normalize("NFD", text)) == fold(text)
    assert fold("\u202e" + text + "\u200f") == fold(text)


def test_naughty_strings_are_read_or_refused() -> None:
    texts = json.loads((shared_path("vectors/naughty-strings") / "blns.json").read_text())
    hostile = json.loads((shared_path("vectors/unicode-hostile") / "strings.json").read_text())
    texts += [text for value in hostile.values() if isinstance(value, list) for text in value if isinstance(text, str)]
    assert len(texts) > 500
    for text in texts:
        if len(text) <= MAX_NAME_CHARACTERS:
            read_name(text)
        else:
            with pytest.raises(Rejected, match=r"names\.too_long"):
                read_name(text)
