"""Reading jobs: counts for the doctor, dead letters for a person."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count

from tansiq.node.jobs.models import DEAD, DONE, RUNNING, WAITING, Job


def counts() -> dict[str, int]:
    """How many jobs stand in each state."""
    found = {row["state"]: row["count"] for row in Job.objects.values("state").annotate(count=Count("id"))}
    return {state: found.get(state, 0) for state in (WAITING, RUNNING, DONE, DEAD)}


def dead_count() -> int:
    """How many dead letters wait for a person."""
    return Job.objects.filter(state=DEAD).count()


def dead_letters(limit: int = 50) -> list[Job]:
    """The dead letters, newest first."""
    return list(Job.objects.filter(state=DEAD).order_by("-finished_at", "-id")[:limit])


def oldest_due(now: datetime) -> datetime | None:
    """Since when the job that waits longest has been due; None if nothing is."""
    rows = Job.objects.filter(state=WAITING, run_at__lte=now).order_by("run_at")
    return rows.values_list("run_at", flat=True).first()
