"""What is looked for when a name is asked: its words, joins of neighbours, parts of compounds, translations."""

from __future__ import annotations

from tansiq.engine.matching.encoding import EncodedName, EncodedWord, encode_word, join_words
from tansiq.engine.names import Script, Word
from tansiq.engine.names.meanings import TRANSLATIONS


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_PARTS = _set("""
    محمد علي رضا حسين حسن احمد مهدي قاسم اكبر اصغر عباس جعفر صادق باقر تقي نقي كاظم ابراهيم اسماعيل امير
    غلام نور شاه خان بيگ بيك زاده پور نژاد نيا دوست راد منش الله الدين عبد سيد مير ابو يوسف سعيد خليل
    كريم رحيم حيدر يار جان زئي
""")
"""Words that often stand glued to another one in Persian, Urdu and Pashto names."""


_ENDS = _set("زاده پور نژاد نيا دوست راد منش زئي خان يار الله الدين لله")
"""Words that Persian, Urdu and Pashto names end in, written apart or glued."""
_UNJOINED = frozenset("اادذرزژو")
"""Letters that never join the next one: after them a forgotten space is not seen."""
_LONG = 7
_PART = 3


def asked_words(name: EncodedName) -> tuple[list[EncodedWord], int]:
    """The words looked for, and how many of them are the name's own; joins of neighbours, parts of compounds
    and translations of nicknames follow.
    """
    own = [word for word in name.words if word.role == 0] or list(name.words)
    joins = [join_words(a, b) for a, b in zip(name.words, name.words[1:], strict=False) if _may_join(a, b)]
    parts = [part for word in own if len(word.text) > 5 and word.table == 1 for part in _parts(word)]
    meant = [_word(other) for word in own for other in TRANSLATIONS.get(word.text, ())]
    return [*own, *joins, *parts, *meant], len(own)


def _word(text: str) -> EncodedWord:
    return encode_word(Word(text, Script.LATIN if text.isascii() else Script.ARABIC))


def _may_join(left: EncodedWord, right: EncodedWord) -> bool:
    """Whether two neighbours are likely to be one word elsewhere: weak parts, short words, common endings."""
    if left.table != right.table:
        return False
    return left.role == 1 or len(left.codes) <= 3 or len(right.codes) <= 3 or right.text in _ENDS


def _parts(word: EncodedWord) -> list[EncodedWord]:
    """Both parts of an Arabic-script word that begins or ends with a common part of compounds, or that is long and may
    hide a forgotten space; else nothing.
    """
    text = word.text
    cuts = range(len(text) - _PART, _PART - 1, -1)
    cut = next((c for c in cuts if text[:c] in _PARTS or text[c:] in _PARTS), 0)
    if not cut and len(text) >= _LONG and not text.startswith(("ال", "عبد")):
        cut = next((c for c in cuts if text[c - 1] in _UNJOINED), 0)
    return [encode_word(Word(part, Script.ARABIC)) for part in (text[:cut], text[cut:])] if cut else []
