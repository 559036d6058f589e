"""Rows of the register. Values, names and reasons are sealed.

What stands in clear is what a query needs and names nobody.
"""

from __future__ import annotations

import uuid

from django.db import models

from tansiq.node.vault.columns import SealedBytesField, SealedJSONField, SealedTextField


class Discoverability(models.TextChoices):
    """What somebody outside the circle may find of a record."""

    NONE = "none"
    SILENT = "silent", "its owner is told, the asker sees no hit"
    CONTACT = "contact", "the asker is told whom to ask"
    HIT = "hit", "the asker is told that there is a hit"


class Origin(models.TextChoices):
    """How a subject came into the register."""

    OFFICER = "officer"
    LIST = "list"
    RECEIVED = "received"


class ListSource(models.Model):
    """A list that is imported again and again."""

    key = models.SlugField(max_length=40, primary_key=True)
    names = models.JSONField(default=dict)
    salt = SealedBytesField(
        help_text="key of the tokens under which rows are found again; sealed, so that tokens tell nothing"
    )
    edition_at = models.DateTimeField(null=True, help_text="when the publisher made the edition that is held")
    imported_at = models.DateTimeField(null=True)
    current_run = models.ForeignKey("ImportRun", on_delete=models.PROTECT, null=True, related_name="+")


class ImportRun(models.Model):
    """One import of a list; the newest one of a source fences off every older one that may still be running."""

    RUNNING, DONE, SUPERSEDED = "running", "done", "superseded"

    run_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    source = models.ForeignKey(ListSource, on_delete=models.PROTECT, related_name="runs")
    state = models.CharField(max_length=10, default=RUNNING)
    officer = models.CharField(max_length=36)
    edition_at = models.DateTimeField(null=True)
    file_digest = models.CharField(max_length=64)
    row_count = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-started_at"]


class ImportProblem(models.Model):
    """Something in an imported file that could not be read."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="problems")
    place = models.CharField(max_length=300)
    rule = models.CharField(max_length=60)
    is_row_lost = models.BooleanField(default=False)
    token = models.CharField(max_length=64, blank=True, help_text="of the row, as in Subject.source_token")
    told = SealedJSONField(help_text="{value, key, number, prop}")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["token"])]


class ImportOrder(models.Model):
    """A file that an officer brought in the browser to be imported: looked at, confirmed, stored, whatever happens between."""

    MAPPING, LOOK, LOOKED, STORE = "mapping", "look", "looked", "store"
    DONE, FAILED, DROPPED = "done", "failed", "dropped"

    order_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    officer = models.CharField(max_length=36)
    upload = models.UUIDField(help_text="the sealed file; gone when the order is over")
    told = SealedJSONField(help_text="form, list, name, file name, mapping, what was confirmed")
    circle = models.CharField(max_length=60, blank=True)
    discoverability = models.CharField(max_length=10, choices=Discoverability)
    state = models.CharField(max_length=8, default=MAPPING)
    report = SealedJSONField(null=True)
    failure = models.JSONField(null=True, help_text="code and facts of the error that ended it")
    run_id = models.CharField(max_length=36, blank=True)
    phase = models.CharField(max_length=8, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["officer", "-created_at"])]


class Subject(models.Model):
    """A person, organisation or thing that this node knows something about."""

    subject_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    schema = models.CharField(max_length=40)
    owner = models.CharField(max_length=160, help_text="node id of the authority whose knowledge it is")
    origin = models.CharField(max_length=10, choices=Origin)
    circle = models.CharField(max_length=60, blank=True, help_text='unit:… or team:…; "" is the whole node')
    discoverability = models.CharField(max_length=10, choices=Discoverability, default=Discoverability.NONE)
    card = SealedJSONField(help_text="names, dates and numbers of the statements in force, for captions and the index")
    packed = SealedJSONField(
        null=True, help_text="the statements in force that its list makes (engine.entities.packing); others are rows"
    )
    source = models.ForeignKey(ListSource, on_delete=models.PROTECT, null=True, related_name="subjects", db_index=False)
    source_token = models.CharField(max_length=64, null=True, help_text="keyed digest of its key in the list")
    fingerprint = models.CharField(max_length=64, blank=True, help_text="keyed digest of what the list said last")
    delisted_at = models.DateTimeField(null=True)
    dossier = models.CharField(max_length=64, blank=True)
    entry = models.CharField(max_length=64, null=True, help_text="id of the entry that brought it")
    part = models.PositiveSmallIntegerField(null=True)
    review_at = models.DateTimeField(null=True)
    retention_until = models.DateTimeField(null=True)
    restricted_at = models.DateTimeField(
        null=True, help_text="kept, but neither found, matched nor exported (Directive (EU) 2016/680 art. 16(3))"
    )
    created_by = models.CharField(max_length=36, help_text="opaque officer id, or machine")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["-subject_id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "source_token"], name="one_subject_per_list_row"),
            models.UniqueConstraint(
                fields=["entry", "part"], condition=models.Q(entry__isnull=False), name="one_subject_per_part"
            ),
            models.CheckConstraint(
                condition=~models.Q(origin="list") | models.Q(source_token__isnull=False), name="list_subject_has_token"
            ),
            models.CheckConstraint(
                condition=~models.Q(origin="received") | models.Q(entry__isnull=False),
                name="received_subject_has_entry",
            ),
        ]
        indexes = [
            models.Index(fields=["circle", "-subject_id"]),
            models.Index(fields=["source", "delisted_at", "subject_id"]),
            models.Index(fields=["review_at"], condition=models.Q(review_at__isnull=False), name="register_review_due"),
            models.Index(
                fields=["retention_until"], condition=models.Q(retention_until__isnull=False), name="register_retention"
            ),
            models.Index(fields=["dossier"], condition=~models.Q(dossier=""), name="register_of_dossier"),
        ]


class StatementRow(models.Model):
    """One statement about a subject; retired, it says no more but is still known to have been said.

    What a list says now stands in ``Subject.packed``; it becomes a row when it is retired.
    """

    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="statements")
    token = models.CharField(max_length=64, help_text="keyed digest of the statement's id")
    schema = models.CharField(max_length=40)
    prop = models.CharField(max_length=60)
    source_kind = models.CharField(max_length=10)
    source_id = models.CharField(max_length=120)
    told = SealedJSONField(help_text="the statement (engine.entities.Statement.to_json)")
    review_at = models.DateTimeField(null=True)
    first_seen = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)
    retired_by = models.CharField(max_length=36, blank=True, help_text="the officer; empty when its source dropped it")
    reason = SealedTextField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["subject", "token"], name="one_row_per_statement")]
        indexes = [models.Index(fields=["source_kind", "source_id"])]


class Judgement(models.Model):
    """A named officer's word on whether two subjects are one; ``left`` < ``right``."""

    SAME, DIFFERENT, UNSURE = "same", "different", "unsure"
    VERDICTS = (SAME, DIFFERENT, UNSURE)

    judgement_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    left = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="judged_left")
    right = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="judged_right")
    verdict = models.CharField(max_length=10)
    reason = SealedTextField()
    officer = models.CharField(max_length=36)
    judged_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.CharField(max_length=36, blank=True)
    revoked_for = SealedTextField(null=True)

    class Meta:
        ordering = ["judged_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["left", "right"], condition=models.Q(revoked_at=None), name="one_judgement_per_pair"
            ),
            models.CheckConstraint(condition=models.Q(left__lt=models.F("right")), name="judged_in_order"),
        ]


