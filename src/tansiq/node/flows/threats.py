"""What is said of a threat to life without an accord: marked on both sides, and reviewed afterwards by the data-protection officer.

A rule of ours, not of a treaty (docs/protocol/accords.md, *Threat to life*). Each entry that claims it leaves a row in both logs; on the
side that sent it, a review that is due after ``review_hours`` lies on the desks of the data-protection officers and, once overdue, of
those who approve.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from tansiq.engine.dossiers.entries import SignedEntry
from tansiq.node.accounts.queries import officers
from tansiq.node.audit.actions import record
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import queries, reviews
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners.queries import my_id

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Dossier

REVIEW_JOB = "flows.threat_review"
LINK = "/reviews"


def follow_threat(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    """Log an entry that claims a threat to life, and owe its review where it is ours; in the transaction that appends it."""
    header = entry.header
    if header.codes.get("threat") is None:
        return
    me = my_id()
    facts = {"entry": entry.entry_id, "act": header.act, "from": header.author, "clause": "tansiq:threat-to-life"}
    actor = header.acted_by.officer if header.author == me and header.acted_by.officer else f"node:{header.author}"
    for log in ("exchange", "internal"):
        record("threat.claimed", actor=actor, facts=facts, log=log, now=now, dossier=dossier.dossier_id)
    if header.author != me:
        return
    due = now + timedelta(hours=settings.NODE.review_hours)
    reviews.owe_review(dossier, entry.entry_id, officer=header.acted_by.officer or "", due_at=due, now=now)
    _tell("threat_review", dossier, entry.entry_id, "data_protection", due, now)
    enqueue(REVIEW_JOB, {"entry": entry.entry_id}, now=now, run_at=due, key=f"threat_review/{entry.entry_id}")


def _tell(what: str, dossier: Dossier, entry_id: str, role: str, due: datetime, now: datetime) -> None:
    """A task for each officer of the role (approvers: of its circle); for everybody where there is none, so that it does not lie unseen."""
    partner = next(party for party in dossier.participants if party != my_id())
    having = [one for one in officers() if one.is_active and one.has_role(role)]
    if role == "approver":
        having = [one for one in having if dossier.circle in one.circles]
    named = [one.reference for one in having]
    for owner in named or [""]:
        desk.put(
            what,
            f"{what}/{entry_id}/{owner}",
            title_code=f"desk.{what}",
            facts={"partner": partner},
            owner=owner,
            due_at=due,
            link=LINK,
            urgent=True,
            now=now,
        )


def remind_of_review(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.threat_review``: a review that is not done in time goes to those who approve; its own task stays."""
    review = reviews.threat_review(str(payload["entry"]))
    if review is None or review.outcome:
        return
    with transaction.atomic():
        _tell("threat_overdue", review.dossier, review.entry_id, "approver", review.due_at, now)
        facts = {"entry": review.entry_id}
        record(
            "threat.overdue", actor="machine", facts=facts, log="internal", now=now, dossier=review.dossier.dossier_id
        )


def review(officer: Officer, entry_id: str, *, outcome: str, measures: str, now: datetime) -> None:
    """The data-protection officer's finding, with the measures it calls for; nobody reviews what they sent themselves."""
    with transaction.atomic():
        reviews.finish_review(officer, entry_id, outcome=outcome, measures=measures, now=now)
        for what in ("threat_review", "threat_overdue"):
            desk.settle_all(f"{what}/{entry_id}/", now=now)


def reviews_shown(officer: Officer, *, now: datetime) -> list[dict[str, Any]]:
    """Every review with what was said and to whom, those that are due first; the reading is audited."""
    rows = reviews.threat_reviews_for(officer)
    with transaction.atomic():
        facts = {"reviews": len(rows)}
        record("threat.reviews_read", actor=officer.reference, facts=facts, log="internal", now=now)
    return [_shown(row, now) for row in rows]


def _shown(row: Any, now: datetime) -> dict[str, Any]:
    me = my_id()
    found = queries.entry_by_id(row.entry_id)
    signed = queries.signed_entry(found) if found else None
    return {
        "entry": row.entry_id,
        "kind": row.dossier.kind,
        "act": signed.header.act if signed else "",
        "to": [party for party in row.dossier.participants if party != me],
        "officer": row.officer,
        "approved_by": [actor.role for actor in signed.header.approved_by] if signed else [],
        "claimed_at": row.claimed_at,
        "due_at": row.due_at,
        "is_overdue": not row.outcome and row.due_at < now,
        "outcome": row.outcome,
        "measures": row.measures or "",
        "reviewed_by": row.reviewed_by,
        "reviewed_at": row.reviewed_at,
        "said": list(_said(signed)) if signed else [],
    }


def _said(signed: SignedEntry) -> Iterable[str]:
    for salted in signed.parts:
        if salted is not None and salted.part.type == "narrative":
            yield str(salted.part.content["text"])
