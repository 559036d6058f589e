"""Signing: the entry is composed on the present heads, signed, appended and owed to its partners, and everything that follows from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from tansiq.engine.accords.markings import Marking
from tansiq.engine.dossiers import entries, folds
from tansiq.engine.dossiers.entries import SignedEntry, SourceRef
from tansiq.engine.dossiers.headers import Actor, Header
from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.engine.formats.ids import is_external
from tansiq.node.audit.actions import record
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import actions as dossiers
from tansiq.node.dossiers import drafts, queries
from tansiq.node.exchange import actions as exchange
from tansiq.node.exchange import recovery
from tansiq.node.flows import attaching, exercises, projections
from tansiq.node.flows.intents import Intent
from tansiq.node.flows.standing import Stand, circle_of, decision_on, in_dossier
from tansiq.node.vault import keys
from tansiq.node.vault.stores import on_disk

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Dossier

ATTEMPTS = 8
ALWAYS = frozenset({"not_accepted"})
"""What no accord can forbid, nor its absence: to say that content stays out. It holds nothing but the name of an entry."""


@dataclass(frozen=True, slots=True)
class Acted:
    """What came of an act: an entry, or a draft that awaits approval."""

    dossier_id: str = ""
    entry_id: str = ""
    draft_id: str = ""
    awaiting_role: str = ""
    clause: str = ""

    @property
    def is_signed(self) -> bool:
        return bool(self.entry_id)


def sign(
    stand: Stand,
    intent: Intent,
    actor: Actor,
    approved_by: tuple[Actor, ...],
    approvals: frozenset[str],
    now: datetime,
    *,
    draft_id: str,
    officer: Officer | None,
) -> Acted:
    """Compose on the present heads, sign outside the transaction, append if the heads are still those; else again.

    Raises Unavailable("recovery.under_way") in a node that was restored and does not know yet what it had signed.
    """
    recovery.require_over()
    attaching.require_here(intent.parts)
    for _ in range(ATTEMPTS):
        header = _header(stand, intent, actor, approved_by, now)
        if intent.act not in ALWAYS:
            decision_on(stand, intent, actor, approvals, now).enforce()
        entry = entries.sign_entry(header, stand.salted, keys.current().authority)
        try:
            return _append(stand, intent, entry, now, draft_id=draft_id, officer=officer)
        except Conflict as error:
            if error.code != "dossier.heads_moved" or stand.dossier is None:
                raise
            stand = _standing_now(stand, intent)
    raise Conflict("dossier.heads_moved", dossier=intent.dossier)


def _standing_now(stand: Stand, intent: Intent) -> Stand:
    """The same with the dossier and the accord as they are by now; the parts keep their salts."""
    dossier = queries.dossier_by_id(intent.dossier)
    if dossier is None:
        raise Rejected("dossier.not_found", dossier=intent.dossier)
    return replace(in_dossier(dossier, intent), salted=stand.salted)


def _append(
    stand: Stand, intent: Intent, entry: SignedEntry, now: datetime, *, draft_id: str, officer: Officer | None
) -> Acted:
    with on_disk(), transaction.atomic(durable=True):
        folded = None
        dossier = stand.dossier
        if dossier is not None:
            locked = dossiers.lock(dossier.dossier_id)
            if locked is None or stand.folded is None:
                raise Rejected("dossier.not_found", dossier=dossier.dossier_id)
            dossier, folded = locked, queries.folded_of(locked)
            if sorted(folded.heads) != sorted(stand.folded.heads):
                raise Conflict("dossier.heads_moved", dossier=dossier.dossier_id)
        appended = folds.append(
            stand.rules, folded, entry.header, entry.entry_id, _load_but(entry), load_header=queries.load_header
        )
        if not isinstance(appended, folds.Appended) or not appended.trace.effective:
            reason = appended.trace.reason if isinstance(appended, folds.Appended) else "dossier.trace_lost"
            raise Refused(reason or "dossier.trace_lost", act=intent.act, author=stand.me, phase="")
        placed = dossiers.Placed(appended.folded, appended.trace)
        if dossier is None:
            circle = circle_of(officer, stand, intent)
            case = queries.get_case_for(officer, intent.case) if officer and intent.case else None
            dossier = dossiers.open_dossier(
                entry, placed, circle=circle, case=case, title=intent.title or None, now=now
            )
            exercises.mark(dossier)
        dossiers.append(dossier, entry, placed, is_own=True, now=now)
        if intent.reference and officer:
            dossiers.add_reference(officer.reference, dossier, whose="ours", value=intent.reference, now=now)
        if intent.their_reference and officer:
            dossiers.add_reference(officer.reference, dossier, whose="theirs", value=intent.their_reference, now=now)
        _owe(stand, dossier, entry, now)
        actor = officer.reference if officer else "machine"
        facts = {"entry": entry.entry_id, "act": intent.act, "kind": stand.rules.name, "to": stand.others}
        record("entry.signed", actor=actor, facts=facts, log="exchange", now=now, dossier=dossier.dossier_id)
        if draft_id:
            drafts.finish(draft_id, "sent", now)
            desk.settle(f"approved/{draft_id}", now=now)
            desk.settle(f"approval/{draft_id}", now=now)
        projections.after_entry(dossier, entry, now=now)
    return Acted(dossier_id=dossier.dossier_id, entry_id=entry.entry_id)


def _load_but(entry: SignedEntry) -> folds.Load:
    """Every trace but that of the entry itself, which cannot be here: it was just signed on the heads that are locked."""
    return lambda entry_id: None if entry_id == entry.entry_id else queries.load_trace(entry_id)


def _owe(stand: Stand, dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    exchange.queue(
        [party for party in stand.others if not is_external(party)],
        "entry",
        entry.to_wire(),
        reference=entry.entry_id,
        dossier=dossier.dossier_id,
        urgent=dossier.urgent,
        now=now,
    )


def _header(stand: Stand, intent: Intent, actor: Actor, approved_by: tuple[Actor, ...], now: datetime) -> Header:
    return entries.compose(
        stand.rules,
        stand.folded,
        author=stand.me,
        act=intent.act,
        acted_by=actor,
        now=now,
        codes=intent.codes,
        parts=stand.salted,
        approved_by=approved_by,
        opening=stand.opening,
        code_lists=stand.code_lists,
        load=queries.load_trace,
        source_marking=_source_marking,
    )


def _source_marking(source: SourceRef) -> Marking | None:
    """The conditions of a source: its own, or its entry's – never less – where the part was erased since."""
    row = queries.entry_by_id(source.entry)
    if row is None:
        return None
    entry = queries.signed_entry(row)
    part = entry.part(source.part)
    return entry.header.marking if part is None else part.part.marking
