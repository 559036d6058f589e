"""Proof of erasure, made here for whoever demanded it, and read here when a partner sends one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from tansiq.engine.dossiers import erasure
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.times import format_time
from tansiq.node.audit.actions import record
from tansiq.node.audit.tasks import sequence_all
from tansiq.node.dossiers import erased, queries
from tansiq.node.partners import queries as partners
from tansiq.node.vault import keys

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Erased, Forwarded


def make(officer: Officer, dossier_id: str, *, change: str = "", now: datetime) -> dict[str, Any]:
    """The signed statement of what was erased in a dossier (or by one change in it); as JSON, without content.

    Raises Rejected("dossier.not_found") or Rejected("erasure.nothing_erased").
    """
    dossier = queries.get_dossier_for(officer, dossier_id)
    rows = erased.of_dossier(dossier.dossier_id, change)
    if not rows:
        raise Rejected("erasure.nothing_erased", dossier=dossier.dossier_id)
    sequence_all(now)  # what was erased a moment ago stands under a checkpoint, too
    statement = {
        "v": 1,
        "node": str(settings.NODE.node_id),
        "dossier": dossier.dossier_id,
        "change": change,
        "made_at": format_time(now),
        "parts": [_part(row) for row in rows],
    }
    signed = erasure.sign(statement, keys.current().authority)
    with transaction.atomic():
        facts = {"dossier": dossier.dossier_id, "change": change, "parts": len(rows)}
        record(
            "erasure.proved", actor=officer.reference, facts=facts, log="exchange", now=now, dossier=dossier.dossier_id
        )
    return signed.to_json()


def _part(row: Erased) -> dict[str, Any]:
    return {
        "entry": row.entry,
        "part": row.part,
        "erased_at": format_time(row.erased_at),
        "reason": row.reason,
        "event": erased.event_of(row),
        "now": {
            "copies": [
                {"kind": copy.kind, "number": copy.number, "outcome": copy.outcome or "owed"}
                for copy in erased.copies_for(row.entry, row.part)
            ],
            "successors": [_successor(one) for one in queries.forwarded_from(row.entry, [row.part])],
        },
    }


def _successor(row: Forwarded) -> dict[str, Any]:
    """Where a part was passed on to, the recall there, and who has not yet confirmed it."""
    state = queries.folded_of(row.dossier).state
    others = [node for node in row.dossier.participants if node != partners.my_id()]
    waiting = [node for node in others if state.holds(f"owed:{node}", row.recalled_by)] if row.recalled_by else others
    return {
        "dossier": row.dossier_id,
        "entry": row.entry,
        "part": row.part,
        "recall": row.recalled_by,
        "owed_by": waiting,
    }


def check(value: object, *, now: datetime) -> dict[str, Any]:
    """What a partner's statement proves: verified with its enrolled keys, and held against our own entries.

    ``lacking`` are parts of ours that a recall or correction of ours named and the statement does not prove erased; ``unknown`` parts that are
    none of this node's entries. Raises what ``erasure.verify`` raises, and Rejected("partner.unknown") for a stranger's.
    """
    signed, node, made_at = erasure.read_signed(value)
    partners.get_partner(node)
    publics = list(partners.node_keys(node, made_at).values())
    proof = erasure.verify(signed, authority=partners.authority_keys(node, made_at), node_keys=publics)
    known = {(one.entry, one.part) for one in proof.parts if _is_there(one.entry, one.part)}
    return {
        "node": proof.node,
        "dossier": proof.dossier,
        "change": proof.change,
        "made_at": format_time(proof.made_at),
        "checked_at": format_time(now),
        "parts": [
            {
                "entry": one.entry,
                "part": one.part,
                "erased_at": format_time(one.erased_at),
                "reason": one.reason,
                "in_log": one.is_logged,
                "reached": dict(one.reached),
                **{name: one.now.get(name, []) for name in ("copies", "successors")},
            }
            for one in proof.parts
        ],
        "lacking": [list(pair) for pair in proof.lacks(_demanded(proof.dossier, proof.change))],
        "unknown": [[one.entry, one.part] for one in proof.parts if (one.entry, one.part) not in known],
    }


def _is_there(entry_id: str, commitment: str) -> bool:
    header = queries.load_header(entry_id)
    return header is not None and any(ref.commitment == commitment for ref in header.parts)


def _demanded(dossier_id: str, change: str) -> list[tuple[str, str]]:
    """What our recalls and corrections in the dossier (or that one) name, as (entry, commitment)."""
    dossier, me = queries.dossier_by_id(dossier_id), partners.my_id()
    wanted: list[tuple[str, str]] = []
    for row in queries.entries_from(dossier, me) if dossier is not None else []:
        header = queries.load_header(row.entry_id)
        if header is None or not row.is_effective or (change and row.entry_id != change):
            continue
        if row.act in ("recall_part", "correct"):
            wanted.append((str(header.codes["entry"]), str(header.codes["part"])))
        elif row.act == "recall" and dossier is not None:
            mine = [one for one in queries.entries_from(dossier, me) if one.depth < row.depth]
            headers = [(one.entry_id, queries.load_header(one.entry_id)) for one in mine]
            wanted += [(entry, ref.commitment) for entry, held in headers if held for ref in held.parts]
    return wanted
