"""Files that are here are looked at again, after the scanner of this machine has learned more; a desk hears of what is held back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.envelopes import blobs as engine
from tansiq.engine.errors import TansiqError
from tansiq.node.audit.actions import record
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import queries
from tansiq.node.exchange import blobs, files
from tansiq.node.exchange.blobs import Use
from tansiq.node.flows import attaching, vetting
from tansiq.node.flows.vetting import Verdict

if TYPE_CHECKING:
    from tansiq.node.exchange.models import Blob


def warn(use: Use, verdict: Verdict, now: datetime) -> None:
    """A file that a part names is held back: on the desk of its dossier, and in the log. In the caller's transaction."""
    dossier = queries.dossier_by_id(use.dossier)
    facts = {"partner": use.author, "danger": verdict.danger}
    desk.put(
        "file",
        f"danger/{use.blob}",
        title_code="desk.file_danger",
        facts=facts,
        circle=dossier.circle if dossier else "",
        link=f"/dossiers/{use.dossier}",
        urgent=True,
        now=now,
    )
    told = {"blob": use.blob, "from": use.author, "code": verdict.danger, **verdict.facts}
    record("blob.held_back", actor="machine", facts=told, log="exchange", now=now, dossier=use.dossier)


def rescan(now: datetime) -> Iterator[dict[str, Any]]:
    """Look at every file that is here; yields {blob, scan, danger} for each, as it goes.

    What opens a file stands in a part or an upload; a file that is left with neither is on its way out, and passed over. One that the scanner
    does not answer for keeps its verdict, and is named with the code.
    """
    for row in blobs.here():
        opener = _opener(row)
        if opener is None:
            continue
        identity, use = opener
        try:
            with files.reading(files.path_of(row.digest)) as read_at:
                found = engine.inspect(read_at, identity, sealed=row.size)
                verdict = vetting.vet(read_at, identity, sealed=row.size, first=found.first)
        except (TansiqError, FileNotFoundError) as error:
            yield {"blob": row.digest, "scan": row.scan, "danger": getattr(error, "code", "blob.not_here")}
            continue
        with transaction.atomic():
            blobs.judged(row.digest, verdict.row, now)
            if use is not None and verdict.danger and verdict.danger != row.danger:
                warn(use, verdict, now)
        yield {"blob": row.digest, "scan": verdict.scan, "danger": verdict.danger}


def _opener(row: Blob) -> tuple[Any, Use | None] | None:
    for use in blobs.uses_of(row.digest):
        told = attaching.file_in(use.entry, use.index) if use.is_proved else None
        if told is not None:
            return engine.open_identity(told.identity), use
    for upload in blobs.uploads_of_blob(row.digest):
        return engine.open_identity(upload.identity), None
    return None
