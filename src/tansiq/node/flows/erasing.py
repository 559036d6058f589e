"""Erasing what a partner gave, wherever it lies here (``reaching`` is the walk through the places).

Three journeys end here. What an officer erases for retention or a right (``erase_subject``) is erased at once. What was wrongly
addressed and is *returned* is erased in the transaction of the return. What its author *recalls* or corrects (kind ``report``) is erased by
a job of its own, and then this node's machine signs ``confirm``. If an officer here may have a ground to keep it – the dossier stands in
a case, or a subject was judged one with a record of ours – the job waits until the author's due date, so that the officer can say so
first (act ``keep``); silence is obedience.

What stays is header, signature and commitments, and an erasure row that a restore replays.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.dossiers.states import State, Write
from tansiq.engine.formats.times import parse_time
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import actions as dossiers
from tansiq.node.dossiers import queries
from tansiq.node.flows import erasure_ledger, reaching
from tansiq.node.flows.reaching import erase
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners.queries import my_id
from tansiq.node.register import actions as register_actions
from tansiq.node.register import queries as register
from tansiq.node.register import reviewing

if TYPE_CHECKING:
    from tansiq.engine.dossiers.entries import SignedEntry
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Dossier
    from tansiq.node.dossiers.policy import OfficerLike
    from tansiq.node.register.reviewing import Decision

OBEY_JOB = "flows.obey"
ERASE = "erase"
"""The verdict of a review that erases."""
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


def erase_returned(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    """What was wrongly addressed to this node and returned is erased here: every part of its partners' entries."""
    me = my_id()
    if entry.header.act == "return" and entry.header.author == me:
        for row in queries.entries_but_of(dossier, me):
            erase(row, None, reason="wrongly_addressed", change=entry.entry_id, now=now)


def erase_subject(officer: Officer, subject_id: str, *, ground: str, is_barred: bool = False, now: datetime) -> None:
    """Erase a subject because somebody had a right to it: everywhere, and the part that brought it.

    ``ground`` is a code. Raises what ``register.actions.erase_subject`` raises, and then nothing is erased.
    """
    with _wherever_it_lies(officer, subject_id, ground=ground, now=now):
        register_actions.erase_subject(officer, subject_id, ground=ground, is_barred=is_barred, now=now)


def decide_review(officer: OfficerLike, subject_id: object, decision: Decision, *, now: datetime) -> None:
    """Decide about a record that is due for review; *erase* reaches what ``erase_subject`` reaches. Raises as ``reviewing.decide``."""
    if decision.verdict != ERASE:
        reviewing.decide(officer, subject_id, decision, now=now)
        return
    with _wherever_it_lies(officer, str(subject_id), ground=decision.ground, now=now):
        reviewing.decide(officer, subject_id, decision, now=now)


@contextmanager
def _wherever_it_lies(officer: OfficerLike, subject_id: str, *, ground: str, now: datetime) -> Iterator[None]:
    """Around the register's own erasure, in one transaction: copies called back, searches and tasks emptied, the part erased."""
    with transaction.atomic():
        subject = register.subject_by_id(subject_id)
        if subject is not None:
            reaching.call_back_copies_of(str(subject.subject_id), reason=ground, now=now)
            reaching.forget_subject(str(subject.subject_id), subject.created_at, now)
        yield
        entry = queries.entry_by_id(subject.entry) if subject is not None and subject.entry else None
        if entry is not None and subject is not None and subject.part is not None:
            erase(entry, [subject.part], reason=ground, actor=officer.reference, now=now)
        erasure_ledger.leave(now)


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


def settle_recall(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    """An answer of ours to a recall – ``confirm`` or ``keep`` – takes its task from the desk.

    A ``confirm`` that comes back to us after a restore says that this was erased: what the copy still held of it goes in this transaction.
    """
    change = entry.header.codes.get("change")
    if entry.header.act in ("confirm", "keep") and entry.header.author == my_id():
        desk.settle(f"recall/{change}", now=now)
        if entry.header.act == "confirm":
            _erase_changed(dossier, str(change), now)


def obey(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.obey``: erase what was recalled or corrected, then let the machine confirm; nothing if it was answered meanwhile."""
    from tansiq.node.flows.act import act_by_machine

    dossier_id, change = str(payload["dossier"]), str(payload["change"])
    with transaction.atomic():
        dossier = dossiers.lock(dossier_id)
        if dossier is None or _owed(dossier, change) is None:
            return
        act = _erase_changed(dossier, change, now)
        if not act:
            return
    act_by_machine(dossier_id, "confirm", {"change": change}, f"{dossier.kind}:{act}", now=now)


def _erase_changed(dossier: Dossier, change: str, now: datetime) -> str:
    """Erase what a correction or recall names, as far as it is here; returns its act, empty for what is none or not here."""
    header = queries.load_header(change)
    reason = GROUNDS.get(header.act) if header else None
    if header is None or reason is None:
        return ""
    if header.act in WHOLE:
        for row in queries.entries_from(dossier, header.author):
            if row.entry_id != change:
                erase(row, None, reason=reason, change=change, now=now)
    elif (target := queries.entry_by_id(str(header.codes.get("entry")))) is not None:
        refs = queries.signed_entry(target).header.parts
        places = [place for place, ref in enumerate(refs) if ref.commitment == header.codes["part"]]
        erase(target, places, reason=reason, change=change, now=now)
    return header.act


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
