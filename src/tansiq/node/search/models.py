"""Rows of questions asked and answered."""

from __future__ import annotations

import uuid

from django.db import models

from tansiq.node.vault.columns import SealedJSONField, SealedTextField


class Search(models.Model):
    """One question of one officer, with its purpose; its answers from here and from partners hang on it."""

    search_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    officer = models.CharField(max_length=36, db_index=True)
    circle = models.CharField(max_length=60)
    asked = SealedJSONField(help_text="the fields of the question")
    purpose = models.CharField(max_length=64)
    crime_area = models.CharField(max_length=64, blank=True)
    reference = SealedTextField(null=True, help_text="the case for which it was asked")
    found_here = SealedJSONField(help_text="matches in the register, as they were shown")
    asked_at = models.DateTimeField()

    class Meta:
        ordering = ["-asked_at"]


class Asked(models.Model):
    """One partner asked in a search, and what it answered."""

    WAITING, HIT, CONTACT, NOTHING, REFUSED, BARRED = "waiting", "hit", "contact", "nothing", "refused", "barred"

    search = models.ForeignKey(Search, on_delete=models.CASCADE, related_name="partners")
    partner = models.CharField(max_length=160)
    state = models.CharField(max_length=10, default=WAITING)
    code = models.CharField(max_length=80, blank=True)
    clause = models.CharField(max_length=300, blank=True)
    hits = SealedJSONField(null=True)
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["partner"]
        constraints = [models.UniqueConstraint(fields=["search", "partner"], name="one_question_per_partner")]


class InboundQuery(models.Model):
    """A question of a partner that this node answered: for the budget, and so that both logs can be reconciled."""

    query_id = models.UUIDField()
    partner = models.CharField(max_length=160)
    purpose = models.CharField(max_length=64)
    crime_area = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=10)
    hits = models.PositiveSmallIntegerField(default=0)
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["partner", "query_id"], name="one_answer_per_query")]


class GivenHit(models.Model):
    """Which record a hit number that was given to a partner stands for; known to this node alone."""

    hit_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    partner = models.CharField(max_length=160)
    subject_id = models.CharField(max_length=64)
    given_at = models.DateTimeField()


class StandingAlert(models.Model):
    """One alert as the board shows it: what it asks, until when, and whether it still stands. The dossier is the record."""

    IN_FORCE, CANCELLED, EXPIRED = "in_force", "cancelled", "expired"

    dossier_id = models.CharField(max_length=64, primary_key=True)
    issuer = models.CharField(max_length=160, db_index=True)
    is_own = models.BooleanField()
    alert_class = models.CharField(max_length=64)
    asks = models.CharField(max_length=64)
    caption = SealedTextField(null=True, help_text="the words that stand for its subject; gone when the alert is over")
    circle = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=10, default=IN_FORCE)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    review_at = models.DateTimeField()

    class Meta:
        ordering = ["-issued_at", "dossier_id"]
        indexes = [models.Index(fields=["state", "expires_at"])]


class AlertHit(models.Model):
    """One dossier about a hit on an alert, ours on a partner's or a partner's on ours."""

    dossier_id = models.CharField(max_length=64, primary_key=True)
    alert = models.CharField(max_length=64, db_index=True)
    partner = models.CharField(max_length=160)
    is_own = models.BooleanField(help_text="our register met their alert")
    circle = models.CharField(max_length=60, blank=True)
    phase = models.CharField(max_length=40)
    opened_at = models.DateTimeField()

    class Meta:
        ordering = ["-opened_at"]


class Watched(models.Model):
    """The one row that says up to which change the register was matched against the standing alerts."""

    number = models.PositiveBigIntegerField(default=0)
