"""Rows of screenings: a whole list asked against the register, or blindly of partners."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from tansiq.node.vault.columns import SealedBytesField, SealedJSONField, SealedTextField


class Screening(models.Model):
    """One list of one officer, with its purpose. The list itself goes when every row was asked: who was not met leaves no trace."""

    PREPARED, RUNNING, DONE, STOPPED = "prepared", "running", "done", "stopped"

    screening_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    officer = models.CharField(max_length=36, db_index=True)
    title = SealedTextField()
    purpose = models.CharField(max_length=64)
    crime_area = models.CharField(max_length=64, blank=True)
    reference = SealedTextField()
    content = SealedBytesField(null=True, help_text="the list, until it was worked off")
    is_blind = models.BooleanField(default=False, help_text="partners are asked blindly, not the own register")
    state = models.CharField(max_length=10, default=RUNNING)
    rows = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-asked_at"]


class ScreeningHit(models.Model):
    """A row of a list and a subject that is likely the same, or a partner that knows it; and what the officer made of it."""

    screening = models.ForeignKey(Screening, on_delete=models.CASCADE, related_name="hits")
    row = models.PositiveIntegerField(help_text="line of the list")
    subject_id = models.UUIDField(null=True)
    partner = models.CharField(max_length=160, blank=True, help_text="who knows it; empty for the own register")
    met = models.JSONField(default=list, help_text="families of keys under which it hit at the partner")
    band = models.CharField(max_length=10, blank=True)
    told = SealedJSONField(help_text="the row's id and names, score and reasons")
    verdict = models.CharField(max_length=10, blank=True)
    judged_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["row", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["screening", "row", "subject_id"], name="one_hit_per_row"),
            models.UniqueConstraint(
                fields=["screening", "row", "partner"], condition=~Q(partner=""), name="one_blind_hit_per_row"
            ),
        ]


class ScreeningPartner(models.Model):
    """A partner that is asked blindly about a list: what that costs, how far it came, and why it rests or stopped."""

    READY, ASKING, RESTING, DONE, STOPPED = "ready", "asking", "resting", "done", "stopped"

    screening = models.ForeignKey(Screening, on_delete=models.CASCADE, related_name="partners")
    partner = models.CharField(max_length=160)
    families = models.JSONField(default=list, help_text="of keys that are asked under, as it was prepared")
    cost = models.PositiveIntegerField(default=0, help_text="of the budget, as it was reckoned beforehand")
    state = models.CharField(max_length=10, default=READY)
    code = models.CharField(max_length=80, blank=True)
    clause = models.CharField(max_length=300, blank=True)
    asked_to = models.PositiveIntegerField(default=0, help_text="rows of the list that are in a question")
    resumes_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["partner"]
        constraints = [models.UniqueConstraint(fields=["screening", "partner"], name="one_list_per_partner")]


class ScreeningQuestion(models.Model):
    """One blind question about rows ``first`` to ``last`` of a list; asked anew under another number where it was not answered."""

    WAITING, ANSWERED, AGAIN, ENDED = "waiting", "answered", "again", "ended"

    query_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    asked_of = models.ForeignKey(ScreeningPartner, on_delete=models.CASCADE, related_name="questions")
    first = models.PositiveIntegerField()
    last = models.PositiveIntegerField()
    keyless = models.JSONField(default=list, help_text="rows among them that give no key the accord allows")
    blinds = SealedJSONField(null=True, help_text="what unblinds the answer; gone once it came")
    cost = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, default=WAITING)
    code = models.CharField(max_length=80, blank=True)
    asked_at = models.DateTimeField(db_index=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["first"]
