"""Writes of dossiers. ``append`` is for ``flows`` alone; the rest is this node's own material around a dossier."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from tansiq.engine.dossiers import entries
from tansiq.engine.dossiers.entries import SaltedPart, SignedEntry
from tansiq.engine.dossiers.folds import Folded, pruned
from tansiq.engine.dossiers.kind import Kind
from tansiq.engine.dossiers.states import Trace
from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.engine.formats.times import format_time
from tansiq.engine.kinds.registry import kind
from tansiq.node.audit.actions import record
from tansiq.node.dossiers import owed, queries
from tansiq.node.dossiers.models import (
    Approval,
    Case,
    Dossier,
    EndedExercise,
    Entry,
    Forwarded,
    Note,
    Part,
    Quarantined,
    Reference,
    WaitingEntry,
)
from tansiq.node.dossiers.policy import OfficerLike
from tansiq.node.vault.keys import search_token
from tansiq.node.vault.prepared import Insert, Select, Update

WINDOW = timedelta(minutes=10)
MAX_REASON = 2000
QUARANTINED, RELEASED, KEPT_OUT = "quarantined", "released", "kept_out"


_LOCKED = Select(Dossier, ("dossier_id",), locked=True)
_NEW_ENTRY = Insert(Entry)
_NEW_TRACE = Update(Entry, ("trace",))


def lock(dossier_id: str) -> Dossier | None:
    """The dossier's row, locked for the caller's transaction."""
    return _LOCKED.first(dossier_id)


class Locked:
    """The dossiers that the caller's transaction has locked, each read once, as its own entries leave them.

    Several are locked in one order, so that two transactions never wait for each other.
    """

    def __init__(self, dossier_ids: Iterable[str] = ()) -> None:
        rows = Dossier.objects.select_for_update().filter(dossier_id__in=set(dossier_ids)).order_by("dossier_id")
        self._rows = {row.dossier_id: row for row in rows}
        self.traces: dict[str, Trace] = {}

    def get(self, dossier_id: str) -> Dossier | None:
        """The dossier, locked; None where there is none yet."""
        row = self._rows.get(dossier_id) or lock(dossier_id)
        if row is not None:
            self._rows[dossier_id] = row
        return row

    def has_grown(self, dossier: Dossier, trace: Trace) -> None:
        """An entry was appended to the dossier."""
        self._rows[dossier.dossier_id] = dossier
        self.traces[trace.entry_id] = trace

    def forget(self, dossier_id: str) -> None:
        """What was done in the dossier was undone: it is read anew."""
        self._rows.pop(dossier_id, None)
        self.traces.clear()


@dataclass(frozen=True, slots=True)
class Placed:
    """Where and how an entry was judged; ``known`` are traces that need not be read again."""

    folded: Folded
    trace: Trace
    known: Mapping[str, Trace] = field(default_factory=dict)


def open_dossier(
    entry: SignedEntry, placed: Placed, *, circle: str, case: Case | None, title: str | None, now: datetime
) -> Dossier:
    """Create the dossier that ``entry`` opens, in the caller's transaction; the entry itself is appended by :func:`append`."""
    opening = entry.header.opening
    if opening is None:
        raise Rejected("dossier.no_opening", at="/opening")
    return Dossier.objects.create(
        dossier_id=entry.entry_id,
        kind=opening.kind,
        kind_version=opening.kind_version,
        participants=list(opening.participants),
        opened_by=entry.header.author,
        accord=opening.accord or "",
        accord_version=opening.accord_version or "",
        folded=placed.folded.to_json(),
        phase="",
        opened_at=entry.header.at,
        changed_at=now,
        circle=circle,
        title=title,
        case=case,
        continues=opening.continues or "",
        exercise=opening.exercise,
    )


def append(
    dossier: Dossier, entry: SignedEntry, placed: Placed, *, is_own: bool, absent_for: str = "", now: datetime
) -> Entry:
    """Store a judged entry and the state it leads to, in the caller's transaction.

    ``absent_for`` says why parts are not here (quarantine); without it they came as null and may still come.
    """
    header = entry.header
    row = Entry(
        entry_id=entry.entry_id,
        dossier=dossier,
        author=header.author,
        seq=header.seq,
        depth=placed.trace.depth,
        act=header.act,
        ground=str(ground)[:60] if (ground := header.codes.get("ground")) else None,
        at=header.at,
        header=entry.raw,
        signatures=entry.signed.to_json()["signatures"],
        trace=placed.trace.to_json(),
        is_effective=placed.trace.effective,
        reason=placed.trace.reason or "",
        flags=[*placed.trace.flags, *_time_flags(header.at, is_own=is_own, now=now)],
        is_own=is_own,
        recorded_at=now,
        opened_at=now if is_own else None,
    )
    _NEW_ENTRY(row)
    Part.objects.bulk_create(
        Part(
            entry=row,
            index=index,
            type=header.parts[index].type,
            salted=salted.to_json() if salted else None,
            review_at=salted.part.review_at if salted else None,
            erased_at=None if salted else now,
            erased_for="" if salted else absent_for,
        )
        for index, salted in enumerate(entry.parts)
    )
    _prune_traces(dossier, placed.folded, placed.known)
    _keep_state(dossier, placed.folded, now)
    return row


