"""One search over a snapshot of segments: candidates, comparison, evidence, ranking, reasons.

Visibility comes first: hidden and removed subjects are closed before any posting is counted, and every score depends
on the question and the record alone. Names of the same words are compared once. Ranking stops as soon as no evidence
could lift what is left above the answers already found; reasons are told for the answers only.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tansiq.engine.errors import Rejected
from tansiq.engine.matching import scoring
from tansiq.engine.matching.asked import asked_words
from tansiq.engine.matching.beside import features_beside, most_beside
from tansiq.engine.matching.candidates import Bound, Searcher
from tansiq.engine.matching.encoding import EncodedName, encode_name
from tansiq.engine.matching.evidence import Feature, features, identifier_keys, key_hash, most_evidence
from tansiq.engine.matching.parts import Part
from tansiq.engine.matching.segment import Segment
from tansiq.engine.matching.subjects import COMMON_ABOVE, Json, Labels, Match, Query, band_of
from tansiq.engine.names import read_name

CANDIDATES = 120
"""Names compared closely for each name asked (more when several are worth the same)."""
_MOST_COMPARED = 600
"""Names of different words that are compared, at most."""
_CLOSER = 40
"""Names that are compared under every romanisation habit (more when more are wanted, all when there is other
evidence).
"""
_LEAST_SCORE = 0.0005
_NO_NAME = -6.0
"""Log-odds before any evidence when no name can be compared."""
_COMMON_NEEDS = 1.0
"""Other evidence must speak so much for a record that bears a common name."""
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Place = tuple[int, int]
"""A subject: which part, which number there."""
Key = tuple[str, str]


@dataclass(frozen=True)
class _Named:
    """The comparison that speaks best for a subject: which asked name, which of its own (as written)."""

    asked: int
    name: int
    compared: scoring.Compared


class _Found(NamedTuple):
    """The candidates of one asked name, those of the same words side by side: group ``g`` are the names ``order[k]``
    with ``starts[g] <= k < starts[g + 1]``.
    """

    places: Ints
    names: Ints
    order: Longs
    starts: Longs


class _Group(NamedTuple):
    """Visible names of the same words, compared with an asked name once."""

    odds: float
    asked: int
    found: _Found
    number: int
    comparisons: scoring.Comparisons
    line: int

    def members(self) -> list[Place]:
        """Where its names stand."""
        order, starts = self.found.order, self.found.starts
        own = order[starts[self.number] : starts[self.number + 1]]
        return list(zip(self.found.places[own].tolist(), self.found.names[own].tolist(), strict=True))

    def named(self, name: int) -> _Named:
        """The comparison for one of the members."""
        return _Named(self.asked, name, self.comparisons.line(self.line))


@dataclass(frozen=True)
class _Ranked:
    """A subject with its total log-odds and all that led to it; ``name`` is the group and member, or what was compared
    by itself.
    """

    total: float
    place: Place
    name: tuple[_Group, int] | _Named | None
    told: list[Feature]


def search(parts: Sequence[Part], query: Query, labels: Labels, wanted: int) -> list[Match]:
    """The best ``wanted`` visible subjects, best first (see ``Index.search``)."""
    read = [(text, encode_name(read_name(text))) for text in query.names]
    surfaces = [text for text, name in read if name.words]
    asked = [name for _, name in read if name.words]
    keys = identifier_keys(query.identifiers)
    if not asked and not keys:
        raise Rejected("matching.empty_query", at="/names")
    holders = {key: _holders(parts, key, labels) for key in keys}
    common = [key for key, places in holders.items() if len(places) > COMMON_ABOVE]
    held = {place for key, places in holders.items() if key not in common for place in places}
    evidence = most_evidence(query) + most_beside(query)
    groups = [g for n, name in enumerate(asked) for g in _groups(parts, n, name, labels, bool(evidence), wanted)]
    groups.sort(key=lambda group: -group.odds)
    ranking = _Ranking(parts, query, common, wanted)
    for place in held:
        ranking.add(place, _best_of(parts[place[0]].segment, place[1], asked))
    for group in groups:
        if ranking.is_settled(group.odds + evidence):
            break
        ranking.add_group(group)
    return _told(parts, surfaces, asked, ranking.best())


def _holders(parts: Sequence[Part], key: Key, labels: Labels) -> list[Place]:
    """Visible subjects that hold an identifier key."""
    hashed = key_hash(key)
    return [
        (place, subject)
        for place, part in enumerate(parts)
        for subject in part.segment.holders(hashed)
        if part.is_open(subject, labels) and key in identifier_keys(part.segment.subject(subject).identifiers)
    ]


def _best_of(segment: Segment, subject: int, asked: list[EncodedName]) -> _Named | None:
    """The best comparison of an asked name with one of a subject's."""
    best: _Named | None = None
    for name in segment.subject_names(subject):
        encoded = segment.encoded(name)
        for number, one in enumerate(asked if encoded.words else ()):
            compared = scoring.compare_encoded(one, encoded)
            if best is None or compared.log_odds > best.compared.log_odds:
                best = _Named(number, name, compared)
    return best


def _groups(
    parts: Sequence[Part], asked: int, name: EncodedName, labels: Labels, evidence: bool, wanted: int
) -> Iterator[_Group]:
    """Candidate names by the words they consist of, compared letter by letter."""
    places, names, worths, keys = _candidates(parts, name, labels, every=evidence)
    if not len(keys):
        return
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    begins = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    first, found = order[begins], _Found(places, names, order, np.append(begins, len(keys)))
    chosen = np.arange(len(first))
    if len(first) > _MOST_COMPARED:
        chosen = np.lexsort((ordered[begins], -worths[first]))[:_MOST_COMPARED]
    most = len(chosen) if evidence else max(_CLOSER, wanted)
    compared = []
    for place, part in enumerate(parts):
        mine = chosen[places[first[chosen]] == place]
        if len(mine):
            compared.append((mine, part.compare(name, names[first[mine]], most)))
    bound = _least_rough([c for _, c in compared], most)
    for mine, comparisons in compared:
        lines = zip(
            mine[comparisons.place].tolist(), comparisons.rough.tolist(), comparisons.odds.tolist(), strict=True
        )
        for line, (number, rough, odds) in enumerate(lines):
            if rough >= bound:
                yield _Group(odds, asked, found, number, comparisons, line)


