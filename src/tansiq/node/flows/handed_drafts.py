"""Drafts that change hands: a machine of ours drafts and an officer signs, or a colleague goes on with what another began.

Whoever takes a draft over answers for it from then on: approvals bound another author and are void.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from tansiq.node.accounts import policy as roles
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import drafts, queries
from tansiq.node.flows import act
from tansiq.node.flows.intents import Intent

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Dossier, Draft


def hand(account: Officer, client: str, intent: Intent, *, draft_id: str = "", now: datetime) -> str:
    """Keep what the machine ``client`` drafted and lay it on the desk of its unit; returns the draft's id.

    Raises what ``act.keep`` raises, and Refused("dossier.not_your_draft") once an officer has taken it over.
    """
    with transaction.atomic():
        kept = act.keep(account, intent, now=now, draft_id=draft_id)
        draft = queries.get_draft_for(account, kept)
        desk.put(
            "drafted",
            f"drafted/{kept}",
            title_code="desk.drafted",
            facts={"client": client, "act": draft.act, "kind": draft.kind},
            circle=draft.circle,
            link=f"/drafts/{kept}",
            now=now,
        )
    return kept


def lay(officer: Officer, intent: Intent, dossier: Dossier | None, circle: str, partner: str, now: datetime) -> str:
    """Lay what the data-protection officer drafted on the desk of the circle that will sign it, in the caller's transaction; returns its id."""
    draft = drafts.save(
        officer,
        draft_id=None,
        kind_name=intent.kind,
        act=intent.act,
        intent=intent.to_json(),
        dossier=dossier,
        circle=circle,
        now=now,
    )
    desk.put(
        "drafted",
        f"drafted/{draft.pk}",
        title_code="desk.claim_draft",
        facts={"partner": partner, "act": intent.act, "kind": intent.kind},
        circle=circle,
        link=f"/drafts/{draft.pk}",
        urgent=True,
        now=now,
    )
    return str(draft.pk)


def take_over(officer: Officer, draft_id: str, *, now: datetime) -> Draft:
    """The draft is this officer's from now on; raises Rejected("dossier.draft_not_found"), Conflict("dossier.draft_finished")."""
    roles.require(officer.roles, "act")
    draft = queries.get_draft_for(officer, draft_id)
    with transaction.atomic():
        taken = drafts.take_over(officer, draft, now=now)
        desk.settle(f"drafted/{draft_id}", now=now)
        desk.settle(f"approval/{draft_id}", now=now)
        desk.settle(f"approved/{draft_id}", now=now)
    return taken
