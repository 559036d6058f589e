"""The walk of an erasure: one part goes from every place of this node where it or something made of it lies.

::

    part ──▶ register, index ──▶ searches kept, tasks about it, copies exported
     │  ──▶ copy in quarantine, items waiting to be sent, drafts that derive from it or quote it
     │  ──▶ the sealed bytes of a file; what else holds it: PLACES, a function each
     └──▶ successor dossiers: our own copy there, and the recall that their holders owe

All of it happens in one transaction, with a row (``Erased``) that says from how many places the part went (of files, which) and an
event of the exchange log that commits to that. Walking again changes nothing. What lies outside of the store – a copy on paper or on
a disk – becomes a task of whoever made it; what lies in backups is erased again from the ledger (``erasure_ledger``) when one is restored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tansiq.engine.dossiers.entries import Part
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import actions as dossiers
from tansiq.node.dossiers import erased, queries
from tansiq.node.dossiers.erased import HeldCopy
from tansiq.node.exchange import actions as exchange
from tansiq.node.flows import attaching, erasure_ledger, forwarding
from tansiq.node.register import actions as register_actions
from tansiq.node.register import exporting, prints
from tansiq.node.register import queries as register
from tansiq.node.search import actions as searches

if TYPE_CHECKING:
    from tansiq.engine.dossiers.entries import SignedEntry
    from tansiq.node.dossiers.models import Entry

MACHINE = "machine"

Place = Callable[["Entry", int, "Part | None", datetime], "dict[str, Any]"]
"""A place that may hold something of a part: erases it in the caller's transaction, and says {what: how many}."""
Copies = Callable[["Entry", int], "list[HeldCopy]"]
"""Who holds copies of a part outside of the store."""

PLACES: list[Place] = []


def _on_paper(row: Entry, _index: int) -> list[HeldCopy]:
    """The copies on paper that show the entry."""
    return [HeldCopy("print", str(one.copy_number), one.officer) for one in prints.showing(row.entry_id)]


COPIES: list[Copies] = [_on_paper]


def erase(
    row: Entry, indexes: Collection[int] | None, *, reason: str, now: datetime, change: str = "", actor: str = MACHINE
) -> None:
    """Erase parts of an entry (all for None) and everything that was made of them here, in the caller's transaction.

    ``change`` is the entry that demands it, empty where nothing in the dossier does (a review, a subject's right).
    """
    entry = queries.signed_entry(row)
    chosen = [index for index in range(len(entry.header.parts)) if indexes is None or index in indexes]
    for index in chosen:
        _erase_one(row, entry, index, reason=reason, change=change, actor=actor, now=now)
    if chosen:
        erasure_ledger.leave(now)


def _erase_one(
    row: Entry, entry: SignedEntry, index: int, *, reason: str, change: str, actor: str, now: datetime
) -> None:
    commitment = entry.header.parts[index].commitment
    held = entry.parts[index]
    if held is None and erased.is_noted(row.entry_id, commitment):
        return  # walked before, and nothing came since
    part = held.part if held is not None else None
    reached: dict[str, Any] = {"part": len(dossiers.erase_parts(row, [index], reason=reason, actor=actor, now=now))}
    reached |= _from_register(row, index, commitment, reason=reason, now=now)
    reached["quarantine"] = int(dossiers.erase_kept(row.entry_id, [commitment]))
    reached["waiting"] = exchange.thin(row.entry_id, queries.signed_entry(_fresh(row)).to_wire())
    reached["drafts"] = _from_drafts(row, commitment, part, now)
    reached["blobs"] = attaching.forget(row.entry_id, [index], now)
    for place in PLACES:
        reached |= place(row, index, part, now)
    reached["copies"] = _call_back(row, index, commitment, reason=reason, now=now) + reached.pop("exported")
    reached["successors"] = _in_successors(row, commitment, reason=reason, now=now)
    found = {name: number for name, number in reached.items() if number}
    erased.note(row, commitment, reason=reason, change=change, reached=found, actor=actor, now=now)


