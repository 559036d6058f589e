"""Rows of plans, of the opaque questions that they are asked under, and of conflicts."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import models

from tansiq.node.vault.columns import SealedBytesField, SealedJSONField, SealedTextField


class Plan(models.Model):
    """What a unit means to do where and when; known to its circle alone. Every move makes a new version, which is asked anew."""

    STANDING, DONE, CANCELLED = "standing", "done", "cancelled"
    ASKED_FOR, GRANTED, REFUSED = "asked_for", "granted", "refused"

    plan_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    version = models.PositiveIntegerField(default=1)
    officer = models.CharField(max_length=36, db_index=True, help_text="who entered it")
    circle = models.CharField(max_length=60, db_index=True)
    kind = models.CharField(max_length=64, help_text="code of the list plan_kinds")
    reference = SealedTextField(help_text="the unit's own words for it")
    place = SealedJSONField(
        help_text="geometry (GeoJSON), buffer_m, is_district, times (of a moving one, one a position)"
    )
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)
    before_s = models.PositiveIntegerField(help_text="margin before, in seconds")
    after_s = models.PositiveIntegerField(help_text="margin after, in seconds")
    subjects = SealedJSONField(help_text="list of {names, birth_dates, identifiers}")
    contact = SealedJSONField(help_text="whom a partner calls: {name, phone, email}")
    state = models.CharField(max_length=10, default=STANDING)
    partners = models.JSONField(default=list, help_text="node ids that are asked, and may hit it")
    held_back = models.JSONField(default=list, help_text="node ids that shall not be asked, with a supervisor's reason")
    exception = models.CharField(max_length=10, blank=True)
    exception_reason = SealedTextField(null=True, help_text="why, as the officer wrote it")
    exception_answer = SealedTextField(null=True, help_text="the supervisor's written reason, for or against")
    excepted_by = models.CharField(max_length=36, blank=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["begins_at", "plan_id"]

    @property
    def from_at(self) -> datetime:
        """The beginning of the window with its margin."""
        return self.begins_at - timedelta(seconds=self.before_s)

    @property
    def until_at(self) -> datetime:
        """The end of the window with its margin."""
        return self.ends_at + timedelta(seconds=self.after_s)

    def status_at(self, now: datetime) -> str:
        """``planned``, ``active``, ``done`` or ``cancelled``."""
        if self.state != self.STANDING:
            return str(self.state)
        if now < self.begins_at:
            return "planned"
        return "active" if now < self.ends_at else "done"


class PlanQuery(models.Model):
    """One opaque question of one version of a plan to one partner, and what it came to; every question is registered."""

    COARSE, FINE, SUBJECT = "coarse", "fine", "subject"
    WAITING, ANSWERED, REFUSED, BARRED, OUTDATED = "waiting", "answered", "refused", "barred", "outdated"

    query_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="queries")
    version = models.PositiveIntegerField()
    partner = models.CharField(max_length=160)
    level = models.CharField(max_length=10)
    state = models.CharField(max_length=10, default=WAITING)
    code = models.CharField(max_length=80, blank=True)
    clause = models.CharField(max_length=300, blank=True)
    officer = models.CharField(max_length=36, help_text="opaque id of who entered or moved the plan")
    follows = models.UUIDField(null=True, help_text="the coarse question that a fine one goes into")
    elements = models.PositiveIntegerField(help_text="blinded elements sent, filling included")
    cost = models.PositiveIntegerField(help_text="what it takes of the day's budget, in cell-hours")
    kept = SealedJSONField(null=True, help_text="keys and blinds; gone once the answer came")
    has_met = models.BooleanField(default=False)
    met = SealedJSONField(null=True, help_text="the keys that hit")
    marks = SealedJSONField(null=True, help_text="their marks, by which the holder finds its own plan")
    asked_at = models.DateTimeField(db_index=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["asked_at", "query_id"]
        indexes = [models.Index(fields=["partner", "asked_at"]), models.Index(fields=["state", "asked_at"])]


class InboundPlanQuery(models.Model):
    """An opaque question of a partner that this node answered: who asked, how much, when; never what."""

    query_id = models.UUIDField()
    partner = models.CharField(max_length=160)
    level = models.CharField(max_length=10)
    outcome = models.CharField(max_length=10)
    code = models.CharField(max_length=80, blank=True)
    asked_by = models.CharField(max_length=64, help_text="opaque officer id of the partner")
    follows = models.UUIDField(null=True)
    elements = models.PositiveIntegerField()
    cost = models.PositiveIntegerField()
    seed = SealedBytesField(null=True, help_text="of the key made for this one answer; destroyed after thirty days")
    bucket_bits = models.PositiveSmallIntegerField(default=0)
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-received_at"]
        constraints = [models.UniqueConstraint(fields=["partner", "query_id"], name="one_answer_per_plan_query")]
        indexes = [models.Index(fields=["partner", "received_at"])]


class Conflict(models.Model):
    """One plan of ours that meets a plan of a partner (in a dossier), or another of our own (in ``other``)."""

    OPEN, RESOLVED, ENDED = "open", "resolved", "ended"

    conflict_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="conflicts")
    partner = models.CharField(max_length=160, blank=True, help_text="empty between two plans of this node")
    dossier_id = models.CharField(max_length=64, blank=True, db_index=True)
    other = models.ForeignKey(Plan, on_delete=models.CASCADE, null=True, related_name="conflicts_of_others")
    is_own = models.BooleanField(default=False, help_text="this node found it")
    levels = models.JSONField(default=list, help_text="how it was met: close, district, subject")
    begins_at = models.DateTimeField(null=True, help_text="overlap window, from its first slot")
    ends_at = models.DateTimeField(null=True)
    told = models.CharField(max_length=64, blank=True, help_text="digest of what this node last told of it")
    state = models.CharField(max_length=10, default=OPEN)
    outcome = models.CharField(max_length=20, blank=True, help_text="proceed, joint, delay or cancel")
    reason = SealedTextField(null=True, help_text="of an outcome between two plans of this node")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-opened_at", "conflict_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "dossier_id"], condition=~models.Q(dossier_id=""), name="one_conflict_per_dossier"
            )
        ]

    @property
    def is_open(self) -> bool:
        """Whether nobody has settled it and the plans still meet."""
        return self.state == self.OPEN
