"""Letter inventories as small numbers, and the context in which a letter is read.

The learned costs know each letter of a source script by three facts: the letter, what kind of letter stands before it,
and what kind stands after it. A *row* numbers that triple. Kinds are few (a boundary, the long vowels, a consonant …),
so the tables stay small and every row is met often in training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tansiq.engine.names.scripts import Script

DIGITS = "0123456789"
LATIN_LETTERS = "abcdefghijklmnopqrstuvwxyz" + DIGITS
KINDS = 8
"""Kinds of neighbour: 0 is the boundary of a word, 1–7 as each alphabet says."""


@dataclass(frozen=True)
class Alphabet:
    """The letters of one script, numbered from 1, and the kind of each as a neighbour."""

    script: Script
    letters: str
    kinds: npt.NDArray[np.int64]
    numbers: Mapping[str, int] = field(repr=False)

    @property
    def rows(self) -> int:
        """How many rows a table over this alphabet has."""
        return (len(self.letters) + 1) * KINDS * KINDS

    def encode(self, text: str) -> npt.NDArray[np.uint8]:
        """The numbers of the letters of ``text``; a letter outside the inventory is left out."""
        return np.array([self.numbers[c] for c in text if c in self.numbers], dtype=np.uint8)


def _alphabet(script: Script, letters: str, kinds: Mapping[str, int], other: int) -> Alphabet:
    every = letters + DIGITS if DIGITS not in letters else letters
    numbers = {letter: number for number, letter in enumerate(every, start=1)}
    table = np.full(len(every) + 1, other, dtype=np.int64)
    table[0] = 0
    for group, kind in kinds.items():
        for letter in group:
            table[numbers[letter]] = kind
    return Alphabet(script, every, table, numbers)


ALPHABETS: Mapping[Script, Alphabet] = {
    Script.ARABIC: _alphabet(
        Script.ARABIC,
        "ابپتٹثجچحخدڈذرڑزژسشصضطظعغفڤقكگلمنهوي",
        {"ا": 1, "و": 2, "ي": 3, "ه": 4, "ع": 5, "ل": 6},
        7,
    ),
    Script.CYRILLIC: _alphabet(
        Script.CYRILLIC,
        "абвгдежзийклмнопрстуфхцчшщъыьэюяіїєјљњџђћқғңәөүұһҳҷӣӯ",
        {"аоуыәөүұ": 1, "еэє": 2, "иійїјӣ": 3, "юяӯ": 4, "ьъ": 5, "нлрм": 6},
        7,
    ),
    Script.HEBREW: _alphabet(
        Script.HEBREW,
        "אבגדהוזחטיכלמנסעפצקרשת",
        {"א": 1, "ו": 2, "י": 3, "ה": 4, "ע": 5, "ש": 6},
        7,
    ),
    Script.LATIN: _alphabet(
        Script.LATIN,
        LATIN_LETTERS,
        {"a": 1, "ouw": 2, "eiy": 3, "h": 4, "st": 5, "lrmn": 6},
        7,
    ),
}
"""The scripts whose letters are compared with Latin ones; any other script is romanised first."""

LATIN = ALPHABETS[Script.LATIN]


def rows_of(letters: npt.NDArray[np.uint8], alphabet: Alphabet) -> npt.NDArray[np.int32]:
    """The row of each letter of an encoded word."""
    if not len(letters):
        return np.zeros(0, dtype=np.int32)
    padded = np.concatenate(([0], letters, [0])).astype(np.int64)
    kinds = alphabet.kinds[padded]
    return ((padded[1:-1] * KINDS + kinds[:-2]) * KINDS + kinds[2:]).astype(np.int32)