def _fresh(row: Entry) -> Entry:
    """The entry without what was read of it before: what is on its way must lack what is erased by now."""
    found = queries.entry_by_id(row.entry_id)
    assert found is not None
    return found


def _from_register(row: Entry, index: int, commitment: str, *, reason: str, now: datetime) -> dict[str, Any]:
    subject = next((one for one in register.received_from(row.entry_id) if one.part == index), None)
    if subject is None:
        # It may be on its way into the register: what is barred is not stored.
        register_actions.erase_received(row.entry_id, index, ground=reason, now=now)
        return {"exported": 0}
    told = {"register": 1, "statements": subject.statements.count(), "index": 1}
    subject_id = str(subject.subject_id)
    copies = _register_copies(subject_id)
    told |= forget_subject(subject_id, subject.created_at, now)
    register_actions.erase_received(row.entry_id, index, ground=reason, now=now)
    for copy in copies:
        _owe(copy, entry=row.entry_id, part=commitment, subject=subject_id, reason=reason, now=now)
    return {**told, "exported": len(copies)}


def forget_subject(subject_id: str, since: datetime, now: datetime) -> dict[str, Any]:
    """What searches kept of a subject and tasks about it, gone; in the caller's transaction."""
    return {
        "searches": searches.forget_subject(subject_id, since=since),
        "tasks": desk.empty(f"/register/{subject_id}", now=now),
    }


def _register_copies(subject_id: str) -> list[HeldCopy]:
    return [HeldCopy("register", str(c.copy_number), c.officer) for c in exporting.copies_holding(subject_id)]


def call_back_copies_of(subject_id: str, *, reason: str, now: datetime) -> int:
    """Ask the holders of exports that hold a subject for them; returns how many copies; in the caller's transaction."""
    copies = _register_copies(subject_id)
    for copy in copies:
        _owe(copy, subject=subject_id, reason=reason, now=now)
    return len(copies)


def _call_back(row: Entry, index: int, commitment: str, *, reason: str, now: datetime) -> int:
    copies = [copy for source in COPIES for copy in source(row, index)]
    for copy in copies:
        _owe(copy, entry=row.entry_id, part=commitment, reason=reason, now=now)
    return len(copies)


def _owe(copy: HeldCopy, *, reason: str, now: datetime, **named: str) -> None:
    owed = erased.owe_copy(copy, reason=reason, now=now, **named)
    if owed is not None:
        desk.put(
            "copy",
            f"copy/{copy.kind}/{copy.number}",
            title_code="desk.copy_owed",
            facts={"number": copy.number},
            owner=copy.holder,
            due_at=owed.due_at,
            link="/copies",
            now=now,
        )


def _from_drafts(row: Entry, commitment: str, part: Part | None, now: datetime) -> int:
    thinned = erased.thin_drafts(row, commitment, part, now=now)
    for draft in thinned:
        if draft.state != draft.DRAFTING:
            continue
        desk.settle(f"approval/{draft.draft_id}", now=now)
        desk.settle(f"approved/{draft.draft_id}", now=now)
        desk.put(
            "draft_thinned",
            f"draft_thinned/{draft.draft_id}",
            title_code="desk.draft_thinned",
            facts={"act": draft.act, "kind": draft.kind, "partner": row.author},
            circle=draft.circle,
            owner=draft.officer,
            link=f"/drafts/{draft.draft_id}",
            urgent=True,
            now=now,
        )
    return len(thinned)


def _in_successors(row: Entry, commitment: str, *, reason: str, now: datetime) -> int:
    """Our own copies in successor dossiers go too, and those they were passed on to owe the same."""
    passed = queries.forwarded_from(row.entry_id, [commitment])
    for one in passed:
        carrying = queries.entry_by_id(one.entry)
        if carrying is not None:
            erase(carrying, [one.index], reason=reason, now=now)
        forwarding.leave_recall(one, change=row.entry_id, due="", now=now)
    return len(passed)
