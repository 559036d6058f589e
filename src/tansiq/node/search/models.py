"""Rows of questions asked and answered."""

from __future__ import annotations

import uuid

from django.db import models

from tansiq.node.search.screening_models import Screening, ScreeningHit, ScreeningPartner, ScreeningQuestion
from tansiq.node.vault.columns import SealedJSONField, SealedTextField

__all__ = ["Screening", "ScreeningHit", "ScreeningPartner", "ScreeningQuestion"]
"""Further rows of this room; the rest stands here."""


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
    is_blind = models.BooleanField(default=False)
    asked_under = models.JSONField(default=dict, help_text="{family: number of keys} of a blind question")
    blinds = SealedJSONField(null=True, help_text="what unblinds the answer; gone once it came")
    cost = models.PositiveIntegerField(default=0, help_text="what a blind question takes of the partner's budget")
    met = models.JSONField(default=list, help_text="families of keys under which a blind question hit")
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
    is_blind = models.BooleanField(default=False)
    asked_by = models.CharField(max_length=64, blank=True, help_text="opaque officer id of a blind question")
    cost = models.PositiveIntegerField(default=1, help_text="what it takes of the day's budget")
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


# -- blind questions: what this node holds ready for a partner --------------------------------------------------------


class BlindEpoch(models.Model):
    """One key for one partner, and how far the register stands under it. The key is a file outside every backup."""

    BUILDING, OPEN, CLOSING, ENDED = "building", "open", "closing", "ended"

    partner = models.CharField(max_length=160)
    number = models.PositiveIntegerField()
    scheme = models.CharField(max_length=10)
    families = models.JSONField()
    state = models.CharField(max_length=10, default=BUILDING)
    public = models.CharField(max_length=44)
    change_number = models.PositiveBigIntegerField(default=0, help_text="the register's last change that is in it")
    started_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField()

    class Meta:
        ordering = ["partner", "number"]
        constraints = [models.UniqueConstraint(fields=["partner", "number"], name="one_epoch_per_number")]


class BlindRecord(models.Model):
    """The marks of one subject under one epoch: 9 bytes each, a family's place and the mark's 8 bytes."""

    epoch = models.ForeignKey(BlindEpoch, on_delete=models.CASCADE, related_name="records")
    subject_id = models.UUIDField()
    marks = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["epoch", "subject_id"], name="one_blind_record_per_subject")]


class BlindFilter(models.Model):
    """The filter of one family as the partner has it, and the random marks that fill it up."""

    epoch = models.ForeignKey(BlindEpoch, on_delete=models.CASCADE, related_name="filters")
    family = models.CharField(max_length=20)
    content = models.BinaryField(help_text="engine.blind.filters.Filter.to_bytes")
    filling = models.BinaryField(help_text="8 bytes a mark, big-endian, ascending")
    digest = models.CharField(max_length=64)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["epoch", "family"], name="one_blind_filter_per_family")]


# -- blind questions: what partners hold ready for this node ----------------------------------------------------------


class HeldEpoch(models.Model):
    """An epoch that a partner announced to us; its filters arrive in pieces."""

    RECEIVING, USABLE, ENDED = "receiving", "usable", "ended"

    partner = models.CharField(max_length=160)
    number = models.PositiveIntegerField()
    scheme = models.CharField(max_length=10)
    public = models.CharField(max_length=44)
    state = models.CharField(max_length=10, default=RECEIVING)
    speaks = models.JSONField(null=True, help_text="key schemes that the partner said it speaks")
    announced_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        ordering = ["partner", "-number"]
        constraints = [models.UniqueConstraint(fields=["partner", "number"], name="one_held_epoch_per_number")]


class HeldFilter(models.Model):
    """One family's filter of a partner; without content until all its pieces are here."""

    epoch = models.ForeignKey(HeldEpoch, on_delete=models.CASCADE, related_name="filters")
    family = models.CharField(max_length=20)
    announced_digest = models.CharField(max_length=64)
    pieces = models.PositiveSmallIntegerField()
    content = models.BinaryField(null=True)
    digest = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["family"]
        constraints = [models.UniqueConstraint(fields=["epoch", "family"], name="one_held_filter_per_family")]


class HeldPiece(models.Model):
    """A piece or a change of a partner's filter that waits for the others: each named by what it must fit on."""

    partner = models.CharField(max_length=160)
    number = models.PositiveIntegerField(help_text="of the epoch, which may be announced later")
    family = models.CharField(max_length=20)
    place = models.CharField(max_length=64, help_text="number of the piece, or digest of the filter before the change")
    content = models.BinaryField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["partner", "number", "family", "place"], name="one_held_piece_per_place")
        ]