class Review(models.Model):
    """An officer's decision whether a record is kept any longer; outlives the record, without anything that it said."""

    KEEP, RESTRICT, ERASE = "keep", "restrict", "erase"
    VERDICTS = (KEEP, RESTRICT, ERASE)

    review_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    subject_id = models.UUIDField()
    verdict = models.CharField(max_length=10)
    ground = models.CharField(max_length=60, help_text="a code of the list review_grounds")
    reason = SealedTextField()
    officer = models.CharField(max_length=36)
    was_due_at = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ["-decided_at"]
        indexes = [models.Index(fields=["subject_id", "-decided_at"])]


class Erasure(models.Model):
    """That a subject was erased: replayed after a restore, and asked before a list or an entry brings it back."""

    subject_id = models.UUIDField(primary_key=True)
    ground = models.CharField(max_length=60)
    officer = models.CharField(max_length=36)
    erased_at = models.DateTimeField()
    source = models.ForeignKey(ListSource, on_delete=models.PROTECT, null=True, related_name="+")
    source_token = models.CharField(max_length=64, null=True)
    is_barred = models.BooleanField(default=False, help_text="a later import must not bring it back")
    entry = models.CharField(max_length=64, null=True)
    part = models.PositiveSmallIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["source", "source_token"]), models.Index(fields=["entry", "part"])]


class ChangeCounter(models.Model):
    """The one row that hands out change numbers; locked until its transaction ends, so numbers appear without gaps."""

    value = models.PositiveBigIntegerField(default=0)


class RegisterChange(models.Model):
    """The last thing that happened to a subject, as an index must follow it.

    One row per subject, the number moves on.
    """

    PUT, GONE = "put", "gone"

    subject_id = models.UUIDField(primary_key=True)
    number = models.PositiveBigIntegerField(unique=True)
    what = models.CharField(max_length=4)


class Export(models.Model):
    """A numbered copy that left the node: part of the register as a file, or entries of a dossier on paper. Its number stands on it."""

    copy_number = models.BigAutoField(primary_key=True)
    officer = models.CharField(max_length=36)
    form = models.CharField(max_length=10)
    purpose = models.CharField(max_length=60, help_text="a code of the list of purposes")
    reason = SealedTextField(null=True)
    recipient = SealedTextField(null=True)
    counts = models.JSONField(default=dict)
    file_digest = models.CharField(
        max_length=64, blank=True, help_text="empty while it is being written, or was cut off"
    )
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-copy_number"]


class ExportedEntry(models.Model):
    """That a copy on paper shows an entry; it outlives the entry's parts, so that a recall knows where copies are."""

    export = models.ForeignKey(Export, on_delete=models.PROTECT, related_name="entries")
    entry = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry", "export"], name="one_row_per_exported_entry")]


class ExportedSubject(models.Model):
    """That a copy holds a subject; it outlives the subject, so that an erasure knows where copies are."""

    export = models.ForeignKey(Export, on_delete=models.PROTECT, related_name="subjects")
    subject_id = models.UUIDField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject_id", "export"], name="one_row_per_exported_subject")]
