"""Romanisation by rule: one plain Latin reading of a folded word, the same on every machine.

It is not meant to be elegant: it shows an officer roughly how a word sounds, and gives every script a Latin form by
which candidates are found. The letter comparison itself never relies on it between Arabic, Cyrillic or Hebrew and
Latin.
"""

from __future__ import annotations

import re
from functools import lru_cache

from anyascii import anyascii


def _pairs(table: str) -> dict[str, str]:
    """``letter reading`` by turns; ``-`` reads as nothing."""
    cells = table.split()
    return {cells[i]: cells[i + 1].replace("-", "") for i in range(0, len(cells), 2)}


ARABIC_TO_LATIN = _pairs("""
    ا a   ب b   پ p   ت t   ٹ t   ث th   ج j   چ ch   ح h   خ kh   د d   ڈ d   ذ dh   ر r   ڑ r   ز z
    ژ zh   س s   ش sh   ص s   ض d   ط t   ظ z   ع a   غ gh   ف f   ڤ v   ق q   ك k   گ g   ل l   م m
    ن n   ه h   و u   ي i
""")
CYRILLIC_TO_LATIN = _pairs("""
    а a   б b   в v   г g   д d   е e   ж zh   з z   и i   й y   к k   л l   м m   н n   о o   п p   р r
    с s   т t   у u   ф f   х kh   ц ts   ч ch   ш sh   щ shch   ъ -   ы y   ь -   э e   ю yu   я ya
    і i   ї yi   є ye   ј j   љ lj   њ nj   џ dz   ђ dj   ћ c   қ q   ғ gh   ң ng   ә a   ө o   ү u
    ұ u   һ h   ҳ h   ҷ j   ӣ i   ӯ u
""")
HEBREW_TO_LATIN = _pairs("""
    א a   ב b   ג g   ד d   ה h   ו v   ז z   ח kh   ט t   י y   כ k   ל l   מ m   נ n   ס s   ע a   פ p
    צ ts   ק k   ר r   ש sh   ת t
""")
GREEK_TO_LATIN = _pairs("""
    α a   β v   γ g   δ d   ε e   ζ z   η i   θ th   ι i   κ k   λ l   μ m   ν n   ξ x   ο o   π p   ρ r
    σ s   τ t   υ y   φ f   χ ch   ψ ps   ω o
""")
_ALL = {**ARABIC_TO_LATIN, **CYRILLIC_TO_LATIN, **HEBREW_TO_LATIN, **GREEK_TO_LATIN}


_GREEK_GROUPS = _pairs("""
    ου ou   αι e   ει i   οι i   υι i   αυ av   ευ ev   μπ b   ντ d   γκ g   γγ ng   γχ nch   τζ tz
""")
_GREEK_GROUP = re.compile("|".join(sorted(_GREEK_GROUPS, key=len, reverse=True)))


@lru_cache(maxsize=1024)
def _letter(character: str) -> str:
    if "a" <= character <= "z" or character.isdigit() or character == " ":
        return character
    if character in _ALL:
        return _ALL[character]
    return "".join(c for c in anyascii(character).lower() if "a" <= c <= "z" or c.isdigit())


def romanise(folded: str) -> str:
    """A Latin reading (``a–z``, digits, spaces) of folded text, letter by letter; Greek groups of letters as one sound."""
    if not folded.isascii():
        folded = _GREEK_GROUP.sub(lambda group: _GREEK_GROUPS[group[0]], folded)
    return "".join(map(_letter, folded))
