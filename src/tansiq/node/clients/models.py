"""Rows of clients and of what they were told."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models

from tansiq.node.vault.columns import SealedTextField


class Client(models.Model):
    """A machine with a token. Of the token only a digest is kept, so a copy of the database opens no door."""

    code = models.SlugField(max_length=40, unique=True)
    title = models.CharField(max_length=120)
    officer = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="client", help_text="the account it acts by"
    )
    scopes = models.JSONField(default=list)
    token_digest = models.CharField(max_length=64, unique=True, help_text="SHA-256, hexadecimal")
    per_minute = models.PositiveIntegerField(default=600)
    minute = models.DateTimeField(null=True, help_text="the minute that ``used`` counts")
    used = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    url = models.CharField(max_length=300, blank=True, help_text="where it wants to be told; empty: nowhere")
    secret = SealedTextField(null=True, help_text="what its notices are signed with")

    class Meta:
        ordering = ["code"]

    def is_valid_at(self, now: datetime) -> bool:
        """Whether its token opens anything."""
        return self.revoked_at is None and now < self.expires_at


class Notice(models.Model):
    """One state of one task that a client is told of: owed until its machine has said yes."""

    notice_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="notices")
    task = models.CharField(max_length=200, help_text="the task's key")
    changed_at = models.DateTimeField(help_text="the task's state that is told")
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["next_at"]
        constraints = [models.UniqueConstraint(fields=["client", "task", "changed_at"], name="told_once_of_a_state")]
        indexes = [
            models.Index(fields=["next_at"], condition=models.Q(told_at=None), name="notices_owed"),
            models.Index(fields=["told_at"], name="notices_told"),
        ]