def _least_rough(compared: list[scoring.Comparisons], most: int) -> float:
    """What the ``most``-th best of all has at first look, where names were compared segment by segment."""
    if len(compared) < 2:
        return -np.inf
    rough = np.concatenate([one.rough for one in compared])
    return float(np.partition(rough, len(rough) - most)[len(rough) - most]) if len(rough) > most else -np.inf


def _count_subjects(parts: Sequence[Part], names: list[Place]) -> int:
    return len({(part, parts[part].segment.subject_of_name(name)) for part, name in names})


def _candidates(
    parts: Sequence[Part], name: EncodedName, labels: Labels, *, every: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Names worth comparing: part, number there, worth, key; the bound is taken over all segments together."""
    asked, own = asked_words(name)
    bound, used = Bound(CANDIDATES), []
    for part in parts:
        searcher = part.searchers.pop() if part.searchers else Searcher(part.segment)
        used.append(searcher)
        searcher.collect(asked, own, part.open_names(labels), bound)
    found = []
    for place, searcher in enumerate(used):
        names, worths, keys = searcher.pick(bound.least(every=every))
        found.append((np.full(len(names), place), names, worths, keys))
        parts[place].searchers.append(searcher)
    if len(found) == 1:
        return found[0]
    empty = (np.zeros(0, int), np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint64))
    places, names, worths, keys = (np.concatenate(column) for column in zip(empty, *found, strict=True))
    return places, names, worths, keys


class _Ranking:
    """Subjects by total log-odds, each by the first name that brought it in (groups come best first)."""

    def __init__(self, parts: Sequence[Part], query: Query, common: list[Key], wanted: int) -> None:
        self._parts, self._query, self._common, self._wanted = parts, query, common, wanted
        self._seen: set[Place] = set()
        self._found: list[_Ranked] = []
        self._totals: list[float] = []

    def is_settled(self, most: float) -> bool:
        """Whether what can reach ``most`` at best can no longer be among the answers."""
        return len(self._totals) >= self._wanted and round(most, 9) < self._totals[0]

    def add(self, place: Place, named: _Named | None) -> None:
        """A subject that an identifier brought in."""
        self._seen.add(place)
        told = self._told(place)
        self._take(_Ranked((named.compared.log_odds if named else _NO_NAME) + _sum(told), place, named, told))

    def add_group(self, group: _Group) -> None:
        """The subjects that bear a name of a group."""
        members = group.members()
        common = len(members) > COMMON_ABOVE and _count_subjects(self._parts, members) > COMMON_ABOVE
        for part, name in members:
            place = (part, self._parts[part].segment.subject_of_name(name))
            if place in self._seen:
                continue
            self._seen.add(place)
            told = self._told(place)
            if not common or _sum(told) > _COMMON_NEEDS:
                self._take(_Ranked(group.odds + _sum(told), place, (group, name), told))

    def _told(self, place: Place) -> list[Feature]:
        segment = self._parts[place[0]].segment
        if not segment.has_more(place[1]):
            return []
        subject = segment.beside_names(place[1])
        return [*features(self._query, subject, common=self._common), *features_beside(self._query, subject)]

    def _take(self, ranked: _Ranked) -> None:
        if scoring.probability(ranked.total) < _LEAST_SCORE:
            return
        self._found.append(ranked)
        push = heapq.heappush if len(self._totals) < self._wanted else heapq.heappushpop
        push(self._totals, round(ranked.total, 9))

    def best(self) -> list[_Ranked]:
        """The answers in order: by total, equal ones by id."""
        least = self._totals[0] if self._totals else 0.0
        kept = [ranked for ranked in self._found if round(ranked.total, 9) >= least]
        return sorted(kept, key=lambda r: (-round(r.total, 9), self._parts[r.place[0]].segment.ids[r.place[1]]))[
            : self._wanted
        ]


def _sum(told: list[Feature]) -> float:
    return sum(weight for _, weight, _ in told)


def _told(parts: Sequence[Part], surfaces: list[str], asked: list[EncodedName], best: list[_Ranked]) -> list[Match]:
    """The answers with their reasons."""
    named = [r.name[0].named(r.name[1]) if isinstance(r.name, tuple) else r.name for r in best]
    features = iter(scoring.name_features([one.compared for one in named if one is not None]))
    told = []
    for ranked, one in zip(best, named, strict=True):
        segment = parts[ranked.place[0]].segment
        evidence: list[Json] = [{"feature": name, "weight": weight, **detail} for name, weight, detail in ranked.told]
        explanation: dict[str, Json]
        if one is None:
            explanation = {"query_name": None, "name": None, "prior": _NO_NAME, "features": evidence, "alignment": []}
        else:
            explanation = {
                "query_name": surfaces[one.asked],
                "name": segment.surfaces[one.name],
                "prior": round(one.compared.weights.bias, 3),
                "features": [*next(features), *evidence],
                "alignment": scoring.align(asked[one.asked], segment.name_words(one.name), one.compared),
            }
        score = round(scoring.probability(ranked.total), 6)
        told.append(Match(segment.ids[ranked.place[1]], score, band_of(score), explanation, round(ranked.total, 9)))
    return told
