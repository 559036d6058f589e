"""Rows of partners, their cards, revoked keys, accords in force and this node's own local rules."""

from __future__ import annotations

from django.db import models

from tansiq.node.vault.columns import SealedJSONField, SealedTextField


class Partner(models.Model):
    """Another node that was enrolled in person, or this node itself (``is_self``)."""

    ENROLLED, SUSPENDED = "enrolled", "suspended"

    node_id = models.CharField(max_length=160, unique=True)
    is_self = models.BooleanField(default=False)
    status = models.CharField(max_length=12, default=ENROLLED)
    root_public = models.BinaryField()
    card = models.JSONField(help_text="the newest card, as signed")
    serial = models.PositiveIntegerField()
    names = models.JSONField(default=dict)
    state = models.CharField(max_length=2)
    url = models.CharField(max_length=300, blank=True)
    dials_us = models.BooleanField(
        default=False, help_text="cannot be reached from outside: it fetches what waits for it"
    )
    by_hand = models.BooleanField(
        default=False, help_text="no line leads there: what is exchanged goes on removable media"
    )
    enrolled_at = models.DateTimeField()
    enrolled_by = models.CharField(max_length=36)
    last_heard_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["node_id"]

    def name_in(self, language: str) -> str:
        return self.names.get(language) or self.names.get("en") or self.node_id


class Correspondent(models.Model):
    """A party without a node, with whom this authority exchanges by other channels; known here alone."""

    party = models.CharField(max_length=160, unique=True, help_text="ext:…, as participants name it")
    name = SealedTextField(help_text="the authority, as it calls itself")
    state = models.CharField(max_length=2)
    channel = models.CharField(max_length=40, help_text="how it is usually reached: a code of the list")
    contact = SealedTextField(null=True, help_text="address, numbers, whom to ask for")
    languages = models.JSONField(default=list)
    is_active = models.BooleanField(default=True)
    added_by = models.CharField(max_length=36)
    added_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["party"]


class CardHistory(models.Model):
    """Every card ever accepted: signatures of the past are verified with the keys of the past."""

    node_id = models.CharField(max_length=160, db_index=True)
    serial = models.PositiveIntegerField()
    card = models.JSONField()
    accepted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["node_id", "serial"], name="one_card_per_serial")]


class RevokedKey(models.Model):
    """A key that its node's root has revoked from a time on."""

    node_id = models.CharField(max_length=160, db_index=True)
    key_id = models.CharField(max_length=64)
    from_time = models.DateTimeField()
    revocation = models.JSONField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["node_id", "key_id"], name="one_revocation_per_key")]


class Accord(models.Model):
    """What an accord dossier comes to today: a projection, rebuilt from its entries at any time."""

    accord_id = models.CharField(max_length=64, primary_key=True)
    title = models.JSONField(default=dict)
    parties = models.JSONField(default=list)
    status = models.CharField(max_length=12)
    version_digest = models.CharField(max_length=64, blank=True)
    in_force = models.JSONField(null=True, help_text="AccordInForce, as JSON")
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["accord_id"]

    def title_in(self, language: str) -> str:
        return self.title.get(language) or self.title.get("en") or self.accord_id[:12]


class LocalRules(models.Model):
    """National law and the secret assessment of partner States: they stop only this node's own acts and never leave it."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    rules = SealedJSONField()
    updated_at = models.DateTimeField()
