"""Erased parts as rows, drafts thinned of what was erased, and copies that must come back. All writes in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from tansiq.engine.dossiers import reshared
from tansiq.engine.dossiers.entries import Part as PartValue
from tansiq.engine.errors import Conflict, Rejected
from tansiq.engine.formats.times import format_time
from tansiq.node.audit.actions import record
from tansiq.node.audit.queries import inclusion_of, told_of
from tansiq.node.dossiers.models import CopyOwed, Draft, Entry, Erased
from tansiq.node.dossiers.policy import OfficerLike
from tansiq.node.vault.asking import asked_once

COPY_DAYS = timedelta(days=7)
"""How long the holder of a copy has to bring it back, or to say what became of it (our own rule, not law)."""
QUOTED = 16
"""A text shorter than this is no quotation: words and dates recur."""


@dataclass(frozen=True, slots=True)
class HeldCopy:
    """A numbered copy of something, and the officer who made it."""

    kind: str
    number: str
    holder: str


# -- what was erased -------------------------------------------------------------------------------------------------------


def note(
    row: Entry, commitment: str, *, reason: str, change: str, reached: dict[str, Any], actor: str, now: datetime
) -> Erased | None:
    """Keep that a part is erased and from where it went; None if that is known already."""
    if is_noted(row.entry_id, commitment):
        return None
    facts = {"entry": row.entry_id, "part": commitment, "reason": reason, "change": change, "reached": reached}
    event = record("parts.erased_everywhere", actor=actor, facts=facts, log="exchange", now=now, dossier=row.dossier_id)
    return Erased.objects.create(
        entry=row.entry_id,
        part=commitment,
        dossier=row.dossier_id,
        author=row.author,
        reason=reason,
        change=change,
        reached=reached,
        event=event,
        erased_at=now,
    )


def is_noted(entry_id: str, commitment: str) -> bool:
    """Whether that part's erasure is known."""
    return Erased.objects.filter(entry=entry_id, part=commitment).exists()


def of_dossier(dossier_id: str, change: str = "") -> list[Erased]:
    """What was erased of a dossier, or by one change in it."""
    rows = Erased.objects.filter(dossier=dossier_id)
    return list(rows.filter(change=change) if change else rows)


def event_of(row: Erased) -> dict[str, Any] | None:
    """The event by which the log says so, laid open, with its path to a signed checkpoint; None while it is under none."""
    found, facts = inclusion_of(row.event), told_of(row.event)
    return {**found, **facts} if found and facts else None


def reasons_of(entry_id: str) -> dict[str, str]:
    """Why parts of an entry were erased, by commitment; they do not come in again."""
    if not _is_anything_erased():
        return {}
    return dict(Erased.objects.filter(entry=entry_id).values_list("part", "reason"))


@asked_once(Erased)
def _is_anything_erased() -> bool:
    return Erased.objects.exists()


def ledger() -> Iterator[dict[str, Any]]:
    """Every erased part, for the ledger that outlives the store."""
    for row in Erased.objects.order_by("id").iterator():
        yield {
            "what": "part",
            "entry": row.entry,
            "part": row.part,
            "dossier": row.dossier,
            "author": row.author,
            "reason": row.reason,
            "change": row.change,
            "at": format_time(row.erased_at),
        }


def note_replayed(told: dict[str, Any], *, now: datetime) -> None:
    """Keep, after a restore, that a part was erased whose entry is not in the copy: when it comes again it stays out."""
    if is_noted(told["entry"], told["part"]):
        return
    facts = {**{name: told[name] for name in ("entry", "part", "reason", "change")}, "reached": {"ledger": 1}}
    event = record(
        "parts.erased_everywhere", actor="machine", facts=facts, log="exchange", now=now, dossier=told["dossier"]
    )
    Erased.objects.create(
        **{name: told[name] for name in ("entry", "part", "dossier", "author", "reason", "change")},
        reached={"ledger": 1},
        event=event,
        erased_at=now,
    )


# -- drafts ----------------------------------------------------------------------------------------------------------------


