"""A segment: a batch of subjects laid out as flat arrays, which a file can hold and several processes can share.

Words are kept once, names are lists of word numbers, and a posting list per word says which names hold it. A trie over
the Latin readings of all words answers "which words here could this one be" without looking at any name. Texts (ids,
names as written, the rest of a record as JSON) lie in byte strings with offsets, so that a name costs well under a
hundred bytes and nothing is unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tansiq.engine.matching.encoding import (
    MAX_LETTERS,
    EncodedName,
    EncodedWord,
    Trie,
    encode_word,
    encode_words,
    make_trie,
    spell,
)
from tansiq.engine.matching.evidence import identifier_keys, key_hash
from tansiq.engine.matching.subjects import Label, Subject
from tansiq.engine.names import Role, Script, Word, read_name
from tansiq.engine.names.costs import load_costs
from tansiq.engine.names.kernels import hash_texts
from tansiq.engine.names.letters import LATIN
from tansiq.engine.names.tokens import MAX_WORDS, name_parts, word_of

Arrays = dict[str, npt.NDArray[np.generic]]
_EXTRAS = ("schema", "birth_dates", "countries", "gender", "identifiers", "birth_places", "parents")
_LISTS = ("birth_dates", "countries", "identifiers", "birth_places", "parents")
_SCRIPTS = tuple(Script)
_FEW = 16
_ROLES = tuple(Role)


@dataclass
class Texts:
    """Byte strings end to end: text ``i`` is ``raw[starts[i]:starts[i + 1]]``, UTF-8."""

    raw: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.uint32]

    def __getitem__(self, i: int) -> str:
        return bytes(self.raw[self.starts[i] : self.starts[i + 1]]).decode("utf-8", "surrogatepass")

    def __len__(self) -> int:
        return len(self.starts) - 1


def _texts(values: Sequence[str]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
    encoded = [value.encode("utf-8", "surrogatepass") for value in values]
    starts = np.zeros(len(encoded) + 1, dtype=np.uint32)
    np.cumsum([len(value) for value in encoded], out=starts[1:])
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), starts


def _runs(lists: Sequence[Sequence[int]]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    starts = np.zeros(len(lists) + 1, dtype=np.int32)
    np.cumsum([len(values) for values in lists], out=starts[1:])
    return np.fromiter((v for values in lists for v in values), dtype=np.int32, count=int(starts[-1])), starts


def extras_of(subject: Subject) -> str:
    """Everything of a subject but its id and names, as JSON without empty fields."""
    if subject.schema == "Person" and not any(map(subject.__getattribute__, _LISTS)) and not subject.gender:
        return ""
    stored = {name: getattr(subject, name) for name in _EXTRAS}
    kept = {name: value for name, value in stored.items() if value and not (name == "schema" and value == "Person")}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")) if kept else ""


class _Vocabulary:
    """Words numbered in order of appearance; a name's parts are looked up without being classified again."""

    def __init__(self) -> None:
        self.words: dict[Word, int] = {}
        self._parts: dict[str, int] = {}
        self._titles: set[str] = set()

    def read(self, surface: str) -> list[int]:
        """The word numbers of a name."""
        parts = name_parts(surface)
        known = self._parts
        try:
            numbers = [known[part] for part in parts]
        except KeyError:
            numbers = [self._learn(part) for part in parts]
        if not self._titles.isdisjoint(parts):
            return [self._number(word) for word in read_name(surface).words]
        return numbers

    def _learn(self, part: str) -> int:
        word = word_of(part)
        if word.role is Role.TITLE:
            self._titles.add(part)
        return self._parts.setdefault(part, self._number(word))

    def _number(self, word: Word) -> int:
        return self.words.setdefault(word, len(self.words))


