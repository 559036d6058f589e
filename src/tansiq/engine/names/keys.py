"""Name keys for blind queries, version 1: what two countries must compute bit for bit alike
(docs/protocol/name-keys.md).

A *skeleton* is a word's coarse consonants in one alphabet of ten letters, the same from whichever script or habit it
was written in: محمد, *Mohamed*, *Mukhammad* … differ, but *Mohamed*, *Mohammed*, محمد and Мохаммед meet. A record
yields one skeleton a word; a question yields alternatives too, for letters that habits write differently, so that a
holder's filter stays small.

Nothing here uses learned costs or the folding of ``names.folding``: this module has its own tables and never changes.
What must change gets a new version and a new module.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from tansiq.engine.names.folding import check_length

VERSION = "tsq1"
MOST_WORDS = 8
MOST_ALTERNATIVES = 8
"""Skeletons of one word in a question, the record's own first."""


def _table(rows: str) -> dict[str, tuple[str, ...]]:
    """``letters=class`` or ``letters=class/alternative/…`` by spaces; ``-`` is the empty class."""
    found: dict[str, tuple[str, ...]] = {}
    for cell in rows.split():
        letters, _, classes = cell.partition("=")
        for letter in letters:
            found[letter] = tuple(value.replace("-", "") for value in classes.split("/"))
    return found


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _groups(rows: str) -> dict[str, tuple[str, ...]]:
    """The same for groups of letters."""
    cells = (cell.partition("=") for cell in rows.split())
    return {group: tuple(value.replace("-", "") for value in classes.split("/")) for group, _, classes in cells}


ARABIC = _table(
    "بپ=P تطٹټد=T ڈډ=T ث=T/S ذ=T/S ض=T/S ظ=S/T سصزژشچښځڅ=S ج=J/K/S رڑړڕ=R لڵ=L م=M نںڼ=N ف=F ڤ=F ق=K كکڪگګ=K "
    "خ=K غ=K/- و=-/F"
)
CYRILLIC = _table("бп=P тд=T сзжшщчц=S кгхқғґ=K р=R л=L м=M нң=N фв=F ј=J ђћ=J џ=J ҷ=J")
HEBREW = _table("ב=P פף=P/F תטד=T סזשצץ=S כךקג=K ח=K/- ר=R ל=L מם=M נן=N ו=-/F")
GREEK = _table("πβ=P τδθ=T σςζ=S κγχ=K ρ=R λ=L μ=M ν=N φ=F ξ=KS ψ=PS")
LATIN = _table("bp=P td=T sz=S/T kq=K g=K/J r=R l=L m=M n=N fv=F j=J/S x=KS")
GROUPS = _groups(
    "sch=S tch=S tsh=S sh=S ch=S/K zh=S dj=J dz=J/S kh=K gh=K/- ph=F th=T/S dh=T/S ck=K ts=S cz=S sz=S дж=J дз=J щ=S"
)
"""Groups of letters, tried before single ones, the longest first."""
_TABLES = (LATIN, ARABIC, CYRILLIC, HEBREW, GREEK)
SOFT_C, HARD_C = ("S", "K", "J"), ("K", "S", "J")
"""Latin ``c`` before ``e i y``, and elsewhere."""
DROPPED = _set("""
    al el ul il as ad ar ash at an az ur us uz ud ol ech bin ben ibn bint abu abou abo aboul abul bou bu
    umm oum um ould wald abd abdul abdel abdal abdol abdur abder abdus abdou dr sheikh shaikh cheikh
    haji hajji hadj mullah mulla sayyid von van de da di del la le du dos y e بن ابن بنت ابو ابي ابا بو
    ام ولد ال عبد الدكتور الشيخ شيخ الحاج حاج الملا ملا ибн бин бен абу аль ал аш ас ад ар эль абд бан
    оглы בן בת אבו אל
""")
FAITH = _set("din deen dine eddine eddin uddin aldin eldin addin الدين دين")
_GLUED = ("abdul", "abdel", "abdal", "abdol", "abdur", "abder", "abdou", "abdus")
_GLUED_END = (("الدين", "دين"), ("الله", "له"))


def words_of(text: str) -> list[str]:
    """The words a key is made from: letters only, marks gone, particles dropped, compounds as section 3 of the
    protocol says.

    Raises ``Rejected("names.too_long")``.
    """
    check_length(text)
    parts = _split(text)
    joined: list[str] = []
    for part in parts:
        if part in FAITH and joined:
            joined[-1] += part.removeprefix("ال")
        elif part not in DROPPED:
            joined.append(_without_prefix(part))
    return [word for word in joined if word][:MOST_WORDS]


