"""Reviews of what was sent for a threat to life without an accord: owed with the entry, finished by the data-protection officer."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import F

from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.node.accounts.policy import require
from tansiq.node.audit.actions import record
from tansiq.node.dossiers.models import Dossier, ThreatReview
from tansiq.node.dossiers.policy import OfficerLike

OUTCOMES: Final = ("justified", "not_justified")
MAX_MEASURES: Final = 10_000


def owe_review(dossier: Dossier, entry_id: str, *, officer: str, due_at: datetime, now: datetime) -> None:
    """Owe the review of an entry, in the caller's transaction; once."""
    told = {"dossier": dossier, "officer": officer, "claimed_at": now, "due_at": due_at}
    ThreatReview.objects.get_or_create(entry_id=entry_id, defaults=told)


def finish_review(officer: OfficerLike, entry_id: str, *, outcome: str, measures: str, now: datetime) -> None:
    """Record the finding, for good, in the caller's transaction.

    Raises Refused for another role or for whoever sent it, Rejected for half a finding, Conflict for one that is made already.
    """
    require(officer.roles, "review")
    measures = measures.strip()
    if outcome not in OUTCOMES or not 0 < len(measures) <= MAX_MEASURES:
        raise Rejected("dossier.review_incomplete", at="/outcome" if outcome not in OUTCOMES else "/measures")
    with transaction.atomic():
        row = ThreatReview.objects.select_for_update().filter(entry_id=entry_id).first()
        if row is None:
            raise Rejected("dossier.review_not_found", entry=str(entry_id)[:64])
        if row.officer == officer.reference:
            raise Refused("dossier.review_of_own_act", entry=row.entry_id)
        if row.outcome:
            raise Conflict("dossier.review_done", entry=row.entry_id)
        row.outcome, row.measures = outcome, measures
        row.reviewed_by, row.reviewed_at = officer.reference, now
        row.save()
        facts = {"entry": row.entry_id, "outcome": outcome}
        for log in ("exchange", "internal"):
            record("threat.reviewed", actor=officer.reference, facts=facts, log=log, now=now, dossier=row.dossier_id)


def threat_review(entry_id: str) -> ThreatReview | None:
    """The review of that entry, for the machine."""
    return ThreatReview.objects.select_related("dossier").filter(entry_id=entry_id).first()


def threat_reviews_for(officer: OfficerLike) -> list[ThreatReview]:
    """Every review, what is due first; for whoever reviews, whatever the circle. Raises Refused for other roles."""
    require(officer.roles, "review")
    rows = ThreatReview.objects.select_related("dossier")
    return list(rows.order_by(F("reviewed_at").desc(nulls_first=True), "due_at")[:200])
