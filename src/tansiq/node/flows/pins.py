"""The calendars by which deadlines are counted; an opening entry pins their digests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.conf import settings

from tansiq.engine.dossiers.calendars import Calendar, shipped_calendar
from tansiq.engine.errors import Rejected
from tansiq.node.partners import queries as partners


def own_calendar() -> Calendar:
    """This node's State calendar: its settings' holidays, or those shipped for its State; weekend and zone are always its own."""
    node = settings.NODE
    holidays = {date.fromisoformat(day): name for day, name in node.holidays.items()}
    version = "settings"
    if not holidays:
        try:
            shipped = shipped_calendar(node.node_id)
            holidays, version = dict(shipped.holidays), shipped.version
        except Rejected:
            version = "none"
    return Calendar(
        node=node.node_id, version=version, time_zone=node.time_zone, weekend=frozenset(node.weekend), holidays=holidays
    )


def calendars(audience: Iterable[str]) -> dict[str, str]:
    """The digest of this node's own calendar; a partner's stands in its own entries' deadlines."""
    me = partners.my_id()
    return {me: own_calendar().digest} if me in set(audience) else {}
