"""Dossiers and drafts: a case system reads what its unit may, as numbered copies, and drafts what an officer will sign."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Status

from tansiq.node.api.integration import schemas
from tansiq.node.api.integration.access import account_of, client_of
from tansiq.node.dossiers import queries
from tansiq.node.flows import act, handed_drafts, printing
from tansiq.node.flows.intents import Intent

if TYPE_CHECKING:
    from tansiq.node.dossiers.models import Dossier

router = Router(tags=["dossiers"])
PAGE = 50


@router.get("/dossiers", response=schemas.Dossiers, summary="Dossiers of this client's unit")
def dossiers(
    request: HttpRequest,
    kind: str = "",
    phase: str = "",
    partner: str = "",
    reference: str = "",
    page: int = Query(1, ge=1, le=100_000),
) -> dict[str, Any]:
    """Scope ``dossiers``. Without content: that leaves the node as a numbered copy alone."""
    account = account_of(request, "dossiers")
    rows = queries.dossiers_for(account, kind_name=kind, phase=phase, partner=partner, reference=reference)
    start = (page - 1) * PAGE
    found = list(rows.filter(exercise=False)[start : start + PAGE + 1])
    return {"dossiers": [_dossier(row) for row in found[:PAGE]], "next": page + 1 if len(found) > PAGE else None}


@router.post("/dossiers/{dossier_id}/copies", response={201: schemas.Copy}, summary="A numbered copy of a dossier")
def copy(request: HttpRequest, dossier_id: str, copying: schemas.Copying) -> Status:
    """Scope ``dossiers``. Asked of policy and accord as a print is; when something of it is recalled, a task says that it must go."""
    account = account_of(request, "dossiers")
    made = printing.print_dossier(
        account,
        dossier_id,
        purpose=copying.purpose,
        reason=copying.reason,
        language="en",
        render=_as_json,
        now=timezone.now(),
    )
    return Status(201, {"copy_number": made.numbers[0], "content": json.loads(made.raw)})


@router.post("/drafts", response={201: schemas.Drafted}, summary="Draft an act for an officer to sign")
def draft(request: HttpRequest, drafting: schemas.Drafting) -> Status:
    """Scope ``drafts``. Lies on the desk of the unit; whoever takes it over answers for it."""
    client, now = client_of(request, "drafts"), timezone.now()
    intent = Intent.from_json(drafting.intent, at="/intent")
    considered = act.consider(client.officer, intent, now=now)
    draft_id = handed_drafts.hand(client.officer, client.code, intent, now=now)
    return Status(201, {"draft": draft_id, "state": "drafting", **_considered(considered)})


@router.get("/drafts/{draft_id}", response=schemas.Drafted, summary="How a draft stands")
def drafted(request: HttpRequest, draft_id: str) -> dict[str, Any]:
    """Scope ``drafts``. The state is drafting, awaiting, sent or dropped."""
    account = account_of(request, "drafts")
    row = queries.get_draft_for(account, draft_id)
    considered = act.consider(account, Intent.from_json(row.intent), now=timezone.now())
    return {"draft": str(row.draft_id), "state": row.state, **_considered(considered)}


def _considered(considered: act.Considered) -> dict[str, Any]:
    return {
        "missing": [one.at for one in considered.missing],
        "readers": considered.readers,
        "answer": considered.decision.answer,
        "clause": considered.decision.clause,
    }


def _as_json(sheets: printing.Sheets) -> bytes:
    """A copy for a machine: what a print shows, with its marking and what a court needs to check it."""
    value = {
        "dossier": sheets.read,
        "evidence": sheets.evidence,
        "marking": sheets.marking.to_json(),
        "purpose": sheets.purpose,
        "reason": sheets.reason,
        "clause": sheets.clause,
        "copied_at": sheets.printed_at,
    }
    return json.dumps(value, ensure_ascii=False, cls=DjangoJSONEncoder).encode()


def _dossier(row: Dossier) -> dict[str, Any]:
    return {
        "dossier": row.dossier_id,
        "kind": row.kind,
        "phase": row.phase,
        "participants": row.participants,
        "opened_at": row.opened_at,
        "due_at": row.due_at,
        "urgent": row.urgent,
        "is_closed": row.is_closed,
    }
