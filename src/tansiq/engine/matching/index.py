"""The index: segments of subjects, searched by name and evidence under the asker's labels.

A search takes a snapshot of the segments, so additions, removals and merges never disturb it and count from the next
search on. Visibility comes first: hidden and removed subjects are closed before any posting is counted, and every
score depends on the question and the record alone. Therefore an answer is byte for byte the same whether a hidden
record exists or not, and however the records lie in segments.
"""

from __future__ import annotations

import fcntl
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tansiq.engine.errors import Corrupt, Rejected
from tansiq.engine.matching import pairing, scoring
from tansiq.engine.matching.candidates import Searcher, least_of
from tansiq.engine.matching.encoding import EncodedName, EncodedWord, encode_name, encode_word, join_words
from tansiq.engine.matching.evidence import features, identifier_keys, key_hash
from tansiq.engine.matching.segment import Segment, build_arrays
from tansiq.engine.matching.storage import read_root, read_segment, write_root, write_segment
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
from tansiq.engine.names import Script, Word, read_name

CANDIDATES = 120
"""Names compared closely for each name asked (more when several are worth the same)."""
_MOST_COMPARED = 600
_CLOSER = 40
"""Names that are compared under every romanisation habit (more when more are wanted, all when there is other
evidence).
"""
_ATTEMPTS = 3
_LEAST_SCORE = 0.0005
_TIER = 4
Source = Callable[[], Iterable[tuple[Subject, Iterable[Label]]]]


@dataclass
class _Part:
    """A segment in force, which of its subjects are removed, and scratch for threads that search it."""

    segment: Segment
    removed: npt.NDArray[np.bool_]
    file: str = ""
    words: pairing.Words | None = None
    searchers: list[Searcher] = field(default_factory=list)
    masks: dict[frozenset[Label], npt.NDArray[np.bool_]] = field(default_factory=dict)

    def open_names(self, labels: Labels) -> npt.NDArray[np.bool_]:
        """Which names belong to a visible, present subject."""
        known = self.masks.get(labels.allowed)
        if known is None:
            sets = np.array([labels.see(carried) for carried in self.segment.label_sets], dtype=bool)
            subjects = sets[self.segment.arrays["subject_labels"]] & ~self.removed
            known = subjects[self.segment.arrays["name_subject"]]
            if len(self.masks) >= 16:
                self.masks.clear()
            self.masks[labels.allowed] = known
        return known

    def is_open(self, subject: int, labels: Labels) -> bool:
        """Whether one subject is visible and present."""
        return not self.removed[subject] and labels.see(self.segment.labels(subject))

    def without(self, subjects: list[int]) -> _Part:
        """The same part with more subjects removed."""
        removed = self.removed.copy()
        removed[subjects] = True
        return _Part(self.segment, removed, self.file, self.words, self.searchers)

    def compare(self, name: EncodedName, names: list[int], most: int) -> list[tuple[int, float, scoring.Compared]]:
        """One asked name against several of this segment's (see ``scoring.compare_candidates``)."""
        if self.words is None:
            self.words = scoring.words_of(self.segment)
        return scoring.compare_candidates(name, self.words, np.array(names, dtype=np.int32), most=most)


@dataclass(frozen=True)
class _Found:
    """A candidate name: where it lies and what the posting lists made of it."""

    part: int
    name: int
    worth: int


@dataclass
class _Best:
    """The best name comparison of one candidate subject."""

    log_odds: float
    asked: int = -1
    name: int = -1
    compared: scoring.Compared | None = None


