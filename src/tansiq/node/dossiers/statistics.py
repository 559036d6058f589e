"""Figures of a period: what was asked of whom, answered, refused and why, and what is late.

These are the figures that Directive (EU) 2023/977 asks for every year (Art. 18): requests submitted and received by State,
urgent or not, answered, refused by ground, and deviations from the time limits by ground; and beside them how many dossiers of
every kind were opened. They are counted from rows at the moment they are asked for; no copy of a figure is kept. What is of an
exercise counts nowhere, but on a training node, where all is one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from tansiq.engine.formats import strict_json
from tansiq.node.dossiers.models import Dossier, Entry
from tansiq.node.dossiers.policy import OfficerLike, counted_for
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
    rows = _counted(officer).filter(opened_at__gte=begins, opened_at__lt=ends)
    return Figures(_requests(rows, me, now), _grounds(rows, me), _kinds(rows, me))


def _counted(officer: OfficerLike) -> QuerySet[Dossier]:
    rows = Dossier.objects.filter(counted_for(officer)).order_by()
    return rows if settings.NODE.exercise else rows.filter(exercise=False)


def _requests(rows: QuerySet[Dossier], me: str, now: datetime) -> list[Requests]:
    late = Count("pk", filter=Q(is_closed=False, due_at__lt=now))
    asked = rows.filter(kind="request").values_list("opened_by", "participants", "phase", "urgent", "is_closed")
    found: dict[tuple[str, str], Requests] = {}
    for opened_by, participants, phase, urgent, is_closed, count, overdue in asked.annotate(
        count=Count("pk"), late=late
    ):
        for partner, direction in _ways(opened_by, participants, me):
            line = found.setdefault((partner, direction), Requests(partner, direction))
            line.total += count
            line.urgent += count * urgent
            line.overdue += overdue
            if not is_closed:
                line.open += count
            elif phase in {"answered", "refused", "withdrawn"}:
                setattr(line, phase, getattr(line, phase) + count)
    return [found[key] for key in sorted(found)]


def _ways(opened_by: str, participants: Iterable[str], me: str) -> list[tuple[str, str]]:
    """With whom, and in which direction; a request to several partners in one dossier counts once for each of them."""
    if opened_by != me:
        return [(opened_by, RECEIVED)]
    return [(one, SENT) for one in participants if one != me]


def _grounds(rows: QuerySet[Dossier], me: str) -> list[Ground]:
    given = Entry.objects.filter(is_effective=True, dossier__in=rows.filter(kind="request").values("pk")).filter(
        Q(act="refuse", dossier__phase="refused") | Q(act="deviate")
    )
    counts: Counter[tuple[str, str, str, str]] = Counter()
    fields = ("act", "header", "dossier__opened_by", "dossier__participants")
    for act, header, opened_by, participants in given.order_by().values_list(*fields).iterator(chunk_size=2000):
        ground = str(strict_json.loads(bytes(header)).get("codes", {}).get("ground", ""))
        for partner, direction in _ways(opened_by, participants, me):
            counts[act, partner, direction, ground] += 1
    return [Ground(*key, count) for key, count in sorted(counts.items())]


def _kinds(rows: QuerySet[Dossier], me: str) -> list[Opened]:
    sent = Count("pk", filter=Q(opened_by=me))
    counted = rows.values_list("kind").annotate(count=Count("pk"), ours=sent).order_by("kind")
    return [Opened(kind, ours, total - ours) for kind, total, ours in counted]
