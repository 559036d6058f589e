"""What a partner has numbered and not brought: a gap that stays is an alarm, since it may be the line or a partner that withholds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from tansiq.node.desk import actions as desk
from tansiq.node.exchange.models import InEnvelope, Link
from tansiq.node.exchange.queries import missing_from

PATIENCE: Final = timedelta(hours=1)


def flag(now: datetime) -> None:
    """Put on the desk each partner with a gap that is older than an hour, and settle those that are whole again."""
    for link in Link.objects.exclude(inbound=None):
        key = f"gap/{link.partner}"
        late = _late(link, now)
        if late:
            facts = {"partner": link.partner, "missing": late[:20], "count": len(late)}
            desk.put("link", key, title_code="desk.envelopes_missing", facts=facts, urgent=True, once=False, now=now)
        else:
            desk.settle(key, now=now)


def _late(link: Link, now: datetime) -> list[str]:
    """The gaps beyond which something came more than an hour ago, as incarnation:first-last."""
    return [
        f"{incarnation}:{first}-{last}"
        for incarnation, ranges in missing_from(link).items()
        for first, last in ranges
        if _came_beyond(link.partner, incarnation, last, now - PATIENCE)
    ]


def _came_beyond(partner: str, incarnation: int, last: int, before: datetime) -> bool:
    rows = InEnvelope.objects.filter(sender=partner, incarnation=incarnation, sequence__gt=last)
    return rows.filter(received_at__lte=before).exists()
