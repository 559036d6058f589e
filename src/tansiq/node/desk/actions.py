"""Writes of the desk: rooms put and settle, officers take, give back, put off and mark done."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from tansiq.engine.errors import Conflict, Rejected
from tansiq.engine.formats.times import to_utc
from tansiq.node.desk import policy, queries
from tansiq.node.desk.models import NEVER, OPEN, SETTLED, ExerciseLink, SavedView, Task
from tansiq.node.desk.policy import Viewer
from tansiq.node.vault.asking import asked_once
from tansiq.node.vault.prepared import Select, Update

MAX_NOTE = 1000
MAX_VIEWS = 12
MAX_VIEW_NAME = 40
ONLY = frozenset({"", "urgent", "overdue", "colleagues", "snoozed", "exercise"})
"""What a desk can be narrowed to."""
KEEP_SETTLED = timedelta(days=90)
_TOLD = ("kind", "title_code", "facts", "circle", "owner", "due_at", "link", "urgent", "exercise")


_LOCKED = Select(Task, ("key",), locked=True)
_EXERCISE = Select(ExerciseLink, ("link",), fields=("link",))
_SETTLE = Update(Task, ("state", "settled_at", "settled_by", "snoozed_until", "changed_at"), by=("key", "state"))


def put(
    kind: str,
    key: str,
    *,
    title_code: str,
    facts: dict[str, Any],
    now: datetime,
    circle: str = "",
    owner: str = "",
    due_at: datetime | None = None,
    link: str = "",
    urgent: bool = False,
    once: bool = False,
) -> None:
    """Put a task on the desk of a circle or an officer, in the caller's transaction; idempotent by ``key``.

    An open task of that key is brought up to date: whoever took it keeps it, and if anything changed it is no longer
    put off. A settled one is opened again, because something new has happened – but not with ``once``, which is for
    those who remind of one and the same thing again and again.
    """
    told = {
        "kind": kind,
        "title_code": title_code,
        "facts": facts,
        "circle": circle,
        "owner": owner,
        "due_at": to_utc(due_at) if due_at else None,
        "link": link,
        "urgent": urgent,
        "exercise": bool(link) and _is_exercise(link),
    }
    fresh = {**told, "sorts_at": told["due_at"] or NEVER, "created_at": now, "changed_at": now}
    with transaction.atomic(savepoint=False):
        # Looked for first: it mostly is there, and to try and fail needs a savepoint.
        task, is_new = _LOCKED.first(key), False
        if task is None:
            task, is_new = Task.objects.select_for_update().get_or_create(key=key, defaults=fresh)
        if is_new or (task.state == SETTLED and once):
            return
        if task.state == SETTLED:
            task.state, task.settled_at, task.settled_by = OPEN, None, ""
            task.taken_by, task.taken_at, task.created_at = "", None, now
        elif all(getattr(task, name) == told[name] for name in _TOLD):
            return
        for name in _TOLD:
            setattr(task, name, told[name])
        task.sorts_at, task.changed_at, task.snoozed_until = task.due_at or NEVER, now, None
        task.save()


@asked_once(ExerciseLink)
def _is_exercise(link: str) -> bool:
    return _EXERCISE.exists(link)


def mark_exercise(link: str) -> None:
    """Whatever leads to this page is of an exercise, from now on; in the caller's transaction."""
    ExerciseLink.objects.get_or_create(link=link)
    Task.objects.filter(link=link).update(exercise=True)


def forget(link: str) -> None:
    """Remove every task that leads to a page that is no more, in the caller's transaction."""
    Task.objects.filter(link=link).delete()
    ExerciseLink.objects.filter(link=link).delete()


def settle(key: str, *, now: datetime) -> bool:
    """What the task of this key asked for has happened; in the caller's transaction. False if none was open."""
    settled = {"state": SETTLED, "settled_at": now, "settled_by": "", "snoozed_until": None, "changed_at": now}
    return bool(_SETTLE(settled, key, OPEN))


