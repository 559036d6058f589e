from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.errors import Conflict, Rejected
from tansiq.engine.formats import strict_json
from tansiq.node import wording
from tansiq.node.wording import LANGUAGES, explain, has_sentence, sentence

FACTS = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=3)


def test_an_error_is_explained_with_its_facts() -> None:
    error = Rejected("json.duplicate_key", at="/parts/0/x", offset=23, key="x")
    assert explain(error, "en") == (
        "The field x occurs twice at /parts/0/x (byte 23), so it is unknown which one counts. "
        "Ask the sender to keep only one."
    )
    assert explain(error, "fr").startswith("Le champ x figure deux fois à l’endroit /parts/0/x (octet 23)")
    assert explain(error, "ar").startswith("يتكرر الحقل x مرتين")


def test_foreign_values_are_isolated_when_asked() -> None:
    text = explain(Rejected("json.duplicate_key", at="/a", offset=1, key="مفتاح"), "fr", isolate=True)
    assert "\u2068مفتاح\u2069" in text
    assert "\u2068/a\u2069" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_without_a_sentence_gets_a_clear_general_one(language: str) -> None:
    for code in ("room.never_written", "noroom", "", "../json.syntax", "json.", ".json", "JSON.syntax"):
        text = explain(Conflict(code, at="/x"), language)
        assert code in text
        assert len(text) > 30
        assert not has_sentence(code)


def test_an_unknown_language_is_english() -> None:
    error = Rejected("times.not_a_time", at="/at", found="x")
    assert explain(error, "de") == explain(error, "en")


def test_values_that_are_nothing_lists_and_truths_are_words() -> None:
    assert sentence("times.not_a_time", {"found": None, "at": ""}, "en").startswith("— at — is not a time")
    assert sentence("codes.unknown_code", {"code": ["a", "b"], "at": "/x"}, "ar").startswith("الرمز a، b في الموضع /x")
    assert sentence("codes.unknown_code", {"code": {"b", "a"}, "at": True}, "it").startswith("Il codice a, b in sì")


HOSTILE = "\u202egnp.exe\u2069\u2069\x1b[2J\nforged line\u2028\ud800 {at} {at.__class__} <script>"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_hostile_value_neither_turns_the_line_nor_drives_a_terminal(language: str) -> None:
    text = sentence("codes.unknown_code", {"code": HOSTILE, "list": "tlp", "at": "/x"}, language, isolate=True)
    assert text.count("\u2068") == text.count("\u2069") == 3
    assert "\u202e" not in text
    assert not any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in text)
    assert "{at} {at.__class__}" in text, "a value is no template"


@given(st.text(), st.dictionaries(st.sampled_from(["at", "code", "list", "found", "key"]), FACTS), st.text(max_size=3))
def test_no_code_no_fact_and_no_language_raises(code: str, facts: dict[str, Any], language: str) -> None:
    for each in (code, "codes.unknown_code", "json.syntax"):
        for is_isolated in (False, True):
            text = sentence(each, facts, language, isolate=is_isolated)
            text.encode()
            assert text
            assert len(text) < 2000


def test_what_the_readers_refuse_is_told_in_every_language() -> None:
    for raw in (
        b"",
        b"\xef\xbb\xbf",
        b"\xff",
        b"[1.5]",
        b"[NaN]",
        b'{"a":1,"a":2}',
        b"[" * 99,
        b'["\\ud800"]',
        b"9" * 99,
    ):
        with pytest.raises(Rejected) as refusal:
            strict_json.loads(raw)
        told = {language: explain(refusal.value, language) for language in LANGUAGES}
        assert len(set(told.values())) == len(LANGUAGES)
        assert not any("{" in text for text in told.values())


def test_a_damaged_file_is_no_sentence(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.json").write_text("[1]")
    (tmp_path / "y.json").write_text('{"a": 1, "b": {"en": 2, "fr": "Phrase {at}."}}')
    monkeypatch.setattr(wording, "FOLDER", tmp_path)
    wording.sentences_of.cache_clear()
    try:
        assert not has_sentence("x.a")
        assert not has_sentence("y.a")
        assert sentence("y.b", {"at": "/"}, "fr") == "Phrase /."
        assert "y.b" in sentence("y.b", {"at": "/"}, "en")
    finally:
        wording.sentences_of.cache_clear()