def _prune_traces(dossier: Dossier, folded: Folded, known: Mapping[str, Trace]) -> None:
    """Drop the states of entries that are no heads any more, but for every 64th of a strand: they can be recomputed."""
    former = queries.folded_of(dossier).heads
    passed = [tip.entry for tip in former.values() if tip.entry not in folded.heads and tip.number % 64]
    for entry_id in passed:
        trace = known.get(entry_id) or queries.load_trace(entry_id)
        if trace is not None:
            _NEW_TRACE({"trace": pruned(trace).to_json()}, entry_id)


def _time_flags(at: datetime, *, is_own: bool, now: datetime) -> list[str]:
    return [] if is_own or at <= now + WINDOW else ["time_ahead"]


STATE = [
    "folded",
    "heads_digest",
    "phase",
    "urgent",
    "is_closed",
    "due_at",
    "entry_count",
    "changed_at",
    "equivocation",
]
"""The columns that follow from the entries."""
_NEW_STATE = Update(Dossier, STATE)


def state_columns(rules: Kind, folded: Folded) -> dict[str, Any]:
    """What the columns of a dossier are in this state, but for when it changed."""
    view = rules.view(folded.state)
    phase, about = str(view.get("phase", "")), view.get("about")
    due = [deadline.due_at for deadline in rules.deadlines(folded.state)]
    return {
        "folded": folded.to_json(),
        "heads_digest": queries.digest_of_heads(folded.heads),
        "phase": phase,
        "urgent": isinstance(about, dict) and bool(about.get("urgency")),
        "is_closed": phase in rules.CLOSED,
        "due_at": min(due) if due else None,
        "entry_count": folded.count,
        "equivocation": [list(fork) for fork in folded.equivocations] or None,
    }


def _keep_state(dossier: Dossier, folded: Folded, now: datetime) -> None:
    rules = kind(dossier.kind, dossier.kind_version)
    deadlines = rules.deadlines(folded.state)
    is_owed_alike = dossier.entry_count > 0 and rules.deadlines(queries.folded_of(dossier).state) == deadlines
    write_state(dossier, state_columns(rules, folded), folded, now)
    if not is_owed_alike:  # the rows say already what they said of the state before
        owed.keep(dossier, deadlines)


def write_state(dossier: Dossier, columns: Mapping[str, Any], folded: Folded, now: datetime) -> None:
    """Write these columns of a locked dossier, in the caller's transaction."""
    for name, value in columns.items():
        setattr(dossier, name, value)
    dossier.opened_state = (dossier.folded, folded)
    dossier.changed_at = now
    _NEW_STATE.save(dossier)


def quarantine(entry: SignedEntry, dossier_id: str, *, sender: str, reason: str, now: datetime) -> None:
    """Keep an entry that may not be used here, for the data-protection officer; in the caller's transaction."""
    Quarantined.objects.get_or_create(
        entry_id=entry.entry_id,
        defaults={
            "dossier": dossier_id,
            "sender": sender,
            "wire": entry.to_wire(),
            "reason": reason,
            "received_at": now,
        },
    )
    record(
        "entry.quarantined",
        actor="machine",
        facts={"entry": entry.entry_id, "reason": reason},
        log="internal",
        now=now,
        dossier=dossier_id,
    )


def decide_quarantined(officer: OfficerLike, row: Quarantined, *, decided: str, reason: str, now: datetime) -> None:
    """Keep the data-protection officer's word on an entry in quarantine, in the caller's transaction.

    Raises Rejected("dossier.reason_needed") or Conflict("dossier.quarantine_decided"). What was released lies in the dossier: its copy
    here goes. What is kept out stays sealed as it is.
    """
    if not reason.strip() or len(reason) > MAX_REASON:
        raise Rejected("dossier.reason_needed", at="/reason", limit=MAX_REASON)
    if row.decided == RELEASED:
        raise Conflict("dossier.quarantine_decided", entry=row.entry_id)
    row.decided, row.decided_by, row.decided_at = decided, officer.reference, now
    row.decided_for = reason.strip()
    if decided == RELEASED:
        row.wire = entries.from_wire(row.wire, at="/wire").bare().to_wire()
    row.save()
    facts = {"entry": row.entry_id, "decided": decided, "code": row.reason}
    record("quarantine.decided", actor=officer.reference, facts=facts, log="internal", now=now, dossier=row.dossier)