def settle_all(prefix: str, *, now: datetime) -> int:
    """Settle every open task whose key begins so, in the caller's transaction; returns how many."""
    rows = Task.objects.filter(key__startswith=prefix, state=OPEN)
    return rows.update(state=SETTLED, settled_at=now, settled_by="", snoozed_until=None, changed_at=now)


def empty(link: str, *, now: datetime) -> int:
    """Settle and empty every task that leads to ``link``, because what stood there was erased; in the caller's transaction."""
    rows = list(Task.objects.filter(link=link))
    for task in rows:
        if task.state == OPEN:
            task.state, task.settled_at, task.settled_by = SETTLED, now, ""
        task.facts, task.link, task.snoozed_until, task.changed_at = {}, "", None, now
        task.save()
    return len(rows)


def take(viewer: Viewer, key: str, *, now: datetime) -> Task:
    """The viewer deals with the task from now on; raises ``Conflict("desk.taken")`` if a colleague does."""
    with transaction.atomic():
        task = _locked(viewer, key)
        policy.require_takeable(viewer, task)
        if task.taken_by != viewer.reference:
            task.taken_by, task.taken_at, task.changed_at = viewer.reference, now, now
            task.save(update_fields=["taken_by", "taken_at", "changed_at"])
    return task


def give_back(viewer: Viewer, key: str, *, now: datetime) -> Task:
    """The task is its circle's again, awake; raises ``Conflict("desk.not_yours")`` if the viewer does not have it."""
    with transaction.atomic():
        task = _locked(viewer, key)
        policy.require_held(viewer, task)
        task.taken_by, task.taken_at, task.snoozed_until, task.changed_at = "", None, None, now
        task.save(update_fields=["taken_by", "taken_at", "snoozed_until", "changed_at"])
    return task


def hand_over(viewer: Viewer, key: str, *, to: Viewer, now: datetime) -> Task:
    """A colleague deals with the task from now on: one that the viewer has, or that nobody has.

    Raises ``Conflict("desk.taken")`` if another colleague has it, ``Refused("desk.not_theirs")`` if ``to`` may not see it.
    """
    with transaction.atomic():
        task = _locked(viewer, key)
        policy.require_takeable(viewer, task)
        policy.require_may_take_over(to, task)
        task.taken_by, task.taken_at, task.snoozed_until, task.changed_at = to.reference, now, None, now
        task.save(update_fields=["taken_by", "taken_at", "snoozed_until", "changed_at"])
    return task


def hand_over_watch(viewer: Viewer, *, by: str, to: Viewer, note: str, now: datetime) -> tuple[int, int]:
    """Everything the viewer deals with is the next watch's, in one act; returns how many went, and how many ``to`` may not see.

    What ``to`` may not see stays where it is: a hand-over opens no circle. ``by`` is the viewer's name, ``note`` what the next must
    know. Raises Rejected("desk.to_oneself"), Rejected("desk.note_too_long").
    """
    said = note.strip()
    if to.reference == viewer.reference:
        raise Rejected("desk.to_oneself", at="/to")
    if len(said) > MAX_NOTE:
        raise Rejected("desk.note_too_long", at="/note", limit=MAX_NOTE)
    with transaction.atomic():
        held = list(Task.objects.select_for_update().filter(state=OPEN, taken_by=viewer.reference).order_by("id"))
        given = [one for one in held if policy.may_take_over(to, one)]
        for task in given:
            task.taken_by, task.taken_at, task.snoozed_until, task.changed_at = to.reference, now, None, now
            task.save(update_fields=["taken_by", "taken_at", "snoozed_until", "changed_at"])
        if given or said:
            put(
                "watch",
                f"watch/{viewer.reference}/{to.reference}",
                title_code="desk.watch_handed_over",
                facts={"officer": by, "count": len(given), "note": said or "–"},
                owner=to.reference,
                urgent=any(one.urgent for one in given),
                now=now,
            )
    return len(given), len(held) - len(given)


