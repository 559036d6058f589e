"""Who sees a task and what they may do with it: pure, a viewer and a task in, yes or no out."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Protocol

from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.engine.formats.times import format_time
from tansiq.node.desk.models import OPEN, Task


class Viewer(Protocol):
    """An officer, as far as the desk is concerned."""

    @property
    def reference(self) -> str:
        """The opaque officer id."""
        ...

    @property
    def circles(self) -> AbstractSet[str]:
        """The circles the officer belongs to."""
        ...


def may_see(viewer: Viewer, task: Task) -> bool:
    """Whether the task concerns the viewer: as its owner, as one of its circle, or as everybody."""
    if task.circle:
        return task.circle in viewer.circles or task.owner == viewer.reference
    return task.owner in ("", viewer.reference)


def is_held_by(viewer: Viewer, task: Task) -> bool:
    """Whether the viewer is the one who deals with the task: took it, or owns it and nobody took it."""
    return viewer.reference == (task.taken_by or task.owner)


def require_open(task: Task) -> None:
    """Raises ``Conflict("desk.settled")`` once what the task asked for has happened."""
    if task.state != OPEN:
        raise Conflict("desk.settled", key=task.key)


def require_takeable(viewer: Viewer, task: Task) -> None:
    """Raises ``Conflict("desk.taken")`` while a colleague has the task."""
    require_open(task)
    if task.taken_by not in ("", viewer.reference):
        raise Conflict("desk.taken", by=task.taken_by, key=task.key)


def may_take_over(colleague: Viewer, task: Task) -> bool:
    """Whether the colleague may see the task, and nobody else owns it: a hand-over tells nobody what is not theirs to know."""
    return may_see(colleague, task) and task.owner in ("", colleague.reference)


def require_may_take_over(colleague: Viewer, task: Task) -> None:
    """Raises ``Refused("desk.not_theirs")`` unless :func:`may_take_over`."""
    if not may_take_over(colleague, task):
        raise Refused("desk.not_theirs", key=task.key)


def require_held(viewer: Viewer, task: Task) -> None:
    """Raises ``Conflict("desk.not_yours")`` unless the viewer deals with the task."""
    require_open(task)
    if not is_held_by(viewer, task):
        raise Conflict("desk.not_yours", key=task.key)


def require_snooze(viewer: Viewer, task: Task, until: datetime, now: datetime) -> None:
    """Raises unless the viewer deals with the task and ``until`` lies ahead, but not after the task is due."""
    require_held(viewer, task)
    if until <= now:
        raise Rejected("desk.snooze_past", until=format_time(until))
    if task.due_at is not None and until > task.due_at:
        raise Refused("desk.snooze_beyond_due", due_at=format_time(task.due_at))
