"""Every distinct value of two registers once: folded, read, and laid out for compiled code.

A *value number* is one number over all fields. What is computed of a value depends on its text and its field's kind
alone, so two machines that hold different parts of a register agree about every value that both hold.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tansiq.engine.errors import Rejected
from tansiq.engine.matching.encoding import encode_word
from tansiq.engine.matching.evidence import confusable_identifier
from tansiq.engine.matching.linkage.fields import Kind, Plan
from tansiq.engine.names import Script, fold, read_name
from tansiq.engine.names.compiled import compiled
from tansiq.engine.names.dates import gregorian_readings
from tansiq.engine.names.folding import MAX_NAME_CHARACTERS
from tansiq.engine.names.kernels import hash_texts
from tansiq.engine.names.keys import skeleton

Hashes = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int32]
MAX_LETTERS = 64
"""Letters of a value that are compared; longer ones agree or differ in these."""
MAX_WORDS = 8
_UNSEEN = 500.0
"""Records that a small register is thought to lack: of ten people one is not a tenth of mankind."""
_SEPARATORS = re.compile(r"[\W_]+")
_EIGHT = re.compile(r"\d{8}")
_ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


class Values(NamedTuple):
    """The values as compiled code takes them: few arrays, and everything of a value within one line of the cache.

    ``table[v]`` is where its letters begin in ``raw`` and how many they are; the hash of its text; the hash of its
    *sound* (the skeletons of a name, a text's words in order of the alphabet, a code's signs with what optical reading
    confuses made one; 0 for none); the set of its letters, by which most pairs are told to be unlike; a date as
    ``yyyymmdd``; where its words begin in ``listed`` and how many they are. ``words[w]`` is the same of a word, up to the
    set of its letters. ``rarity`` is the logarithm of a value's share.
    """

    table: npt.NDArray[np.int64]
    words: npt.NDArray[np.int64]
    listed: Ints
    raw: npt.NDArray[np.uint8]
    rarity: npt.NDArray[np.float64]


START, SIZE, EXACT, SOUND, LETTERS, NUMBER, WORDS, COUNT = range(8)
"""The columns of ``Values.table``."""


@dataclass(frozen=True)
class Store:
    """``values`` of all fields; those of field ``f`` are numbered ``bases[f]`` to ``bases[f + 1]``, in the order given.

    ``unread`` counts, per field, values that are not what their kind says (a date that is none); they are neutral.
    """

    values: Values
    bases: tuple[int, ...]
    unread: tuple[int, ...] = ()


@dataclass
class _Making:
    texts: list[str] = field(default_factory=list)
    sounds: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    value_words: list[list[int]] = field(default_factory=list)
    words: dict[str, int] = field(default_factory=dict)
    word_sounds: list[str] = field(default_factory=list)
    known: dict[str, tuple[list[int], str, str]] = field(default_factory=dict)

    def put(self, text: str, sound: str = "", number: int = 0, words: list[int] | None = None) -> None:
        self.texts.append(text)
        self.sounds.append(sound)
        self.numbers.append(number)
        self.value_words.append(words or [])

    def word(self, letters: str) -> int:
        known = self.words.get(letters)
        if known is None:
            known = self.words[letters] = len(self.words)
            self.word_sounds.append(skeleton(letters))
        return known


def make_store(
    plan: Plan,
    columns: Sequence[Sequence[str]],
    counts: Sequence[npt.NDArray[np.int64]],
    *,
    totals: Sequence[int] | None = None,
) -> Store:
    """Read the distinct values of every field; ``counts`` says how many records, of both registers, hold each.

    Values that are one when read (*Ann*, *ANN*) are counted together; with ``totals`` (records that have a value, by
    field) they were already, and ``columns`` may be a part of what there is.
    """
    making, bases, unread = _Making(), [0], []
    for column, values in zip(plan.fields, columns, strict=True):
        before = len(making.texts)
        _READERS[column.kind](making, values)
        bases.append(len(making.texts))
        unread.append(sum(1 for text, kept in zip(values, making.texts[before:], strict=True) if text and not kept))
    texts, starts = _texts(making.texts)
    word_texts, word_starts = _texts(list(making.words))
    exact = _hashes(texts, starts)
    counted = np.array([len(words) for words in making.value_words], dtype=np.int64)
    table = np.stack(
        [
            starts[:-1].astype(np.int64),
            np.diff(starts.astype(np.int64)),
            exact.view(np.int64),
            _hashes(*_texts(making.sounds)).view(np.int64),
            _letter_sets(texts, starts).view(np.int64),
            np.array(making.numbers, dtype=np.int64),
            np.cumsum(counted) - counted,
            counted,
        ],
        axis=1,
    )
    words = np.stack(
        [
            word_starts[:-1].astype(np.int64) + len(texts),
            np.diff(word_starts.astype(np.int64)),
            _hashes(word_texts, word_starts).view(np.int64),
            _hashes(*_texts(making.word_sounds)).view(np.int64),
            _letter_sets(word_texts, word_starts).view(np.int64),
        ],
        axis=1,
    )
    listed = np.fromiter((w for ws in making.value_words for w in ws), dtype=np.int32, count=int(counted.sum()))
    values_ = Values(table, words, listed, np.concatenate([texts, word_texts]), _rarity(exact, bases, counts, totals))
    return Store(values_, tuple(bases), tuple(unread))


def _rarity(
    exact: Hashes, bases: Sequence[int], counts: Sequence[npt.NDArray[np.int64]], totals: Sequence[int] | None
) -> npt.NDArray[np.float64]:
    """The logarithm of each value's share among the records that have one."""
    found = np.zeros(bases[-1])
    for f, (first, last, count) in enumerate(zip(bases, bases[1:], counts, strict=False)):
        held, total = count.astype(np.float64), float(count.sum())
        if totals is not None:
            total = float(totals[f])
        elif len(count):
            _, places = np.unique(exact[first:last], return_inverse=True)
            held = np.bincount(places, weights=count.astype(np.float64))[places].astype(np.float64)
        found[first:last] = np.log(np.maximum(held, 1.0) / (total + _UNSEEN))
    return found


