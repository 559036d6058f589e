"""Folding: every way of writing the same letters becomes one, and the surface stays with the caller.

One inventory per script. Marks (harakat, nikud, accents), tatweel, invisible and direction controls and presentation
forms disappear; letters that differ only by keyboard or national habit become one (Persian ``ک ی``, Urdu ``ہ ھ ے``,
Kurdish ``ە ێ ۆ``, Pashto ``ې ګ``). What a language really tells apart (``پ چ ژ گ ٹ ڈ ڑ``) stays. Hamza carriers fold
to the bare letter and ``ة`` to ``ه``, because half of all records are typed that way.

Latin folds to ``a–z`` and digits, Cyrillic keeps its letters except ``ё ѐ ѝ``, Hebrew final letters become medial
ones, Greek loses its accents.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

from tansiq.engine.errors import Rejected
from tansiq.engine.names.scripts import Script, script_of_letter

MAX_NAME_CHARACTERS = 500
"""A longer text is not a name; it is refused before any work is spent on it."""

_ARABIC = {
    "ٱ": "ا",
    "أ": "ا",
    "إ": "ا",
    "آ": "ا",
    "ٲ": "ا",
    "ٳ": "ا",
    "ء": "",
    "ؤ": "و",
    "ئ": "ي",
    "ٸ": "ي",
    "ٶ": "و",
    "ى": "ي",
    "ی": "ي",
    "ې": "ي",
    "ۍ": "ي",
    "ێ": "ي",
    "ے": "ي",
    "ۓ": "ي",
    "ۑ": "ي",
    "ة": "ه",
    "ۃ": "ه",
    "ہ": "ه",
    "ۂ": "ه",
    "ھ": "ه",
    "ە": "ه",
    "ۀ": "ه",
    "ۿ": "ه",
    "ک": "ك",
    "ګ": "گ",
    "ڪ": "ك",
    "ڭ": "گ",
    "ݣ": "گ",
    "ڮ": "ك",
    "ۆ": "و",
    "ۇ": "و",
    "ۈ": "و",
    "ۋ": "و",
    "ۏ": "و",
    "ۊ": "و",
    "ڤ": "ڤ",
    "ڥ": "ڤ",
    "ڨ": "گ",
    "ڧ": "ق",
    "ڢ": "ف",
    "ں": "ن",
    "ڼ": "ن",
    "ڕ": "ر",
    "ړ": "ڑ",
    "ڵ": "ل",
    "ټ": "ٹ",
    "ډ": "ڈ",
    "ږ": "ژ",
    "ښ": "ش",
    "ځ": "ز",
    "څ": "س",
    "ڎ": "د",
    "ڌ": "د",
    "ٿ": "ٹ",
    "ڃ": "ج",
    "ڄ": "ج",
    "ـ": "",
}
_LATIN = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ł": "l",
    "ħ": "h",
    "ı": "i",
    "ŋ": "n",
    "ə": "a",
    "ɛ": "e",
    "ɔ": "o",
    "ŧ": "t",
    "ĸ": "k",
    "ŀ": "l",
    "ƒ": "f",
    "ʒ": "z",
    "ɣ": "g",
    "ş": "sh",
    "ș": "sh",
}
_CYRILLIC = {
    "ё": "е",
    "ѐ": "е",
    "ѝ": "и",
    "ґ": "г",
    "ў": "у",
    "ѓ": "г",
    "ќ": "к",
    "і": "и",
    "ї": "и",
    "є": "е",
    "ј": "й",
    "љ": "ль",
    "њ": "нь",
    "ћ": "ч",
    "ђ": "дж",
    "џ": "дж",
}
"""Ukrainian, Belarusian, Serbian and Macedonian letters become the Russian ones that sound alike: the costs of those were
learned.
"""
_HEBREW = {"ך": "כ", "ם": "מ", "ן": "נ", "ף": "פ", "ץ": "צ", "ײ": "יי", "װ": "וו", "ױ": "וי"}
_GREEK = {"ς": "σ"}
_JOINING = frozenset("'’‘`´ʼʻʾʿˈ′＇״׳\u200c\u200d\u2060\ufeff\u00ad\u200b")
_KEEP_COMPOSED = frozenset("й")


def check_length(text: str, *, at: str = "name") -> None:
    """Refuse what is no name: raises ``Rejected("names.too_long")`` beyond ``MAX_NAME_CHARACTERS``."""
    if len(text) > MAX_NAME_CHARACTERS:
        raise Rejected("names.too_long", at=at, length=len(text), limit=MAX_NAME_CHARACTERS)


@lru_cache(maxsize=8192)
def _fold_character(character: str) -> str:
    """One composed, lower-case character as folded letters; a space where a word ends; nothing for a mark or
    control.
    """
    if character in _JOINING:
        return ""
    category = unicodedata.category(character)
    if category[0] == "M" or category in ("Cf", "Cs", "Co", "Cn", "Lm", "Sk"):
        return ""
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category[0] != "L":
        return " "
    return _fold_letter(character)


def _fold_letter(character: str) -> str:
    script = script_of_letter(character)
    if script is Script.ARABIC:
        return _fold_arabic(character)
    if script is Script.CYRILLIC:
        if character in _KEEP_COMPOSED:
            return character
        return _CYRILLIC.get(character) or _CYRILLIC.get(_base(character)) or _base(character)
    if script is Script.HEBREW:
        return _HEBREW.get(character, _base(character))
    if script is Script.GREEK:
        base = _base(character)
        return _GREEK.get(base, base)
    if script is Script.LATIN and character in _LATIN:
        return _LATIN[character]
    base = _base(character)
    if len(base) == 1 and "a" <= base <= "z":
        return base
    if script is Script.LATIN and base in _LATIN:
        return _LATIN[base]
    return "".join(c for c in anyascii(character).lower() if "a" <= c <= "z" or c.isdigit())


def _fold_arabic(character: str) -> str:
    if character in _ARABIC:
        return _ARABIC[character]
    base = _base(character)
    return _ARABIC.get(base, base)


def _base(character: str) -> str:
    """The character without its combining marks."""
    decomposed = unicodedata.normalize("NFD", character)
    return "".join(part for part in decomposed if unicodedata.category(part)[0] != "M") or character


_HABITS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("ئ", re.compile(r"(?<!\w)ئ[اە]?(?=\w)"), "ا"),
    ("ە", re.compile(r"(?<=\w)ە(?=\w)"), ""),
    ("ç", re.compile(r"(?<!\w)ç(?=\w)"), "ch"),
    ("x", re.compile(r"(?<!\w)x(?=\w*[êîû])"), "kh"),
    ("ъ", re.compile(r"(?<=[бвгджзйклмнпрстфхцчшщ])ъ(?=[бвгджзйклмнпрстфхцчшщ])"), "а"),
)
"""Letters that one language writes where others write another or none, told by where they stand: Sorani puts a seat
before a vowel that opens a word and writes the short vowel that Arabic leaves out; Turkish and Kurmanji words open with
``ç``, French ones do not; Kurmanji ``x`` before its long vowels; the Bulgarian ``ъ`` between consonants is a vowel. By
rule, not learned: no native reader of Kurdish has checked them.
"""


def _by_habit(text: str) -> str:
    for sign, pattern, replacement in _HABITS:
        if sign in text:
            text = pattern.sub(replacement, text)
    return text


_ASCII = {code: _fold_character(chr(code)) for code in range(128)}
"""The same folding for plain ASCII in one step."""


def fold(text: str) -> str:
    """The folded letters of ``text``, words separated by single spaces.

    Idempotent, and equal for all texts that differ only in marks, case, presentation forms, tatweel, invisible or
    direction controls, or runs of spaces. Raises ``Rejected("names.too_long")``.
    """
    check_length(text)
    if text.isascii():
        return " ".join(text.lower().translate(_ASCII).split())
    composed = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).lower())
    return " ".join("".join(map(_fold_character, _by_habit(composed))).split())
