"""An accord as it stands: which versions are in force among whom, with which reservations, and who has left.

A projection, never the record: it is made from the accord's dossier (``kinds.accord.in_force``) and can be made again
at any time. Two versions may be in force at once: until every party has ratified the amended one, the old one goes on
among its ratifiers. Everything that depends on the time is asked with ``now``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal, TypeAlias

from tansiq.engine.accords.terms import Reservation, Terms, read_reservation, read_terms
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.json_values import JsonValue, pointer
from tansiq.engine.formats.times import format_time, parse_time

Status: TypeAlias = Literal["pending", "in_force", "suspended", "denounced"]

STATUSES: Final[tuple[Status, ...]] = ("pending", "in_force", "suspended", "denounced")


@dataclass(frozen=True, slots=True)
class Version:
    """One version that at least two parties have ratified, with the reservations each of them made to it."""

    digest: str
    terms: Terms
    ratified: frozenset[str]
    reservations: Mapping[str, Reservation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccordInForce:
    """The accord through one of its versions (the newest, unless another was chosen).

    ``denounced`` says from when each leaving party is out; ``suspended`` which parties stand aside. ``status`` is the
    whole accord's: a single party's leaving shows in those two alone. ``versions`` are all in force, newest first.
    """

    accord_id: str
    version_digest: str | None = None
    terms: Terms | None = None
    reservations: Mapping[str, Reservation] = field(default_factory=dict)
    ratified: frozenset[str] = frozenset()
    status: Status = "in_force"
    suspended: frozenset[str] = frozenset()
    denounced: Mapping[str, datetime] = field(default_factory=dict)
    versions: tuple[Version, ...] = ()

    def through(self, version: Version) -> AccordInForce:
        """The same accord seen through another of its versions."""
        return replace(
            self,
            version_digest=version.digest,
            terms=version.terms,
            ratified=version.ratified,
            reservations=version.reservations,
        )

    def at_version(self, digest: str) -> AccordInForce | None:
        """The accord through the version a dossier pins, or None when that version is not in force here."""
        if digest == self.version_digest:
            return self
        return next((self.through(version) for version in self.versions if version.digest == digest), None)

    def among(self, parties: Iterable[str]) -> AccordInForce:
        """The accord through the newest version that all ``parties`` ratified; unchanged when there is none."""
        wanted = frozenset(parties)
        if wanted <= self.ratified:
            return self
        return next((self.through(version) for version in self.versions if wanted <= version.ratified), self)

    def status_at(self, now: datetime) -> Status:
        """The status counting the denunciations that have taken effect: fewer than two left means denounced."""
        if self.status != "in_force":
            return self.status
        left = {party for party in self.ratified if party not in self.denounced or now < self.denounced[party]}
        if len(left) < 2:
            return "denounced"
        return "suspended" if len(left - self.suspended) < 2 else "in_force"

    def to_json(self) -> dict[str, JsonValue]:
        """For the projection's row; the newest version stands in ``versions`` too when there is one."""
        return {
            "accord_id": self.accord_id,
            "version_digest": self.version_digest,
            "terms": None if self.terms is None else self.terms.to_json(),
            "reservations": _reservations_json(self.reservations),
            "ratified": [*sorted(self.ratified)],
            "status": self.status,
            "suspended": [*sorted(self.suspended)],
            "denounced": {party: format_time(at) for party, at in sorted(self.denounced.items())},
            "versions": [
                {
                    "digest": version.digest,
                    "terms": version.terms.to_json(),
                    "ratified": [*sorted(version.ratified)],
                    "reservations": _reservations_json(version.reservations),
                }
                for version in self.versions
            ],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object], *, at: str = "") -> AccordInForce:
        """Read what ``to_json`` wrote."""
        found = _object(value, at=at)
        terms = found.get("terms")
        status = found.get("status")
        if status not in STATUSES:
            raise _malformed(pointer(at, "status"), "status")
        denounced = _object(found.get("denounced"), at=pointer(at, "denounced"))
        return cls(
            accord_id=_text(found, "accord_id", at=at),
            version_digest=None if found.get("version_digest") is None else _text(found, "version_digest", at=at),
            terms=None if terms is None else read_terms(terms, at=pointer(at, "terms")),
            reservations=_reservations(found.get("reservations"), at=pointer(at, "reservations")),
            ratified=_texts(found.get("ratified"), at=pointer(at, "ratified")),
            status=next(known for known in STATUSES if known == status),
            suspended=_texts(found.get("suspended"), at=pointer(at, "suspended")),
            denounced={
                party: parse_time(time, at=pointer(at, "denounced", party)) for party, time in denounced.items()
            },
            versions=tuple(
                _version(_object(item, at=pointer(at, "versions", index)), at=pointer(at, "versions", index))
                for index, item in enumerate(_list(found.get("versions"), at=pointer(at, "versions")))
            ),
        )


def _version(found: Mapping[str, object], *, at: str) -> Version:
    return Version(
        digest=_text(found, "digest", at=at),
        terms=read_terms(found.get("terms"), at=pointer(at, "terms")),
        ratified=_texts(found.get("ratified"), at=pointer(at, "ratified")),
        reservations=_reservations(found.get("reservations"), at=pointer(at, "reservations")),
    )


def _reservations_json(reservations: Mapping[str, Reservation]) -> dict[str, JsonValue]:
    return {party: reservation.to_json() for party, reservation in sorted(reservations.items())}


def _reservations(value: object, *, at: str) -> dict[str, Reservation]:
    return {party: read_reservation(held, at=pointer(at, party)) for party, held in _object(value, at=at).items()}


def _malformed(at: str, wanted: str) -> Rejected:
    return Rejected("accord.projection_malformed", at=at, wanted=wanted)


def _object(value: object, *, at: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise _malformed(at, "object")
    return value


def _list(value: object, *, at: str) -> list[object]:
    if not isinstance(value, list):
        raise _malformed(at, "list")
    return value


def _text(found: Mapping[str, object], key: str, *, at: str) -> str:
    text = found.get(key)
    if not isinstance(text, str):
        raise _malformed(pointer(at, key), "text")
    return text


def _texts(value: object, *, at: str) -> frozenset[str]:
    texts = _list(value, at=at)
    if not all(isinstance(text, str) for text in texts):
        raise _malformed(at, "list of text")
    return frozenset(str(text) for text in texts)
