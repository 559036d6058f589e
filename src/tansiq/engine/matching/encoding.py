"""Names as numbers: each word's letters, its Latin reading, and how rare that reading is.

A word of the Arabic, Cyrillic or Hebrew script is compared with Latin words by its own letters. Its *reading* – the
common Latin word it most probably is, else a romanisation by rule – serves to find candidates and to compare two
scripts that share no learned table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from tansiq.engine.names import Name, Role, Script, Word, romanise
from tansiq.engine.names.costs import SCRIPTS, load_costs
from tansiq.engine.names.kernels import Families, grow_trie, hash_texts, lay_families, read_trie
from tansiq.engine.names.letters import ALPHABETS, KINDS, LATIN

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

TABLES = {script: number for number, script in enumerate(SCRIPTS)}
MAX_LETTERS = 32
ROLES = {Role.NAME: 0, Role.WEAK: 1, Role.TITLE: 2}
_READING_SLACK = 16 * 7


@dataclass(frozen=True)
class Trie:
    """A trie over Latin forms in depth-first order (see ``names.kernels.grow_trie``)."""

    letter: Bytes
    depth: Bytes
    skip: Ints
    form: Ints
    forms: int

    @cached_property
    def _families(self) -> Families:
        size = len(self.letter)
        laid = Families(np.zeros(size, np.uint8), np.zeros(size, np.int32), np.zeros(size, np.int32))
        lay_families(self.letter, self.depth, self.skip, self.form, *laid)
        return laid

    def read(self, rows: Ints, slack: int) -> tuple[Ints, Ints]:
        """The forms that the source rows can emit within ``slack``, and their costs."""
        costs, chunks = load_costs(), load_costs().chunks
        forms, values = np.empty(self.forms, dtype=np.int32), np.empty(self.forms, dtype=np.int32)
        found = read_trie(
            rows, costs.grid, costs.floors, slack, *self._families, chunks.child, chunks.chunk_of, chunks.parent,
            forms, values,
        )  # fmt: skip
        return forms[:found].copy(), values[:found].copy()


def make_trie(letters: Bytes, starts: Ints) -> Trie:
    """The trie of sorted, distinct, non-empty encoded forms."""
    size = max(len(letters), 1)
    letter, depth = np.zeros(size, dtype=np.uint8), np.zeros(size, dtype=np.uint8)
    skip, form = np.zeros(size, dtype=np.int32), np.zeros(size, dtype=np.int32)
    nodes = grow_trie(letters, starts, letter, depth, skip, form) if len(starts) > 1 else 0
    arrays = letter[:nodes], depth[:nodes], skip[:nodes], form[:nodes]
    for array in arrays:
        array.flags.writeable = False  # as those of a mapped file are: code is compiled once for both
    return Trie(*arrays, len(starts) - 1)


@dataclass(frozen=True, eq=False)
class EncodedWord:
    """One word: its table, the numbers of its letters there, of its Latin reading, and the reading's
    log-probability.
    """

    text: str
    table: int
    codes: Bytes
    reading: str
    reading_codes: Bytes
    background: float
    role: int
    article: int = 0
    hashed: int = 0
    key: tuple[str, int, int, int] = field(init=False)
    """What makes two words one; made once, for words are looked up far more often than read."""
    key_hash: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (self.text, self.table, self.role, self.article))
        object.__setattr__(self, "key_hash", hash(self.key))

    def __hash__(self) -> int:
        return self.key_hash

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, EncodedWord) else NotImplemented


_LETTERS = tuple("\0" + ALPHABETS[script].letters for script in SCRIPTS)


def spell(codes: Bytes, table: int) -> str:
    """The letters that these numbers stand for."""
    letters = _LETTERS[table]
    return "".join([letters[code] for code in codes.tolist()])


@lru_cache(maxsize=1)
def _row_parts() -> tuple[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]], ...]:
    """For each table what a letter adds to the number of its row, and the kind of each letter."""
    costs = load_costs()
    return tuple(
        (
            (np.arange(256) * KINDS * KINDS + costs.starts[table]).astype(np.int32),
            ALPHABETS[script].kinds.astype(np.int32),
        )
        for table, script in enumerate(SCRIPTS)
    )


def grid_rows(codes: Bytes, table: int) -> Ints:
    """Rows of encoded letters in the grid, boundaries at both ends."""
    base, kind_of = _row_parts()[table]
    rows, kinds = base[codes], kind_of[codes]
    rows[1:] += kinds[:-1] * KINDS
    rows[:-1] += kinds[1:]
    return np.asarray(rows, dtype=np.int32)


@lru_cache(maxsize=1)
def _common_words() -> tuple[Trie, tuple[str, ...]]:
    costs = load_costs()
    words = sorted(costs.words, key=lambda word: LATIN.encode(word).tobytes())
    encoded = [LATIN.encode(word) for word in words]
    starts = np.cumsum([0] + [len(word) for word in encoded]).astype(np.int32)
    return make_trie(np.concatenate(encoded), starts), tuple(words)


@lru_cache(maxsize=100_000)
def encode_word(word: Word) -> EncodedWord:
    """The numbers of one word, remembered."""
    costs = load_costs()
    table = TABLES.get(word.script, 0)
    text = word.letters[:MAX_LETTERS]
    alphabet = ALPHABETS[SCRIPTS[table]]
    if word.script not in TABLES:
        text = romanise(text)[:MAX_LETTERS]
    text = "".join(letter for letter in text if letter in alphabet.numbers)
    codes = alphabet.encode(text)
    reading = text if table == 0 else _reading(text, codes, table)
    reading_codes = codes if table == 0 else LATIN.encode(reading)
    background = costs.background(reading)
    hashed = _hash(word.letters)
    return EncodedWord(
        text, table, codes, reading, reading_codes, background, ROLES[word.role], int(word.article), hashed
    )


def _hash(text: str) -> int:
    raw = np.frombuffer(text.encode(), dtype=np.uint8)
    return int(hash_texts(raw, np.array([0, len(raw)], dtype=np.uint32)).astype(np.int64)[0])


@lru_cache(maxsize=20_000)
def join_words(left: EncodedWord, right: EncodedWord) -> EncodedWord:
    """Two neighbouring words of one script as one."""
    script = SCRIPTS[left.table]
    return encode_word(Word((left.text + right.text)[:MAX_LETTERS], script))


def _reading(text: str, codes: Bytes, table: int) -> str:
    trie, words = _common_words()
    if len(codes) > 1:
        forms, values = trie.read(grid_rows(codes, table), _READING_SLACK)
        if len(forms):
            costs: list[int] = values.tolist()
            _, best = min((cost, words[form]) for cost, form in zip(costs, forms.tolist(), strict=True))
            return str(best)
    return romanise(text)[:MAX_LETTERS]


@dataclass(frozen=True)
class EncodedName:
    """A whole name as flat arrays, the form the compiled comparison takes. ``words`` keeps what they were made from."""

    words: tuple[EncodedWord, ...]
    codes: Bytes
    starts: Ints
    reading_codes: Bytes
    reading_starts: Ints
    tables: Ints
    roles: Ints
    """0 name, 1 weak part, 2 title; and 4 more where an article stands in or before the word."""
    backgrounds: Floats
    hashes: npt.NDArray[np.int64]


def encode_words(words: Sequence[EncodedWord]) -> EncodedName:
    """Flat arrays of words that have letters."""
    kept = tuple(word for word in words if len(word.codes))
    empty = [np.zeros(0, dtype=np.uint8)]
    return EncodedName(
        kept,
        np.concatenate([word.codes for word in kept] or empty),
        np.cumsum([0] + [len(word.codes) for word in kept]).astype(np.int32),
        np.concatenate([word.reading_codes for word in kept] or empty),
        np.cumsum([0] + [len(word.reading_codes) for word in kept]).astype(np.int32),
        np.array([word.table for word in kept], dtype=np.int32),
        np.array([word.role + 4 * word.article for word in kept], dtype=np.int32),
        np.array([word.background for word in kept], dtype=np.float32),
        np.array([word.hashed for word in kept], dtype=np.int64),
    )


def encode_name(name: Name) -> EncodedName:
    """The flat arrays of a name that was read."""
    return encode_words([encode_word(word) for word in name.words])


__all__ = [
    "MAX_LETTERS",
    "EncodedName",
    "EncodedWord",
    "Script",
    "Trie",
    "encode_name",
    "encode_word",
    "encode_words",
    "grid_rows",
    "join_words",
    "make_trie",
    "spell",
]
