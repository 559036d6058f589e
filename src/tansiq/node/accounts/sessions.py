"""Where an officer is signed in: the list, and ending one, all others, or (for an administrator) all of them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from allauth.usersessions.models import UserSession
from django.db import transaction

from tansiq.engine.errors import Rejected
from tansiq.node.audit.actions import record

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer


def sessions_of(officer: Officer) -> list[UserSession]:
    """Every session that is open now, the newest first."""
    return sorted(UserSession.objects.purge_and_list(officer), key=lambda one: one.created_at, reverse=True)


def end_session(officer: Officer, number: int, *, now: datetime) -> None:
    """End one of the officer's own sessions; raises Rejected("account.session_not_found") where it is nobody's or another's."""
    with transaction.atomic():
        found = UserSession.objects.filter(user=officer, pk=number).first()
        if found is None:
            raise Rejected("account.session_not_found")
        _end(officer, [found], actor=officer.reference, now=now)


def end_sessions(officer: Officer, *, but: str = "", actor: str, now: datetime) -> int:
    """End every session of the officer except the one with the key ``but``; returns how many there were."""
    with transaction.atomic():
        found = list(UserSession.objects.filter(user=officer).exclude(session_key=but))
        _end(officer, found, actor=actor, now=now)
    return len(found)


def _end(officer: Officer, found: list[UserSession], *, actor: str, now: datetime) -> None:
    for one in found:
        one.end()
    if found:
        facts = {"officer": officer.reference, "count": len(found)}
        record("account.sessions_ended", actor=actor, facts=facts, log="internal", now=now)
