"""Rows of jobs."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

WAITING, RUNNING, DONE, DEAD = "waiting", "running", "done", "dead"


class Job(models.Model):
    """One piece of work that is owed."""

    name = models.CharField(max_length=80)
    payload = models.JSONField(default=dict, help_text="references, never content")
    key = models.CharField(max_length=200, null=True)
    state = models.CharField(max_length=8, default=WAITING)
    run_at = models.DateTimeField(help_text="not before")
    attempts = models.PositiveIntegerField(default=0, help_text="how often it was claimed")
    crashes = models.PositiveIntegerField(default=0, help_text="how often a run ended in a defect or a killed process")
    locked_by = models.CharField(max_length=120, blank=True)
    locked_until = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=80, blank=True, help_text="a code")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=Q(state=WAITING), name="one_waiting_job_per_key"),
            models.UniqueConstraint(fields=["key"], condition=Q(state=RUNNING), name="one_running_job_per_key"),
        ]
        indexes = [
            models.Index(fields=["run_at", "id"], condition=Q(state=WAITING), name="jobs_due"),
            models.Index(fields=["locked_until"], condition=Q(state=RUNNING), name="jobs_locked"),
            models.Index(fields=["state", "finished_at"], name="jobs_by_state"),
        ]
