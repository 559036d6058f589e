"""A fingerprint as sixteen words that two people read to each other over the telephone, in Arabic, French or English.

One byte is one word of a list of 256 (``word_lists/<language>.txt``, line n is byte n - 1). Fourteen bytes are the
fingerprint, two are its CRC-16: any one word misheard, and any two neighbours swapped or misheard, is caught and told
apart from a fingerprint that is simply another one. The lists have no word in common, within a list no two words are
nearer than two letters, and no two sound alike; nobody has to say in which language they read.

Whoever types what they hear need not mind marks: Arabic vowel signs, hamza, alif and ta marbuta forms, a leading
article, French accents, capitals, punctuation and numbering are all folded away.
"""

from __future__ import annotations

import binascii
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.json_values import shown

LANGUAGES: Final = ("ar", "fr", "en")
FINGERPRINT_LENGTH: Final = 14
CHECK_LENGTH: Final = 2
WORDS: Final = FINGERPRINT_LENGTH + CHECK_LENGTH

_WORD: Final = re.compile(r"[^\W\d_]+")
_ARTICLE: Final = "ال"
_ONE_FORM: Final = str.maketrans(
    {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ئ": "ي", "ی": "ي", "ؤ": "و", "ة": "ه", "ک": "ك"}
    | dict.fromkeys("ءـ\u200c\u200d", "")
    | {"œ": "oe", "æ": "ae"}
)


def spell(fingerprint: bytes, language: str) -> tuple[str, ...]:
    """The sixteen words for fourteen bytes, in one of ``LANGUAGES``; ``Rejected("words.language")`` for another."""
    if len(fingerprint) != FINGERPRINT_LENGTH:
        raise ValueError("a fingerprint has 14 bytes")
    words = word_list(language)
    return tuple(words[byte] for byte in fingerprint + _check(fingerprint))


def parse(text: str, language: str | None = None) -> bytes:
    """The fourteen bytes that these words spell; without ``language``, the one to which most of the words belong.

    Raises ``Rejected``: ``words.count`` (not sixteen), ``words.unknown`` (with ``place``, from 1, and ``word``: not in
    the list, so ask for it again), ``words.misheard`` (every word is in the list, but together they spell nothing).
    """
    heard = _WORD.findall(folded(text))
    spoken = language or max(LANGUAGES, key=lambda one: sum(_value(word, _values(one)) is not None for word in heard))
    values = _values(spoken)
    raw = bytearray()
    for place, word in enumerate(heard, start=1):
        value = _value(word, values)
        if value is None:
            raise Rejected("words.unknown", place=place, word=shown(word))
        raw.append(value)
    if len(raw) != WORDS:
        raise Rejected("words.count", found=len(raw), demanded=WORDS)
    fingerprint = bytes(raw[:FINGERPRINT_LENGTH])
    if bytes(raw[FINGERPRINT_LENGTH:]) != _check(fingerprint):
        raise Rejected("words.misheard")
    return fingerprint


@cache
def word_list(language: str) -> tuple[str, ...]:
    """The 256 words of ``language``, as they are written; ``Rejected("words.language")`` when there is no such list."""
    if language not in LANGUAGES:
        raise Rejected("words.language", language=shown(language), known=list(LANGUAGES))
    path = files("tansiq.engine.envelopes").joinpath("word_lists", f"{language}.txt")
    return tuple(path.read_text(encoding="utf-8").split())


def folded(text: str) -> str:
    """``text`` without what the ear does not hear: marks, accents, capitals, forms of one letter."""
    lowered = unicodedata.normalize("NFKC", text).casefold().translate(_ONE_FORM)
    bare = "".join(c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))
    return bare.translate(_ONE_FORM)


@cache
def _values(language: str) -> Mapping[str, int]:
    return {folded(word): value for value, word in enumerate(word_list(language))}


def _value(word: str, values: Mapping[str, int]) -> int | None:
    return values.get(word, values.get(word.removeprefix(_ARTICLE)))


def _check(fingerprint: bytes) -> bytes:
    """CRC-16 with the polynomial 0x1021 and the start value 0xFFFF, most significant byte first."""
    return binascii.crc_hqx(fingerprint, 0xFFFF).to_bytes(CHECK_LENGTH, "big")
