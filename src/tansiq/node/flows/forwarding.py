"""Passing on: a successor dossier re-shares chosen parts with other authorities, under their providers' conditions; and takes them back.

::

    source dossier (X, us)                       successor dossier (us, Z), ``continues`` the source
    ──────────────────────                       ──────────────────────────────────────────────────
    X's entry, part p ──── decide(forward) ────▶ our report: why, and a part that carries X's header, p, X's card
         ◀── passed_on (our machine tells X)           │ Z verifies X's signature and commitment
    X recalls p ─────────────────────────────────▶ recall_part (our machine) ──▶ Z erases, confirms

Everything goes through ``flows.act``: what the source's providers say (``origins.leaving``) is part of the one decision that is asked
before signing, so that no intent however written passes on what may not go. What was passed on is a row (``Forwarded``), written in the
transaction of the entry that carries it; telling the provider and recalling are jobs that may run twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.dossiers import reshared
from tansiq.engine.dossiers.entries import Grading, Part, SignedEntry, SourceRef
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.times import format_time, parse_time
from tansiq.node.audit.actions import record
from tansiq.node.dossiers import actions as dossiers
from tansiq.node.dossiers import queries
from tansiq.node.flows.intents import Intent
from tansiq.node.flows.origins import origin_of, standing_of
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners.queries import my_id

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Dossier, Forwarded

TELL_JOB = "flows.passed_on"
RECALL_JOB = "flows.recall_onward"
DAYS_TO_CONFIRM = timedelta(days=3)
"""How long those it was passed on to have, where what made the recall names no day that is still to come."""
WHOLE = frozenset({"recall", "cancel", "expire"})
"""Changes by which everything that their author said in the dossier is taken back; the others name one part."""
CHANGES = frozenset({*WHOLE, "recall_part", "correct"})


@dataclass(frozen=True, slots=True)
class Chosen:
    """One part of the source dossier: its entry and its place there."""

    entry: str
    index: int


@dataclass(frozen=True, slots=True)
class PassingOn:
    """What an officer means to pass on, to whom, for what, and why."""

    dossier: str
    chosen: tuple[Chosen, ...]
    to: tuple[str, ...]
    purpose: str
    crime_area: str
    why: str
    grading: Grading
    language: str = ""
    title: str = ""
    circle: str = ""
    reference: str = ""


def intent_of(officer: Officer, told: PassingOn) -> Intent:
    """The opening of the successor dossier; hand it to ``flows.act.consider`` or ``flows.act.act``.

    Raises Rejected: ``dossier.not_found``, ``reshared.nothing_chosen``, ``reshared.part_gone``, ``reshared.not_passable``.
    """
    source = queries.get_dossier_for(officer, told.dossier)
    if not told.chosen:
        raise Rejected("reshared.nothing_chosen", at="/chosen")
    parts = [_carrying(source, one, f"/chosen/{place}") for place, one in enumerate(dict.fromkeys(told.chosen))]
    marking = reshared_marking(parts)
    why = Part(
        type="narrative",
        content={"topic": "facts", "text": told.why},
        grading=told.grading,
        language=told.language or None,
        marking=marking.without("H3"),
    )
    return Intent(
        kind="report",
        act="report",
        participants=told.to,
        codes={"purpose": told.purpose, "crime_area": told.crime_area},
        parts=(why, *parts),
        continues=source.dossier_id,
        cites=told.chosen[0].entry,
        title=told.title or source.title or "",
        case=str(source.case_id) if source.case_id else "",
        circle=told.circle or source.circle,
        reference=told.reference,
    )


def reshared_marking(parts: Sequence[Part]) -> Any:
    """What the covering words carry at least: they speak of what is passed on."""
    from tansiq.engine.accords.markings import strictest

    return strictest(part.marking for part in parts)


def _carrying(source: Dossier, one: Chosen, at: str) -> Part:
    row = queries.entry_by_id(one.entry)
    if row is None or row.dossier_id != source.dossier_id:
        raise Rejected("reshared.part_gone", at=at, entry=one.entry[:64], index=one.index)
    try:
        origin = origin_of(row, one.index)
    except Rejected as error:
        raise Rejected(error.code, **{**error.facts, "at": at}) from error
    if origin.salted.part.type == "file":
        # Its bytes lie with whoever attached it; the new recipient could not fetch them.
        raise Rejected("reshared.not_passable", at=at, type="file")
    refs = queries.signed_entry(row).header.parts
    return reshared.wrap(origin, SourceRef(row.entry_id, refs[one.index].commitment))


# -- what follows from an entry -------------------------------------------------------------------------------------------


def follow(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    """What an entry passes on is kept and told; what it recalls is recalled where it was passed on. In its transaction."""
    _note(dossier, entry, now)
    if entry.header.act in CHANGES:
        for row in _passed_on_of(entry):
            leave_recall(row, change=entry.entry_id, due=str(entry.header.codes.get("due", "")), now=now)


def _note(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    found = reshared.origins(entry)
    if entry.header.author != my_id():
        for index, origin in found.items():
            facts = {"entry": entry.entry_id, "part": index, "origin": origin.author, "signature": standing_of(origin)}
            record("part.reshared", actor="machine", facts=facts, log="exchange", now=now, dossier=dossier.dossier_id)
        return
    for index, origin in found.items():
        dossiers.note_forwarded(dossier, entry, index, origin=origin.author, now=now)
    if found:
        enqueue(TELL_JOB, {"entry": entry.entry_id}, now=now, key=f"passed_on/{entry.entry_id}")


def _passed_on_of(entry: SignedEntry) -> list[Forwarded]:
    """The parts that this correction or recall takes back and that were passed on."""
    header = entry.header
    if header.act in WHOLE:
        row = queries.entry_by_id(entry.entry_id)
        mine = queries.entries_from(row.dossier, header.author) if row is not None else []
        return [found for each in mine for found in queries.forwarded_from(each.entry_id)]
    return queries.forwarded_from(str(header.codes.get("entry")), [str(header.codes.get("part"))])


def leave_recall(row: Forwarded, *, change: str, due: str, now: datetime) -> None:
    """Owe the recall of one part that was passed on, in the caller's transaction; owed once however often it is asked."""
    if not row.recalled_by:
        told = {"forwarded": row.pk, "change": change, "due": due}
        enqueue(RECALL_JOB, told, now=now, key=f"recall_onward/{row.pk}")


