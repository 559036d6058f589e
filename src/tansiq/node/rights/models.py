"""Rows of data-subject requests and of breaches. Who asks, why, and every reason are sealed; what stands in clear names nobody."""

from __future__ import annotations

import uuid

from django.db import models

from tansiq.node.vault.columns import SealedJSONField, SealedTextField


class Claim(models.Model):
    """A person's request about their own data: access, rectification or erasure (Directive (EU) 2016/680 arts. 14 and 16)."""

    ACCESS, RECTIFICATION, ERASURE = "access", "rectification", "erasure"
    RIGHTS = (ACCESS, RECTIFICATION, ERASURE)
    CHANNELS = ("letter", "email", "visit", "representative", "supervisor", "other")
    OPEN, DECIDED, ANSWERED = "open", "decided", "answered"
    GRANTED, IN_PART, REFUSED, NEITHER = "granted", "in_part", "refused", "neither"
    OUTCOMES = (GRANTED, IN_PART, REFUSED, NEITHER)
    """``neither``: what is held is neither confirmed nor denied (arts. 15(3) and 16(4))."""

    claim_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    right = models.CharField(max_length=14)
    channel = models.CharField(max_length=16)
    told = SealedJSONField(help_text="who asks: name, contact, wish; fields: what is looked for")
    received_at = models.DateTimeField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=10, default=OPEN)
    identity = SealedTextField(null=True, help_text="how it was made sure that this is the person")
    identified_by = models.CharField(max_length=36, blank=True)
    identified_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True, help_text="when the register was last searched")
    gone_through_at = models.DateTimeField(null=True, help_text="when our own entries were; empty while a job does it")
    outcome = models.CharField(max_length=10, blank=True)
    reason = SealedTextField(null=True, help_text="in words; it stands in the answer unless it is ``neither``")
    decided_by = models.CharField(max_length=36, blank=True)
    decided_at = models.DateTimeField(null=True)
    answered_by = models.CharField(max_length=36, blank=True)
    answered_at = models.DateTimeField(null=True)
    answer_digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the answer as it was made")
    created_by = models.CharField(max_length=36)

    class Meta:
        ordering = ["due_at", "claim_id"]
        indexes = [models.Index(fields=["state", "due_at"], name="rights_open")]


class Holding(models.Model):
    """Something that this node holds and that may be about the person: by its place, never by its content.

    ``subject`` of the register, or part ``index`` of ``entry``, which this node signed.
    """

    PENDING, THEIRS, ANOTHER = "pending", "theirs", "another"
    VERDICTS = (THEIRS, ANOTHER)
    DISCLOSE, WITHHOLD, RECTIFY, RESTRICT, ERASE, KEEP = "disclose", "withhold", "rectify", "restrict", "erase", "keep"
    MEASURES = (DISCLOSE, WITHHOLD, RECTIFY, RESTRICT, ERASE, KEEP)
    CONSENTS, OBJECTS = "consents", "objects"
    WORDS = (CONSENTS, OBJECTS)

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="holdings")
    place = models.CharField(max_length=80, help_text="subject:<id>, or entry:<digest>:<index>")
    provider = models.CharField(max_length=160, help_text="whose information it is; this node's own id if it is ours")
    dossier = models.CharField(max_length=64, blank=True)
    circle = models.CharField(max_length=60, blank=True)
    band = models.CharField(max_length=10, blank=True, help_text="how well it fits what was looked for")
    verdict = models.CharField(max_length=8, default=PENDING)
    consulted_at = models.DateTimeField(null=True, help_text="when a draft to the originator was laid on a desk")
    originator_says = models.CharField(max_length=8, blank=True)
    originator_note = SealedTextField(null=True)
    measure = models.CharField(max_length=8, blank=True)
    ground = models.CharField(max_length=60, blank=True, help_text="a code of the list rights_grounds")
    done_at = models.DateTimeField(null=True, help_text="when the measure was carried out")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["claim", "place"], name="one_holding_per_place")]


class Breach(models.Model):
    """A breach of personal data, as it is documented (Directive (EU) 2016/680 art. 30(5)) and told on."""

    NATURES = ("confidentiality", "integrity", "availability")
    UNLIKELY, RISK, HIGH = "unlikely", "risk", "high"
    RISKS = (UNLIKELY, RISK, HIGH)

    breach_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    natures = models.JSONField(help_text="some of NATURES")
    risk = models.CharField(max_length=8)
    told = SealedJSONField(help_text="what happened, consequences, measures, persons, records")
    happened_at = models.DateTimeField(null=True)
    known_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="by when the supervisory authority is told")
    supervisor_at = models.DateTimeField(null=True)
    supervisor_note = SealedTextField(
        null=True, help_text="how, under which number; why late, or why it needs not be told"
    )
    persons_at = models.DateTimeField(null=True)
    persons_note = SealedTextField(null=True, help_text="whom, how, or why not (art. 31)")
    closed_at = models.DateTimeField(null=True)
    created_by = models.CharField(max_length=36)

    class Meta:
        ordering = ["due_at", "breach_id"]

    @property
    def is_late(self) -> bool:
        """Whether the supervisory authority was told after the time limit."""
        return self.supervisor_at is not None and self.supervisor_at > self.due_at


class Notice(models.Model):
    """What one partner is told of a breach: a draft, then a line that is opened; or told otherwise, outside of this program."""

    breach = models.ForeignKey(Breach, on_delete=models.PROTECT, related_name="notices")
    partner = models.CharField(max_length=160)
    number = models.CharField(max_length=60, unique=True, help_text="the reference under which the line is opened")
    draft = models.CharField(max_length=36)
    made_at = models.DateTimeField()
    otherwise = SealedTextField(null=True)
    otherwise_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
