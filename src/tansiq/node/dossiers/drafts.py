"""Drafts and the approvals that bind exactly their bytes: this node's own material before an act is signed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from tansiq.engine.errors import Conflict, Refused
from tansiq.node.audit.actions import record
from tansiq.node.dossiers.models import Approval, Dossier, Draft
from tansiq.node.dossiers.policy import OfficerLike, may_approve

OPEN: Final = frozenset({Draft.DRAFTING, Draft.AWAITING})


def save(
    officer: OfficerLike,
    *,
    draft_id: str | None,
    kind_name: str,
    act: str,
    intent: dict[str, Any],
    dossier: Dossier | None,
    circle: str,
    now: datetime,
) -> Draft:
    """Create or change a draft; a change voids whatever approvals it had, since they bind other bytes."""
    with transaction.atomic():
        draft = Draft.objects.select_for_update().filter(draft_id=draft_id).first() if draft_id else None
        if draft and draft.officer != officer.reference:
            raise Refused("dossier.not_your_draft", draft=str(draft.draft_id))
        if draft and draft.state not in OPEN:
            raise Conflict("dossier.draft_finished", draft=str(draft.draft_id))
        draft = draft or Draft(officer=officer.reference, created_at=now)
        draft.kind, draft.act, draft.intent, draft.dossier, draft.circle = kind_name, act, intent, dossier, circle
        draft.state, draft.digest, draft.role, draft.clause, draft.changed_at = Draft.DRAFTING, "", "", "", now
        draft.save()
        record(
            "draft.saved",
            actor=officer.reference,
            facts={"draft": str(draft.draft_id), "act": act},
            log="internal",
            now=now,
        )
    return draft


def take_over(officer: OfficerLike, draft: Draft, *, now: datetime) -> Draft:
    """Another officer goes on with the draft as its author; approvals it had bound another author and are void.

    Raises Conflict("dossier.draft_finished") for one that was sent or dropped.
    """
    with transaction.atomic():
        held = Draft.objects.select_for_update(of=("self",)).get(pk=draft.pk)
        if held.state not in OPEN:
            raise Conflict("dossier.draft_finished", draft=str(held.draft_id))
        facts = {"draft": str(held.draft_id), "from": held.officer}
        held.officer, held.changed_at = officer.reference, now
        held.state, held.digest, held.role, held.clause = Draft.DRAFTING, "", "", ""
        held.save(update_fields=["officer", "changed_at", "state", "digest", "role", "clause"])
        held.approvals.all().delete()
        record("draft.taken_over", actor=officer.reference, facts=facts, log="internal", now=now)
    return held


def open_of(officer: str) -> list[Draft]:
    """The officer's drafts that were neither sent nor dropped, the oldest first."""
    return list(Draft.objects.filter(officer=officer, state__in=OPEN).order_by("created_at"))


def states_of(draft_ids: Iterable[str]) -> dict[str, str]:
    """How far each of these drafts is, for whoever keeps their ids."""
    rows = Draft.objects.filter(draft_id__in=list(draft_ids)).values_list("draft_id", "state")
    return {str(draft_id): state for draft_id, state in rows}


def await_approval(draft: Draft, *, digest: str, role: str, clause: str, now: datetime) -> None:
    """Lay the draft before whoever holds ``role``, in the caller's transaction."""
    Draft.objects.filter(pk=draft.pk).update(
        state=Draft.AWAITING, digest=digest, role=role, clause=clause, changed_at=now
    )
    facts = {"draft": str(draft.draft_id), "role": role, "clause": clause}
    record("draft.awaiting_approval", actor=draft.officer, facts=facts, log="internal", now=now)


def approve(officer: OfficerLike, draft: Draft, *, digest: str, now: datetime) -> Approval:
    """Give the approval that the draft awaits, to exactly the bytes of ``digest``.

    Raises Refused("dossier.may_not_approve") for its author or a wrong role, Conflict("dossier.approval_stale") when the draft has changed.
    """
    with transaction.atomic():
        held = Draft.objects.select_for_update().get(pk=draft.pk)
        if held.state != Draft.AWAITING or held.digest != digest:
            raise Conflict("dossier.approval_stale", draft=str(draft.draft_id))
        if not may_approve(officer, author=held.officer, role=held.role):
            raise Refused("dossier.may_not_approve", draft=str(draft.draft_id), role=held.role)
        approval, is_new = Approval.objects.get_or_create(
            draft=held, digest=digest, officer=officer.reference, defaults={"role": held.role, "approved_at": now}
        )
        if not is_new and approval.role != held.role:
            # Two approvals are two people.
            raise Refused("dossier.approved_in_other_role", draft=str(draft.draft_id), role=held.role)
        facts = {"draft": str(draft.draft_id), "digest": digest, "role": held.role}
        record("draft.approved", actor=officer.reference, facts=facts, log="internal", now=now)
    return approval


def finish(draft_id: str, state: str, now: datetime) -> None:
    """The draft was sent or dropped, in the caller's transaction.

    Raises Conflict("dossier.draft_finished") if it was already: nothing is sent twice.
    """
    if not Draft.objects.filter(draft_id=draft_id, state__in=OPEN).update(state=state, changed_at=now):
        raise Conflict("dossier.draft_finished", draft=draft_id)


def approvals_of(draft: Draft, digest: str) -> list[Approval]:
    """The approvals that bind exactly ``digest``."""
    return list(draft.approvals.filter(digest=digest).exclude(officer=draft.officer))
