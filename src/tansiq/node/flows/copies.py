"""What became of a numbered copy that had to come back: said by its holder, and off the desk."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from tansiq.engine.errors import Rejected
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import erased

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import CopyOwed


def settle(officer: Officer, copy_id: int, *, outcome: str, now: datetime) -> CopyOwed:
    """Keep what became of the copy and take its task from the desk; raises as ``erased.settle_copy``."""
    with transaction.atomic():
        row = erased.settle_copy(officer, copy_id, outcome=outcome, now=now)
        desk.settle(f"copy/{row.kind}/{row.number}", now=now)
    return row


def settle_number(officer: Officer, kind: str, number: str, *, outcome: str, now: datetime) -> CopyOwed:
    """The same for whoever knows the copy by its number; raises Rejected("erasure.copy_not_found") for one that is not asked back."""
    owed = next(
        (row for row in erased.copies_owed(officer.reference) if (row.kind, row.number) == (kind, number)), None
    )
    if owed is None:
        raise Rejected("erasure.copy_not_found", copy=number[:20])
    return settle(officer, owed.pk, outcome=outcome, now=now)
