"""Rows of links, items, envelopes out and envelopes in."""

from __future__ import annotations

import uuid

from django.db import models

from tansiq.node.vault.columns import SealedJSONField, SealedTextField


class Link(models.Model):
    """The state of the pairwise sequence with one partner, and who is working on it."""

    partner = models.CharField(max_length=160, primary_key=True)
    incarnation = models.PositiveIntegerField(default=1)
    outbound = models.JSONField(null=True, help_text="Outbound, as JSON")
    inbound = models.JSONField(null=True, help_text="Inbound, as JSON")
    leased_until = models.DateTimeField(null=True)
    leased_by = models.CharField(max_length=60, blank=True)
    failures = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=80, blank=True)
    last_delivered_at = models.DateTimeField(null=True)
    carried_out_at = models.DateTimeField(null=True, help_text="when something was last exported for removable media")
    carried_in_at = models.DateTimeField(null=True, help_text="when something was last imported from removable media")
    intake = models.JSONField(null=True, help_text="what this partner brought in this minute and on this day")
    route = models.JSONField(
        default=list, help_text="relays through which the partner is reached, in order; none: directly"
    )
    witnessed_size = models.PositiveBigIntegerField(
        default=0, help_text="size of our exchange log that this partner last saw"
    )


class OutEnvelope(models.Model):
    """An envelope to a partner, from its sealing to its receipt."""

    READY, RELAYED, DELIVERED, REFUSED, REPLACED = "ready", "relayed", "delivered", "refused", "replaced"
    UNDER_WAY = (READY, RELAYED)
    """Sealed, and no receipt yet."""

    envelope_id = models.CharField(max_length=40, primary_key=True)
    partner = models.CharField(max_length=160)
    sequence = models.PositiveBigIntegerField()
    incarnation = models.PositiveIntegerField()
    manifest = models.JSONField()
    manifest_digest = models.CharField(max_length=64)
    raw = models.BinaryField(null=True, help_text="the sealed bytes; gone after the receipt")
    size = models.PositiveIntegerField()
    state = models.CharField(max_length=10, default=READY)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    receipt = models.JSONField(null=True)
    receipted_at = models.DateTimeField(null=True)
    relay = models.CharField(max_length=160, blank=True, help_text="the relay that holds or held it")
    relayed = models.JSONField(null=True, help_text="that relay's signed word")
    relayed_at = models.DateTimeField(null=True)
    code = models.CharField(max_length=80, blank=True)

    class Meta:
        indexes = [models.Index(fields=["partner", "state", "sequence"])]
        constraints = [
            models.UniqueConstraint(fields=["partner", "incarnation", "sequence"], name="one_envelope_per_sequence")
        ]


class Relay(models.Model):
    """A relay that this node uses: where it is, the key under which it answers, and how far its receipts were fetched."""

    relay_id = models.CharField(max_length=160, primary_key=True)
    url = models.CharField(max_length=300)
    public = models.BinaryField()
    is_used = models.BooleanField(default=True)
    receipts_after = models.PositiveBigIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["relay_id"]


class Item(models.Model):
    """One thing that one partner must get: an entry, a query, an answer, a card."""

    partner = models.CharField(max_length=160)
    type = models.CharField(max_length=30)
    reference = models.CharField(max_length=80, db_index=True, help_text="entry id or query id")
    dossier = models.CharField(max_length=64, blank=True, db_index=True)
    content = SealedJSONField(null=True, help_text="gone after the receipt")
    urgent = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    envelope = models.ForeignKey(OutEnvelope, on_delete=models.PROTECT, null=True, related_name="items")
    delivered_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    not_understood = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["partner", "envelope", "id"])]
        constraints = [models.UniqueConstraint(fields=["partner", "type", "reference"], name="one_item_per_reference")]


