"""Rows of screenings: a whole list asked against the register."""

from __future__ import annotations

import uuid

from django.db import models

from tansiq.node.vault.columns import SealedBytesField, SealedJSONField, SealedTextField


class Screening(models.Model):
    """One list of one officer, with its purpose. The list itself goes when every row was asked: who was not met leaves no trace."""

    RUNNING, DONE, STOPPED = "running", "done", "stopped"

    screening_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    officer = models.CharField(max_length=36, db_index=True)
    title = SealedTextField()
    purpose = models.CharField(max_length=64)
    reference = SealedTextField()
    content = SealedBytesField(null=True, help_text="the list, until it was worked off")
    state = models.CharField(max_length=10, default=RUNNING)
    rows = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-asked_at"]


class ScreeningHit(models.Model):
    """A row of a list and a subject that is likely the same; and what the officer made of it."""

    screening = models.ForeignKey(Screening, on_delete=models.CASCADE, related_name="hits")
    row = models.PositiveIntegerField(help_text="line of the list")
    subject_id = models.UUIDField()
    band = models.CharField(max_length=10)
    told = SealedJSONField(help_text="the row's id and names, score and reasons")
    verdict = models.CharField(max_length=10, blank=True)
    judged_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["row", "pk"]
        constraints = [models.UniqueConstraint(fields=["screening", "row", "subject_id"], name="one_hit_per_row")]
