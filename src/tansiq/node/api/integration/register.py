"""The register: entities of another system under its own ids, and numbered copies of what is held."""

from __future__ import annotations

import io
import json
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Status

from tansiq.node.api.integration import schemas
from tansiq.node.api.integration.access import account_of, client_of
from tansiq.node.flows import copies
from tansiq.node.register import exporting
from tansiq.node.register.import_formats import ftm_format
from tansiq.node.register.importing import import_list

router = Router(tags=["register"])


@router.post("/register/entities", response=schemas.Stored, summary="New, changed or unchanged entities")
def store(request: HttpRequest, given: schemas.Entities) -> dict[str, Any]:
    """Scope ``register.write``. FollowTheMoney entities under ids of the client's own; asked twice it changes nothing.

    A row that cannot be read is left out and named; the others are stored. What is no more is erased by an officer, not by leaving it out.
    """
    client = client_of(request, "register.write")
    lines = b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in given.entities)
    unit = client.officer.unit
    report = import_list(
        client.officer,
        ftm_format(f"{client.code}-{given.list_key}"),
        lambda: io.BytesIO(lines),
        circle=f"unit:{unit.code}" if unit else "",
        discoverability="none",
        is_part=True,
        now=timezone.now(),
    )
    return {"counts": report.counts, "problems": report.to_json()["problems"]}


@router.post("/register/{subject_id}/copies", response={201: schemas.Copy}, summary="A numbered copy of a subject")
def copy(request: HttpRequest, subject_id: str, copying: schemas.Copying) -> Status:
    """Scope ``register.read``. As an export: what may not leave is refused with its clause; an erasure calls the copy back by a task."""
    opened = exporting.open_copy(
        account_of(request, "register.read"),
        "ftm",
        purpose=copying.purpose,
        words=exporting.Words(reason=copying.reason),
        selection=exporting.Selection(subject=subject_id),
        now=timezone.now(),
    )
    lines = b"".join(opened.pieces).splitlines()
    return Status(201, {"copy_number": opened.number, "content": [json.loads(line) for line in lines if line.strip()]})


@router.post("/copies/{copy_number}/settled", response={204: None}, summary="What became of a copy called back")
def settle(request: HttpRequest, copy_number: int, settled: schemas.Settled) -> Status:
    """Scope ``register.read`` or ``dossiers``, by the kind of copy."""
    account = account_of(request, "register.read" if settled.kind == "register" else "dossiers")
    copies.settle_number(account, settled.kind, str(copy_number), outcome=settled.outcome, now=timezone.now())
    return Status(204, None)
