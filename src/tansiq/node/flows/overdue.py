"""What is overdue at whom: answers, confirmations of recalls and corrections, whatever a kind's deadlines say that a partner owes.

The rows stand in ``dossiers.owed`` and change with the entry that changes them. Here they become a list for an officer, a task a day
for each circle and partner, and the end of that task once the partner owes nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.node.desk import actions as desk
from tansiq.node.desk import queries as tasks
from tansiq.node.dossiers import owed
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners.queries import my_id

if TYPE_CHECKING:
    from tansiq.engine.dossiers.entries import SignedEntry
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Dossier

REMIND_JOB = "flows.overdue"
DAY = timedelta(days=1)
KIND = "overdue"


@dataclass(frozen=True, slots=True)
class OwedThing:
    """One thing that a partner owes: in which dossier, by which rule, until when."""

    dossier_id: str
    kind: str
    title: str
    partner: str
    name: str
    clause: str
    due_at: datetime
    times: int
    is_overdue: bool

    def to_json(self) -> dict[str, Any]:
        """For the command line and the file; without the title, which is the officers' own text."""
        return {
            "partner": self.partner,
            "kind": self.kind,
            "what": self.name,
            "clause": self.clause,
            "due_at": self.due_at,
            "times": self.times,
            "overdue": self.is_overdue,
            "dossier": self.dossier_id,
        }


def listing(
    officer: Officer,
    *,
    now: datetime,
    partner: str = "",
    kind_name: str = "",
    also_running: bool = False,
    limit: int | None = 1000,
) -> list[OwedThing]:
    """What partners owe this officer's circles, the longest overdue first; with ``also_running`` what is not yet due, too."""
    rows = owed.owed_by_partners(officer, now=now, partner=partner, kind_name=kind_name, also_running=also_running)
    return [
        OwedThing(
            dossier_id=row.dossier_id,
            kind=row.dossier.kind,
            title=row.dossier.title or "",
            partner=row.owner,
            name=row.name,
            clause=row.clause,
            due_at=row.due_at,
            times=row.times,
            is_overdue=row.due_at < now,
        )
        for row in rows[:limit]
    ]


def counted(things: Iterable[OwedThing]) -> Mapping[str, int]:
    """How much each partner owes, by node id."""
    found: dict[str, int] = {}
    for thing in things:
        found[thing.partner] = found.get(thing.partner, 0) + thing.times
    return found


def begin(now: datetime) -> None:
    """Owe the daily reminder from a worker's start on, in the caller's transaction."""
    enqueue(REMIND_JOB, {}, now=now, key=REMIND_JOB)


def remind(payload: dict[str, object], now: datetime) -> None:  # noqa: ARG001 - a job handler's shape
    """Job ``flows.overdue``: once a day a task for each circle and partner, and an end to those that are settled."""
    with transaction.atomic():
        wanted = {_task(partner, circle): (partner, circle, n, at) for partner, circle, n, at in _overdue(now)}
        for key, (partner, circle, times, since) in wanted.items():
            desk.put(
                KIND,
                key,
                title_code="desk.overdue",
                facts={"partner": partner, "count": times},
                circle=circle,
                due_at=since,
                link=f"/overdue/?partner={partner}",
                now=now,
            )
        for key in tasks.open_keys(KIND):
            if key not in wanted:
                desk.settle(key, now=now)
        enqueue(REMIND_JOB, {}, now=now, run_at=now + DAY, key=REMIND_JOB)


def _overdue(now: datetime) -> list[tuple[str, str, int, datetime]]:
    return owed.overdue_by_circle(now)


def settle(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    """A partner acted: if nothing of it is overdue in the circle any more, the circle's task is done."""
    author = entry.header.author
    key = _task(author, dossier.circle)
    if author == my_id() or not tasks.is_open(key):
        return
    if not owed.overdue_by_circle(now, owner=author, circle=dossier.circle):
        desk.settle(key, now=now)


def _task(partner: str, circle: str) -> str:
    return f"overdue/{partner}/{circle}"
