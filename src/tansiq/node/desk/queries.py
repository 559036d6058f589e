"""Reading the desk: what needs this officer now, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.times import format_time, parse_time
from tansiq.node.desk.models import OPEN, SavedView, Task
from tansiq.node.desk.policy import Viewer
from tansiq.node.vault.prepared import Select

PAGE = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Some tasks in order, and the cursor after which the next page begins (None at the end)."""

    tasks: list[Task]
    after: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many open tasks an officer has before them."""

    total: int
    urgent: int
    overdue: int
    snoozed: int
    exercise: int
    by_kind: dict[str, int]


def list_for(
    viewer: Viewer,
    *,
    now: datetime,
    limit: int = PAGE,
    after: str | None = None,
    kinds: list[str] | None = None,
    urgent: bool | None = None,
    due_before: datetime | None = None,
    circle: str | None = None,
    colleagues: bool = False,
    snoozed: bool = False,
    exercise: bool = False,
) -> Page:
    """One page of open tasks, urgent first, then by due time, then by age.

    Without ``colleagues`` only what needs this viewer: neither owned nor taken by somebody else. Without ``snoozed``
    what is put off stays out. What is of an exercise never lies beside what is real: ``exercise`` shows it, and it
    alone. ``after`` is a cursor of an earlier page; raises ``Rejected("desk.bad_cursor")`` for anything else.
    """
    rows = _visible(viewer, colleagues=colleagues).filter(exercise=exercise)
    if not snoozed:
        rows = rows.exclude(snoozed_until__gt=now)
    if kinds is not None:
        rows = rows.filter(kind__in=kinds)
    if urgent is not None:
        rows = rows.filter(urgent=urgent)
    if due_before is not None:
        rows = rows.filter(due_at__lt=due_before)
    if circle is not None:
        rows = rows.filter(circle=circle)
    if after is not None:
        rows = rows.filter(_beyond(after))
    found = list(rows.order_by("-urgent", "sorts_at", "id")[: limit + 1])
    return Page(found[:limit], _cursor(found[limit - 1]) if len(found) > limit else None)


def count_held_by(officer: str) -> int:
    """How many open tasks this officer took, or that concern this officer alone."""
    return Task.objects.filter(Q(taken_by=officer) | Q(owner=officer), state=OPEN).count()


def counts_for(viewer: Viewer, *, now: datetime) -> Counts:
    """The figures at the head of a desk; what is put off is counted apart, and so is what is of an exercise."""
    before = _visible(viewer, colleagues=False)
    rows = before.filter(exercise=False)
    awake = rows.exclude(snoozed_until__gt=now)
    figures = awake.aggregate(
        total=Count("id"), urgent=Count("id", filter=Q(urgent=True)), overdue=Count("id", filter=Q(due_at__lt=now))
    )
    kinds = {row["kind"]: row["count"] for row in awake.values("kind").annotate(count=Count("id")).order_by("kind")}
    snoozed = rows.filter(snoozed_until__gt=now).count()
    return Counts(
        figures["total"], figures["urgent"], figures["overdue"], snoozed, before.filter(exercise=True).count(), kinds
    )


def get_task_for(viewer: Viewer, key: str) -> Task:
    """The task of this key, settled or not; ``Rejected("desk.unknown_task")`` if there is none or none of theirs."""
    task = _concerning(viewer).filter(key=key).first()
    if task is None:
        raise Rejected("desk.unknown_task", key=key)
    return task


def views_of(viewer: Viewer) -> list[SavedView]:
    """How this viewer likes to look at the desk, in the order in which the views were kept."""
    return list(SavedView.objects.filter(officer=viewer.reference))


def states_for(viewer: Viewer) -> dict[str, datetime]:
    """Every open task that concerns this viewer, with when it last changed; for machines, which are told of each state once."""
    rows = _concerning(viewer).filter(state=OPEN, exercise=False)
    return dict(rows.order_by("key").values_list("key", "changed_at"))


def changed_since(at: datetime) -> QuerySet[Task]:
    """Whom every task concerns that changed at ``at`` or later, settled ones too; for the machine, which tells open desks."""
    return Task.objects.filter(changed_at__gte=at).only("id", "changed_at", "circle", "owner")


_OPEN = Select(Task, ("key", "state"), fields=("id",))


def is_open(key: str) -> bool:
    """Whether a task of this key is open; for the machine."""
    return _OPEN.exists(key, OPEN)


def open_keys(kind: str) -> list[str]:
    """The keys of all open tasks of a kind; for the machine, which settles those that nothing calls for any more."""
    return list(Task.objects.filter(kind=kind, state=OPEN).order_by("key").values_list("key", flat=True))


def _concerning(viewer: Viewer) -> QuerySet[Task]:
    """``policy.may_see`` as a condition."""
    in_circle = Q(circle__in=list(viewer.circles)) | Q(owner=viewer.reference)
    return Task.objects.filter(Q(in_circle, ~Q(circle="")) | Q(circle="", owner__in=["", viewer.reference]))


def _visible(viewer: Viewer, *, colleagues: bool) -> QuerySet[Task]:
    rows = _concerning(viewer).filter(state=OPEN)
    if colleagues:
        return rows
    mine = ["", viewer.reference]
    return rows.filter(Q(taken_by=viewer.reference) | Q(taken_by="", owner__in=mine))


def _cursor(task: Task) -> str:
    return f"{int(task.urgent)}/{format_time(task.sorts_at)}/{task.pk}"


def _beyond(cursor: str) -> Q:
    urgent, _, rest = cursor.partition("/")
    moment, _, number = rest.partition("/")
    if urgent not in ("0", "1") or not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Rejected("desk.bad_cursor", at="after")
    at = parse_time(moment, at="after")
    later = Q(urgent=urgent == "1") & (Q(sorts_at__gt=at) | Q(sorts_at=at, id__gt=int(number)))
    return later | Q(urgent=False) if urgent == "1" else later
