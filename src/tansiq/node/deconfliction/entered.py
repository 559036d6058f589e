"""A plan as it is entered: the one strict reader for pages, command line and integrators."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tansiq.engine.blind.places import read_place
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.codes import code_list
from tansiq.engine.formats.ids import require_node_id
from tansiq.engine.formats.times import format_time, to_utc

MOST_SUBJECTS = 20
MOST_VALUES = 20
LONGEST_TEXT = 500
LONGEST_MARGIN_MIN = 24 * 60
_KNOWN = frozenset(
    {
        *("kind", "reference", "geometry", "buffer_m", "is_district", "times", "from", "to", "before_min", "after_min"),
        *("subjects", "contact", "leave_out", "reason"),
    }
)


@dataclass(frozen=True, slots=True)
class Entered:
    """What an officer enters of a plan; ``before`` and ``after`` are its margins, ``leave_out`` the partners that shall not be asked."""

    kind: str
    reference: str
    geometry: Mapping[str, Any]
    buffer_m: int
    begins_at: datetime
    ends_at: datetime
    before: timedelta
    after: timedelta
    contact: Mapping[str, str]
    is_district: bool = False
    times: tuple[datetime, ...] = ()
    subjects: tuple[Mapping[str, Any], ...] = ()
    leave_out: tuple[str, ...] = ()
    reason: str = field(default="", repr=False)

    @property
    def place(self) -> dict[str, Any]:
        """As a plan's row keeps it."""
        told: dict[str, Any] = {
            "geometry": dict(self.geometry),
            "buffer_m": self.buffer_m,
            "is_district": self.is_district,
        }
        return {**told, "times": [format_time(one) for one in self.times]} if self.times else told

    def columns(self) -> dict[str, Any]:
        """The columns of a plan's row that were entered."""
        return {
            "kind": self.kind,
            "reference": self.reference,
            "place": self.place,
            "begins_at": self.begins_at,
            "ends_at": self.ends_at,
            "before_s": int(self.before.total_seconds()),
            "after_s": int(self.after.total_seconds()),
            "subjects": [dict(one) for one in self.subjects],
            "contact": dict(self.contact),
        }


def read_plan(value: object, *, at: str = "") -> Entered:
    """Read a plan from JSON, or from a GeoJSON Feature whose properties are its other members.

    What is left out of buffer and margins takes the default of the plan's kind. Times are ISO 8601 with a zone. Raises
    Rejected("plan.malformed", at=…, wanted=…), ("plan.place_malformed"), ("plan.contact_needed"), ("codes.unknown_code").
    """
    told = _members(value, at)
    kind = _text(told, "kind", at)
    defaults = code_list("plan_kinds").entry(kind, at=f"{at}/kind").facts
    place = read_place(told.get("geometry"), at=f"{at}/geometry")
    times = _times(told, len(place.points) if place.shape == "route" else 0, at)
    begins = times[0] if times else _time(told.get("from"), f"{at}/from")
    ends = times[-1] if times else _time(told.get("to"), f"{at}/to")
    if ends <= begins:
        raise Rejected("plan.window_malformed", at=f"{at}/to")
    return Entered(
        kind=kind,
        reference=_text(told, "reference", at),
        geometry=place.to_geojson(),
        buffer_m=_number(told.get("buffer_m", defaults["buffer_m"]), 50_000, f"{at}/buffer_m"),
        begins_at=begins,
        ends_at=ends,
        before=_minutes(told, "before_min", defaults, at),
        after=_minutes(told, "after_min", defaults, at),
        contact=_contact(told.get("contact"), at),
        is_district=_truth(told.get("is_district", False), f"{at}/is_district"),
        times=times,
        subjects=tuple(_subject(one, f"{at}/subjects/{n}") for n, one in enumerate(_list(told, "subjects", at))),
        leave_out=tuple(require_node_id(one, at=f"{at}/leave_out") for one in _list(told, "leave_out", at)),
        reason=_text(told, "reason", at, is_needed=bool(told.get("leave_out"))),
    )


