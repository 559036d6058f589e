"""One sentence for everything Tansiq says no to, in five languages, for every face and document.

The engine and the rooms raise codes with facts (``tansiq.engine.errors``); people read sentences. A sentence says what
is wrong and what to do next. It stands in ``sentences/<first segment of the code>.json`` as
``{"duplicate_key": {"ar": "… {at} … {key}", "fr": …, "en": …, "it": …, "fa": …}}`` and its placeholders are names of
facts. Sentences are plain text: no markup stands in them, and a face escapes them like any other text.

The facts may come from abroad. So the characters with which a value could rearrange the line around it, or drive a
terminal, are dropped or made visible here, once; a face that mixes scripts asks for ``isolate`` and gets every value
between U+2068 FIRST STRONG ISOLATE and U+2069 POP DIRECTIONAL ISOLATE (UAX #9).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from tansiq.engine.errors import TansiqError
from tansiq.engine.formats import strict_json
from tansiq.engine.formats.ids import LANGUAGES

__all__ = ["LANGUAGES", "explain", "has_sentence", "sentence"]

FOLDER: Final = Path(__file__).parent / "sentences"
PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")

_SEGMENT = re.compile(r"[a-z][a-z0-9_]{0,40}")
_LONGEST_VALUE: Final = 300
_NOTHING: Final = "—"
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BETWEEN: Final = {"ar": "، ", "fa": "، "}
_YES_NO: Final = {
    "ar": ("نعم", "لا"),
    "fr": ("oui", "non"),
    "en": ("yes", "no"),
    "it": ("sì", "no"),
    "fa": ("بله", "خیر"),
}

Sentences = Mapping[str, Mapping[str, str]]


def explain(error: TansiqError, language: str, *, isolate: bool = False) -> str:
    """What an officer reads when ``error`` happened: what is wrong, and what to do next."""
    return sentence(error.code, error.facts, language, isolate=isolate)


def sentence(code: str, facts: Mapping[str, object], language: str, *, isolate: bool = False) -> str:
    """The sentence of ``code`` in ``language`` with its placeholders filled from ``facts``.

    Never raises: an unknown language is English; a code without a sentence gets a general one that names the code; a
    placeholder without a fact becomes a dash.
    """
    language = language if language in LANGUAGES else "en"
    template = _template(code, language)
    if template is None:
        template, facts = _template("wording.no_sentence", language) or "{code}", {"code": code}
    return PLACEHOLDER.sub(lambda found: _value(facts.get(found.group(1)), language, isolate=isolate), template)


def has_sentence(code: str) -> bool:
    """Whether ``code`` has a sentence of its own."""
    return _template(code, "en") is not None


def _template(code: str, language: str) -> str | None:
    segment, _, what = code.partition(".")
    if not what or not _SEGMENT.fullmatch(segment):
        return None
    texts = sentences_of(segment).get(what, {})
    return texts.get(language) or texts.get("en")


@cache
def sentences_of(segment: str) -> Sentences:
    """All sentences whose codes begin with ``segment``; empty when there is no such file."""
    path = FOLDER / f"{segment}.json"
    if not path.is_file():
        return {}
    value = strict_json.loads(path.read_bytes())
    if not isinstance(value, dict):
        return {}
    return {
        what: {language: text for language, text in texts.items() if isinstance(text, str)}
        for what, texts in value.items()
        if isinstance(texts, dict)
    }


def _value(value: object, language: str, *, isolate: bool) -> str:
    text = _harmless(_plain(value, language))
    return f"\u2068{text}\u2069" if isolate else text


def _plain(value: object, language: str) -> str:
    if value is None or value == "" or value == []:
        return _NOTHING
    if isinstance(value, bool):
        return _YES_NO[language][0 if value else 1]
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(map(str, value)) if isinstance(value, set | frozenset) else map(str, value)
        return _BETWEEN.get(language, ", ").join(items)
    return str(value)


def _harmless(text: str) -> str:
    """The value on one line, of bounded length, without characters that turn the text around it or drive a terminal."""
    text = _CONTROL.sub("\ufffd", _TURNING.sub("", text[: 2 * _LONGEST_VALUE]))
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
