"""Rows of the logs: trees, events, tiles of hashes, checkpoints, and what partners and we hold of each other's."""

from __future__ import annotations

from django.db import models

from tansiq.node.vault.columns import SealedJSONField

EXCHANGE, INTERNAL = "exchange", "internal"
LOGS = (EXCHANGE, INTERNAL)


class Tree(models.Model):
    """One log of this node in one incarnation: how long it is, and the compact range that it grows from."""

    log = models.CharField(max_length=10)
    incarnation = models.PositiveIntegerField()
    origin = models.CharField(max_length=220, unique=True, help_text="the name under which its checkpoints are signed")
    size = models.PositiveBigIntegerField(default=0)
    peaks = models.JSONField(default=list, help_text="roots of the perfect subtrees, hexadecimal")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, help_text="nothing more is numbered here: this node is being restored")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["log", "incarnation"], name="one_tree_per_incarnation")]


class Event(models.Model):
    """One event. Without ``tree`` it waits for the sequencer; without ``told`` its text was erased."""

    log = models.CharField(max_length=10)
    tree = models.ForeignKey(Tree, on_delete=models.PROTECT, null=True)
    index = models.PositiveBigIntegerField(null=True)
    event = models.CharField(max_length=80, help_text="what happened: a code, room.what")
    actor = models.CharField(max_length=200, blank=True, help_text="opaque officer id, machine, or node:<id>")
    dossier = models.CharField(max_length=80, blank=True, help_text="opaque id of what it concerns, for queries")
    at = models.DateTimeField()
    told = SealedJSONField(null=True, help_text="{facts, salt}; null once erased")
    commitment = models.BinaryField(help_text="HMAC-SHA256(salt, canonical facts), 32 bytes; stays")
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tree", "index"], name="one_event_per_number")]
        indexes = [
            models.Index(fields=["log", "id"], condition=models.Q(tree=None), name="audit_unsequenced"),
            models.Index(fields=["dossier", "id"], name="audit_by_dossier"),
            models.Index(fields=["actor", "id"], name="audit_by_actor"),
            models.Index(fields=["event", "id"], name="audit_by_event"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]


class Tile(models.Model):
    """Up to 256 hashes of one level of a tree (``tansiq.engine.ledger.tiles``)."""

    tree = models.ForeignKey(Tree, on_delete=models.PROTECT)
    level = models.PositiveSmallIntegerField()
    number = models.PositiveBigIntegerField()
    hashes = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tree", "level", "number"], name="one_tile_per_place")]


class Checkpoint(models.Model):
    """A head of one of our trees, signed (C2SP tlog-checkpoint)."""

    tree = models.ForeignKey(Tree, on_delete=models.PROTECT)
    size = models.PositiveBigIntegerField()
    root = models.BinaryField()
    text = models.TextField()
    signed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tree", "size"], name="one_checkpoint_per_size")]


class Cosigned(models.Model):
    """One of our checkpoints with the countersignature of a partner that found it consistent."""

    partner = models.CharField(max_length=160)
    origin = models.CharField(max_length=220)
    size = models.PositiveBigIntegerField()
    text = models.TextField(help_text="our checkpoint with the partner's signature line")
    seen_at = models.DateTimeField(help_text="the partner's time in the countersignature")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["partner", "origin", "size"], name="one_cosignature_per_size")]


class PartnerCheckpoint(models.Model):
    """A partner's checkpoint that we verified, found consistent with all before it, and keep."""

    partner = models.CharField(max_length=160)
    origin = models.CharField(max_length=220)
    incarnation = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField()
    root = models.BinaryField()
    text = models.TextField()
    cosigned = models.TextField(blank=True, help_text="the same with our countersignature")
    kept_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["origin", "size"], name="one_kept_checkpoint_per_size")]
        indexes = [models.Index(fields=["partner", "-incarnation", "-size"], name="audit_newest_of_partner")]


class Contradiction(models.Model):
    """Two checkpoints of one partner log that do not fit each other: both, as signed, and the proof that failed."""

    FORKED, UNPROVEN = "forked", "unproven"

    partner = models.CharField(max_length=160, db_index=True)
    origin = models.CharField(max_length=220)
    kind = models.CharField(
        max_length=10, help_text="forked: one size, two roots; unproven: the proof given does not hold"
    )
    known = models.TextField()
    other = models.TextField()
    proof = models.JSONField(null=True)
    found_at = models.DateTimeField()
