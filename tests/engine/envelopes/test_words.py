"""The word lists keep their promises, and no single slip of the ear goes unnoticed."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.envelopes import words
from tansiq.engine.errors import Rejected

FINGERPRINTS = st.binary(min_size=14, max_size=14)
LANGUAGE = st.sampled_from(words.LANGUAGES)


def distance(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for above, letter in enumerate(one, start=1):
        following = [above]
        for place, against in enumerate(other, start=1):
            following.append(min(row[place] + 1, following[-1] + 1, row[place - 1] + (letter != against)))
        row = following
    return row[-1]


SOUNDS_FR = [
    ("ph", "f"), ("eau|au", "o"), ("qu", "k"), ("ou", "u"), ("oi", "wa"), (r"c(?=[eiy])", "s"), ("ch", "S"), ("c", "k"),
    (r"g(?=[eiy])", "j"), (r"(ai|ei|e)(?![nm])", "e"), (r"[ae][nm](?![aeiouy])", "A"), ("h", ""), ("y", "i"),
    (r"(ai|ei|i)[nm](?![aeiouy])", "I"), (r"o[nm](?![aeiouy])", "O"), (r"[tdspxz]+$", ""), ("e$", ""), ("z", "s"),
]  # fmt: skip
SOUNDS_EN = [
    ("ph", "f"), ("^kn", "n"), ("^wr", "r"), (r"c(?=[eiy])", "s"), ("ch|sh", "S"), ("ck|c|q", "k"), ("th", "T"),
    ("gh", ""), ("[yw]", "i"), ("z", "s"), ("x", "ks"), ("e$", ""), ("d", "t"), ("b", "p"), ("v", "f"),
]  # fmt: skip


def sound(word: str, language: str) -> str:
    """A crude key: equal for words that a foreign ear may take for each other."""
    key = words.folded(word)
    if language == "ar":
        key = key.translate(str.maketrans("طصثظذضقحع", "تسسززدكها")).removesuffix("ه")
    for pattern, letter in {"fr": SOUNDS_FR, "en": SOUNDS_EN}.get(language, []):
        key = re.sub(pattern, letter, key)
    key = re.sub(r"(.)\1+", r"\1", key)
    return re.sub("[aeiou]+", "a", key) if language == "en" else key


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_a_list_has_256_short_words_of_its_script_in_order(language: str) -> None:
    listed = words.word_list(language)
    assert len(listed) == 256
    assert all(2 <= len(word) <= 10 for word in listed)
    assert list(listed) == sorted(listed, key=words.folded)
    script = "ARABIC" if language == "ar" else "LATIN"
    assert all(unicodedata.name(letter).startswith(script) for word in listed for letter in word)
    assert all(word == unicodedata.normalize("NFC", word) for word in listed)


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_no_two_words_of_a_list_are_near_or_sound_alike(language: str) -> None:
    listed = words.word_list(language)
    near = [
        (one, other)
        for place, one in enumerate(listed)
        for other in listed[:place]
        if distance(words.folded(one), words.folded(other)) < 2
    ]
    assert near == []
    assert len({sound(word, language) for word in listed}) == 256


def test_no_word_is_in_two_lists() -> None:
    every = [words.folded(word) for language in words.LANGUAGES for word in words.word_list(language)]
    assert len(set(every)) == len(every)


@given(fingerprint=FINGERPRINTS, language=LANGUAGE)
def test_what_was_spelled_is_parsed_without_being_told_the_language(fingerprint: bytes, language: str) -> None:
    spelled = words.spell(fingerprint, language)
    assert len(spelled) == 16
    assert words.parse(" ".join(spelled)) == words.parse(" ".join(spelled), language) == fingerprint


@given(fingerprint=FINGERPRINTS, language=LANGUAGE)
def test_marks_capitals_and_numbering_do_not_matter(fingerprint: bytes, language: str) -> None:
    spelled = words.spell(fingerprint, language)
    numbered = "\n".join(f"{place}. {word.upper()}," for place, word in enumerate(spelled, start=1))
    bare = "، ".join(words.folded(word) for word in spelled)
    decomposed = "-".join(unicodedata.normalize("NFD", word) for word in spelled)
    for heard in (numbered, bare, decomposed):
        assert words.parse(heard) == fingerprint


def test_arabic_forms_marks_and_article() -> None:
    spelled = words.spell(bytes(range(0, 140, 10)), "ar")
    vowelled = " ".join("ال" + word[0] + "\u064e" + word[1:] + "\u0640" for word in spelled)
    persian = " ".join(word.replace("ك", "ک").replace("ي", "ی") for word in spelled)
    assert words.parse(vowelled) == words.parse(persian) == bytes(range(0, 140, 10))


@given(fingerprint=FINGERPRINTS, place=st.integers(0, 15), value=st.integers(0, 255))
def test_any_one_misheard_word_is_caught(fingerprint: bytes, place: int, value: int) -> None:
    spelled = list(words.spell(fingerprint, "fr"))
    other = words.word_list("fr")[value]
    if spelled[place] == other:
        return
    spelled[place] = other
    with pytest.raises(Rejected, match=r"words\.misheard"):
        words.parse(" ".join(spelled))


@given(fingerprint=FINGERPRINTS, place=st.integers(0, 14), values=st.tuples(st.integers(0, 255), st.integers(0, 255)))
def test_any_two_neighbours_wrong_or_swapped_are_caught(
    fingerprint: bytes, place: int, values: tuple[int, int]
) -> None:
    spelled = list(words.spell(fingerprint, "en"))
    listed = words.word_list("en")
    for pair in ([listed[values[0]], listed[values[1]]], [spelled[place + 1], spelled[place]]):
        heard = [*spelled[:place], *pair, *spelled[place + 2 :]]
        if heard != spelled:
            with pytest.raises(Rejected, match=r"words\.misheard"):
                words.parse(" ".join(heard))


def test_every_slip_says_what_it_is() -> None:
    spelled = words.spell(bytes(14), "fr")
    with pytest.raises(Rejected) as caught:
        words.parse(" ".join(spelled[:15]))
    assert (caught.value.code, caught.value.facts) == ("words.count", {"found": 15, "demanded": 16})
    with pytest.raises(Rejected) as caught:
        words.parse(" ".join([*spelled[:3], "xylographe", *spelled[4:]]))
    assert (caught.value.code, caught.value.facts) == ("words.unknown", {"place": 4, "word": "xylographe"})
    with pytest.raises(Rejected) as caught:
        words.spell(bytes(14), "it")
    assert caught.value.code == "words.language"
    with pytest.raises(ValueError, match="14 bytes"):
        words.spell(bytes(13), "en")
    with pytest.raises(Rejected, match=r"words\.count"):
        words.parse("")


@given(text=st.text(max_size=80))
def test_any_text_is_refused_in_order(text: str) -> None:
    with pytest.raises(Rejected):
        words.parse(text)
