"""Writes of clients: add, renew, revoke, admit, and what they are told. One function, one act, with its audit row."""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, F, Q, Value, When

from tansiq.engine.errors import Conflict, Refused, Rejected, Unavailable
from tansiq.node.accounts import actions as accounts
from tansiq.node.audit.actions import record
from tansiq.node.clients.models import Client, Notice
from tansiq.node.clients.policy import MOST_PER_MINUTE, require_address, roles_for
from tansiq.node.clients.queries import digest_of, get_client

PREFIX = "tansiq_"
"""Tokens begin so, that a scanner of source code recognises one that was left where it should not be."""
LONGEST_LIFE = timedelta(days=400)
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
KEEP_TOLD = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Issued:
    """A client and what is shown once: its token, and what its notices are signed with."""

    client: Client
    token: str
    secret: str = ""


def add(
    code: str,
    title: str,
    *,
    unit: str,
    scopes: Collection[str],
    per_minute: int = 600,
    days: int = 365,
    actor: str,
    now: datetime,
) -> Issued:
    """A new client of ``unit`` with a token for ``days`` days.

    Raises Rejected for a code, scope, unit, rate or life that cannot be, Conflict("client.exists") for a code that is taken.
    """
    roles = roles_for(scopes)
    _require_rate(per_minute)
    token, expires_at = _fresh_token(), _end(days, now)
    with transaction.atomic():
        if Client.objects.filter(code=code).exists():
            raise Conflict("client.exists", client=code[:40])
        account = accounts.add_machine_account(f"client.{code}", display_name=title, unit=unit, roles=roles, now=now)
        client = Client.objects.create(
            code=code,
            title=title,
            officer=account,
            scopes=sorted(scopes),
            token_digest=digest_of(token),
            per_minute=per_minute,
            expires_at=expires_at,
            created_at=now,
        )
        facts = {"client": code, "officer": account.reference, "scopes": sorted(scopes), "unit": unit}
        record("client.added", actor=actor, facts=facts, log="internal", now=now)
    return Issued(client, token)


def renew(code: str, *, days: int = 365, actor: str, now: datetime) -> Issued:
    """Another token in place of the old one, which opens nothing from now on."""
    token, expires_at = _fresh_token(), _end(days, now)
    with transaction.atomic():
        client = _locked(code)
        client.token_digest, client.expires_at, client.revoked_at = digest_of(token), expires_at, None
        client.save(update_fields=["token_digest", "expires_at", "revoked_at"])
        record("client.renewed", actor=actor, facts={"client": code}, log="internal", now=now)
    return Issued(client, token)


def revoke(code: str, *, actor: str, now: datetime) -> None:
    """Its token opens nothing any more, at once; what it was owed is kept in case it is renewed."""
    with transaction.atomic():
        client = _locked(code)
        client.revoked_at = now
        client.save(update_fields=["revoked_at"])
        record("client.revoked", actor=actor, facts={"client": code}, log="internal", now=now)


def tell_at(code: str, url: str, *, actor: str, now: datetime) -> Issued:
    """Tell this client at ``url`` from now on, signed with a new secret; an empty ``url`` tells it nothing any more.

    Raises Rejected("client.address") for an address to which nothing may be sent.
    """
    if url:
        require_address(url)
    secret = f"whsec_{_random()}" if url else ""
    with transaction.atomic():
        client = _locked(code)
        client.url, client.secret = url, secret or None
        client.save(update_fields=["url", "secret"])
        record("client.told_at", actor=actor, facts={"client": code, "is_told": bool(url)}, log="internal", now=now)
    return Issued(client, "", secret)


def admit(token: str, now: datetime) -> Client:
    """The client that this token belongs to, counted once against its rate.

    Raises Refused("client.token") for a token that opens nothing – one that never did, was revoked, or ran out – and
    Unavailable("client.too_many") with the seconds to wait.
    """
    digest = digest_of(token)
    client = Client.objects.select_related("officer", "officer__unit").filter(token_digest=digest).first()
    if client is None or not client.is_valid_at(now) or not client.officer.is_active:
        raise Refused("client.token")
    minute = now.replace(second=0, microsecond=0)
    is_same = Q(minute=minute)
    # One statement, so that two processes do not both find the last call of the minute free.
    taken = Client.objects.filter(~is_same | Q(used__lt=F("per_minute")) | Q(minute=None), pk=client.pk).update(
        used=Case(When(is_same, then=F("used") + 1), default=Value(1)), minute=minute, used_at=now
    )
    if not taken:
        raise Unavailable("client.too_many", limit=client.per_minute, seconds=60 - now.second)
    return client


# -- what clients are told -------------------------------------------------------------------------------------------------


def owe(client: Client, states: Mapping[str, datetime], *, now: datetime) -> int:
    """Owe the client a notice of each (task, state) that it was not told of; returns how many are new."""
    known = set(Notice.objects.filter(client=client).values_list("task", "changed_at"))
    fresh = [
        Notice(client=client, task=task, changed_at=changed_at, next_at=now)
        for task, changed_at in states.items()
        if (task, changed_at) not in known
    ]
    # Another worker may owe the same in this moment: what stands already, stands.
    Notice.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


def note_told(notice: Notice, now: datetime) -> None:
    """The client's machine said yes."""
    Notice.objects.filter(pk=notice.pk).update(told_at=now, attempts=F("attempts") + 1, last_error="")


def note_failed(notice: Notice, code: str, now: datetime) -> None:
    """It did not: again later, each time later, an hour at most, for as long as the client stands."""
    pause = min(FIRST_PAUSE * 2 ** min(notice.attempts, 12), LONGEST_PAUSE)
    Notice.objects.filter(pk=notice.pk).update(attempts=F("attempts") + 1, next_at=now + pause, last_error=code[:80])


def drop(notice: Notice) -> None:
    """What it was about is no more."""
    Notice.objects.filter(pk=notice.pk, told_at=None).delete()


def sweep(client: Client, open_tasks: Collection[str], now: datetime) -> int:
    """Remove what a client was told a month ago of tasks that are open no more; of an open one it stays, so that it is not told again."""
    removed, _ = client.notices.filter(told_at__lt=now - KEEP_TOLD).exclude(task__in=open_tasks).delete()
    return removed


def _locked(code: str) -> Client:
    return Client.objects.select_for_update(of=("self",)).get(pk=get_client(code).pk)


def _fresh_token() -> str:
    return PREFIX + _random()


def _random() -> str:
    return urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


def _end(days: int, now: datetime) -> datetime:
    if not 1 <= days <= LONGEST_LIFE.days:
        raise Rejected("client.life", at="/days", most=LONGEST_LIFE.days)
    return now + timedelta(days=days)


def _require_rate(per_minute: int) -> None:
    if not 1 <= per_minute <= MOST_PER_MINUTE:
        raise Rejected("client.rate", at="/per_minute", most=MOST_PER_MINUTE)
