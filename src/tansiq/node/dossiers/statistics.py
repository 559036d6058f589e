"""Figures of a period: what was asked of whom, answered, refused and why, and what is late.

These are the figures that Directive (EU) 2023/977 asks for every year (Art. 18): requests submitted and received by State,
urgent or not, answered, refused by ground, and deviations from the time limits by ground; and beside them how many dossiers of
every kind were opened. They are counted from rows at the moment they are asked for; no copy of a figure is kept. What is of an
exercise counts nowhere, but on a training node, where all is one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Q, QuerySet, TextField
from django.db.models.functions import Cast

from tansiq.node.dossiers.models import Dossier, Entry
from tansiq.node.dossiers.policy import OfficerLike, counted_for, may_count
from tansiq.node.partners.queries import my_id

SENT, RECEIVED = "sent", "received"


def recorded_since(since: datetime) -> int:
    """How many entries, of whomever, came into this store since then."""
    return Entry.objects.filter(recorded_at__gte=since).count()


@dataclass(slots=True)
class Requests:
    """The requests for information between this node and one partner, in one direction."""

    partner: str
    direction: str
    total: int = 0
    urgent: int = 0
    answered: int = 0
    refused: int = 0
    withdrawn: int = 0
    open: int = 0
    overdue: int = 0


@dataclass(frozen=True, slots=True)
class Ground:
    """How often one ground was given for a refusal or for a deviation, by whom to whom."""

    act: str
    partner: str
    direction: str
    ground: str
    count: int


@dataclass(frozen=True, slots=True)
class Opened:
    """How many dossiers of one kind were opened here, and by others."""

    kind: str
    sent: int
    received: int


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of one period."""

    requests: list[Requests]
    grounds: list[Ground]
    kinds: list[Opened]


def figures(officer: OfficerLike, *, begins: datetime, ends: datetime, now: datetime) -> Figures:
    """What was opened from ``begins`` up to, not including, ``ends``, as far as it may be counted for ``officer``."""
    me = my_id()
    rows = Dossier.objects.filter(opened_at__gte=begins, opened_at__lt=ends).order_by()
    rows = rows if settings.NODE.exercise else rows.filter(exercise=False)
    groups = list(_groups(officer, rows, now))
    return Figures(_requests(groups, me), _grounds(rows.filter(counted_for(officer)), me), _kinds(groups, me))


@dataclass(frozen=True, slots=True)
class _Group:
    """Dossiers that are alike in all that is counted."""

    kind: str
    circle: str
    opened_by: str
    participants: tuple[str, ...]
    phase: str
    urgent: bool
    is_closed: bool
    count: int
    late: int


def _groups(officer: OfficerLike, rows: QuerySet[Dossier], now: datetime) -> Iterator[_Group]:
    """The dossiers of the period in groups, those that may be counted for the officer.

    The store is not asked for circles: it would leave the index that holds all of this for the rows, which are large.
    """
    late = Count("pk", filter=Q(is_closed=False, due_at__lt=now))
    fields = ("kind", "circle", "opened_by", Cast("participants", TextField()), "phase", "urgent", "is_closed")
    for kind, circle, opened_by, between, *told in rows.values_list(*fields).annotate(count=Count("pk"), late=late):
        group = _Group(kind, circle, opened_by, tuple(json.loads(between)), *told)
        if may_count(officer, group):
            yield group


def _requests(groups: Iterable[_Group], me: str) -> list[Requests]:
    found: dict[tuple[str, str], Requests] = {}
    for one in groups:
        if one.kind != "request":
            continue
        for partner, direction in _ways(one.opened_by, one.participants, me):
            line = found.setdefault((partner, direction), Requests(partner, direction))
            line.total += one.count
            line.urgent += one.count * one.urgent
            line.overdue += one.late
            if not one.is_closed:
                line.open += one.count
            elif one.phase in {"answered", "refused", "withdrawn"}:
                setattr(line, one.phase, getattr(line, one.phase) + one.count)
    return [found[key] for key in sorted(found)]


def _ways(opened_by: str, participants: Iterable[str], me: str) -> list[tuple[str, str]]:
    """With whom, and in which direction; a request to several partners in one dossier counts once for each of them."""
    if opened_by != me:
        return [(opened_by, RECEIVED)]
    return [(one, SENT) for one in participants if one != me]


def _grounds(rows: QuerySet[Dossier], me: str) -> list[Ground]:
    """Refusals that stand, and deviations, by their ground.

    Both sides of the first are read from an index alone and put together here: the store would look up every row. Deviations are few.
    """
    asked = rows.filter(kind="request").annotate(between=Cast("participants", TextField()))
    refused = {row: told for row, *told in asked.filter(phase="refused").values_list("pk", "opened_by", "between")}
    told: Counter[tuple[str, str, str, str]] = Counter()
    given = Entry.objects.filter(is_effective=True, ground__isnull=False).order_by()
    for dossier, ground in given.filter(act="refuse").values_list("dossier_id", "ground").iterator(chunk_size=5000):
        if dossier in refused:
            opened_by, between = refused[dossier]
            told["refuse", opened_by, between, ground] += 1
    deviated = given.filter(act="deviate", dossier__in=asked.values("pk"))
    between_them = Cast("dossier__participants", TextField())
    for row in deviated.values_list("act", "dossier__opened_by", between_them, "ground"):
        told[row] += 1
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for (act, opened_by, between, ground), count in told.items():
        for partner, direction in _ways(opened_by, json.loads(between), me):
            counts[act, partner, direction, ground] += count
    return [Ground(*key, count) for key, count in sorted(counts.items())]


def _kinds(groups: Iterable[_Group], me: str) -> list[Opened]:
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    for one in groups:
        (ours if one.opened_by == me else theirs)[one.kind] += one.count
    return [Opened(kind, ours[kind], theirs[kind]) for kind in sorted(ours | theirs)]
