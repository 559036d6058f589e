"""The duty roster: who of a unit answers at which hour, in which rank, and when nobody does.

A unit has three ranks; rank 1 is called first. Whoever is absent is replaced, in the same rank, by whoever the absence
names, unless that officer is away as well; so it is with one who has left. Reads only; the writes stand in ``actions``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from django.db.models import QuerySet

from tansiq.node.accounts.models import Absence, Officer, Shift

RANKS = (1, 2, 3)
ON_CALL_ROLES = frozenset({"duty", "liaison"})
"""Who is called when the roster names nobody, and with everybody when nobody answers."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One officer in one rank, until when, and in whose place."""

    rank: int
    officer: Officer
    until: datetime
    instead_of: Officer | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Nobody stands in a rank from one instant to another."""

    rank: int
    starts_at: datetime
    ends_at: datetime


def on_duty(unit: str, at: datetime) -> list[Standing]:
    """Who stands in which rank of the unit at that instant, first rank first."""
    shifts = list(_shifts(unit).filter(starts_at__lte=at, ends_at__gt=at).order_by("rank", "starts_at", "id"))
    return _standing(shifts, _absences(at, at), at)


def _shifts(unit: str) -> QuerySet[Shift]:
    return Shift.objects.filter(unit__code=unit).select_related("officer", "unit")


def _absences(start: datetime, end: datetime) -> list[Absence]:
    rows = Absence.objects.filter(starts_at__lte=end, ends_at__gt=start)
    return list(rows.select_related("officer", "replacement"))


def _standing(shifts: Iterable[Shift], absences: Iterable[Absence], at: datetime) -> list[Standing]:
    away = {row.officer_id: row for row in absences if row.starts_at <= at < row.ends_at}
    found = []
    for shift in shifts:
        absence = away.get(shift.officer_id)
        if absence is None:
            if shift.officer.is_active:
                found.append(Standing(shift.rank, shift.officer, shift.ends_at))
            continue
        instead = absence.replacement
        if instead is not None and instead.is_active and instead.pk not in away:
            found.append(Standing(shift.rank, instead, min(shift.ends_at, absence.ends_at), shift.officer))
    return found


def gaps(unit: str, start: datetime, end: datetime) -> list[Gap]:
    """When nobody stands in a rank between two instants: in rank 1 always, in the others where they are used at all."""
    shifts = list(_shifts(unit).filter(starts_at__lt=end, ends_at__gt=start))
    absences = _absences(start, end)
    marks = {start, end}
    for row in (*shifts, *absences):
        marks |= {instant for instant in (row.starts_at, row.ends_at) if start < instant < end}
    found: list[Gap] = []
    ordered = sorted(marks)
    ranks = sorted({1} | {shift.rank for shift in shifts})
    for begin, finish in pairwise(ordered):
        here = [shift for shift in shifts if shift.starts_at <= begin < shift.ends_at]
        covered = {standing.rank for standing in _standing(here, absences, begin)}
        found += [Gap(rank, begin, finish) for rank in ranks if rank not in covered]
    return _joined(found)


def _joined(found: Iterable[Gap]) -> list[Gap]:
    """Gaps of one rank that touch are one."""
    joined: list[Gap] = []
    for gap in sorted(found, key=lambda gap: (gap.rank, gap.starts_at)):
        last = joined[-1] if joined else None
        if last is not None and last.rank == gap.rank and last.ends_at == gap.starts_at:
            joined[-1] = Gap(gap.rank, last.starts_at, gap.ends_at)
        else:
            joined.append(gap)
    return sorted(joined, key=lambda gap: (gap.starts_at, gap.rank))


def shifts_between(unit: str, start: datetime, end: datetime) -> list[Shift]:
    """The unit's shifts that touch the time, in their order."""
    return list(_shifts(unit).filter(starts_at__lt=end, ends_at__gt=start))


def absences_from(at: datetime) -> list[Absence]:
    """Absences that are not over."""
    return list(Absence.objects.filter(ends_at__gt=at).select_related("officer", "replacement"))


def shifts_of(officer: Officer, at: datetime) -> list[Shift]:
    """The officer's shifts that have not ended."""
    return list(Shift.objects.filter(officer=officer, ends_at__gt=at))


def everybody(circle: str) -> list[Officer]:
    """Every active officer of the circle whose role answers calls; of the whole node where the circle is empty."""
    rows = Officer.objects.filter(is_active=True).select_related("unit").prefetch_related("teams")
    called = [officer for officer in rows if officer.has_role(*ON_CALL_ROLES)]
    return [officer for officer in called if not circle or circle in officer.circles]
