"""What is indexed, what is asked, who may see, and what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
Label: TypeAlias = str | int

MAX_MATCHES = 100
"""No search answers with more than this."""
USUAL_MATCHES = 50
"""Answers where nobody says how many."""
COMMON_ABOVE = 1000
"""A value found on more visible records than this is *common*: it never makes a match by itself."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A person, organisation, vessel or thing as the index knows it.

    ``birth_dates`` are partial ISO text (``1960``, ``1960-05``, ``1960-05-12``, Hijri and Solar Hijri years allowed);
    ``countries`` two-letter codes of nationality or residence; ``identifiers`` pairs of (type, value), the type any
    stable word (``passport``, ``phone``, ``iban`` …): only equal types are compared. Everything but ``subject_id`` may
    be empty: what is missing is neutral.
    """

    subject_id: str
    schema: str = "Person"
    names: tuple[str, ...] = ()
    birth_dates: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    gender: str | None = None
    identifiers: tuple[tuple[str, str], ...] = ()
    birth_places: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A question about a subject: the fields of ``Subject``, of which ``query_id`` only names the question."""

    names: tuple[str, ...] = ()
    schema: str = "Person"
    birth_dates: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    gender: str | None = None
    identifiers: tuple[tuple[str, str], ...] = ()
    birth_places: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    query_id: str = ""

    @classmethod
    def of(cls, subject: Subject) -> Query:
        """The question "who else is this?" about an indexed subject."""
        return cls(
            names=subject.names,
            schema=subject.schema,
            birth_dates=subject.birth_dates,
            countries=subject.countries,
            gender=subject.gender,
            identifiers=subject.identifiers,
            birth_places=subject.birth_places,
            parents=subject.parents,
            query_id=subject.subject_id,
        )


@dataclass(frozen=True, slots=True)
class Labels:
    """What an asker may see: a subject is visible if it carries any label that stands here.

    A subject carries its own labels (its circle, its discoverability, whatever the caller's policy puts there); the
    index only intersects sets, and does so before anything is counted or ranked.
    """

    allowed: frozenset[Label] = field(default_factory=frozenset)

    @classmethod
    def of(cls, *labels: Label) -> Labels:
        """``Labels.of("open", "circle:7")``."""
        return cls(frozenset(labels))

    def see(self, carried: Iterable[Label]) -> bool:
        """Whether a subject that carries these labels is visible."""
        return not self.allowed.isdisjoint(carried)


@dataclass(frozen=True, slots=True)
class Match:
    """One answer: ``score`` is a calibrated probability that it is the same subject, ``band`` its word for people,
    ``log_odds`` the same number before it is squeezed between 0 and 1 (it still tells apart what rounds to one score).

    ``explanation`` is JSON: ``name`` and ``query_name`` (the two spellings that matched), ``features`` (a list of
    ``{"feature", "weight", …}`` whose weights are natural log-odds and add up with ``prior`` to the score),
    ``alignment`` (letter by letter: ``[{"left", "right", "quality"}]`` in reading order, quality 0..1).
    """

    subject_id: str
    score: float
    band: str
    explanation: Mapping[str, Json]
    log_odds: float = 0.0


BANDS: tuple[tuple[float, str], ...] = ((0.9, "strong"), (0.5, "probable"), (0.1, "possible"), (0.0, "weak"))
"""Lower bound of score and its word. The measured precision and recall of each bound stand in ``docs/matching.md``."""


def band_of(score: float) -> str:
    """The word for a score."""
    return next(word for bound, word in BANDS if score >= bound)