def leave(viewer: Viewer, *, by: str, to: Viewer | None, note: str, now: datetime) -> tuple[int, int]:
    """The viewer has left: what they dealt with is ``to`` the colleague who may see it, or free for its circle again.

    What concerned the viewer alone goes to the colleague, or is settled where there is none. Returns how many went, and how many went back; in
    the caller's transaction. Raises Rejected("desk.note_too_long").
    """
    given = hand_over_watch(viewer, by=by, to=to, note=note, now=now)[0] if to is not None else 0
    rest = Task.objects.filter(state=OPEN, taken_by=viewer.reference)
    back = rest.update(taken_by="", taken_at=None, snoozed_until=None, changed_at=now)
    own = Task.objects.filter(state=OPEN, owner=viewer.reference)
    if to is not None:
        given += own.filter(circle__in=["", *to.circles]).update(owner=to.reference, changed_at=now)
    back += own.exclude(circle="").update(owner="", changed_at=now)
    own.update(state=SETTLED, settled_at=now, settled_by="", changed_at=now)
    SavedView.objects.filter(officer=viewer.reference).delete()
    return given, back


def keep_view(viewer: Viewer, *, name: str, only: str, circle: str, now: datetime) -> SavedView:
    """Keep how the desk is looked at under a name; the same name again changes it.

    Raises Rejected("desk.view_name"), Rejected("desk.view_unknown"), Conflict("desk.too_many_views").
    """
    said = name.strip()
    if not 1 <= len(said) <= MAX_VIEW_NAME:
        raise Rejected("desk.view_name", at="/name", limit=MAX_VIEW_NAME)
    if only not in ONLY or (circle and circle not in viewer.circles):
        raise Rejected("desk.view_unknown")
    with transaction.atomic():
        held = list(SavedView.objects.select_for_update().filter(officer=viewer.reference))
        view = next((one for one in held if one.name == said), None)
        if view is None and len(held) >= MAX_VIEWS:
            raise Conflict("desk.too_many_views", limit=MAX_VIEWS)
        view = view or SavedView(officer=viewer.reference, name=said, created_at=now)
        view.only, view.circle = only, circle
        view.save()
    return view


def drop_view(viewer: Viewer, view_id: int) -> None:
    """Forget a view of the viewer's; one that is not there, or not theirs, is forgotten already."""
    SavedView.objects.filter(pk=view_id, officer=viewer.reference).delete()


def snooze(viewer: Viewer, key: str, *, until: datetime, now: datetime) -> Task:
    """Put the task off until a time before it is due; only whoever deals with it may."""
    with transaction.atomic():
        task = _locked(viewer, key)
        policy.require_snooze(viewer, task, until, now)
        task.snoozed_until, task.changed_at = until, now
        task.save(update_fields=["snoozed_until", "changed_at"])
    return task


def mark_done(viewer: Viewer, key: str, *, now: datetime) -> Task:
    """The viewer has dealt with the task; done already is done. It comes back if something new happens."""
    with transaction.atomic():
        task = _locked(viewer, key)
        if task.state == OPEN:
            policy.require_takeable(viewer, task)
            task.state, task.settled_at, task.settled_by = SETTLED, now, viewer.reference
            task.snoozed_until, task.changed_at = None, now
            task.save(update_fields=["state", "settled_at", "settled_by", "snoozed_until", "changed_at"])
    return task


def _locked(viewer: Viewer, key: str) -> Task:
    return Task.objects.select_for_update().get(pk=queries.get_task_for(viewer, key).pk)


def sweep(now: datetime) -> int:
    """Remove tasks that were settled three months ago; returns how many."""
    removed, _ = Task.objects.filter(state=SETTLED, settled_at__lt=now - KEEP_SETTLED).delete()
    return removed
