"""Quarantine: content that accord or local rules keep out waits for the data-protection officer, who lets it in or keeps it out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from tansiq.engine.dossiers import entries
from tansiq.engine.dossiers.entries import SignedEntry
from tansiq.engine.errors import Rejected
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import actions as dossiers
from tansiq.node.dossiers import erased, queries
from tansiq.node.flows import origins, projections
from tansiq.node.flows.admitting import require_audience
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners import queries as partners

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer

NOT_ACCEPTED_JOB = "flows.not_accepted"


def keep_away(sender: str, entry: SignedEntry, refusal: str, now: datetime) -> None:
    """Its content goes to quarantine, the sender is owed ``not_accepted``, the data-protection officer a look; in the caller\'s transaction."""
    dossiers.quarantine(entry, entry.dossier, sender=sender, reason=refusal, now=now)
    told = {"dossier": entry.dossier, "entry": entry.entry_id}
    enqueue(NOT_ACCEPTED_JOB, told, now=now, key=f"not_accepted/{entry.entry_id}")
    desk.put(
        "quarantine",
        f"quarantine/{entry.entry_id}",
        title_code="desk.quarantine",
        facts={"partner": sender},
        link="/quarantine",
        now=now,
    )


def release(officer: Officer, entry_id: str, *, reason: str, now: datetime) -> None:
    """The data-protection officer lets in what accord or local rules had kept out: its parts take the place they were kept from.

    Everything is asked again as it was at the door but the one question that the officer answers: the signature, the audience, what was
    passed on, and whether the parts were erased meanwhile. Raises Refused("account.role"), Rejected("dossier.not_quarantined"),
    Rejected("dossier.reason_needed") or Conflict("dossier.quarantine_decided"), and then nothing has changed.
    """
    with transaction.atomic():
        kept = queries.get_quarantined_for(officer, entry_id)
        entry = entries.from_wire(kept.wire, at="/wire")
        dossier = dossiers.lock(entry.dossier)
        row = queries.entry_by_id(entry_id)
        if dossier is None or row is None:
            raise Rejected("dossier.not_quarantined", entry=entry_id[:64])
        entries.verify_entry(entry, partners.authority_keys(entry.header.author, entry.header.at))
        require_audience(kept.sender, entry, dossier)
        origins.require_sound(entry)
        gone = erased.reasons_of(entry_id)
        dossiers.decide_quarantined(officer, kept, decided=dossiers.RELEASED, reason=reason, now=now)
        dossiers.release_parts(row, entry.without(*gone).parts, actor=officer.reference, now=now)
        desk.settle(f"quarantine/{entry_id}", now=now)
        fresh = queries.entry_by_id(entry_id)
        if fresh is not None:
            projections.after_parts(dossier, queries.signed_entry(fresh), now=now)


def keep_out(officer: Officer, entry_id: str, *, reason: str, now: datetime) -> None:
    """The data-protection officer keeps it out: it stays sealed, with the reason, and its task is done. Raises as ``release``."""
    with transaction.atomic():
        kept = queries.get_quarantined_for(officer, entry_id)
        dossiers.decide_quarantined(officer, kept, decided=dossiers.KEPT_OUT, reason=reason, now=now)
        desk.settle(f"quarantine/{entry_id}", now=now)