def build_arrays(rows: Iterable[tuple[Subject, frozenset[Label]]], *, finished: bool = True) -> Arrays:
    """Lay out subjects (distinct ids); unfinished ones can only be combined. Raises ``Rejected("names.too_long")`` for a
    name that is none.
    """
    vocabulary = _Vocabulary()
    ids: list[str] = []
    extras: list[str] = []
    surfaces: list[str] = []
    name_words: list[list[int]] = []
    name_subject: list[int] = []
    keys: list[tuple[int, int]] = []
    label_sets: dict[frozenset[Label], int] = {}
    subject_labels: list[int] = []
    for subject, labels in rows:
        number = len(ids)
        ids.append(subject.subject_id)
        extras.append(extras_of(subject))
        if subject.identifiers:
            keys += [(key_hash(key), number) for key in identifier_keys(subject.identifiers)]
        subject_labels.append(label_sets.setdefault(labels, len(label_sets)))
        for surface in subject.names:
            words = vocabulary.read(surface)
            surfaces.append(surface)
            name_words.append(words)
            name_subject.append(number)
    arrays: Arrays = {}
    arrays["id_raw"], arrays["id_starts"] = _texts(ids)
    arrays["surface_raw"], arrays["surface_starts"] = _texts(surfaces)
    arrays["extra_raw"], arrays["extra_starts"] = _texts(extras)
    words_flat, starts = _runs(name_words)
    arrays["name_words"], arrays["name_starts"] = words_flat, starts
    arrays["name_subject"] = np.array(name_subject, dtype=np.int32)
    arrays["subject_labels"] = np.array(subject_labels, dtype=np.uint16 if len(label_sets) < 65536 else np.uint32)
    listed = json.dumps([sorted(labels, key=lambda label: (str(type(label)), label)) for labels in label_sets])
    arrays["label_sets"] = np.frombuffer(listed.encode(), dtype=np.uint8)
    arrays |= _word_arrays(list(vocabulary.words))
    arrays["key_hashes"] = np.array([hashed for hashed, _ in keys], dtype=np.uint64)
    arrays["key_subjects"] = np.array([holder for _, holder in keys], dtype=np.int32)
    return finish(arrays) if finished else arrays


def finish(arrays: Arrays) -> Arrays:
    """Add what follows from subjects, names and words: posting lists, trie, look-ups by id and by identifier."""
    starts, words = arrays["name_starts"].astype(np.int32), arrays["name_words"].astype(np.int32)
    arrays |= _postings(words, starts, len(arrays["word_hash"]))
    arrays |= _trie_arrays(arrays)
    core = (arrays["word_role"].astype(np.int64) % 4 == 0)[words]
    sums = np.concatenate(([0], np.cumsum(core)))
    arrays["name_core"] = (sums[starts[1:]] - sums[starts[:-1]]).astype(np.uint8)
    ids = hash_texts(np.asarray(arrays["id_raw"], np.uint8), np.asarray(arrays["id_starts"], np.uint32))
    arrays["id_order"] = np.argsort(ids, kind="stable").astype(np.int32)
    order = np.argsort(arrays["key_hashes"], kind="stable")
    arrays["key_hashes"], arrays["key_subjects"] = arrays["key_hashes"][order], arrays["key_subjects"][order]
    return arrays


def _postings(words: npt.NDArray[np.int32], starts: npt.NDArray[np.int32], size: int) -> Arrays:
    """For each word the ascending, distinct names that hold it."""
    names = np.repeat(np.arange(len(starts) - 1, dtype=np.int32), np.diff(starts))
    order = np.argsort(words, kind="stable")
    words, names = words[order], names[order]
    distinct = np.ones(len(words), dtype=bool)
    distinct[1:] = (words[1:] != words[:-1]) | (names[1:] != names[:-1])
    post_starts = np.zeros(size + 1, dtype=np.int32)
    np.cumsum(np.bincount(words[distinct], minlength=size), out=post_starts[1:])
    return {"post_names": names[distinct], "post_starts": post_starts}


def _word_arrays(words: list[Word]) -> Arrays:
    """The vocabulary as numbers; Latin words, most of all, by the bulk."""
    latin = [word.script is Script.LATIN and word.letters.isascii() for word in words]
    plain = [word.letters[:MAX_LETTERS] for word, own in zip(words, latin, strict=True) if own]
    values = iter(load_costs().background.many(plain))
    encoded = [None if own else encode_word(word) for word, own in zip(words, latin, strict=True)]
    arrays: Arrays = {}
    arrays["word_raw"], arrays["word_starts"] = _texts([word.letters for word in words])
    arrays["word_hash"] = hash_texts(arrays["word_raw"], arrays["word_starts"]).astype(np.int64)
    arrays["word_script"] = np.array([_SCRIPTS.index(word.script) for word in words], dtype=np.uint8)
    arrays["word_role"] = np.array([_ROLES.index(word.role) + 4 * word.article for word in words], dtype=np.uint8)
    backgrounds = [next(values) if word is None else word.background for word in encoded]
    arrays["word_background"] = np.array(backgrounds, dtype=np.float32)
    arrays["word_table"] = np.array([0 if word is None else word.table for word in encoded], dtype=np.uint8)
    own_codes = iter([text.encode().translate(_LATIN_CODES) for text in plain])
    codes = [next(own_codes) if word is None else word.codes.tobytes() for word in encoded]
    readings = [
        code if word is None else word.reading_codes.tobytes() for code, word in zip(codes, encoded, strict=True)
    ]
    arrays["code_raw"], arrays["code_starts"] = _concatenated(codes)
    arrays["reading_raw"], arrays["reading_starts"] = _concatenated(readings)
    return arrays


