"""What one partner may bring, so that none can fill the disk or keep others waiting: envelopes a minute, bytes a day, and how many may
wait to be opened.

A refusal for one of these is temporary: an honest partner with much to say sends the rest later, and loses nothing. It is asked
after the signature was proved, so that nobody uses up a partner's room in its name.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from tansiq.engine.errors import Unavailable
from tansiq.node.audit.actions import record
from tansiq.node.desk import actions as desk
from tansiq.node.exchange.models import InEnvelope, Link

WAITING: Final = 5000
"""Envelopes of one partner that may wait to be opened."""
EASY: Final = 100
STEP: Final = timedelta(milliseconds=10)
MEBI: Final = 1 << 20
KEPT_CONTRADICTIONS: Final = 100
"""Second manifests kept of one partner: evidence enough, and a bound."""


def waiting(partner: str) -> int:
    """How many envelopes of ``partner`` wait to be opened, counted no further than is of use."""
    return InEnvelope.objects.filter(sender=partner, state=InEnvelope.STORED)[: WAITING + 1].count()


def require_room(partner: str, size: int, waits: int, now: datetime) -> None:
    """Raise Unavailable("exchange.too_much") where the next ``size`` bytes of ``partner`` go beyond what one partner may bring.

    The first time in an hour it is an alarm, on a desk and in the log.
    """
    link = Link.objects.filter(partner=partner).only("intake").first()
    intake = _present(link.intake if link else None, now)
    node = settings.NODE
    broken = {
        "waiting": (waits >= WAITING, WAITING),
        "minute": (intake["envelopes"] >= node.partner_envelopes_per_minute, node.partner_envelopes_per_minute),
        "day": (intake["bytes"] + size > node.partner_mb_per_day * MEBI, node.partner_mb_per_day),
    }
    for rule, (is_broken, limit) in broken.items():
        if is_broken:
            _alarm(partner, rule, limit, now)
            raise Unavailable("exchange.too_much", partner=partner, rule=rule, limit=limit, seconds=60)


def counted(intake: dict[str, Any] | None, size: int, now: datetime) -> dict[str, Any]:
    """The count of a link with one more envelope of ``size`` bytes."""
    present = _present(intake, now)
    return {**present, "envelopes": present["envelopes"] + 1, "bytes": present["bytes"] + size}


def opened_at(waits: int, now: datetime) -> datetime:
    """When the job that opens the next envelope is due: a flood goes behind what others bring meanwhile."""
    return now + max(0, waits - EASY) * STEP


def _present(intake: dict[str, Any] | None, now: datetime) -> dict[str, Any]:
    """The count as it stands in this minute and on this day."""
    minute, day = f"{now:%Y-%m-%dT%H:%M}", f"{now:%Y-%m-%d}"
    told = intake or {}
    return {
        "minute": minute,
        "envelopes": told.get("envelopes", 0) if told.get("minute") == minute else 0,
        "day": day,
        "bytes": told.get("bytes", 0) if told.get("day") == day else 0,
        "told": told.get("told", ""),
    }


def _alarm(partner: str, rule: str, limit: int, now: datetime) -> None:
    hour = f"{now:%Y%m%d%H}"
    with transaction.atomic():
        link = Link.objects.select_for_update().get_or_create(partner=partner)[0]
        intake = _present(link.intake, now)
        if intake["told"] == hour:
            return
        link.intake = {**intake, "told": hour}
        link.save(update_fields=["intake"])
        facts = {"partner": partner, "rule": rule, "limit": limit}
        desk.put("link", f"flood/{partner}", title_code="desk.partner_floods", facts=facts, urgent=True, now=now)
        record("link.too_much", actor=f"node:{partner}", facts=facts, log="exchange", now=now)
