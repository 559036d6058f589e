"""An officer opens a dossier: the reading is audited, the partner learns that its entries were opened, and everything stands in one value.

Pages, the command line and the API show this value; none of them asks the rooms by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.dossiers.contents import File
from tansiq.engine.formats import media
from tansiq.engine.kinds.registry import kind
from tansiq.node.accounts.queries import names_of
from tansiq.node.dossiers import actions, erased, queries
from tansiq.node.exchange import actions as exchange
from tansiq.node.exchange import blobs
from tansiq.node.exchange.queries import delivery_of
from tansiq.node.flows import attaching, file_uses
from tansiq.node.partners.queries import my_id

if TYPE_CHECKING:
    from tansiq.engine.dossiers.entries import Part
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Dossier
    from tansiq.node.dossiers.queries import EntryView


@dataclass(frozen=True, slots=True)
class Newest:
    """Which entries are read: ``count`` of them, but for the newest ``skip``."""

    count: int
    skip: int = 0


def read_dossier(officer: Officer, dossier_id: str, *, now: datetime, newest: Newest | None = None) -> dict[str, Any]:
    """Everything an officer sees of one dossier: state, permitted acts, entries with parts, conditions and delivery evidence.

    With ``newest``, of its entries these alone; what is not read is not opened, and its author is not told so.
    """
    dossier = queries.get_dossier_for(officer, dossier_id)
    me = my_id()
    rules = kind(dossier.kind, dossier.kind_version)
    state = queries.folded_of(dossier).state
    shown = queries.newest_of(dossier, skip=newest.skip, count=newest.count) if newest else queries.entries_of(dossier)
    note_opened(officer, dossier, now, None if newest is None else [view.row.entry_id for view in shown])
    evidence = delivery_of(view.row.entry_id for view in shown)
    people = names_of(set(_officers(shown)))
    files = _files(officer, dossier, shown, now)
    return {
        "dossier": dossier.dossier_id,
        "kind": dossier.kind,
        "title": dossier.title or "",
        "case": str(dossier.case_id) if dossier.case_id else "",
        "circle": dossier.circle,
        "participants": list(dossier.participants),
        "erased": len(erased.of_dossier(dossier.dossier_id)),
        "accord": dossier.accord,
        "continues": dossier.continues,
        "continues_here": queries.is_visible(officer, dossier.continues),
        "successors": [row.dossier_id for row in queries.successors_of(officer, dossier)],
        "opened_at": dossier.opened_at,
        "due_at": dossier.due_at,
        "urgent": dossier.urgent,
        "is_closed": dossier.is_closed,
        "exercise": dossier.exercise,
        "phase": dossier.phase,
        "view": rules.view(state),
        "deadlines": [
            {"name": d.name, "due_at": d.due_at, "owner": d.owner, "clause": d.clause, "is_overdue": d.due_at < now}
            for d in rules.deadlines(state)
        ],
        "permitted": rules.permitted(state, me),
        "equivocation": dossier.equivocation or [],
        "references": [{"whose": r.whose, "value": r.value} for r in queries.references_of(dossier)],
        "notes": [
            {"text": n.text, "officer": people.get(n.officer, n.officer), "written_at": n.written_at}
            for n in queries.notes_of(dossier)
        ],
        "marking": queries.marking_of(dossier).to_json(),
        "entry_count": dossier.entry_count,
        "entries": [_entry(view, evidence.get(view.row.entry_id, []), people, files) for view in shown],
    }


def note_opened(officer: Officer, dossier: Dossier, now: datetime, entries: Collection[str] | None = None) -> None:
    """Audit the reading; tell each author once that an officer has opened its entries (the evidence of retrieval).

    ``entries`` are those that were read, all of them for None.
    """
    with transaction.atomic():
        fresh = actions.note_opened(officer, dossier, now, entries)
        by_author: dict[str, list[str]] = {}
        for entry in fresh:
            by_author.setdefault(entry.author, []).append(entry.entry_id)
        for author, opened in by_author.items():
            content = {"v": 1, "status": "opened", "references": opened, "code": ""}
            exchange.queue(
                [author], "status", content, reference=f"opened/{opened[0]}", dossier=dossier.dossier_id, now=now
            )


def _officers(shown: Iterable[EntryView]) -> Iterable[str]:
    for view in shown:
        actor = view.signed.header.acted_by
        if view.row.is_own and actor.officer:
            yield actor.officer


def _entry(
    view: EntryView,
    evidence: list[dict[str, Any]],
    people: dict[str, str],
    files: dict[tuple[str, int], dict[str, Any]],
) -> dict[str, Any]:
    header = view.signed.header
    actor = header.acted_by
    return {
        "entry": view.row.entry_id,
        "author": header.author,
        "act": header.act,
        "at": header.at,
        "recorded_at": view.row.recorded_at,
        "depth": view.row.depth,
        "codes": {name: list(c) if isinstance(c, tuple) else c for name, c in header.codes.items()},
        "by": people.get(actor.officer or "", "") if view.row.is_own else "",
        "role": actor.role,
        "machine_clause": actor.clause or "",
        "approved_by": [actor.role for actor in header.approved_by],
        "is_effective": view.row.is_effective,
        "reason": view.row.reason,
        "flags": list(view.row.flags),
        "marking": header.marking.to_json(),
        "is_own": view.row.is_own,
        "parts": [_part(index, part, files.get((view.row.entry_id, index))) for index, part in enumerate(view.parts)],
        "delivery": evidence,
    }


def _part(index: int, part: Part | None, file: dict[str, Any] | None = None) -> dict[str, Any]:
    if part is None:
        return {"index": index, "erased": True}
    told = {"index": index, "erased": False, **part.to_json()}
    if isinstance(part.read, File):
        # What opens a file is for the program; a file is opened through ``file_uses``.
        told["content"] = {name: value for name, value in part.content.items() if name != "identity"}
    return {**told, "file": file} if file else told


def _files(
    officer: Officer, dossier: Dossier, shown: Iterable[EntryView], now: datetime
) -> dict[tuple[str, int], dict[str, Any]]:
    """For each part about a file: how it stands here and at partners, and the refusal that stands against each use."""
    views = {view.row.entry_id: view for view in shown}
    found = blobs.of_parts(list(views))
    for (entry_id, index), told in found.items():
        view = views[entry_id]
        part = view.parts[index]
        named = attaching.file_of(part)
        uses = file_uses.uses_of(officer, dossier, view.row, part, now) if told["state"] == "here" and part else {}
        if told["danger"]:
            held_back = {"code": told["danger"], "facts": {"name": named.name if named else "", **told["danger_facts"]}}
            told["uses"] = dict.fromkeys(uses, held_back)
        else:
            told["uses"] = {use: {"code": e.code, "facts": e.facts} if e else None for use, e in uses.items()}
        told["is_contradicted"] = bool(
            named and told["media_type"] and media.contradicts(named.media_type, told["media_type"])
        )
        told |= {"entry": entry_id, "index": index, "found": told["media_type"]}
    return found