def thin_drafts(row: Entry, commitment: str, part: PartValue | None, *, now: datetime) -> list[Draft]:
    """Take out of every draft what derives from the part or quotes it; returns the drafts that lost something.

    An open draft goes back to its beginning: approvals bound other bytes. A finished one keeps what it was about, since it was signed or
    dropped; what it held of the part goes all the same.
    """
    texts = _texts(part) if part is not None else []
    thinned = []
    for draft in Draft.objects.select_for_update().filter(changed_at__gte=row.recorded_at):
        parts = draft.intent.get("parts", [])
        kept = [one for one in parts if not _derives(one, row.entry_id, commitment) and not _quotes(one, texts)]
        if len(kept) == len(parts):
            continue
        draft.intent = {**draft.intent, "parts": kept}
        changed = ["intent"]
        if draft.state in (Draft.DRAFTING, Draft.AWAITING):
            draft.state, draft.digest, draft.role, draft.clause = Draft.DRAFTING, "", "", ""
            draft.changed_at = now
            changed += ["state", "digest", "role", "clause", "changed_at"]
        draft.save(update_fields=changed)
        facts = {"draft": str(draft.draft_id), "entry": row.entry_id, "parts": len(parts) - len(kept)}
        record("draft.thinned", actor="machine", facts=facts, log="internal", now=now, dossier=row.dossier_id)
        thinned.append(draft)
    return thinned


def _derives(part: dict[str, Any], entry_id: str, commitment: str) -> bool:
    sources = part.get("sources") or []
    return any(source.get("entry") == entry_id and source.get("part") == commitment for source in sources)


def _quotes(part: dict[str, Any], texts: list[str]) -> bool:
    said = "\n".join(_strings(part.get("content")))
    return any(text in said for text in texts)


def _texts(part: PartValue) -> list[str]:
    """What of a part is long enough to be known again; of one that passes on, of what it carries."""
    if part.type == reshared.RESHARED:
        part = reshared.open_origin(part).salted.part
    return [text for text in _strings(part.content) if len(text.strip()) >= QUOTED]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


# -- copies ----------------------------------------------------------------------------------------------------------------


def owe_copy(
    copy: HeldCopy, *, entry: str = "", part: str = "", subject: str = "", reason: str, now: datetime
) -> CopyOwed | None:
    """Ask the holder of a copy for it; None if that was asked before."""
    row, is_new = CopyOwed.objects.get_or_create(
        kind=copy.kind,
        number=copy.number,
        entry=entry,
        part=part,
        subject=subject,
        defaults={"holder": copy.holder, "reason": reason, "asked_at": now, "due_at": now + COPY_DAYS},
    )
    return row if is_new else None


def copies_owed(holder: str = "", *, also_settled: bool = False) -> list[CopyOwed]:
    """Copies that must come back (of one holder), the longest due first."""
    rows = CopyOwed.objects.all() if also_settled else CopyOwed.objects.filter(outcome="")
    return list(rows.filter(holder=holder) if holder else rows)


def called_back(numbers: Collection[str]) -> list[CopyOwed]:
    """What was asked back of the copies with these numbers, settled or not."""
    return list(CopyOwed.objects.filter(number__in=list(numbers)))


def copies_for(entry: str, commitment: str) -> list[CopyOwed]:
    """The copies that a part's erasure called back."""
    return list(CopyOwed.objects.filter(entry=entry, part=commitment))


def settle_copy(officer: OfficerLike, copy_id: int, *, outcome: str, now: datetime) -> CopyOwed:
    """Its holder, or the data-protection officer, says what became of a copy; every row of that copy is settled with it.

    Raises Rejected("erasure.unknown_outcome"), Rejected("erasure.copy_not_found") (also for somebody else's), or
    Conflict("erasure.copy_settled").
    """
    if outcome not in CopyOwed.OUTCOMES:
        raise Rejected("erasure.unknown_outcome", at="/outcome", known=list(CopyOwed.OUTCOMES))
    with transaction.atomic():
        row = CopyOwed.objects.select_for_update().filter(pk=copy_id).first()
        if row is None or (row.holder != officer.reference and "data_protection" not in officer.roles):
            raise Rejected("erasure.copy_not_found", copy=str(copy_id)[:20])
        if row.outcome:
            raise Conflict("erasure.copy_settled", copy=row.number)
        same = CopyOwed.objects.filter(kind=row.kind, number=row.number, outcome="")
        same.update(outcome=outcome, settled_by=officer.reference, settled_at=now)
        facts = {"kind": row.kind, "copy": row.number, "outcome": outcome, "holder": row.holder}
        record("copy.settled", actor=officer.reference, facts=facts, log="internal", now=now)
        row.refresh_from_db()
    return row


def is_owed(kind: str, number: str) -> bool:
    """Whether that copy must still come back."""
    return CopyOwed.objects.filter(kind=kind, number=number, outcome="").exists()
