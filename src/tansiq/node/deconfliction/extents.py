"""From a plan to the keys under which it may be met, and whether two sets of keys meet: pure, nothing is read or written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from tansiq.engine.blind import cells
from tansiq.engine.blind.cells import Cells, Extent, Stretch
from tansiq.engine.blind.keys import question_keys, record_keys
from tansiq.engine.blind.places import read_place
from tansiq.engine.formats.times import parse_time

SUBJECT_FAMILIES = ("identifier", "pair_day", "word_day")
"""The families of keys under which two plans are about the same subject: those that hardly ever meet by chance."""


class PlanLike(Protocol):
    """What is asked of a plan here."""

    place: Any
    subjects: Any
    begins_at: datetime
    ends_at: datetime
    before_s: int
    after_s: int


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one plan: its cells, and of its subjects those that are asked and those that may be hit."""

    cells: Cells
    asked: tuple[str, ...] = ()
    filed: tuple[str, ...] = ()

    def to_find(self, level: str) -> tuple[str, ...]:
        """What of the plan a question of this level may hit."""
        if level == "coarse":
            return self.cells.coarse
        return (*self.cells.fine, *self.cells.district) if level == "fine" else self.filed


def extent_of(plan: PlanLike) -> Extent:
    """Where and when a plan is, its margins included; a moving one in a stretch for each leg."""
    place = read_place(plan.place["geometry"], at="/geometry")
    before, after = timedelta(seconds=plan.before_s), timedelta(seconds=plan.after_s)
    times = [parse_time(one) for one in plan.place.get("times") or []]
    if times:
        legs = zip(place.sides(), times, times[1:], strict=False)
        stretches = tuple(Stretch(side, begins - before, ends + after) for side, begins, ends in legs)
    else:
        stretches = (Stretch(place, plan.begins_at - before, plan.ends_at + after),)
    return Extent(stretches, float(plan.place["buffer_m"]), bool(plan.place.get("is_district")))


def keys_of(plan: PlanLike, *, families: Sequence[str] = SUBJECT_FAMILIES) -> Keys:
    """All keys of a plan; those of its subjects of the given families only. Raises as ``cells_of`` and ``question_keys``."""
    wanted = [family for family in SUBJECT_FAMILIES if family in families]
    asked: set[str] = set()
    filed: set[str] = set()
    for subject in plan.subjects:
        told = _told(subject)
        for listed in question_keys(*told, families=wanted).values():
            asked.update(listed)
        for family, listed in record_keys(*told).items():
            if family in wanted:
                filed.update(listed)
    return Keys(cells.cells_of(extent_of(plan)), tuple(sorted(asked)), tuple(sorted(filed)))


def _told(subject: Mapping[str, Any]) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    identifiers = [(str(kind), str(value)) for kind, value in subject.get("identifiers", [])]
    return list(subject.get("names", [])), list(subject.get("birth_dates", [])), identifiers


@dataclass(frozen=True, slots=True)
class Meeting:
    """How two plans meet: the levels, strongest first, and from which slot to which; no levels where they do not."""

    levels: tuple[str, ...]
    begins_at: datetime | None = None
    ends_at: datetime | None = None


def meeting_of(met: Iterable[str], *, is_district: bool) -> Meeting:
    """What keys that were met amount to for the plan that asked them.

    A fine cell is *close*, a district cell *district*; a coarse one only where the asking plan is itself known as a district.
    """
    places: dict[str, list[str]] = {"close": [], "district": []}
    has_subject = False
    for key in met:
        if not key.startswith(f"{cells.SCHEME}|"):
            has_subject = True
            continue
        level = cells.read_key(key)[0]
        if level == "fine":
            places["close"].append(key)
        elif level == "district" or is_district:
            places["district"].append(key)
    levels = [level for level, keys in places.items() if keys]
    # A narrower window is the truer one: a district's slots have four hours.
    narrowest = places["close"] or places["district"]
    window = cells.window_of(narrowest) if narrowest else (None, None)
    return Meeting((*levels, *(["subject"] if has_subject else [])), *window)


def meet(one: Keys, other: Keys, *, is_district: bool) -> Meeting:
    """How a plan with the keys ``one`` (``is_district``: its own place is one) meets another of the same node."""
    met = set(one.cells.fine) & set(other.cells.fine)
    if is_district:
        met |= set(one.cells.coarse) & set(other.cells.coarse)
    else:
        districts = {key.replace("|coarse|", "|district|") for key in one.cells.coarse}
        met |= districts & set(other.cells.district)
    return meeting_of([*met, *(set(one.asked) & set(other.filed))], is_district=is_district)
