"""Rows of tasks."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import models
from django.db.models import Q

from tansiq.node.vault.columns import SealedJSONField, SealedTextField

OPEN, SETTLED = "open", "settled"
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Where tasks without a due time stand in the order."""


class ExerciseLink(models.Model):
    """A page of an exercise: every task that leads there is one of the exercise, whoever puts it."""

    link = models.CharField(max_length=300, primary_key=True)


class Task(models.Model):
    """One thing that somebody has to look at."""

    key = models.CharField(max_length=200, unique=True, help_text="what it is about, in the words of its room")
    kind = models.CharField(max_length=40)
    title_code = models.CharField(max_length=80)
    facts = SealedJSONField(default=dict)
    circle = models.CharField(max_length=80, blank=True, help_text="unit:<code> or team:<code>; empty: everybody's")
    owner = models.CharField(max_length=36, blank=True, help_text="officer id, where it concerns one officer")
    due_at = models.DateTimeField(null=True)
    sorts_at = models.DateTimeField(default=NEVER)
    link = models.CharField(max_length=300, blank=True)
    urgent = models.BooleanField(default=False)
    exercise = models.BooleanField(default=False, help_text="of an exercise: shown apart, counted in no figure")
    state = models.CharField(max_length=8, default=OPEN)
    taken_by = models.CharField(max_length=36, blank=True)
    taken_at = models.DateTimeField(null=True)
    snoozed_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=36, blank=True, help_text="officer id; empty: by what happened")

    class Meta:
        indexes = [
            models.Index(fields=["-urgent", "sorts_at", "id"], condition=Q(state=OPEN), name="desk_in_order"),
            models.Index(fields=["circle"], condition=Q(state=OPEN), name="desk_of_circle"),
            models.Index(fields=["owner"], condition=Q(state=OPEN), name="desk_of_officer"),
            models.Index(fields=["state", "settled_at"], name="desk_by_state"),
            models.Index(fields=["changed_at"], name="desk_by_change"),
        ]


class SavedView(models.Model):
    """How an officer likes to look at the desk, under a name of their own; nobody else sees it."""

    officer = models.CharField(max_length=36)
    name = SealedTextField()
    only = models.CharField(max_length=12, blank=True)
    circle = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["officer"], name="desk_views_of")]