_LATIN_CODES = bytes(LATIN.numbers.get(chr(code), 0) for code in range(256))
_GLUED = tuple(LATIN.encode(article).tobytes() for article in ("al", "el"))


def _trie_arrays(arrays: Arrays) -> Arrays:
    """The trie over the Latin forms under which words are found: the reading, and the reading without a glued
    article.
    """
    forms: dict[bytes, list[int]] = {}
    plain, at = arrays["reading_raw"].tobytes(), arrays["reading_starts"].tolist()
    latin = (arrays["word_table"] == 0).tolist()
    for number, own in enumerate(latin):
        form = plain[at[number] : at[number + 1]]
        forms.setdefault(form, []).append(number)
        if own and len(form) > 5 and form[:2] in _GLUED:
            forms.setdefault(form[2:], []).append(number)
    forms.pop(b"", None)
    ordered = sorted(forms)
    raw = np.frombuffer(b"".join(ordered), dtype=np.uint8)
    starts = np.zeros(len(ordered) + 1, dtype=np.int32)
    np.cumsum([len(form) for form in ordered], out=starts[1:])
    trie = make_trie(raw, starts)
    made: Arrays = {
        "node_letter": trie.letter, "node_depth": trie.depth, "node_skip": trie.skip, "node_form": trie.form,
    }  # fmt: skip
    made["form_words"], made["form_starts"] = _runs([forms[form] for form in ordered])
    return made


