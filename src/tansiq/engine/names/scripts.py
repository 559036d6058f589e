"""Which writing system a text is in: one small answer per letter, a dominant one per text.

Only what name comparison needs is told apart: the Arabic script is one script here (Persian, Urdu, Pashto and Kurdish
letters are folded to one inventory in ``folding``), and everything outside the five known scripts is ``OTHER`` and is
read through its romanisation.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from functools import lru_cache


class Script(StrEnum):
    """A writing system with its own letter inventory."""

    LATIN = "latin"
    ARABIC = "arabic"
    CYRILLIC = "cyrillic"
    HEBREW = "hebrew"
    GREEK = "greek"
    OTHER = "other"


_BLOCKS: tuple[tuple[int, int, Script], ...] = (
    (0x0041, 0x024F, Script.LATIN),
    (0x0250, 0x02AF, Script.LATIN),
    (0x0370, 0x03FF, Script.GREEK),
    (0x0400, 0x052F, Script.CYRILLIC),
    (0x0590, 0x05FF, Script.HEBREW),
    (0x0600, 0x06FF, Script.ARABIC),
    (0x0750, 0x077F, Script.ARABIC),
    (0x0870, 0x08FF, Script.ARABIC),
    (0x1C80, 0x1C8F, Script.CYRILLIC),
    (0x1D00, 0x1DBF, Script.LATIN),
    (0x1E00, 0x1EFF, Script.LATIN),
    (0x1F00, 0x1FFF, Script.GREEK),
    (0x2C60, 0x2C7F, Script.LATIN),
    (0x2DE0, 0x2DFF, Script.CYRILLIC),
    (0xA640, 0xA69F, Script.CYRILLIC),
    (0xA720, 0xA7FF, Script.LATIN),
    (0xFB00, 0xFB06, Script.LATIN),
    (0xFB1D, 0xFB4F, Script.HEBREW),
    (0xFB50, 0xFDFF, Script.ARABIC),
    (0xFE70, 0xFEFC, Script.ARABIC),
    (0xFF21, 0xFF5A, Script.LATIN),
)


@lru_cache(maxsize=4096)
def script_of_letter(letter: str) -> Script | None:
    """The script of one character, or None for what is not a letter (digits, marks, spaces, signs)."""
    if not unicodedata.category(letter).startswith("L"):
        return None
    code = ord(letter)
    for first, last, script in _BLOCKS:
        if first <= code <= last:
            return script
    return Script.OTHER


def script_of(text: str) -> Script:
    """The script most letters of ``text`` are in (the first one met on a tie); ``OTHER`` for a text without letters."""
    counts: dict[Script, int] = {}
    for letter in text:
        script = script_of_letter(letter)
        if script is not None:
            counts[script] = counts.get(script, 0) + 1
    if not counts:
        return Script.OTHER
    return max(counts, key=lambda script: counts[script])
