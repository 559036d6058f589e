"""A first, plain index behind the final interface: Python dictionaries, romanised words, rapidfuzz.

It is honest and small; ``search`` sees only what the labels open, from the first look-up on, so an answer is byte for
byte the same whether a hidden record exists or not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from rapidfuzz.distance import JaroWinkler

from tansiq.engine.errors import Rejected
from tansiq.engine.matching.evidence import features, identifier_keys
from tansiq.engine.matching.subjects import (
    COMMON_ABOVE,
    MAX_MATCHES,
    Json,
    Label,
    Labels,
    Match,
    Query,
    Subject,
    band_of,
)
from tansiq.engine.names import fold, read_name, romanise
from tansiq.engine.names.tokens import Name

_CLASSES = str.maketrans(
    {"b": "p", "d": "t", "z": "s", "q": "k", "g": "k", "c": "k", "v": "f", "w": "", "y": "", "h": ""}
)
_VOWELS = str.maketrans("", "", "aeiou")


def _skeleton(letters: str) -> str:
    plain = romanise(letters).translate(_VOWELS).translate(_CLASSES)
    return "".join(c for i, c in enumerate(plain) if i == 0 or plain[i - 1] != c) or romanise(letters)[:1]


class Index:
    """Subjects that can be searched by name and evidence; additions and removals count from the next search on."""

    def __init__(self) -> None:
        self._subjects: dict[str, tuple[Subject, frozenset[Label]]] = {}
        self._names: dict[str, list[Name]] = {}
        self._by_word: dict[str, set[str]] = {}
        self._by_identifier: dict[tuple[str, str], set[str]] = {}

    def __len__(self) -> int:
        return len(self._subjects)

    def add(self, subjects: Iterable[tuple[Subject, Iterable[Label]]]) -> None:
        """Add subjects, each with the labels it carries; one whose id is known replaces the former.

        Raises ``Rejected("names.too_long")`` for a name that is none; nothing of that subject is added then.
        """
        for subject, labels in subjects:
            names = [read_name(name) for name in subject.names]
            self.remove([subject.subject_id])
            self._subjects[subject.subject_id] = (subject, frozenset(labels))
            self._names[subject.subject_id] = names
            for word in {word for name in names for word in name.core}:
                self._by_word.setdefault(_skeleton(word.letters), set()).add(subject.subject_id)
            for key in identifier_keys(subject.identifiers):
                self._by_identifier.setdefault(key, set()).add(subject.subject_id)

    def remove(self, subject_ids: Iterable[str]) -> None:
        """Forget subjects; unknown ids are ignored."""
        for subject_id in subject_ids:
            if subject_id not in self._subjects:
                continue
            subject, _ = self._subjects.pop(subject_id)
            for word in {word for name in self._names.pop(subject_id) for word in name.core}:
                self._by_word[_skeleton(word.letters)].discard(subject_id)
            for key in identifier_keys(subject.identifiers):
                self._by_identifier[key].discard(subject_id)

    def search(self, query: Query, labels: Labels, limit: int = MAX_MATCHES) -> list[Match]:
        """The best visible subjects for ``query``, best first, at most ``min(limit, 50)``.

        Raises ``Rejected("matching.empty_query")`` when there is neither a name nor an identifier to look for.
        """
        names = [name for name in map(read_name, query.names) if name.words]
        keys = identifier_keys(query.identifiers)
        if not names and not keys:
            raise Rejected("matching.empty_query", at="/names")
        by_key = {key: self._visible(self._by_identifier.get(key, set()), labels) for key in keys}
        common = [key for key, ids in by_key.items() if len(ids) > COMMON_ABOVE]
        candidates = {found for key, ids in by_key.items() if key not in common for found in ids}
        for word in {word for name in names for word in name.core}:
            candidates |= self._visible(self._by_word.get(_skeleton(word.letters), set()), labels)
        matches = [self._match(query, names, subject_id, common) for subject_id in candidates]
        kept = sorted((m for m in matches if m is not None), key=lambda m: (-m.score, m.subject_id))
        return kept[: min(limit, MAX_MATCHES)]

    def _visible(self, subject_ids: set[str], labels: Labels) -> set[str]:
        return {subject_id for subject_id in subject_ids if labels.see(self._subjects[subject_id][1])}

    def _match(self, query: Query, names: list[Name], subject_id: str, common: list[tuple[str, str]]) -> Match | None:
        subject, _ = self._subjects[subject_id]
        told: list[Json] = []
        total = -5.0
        best: tuple[float, Name | None, Name | None] = (0.0, None, None)
        for asked in names:
            for held in self._names[subject_id]:
                best = max(best, (_similarity(asked, held), asked, held), key=lambda b: b[0])
        if best[1] is not None and best[2] is not None:
            weight = round(16.0 * best[0] - 9.0, 4)
            told.append({"feature": "name", "weight": weight, "similarity": round(best[0], 4)})
            total += weight
        for name, weight, detail in features(query, subject, common=common):
            told.append({"feature": name, "weight": weight, **detail})
            total += weight
        score = round(1.0 / (1.0 + math.exp(-total)), 6)
        if score < 0.0005:
            return None
        explanation: dict[str, Json] = {
            "query_name": best[1].surface if best[1] else None,
            "name": best[2].surface if best[2] else None,
            "prior": -5.0,
            "features": told,
            "alignment": _letters(best[1], best[2]),
        }
        return Match(subject_id, score, band_of(score), explanation)


def _similarity(left: Name, right: Name) -> float:
    """The mean of each word's best counterpart, both ways; symmetric."""
    a, b = [romanise(w.letters) for w in left.core], [romanise(w.letters) for w in right.core]
    forth = sum(max(_words(x, y) for y in b) for x in a) / len(a) if a and b else 0.0
    back = sum(max(_words(x, y) for x in a) for y in b) / len(b) if a and b else 0.0
    return (forth + back) / 2


def _words(a: str, b: str) -> float:
    whole = float(JaroWinkler.normalized_similarity(a, b))
    skeleton = float(JaroWinkler.normalized_similarity(_skeleton(a), _skeleton(b)))
    return max(whole, 0.3 * whole + 0.7 * skeleton)


def _letters(left: Name | None, right: Name | None) -> list[Json]:
    """Word beside word: the letter-by-letter alignment comes with the learned costs."""
    if left is None or right is None:
        return []
    pairs: list[Json] = []
    for word in left.core:
        counterpart = max(
            right.core, key=lambda other: (_words(romanise(word.letters), romanise(other.letters)), other.letters)
        )
        quality = round(_words(romanise(word.letters), romanise(counterpart.letters)), 3)
        pairs.append({"left": fold(word.letters), "right": counterpart.letters, "quality": quality})
    return pairs