class Index:
    """Subjects that can be searched; in memory, or kept in ``directory`` and shared by processes that open it.

    With ``rebuild`` a damaged or outdated directory is set aside and filled again from that source; without it,
    opening one raises ``Corrupt("matching.segment_damaged")``.
    """

    def __init__(self, directory: Path | None = None, *, rebuild: Source | None = None) -> None:
        self._folder = directory
        self._lock = threading.Lock()
        self._parts: tuple[_Part, ...] = ()
        self._serial = 0
        self._seen = (0, 0)
        if directory is None:
            return
        directory.mkdir(parents=True, exist_ok=True)
        try:
            self._refresh()
        except Corrupt:
            if rebuild is None:
                raise
            self._set_aside(directory)
            self.add(rebuild())

    def __len__(self) -> int:
        self._refresh()
        return sum(int(np.count_nonzero(~part.removed)) for part in self._parts)

    # ---- what is in it -----------------------------------------------------------------------------------------------

    def add(self, subjects: Iterable[tuple[Subject, Iterable[Label]]]) -> None:
        """Add subjects, each with the labels it carries; one whose id is known replaces the former.

        Nothing is added if any name is refused (``Rejected("names.too_long")``).
        """
        rows = {subject.subject_id: (subject, frozenset(labels)) for subject, labels in subjects}
        if not rows:
            return
        segment = Segment(build_arrays(rows.values()))
        with self._writing():
            kept = self._without(self._parts, rows)
            self._publish((*kept, self._store(segment)))
            self._merge_due()

    def remove(self, subject_ids: Iterable[str]) -> None:
        """Forget subjects; unknown ids are ignored."""
        with self._writing():
            self._publish(self._without(self._parts, list(subject_ids)))

    def get(self, subject_id: str) -> tuple[Subject, frozenset[Label]] | None:
        """A subject as it was added, with its labels."""
        self._refresh()
        for part in self._parts:
            number = part.segment.find(subject_id)
            if number >= 0 and not part.removed[number]:
                return part.segment.subject(number), part.segment.labels(number)
        return None

    def merge(self) -> None:
        """Lay all segments out as one and let go of removed subjects."""
        with self._writing():
            self._publish(self._merged(self._parts))

    @staticmethod
    def _without(parts: tuple[_Part, ...], ids: Iterable[str]) -> tuple[_Part, ...]:
        changed = []
        for part in parts:
            places = (part.segment.find(subject_id) for subject_id in ids)
            gone = [number for number in places if number >= 0 and not part.removed[number]]
            changed.append(part.without(gone) if gone else part)
        return tuple(changed)

    def _merge_due(self) -> None:
        """Keep few segments: join the last ones while four of them are of one size."""
        while True:
            sizes = [part.segment.subjects for part in self._parts]
            tail = next((k for k in range(len(sizes) - _TIER + 1) if max(sizes[k:]) <= _TIER * min(sizes[k:])), None)
            if tail is None and len(sizes) > 4 * _TIER:
                tail = len(sizes) - _TIER
            if tail is None:
                return
            self._publish((*self._parts[:tail], *self._merged(self._parts[tail:])))

    def _merged(self, parts: tuple[_Part, ...]) -> tuple[_Part, ...]:
        rows = [
            (part.segment.subject(number), part.segment.labels(number))
            for part in parts
            for number in range(part.segment.subjects)
            if not part.removed[number]
        ]
        return (self._store(Segment(build_arrays(rows))),) if rows else ()

    # ---- files -------------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One writer at a time, among threads and among processes, on the newest state."""
        with self._lock:
            if self._folder is None:
                yield
                return
            with (self._folder / "lock").open("a") as held:
                fcntl.flock(held, fcntl.LOCK_EX)
                self._refresh()
                yield

    def _refresh(self) -> None:
        """Take over what another process has put in force since; a look at one file's number when nothing has."""
        if self._folder is None:
            return
        try:
            status = (self._folder / "index.json").stat()
        except FileNotFoundError:
            return
        if (status.st_ino, status.st_mtime_ns) == self._seen:
            return
        for attempt in range(_ATTEMPTS):
            try:
                self._parts = self._load(self._folder)
                break
            except Corrupt:
                # a merge may have removed a segment between reading the list and opening the file
                if attempt == _ATTEMPTS - 1:
                    raise
        self._seen = (status.st_ino, status.st_mtime_ns)

    def _load(self, folder: Path) -> tuple[_Part, ...]:
        root = read_root(folder)
        if root is None:
            return ()
        known = {part.file: part for part in self._parts}
        parts = []
        listed = root.get("segments")
        for file, gone in listed if isinstance(listed, list) else []:
            former = known.get(file)
            segment = former.segment if former is not None else Segment(read_segment(folder / file))
            removed = np.zeros(segment.subjects, dtype=bool)
            removed[gone] = True
            parts.append(_Part(segment, removed, file))
            self._serial = max(self._serial, int(Path(file).stem))
        return tuple(parts)

    def _store(self, segment: Segment) -> _Part:
        removed = np.zeros(segment.subjects, dtype=bool)
        if self._folder is None:
            return _Part(segment, removed)
        self._serial += 1
        file = f"{self._serial:08}.segment"
        write_segment(self._folder / file, segment.arrays)
        return _Part(Segment(read_segment(self._folder / file, verify=False)), removed, file)

    def _publish(self, parts: tuple[_Part, ...]) -> None:
        if self._folder is not None:
            listed: list[object] = [[part.file, np.flatnonzero(part.removed).tolist()] for part in parts]
            write_root(self._folder, {"segments": listed})
            named = {part.file for part in parts}
            for path in self._folder.glob("*.segment"):
                if path.name not in named:
                    path.unlink(missing_ok=True)
            status = (self._folder / "index.json").stat()
            self._seen = (status.st_ino, status.st_mtime_ns)
        self._parts = parts

    @staticmethod
    def _set_aside(folder: Path) -> None:
        aside = folder.with_name(folder.name + ".damaged")
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
        folder.mkdir()

    # ---- searching ---------------------------------------------------------------------------------------------------

    def search(self, query: Query, labels: Labels, limit: int = MAX_MATCHES) -> list[Match]:
        """The best visible subjects for ``query``, best first, at most ``min(limit, 50)``.

        Raises ``Rejected("matching.empty_query")`` when there is neither a name nor an identifier to look for, and
        ``Rejected("names.too_long")`` for a name that is none.
        """
        self._refresh()
        parts = self._parts
        read = [(text, encode_name(read_name(text))) for text in query.names]
        surfaces = [text for text, name in read if name.words]
        asked = [name for _, name in read if name.words]
        keys = identifier_keys(query.identifiers)
        if not asked and not keys:
            raise Rejected("matching.empty_query", at="/names")
        wanted = min(limit, MAX_MATCHES)
        by_key = {key: self._holders(parts, key, labels) for key in keys}
        common = [key for key, places in by_key.items() if len(places) > COMMON_ABOVE]
        best: dict[tuple[int, int], _Best] = {
            place: _Best(_NO_NAME) for key, places in by_key.items() if key not in common for place in places
        }
        for number, name in enumerate(asked):
            for f, compared in self._compare(parts, name, labels, query, wanted):
                place = (f.part, parts[f.part].segment.subject_of_name(f.name))
                known = best.get(place)
                if known is None or compared.log_odds > known.log_odds:
                    best[place] = _Best(compared.log_odds, number, f.name, compared)
        self._names_of_holders(parts, asked, best)
        return _answers(parts, query, surfaces, asked, best, common, wanted)

    def _holders(self, parts: tuple[_Part, ...], key: tuple[str, str], labels: Labels) -> list[tuple[int, int]]:
        """Visible subjects that hold an identifier key."""
        hashed = key_hash(key)
        return [
            (place, subject)
            for place, part in enumerate(parts)
            for subject in part.segment.holders(hashed)
            if part.is_open(subject, labels) and key in identifier_keys(part.segment.subject(subject).identifiers)
        ]

    def _candidates(self, parts: tuple[_Part, ...], name: EncodedName, labels: Labels) -> list[_Found]:
        """Names worth comparing; the bound is taken over all segments together."""
        slots, own = asked_words(name)
        used: list[tuple[int, Searcher]] = []
        histogram = None
        for place, part in enumerate(parts):
            searcher = part.searchers.pop() if part.searchers else Searcher(part.segment)
            used.append((place, searcher))
            counted = searcher.collect(slots, own, part.open_names(labels))
            histogram = counted if histogram is None else histogram + counted
        found: list[_Found] = []
        least = least_of(histogram, CANDIDATES) if histogram is not None else 0
        for place, searcher in used:
            names, worths = searcher.pick(least)
            found += [_Found(place, n, w) for n, w in zip(names.tolist(), worths.tolist(), strict=True)]
            parts[place].searchers.append(searcher)
        return found

    def _compare(
        self, parts: tuple[_Part, ...], name: EncodedName, labels: Labels, query: Query, wanted: int
    ) -> list[tuple[_Found, scoring.Compared]]:
        """Candidate names compared letter by letter."""
        found = self._candidates(parts, name, labels)
        if len(found) > COMMON_ABOVE:
            found = _without_common(parts, found, query)
        if len(found) > _MOST_COMPARED:
            found.sort(key=lambda f: (-f.worth, parts[f.part].segment.id_of_name(f.name)))
            del found[_MOST_COMPARED:]
        most = len(found) if _has_evidence(query) else max(_CLOSER, wanted)
        return _compared(parts, name, found, most)

    def _names_of_holders(
        self, parts: tuple[_Part, ...], asked: list[EncodedName], best: dict[tuple[int, int], _Best]
    ) -> None:
        """Compare the names of subjects that an identifier brought in."""
        for (place, subject), known in best.items():
            if known.name >= 0 or not asked:
                continue
            segment = parts[place].segment
            for name in segment.subject_names(subject):
                for number, one in enumerate(asked):
                    compared = scoring.compare_encoded(one, segment.encoded(name))
                    if known.compared is None or compared.log_odds > known.log_odds:
                        known.log_odds, known.asked, known.name = compared.log_odds, number, name
                        known.compared = compared


