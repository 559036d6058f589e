"""A worker process to be killed: does a chain of jobs, and dies where it is told to.

Run as ``python -m tests.node.jobs.victim`` with DATABASE (Django's dictionary as JSON), NOW (ISO time) and DIE (a
place) in the environment. Each job writes its number into ``test_effect`` and leaves the next job behind, in one
transaction.
"""

from __future__ import annotations

import json
import os
import threading
from datetime import datetime
from typing import Any

import django
from django.conf import settings

STEPS = 5


def _die_at(place: str) -> None:
    if os.environ.get("DIE") == place:
        os._exit(9)


def main() -> None:
    settings.configure(
        DATABASES={"default": json.loads(os.environ["DATABASE"])},
        INSTALLED_APPS=["tansiq.node.jobs"],
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()
    from django.db import connection, transaction
    from django.db.models import Q

    from tansiq.node.jobs import actions, tasks
    from tansiq.node.jobs.models import RUNNING, WAITING, Job

    now = datetime.fromisoformat(os.environ["NOW"])
    stop = threading.Event()

    def step(payload: dict[str, Any], at: datetime) -> None:
        number = payload["n"]
        _die_at(f"before/{number}")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO test_effect (n, times) VALUES (%s, 1) ON CONFLICT (n) DO NOTHING", [number])
            if cursor.rowcount and number % 100 < STEPS:
                actions.enqueue("step", {"n": number + 1}, now=at, key=f"step/{number + 1}")
            _die_at(f"within/{number}")
        _die_at(f"after/{number}")

    def clock() -> datetime:
        if not Job.objects.filter(Q(state=WAITING) | Q(state=RUNNING, locked_until__lte=now)).exists():
            stop.set()
        return now

    tasks.run_worker({"step": step}, stop=stop, clock=clock, worker=f"pid{os.getpid()}", idle=0.005)


if __name__ == "__main__":
    main()