def _members(value: object, at: str) -> Mapping[str, Any]:
    if isinstance(value, Mapping) and value.get("type") == "Feature":
        properties = value.get("properties")
        value = {**(properties if isinstance(properties, Mapping) else {}), "geometry": value.get("geometry")}
    if not isinstance(value, Mapping):
        raise Rejected("plan.malformed", at=at or "/", wanted="object")
    for name in value:
        if name not in _KNOWN:
            raise Rejected("plan.malformed", at=f"{at}/{str(name)[:40]}", wanted="absent")
    return value


def _text(told: Mapping[str, Any], name: str, at: str, *, is_needed: bool = True) -> str:
    text = told.get(name, "")
    if not isinstance(text, str) or len(text) > LONGEST_TEXT or (is_needed and not text.strip()):
        raise Rejected("plan.malformed", at=f"{at}/{name}", wanted="text")
    return text.strip()


def _list(told: Mapping[str, Any], name: str, at: str) -> list[Any]:
    listed = told.get(name, [])
    if not isinstance(listed, list) or len(listed) > MOST_SUBJECTS:
        raise Rejected("plan.malformed", at=f"{at}/{name}", wanted="list")
    return listed


def _truth(value: object, at: str) -> bool:
    if not isinstance(value, bool):
        raise Rejected("plan.malformed", at=at, wanted="true or false")
    return value


def _number(value: object, most: int, at: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise Rejected("plan.malformed", at=at, wanted=f"0–{most}")
    return value


def _minutes(told: Mapping[str, Any], name: str, defaults: Mapping[str, Any], at: str) -> timedelta:
    return timedelta(minutes=_number(told.get(name, defaults[name]), LONGEST_MARGIN_MIN, f"{at}/{name}"))


def _time(value: object, at: str) -> datetime:
    """An instant; a text without its zone would mean something else on each side of a border."""
    try:
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise Rejected("plan.malformed", at=at, wanted="2026-11-22T20:00+01:00") from error
    if instant.utcoffset() is None:
        raise Rejected("plan.malformed", at=at, wanted="2026-11-22T20:00+01:00")
    return to_utc(instant)


def _times(told: Mapping[str, Any], positions: int, at: str) -> tuple[datetime, ...]:
    listed = told.get("times") or []
    if not listed:
        return ()
    if not isinstance(listed, list) or len(listed) != positions:
        raise Rejected("plan.malformed", at=f"{at}/times", wanted=f"{positions} × 2026-11-22T20:00+01:00")
    times = tuple(_time(one, f"{at}/times/{n}") for n, one in enumerate(listed))
    for number, (before, after) in enumerate(itertools.pairwise(times)):
        if after <= before:
            raise Rejected("plan.window_malformed", at=f"{at}/times/{number + 1}")
    return times


def _contact(value: object, at: str) -> dict[str, str]:
    """Name and telephone are what a partner gets at once, so they are never left out."""
    told = value if isinstance(value, Mapping) else {}
    contact = {name: told.get(name) or "" for name in ("name", "phone", "email")}
    if not all(isinstance(one, str) and len(one) <= LONGEST_TEXT and one.isprintable() for one in contact.values()):
        raise Rejected("plan.malformed", at=f"{at}/contact", wanted="text")
    if not contact["name"].strip() or not contact["phone"].strip():
        raise Rejected("plan.contact_needed", at=f"{at}/contact")
    return contact


def _subject(value: object, at: str) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not set(value) <= {"names", "birth_dates", "identifiers"} or not value:
        raise Rejected("plan.malformed", at=at, wanted="names, birth_dates, identifiers")
    found: dict[str, Any] = {}
    for name in ("names", "birth_dates"):
        listed = value.get(name, [])
        if not isinstance(listed, list) or len(listed) > MOST_VALUES or not all(_is_text(one) for one in listed):
            raise Rejected("plan.malformed", at=f"{at}/{name}", wanted="list")
        found[name] = list(listed)
    pairs = value.get("identifiers", [])
    if not isinstance(pairs, list) or len(pairs) > MOST_VALUES or not all(_is_pair(one) for one in pairs):
        raise Rejected("plan.malformed", at=f"{at}/identifiers", wanted='[["phone", "+212600000417"]]')
    return {**found, "identifiers": [list(pair) for pair in pairs]}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(_is_text(one) for one in value)
