"""Rows of imports that were ordered in the browser: made, moved from state to state, ended; ``flows.list_imports`` is the journey."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from tansiq.engine.errors import Conflict, Rejected, TansiqError
from tansiq.node.accounts.policy import require
from tansiq.node.audit.actions import record
from tansiq.node.jobs.actions import enqueue
from tansiq.node.register.models import Discoverability, ImportOrder
from tansiq.node.register.policy import OfficerLike, may_keep_in

if TYPE_CHECKING:
    from tansiq.node.register.import_reports import ImportReport

MAPPING: Final = ImportOrder.MAPPING
LOOK: Final = ImportOrder.LOOK
LOOKED: Final = ImportOrder.LOOKED
STORE: Final = ImportOrder.STORE
DONE: Final = ImportOrder.DONE
FAILED: Final = ImportOrder.FAILED
DROPPED: Final = ImportOrder.DROPPED
RUNNING: Final = frozenset({LOOK, STORE})
REACHES: Final = tuple(Discoverability.values)
DEFAULT_REACH: Final = Discoverability.HIT.value


def create(
    officer: OfficerLike,
    upload: object,
    told: Mapping[str, Any],
    *,
    circle: str,
    discoverability: str,
    now: datetime,
) -> ImportOrder:
    """A new order, whose columns must be explained; raises Refused("account.role") or Rejected("register.circle_not_yours")."""
    require(officer.roles, "import")
    if not may_keep_in(officer, circle):
        known = sorted(officer.circles)
        raise Rejected("register.circle_not_yours", at="/circle", circle=circle[:60], known=known)
    return ImportOrder(
        officer=officer.reference,
        upload=upload,
        told=dict(told),
        circle=circle,
        discoverability=discoverability,
        state=MAPPING,
        created_at=now,
        changed_at=now,
    )


def owe(row: ImportOrder, state: str, *, job: str, now: datetime) -> None:
    """The order goes on to ``state``, and the worker owes it."""
    row.state, row.changed_at, row.phase, row.done, row.total = state, now, "", 0, None
    with transaction.atomic():
        row.save()
        enqueue(job, {"order": str(row.pk)}, now=now, key=f"import/{row.pk}")
        facts = {"order": str(row.pk), "step": state, "form": row.told["form"]}
        record("register.import_ordered", actor=row.officer, facts=facts, log="internal", now=now)


def locked(officer: OfficerLike, order_id: object, *states: str) -> ImportOrder:
    """The officer's order, locked; raises Rejected("register.import_not_found") or Conflict("register.import_went_on")."""
    require(officer.roles, "import")
    row = ImportOrder.objects.select_for_update().filter(pk=order_id, officer=officer.reference).first()
    if row is None:
        raise Rejected("register.import_not_found", order=str(order_id)[:40])
    if row.state not in states:
        raise Conflict("register.import_went_on", order=str(order_id)[:40])
    return row


def get_order(officer: OfficerLike, order_id: object) -> ImportOrder:
    """An order of this officer; raises Rejected("register.import_not_found")."""
    found = ImportOrder.objects.filter(pk=order_id, officer=officer.reference).first()
    if found is None:
        raise Rejected("register.import_not_found", order=str(order_id)[:40])
    return found


def orders(officer: OfficerLike, limit: int = 50) -> list[ImportOrder]:
    """The officer's imports from the browser, the last one first."""
    return list(ImportOrder.objects.filter(officer=officer.reference)[:limit])


def order_by_id(order_id: object) -> ImportOrder | None:
    """The order for the machine."""
    return ImportOrder.objects.filter(pk=order_id).first()


def looked(row: ImportOrder, report: ImportReport, now: datetime) -> None:
    """The file was looked at: an officer must read the report."""
    row.report, row.failure, row.state, row.changed_at = report.to_json(), None, LOOKED, now
    row.save(update_fields=["report", "failure", "state", "changed_at"])


def failed(row: ImportOrder, error: TansiqError, now: datetime) -> None:
    """It cannot be stored as it is; the file stays until the officer drops it."""
    row.failure = {"code": error.code, "facts": dict(error.facts), "kind": type(error).__name__}
    row.state, row.changed_at = FAILED, now
    row.save(update_fields=["failure", "state", "changed_at"])


def end(row: ImportOrder, state: str, now: datetime, report: ImportReport | None = None) -> None:
    """The order is over, in the caller's transaction."""
    if report is not None:
        row.report, row.failure, row.run_id = report.to_json(), None, report.run_id
    row.state, row.changed_at = state, now
    row.save(update_fields=["report", "failure", "run_id", "state", "changed_at"])


def progress_of(row: ImportOrder) -> Callable[[str, int, int | None], None]:
    """What an import tells on its way, kept for the page."""

    def tell(phase: str, done: int, total: int | None) -> None:
        ImportOrder.objects.filter(pk=row.pk).update(phase=phase, done=done, total=total)

    return tell
