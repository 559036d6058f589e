"""Rows of dossiers. Headers hold no name and no free text (the protocol forbids it), so they stand in clear; parts are sealed."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models

from tansiq.node.vault.columns import SealedJSONField, SealedTextField


class Case(models.Model):
    """A matter of this authority, under which dossiers with several partners are kept together; it never leaves the node."""

    case_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    title = SealedTextField()
    circle = models.CharField(max_length=60)
    created_by = models.CharField(max_length=36)
    created_at = models.DateTimeField()


class Dossier(models.Model):
    """One dossier and what its entries come to; everything but ``case``, ``circle`` and ``title`` can be folded anew."""

    dossier_id = models.CharField(max_length=64, primary_key=True)
    kind = models.CharField(max_length=40)
    kind_version = models.PositiveSmallIntegerField()
    participants = models.JSONField()
    opened_by = models.CharField(max_length=160)
    accord = models.CharField(max_length=64, blank=True)
    accord_version = models.CharField(max_length=64, blank=True)
    folded = models.JSONField()
    heads_digest = models.CharField(
        max_length=64, blank=True, help_text="of its heads, so that partners can compare many at once"
    )
    phase = models.CharField(max_length=40)
    urgent = models.BooleanField(default=False)
    due_at = models.DateTimeField(null=True)
    is_closed = models.BooleanField(default=False)
    entry_count = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    circle = models.CharField(max_length=60, help_text="who here needs to know")
    title = SealedTextField(null=True)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, related_name="dossiers")
    continues = models.CharField(max_length=64, blank=True)
    exercise = models.BooleanField(default=False, help_text="nothing in it is real; said in its opening entry")
    equivocation = models.JSONField(null=True, help_text="evidence, where one author signed two entries in one place")

    opened_state: tuple[Any, Any] | None = None
    """``folded`` as it stands and what was read from it, so that it is read once."""

    class Meta:
        ordering = ["-changed_at"]
        indexes = [
            # Lists are counted and put in order from the index; only the rows of a page are looked up.
            models.Index(
                fields=["circle", "is_closed", "exercise", "-changed_at", "dossier_id"], name="dossiers_listed"
            ),
            models.Index(fields=["continues"], name="dossiers_continued"),
            models.Index(fields=["kind", "phase"]),
            # What the yearly figures are counted from: read without a look at the rows, which are large.
            models.Index(
                fields=[
                    "opened_at",
                    "exercise",
                    "kind",
                    "circle",
                    "opened_by",
                    "phase",
                    "urgent",
                    "is_closed",
                    "due_at",
                    "participants",
                    "dossier_id",
                ],
                name="dossiers_counted",
            ),
        ]


class Owed(models.Model):
    """Something that one participant owes in a dossier until a time: what its kind's deadlines say, kept as rows for lists.

    A read model: written in the transaction that stores the folded state, and counted anew from it at any time.
    """

    dossier = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="owed")
    owner = models.CharField(max_length=160)
    name = models.CharField(max_length=60)
    clause = models.CharField(max_length=130)
    due_at = models.DateTimeField()
    times = models.PositiveSmallIntegerField(default=1, help_text="how many of the same, as two parts recalled at once")

    class Meta:
        ordering = ["due_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["dossier", "owner", "name", "clause", "due_at"], name="one_row_per_owed")
        ]
        indexes = [models.Index(fields=["owner", "due_at"], name="dossiers_owed_by")]


class Entry(models.Model):
    """One signed entry: the exact bytes of its header, its signatures, and the verdict on it."""

    entry_id = models.CharField(max_length=64, primary_key=True)
    dossier = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="entries")
    author = models.CharField(max_length=160)
    seq = models.PositiveIntegerField()
    depth = models.PositiveIntegerField()
    act = models.CharField(max_length=40)
    ground = models.CharField(max_length=60, null=True, help_text="the code by which it refuses or deviates")
    at = models.DateTimeField()
    header = models.BinaryField()
    signatures = models.JSONField()
    trace = models.JSONField()
    is_effective = models.BooleanField()
    reason = models.CharField(max_length=80, blank=True)
    flags = models.JSONField(default=list)
    is_own = models.BooleanField()
    recorded_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, help_text="when an officer here first opened it")

    class Meta:
        ordering = ["depth", "entry_id"]
        indexes = [
            models.Index(fields=["dossier", "depth", "entry_id"]),
            models.Index(fields=["dossier", "author", "seq"]),
            # What the yearly figures are counted from: read without a look at the rows.
            models.Index(
                fields=["act", "is_effective", "dossier", "ground"],
                condition=models.Q(ground__isnull=False),
                name="entries_with_ground",
            ),
        ]


class Part(models.Model):
    """One part of an entry. Erased, only its commitment in the header remains."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="parts")
    index = models.PositiveSmallIntegerField()
    type = models.CharField(max_length=30)
    salted = SealedJSONField(null=True)
    review_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)
    erased_for = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["index"]
        constraints = [models.UniqueConstraint(fields=["entry", "index"], name="one_part_per_index")]


class Forwarded(models.Model):
    """That a part held here was passed on: what must be recalled when it is, and where. It outlives both contents."""

    source_entry = models.CharField(max_length=64)
    source_part = models.CharField(max_length=64, help_text="its commitment there")
    origin = models.CharField(max_length=160, help_text="the node that signed it first")
    dossier = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="forwarded")
    entry = models.CharField(max_length=64, help_text="the entry of ours that carries it")
    part = models.CharField(max_length=64, help_text="the commitment of the carrying part")
    index = models.PositiveSmallIntegerField()
    forwarded_at = models.DateTimeField()
    is_told = models.BooleanField(default=False, help_text="its provider was told in the source dossier")
    recalled_by = models.CharField(max_length=64, blank=True, help_text="the entry by which we recalled it there")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["entry", "index"], name="one_row_per_forwarded_part")]
        indexes = [models.Index(fields=["source_entry", "source_part"], name="dossiers_forwarded_from")]


