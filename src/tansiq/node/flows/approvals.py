"""Drafts and their approvals: an act that the accord lets pass only with a second person's word waits here for it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from tansiq.engine.accords.decide import Decision
from tansiq.engine.errors import Conflict, Refused
from tansiq.node.accounts import policy as roles
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import drafts, queries
from tansiq.node.flows import exercises
from tansiq.node.flows.intents import Intent
from tansiq.node.flows.signing import Acted
from tansiq.node.flows.standing import Stand, circle_of, stand_of

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Draft


def approvers_of(officer: Officer, draft_id: str, digest: str) -> dict[str, str]:
    """The roles that have approved exactly this, and who; empty without a draft. The author's own never counts."""
    if not draft_id:
        return {}
    draft = queries.get_draft_for(officer, draft_id)
    if draft.officer != officer.reference:
        raise Refused("dossier.not_your_draft", draft=draft_id)
    if draft.state not in drafts.OPEN:
        raise Conflict("dossier.draft_finished", draft=draft_id)
    return {a.role: a.officer for a in drafts.approvals_of(draft, digest) if a.officer != officer.reference}


def lay_before(
    officer: Officer, stand: Stand, intent: Intent, decision: Decision, digest: str, draft_id: str, now: datetime
) -> Acted:
    """Keep the intent as a draft that awaits the role which the accord names, and put it on that circle's desk."""
    role = decision.role or "approver"
    with transaction.atomic():
        draft = _saved(officer, stand, intent, draft_id, now)
        drafts.await_approval(draft, digest=digest, role=role, clause=decision.clause, now=now)
        desk.settle(f"approved/{draft.draft_id}", now=now)
        if intent.exercise and not exercises.node_is_exercise():
            desk.mark_exercise(f"/drafts/{draft.draft_id}")
        desk.put(
            "approval",
            f"approval/{draft.draft_id}",
            title_code="desk.approval",
            facts={"role": role, "clause": decision.clause, "act": intent.act, "kind": stand.rules.name},
            circle=draft.circle,
            link=f"/drafts/{draft.draft_id}",
            urgent=True,
            now=now,
        )
    return Acted(draft_id=str(draft.draft_id), awaiting_role=role, clause=decision.clause)


def _saved(officer: Officer, stand: Stand, intent: Intent, draft_id: str, now: datetime) -> Draft:
    return drafts.save(
        officer,
        draft_id=draft_id or None,
        kind_name=stand.rules.name,
        act=intent.act,
        intent=intent.to_json(),
        dossier=stand.dossier,
        circle=circle_of(officer, stand, intent),
        now=now,
    )


def keep(officer: Officer, intent: Intent, *, now: datetime, draft_id: str = "") -> str:
    """Keep an intent as a draft of the officer's, complete or not; nothing of it leaves the node. Returns the draft's id.

    A draft that is written on loses the approvals it had.
    """
    roles.require(officer.roles, "act")
    stand = stand_of(officer, intent, now)
    with transaction.atomic():
        draft = _saved(officer, stand, intent, draft_id, now)
        desk.settle(f"approval/{draft.draft_id}", now=now)
        desk.settle(f"approved/{draft.draft_id}", now=now)
    return str(draft.draft_id)


def approve(officer: Officer, draft_id: str, *, digest: str, now: datetime) -> None:
    """Approve a draft as it stands; its author then sends it (``send_draft``)."""
    draft = queries.get_draft_for(officer, draft_id)
    drafts.approve(officer, draft, digest=digest, now=now)
    with transaction.atomic():
        desk.settle(f"approval/{draft_id}", now=now)
        desk.put(
            "approved",
            f"approved/{draft_id}",
            title_code="desk.approved",
            facts={"act": draft.act, "kind": draft.kind},
            circle=draft.circle,
            owner=draft.officer,
            link=f"/drafts/{draft_id}",
            urgent=True,
            now=now,
        )
