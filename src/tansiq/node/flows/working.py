"""The worker: jobs, delivery, the sequencer and the clock's reminders, each in a thread of its own over the same tables.

Any number of workers may run on PostgreSQL; on SQLite one is enough. Nothing here holds state that a kill could lose.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import DatabaseError, close_old_connections, connection, transaction

from tansiq.engine.errors import TansiqError
from tansiq.node.accounts import elevations
from tansiq.node.audit import tasks as audit_tasks
from tansiq.node.desk import actions as desk
from tansiq.node.exchange import accepting, blobs, delivery, gaps, pulling, relaying
from tansiq.node.exchange import actions as exchange
from tansiq.node.flows import (
    alerts,
    attaching,
    blind_asking,
    blind_holding,
    blind_screening,
    calling,
    claims,
    comparing,
    erasing,
    erasure_ledger,
    fetching,
    forwarding,
    incoming,
    list_imports,
    matching,
    overdue,
    plan_asking,
    plan_conflicts,
    planning,
    projections,
    recovering,
    screening,
    taking,
    telling,
    threats,
)
from tansiq.node.jobs import actions as job_actions
from tansiq.node.jobs import tasks as jobs
from tansiq.node.jobs.actions import DeadLetter
from tansiq.node.register import tasks as register

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
HOURLY_JOB = "flows.hourly"


def run(name: str, *, stop: threading.Event, clock: Clock) -> None:
    """Work until ``stop`` is set. ``name`` is this worker's alone: what its predecessor of that name held is free again."""
    job_actions.let_go(name, clock())
    job_actions.let_go(f"{name}.matching", clock())
    job_actions.let_go(f"{name}.imports", clock())
    exchange.let_go(name)
    blobs.let_go(name)
    begin(clock())
    loops: dict[str, Callable[[], None]] = {
        "jobs": lambda: jobs.run_worker(JOBS, stop=stop, clock=clock, worker=name, on_dead=tell_dead),
        "matching": lambda: jobs.run_worker(
            MATCHING_JOBS, stop=stop, clock=clock, worker=f"{name}.matching", on_dead=tell_dead
        ),
        "imports": lambda: jobs.run_worker(
            LONG_JOBS, stop=stop, clock=clock, worker=f"{name}.imports", locks=LONG_LOCKS, on_dead=tell_dead
        ),
        "deliver": lambda: delivery.run(name, stop=stop, clock=clock),
        "sequence": lambda: audit_tasks.run_sequencer(stop=stop, clock=clock),
        "files": lambda: fetching.run(name, stop=stop, clock=clock),
        "tell": lambda: telling.run(stop=stop, clock=clock),
        "tick": lambda: run_ticks(stop=stop, clock=clock),
    }
    threads = [threading.Thread(target=loop, name=f"{name}/{what}", daemon=True) for what, loop in loops.items()]
    for thread in threads:
        thread.start()
    while not stop.wait(0.5):
        # A loop that died has met something it could not survive; the parent starts this process again.
        if any(not thread.is_alive() for thread in threads):
            stop.set()
    for thread in threads:
        thread.join(10)


def tell_dead(letter: DeadLetter) -> None:
    """A job that no further attempt can help lies on the desk; in the transaction that lays it with the dead."""
    facts = {"name": letter.name, "code": letter.code}
    desk.put(
        "job_failed", f"job/{letter.job_id}", title_code="desk.job_failed", facts=facts, urgent=True, now=letter.at
    )


def run_ticks(*, stop: threading.Event, clock: Clock, every: float = 1.0) -> None:
    """Fetch what waits at partners (when they cannot reach us), and each minute remind of what is late."""
    next_minute = clock()
    with delivery.client() as http:
        while not stop.is_set():
            try:
                close_old_connections()
                pulling.pull_all(http, clock)
                relaying.fetch_all(http, clock)
                if clock() >= next_minute:
                    next_minute = clock() + MINUTE
                    remind(clock())
            except (DatabaseError, TansiqError) as error:
                log.warning("tick: %s", type(error).__name__)
            stop.wait(every)
    connection.close()