def _split(text: str) -> list[str]:
    letters: list[str] = []
    plain = unicodedata.normalize("NFKC", text).lower()
    for character in unicodedata.normalize("NFD", plain):
        category = unicodedata.category(character)
        if category in ("Ll", "Lo"):
            letters.append(character)
        elif category[0] == "M" or category in ("Cf", "Lm", "Sk") or character in "'’‘`":
            continue
        else:
            letters.append(" ")
    return "".join(letters).translate(_SPELLINGS).split()


_SPELLINGS = str.maketrans(
    {
        "ى": "ي", "ی": "ي", "ې": "ي", "ێ": "ي", "ے": "ي", "ٱ": "ا", "ء": "", "ة": "ه", "ہ": "ه", "ە": "ه", "ھ": "ه", "ک": "ك",
        "ґ": "г", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ə": "a",
    }
)  # fmt: skip


def _without_prefix(word: str) -> str:
    if word.startswith("عبدال") and len(word) > 6:
        word = word[5:]
    elif word.startswith("ال") and len(word) > 4:
        word = word[2:]
    for prefix in _GLUED:
        if word.startswith(prefix) and len(word) > len(prefix) + 2:
            word = word[len(prefix) :]
            break
    for ending, instead in _GLUED_END:
        if word.endswith(ending) and len(word) > len(ending):
            word = word[: -len(ending)] + instead
    return word


def _units(word: str) -> Iterator[tuple[str, ...]]:
    """The classes of each letter or group of a word, first the record's, then a question's alternatives."""
    at = 0
    while at < len(word):
        size = next((size for size in (3, 2, 1) if word[at : at + size] in GROUPS), 0)
        if size:
            yield GROUPS[word[at : at + size]]
        elif word[at] == "c":
            yield SOFT_C if word[at + 1 : at + 2] in ("e", "i", "y") else HARD_C
        else:
            yield next((table[word[at]] for table in _TABLES if word[at] in table), ("",))
        at += size or 1


def _collapsed(classes: Iterable[str]) -> str:
    text = "".join(classes)
    return "".join(c for i, c in enumerate(text) if i == 0 or text[i - 1] != c)


def skeleton(word: str) -> str:
    """The record's skeleton of one word of ``words_of``: upper-case classes, equal neighbours as one; may be empty."""
    return _collapsed(classes[0] for classes in _units(word))


def skeletons(word: str) -> tuple[str, ...]:
    """A question's skeletons of one word: the record's first, then with one letter read otherwise, each once."""
    units = list(_units(word))
    found = [_collapsed(classes[0] for classes in units)]
    for place, classes in enumerate(units):
        for other in classes[1:]:
            changed = [c[0] for c in units]
            changed[place] = other
            found.append(_collapsed(changed))
    return tuple(dict.fromkeys(found))[:MOST_ALTERNATIVES]


def record_keys(
    names: Sequence[str], birth_dates: Sequence[str] = (), documents: Sequence[tuple[str, str]] = ()
) -> list[str]:
    """All keys a record is filed under, sorted: whole birth dates with one word, birth years and none with two,
    documents.
    """
    return _keys([[[skeleton(w)] for w in words_of(name)] for name in names], birth_dates, documents)


def question_keys(
    names: Sequence[str], birth_dates: Sequence[str] = (), documents: Sequence[tuple[str, str]] = ()
) -> list[str]:
    """All keys a question is asked under, sorted: those of the record, and those of every alternative reading."""
    return _keys([[list(skeletons(w)) for w in words_of(name)] for name in names], birth_dates, documents)


def _keys(names: list[list[list[str]]], birth_dates: Sequence[str], documents: Sequence[tuple[str, str]]) -> list[str]:
    found: set[str] = set()
    days = [date for date in birth_dates if len(date) == 10]
    years = sorted({date[:4] for date in birth_dates})
    for words in names:
        for readings in words:
            found.update(f"{VERSION}|tok|{s}|{day}" for s in readings if s for day in days)
        for left, right in combinations(words, 2):
            for a in filter(None, left):
                for b in filter(None, right):
                    low, high = sorted((a, b))
                    found.add(f"{VERSION}|pair|{low}|{high}")
                    found.update(f"{VERSION}|pair|{low}|{high}|{year}" for year in years)
    for kind, value in documents:
        number = "".join(c for c in unicodedata.normalize("NFKC", value).upper() if c.isascii() and c.isalnum())
        if number:
            found.add(f"{VERSION}|doc|{kind}|{number}")
    return sorted(found)