class InEnvelope(models.Model):
    """An envelope that was accepted from a partner."""

    STORED, OPENED, FAILED = "stored", "opened", "failed"

    envelope_id = models.CharField(max_length=40)
    sender = models.CharField(max_length=160)
    sequence = models.PositiveBigIntegerField()
    incarnation = models.PositiveIntegerField()
    manifest = models.JSONField()
    manifest_digest = models.CharField(max_length=64)
    sealed = models.BinaryField(null=True, help_text="the sealed body; gone once it was opened and taken over")
    state = models.CharField(max_length=10, default=STORED)
    received_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    receipt = models.JSONField()
    code = models.CharField(max_length=80, blank=True)
    by_hand = models.BooleanField(
        default=False, help_text="it came on removable media, and its receipt must go home on one"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sender", "envelope_id"], name="one_row_per_envelope")]
        indexes = [
            models.Index(fields=["sender", "incarnation", "sequence"]),
            models.Index(fields=["sender"], condition=models.Q(state="stored"), name="stored_by_sender"),
        ]


class Contradiction(models.Model):
    """A second manifest that a partner signed under an envelope id it had used before: evidence, never opened."""

    sender = models.CharField(max_length=160)
    envelope_id = models.CharField(max_length=40)
    manifest_digest = models.CharField(max_length=64)
    manifest = models.JSONField(help_text="as signed; the first stands with the envelope")
    received_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sender", "manifest_digest"], name="one_row_per_contradiction")]


class Recovery(models.Model):
    """A restore of this node: what each partner said it holds of us, and what was declared lost in the end."""

    incarnation = models.PositiveIntegerField(unique=True)
    begun_at = models.DateTimeField()
    copy_at = models.DateTimeField(null=True, help_text="the last act that the copy knew of")
    answers = models.JSONField(help_text="{partner: its answer, or null while it is awaited}")
    ended_at = models.DateTimeField(null=True)
    declaration = models.JSONField(null=True, help_text="as it stands in leaf 0 of the new logs")


class Blob(models.Model):
    """One sealed file that this node has, or is fetching because a live part names it. The secret that opens it is not here."""

    ARRIVING, HERE, REFUSED = "arriving", "here", "refused"

    digest = models.CharField(max_length=64, primary_key=True)
    size = models.PositiveBigIntegerField(help_text="sealed bytes")
    state = models.CharField(max_length=10, default=ARRIVING)
    received = models.PositiveBigIntegerField(default=0, help_text="for people; what counts is the length of the file")
    media_type = models.CharField(max_length=160, blank=True, help_text="what its first bytes say")
    code = models.CharField(max_length=80, blank=True, help_text="why it is refused, or how the last try failed")
    failures = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    leased_by = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)
    danger = models.CharField(max_length=40, blank=True, help_text="the code for which nobody is given it")
    danger_facts = models.JSONField(default=dict)
    scan = models.CharField(
        max_length=12, blank=True, help_text="clean, found, too_large; empty: no scanner was set up"
    )
    vetted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "retry_at"])]


class BlobUse(models.Model):
    """A live part that names a blob. ``is_proved``: its secret opens the blob, so that nobody names what is not theirs."""

    blob = models.CharField(max_length=64, db_index=True)
    entry = models.CharField(max_length=64)
    index = models.PositiveSmallIntegerField()
    dossier = models.CharField(max_length=64, db_index=True)
    author = models.CharField(max_length=160)
    is_proved = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry", "index"], name="one_use_per_part")]


class BlobCopy(models.Model):
    """What is known of a blob's way to one partner: how much it was given, and its signed word that it has the whole."""

    blob = models.CharField(max_length=64)
    partner = models.CharField(max_length=160)
    given = models.PositiveBigIntegerField(default=0)
    is_pushed = models.BooleanField(default=False, help_text="we bring it, since the partner cannot dial us")
    state = models.CharField(max_length=10, default="announced")
    code = models.CharField(max_length=80, blank=True)
    failures = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    leased_by = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField()
    verified_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["blob", "partner"], name="one_copy_per_partner")]
        indexes = [models.Index(fields=["is_pushed", "state", "retry_at"])]


class Upload(models.Model):
    """A file that an officer is bringing, sealed as it comes; kept until it is sent or nobody wants it any more."""

    upload_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    officer = models.CharField(max_length=36)
    told = SealedJSONField(help_text="name, media type, and what the whole came to")
    identity = SealedTextField()
    size = models.PositiveBigIntegerField(help_text="of the file")
    sealed_size = models.PositiveBigIntegerField()
    blob = models.CharField(max_length=64, blank=True, db_index=True, help_text="once it is whole")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
