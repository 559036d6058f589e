"""Reads of clients, and of what they are owed."""

from __future__ import annotations

import hashlib
from datetime import datetime

from tansiq.engine.errors import Rejected
from tansiq.node.clients.models import Client, Notice


def clients() -> list[Client]:
    """Every client, by code."""
    return list(Client.objects.select_related("officer", "officer__unit"))


def get_client(code: str) -> Client:
    """The client of this code; raises Rejected("client.unknown")."""
    found = Client.objects.select_related("officer", "officer__unit").filter(code=code).first()
    if found is None:
        raise Rejected("client.unknown", client=code[:40])
    return found


def code_of(reference: str) -> str:
    """The code of the client that acts by the account of this opaque id; empty if it is no client's."""
    if len(reference) != 36:
        return ""
    return Client.objects.filter(officer__officer_id=reference).values_list("code", flat=True).first() or ""


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def told_clients(now: datetime) -> list[Client]:
    """The clients in force that want to be told."""
    rows = Client.objects.filter(revoked_at=None, expires_at__gt=now).exclude(url="")
    return list(rows.select_related("officer", "officer__unit"))


def owed_notices(client: Client, now: datetime, *, limit: int) -> list[Notice]:
    """What this client must be told now, the oldest first."""
    return list(client.notices.filter(told_at=None, next_at__lte=now).order_by("next_at")[:limit])


def owed_counts() -> dict[str, int]:
    """How many notices each client is still owed, for the doctor and the list of clients."""
    counts: dict[str, int] = {}
    for code in Notice.objects.filter(told_at=None).values_list("client__code", flat=True):
        counts[code] = counts.get(code, 0) + 1
    return counts
