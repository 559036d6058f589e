"""Which terms hold between two parties: the common terms, tightened by what either of them reserved.

Each term has a *meet*: the loosest value that is as tight as both given. A reservation is one that tightens exactly
if the meet with the common term gives the reserved value back; anything else loosens and is rejected by the name of
the term. Meets are associative, commutative and idempotent per term, so the order in which reservations are taken
does not matter, and adding one can only tighten.

Terms hold per *ordered* pair: what France sends to Morocco may stand under other reservations than what Morocco sends
to France.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tansiq.engine.accords.markings import Freedom, stricter_freedom
from tansiq.engine.accords.terms import (
    RESERVABLE,
    Blind,
    Permission,
    Reservation,
    Search,
    SearchMode,
    Terms,
    covers,
    widest,
)
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.ids import LANGUAGES
from tansiq.engine.formats.json_values import JsonValue, pointer

PERMISSIONS: Final[tuple[Permission, ...]] = ("permit", "approval", "never")
_SEARCH_MODES: Final[tuple[SearchMode, ...]] = ("none", "contact", "hit")


def stricter_permission(*permissions: Permission) -> Permission:
    """The least permissive of ``permit`` < ``approval`` < ``never``; ``permit`` when nothing is given."""
    return max(permissions, key=PERMISSIONS.index, default="permit")


def _common(one: tuple[str, ...], two: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(one) & set(two)))


def _common_areas(one: tuple[str, ...], two: tuple[str, ...]) -> tuple[str, ...]:
    both = {area for area in one if covers(two, area)} | {area for area in two if covers(one, area)}
    return widest(tuple(both))


def _permissions(common: Mapping[str, Permission], reserved: Mapping[str, Permission]) -> dict[str, Permission]:
    """Categories the common terms do not name are never permitted, whatever the other side says."""
    tightened = {code: stricter_permission(common.get(code, "never"), held) for code, held in reserved.items()}
    return {**common, **tightened}


def _search(one: Search, two: Search) -> Search:
    mode = min(one.mode, two.mode, key=_SEARCH_MODES.index)
    return Search(mode=mode, budget_per_day=min(one.budget_per_day, two.budget_per_day))


def _blind(one: Blind, two: Blind) -> Blind:
    return Blind(
        families=_common(one.families, two.families),
        budget_per_day=min(one.budget_per_day, two.budget_per_day),
        budget_per_officer=min(one.budget_per_officer, two.budget_per_officer),
        cells_per_day=min(one.cells_per_day, two.cells_per_day),
    )


def _rules(one: tuple[Any, ...], two: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*one, *(rule for rule in two if rule not in one))


def _freedom(one: Freedom, two: Freedom) -> Freedom:
    return stricter_freedom(one, two)


def _earlier(one: datetime | None, two: datetime | None) -> datetime | None:
    ends = [end for end in (one, two) if end is not None]
    return min(ends) if ends else None


MEETS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "kinds": _common,
    "purposes": _common,
    "crime_areas": _common_areas,
    "max_level": min,
    "handling_allowed": _common,
    "categories": _permissions,
    "flags": _permissions,
    "onward": _freedom,
    "evidence": _freedom,
    "urgent": stricter_permission,
    "search": _search,
    "blind": _blind,
    "approvals": _rules,
    "human_rights": _rules,
    "retention_days": min,
    "review_days": min,
    "in_force_from": max,
    "until": _earlier,
}
_ADDITIVE: Final = frozenset({"approvals", "human_rights"})


@dataclass(frozen=True, slots=True)
class PairTerms:
    """The terms for what ``sender`` sends to ``recipient``, and which party's reservation tightened which of them."""

    sender: str
    recipient: str
    terms: Terms
    reserved_by: Mapping[str, str] = field(default_factory=dict)

    def clause(self, term: str, key: str | None = None) -> str:
        """The place to cite for ``term``: in the instrument, or in the reservation that tightened it."""
        return self.terms.clause(term, key)


def applies(reservation: Reservation, *, party: str, sender: str, recipient: str) -> bool:
    """Whether ``party``'s reservation speaks about what ``sender`` sends to ``recipient``."""
    if party == sender:
        return reservation.direction != "receiving" and (not reservation.towards or recipient in reservation.towards)
    if party == recipient:
        return reservation.direction != "sending" and (not reservation.towards or sender in reservation.towards)
    return False