def remind(now: datetime) -> None:
    """What the clock alone brings about: undelivered items on desks, expired envelopes sealed anew."""
    exchange.replace_expired(now)
    relaying.offer_again(now)
    exchange.flag_undelivered(now)
    attaching.flag_late(now)
    desk.sweep(now)
    elevations.sweep(now)


def begin(now: datetime) -> None:
    """What is owed from a worker's start on: the standing jobs, and another look at what an older version could not read."""
    with transaction.atomic():
        job_actions.enqueue(HOURLY_JOB, {}, now=now, key=HOURLY_JOB)
        alerts.begin(now)
        job_actions.enqueue(register.REVIEW, {}, now=now, key=register.REVIEW)
        overdue.begin(now)
        blind_holding.begin(now)
        comparing.begin(now)
    taking.take_unread(now)


def tidy(payload: dict[str, object], now: datetime) -> None:  # noqa: ARG001 - a job handler's shape
    """Job ``flows.hourly``: ask again for what entries wait for, sweep the desk. Owes itself again for the next hour."""
    taking.ask_again(now)
    attaching.sweep(now)
    blind_asking.give_up_late(now)
    blind_screening.give_up_late(now)
    telling.sweep(now)
    planning.tidy(now)
    with transaction.atomic():
        desk.sweep(now)
        gaps.flag(now)
        blind_holding.begin(now)
        erasure_ledger.leave(now)
        job_actions.enqueue(HOURLY_JOB, {}, now=now, run_at=now + HOUR, key=HOURLY_JOB)


JOBS: dict[str, Callable[[dict[str, object], datetime], None]] = {
    accepting.OPEN_JOB: incoming.open_envelope,
    projections.MACHINE_JOB: incoming.act_for_machine,
    projections.TAKE_AGAIN_JOB: incoming.take_again,
    incoming.NOT_ACCEPTED_JOB: incoming.answer_not_accepted,
    erasing.OBEY_JOB: erasing.obey,
    overdue.REMIND_JOB: overdue.remind,
    erasure_ledger.JOB: erasure_ledger.write,
    comparing.SUMMARY_JOB: comparing.daily,
    recovering.JOB: recovering.look,
    calling.RING_JOB: calling.ring,
    threats.REVIEW_JOB: threats.remind_of_review,
    forwarding.TELL_JOB: forwarding.tell_providers,
    forwarding.RECALL_JOB: forwarding.recall_onward,
    attaching.ERASE_JOB: attaching.erase,
    attaching.PROVE_JOB: attaching.prove,
    alerts.ENDING_JOB: alerts.end,
    blind_holding.JOB: blind_holding.keep,
    plan_asking.ASK_JOB: plan_asking.ask_as_owed,
    plan_asking.FOLLOW_JOB: plan_asking.follow,
    plan_asking.UNANSWERED_JOB: plan_asking.tell_unanswered,
    plan_conflicts.RECONCILE_JOB: plan_conflicts.reconcile_as_owed,
    plan_conflicts.MET_JOB: plan_conflicts.meet_own,
    plan_conflicts.ESCALATE_JOB: plan_conflicts.escalate,
    HOURLY_JOB: tidy,
    **register.HANDLERS,
}

MATCHING_JOBS: dict[str, Callable[[dict[str, object], datetime], None]] = {
    projections.MATCH_JOB: matching.match_entry,
    alerts.WATCH_JOB: alerts.watch,
    screening.JOB: screening.work,
    blind_screening.JOB: blind_screening.work,
}
"""What asks the matcher, which takes a second to load and may have a list to work off: no envelope waits behind it."""

LONG_JOBS: dict[str, Callable[[dict[str, object], datetime], None]] = {
    list_imports.IMPORT_JOB: list_imports.run,
    claims.JOB: claims.go_through,
}
"""What may take minutes has a loop of its own: nothing urgent waits behind it."""
LONG_LOCKS = {list_imports.IMPORT_JOB: list_imports.LOCK, claims.JOB: claims.LOCK}
