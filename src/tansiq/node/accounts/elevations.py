"""A role lent for a while: asked with a reason, decided by a second person, seen by everybody, over by itself.

At three in the morning the officer with the role is not there, and a life may depend on an act that needs it. So any officer may ask for a
role they do not have; one who decides – a senior officer or an administrator, by their *own* role, and never the one who asks – grants or
refuses it. While it is in force it stands above every page of the node, and each step is an event. It changes nothing of the four eyes on a
draft: nobody approves what they wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.node.accounts.models import ROLES, Elevation, Officer
from tansiq.node.audit.actions import record
from tansiq.node.desk import actions as desk

DECIDES = frozenset({"senior", "administrator"})
"""Own roles that decide whether a role is lent."""
MINUTES = (30, 60, 120, 240, 480, 720)
MAX_REASON = 1000
KEPT = timedelta(days=30)
LINK = "/people/roles/"


def may_decide(officer: Officer) -> bool:
    """Whether the officer decides of lent roles: by a role that is their own."""
    return bool(DECIDES & set(officer.own_roles)) and officer.is_active


def roles_for(officer: Officer) -> list[str]:
    """The roles that the officer could ask for."""
    return [role for role in ROLES if role not in officer.own_roles]


def in_force(now: datetime) -> list[Elevation]:
    """Every role that is lent now: what everybody on this node sees."""
    return list(Elevation.objects.filter(ended_at=None, until__gt=now).select_related("officer").order_by("until"))


def waiting() -> list[Elevation]:
    """What was asked and not decided yet, the longest first."""
    return list(Elevation.objects.filter(ended_at=None, until=None).select_related("officer").order_by("asked_at"))


def lately(now: datetime) -> list[Elevation]:
    """What was asked in the last thirty days and is over, the newest first."""
    rows = Elevation.objects.filter(asked_at__gt=now - KEPT, ended_at__isnull=False)
    return list(rows.select_related("officer").order_by("-asked_at")[:100])


def of_officer(officer: Officer) -> Elevation | None:
    """What the officer has asked, or holds, now."""
    return Elevation.objects.filter(officer=officer, ended_at=None).first()


def ask(officer: Officer, role: str, *, minutes: int, reason: str, now: datetime) -> Elevation:
    """Ask for a role; it lies on the desk of everybody who may decide.

    Raises Rejected naming the place, and Conflict("account.elevation_open").
    """
    if role not in roles_for(officer):
        raise Rejected("account.elevation_role", at="/role", role=role[:20])
    if minutes not in MINUTES:
        raise Rejected("account.elevation_minutes", at="/minutes", most=MINUTES[-1])
    if not 10 <= len(reason.strip()) <= MAX_REASON:
        raise Rejected("account.elevation_reason", at="/reason", least=10, limit=MAX_REASON)
    with transaction.atomic():
        Officer.objects.select_for_update().get(pk=officer.pk)
        if of_officer(officer) is not None:
            raise Conflict("account.elevation_open")
        row = Elevation.objects.create(officer=officer, role=role, minutes=minutes, reason=reason.strip(), asked_at=now)
        _note("elevation.asked", officer.reference, row, now)
        for one in _deciders(officer):
            desk.put(
                "elevation",
                f"elevation/{row.pk}/{one.reference}",
                title_code="desk.elevation",
                facts={"officer": str(officer), "role": role, "minutes": minutes},
                owner=one.reference,
                link=LINK,
                urgent=True,
                now=now,
            )
    return row


def _deciders(but: Officer) -> Sequence[Officer]:
    rows = Officer.objects.filter(is_active=True).exclude(pk=but.pk)
    return [one for one in rows if may_decide(one) and one.has_usable_password()]


def decide(officer: Officer, number: int, *, is_granted: bool, now: datetime) -> Elevation:
    """Grant or refuse what was asked. Raises Refused("account.elevation_not_yours") and Conflict("account.elevation_decided")."""
    with transaction.atomic():
        row = _locked(number)
        if not may_decide(officer) or row.officer_id == officer.pk:
            raise Refused("account.elevation_not_yours")
        if row.ended_at is not None or row.until is not None:
            raise Conflict("account.elevation_decided")
        if not row.officer.is_active:
            raise Conflict("account.elevation_decided")
        row.decided_by, row.decided_at = officer.reference, now
        if is_granted:
            row.until = now + timedelta(minutes=row.minutes)
            Officer.objects.filter(pk=row.officer_id).update(lent_until=row.until)
        else:
            row.ended_at, row.ended_by = now, officer.reference
        row.save()
        desk.settle_all(f"elevation/{row.pk}/", now=now)
        _note("elevation.granted" if is_granted else "elevation.refused", officer.reference, row, now)
    return row


def end(officer: Officer, number: int, *, now: datetime) -> Elevation:
    """Take back what was asked, or end what is in force: the officer themselves, or whoever decides. Again changes nothing."""
    with transaction.atomic():
        row = _locked(number)
        if row.officer_id != officer.pk and not may_decide(officer):
            raise Refused("account.elevation_not_yours")
        if row.ended_at is None:
            _end(row, officer.reference, now)
    return row


def sweep(now: datetime) -> int:
    """Note of each role whose time is over that it ran out; it was in force no longer all the same. Returns how many."""
    over = list(Elevation.objects.filter(ended_at=None, until__lte=now).values_list("pk", flat=True)[:100])
    for number in over:
        with transaction.atomic():
            row = _locked(number)
            if row.ended_at is None and row.until is not None:
                _end(row, "machine", row.until, noted_at=now)
    return len(over)


def _end(row: Elevation, by: str, at: datetime, *, noted_at: datetime | None = None) -> None:
    row.ended_at, row.ended_by = at, by
    row.save(update_fields=["ended_at", "ended_by"])
    Officer.objects.filter(pk=row.officer_id).update(lent_until=None)
    desk.settle_all(f"elevation/{row.pk}/", now=noted_at or at)
    _note("elevation.ended", by, row, noted_at or at)


def _locked(number: int) -> Elevation:
    row = Elevation.objects.select_for_update(of=("self",)).select_related("officer").filter(pk=number).first()
    if row is None:
        raise Rejected("account.elevation_unknown")
    return row


def _note(event: str, actor: str, row: Elevation, now: datetime) -> None:
    facts = {"officer": row.officer.reference, "role": row.role, "minutes": row.minutes, "elevation": row.pk}
    record(event, actor=actor, facts=facts, log="internal", now=now)
