"""The worker's loop over the job table."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection

from tansiq.engine.errors import TansiqError
from tansiq.node.jobs import actions, policy, waking

log = logging.getLogger(__name__)
Handler: TypeAlias = Callable[[dict[str, Any], datetime], None]
IDLE = 0.5
"""Seconds: what is due at once rings, so that only what came due by the clock, or was owed on another machine, waits for a turn."""
SWEEP_EVERY = timedelta(hours=1)


def run_worker(
    handlers: Mapping[str, Handler],
    *,
    stop: threading.Event,
    clock: Callable[[], datetime],
    worker: str,
    idle: float = IDLE,
    locks: Mapping[str, timedelta] | None = None,
    on_dead: actions.OnDead | None = None,
) -> None:
    """Work on jobs until ``stop`` is set; any number of threads and processes may.

    ``handlers`` maps a job's name to a function of (payload, now) that opens its own transactions and may be called
    again after a crash. ``locks`` gives names that need longer than five minutes their time. ``on_dead`` hears, in
    the burying transaction, of each job that no further attempt can help.
    """
    next_sweep, is_sure = clock(), True
    with waking.Bell(waking.JOBS, worker) as bell:
        while not stop.is_set():
            try:
                if not is_sure:
                    actions.give_back(worker, clock())
                    is_sure = True
                is_busy = run_one(handlers, clock=clock, worker=worker, locks=locks, on_dead=on_dead)
                if not is_busy and clock() >= next_sweep:
                    next_sweep = clock() + SWEEP_EVERY
                    actions.sweep(clock())
            except (DatabaseError, InterfaceError) as error:
                log.warning("jobs: %s", type(error).__name__)
                close_old_connections()
                is_busy = is_sure = False
            if not is_busy:
                bell.wait(stop, idle)
    connection.close()


def run_one(
    handlers: Mapping[str, Handler],
    *,
    clock: Callable[[], datetime],
    worker: str,
    locks: Mapping[str, timedelta] | None = None,
    on_dead: actions.OnDead | None = None,
) -> bool:
    """Claim one due job that has a handler and run it to its end; False when nothing was due.

    Raises OperationalError or InterfaceError when the store fails: full, restarted, out of reach. The job is held then until it is given back.
    """
    now = clock()
    actions.bury_lost(now, on_dead)
    claimed = actions.claim(now, worker, names=handlers.keys())
    if claimed is None:
        return False
    longer = (locks or {}).get(claimed.name)
    if longer is not None:
        actions.extend(claimed, now, longer)
    try:
        handlers[claimed.name](claimed.payload, now)
    except (OperationalError, InterfaceError):
        raise
    except TansiqError as error:
        is_final = not policy.is_worth_retrying(error)
        actions.fail(claimed, error.code, clock(), is_final=is_final, on_dead=on_dead)
    except Exception as error:  # noqa: BLE001 - the top of the loop: one defect must not stop all other jobs
        # The class and the place, not the message: it may quote what a case holds.
        log.error(  # noqa: TRY400
            "job %s (%s) crashed: %s at %s", claimed.job_id, claimed.name, type(error).__name__, _place(error)
        )
        actions.fail(claimed, policy.CRASHED, clock(), is_final=False, is_crash=True, on_dead=on_dead)
    else:
        actions.finish(claimed, clock())
    return True


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