def release_parts(entry: Entry, parts: Sequence[SaltedPart | None], *, actor: str, now: datetime) -> list[int]:
    """Put parts that were kept in quarantine where they belong, in the caller's transaction; returns which.

    The caller has held each part to its commitment. What was erased meanwhile stays away. The entry is flagged: its timeline says so.
    """
    filled = []
    for row in entry.parts.select_for_update().filter(salted__isnull=True, erased_for=QUARANTINED):
        part = parts[row.index]
        if part is not None:
            row.salted, row.erased_at, row.erased_for, row.review_at = part.to_json(), None, "", part.part.review_at
            row.save(update_fields=["salted", "erased_at", "erased_for", "review_at"])
            filled.append(row.index)
    entry.flags = [*(flag for flag in entry.flags if flag != "released"), "released"]
    entry.save(update_fields=["flags"])
    facts = {"entry": entry.entry_id, "parts": len(filled)}
    record("parts.released", actor=actor, facts=facts, log="exchange", now=now, dossier=entry.dossier_id)
    return filled


def complete_parts(entry: Entry, parts: Sequence[SaltedPart | None], *, sender: str, now: datetime) -> list[int]:
    """Fill in parts that came as null and have come now, in the caller's transaction; returns which.

    What was erased or quarantined here stays away. The caller has held each part to its commitment.
    """
    filled = []
    for row in entry.parts.select_for_update().filter(salted__isnull=True, erased_for=""):
        part = parts[row.index]
        if part is not None:
            row.salted, row.erased_at, row.review_at = part.to_json(), None, part.part.review_at
            row.save(update_fields=["salted", "erased_at", "review_at"])
            filled.append(row.index)
    if filled:
        facts = {"entry": entry.entry_id, "parts": len(filled)}
        record(
            "parts.completed", actor=f"node:{sender}", facts=facts, log="exchange", now=now, dossier=entry.dossier_id
        )
    return filled


def erase_parts(entry: Entry, indexes: Sequence[int] | None, *, reason: str, actor: str, now: datetime) -> list[int]:
    """Erase parts of an entry (all for None), in the caller's transaction; returns which were there.

    The header with their commitments stays and the chain verifies. What came as null is marked too: it is not wanted any more.
    """
    rows = entry.parts.filter(erased_for="")
    if indexes is not None:
        rows = rows.filter(index__in=list(indexes))
    erased = list(rows.filter(salted__isnull=False).values_list("index", flat=True))
    rows.update(salted=None, erased_at=now, erased_for=reason)
    if erased:
        facts = {"entry": entry.entry_id, "parts": len(erased), "reason": reason}
        record("parts.erased", actor=actor, facts=facts, log="exchange", now=now, dossier=entry.dossier_id)
    return erased


def erase_kept(entry_id: str, commitments: Collection[str]) -> bool:
    """Erase parts also from the copy in quarantine, in the caller's transaction; returns whether there was one."""
    row = Quarantined.objects.select_for_update().filter(entry_id=entry_id).first()
    if row is None:
        return False
    row.wire = entries.from_wire(row.wire, at="/wire").without(*commitments).to_wire()
    row.save(update_fields=["wire"])
    return True


def note_forwarded(dossier: Dossier, entry: SignedEntry, index: int, *, origin: str, now: datetime) -> Forwarded:
    """Keep that a part of our entry passes on what is held here, in the caller's transaction; again changes nothing."""
    salted = entry.parts[index]
    if salted is None or len(salted.part.sources) != 1:
        raise Rejected("reshared.source_unknown", at=f"/parts/{index}", entry=entry.entry_id)
    source = salted.part.sources[0]
    row, is_new = Forwarded.objects.get_or_create(
        entry=entry.entry_id,
        index=index,
        defaults={
            "source_entry": source.entry,
            "source_part": source.part,
            "origin": origin,
            "dossier": dossier,
            "part": salted.commitment,
            "forwarded_at": now,
        },
    )
    if is_new:
        facts = {"entry": entry.entry_id, "source": source.entry, "part": source.part, "to": list(dossier.participants)}
        record("part.passed_on", actor="machine", facts=facts, log="exchange", now=now, dossier=dossier.dossier_id)
    return row


