"""What an opening entry pins by digest: the code lists its kind reads and the calendars its deadlines are counted by."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.conf import settings

from tansiq.engine.dossiers.calendars import Calendar
from tansiq.engine.dossiers.kind import Kind
from tansiq.engine.formats.codes import code_list
from tansiq.engine.formats.ids import b64encode
from tansiq.node.partners import queries as partners


def nonce(random: Callable[[int], bytes]) -> str:
    """Sixteen random bytes, so that two dossiers about the same never have the same id."""
    return b64encode(random(16))


def code_lists(rules: Kind) -> dict[str, str]:
    """The digest of every code list that the kind's codes are read in."""
    return {name: code_list(name).digest for name in sorted(set(rules.CODE_LISTS.values()))}


def own_calendar() -> Calendar:
    """This node's State calendar, from its settings."""
    node = settings.NODE
    return Calendar.from_settings(state=node.state, time_zone=node.time_zone, weekend=node.weekend, holidays=node.holidays)


def calendars(audience: Iterable[str]) -> dict[str, str]:
    """The digest of this node's own calendar; a partner's stands in its own entries' deadlines."""
    me = partners.myself().node_id
    return {me: own_calendar().digest} if me in set(audience) else {}
