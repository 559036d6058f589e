"""Writes of jobs: enqueue, claim, finish, fail, revive."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from tansiq.engine.errors import Conflict, Rejected, Unavailable
from tansiq.node.jobs import policy, waking
from tansiq.node.jobs.models import DEAD, DONE, RUNNING, WAITING, Job
from tansiq.node.vault.prepared import Insert, Select, Update

LOCK = timedelta(minutes=5)
KEEP_DONE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job in a worker's hands. ``token`` is the claim: whoever lost it can no longer finish or fail the job."""

    job_id: int
    name: str
    payload: dict[str, Any]
    attempts: int
    token: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that no further attempt can help: its ``name``, the ``code`` it ended with, and when."""

    job_id: int
    name: str
    code: str
    at: datetime


OnDead: TypeAlias = Callable[[DeadLetter], None]


_NEW = Insert(Job)
_OF_KEY = Select(Job, ("key", "state"), locked=True)
_CLAIM = Update(Job, ("state", "attempts", "crashes", "last_error", "locked_by", "locked_until"))


def enqueue(
    name: str, payload: dict[str, Any], *, now: datetime, run_at: datetime | None = None, key: str | None = None
) -> int:
    """Owe a job, in the caller's transaction; returns its id.

    With a ``key``, a job of that key that still waits is returned instead of a second one (and brought forward, if
    ``run_at`` is earlier): its payload stays the first one's. What is due at once wakes the workers after the commit.
    """
    due = run_at or now
    job_id = _insert(name, payload, key, due, now)
    if due <= now:
        waking.ring_after_commit(waking.JOBS)  # after the row is there: outside of a transaction it rings at once
    return job_id


def _insert(name: str, payload: dict[str, Any], key: str | None, due: datetime, now: datetime) -> int:
    if key is None:
        return int(_NEW(Job(name=name, payload=payload, run_at=due, created_at=now)).pk)
    with transaction.atomic():
        waiting = _waiting_of(key) or _insert_once(name, payload, key, due, now)
        if due < waiting.run_at:
            Job.objects.filter(pk=waiting.pk).update(run_at=due)
    return waiting.pk


def _waiting_of(key: str) -> Job | None:
    # Locked, so that no worker starts it before this transaction ends: the run must see what we are about to commit.
    return _OF_KEY.first(key, WAITING)


def _insert_once(name: str, payload: dict[str, Any], key: str, due: datetime, now: datetime) -> Job:
    for _ in range(5):
        try:
            with transaction.atomic():
                return _NEW(Job(name=name, payload=payload, key=key, run_at=due, created_at=now))
        except IntegrityError:  # somebody enqueued the same key in this moment; a worker may have claimed it since
            waiting = _waiting_of(key)
            if waiting is not None:
                return waiting
    raise Unavailable("job.key_contended", key=key)


def claim(
    now: datetime, worker: str, *, names: Collection[str] | None = None, lock: timedelta = LOCK
) -> Claimed | None:
    """Lock the job that is due longest – first of all one whose lock ran out – or None when nothing is due.

    Workers never wait for each other: rows that another is claiming are skipped (PostgreSQL), and on SQLite the
    immediate transaction lets one in at a time.
    """
    for due in (_abandoned(now, names), _due(now, names)):
        if not due.exists():  # look first: an idle worker takes no write lock
            continue
        with transaction.atomic():
            job = due.select_for_update(skip_locked=True, of=("self",)).first()
            if job is not None:
                return _lock(job, worker, now, lock)
    return None


def _abandoned(now: datetime, names: Collection[str] | None) -> QuerySet[Job]:
    rows = Job.objects.filter(state=RUNNING, locked_until__lte=now, crashes__lt=policy.MAX_CRASHES)
    return _named(rows, names).order_by("locked_until", "id")


def _due(now: datetime, names: Collection[str] | None) -> QuerySet[Job]:
    is_running = Exists(Job.objects.filter(key=OuterRef("key"), state=RUNNING))
    rows = Job.objects.filter(~is_running, state=WAITING, run_at__lte=now)
    return _named(rows, names).order_by("run_at", "id")


def _named(rows: QuerySet[Job], names: Collection[str] | None) -> QuerySet[Job]:
    return rows if names is None else rows.filter(name__in=list(names))


def _lock(job: Job, worker: str, now: datetime, lock: timedelta) -> Claimed:
    if job.state == RUNNING:  # its worker died, or took longer than it may
        job.crashes += 1
        job.last_error = policy.LOST
    job.state, job.attempts = RUNNING, job.attempts + 1
    job.locked_by = f"{worker[:80]}/{os.urandom(8).hex()}"
    job.locked_until = now + lock
    _CLAIM.save(job)
    return Claimed(job.pk, job.name, job.payload, job.attempts, job.locked_by)


def let_go(worker: str, now: datetime) -> int:
    """What a worker of this name was at when it died may be claimed again at once; returns how many jobs.

    Called by the worker that takes the name over, at its start: two workers never have one name at a time.
    """
    return Job.objects.filter(state=RUNNING, locked_by__startswith=f"{worker[:80]}/", locked_until__gt=now).update(
        locked_until=now
    )


def give_back(worker: str, now: datetime) -> int:
    """What a loop of this name still holds though it works on nothing is to be tried again; returns how many jobs.

    Called by that loop, after the store failed under it: a run could neither end well nor say that it did not. No job is to blame.
    """
    rows = Job.objects.filter(state=RUNNING, locked_by__startswith=f"{worker[:80]}/")
    held = [Claimed(job.pk, job.name, job.payload, job.attempts, job.locked_by) for job in rows]
    return sum([fail(claimed, policy.STORE, now, is_final=False) for claimed in held])


def extend(claimed: Claimed, now: datetime, lock: timedelta = LOCK) -> bool:
    """Hold the lock ``lock`` longer from now; False if the claim was lost, and then the handler must stop."""
    return bool(_held(claimed).update(locked_until=now + lock))


def finish(claimed: Claimed, now: datetime) -> bool:
    """The job is done; False if the claim was lost meanwhile (then somebody else does it again)."""
    return bool(_held(claimed).update(state=DONE, finished_at=now, locked_by="", locked_until=None, last_error=""))


def _held(claimed: Claimed) -> QuerySet[Job]:
    return Job.objects.filter(pk=claimed.job_id, state=RUNNING, locked_by=claimed.token)


def fail(
    claimed: Claimed,
    code: str,
    now: datetime,
    *,
    is_final: bool,
    is_crash: bool = False,
    on_dead: OnDead | None = None,
) -> bool:
    """The run failed with ``code``: try again later, or – ``is_final``, or crashed too often – lay it with the dead.

    ``on_dead(letter)`` is called in the same transaction, so that no job dies unseen. False if the claim was lost.
    """
    with transaction.atomic():
        job = _held(claimed).select_for_update().first()
        if job is None:
            return False
        job.last_error, job.locked_by, job.locked_until = code[:80], "", None
        job.crashes += is_crash
        if is_final or job.crashes >= policy.MAX_CRASHES:
            _bury(job, now, on_dead)
        elif job.key and Job.objects.filter(key=job.key, state=WAITING).exists():
            job.state, job.finished_at = DONE, now  # one of the same key waits already and will do it
        else:
            job.state, job.run_at = WAITING, now + policy.pause(job.pk, job.attempts)
        job.save()
    return True


def _bury(job: Job, now: datetime, on_dead: OnDead | None) -> None:
    job.state, job.finished_at, job.locked_by, job.locked_until = DEAD, now, "", None
    if on_dead:
        on_dead(DeadLetter(job.pk, job.name, job.last_error, now))


def bury_lost(now: datetime, on_dead: OnDead | None = None) -> int:
    """Lay those jobs with the dead whose worker died under them ``MAX_CRASHES`` times; returns how many."""
    lost = Job.objects.filter(state=RUNNING, locked_until__lte=now, crashes__gte=policy.MAX_CRASHES)
    if not lost.exists():
        return 0
    with transaction.atomic():
        rows = list(lost.select_for_update(skip_locked=True))
        for job in rows:
            job.last_error = policy.LOST
            _bury(job, now, on_dead)
            job.save()
    return len(rows)


def revive(job_id: int, *, now: datetime) -> None:
    """Let a dead job be tried again at once, as if it were new.

    Raises ``Rejected("job.not_dead")``, or ``Conflict("job.waiting_already")`` if one of its key waits.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id, state=DEAD).first()
        if job is None:
            raise Rejected("job.not_dead", job=job_id)
        if job.key and Job.objects.filter(key=job.key, state=WAITING).exists():
            raise Conflict("job.waiting_already", job=job_id, key=job.key)
        job.state, job.run_at, job.attempts, job.crashes, job.finished_at = WAITING, now, 0, 0, None
        job.save()


def discard(job_id: int) -> None:
    """Remove a dead job for good; raises ``Rejected("job.not_dead")``."""
    removed, _ = Job.objects.filter(pk=job_id, state=DEAD).delete()
    if not removed:
        raise Rejected("job.not_dead", job=job_id)


def sweep(now: datetime) -> int:
    """Remove jobs that were done a week ago; returns how many."""
    removed, _ = Job.objects.filter(state=DONE, finished_at__lt=now - KEEP_DONE).delete()
    return removed