_NO_NAME = -6.0
"""Log-odds before any evidence when no name can be compared."""


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


def _has_evidence(query: Query) -> bool:
    """Whether more than names was asked; then a lesser name may still win."""
    return bool(query.birth_dates or query.countries or query.gender or query.identifiers or query.birth_places)


def _compared(
    parts: tuple[_Part, ...], name: EncodedName, found: list[_Found], most: int
) -> list[tuple[_Found, scoring.Compared]]:
    """The asked name compared with the found ones; the ``most`` best over all segments, and their equals, come back."""
    results: list[tuple[float, _Found, scoring.Compared]] = []
    for place, part in enumerate(parts):
        mine = [f for f in found if f.part == place]
        results += [(rough, mine[k], one) for k, rough, one in part.compare(name, [f.name for f in mine], most)]
    if len(parts) > 1 and len(results) > most:
        bound = sorted((rough for rough, _, _ in results), reverse=True)[most - 1]
        results = [result for result in results if result[0] >= bound]
    return [(f, one) for _, f, one in results]


def _without_common(parts: tuple[_Part, ...], found: list[_Found], query: Query) -> list[_Found]:
    """Leave out names that over 1,000 visible records carry word for word, unless other evidence speaks for the
    record.
    """
    groups: dict[bytes, list[_Found]] = {}
    for f in found:
        groups.setdefault(parts[f.part].segment.words_key(f.name), []).append(f)
    kept: list[_Found] = []
    for group in groups.values():
        holders = {(f.part, parts[f.part].segment.subject_of_name(f.name)) for f in group}
        if len(holders) <= COMMON_ABOVE:
            kept += group
            continue
        for f in group:
            segment = parts[f.part].segment
            if segment.has_extras(f.name):
                told = features(query, segment.subject(segment.subject_of_name(f.name)))
                if sum(weight for _, weight, _ in told) > 1.0:
                    kept.append(f)
    return kept


