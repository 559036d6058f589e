"""The end of an exercise: the dossier is deleted as a whole from this node; each partner deletes its own."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from tansiq.engine.errors import Refused
from tansiq.node.accounts import policy as roles
from tansiq.node.audit.actions import record
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import actions as dossiers
from tansiq.node.dossiers import queries
from tansiq.node.exchange import actions as exchange
from tansiq.node.flows import erasing

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer


def delete_exercise(officer: Officer, dossier_id: str, *, now: datetime) -> None:
    """Delete an exercise: entries, parts, files, drafts, notes, references, tasks, what waits to be sent.

    What remains: that it was deleted, by whom (the log; its events stay leaves), and the bare id, so that what a partner sends of it
    later is not taken in again. Raises Refused("dossier.not_an_exercise") for anything real, and for an officer who may not.
    """
    roles.require(officer.roles, "end_exercise")
    row = queries.get_dossier_for(officer, dossier_id)
    if not row.exercise:
        raise Refused("dossier.not_an_exercise", dossier=dossier_id)
    with transaction.atomic():
        locked = dossiers.lock(dossier_id)
        if locked is None:
            return
        for entry in locked.entries.all():
            erasing.erase(entry, None, reason="exercise_ended", now=now)
        exchange.forget(dossier_id)
        desk.forget(f"/dossiers/{dossier_id}")
        removed = dossiers.delete_exercise(locked, by=officer.reference, now=now)
        facts = {"kind": locked.kind, "entries": removed}
        record("exercise.deleted", actor=officer.reference, facts=facts, log="internal", now=now, dossier=dossier_id)
