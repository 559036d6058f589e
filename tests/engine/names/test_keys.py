"""Name keys: the frozen vectors, the page that specifies them, and what must meet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.names.keys import question_keys, record_keys, skeleton, skeletons, words_of
from tools import write_name_keys

DOCS = Path(__file__).resolve().parents[3] / "docs" / "protocol"


def test_the_vectors_are_what_the_code_makes() -> None:
    stored = json.loads((DOCS / "name-keys-vectors.json").read_text(encoding="utf-8"))
    assert stored == write_name_keys.vectors()


def test_the_page_holds_the_tables() -> None:
    assert write_name_keys.tables() in (DOCS / "name-keys.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "spellings",
    [
        ("محمد", "Mohamed", "Mohammed", "Muhammad", "MOHAMED"),
        ("عبد الرحمن", "عبدالرحمن", "Abdulrahman", "Abd al-Rahman", "Abderrahmane"),
        ("صلاح الدين", "Salah al-Din", "Salaheddine"),
        ("شريف", "Chérif", "Sharif", "Шариф"),
        ("عبد الله", "Abdullah", "Abdallah", "Abdellah"),
    ],
)
def test_spellings_of_one_word_share_a_skeleton(spellings: tuple[str, ...]) -> None:
    assert len({skeleton(words_of(text)[0]) for text in spellings}) == 1


@given(st.text(max_size=60), st.sampled_from([(), ("1980",), ("1980-02-03",)]))
def test_a_question_asks_all_its_records_keys(name: str, dates: tuple[str, ...]) -> None:
    assert set(record_keys([name], dates)) <= set(question_keys([name], dates))
    for word in words_of(name):
        assert skeletons(word)[0] == skeleton(word)
        assert set(skeleton(word)) <= set("PTSKJRLMNF")


@given(st.lists(st.sampled_from(["محمد", "Haddadi", "شريف", "Karim", "Ольга"]), min_size=2, max_size=4))
def test_order_of_words_makes_no_difference(words: list[str]) -> None:
    assert record_keys([" ".join(words)]) == record_keys([" ".join(reversed(words))])
