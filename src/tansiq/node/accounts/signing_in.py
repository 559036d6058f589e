"""Who signed in, out, or tried to: a row of the internal log each, under the opaque id of the officer that was named."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.utils import timezone

from tansiq.node.accounts.models import Officer
from tansiq.node.audit.actions import record


def connect() -> None:
    """Listen to Django's signals; called once, when the room is ready."""
    user_logged_in.connect(_signed_in, dispatch_uid="tansiq.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="tansiq.signed_out")
    user_login_failed.connect(_failed, dispatch_uid="tansiq.sign_in_failed")


def _signed_in(*, user: Any, **_: Any) -> None:
    _note("account.signed_in", user.reference)


def _signed_out(*, user: Any, **_: Any) -> None:
    if user is not None:
        _note("account.signed_out", user.reference)


def _failed(*, credentials: dict[str, Any], **_: Any) -> None:
    """An unknown name is not kept: it may be a password, written into the wrong field."""
    named = Officer.objects.filter(username=credentials.get("username") or credentials.get("login") or "").first()
    _note("account.sign_in_failed", named.reference if named else "stranger")


def _note(event: str, actor: str) -> None:
    with transaction.atomic():
        record(event, actor=actor, facts={}, log="internal", now=timezone.now())
