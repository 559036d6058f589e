"""From a name as written to the words that are compared: glued compounds, weak parts and titles marked.

The same person is ``عبد الرحمن``, ``عبدالرحمن``, *Abd al-Rahman*, *Abderrahmane*; ``شرف الدين`` and *Sharafeddine*. So
compounds with ``عبد``, ``الدين`` and ``الله`` become one word on both sides, a separate article disappears, and parts
that come and go between two records of one person (``بن``, ``ابو``, *Ould*, titles) are marked so that leaving them
out costs little.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from tansiq.engine.names.folding import fold
from tansiq.engine.names.scripts import Script, script_of

MAX_WORDS = 16
"""Words of one name that are compared; later ones are kept for display only."""
MAX_WORD_LETTERS = 32


class Role(StrEnum):
    """What a word does in a name."""

    NAME = "name"
    WEAK = "weak"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class Word:
    """One folded word of a name, its script and role, and whether an article stands in or before it."""

    letters: str
    script: Script
    role: Role = Role.NAME
    article: bool = False


@dataclass(frozen=True, slots=True)
class Name:
    """A name as written (``surface``) and its words in written order."""

    surface: str
    words: tuple[Word, ...]

    @property
    def script(self) -> Script:
        """The script of most of its words."""
        return script_of("".join(word.letters for word in self.words))

    @property
    def core(self) -> tuple[Word, ...]:
        """The words without titles and weak parts, or all of them if nothing else is there."""
        kept = tuple(word for word in self.words if word.role is Role.NAME)
        return kept or self.words


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ARTICLES = _set("al el ul il as ad ar ash at an az es ed er ech et ez en ur us uz ud ol")
_HARD_ARTICLES = _set("al el ul il ur us uz ud ol ech ash")
_SERVANT = _set("abd abdul abdel abdal abdol abdur abder abdus abdes abdil abdou")
_SERVANT_BARE = _set("abd abdou")
_FAITH = _set("""
    din deen dine eddine eddin uddin aldin eldin addin eddeen aldeen eldeen ouddine allah ullah ollah ellah oullah
""")
_WEAK = _set("""
    bin ben ibn bint bent abu abou abo aboul abul bou bu umm oum um ould wald weld ag ait von van de da di del della
    der den ibnu binti wa y e zu zadeh zada
    بن ابن بنت ابو ابي ابا بو ام ولد ايت و ال
    ибн бин бен абу оглы кызы угли уулу ал аль эль аш ас ад ар ат ан аз
    בנ בת אבו אל
""")
_TITLES = _set("""
    dr doctor docteur dottor prof professor sheikh shaikh sheik shaykh cheikh haji hajji hajj hadj mullah mulla mawlawi
    maulavi maulvi molavi ustad ustaz sayyid sir mr mrs ms mme general gen colonel col captain capt major lt eng
    engineer prince princess king emir amir shaikha sheikha imam ayatollah qari hafiz
    الدكتور دكتور الشيخ شيخ الحاج حاج الملا ملا مولوي الاستاذ السيد الامير الاميره الملك المهندس العقيد اللواء
    الامام حاجي قاري
""")


_ARTICLE_MARK = "\0"


@lru_cache(maxsize=100_000)
def _classify(part: str) -> Word:
    letters = part.removeprefix(_ARTICLE_MARK)[:MAX_WORD_LETTERS]
    script = script_of(letters)
    article = letters != part or _opens_with_article(letters, script)
    if letters in _WEAK:
        return Word(letters, script, Role.WEAK)
    if letters in _TITLES:
        return Word(letters, script, Role.TITLE, article)
    return Word(letters, script, Role.NAME, article)


def _opens_with_article(letters: str, script: Script) -> bool:
    if script is Script.ARABIC:
        return letters.startswith("ال") and len(letters) > 4
    return script is Script.LATIN and letters[:2] in ("al", "el") and len(letters) > 5


def _join_arabic(parts: list[str]) -> list[str]:
    joined: list[str] = []
    for position, part in enumerate(parts):
        last = joined[-1] if joined else ""
        if part == "ال" and position + 1 < len(parts):
            parts[position + 1] = _ARTICLE_MARK + parts[position + 1]
        elif last == "عبد" or (last and part in ("الدين", "الله") and last not in _WEAK):
            joined[-1] = last + part
        else:
            joined.append(part)
    return joined


def _join_latin(parts: list[str]) -> list[str]:
    """Glue compounds, drop separate articles; a word whose article was dropped is marked."""
    joined: list[str] = []
    article = ""
    for position, part in enumerate(parts):
        last = joined[-1] if joined else ""
        if part in _ARTICLES and position + 1 < len(parts) and _is_article(part, parts[position + 1], last):
            article = part
            continue
        if last in _SERVANT and last not in _SERVANT_BARE:
            joined[-1] = last + part
        elif last in _SERVANT or (last and part in _FAITH and last not in _WEAK):
            joined[-1] = last + article + part
        else:
            joined.append(_ARTICLE_MARK + part if article else part)
        article = ""
    return joined


def _is_article(part: str, following: str, last: str) -> bool:
    """``ad``, ``as``, ``ash`` … are articles before a word that begins alike, after ``abd``, and before ``din``."""
    if part in _HARD_ARTICLES or last in _SERVANT or following in _FAITH:
        return True
    return following.startswith(part[1:])


_GLUE = _ARTICLES | _SERVANT | _FAITH | _set("عبد الدين الله ال")


def name_parts(text: str) -> list[str]:
    """The words of ``text`` as keys of ``word_of``: folded, compounds glued, words whose article was dropped marked.

    The fast half of ``read_name``, for laying out millions of names. Raises ``Rejected("names.too_long")``.
    """
    parts = fold(text).split()
    if len(parts) > 1 and not _GLUE.isdisjoint(parts):
        parts = _join_latin(_join_arabic(parts))
    return parts[:MAX_WORDS]


def word_of(part: str) -> Word:
    """The word that a part stands for (a title may still turn out to be a name: see ``read_name``)."""
    return _classify(part)


def read_name(text: str) -> Name:
    """The words of ``text``; no word at all for a text without letters or digits. Raises
    ``Rejected("names.too_long")``.

    A title counts as a name where fewer than two other words would be left (*Sheikh Omar*, عمر السيد).
    """
    words = tuple(map(_classify, name_parts(text)))
    if any(word.role is Role.TITLE for word in words) and sum(word.role is Role.NAME for word in words) < 2:
        words = tuple(replace(word, role=Role.NAME) if word.role is Role.TITLE else word for word in words)
    return Name(text, words)
