"""When a job is tried again, and when never: pure."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from tansiq.engine.errors import Conflict, TansiqError, Unavailable

FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=15)
MAX_CRASHES = 5
CRASHED = "job.crashed"
LOST = "job.lost"
STORE = "job.store_failed"
"""Full, restarted, out of reach: no fault of the job, which is tried for as long as that lasts."""


def pause(job_id: int, attempts: int) -> timedelta:
    """How long to wait after failed attempt number ``attempts`` (from 1): doubling, at most a quarter of an hour.

    A spread of ± a quarter keeps jobs that failed together from coming back together; it is drawn from the job's id
    and the attempt, so that it needs no randomness and two workers would agree.
    """
    doubled = FIRST_PAUSE * 2 ** min(max(attempts, 1) - 1, 20)
    drawn = hashlib.sha256(f"{job_id}/{attempts}".encode()).digest()[0] / 255
    return min(doubled, LONGEST_PAUSE) * (0.75 + drawn / 2)


def is_worth_retrying(error: TansiqError) -> bool:
    """Whether another attempt may end differently: not now (``Unavailable``) and not as it stood (``Conflict``) may."""
    return isinstance(error, Unavailable | Conflict)
