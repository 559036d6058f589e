"""Names and aliases as the UN Consolidated List writes them: several in one field, with remarks, in several scripts."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from tansiq.engine.names.scripts import Script, script_of_letter

_QUOTES: Final = "\"'“”‘’«»"
_BRACKETS = re.compile(r"\(([^()]*)\)")
_REMARK = re.compile(r"\s*\([a-z][^()]*\)?")
_BORN = re.compile(r",?\s+born\s.*$")
_LABEL = re.compile(r"^[A-Za-z][A-Za-z /-]{2,40}:\s*")
_ACRONYM = re.compile(r"[A-Z][A-Z0-9&.-]{1,11}")
_SPLIT = re.compile(r"\s*;\s*")
_PLAIN_LATIN = re.compile(r"[A-Z’‘'][A-Za-zÀ-ÿ’‘' -]{2,60}")
_LISTED = re.compile(r"\b(?:previously|formerly|originally)\s+listed\b", re.IGNORECASE)


class NamesFound(NamedTuple):
    """What one name field holds: full names, and an acronym where one stands in brackets."""

    names: tuple[str, ...]
    abbreviations: tuple[str, ...]


def squash(text: str | None) -> str:
    """The text with every run of white space as one space, and none around it."""
    return " ".join((text or "").split())


def split_names(text: str) -> NamesFound:
    """The names in one name field.

    ``A; B`` is two names. ``A (عربي)`` and ``عربي (A; B)`` are the same name in two scripts. ``LONG NAME (LN)`` is a
    name with its acronym. A bracket in small letters (``(birth name)``) and ``, born in …`` are remarks. Any other
    bracket stays where it is: it is part of the name as listed.
    """
    base = _BORN.sub("", _REMARK.sub(" ", squash(text))).strip(" ,")
    names: list[str] = []
    abbreviations: list[str] = []
    for bracket in _BRACKETS.findall(base):
        inner, outer = squash(_LABEL.sub("", bracket)), squash(_BRACKETS.sub(" ", base))
        if inner and outer and _is_latin(inner) != _is_latin(outer):
            names.extend(_SPLIT.split(inner))
            base = squash(base.replace(f"({bracket})", " "))
        elif _ACRONYM.fullmatch(inner) and outer:
            abbreviations.append(inner)
            base = squash(base.replace(f"({bracket})", " "))
    parts = [base] if "(" in base else _SPLIT.split(base)
    found = [stripped for part in [*parts, *names] if len(stripped := _bare(part)) > 1]
    return NamesFound(tuple(dict.fromkeys(found)), tuple(dict.fromkeys(abbreviations)))


def names_in_note(note: str, *, beside: str = "") -> tuple[str, ...]:
    """Names that a NOTE of an alias spells in another script; empty for a note that says anything else.

    ``original script: …`` beside any alias, or ``A; B; C`` in Latin letters alone ``beside`` an alias in another
    script.
    """
    pieces = [_bare(piece) for piece in squash(note).split(";")]
    if beside and not _is_latin(beside) and len(pieces) > 1 and all(_PLAIN_LATIN.fullmatch(piece) for piece in pieces):
        return tuple(dict.fromkeys(pieces))
    found = []
    for piece in re.split(r"[;()]", squash(note)):
        label = _LABEL.match(piece.strip())
        text = piece.strip()[label.end() :] if label else ""
        if text and not _has_latin(text) and any(script_of_letter(letter) for letter in text):
            found.append(_bare(text))
    return tuple(dict.fromkeys(found))


def is_former_listing(note: str) -> bool:
    """Whether a NOTE says that the person was listed under this alias before."""
    return _LISTED.search(note) is not None


def _bare(text: str) -> str:
    """Without quotation marks around it, stray commas, or a bracket that is never closed."""
    text = squash(text).strip(_QUOTES + " ,")
    if text.startswith(")") or (text.endswith("(") or text.count("(") < text.count(")")):
        text = text.strip(" ()")
    return text


def _is_latin(text: str) -> bool:
    """Whether the first letter of ``text`` is Latin."""
    return next((script_of_letter(letter) is Script.LATIN for letter in text if script_of_letter(letter)), False)


def _has_latin(text: str) -> bool:
    return any(script_of_letter(letter) is Script.LATIN for letter in text)