def value_numbers(store: Store, field: int, places: Ints) -> Ints:
    """Value numbers of a column whose rows hold ``places`` in the field's list of values; -1 for none, and for what
    says nothing.
    """
    numbers = np.where(places >= 0, places + store.bases[field], -1).astype(np.int32)
    empty = (store.values.table[numbers, EXACT] == 0) & (numbers >= 0)
    numbers[empty] = -1
    return numbers


def _texts(values: Sequence[str]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
    encoded = "".join(values).encode("utf-8", "replace")
    starts = np.zeros(len(values) + 1, dtype=np.uint32)
    np.cumsum(np.fromiter(map(len, values), dtype=np.int64, count=len(values)), out=starts[1:])
    if int(starts[-1]) != len(encoded):  # something is wider than a byte
        parts = [value.encode("utf-8", "replace") for value in values]
        np.cumsum(np.fromiter(map(len, parts), dtype=np.int64, count=len(parts)), out=starts[1:])
        encoded = b"".join(parts)
    return np.frombuffer(encoded, dtype=np.uint8), starts


@compiled
def _letter_sets(raw: npt.NDArray[np.uint8], starts: npt.NDArray[np.uint32]) -> Hashes:
    """Which of 64 classes of bytes a text holds (the letters a-z, and the digits, each have their own)."""
    found = np.zeros(starts.shape[0] - 1, dtype=np.uint64)
    for i in range(starts.shape[0] - 1):
        for at in range(starts[i], starts[i + 1]):
            found[i] |= np.uint64(1) << np.uint64(raw[at] & 63)
    return found


def _hashes(raw: npt.NDArray[np.uint8], starts: npt.NDArray[np.uint32]) -> Hashes:
    """The hash of each text, 0 for the empty one."""
    hashes: Hashes = hash_texts(raw, starts)
    hashes[starts[1:] == starts[:-1]] = 0
    return hashes


def _read_names(making: _Making, values: Sequence[str]) -> None:
    known = making.known
    for value in values:
        if value not in known:
            letters = _name_words(value[:MAX_NAME_CHARACTERS])[:MAX_WORDS]
            numbers = [making.word(word) for word in letters]
            sounds = sorted(filter(None, (making.word_sounds[number] for number in numbers)))
            known[value] = numbers, " ".join(sorted(letters))[:MAX_LETTERS], " ".join(sounds)
        numbers, text, sound = known[value]
        making.put(text, sound, words=numbers)


def _name_words(value: str) -> list[str]:
    """The words in Latin letters: a word of another script by its most probable reading."""
    if value.isascii() and value.isalpha():
        return [value.lower()[:MAX_LETTERS]]
    name = read_name(value)
    chosen = name.core
    read = [word.letters if word.script is Script.LATIN else encode_word(word).reading for word in chosen]
    return [letters for letters in read if letters]


def _read_dates(making: _Making, values: Sequence[str]) -> None:
    for value in values:
        number = _date_number(value.strip())
        making.put(f"{number:08}" if number else "", number=number)


def _date_number(text: str) -> int:
    """``yyyymmdd``, parts that are not known 0; 0 for what is no date. A date with a slip of the pen stays one."""
    if _EIGHT.fullmatch(text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    try:
        date = gregorian_readings(text[:10])[0][1]
    except Rejected:
        found = _ISO.fullmatch(text[:10])
        if found is None:
            return 0
        year, month, day = (int(part or 0) for part in found.groups())
        return year * 10000 + month * 100 + day
    return date.year * 10000 + (date.month or 0) * 100 + (date.day or 0)


def _read_texts(making: _Making, values: Sequence[str]) -> None:
    for value in values:
        words = fold(value[:MAX_NAME_CHARACTERS]).split()
        making.put(" ".join(words)[:MAX_LETTERS], " ".join(sorted(words)))


def _read_codes(making: _Making, values: Sequence[str]) -> None:
    for value in values:
        plain = _SEPARATORS.sub("", value).upper()[:MAX_LETTERS]
        making.put(plain, confusable_identifier(plain))


def _read_categories(making: _Making, values: Sequence[str]) -> None:
    for value in values:
        making.put(" ".join(value.casefold().split())[:MAX_LETTERS])


_READERS = {
    Kind.NAME: _read_names,
    Kind.DATE: _read_dates,
    Kind.TEXT: _read_texts,
    Kind.CODE: _read_codes,
    Kind.CATEGORY: _read_categories,
}
