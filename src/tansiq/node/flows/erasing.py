"""Erasing what a partner gave, wherever it lies here: parts, register and index, what waits to be sent on, the copy in quarantine.

Two journeys end here. What was wrongly addressed and is *returned* is erased in the transaction of the return. What its author
*recalls* or corrects (kind ``report``) is erased by a job of its own, and then this node's machine signs ``confirm``. If an officer
here may have a ground to keep it – the dossier stands in a case, or a subject was judged one with a record of ours – the job waits
until the author's due date, so that the officer can say so first (act ``keep``); silence is obedience.

What stays is header, signature and commitments, and an erasure row that a restore replays.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.dossiers.states import State, Write
from tansiq.engine.formats.times import parse_time
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import actions as dossiers
from tansiq.node.dossiers import queries
from tansiq.node.exchange import actions as exchange
from tansiq.node.flows import attaching, forwarding
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners.queries import my_id
from tansiq.node.register import actions as register_actions
from tansiq.node.register import queries as register

if TYPE_CHECKING:
    from tansiq.engine.dossiers.entries import SignedEntry
    from tansiq.node.dossiers.models import Dossier, Entry

OBEY_JOB = "flows.obey"
GROUNDS = {
    "recall": "recalled",
    "recall_part": "recalled",
    "correct": "corrected",
    "cancel": "alert_over",
    "expire": "alert_over",
}
WITHDRAWN = frozenset({"recalled", "cancelled", "expired"})
"""Phases in which nothing of what the opener has said is kept."""
WHOLE = frozenset({"recall", "cancel", "expire"})
"""Changes of the whole dossier; the others name one part."""
AT_ONCE = frozenset({"alert"})
"""Kinds in which no officer has a ground to keep what was taken back."""


def erase(row: Entry, indexes: Collection[int] | None, *, reason: str, now: datetime) -> None:
    """Erase parts of an entry (all for None) and everything that was made of them here, in the caller's transaction."""
    entry = queries.signed_entry(row)
    chosen = [index for index in range(len(entry.header.parts)) if indexes is None or index in indexes]
    commitments = [entry.header.parts[index].commitment for index in chosen]
    dossiers.erase_parts(row, chosen, reason=reason, actor="machine", now=now)
    for index in chosen:
        register_actions.erase_received(row.entry_id, index, ground=reason, now=now)
    attaching.forget(row.entry_id, chosen, now)
    dossiers.erase_kept(row.entry_id, commitments)
    exchange.thin(row.entry_id, entry.without(*commitments).to_wire())
    _erase_passed_on(row, commitments, reason=reason, now=now)


def _erase_passed_on(row: Entry, commitments: Collection[str], *, reason: str, now: datetime) -> None:
    """Our own copies in successor dossiers go too, and those they were passed on to owe the same."""
    for passed in queries.forwarded_from(row.entry_id, commitments):
        carrying = queries.entry_by_id(passed.entry)
        if carrying is not None:
            erase(carrying, [passed.index], reason=reason, now=now)
        forwarding.leave_recall(passed, change=row.entry_id, due="", now=now)


def erase_returned(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    """What was wrongly addressed to this node and returned is erased here: every part of its partners' entries."""
    me = my_id()
    if entry.header.act == "return" and entry.header.author == me:
        for row in queries.entries_but_of(dossier, me):
            erase(row, None, reason="wrongly_addressed", now=now)


# -- recalls -------------------------------------------------------------------------------------------------------------


def leave_obeying(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    """A correction or recall that this node owes an answer is left to a job: at once, or when it is due if somebody may object."""
    owed = _owed(dossier, entry.entry_id)
    if owed is None:
        _obey_late(dossier, entry, now)
        return
    due_at = parse_time(owed.value["due"]) if isinstance(owed.value, dict) else now
    told = {"dossier": dossier.dossier_id, "change": entry.entry_id}
    is_held = due_at > now and dossier.kind not in AT_ONCE and _may_be_kept(dossier)
    enqueue(OBEY_JOB, told, now=now, run_at=due_at if is_held else now, key=f"obey/{entry.entry_id}")
    if is_held:
        desk.put(
            "recall",
            f"recall/{entry.entry_id}",
            title_code="desk.recall_held",
            facts={"partner": entry.header.author, "act": entry.header.act},
            circle=dossier.circle,
            due_at=due_at,
            link=f"/dossiers/{dossier.dossier_id}",
            urgent=True,
            now=now,
        )


def _obey_late(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    """What of a recalled report comes after its recall was obeyed is erased as it comes."""
    me = my_id()
    if dossier.phase not in WITHDRAWN or entry.header.author == me or not entry.header.parts:
        return
    state: State = queries.folded_of(dossier).state
    row = queries.entry_by_id(entry.entry_id)
    if row is not None and not state.writes(f"owed:{me}") and state.value(f"kept:{me}") is None:
        erase(row, None, reason="recalled" if dossier.phase == "recalled" else "alert_over", now=now)


def settle_recall(_dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    """An answer of ours to a recall – ``confirm`` or ``keep`` – takes its task from the desk."""
    change = entry.header.codes.get("change")
    if entry.header.act in ("confirm", "keep") and entry.header.author == my_id():
        desk.settle(f"recall/{change}", now=now)


def obey(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.obey``: erase what was recalled or corrected, then let the machine confirm; nothing if it was answered meanwhile."""
    from tansiq.node.flows.act import act_by_machine

    dossier_id, change = str(payload["dossier"]), str(payload["change"])
    with transaction.atomic():
        dossier = dossiers.lock(dossier_id)
        owed = _owed(dossier, change) if dossier else None
        header = queries.load_header(change)
        if dossier is None or owed is None or header is None:
            return
        reason = GROUNDS[header.act]
        if header.act in WHOLE:
            for row in queries.entries_from(dossier, header.author):
                if row.entry_id != change:
                    erase(row, None, reason=reason, now=now)
        elif (target := queries.entry_by_id(str(header.codes.get("entry")))) is not None:
            refs = queries.signed_entry(target).header.parts
            places = [place for place, ref in enumerate(refs) if ref.commitment == header.codes["part"]]
            erase(target, places, reason=reason, now=now)
    act_by_machine(dossier_id, "confirm", {"change": change}, f"{dossier.kind}:{header.act}", now=now)


def _owed(dossier: Dossier, change: str) -> Write | None:
    """The item that this node owes an answer for this correction or recall; None if it owes none (any more)."""
    state: State = queries.folded_of(dossier).state
    return next((write for write in state.writes(f"owed:{my_id()}") if write.entry == change), None)


def _may_be_kept(dossier: Dossier) -> bool:
    """Whether an officer may have a ground to keep it: it stands in a case, or a subject of it was judged one with another."""
    if dossier.case_id is not None:
        return True
    kept = [s for row in queries.entries_but_of(dossier, my_id()) for s in register.received_from(row.entry_id)]
    return any(len(register.judged_same(subject.subject_id)) > 1 for subject in kept)
