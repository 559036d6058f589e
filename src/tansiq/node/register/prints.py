"""Numbered copies on paper: a print takes its numbers from the same row of numbers as an export, and is known by what it shows.

Each sheet bears its number; the row says who made the copy, when, for which purpose, and the digest of the file. Which entries a copy
shows is kept, so that a recall can ask its holder for it. The rows are made before anything is rendered: a copy that was cut off has a
number and no digest, and no number is ever given twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from tansiq.node.audit.actions import record
from tansiq.node.register.models import Export, ExportedEntry
from tansiq.node.register.policy import OfficerLike

FORM = "pdf"


def begin(
    officer: OfficerLike, dossier_id: str, entry_ids: Iterable[str], *, purpose: str, copies: int, now: datetime
) -> list[int]:
    """Number ``copies`` copies of these entries; returns their numbers, in order."""
    shown = list(entry_ids)
    with transaction.atomic():
        rows = [
            Export.objects.create(
                officer=officer.reference,
                form=FORM,
                purpose=purpose,
                counts={"dossier": dossier_id, "entries": len(shown)},
                started_at=now,
            )
            for _ in range(copies)
        ]
        links = [ExportedEntry(export=row, entry=entry) for row in rows for entry in shown]
        ExportedEntry.objects.bulk_create(links)
        numbers = [row.copy_number for row in rows]
        facts = {"copies": numbers, "purpose": purpose, "entries": len(shown)}
        actor = officer.reference
        record("dossier.print_started", actor=actor, facts=facts, log="internal", now=now, dossier=dossier_id)
    return numbers


def end(
    officer: OfficerLike,
    dossier_id: str,
    numbers: Sequence[int],
    *,
    file_digest: str,
    facts: dict[str, Any],
    now: datetime,
) -> None:
    """Note what left: the digest of the file, and why it was made."""
    with transaction.atomic():
        Export.objects.filter(pk__in=list(numbers)).update(file_digest=file_digest, ended_at=now)
        told = {"copies": list(numbers), "file_digest": file_digest, **facts}
        record("dossier.printed", actor=officer.reference, facts=told, log="internal", now=now, dossier=dossier_id)


def showing(entry_id: str) -> list[Export]:
    """The copies on paper that show an entry, for whoever must ask for them back."""
    return list(Export.objects.filter(form=FORM, entries__entry=entry_id).order_by("copy_number"))
