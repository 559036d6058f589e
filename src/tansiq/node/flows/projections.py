"""What follows, on this node, from an entry that was appended: read models, desks, and the jobs of the next steps.

Every function runs in the transaction that appends the entry, so that nothing follows from an entry that was not kept and nothing
is forgotten that was. What takes time or signs is left as a job.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from tansiq.engine.dossiers.entries import SignedEntry
from tansiq.engine.kinds import accord as accord_kind
from tansiq.engine.kinds.registry import kind
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import queries, waiting_room
from tansiq.node.flows import (
    alerts,
    attaching,
    blind_holding,
    calling,
    erasing,
    exercises,
    forwarding,
    overdue,
    plan_conflicts,
    threats,
)
from tansiq.node.flows.pins import own_calendar
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners import actions as partners
from tansiq.node.partners.queries import my_id

if TYPE_CHECKING:
    from tansiq.node.dossiers.models import Dossier

Projection = Callable[["Dossier", SignedEntry, datetime], None]
MACHINE_JOB = "flows.machine"
MATCH_JOB = "flows.match"
TAKE_AGAIN_JOB = "flows.take_again"
SUBJECTS = frozenset({"subject", "reshared"})
"""Parts that may be about somebody whom this node holds something about."""
OWN_PLACES = {"channel": "channels"}
"""Kinds whose dossiers have pages of their own."""


def after_entry(dossier: Dossier, entry: SignedEntry, *, now: datetime) -> None:
    """Everything that follows from ``entry``, in the caller's transaction."""
    for follow in [*EVERY_KIND, *BY_KIND.get(dossier.kind, [])]:
        follow(dossier, entry, now)


def after_parts(dossier: Dossier, entry: SignedEntry, *, now: datetime) -> None:
    """What follows when parts of an entry come later than the entry, in the caller's transaction."""
    leave_matching(dossier, entry, now)
    attaching.follow(dossier, entry, now)
    if dossier.kind == "accord":
        project_accord(dossier, entry, now)


def tell_desk(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    """A partner's act is something for the circle to look at; an own act settles what asked for it."""
    me = my_id()
    link = f"/{OWN_PLACES.get(dossier.kind, 'dossiers')}/{dossier.dossier_id}"
    if entry.header.author == me:
        if not entry.header.acted_by.is_machine:
            desk.settle(f"entry/{dossier.dossier_id}", now=now)
    elif not entry.header.acted_by.is_machine:
        desk.put(
            "entry",
            f"entry/{dossier.dossier_id}",
            title_code="desk.entry",
            facts={"kind": dossier.kind, "act": entry.header.act, "partner": entry.header.author},
            circle=dossier.circle,
            due_at=dossier.due_at,
            link=link,
            urgent=dossier.urgent,
            now=now,
        )


def keep_deadline(dossier: Dossier, _entry: SignedEntry, now: datetime) -> None:
    """The deadline that this node owes stands on the desk until the dossier no longer has it."""
    me = my_id()
    rules = kind(dossier.kind, dossier.kind_version)
    owed = [d for d in rules.deadlines(queries.folded_of(dossier).state) if d.owner == me]
    key = f"deadline/{dossier.dossier_id}"
    if not owed or dossier.is_closed:
        desk.settle(key, now=now)
        return
    first = min(owed, key=lambda d: d.due_at)
    desk.put(
        "deadline",
        key,
        title_code="desk.deadline",
        facts={
            "kind": dossier.kind,
            "deadline": first.name,
            "clause": first.clause,
            "partner": next(p for p in dossier.participants if p != me),
        },
        circle=dossier.circle,
        due_at=first.due_at,
        link=f"/dossiers/{dossier.dossier_id}",
        urgent=dossier.urgent,
        now=now,
    )


def leave_machine_acts(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    """What this node's machine owes after this entry is signed by a job of its own."""
    state = queries.folded_of(dossier).state
    owed = kind(dossier.kind, dossier.kind_version).machine_acts(state, my_id(), now, own_calendar())
    if owed:
        enqueue(MACHINE_JOB, {"dossier": dossier.dossier_id}, now=now, key=f"machine/{entry.entry_id}")


def _came_from_correspondent(dossier: Dossier, entry: SignedEntry) -> bool:
    """Registered here, said by somebody else: its subjects are received ones."""
    return (
        kind(dossier.kind, dossier.kind_version).HAS_CORRESPONDENT and entry.header.codes.get("direction") == "incoming"
    )


def leave_matching(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    """Subjects that came from a partner are matched against what is held, for the records' owners; never those of an exercise."""
    if exercises.is_apart(dossier):
        return
    is_received = entry.header.author != my_id() or _came_from_correspondent(dossier, entry)
    if is_received and any(part.type in SUBJECTS for part in entry.header.parts):
        enqueue(MATCH_JOB, {"entry": entry.entry_id}, now=now, key=f"match/{entry.entry_id}")


def project_accord(dossier: Dossier, _entry: SignedEntry, now: datetime) -> None:
    """Keep what the accord comes to for ``decide``."""
    state = queries.folded_of(dossier).state
    found = accord_kind.in_force(state, queries.parts_by_entry(dossier, types={"terms", "reservation"}))
    title = dict(found.terms.title) if found.terms else {}
    parties = list(found.terms.parties) if found.terms else list(dossier.participants)
    partners.project_accord(found, title=title, parties=parties, now=now)
    blind_holding.begin(now)
    missing = f"accord:{dossier.dossier_id}"
    if waiting_room.lacking(missing):
        enqueue(TAKE_AGAIN_JOB, {"missing": missing}, now=now, key=f"take_again/{missing}")


EVERY_KIND: list[Projection] = [
    tell_desk,
    keep_deadline,
    leave_machine_acts,
    leave_matching,
    overdue.settle,
    threats.follow_threat,
    forwarding.follow,
    attaching.follow,
]
BY_KIND: dict[str, list[Projection]] = {
    "accord": [project_accord],
    "channel": [calling.follow_calls],
    "request": [erasing.erase_returned],
    "alert": [alerts.follow_alert, erasing.leave_obeying, erasing.settle_recall],
    "alert_hit": [alerts.follow_hit],
    "deconfliction": [plan_conflicts.follow],
    "report": [erasing.leave_obeying, erasing.settle_recall],
}