def _concatenated(parts: list[bytes]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    starts = np.zeros(len(parts) + 1, dtype=np.int32)
    np.cumsum([len(part) for part in parts], out=starts[1:])
    return np.frombuffer(b"".join(parts), dtype=np.uint8), starts


class Segment:
    """Arrays with their meanings; nothing here changes after it was built."""

    def __init__(self, arrays: Arrays) -> None:
        for array in arrays.values():
            array.flags.writeable = False  # as mapped files are: code is compiled once for both
        self.arrays = arrays
        self._words: dict[int, EncodedWord] = {}
        self._ordered: npt.NDArray[np.uint64] | None = None
        self.ids = self._texts("id")
        self.surfaces = self._texts("surface")
        self.extras = self._texts("extra")
        self.trie = Trie(
            np.asarray(arrays["node_letter"], dtype=np.uint8),
            np.asarray(arrays["node_depth"], dtype=np.uint8),
            np.asarray(arrays["node_skip"], dtype=np.int32),
            np.asarray(arrays["node_form"], dtype=np.int32),
            len(arrays["form_starts"]) - 1,
        )
        listed = json.loads(bytes(np.asarray(arrays["label_sets"], dtype=np.uint8)))
        self.label_sets: list[frozenset[Label]] = [frozenset(labels) for labels in listed]

    def _texts(self, name: str) -> Texts:
        raw, starts = self.arrays[f"{name}_raw"], self.arrays[f"{name}_starts"]
        return Texts(np.asarray(raw, dtype=np.uint8), np.asarray(starts, dtype=np.uint32))

    def ints(self, name: str) -> npt.NDArray[np.int32]:
        """An array of 32-bit whole numbers."""
        return np.asarray(self.arrays[name], dtype=np.int32)

    @property
    def subjects(self) -> int:
        """How many subjects it holds, removed ones included."""
        return len(self.ids)

    @property
    def names(self) -> int:
        """How many names it holds."""
        return len(self.surfaces)

    def word(self, number: int) -> EncodedWord:
        """A word of its vocabulary, as numbers (the last ones asked for are remembered)."""
        known = self._words.get(number)
        if known is None:
            table, role = int(self.arrays["word_table"][number]), int(self.arrays["word_role"][number])
            codes, reading_codes = (
                np.array(self.arrays[f"{kind}_raw"][slice(*self._span(kind, number))], dtype=np.uint8)
                for kind in ("code", "reading")
            )
            known = EncodedWord(
                spell(codes, table), table, codes, spell(reading_codes, 0), reading_codes,
                float(self.arrays["word_background"][number]), role % 4, role // 4,
                int(self.arrays["word_hash"][number]),
            )  # fmt: skip
            if len(self._words) > 50_000:
                self._words.clear()
            self._words[number] = known
        return known

    def _span(self, kind: str, number: int) -> tuple[int, int]:
        starts = self.arrays[f"{kind}_starts"]
        return int(starts[number]), int(starts[number + 1])

    def name_words(self, name: int) -> list[EncodedWord]:
        """The words of a name that have letters, as the comparison numbers them."""
        starts, words = self.arrays["name_starts"], self.arrays["name_words"]
        found = [self.word(w) for w in words[int(starts[name]) : int(starts[name + 1])].tolist()]
        return [word for word in found if len(word.codes)][:MAX_WORDS]

    def encoded(self, name: int) -> EncodedName:
        """A name as flat arrays."""
        return encode_words(self.name_words(name))

    def subject(self, number: int) -> Subject:
        """A subject as it was added."""
        surfaces = tuple(self.surfaces[n] for n in self.subject_names(number))
        return replace(self.beside_names(number), names=surfaces)

    def beside_names(self, number: int) -> Subject:
        """What a subject holds besides its names, which are left out."""
        stored = json.loads(self.extras[number]) if self.has_more(number) else {}
        return Subject(
            self.ids[number],
            schema=stored.get("schema", "Person"),
            birth_dates=tuple(stored.get("birth_dates", ())),
            countries=tuple(stored.get("countries", ())),
            gender=stored.get("gender"),
            identifiers=tuple((kind, value) for kind, value in stored.get("identifiers", ())),
            birth_places=tuple(stored.get("birth_places", ())),
            parents=tuple(stored.get("parents", ())),
        )

    def subject_names(self, number: int) -> range:
        """The numbers of a subject's names (names stand in the order of their subjects)."""
        owners = self.arrays["name_subject"]
        wanted = owners.dtype.type(number)  # of another type, the whole array would be converted first
        return range(int(np.searchsorted(owners, wanted, "left")), int(np.searchsorted(owners, wanted, "right")))

    def labels(self, number: int) -> frozenset[Label]:
        """The labels a subject carries."""
        return self.label_sets[int(self.arrays["subject_labels"][number])]

    def subject_of_name(self, name: int) -> int:
        """The subject a name belongs to."""
        return int(self.arrays["name_subject"][name])

    def id_of_name(self, name: int) -> str:
        """The id of the subject a name belongs to."""
        return self.ids[self.subject_of_name(name)]

    def has_more(self, number: int) -> bool:
        """Whether a subject holds more than names."""
        starts = self.extras.starts
        return bool(starts[number + 1] > starts[number])

    def holders(self, hashed: int) -> list[int]:
        """Subjects with an identifier whose key has this hash (equal hashes of different keys are the caller's to
        tell).
        """
        hashes = self.arrays["key_hashes"]
        first = int(np.searchsorted(hashes, np.uint64(hashed), "left"))
        last = int(np.searchsorted(hashes, np.uint64(hashed), "right"))
        return sorted(set(self.arrays["key_subjects"][first:last].tolist()))

    def find(self, subject_id: str) -> int:
        """The number of a subject, or -1."""
        order = self.arrays["id_order"]
        raw = np.frombuffer(subject_id.encode(), dtype=np.uint8)
        wanted = int(hash_texts(raw, np.array([0, len(raw)], dtype=np.uint32))[0])
        low, high = 0, len(order)
        while low < high:
            middle = (low + high) // 2
            if self._hash(int(order[middle])) < wanted:
                low = middle + 1
            else:
                high = middle
        while low < len(order) and self._hash(int(order[low])) == wanted:
            if self.ids[int(order[low])] == subject_id:
                return int(order[low])
            low += 1
        return -1

    def find_all(self, subject_ids: Sequence[str]) -> list[int]:
        """The numbers of those of these subjects that are here, at the price of one look at all ids."""
        if len(subject_ids) < _FEW:
            return [number for number in map(self.find, subject_ids) if number >= 0]
        if self._ordered is None:
            hashes = hash_texts(self.ids.raw, self.ids.starts)
            self._ordered = hashes[self.arrays["id_order"]]
        wanted = hash_texts(*_texts(subject_ids))
        places = np.searchsorted(self._ordered, wanted)
        near = np.minimum(places, max(len(self._ordered) - 1, 0))
        likely = np.flatnonzero(self._ordered[near] == wanted) if len(self._ordered) else near[:0]
        return [number for number in (self.find(subject_ids[k]) for k in likely.tolist()) if number >= 0]

    def _hash(self, number: int) -> int:
        return int(hash_texts(self.ids.raw, self.ids.starts[number : number + 2])[0])