# -- jobs ------------------------------------------------------------------------------------------------------------------


def tell_providers(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.passed_on``: our machine tells, in each source dossier, what was passed on to whom; never what it says."""
    from tansiq.node.flows.act import act_by_machine

    by_source: dict[str, list[Forwarded]] = {}
    for row in queries.forwarded_by(str(payload["entry"])):
        if not row.is_told:
            by_source.setdefault(row.source_entry, []).append(row)
    for source, rows in by_source.items():
        entry = queries.entry_by_id(source)
        if entry is None or entry.is_own:
            continue
        codes = {
            "entry": source,
            "parts": [row.source_part for row in rows],
            "to": [node for node in rows[0].dossier.participants if node != my_id()],
            "successor": rows[0].dossier_id,
        }
        # Whoever died after signing and before noting it finds its own word in the dossier.
        if not _was_told(entry.dossier, source, rows[0].dossier_id):
            act_by_machine(entry.dossier_id, "passed_on", codes, "tansiq:onward_notice", now=now)
        with transaction.atomic():
            dossiers.mark_forwarded(rows, is_told=True)


def _was_told(dossier: Dossier, source: str, successor: str) -> bool:
    told = queries.effective(dossier, my_id(), "passed_on")
    return any(h.codes.get("entry") == source and h.codes.get("successor") == successor for h in told)


def recall_onward(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.recall_onward``: our machine recalls, in the successor, a part whose source was recalled, corrected or erased."""
    from tansiq.node.flows.act import act_by_machine

    row = queries.forwarded(int(payload["forwarded"]))
    if row is None or row.recalled_by:
        return
    by = _recall_of(row)
    if not by:
        given = parse_time(str(payload["due"])) if payload["due"] else now
        due = given if given > now else now + DAYS_TO_CONFIRM
        codes = {"entry": row.entry, "part": row.part, "due": format_time(due)}
        by = act_by_machine(row.dossier_id, "recall_part", codes, "report:recalled_at_source", now=now).entry_id
    with transaction.atomic():
        dossiers.mark_forwarded([row], recalled_by=by)
        facts = {"entry": by, "source": row.source_entry, "part": row.source_part, "change": str(payload["change"])}
        record("part.recalled_onward", actor="machine", facts=facts, log="exchange", now=now, dossier=row.dossier_id)


def _recall_of(row: Forwarded) -> str:
    """The recall that we signed already; the process may have died before it was noted."""
    for act in ("recall_part", "recall"):
        for entry in queries.entries_from(row.dossier, my_id()):
            if entry.act == act and entry.is_effective:
                codes = queries.signed_entry(entry).header.codes
                if act == "recall" or (codes.get("entry"), codes.get("part")) == (row.entry, row.part):
                    return str(entry.entry_id)
    return ""