def mark_forwarded(rows: Collection[Forwarded], *, is_told: bool = False, recalled_by: str = "") -> None:
    """What became of parts that were passed on: their provider was told, or they were recalled; in the caller's transaction."""
    changed = {"is_told": True} if is_told else {"recalled_by": recalled_by}
    Forwarded.objects.filter(pk__in=[row.pk for row in rows]).update(**changed)


def note_opened(
    officer: OfficerLike, dossier: Dossier, now: datetime, entries: Collection[str] | None = None
) -> list[Entry]:
    """Note that an officer opened the dossier: returns the inbound entries opened for the first time, in the caller's transaction.

    ``entries`` are those that were before the officer's eyes, all of them for None.
    """
    rows = dossier.entries.filter(opened_at=None, is_own=False)
    fresh = list(rows if entries is None else rows.filter(pk__in=list(entries)))
    if fresh:
        Entry.objects.filter(pk__in=[e.pk for e in fresh]).update(opened_at=now)
    record(
        "dossier.read",
        actor=officer.reference,
        facts={"dossier": dossier.dossier_id},
        log="internal",
        now=now,
        dossier=dossier.dossier_id,
    )
    return fresh


# -- exercises -----------------------------------------------------------------------------------------------------------


def delete_exercise(dossier: Dossier, *, by: str, now: datetime) -> int:
    """Delete the dossier and everything that hangs on it, and keep its bare id; in the caller's transaction.

    Returns how many entries went. Raises Refused("dossier.not_an_exercise"): nothing real is ever deleted so.
    """
    if not dossier.exercise:
        raise Refused("dossier.not_an_exercise", dossier=dossier.dossier_id)
    EndedExercise.objects.get_or_create(dossier_id=dossier.dossier_id, defaults={"ended_by": by, "ended_at": now})
    for model in (WaitingEntry, Quarantined):
        model.objects.filter(dossier=dossier.dossier_id).delete()
    Approval.objects.filter(draft__dossier=dossier).delete()
    Part.objects.filter(entry__dossier=dossier).delete()
    removed, _ = dossier.entries.all().delete()
    for rows in (
        dossier.owed,
        dossier.forwarded,
        dossier.threat_reviews,
        dossier.drafts,
        dossier.references,
        dossier.notes,
    ):
        rows.all().delete()
    dossier.delete()
    return removed


# -- around a dossier ----------------------------------------------------------------------------------------------------


def open_case(officer: OfficerLike, title: str, *, circle: str, now: datetime) -> Case:
    """Open a case of this node's own."""
    if circle not in officer.circles:
        raise Refused("dossier.not_your_circle", circle=circle)
    if not title.strip():
        raise Rejected("dossier.case_without_title", at="/title")
    with transaction.atomic():
        case = Case.objects.create(title=title.strip(), circle=circle, created_by=officer.reference, created_at=now)
        record("case.opened", actor=officer.reference, facts={"case": str(case.case_id)}, log="internal", now=now)
    return case


def add_reference(officer_id: str, dossier: Dossier, *, whose: str, value: str, now: datetime) -> Reference:
    """Keep a number under which somebody has this matter; the same number twice is kept once."""
    text = value.strip()
    if not text or len(text) > 120:
        raise Rejected("dossier.reference_length", at="/value", limit=120)
    if whose not in {"ours", "theirs", "prosecutor", "court", "other"}:
        raise Rejected("dossier.reference_whose", at="/whose", whose=whose)
    with transaction.atomic():
        row, _ = Reference.objects.get_or_create(
            dossier=dossier,
            whose=whose,
            token=search_token(text),
            defaults={"value": text, "added_by": officer_id, "added_at": now},
        )
        record(
            "reference.added",
            actor=officer_id,
            facts={"whose": whose},
            log="internal",
            now=now,
            dossier=dossier.dossier_id,
        )
    return row


def write_note(officer: OfficerLike, dossier: Dossier, text: str, *, now: datetime) -> Note:
    """Write an internal note."""
    if not text.strip() or len(text) > 20_000:
        raise Rejected("dossier.note_length", at="/text", limit=20_000)
    with transaction.atomic():
        note = Note.objects.create(dossier=dossier, text=text.strip(), officer=officer.reference, written_at=now)
        record("note.written", actor=officer.reference, facts={}, log="internal", now=now, dossier=dossier.dossier_id)
    return note


def route(dossier: Dossier, circle: str, *, actor: str, now: datetime) -> None:
    """Move the dossier to another circle of this node, in the caller's transaction."""
    facts = {"from": dossier.circle, "to": circle, "at": format_time(now)}
    Dossier.objects.filter(pk=dossier.pk).update(circle=circle)
    record("dossier.routed", actor=actor, facts=facts, log="internal", now=now, dossier=dossier.dossier_id)