class Erased(models.Model):
    """That a part was erased here, and from where it went; outlives the part, is proved from, and replayed after a restore."""

    entry = models.CharField(max_length=64)
    part = models.CharField(max_length=64, help_text="its commitment")
    dossier = models.CharField(max_length=64, db_index=True)
    author = models.CharField(max_length=160)
    reason = models.CharField(max_length=80)
    change = models.CharField(max_length=64, blank=True, help_text="the entry that demanded it")
    reached = models.JSONField(help_text="{place: how many}, without content")
    event = models.BigIntegerField(help_text="the audit row that says so")
    erased_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["entry", "part"], name="one_row_per_erased_part")]


class CopyOwed(models.Model):
    """A numbered copy outside of the store that holds what was erased since: its holder owes it back, or word of its end."""

    OUTCOMES = ("destroyed", "returned", "lost")

    kind = models.CharField(max_length=20, help_text="register: an export; print: a printed or exported dossier")
    number = models.CharField(max_length=40)
    holder = models.CharField(max_length=36, help_text="the officer who made it")
    entry = models.CharField(max_length=64, blank=True)
    part = models.CharField(max_length=64, blank=True)
    subject = models.CharField(max_length=36, blank=True)
    reason = models.CharField(max_length=80)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, blank=True)
    settled_by = models.CharField(max_length=36, blank=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["due_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "number", "entry", "part", "subject"], name="one_row_per_copy_owed")
        ]
        indexes = [models.Index(fields=["holder", "outcome"], name="dossiers_copies_of_holder")]


class WaitingEntry(models.Model):
    """An entry whose ancestors have not arrived: visible and bounded, never judged."""

    entry_id = models.CharField(max_length=64, primary_key=True)
    dossier = models.CharField(max_length=64, db_index=True)
    sender = models.CharField(max_length=160)
    wire = SealedJSONField()
    missing = models.JSONField()
    received_at = models.DateTimeField()


class Quarantined(models.Model):
    """An inbound entry that is lawful between the parties but not here: for the data-protection officer's eyes only."""

    entry_id = models.CharField(max_length=64, primary_key=True)
    dossier = models.CharField(max_length=64)
    sender = models.CharField(max_length=160)
    wire = SealedJSONField()
    reason = models.CharField(max_length=80)
    received_at = models.DateTimeField()
    decided = models.CharField(
        max_length=10, blank=True, help_text="released or kept_out, once the officer has decided"
    )
    decided_by = models.CharField(max_length=36, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_for = SealedTextField(null=True, help_text="why, in words")


class Draft(models.Model):
    """An act in preparation: a local row, never an entry."""

    DRAFTING, AWAITING, SENT, DROPPED = "drafting", "awaiting", "sent", "dropped"

    draft_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    dossier = models.ForeignKey(Dossier, on_delete=models.PROTECT, null=True, related_name="drafts")
    kind = models.CharField(max_length=40)
    act = models.CharField(max_length=40)
    intent = SealedJSONField(help_text="the whole Intent, as JSON")
    state = models.CharField(max_length=10, default=DRAFTING)
    digest = models.CharField(max_length=64, blank=True, help_text="of exact parts, recipients and accord version")
    role = models.CharField(max_length=40, blank=True, help_text="whose approval the accord demands")
    clause = models.CharField(max_length=200, blank=True)
    officer = models.CharField(max_length=36)
    circle = models.CharField(max_length=60)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["-changed_at"]


class Approval(models.Model):
    """A named officer's yes to exactly what ``digest`` says; any change of the draft leaves it without effect."""

    draft = models.ForeignKey(Draft, on_delete=models.PROTECT, related_name="approvals")
    digest = models.CharField(max_length=64)
    officer = models.CharField(max_length=36)
    role = models.CharField(max_length=40)
    approved_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["draft", "digest", "officer"], name="one_approval_per_officer")]


class EndedExercise(models.Model):
    """The bare id of an exercise that was deleted as a whole: what a partner sends of it later is not taken in again."""

    dossier_id = models.CharField(max_length=64, primary_key=True)
    ended_by = models.CharField(max_length=36)
    ended_at = models.DateTimeField()


class Reference(models.Model):
    """A number under which somebody keeps this matter: ours, theirs, the prosecutor's."""

    dossier = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="references")
    whose = models.CharField(max_length=20)
    value = SealedTextField()
    token = models.CharField(max_length=64, db_index=True)
    added_by = models.CharField(max_length=36)
    added_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dossier", "whose", "token"], name="one_reference_each")]


class Note(models.Model):
    """An internal note; it never leaves the node."""

    dossier = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="notes")
    text = SealedTextField()
    officer = models.CharField(max_length=36)
    written_at = models.DateTimeField()

    class Meta:
        ordering = ["written_at"]


class ThreatReview(models.Model):
    """What was sent for a threat to life without an accord is looked at afterwards by the data-protection officer."""

    entry_id = models.CharField(max_length=64, primary_key=True)
    dossier = models.ForeignKey(Dossier, on_delete=models.PROTECT, related_name="threat_reviews")
    officer = models.CharField(max_length=36, help_text="who sent it")
    claimed_at = models.DateTimeField()
    due_at = models.DateTimeField()
    outcome = models.CharField(max_length=16, blank=True, help_text="justified or not_justified; empty while it is due")
    measures = SealedTextField(null=True)
    reviewed_by = models.CharField(max_length=36, blank=True)
    reviewed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["due_at", "entry_id"]