def check_reservation(terms: Terms, reservation: Reservation, *, party: str, at: str = "") -> None:
    """Raise ``Rejected("accord.reservation_loosens", term=…)`` for the first term that is not at least as tight."""
    if strangers := sorted(set(reservation.towards or ()) - set(terms.parties)):
        raise Rejected("accord.reservation_stranger", at=pointer(at, "towards"), party=party, given=strangers[0])
    for name in reservation.terms:
        if name in _ADDITIVE:
            continue
        common, reserved = getattr(terms, name), getattr(reservation, name)
        met = MEETS[name](common, reserved)
        if name in ("categories", "flags"):
            loosened = [code for code, held in reserved.items() if met[code] != held]
            if loosened:
                place = pointer(at, name, loosened[0])
                raise Rejected("accord.reservation_loosens", at=place, term=name, party=party)
        elif met != reserved:
            raise Rejected("accord.reservation_loosens", at=pointer(at, name), term=name, party=party)


def pair_terms(terms: Terms, reservations: Mapping[str, Reservation], sender: str, recipient: str) -> PairTerms:
    """The terms in force for what ``sender`` sends to ``recipient``; total, and never looser than ``terms``.

    The result is built without validation on purpose: two reservations together may leave nothing that is permitted.
    """
    values: dict[str, Any] = {}
    clauses = dict(terms.clauses)
    reserved_by: dict[str, str] = {}
    for party in sorted({sender, recipient} & reservations.keys()):
        reservation = reservations[party]
        if not applies(reservation, party=party, sender=sender, recipient=recipient):
            continue
        for name in reservation.terms:
            held = values.get(name, getattr(terms, name))
            met = MEETS[name](held, getattr(reservation, name))
            if met != held:
                values[name] = met
                reserved_by |= dict.fromkeys(_places(name, held, met), party)
                clauses |= {place: _reserved_clause(reservation, party, place) for place in _places(name, held, met)}
    if not values:
        return PairTerms(sender, recipient, terms)
    return PairTerms(sender, recipient, terms.model_copy(update={**values, "clauses": clauses}), reserved_by)


def effective_terms(terms: Terms, reservations: Mapping[str, Reservation], sender: str, recipient: str) -> Terms:
    """The terms of ``pair_terms`` alone: common terms tightened by both sides' reservations."""
    return pair_terms(terms, reservations, sender, recipient).terms


def _places(name: str, held: Any, met: Any) -> list[str]:
    """The clause keys that a reservation changed: the term, or for categories and flags each changed code."""
    if name in ("categories", "flags"):
        return [f"{name}.{code}" for code in sorted(met) if met[code] != held.get(code, "never")]
    return [name]


def _reserved_clause(reservation: Reservation, party: str, place: str) -> str:
    written = reservation.clauses.get(place) or reservation.clauses.get(place.partition(".")[0])
    return f"{party}: {written or place}"


@dataclass(frozen=True, slots=True)
class Explained:
    """One line of an accord as a person reads it: the term, its value, where it stands, and who tightened it."""

    term: str
    key: str | None
    value: JsonValue
    clause: str
    reserved_by: str | None = None


def explain(pair: PairTerms) -> tuple[Explained, ...]:
    """Every term between two parties in the order of ``Terms``, categories and flags one line each.

    Names and codes only; faces find the words in their own languages (term names stand in ``accord.labels.json``).
    """
    lines: list[Explained] = []
    values = pair.terms.to_json()
    for term in ("parties", *RESERVABLE, "ladders", "accreditations", "approver", "notice_days"):
        value = values[term]
        if term in ("categories", "flags") and isinstance(value, dict):
            keys: list[tuple[str | None, JsonValue]] = [(code, value[code]) for code in sorted(value)]
        else:
            keys = [(None, value)]
        for key, held in keys:
            place = term if key is None else f"{term}.{key}"
            lines.append(Explained(term, key, held, pair.clause(term, key), pair.reserved_by.get(place)))
    return tuple(lines)


def title_in(terms: Terms, language: str) -> str:
    """The title in ``language``, else in the first language it has."""
    return terms.title.get(language) or next(terms.title[held] for held in LANGUAGES if held in terms.title)
