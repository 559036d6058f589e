"""What is looked for when a name is asked: its words, joins of neighbours, and parts of words that are compounds."""

from __future__ import annotations

from tansiq.engine.matching.encoding import EncodedName, EncodedWord, encode_word, join_words
from tansiq.engine.names import Script, Word


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_PARTS = _set("""
    محمد علي رضا حسين حسن احمد مهدي قاسم اكبر اصغر عباس جعفر صادق باقر تقي نقي كاظم ابراهيم اسماعيل امير
    غلام نور شاه خان بيگ بيك زاده پور نژاد نيا دوست راد منش الله الدين عبد سيد مير ابو يوسف سعيد خليل
    كريم رحيم حيدر يار جان زئي
""")
"""Words that often stand glued to another one in Persian, Urdu and Pashto names."""


def asked_words(name: EncodedName) -> tuple[list[EncodedWord], int]:
    """The words looked for, and how many of them are the name's own; joins of neighbours and parts of compounds
    follow.
    """
    own = [word for word in name.words if word.role == 0] or list(name.words)
    joins = [
        join_words(a, b)
        for a, b in zip(name.words, name.words[1:], strict=False)
        if a.table == b.table and (a.role == 1 or len(a.codes) <= 3 or len(b.codes) <= 3)
    ]
    parts = [part for word in own if len(word.text) > 5 and word.table == 1 for part in _parts(word)]
    return [*own, *joins, *parts], len(own)


def _parts(word: EncodedWord) -> list[EncodedWord]:
    """Both parts of an Arabic-script word that begins or ends with a common part of compounds; else nothing."""
    text = word.text
    for cut in range(len(text) - 3, 2, -1):
        if text[:cut] in _PARTS or text[cut:] in _PARTS:
            return [encode_word(Word(part, Script.ARABIC)) for part in (text[:cut], text[cut:])]
    return []