def _answers(
    parts: tuple[_Part, ...],
    query: Query,
    surfaces: list[str],
    asked: list[EncodedName],
    best: dict[tuple[int, int], _Best],
    common: list[tuple[str, str]],
    wanted: int,
) -> list[Match]:
    """Evidence added, sorted by score and id, cut, explained."""
    ranked = []
    for (place, number), known in best.items():
        segment = parts[place].segment
        told = features(query, segment.subject(number), common=common) if segment.extras[number] else []
        total = known.log_odds + sum(weight for _, weight, _ in told)
        score = round(scoring.probability(total), 6)
        if score >= _LEAST_SCORE:
            ranked.append((-score, -round(total, 9), segment.ids[number], place, known, told))
    ranked.sort(key=lambda r: r[:3])
    answers = []
    for negative, odds, subject_id, place, known, told in ranked[:wanted]:
        explanation = _explanation(parts[place].segment, surfaces, asked, known, told)
        answers.append(Match(subject_id, -negative, band_of(-negative), explanation, -odds))
    return answers


def _explanation(
    segment: Segment,
    surfaces: list[str],
    asked: list[EncodedName],
    known: _Best,
    told: list[tuple[str, float, dict[str, Json]]],
) -> dict[str, Json]:
    evidence: list[Json] = [{"feature": name, "weight": weight, **detail} for name, weight, detail in told]
    if known.compared is None:
        return {"query_name": None, "name": None, "prior": _NO_NAME, "features": evidence, "alignment": []}
    return {
        "query_name": surfaces[known.asked],
        "name": segment.surfaces[known.name],
        "prior": round(known.compared.weights.bias, 3),
        "features": [*scoring.name_features(known.compared), *evidence],
        "alignment": scoring.align(asked[known.asked], segment.name_words(known.name), known.compared),
    }
