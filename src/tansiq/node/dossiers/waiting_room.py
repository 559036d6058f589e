"""The waiting room: entries that came and cannot be judged yet, bounded per dossier and per sender, and what each of them lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tansiq.engine.errors import Refused
from tansiq.node.dossiers.models import Entry, WaitingEntry
from tansiq.node.vault.asking import asked_once

MAX_WAITING_PER_DOSSIER = 1000
MAX_WAITING_PER_SENDER = 10_000


@dataclass(frozen=True, slots=True)
class Unplaced:
    """An entry as it came, before it has a place here: its id, the dossier it names, who sent it, and its wire form."""

    entry_id: str
    dossier_id: str
    sender: str
    wire: dict[str, Any]


def keep(entry: Unplaced, *, missing: Sequence[str], now: datetime) -> None:
    """Keep an entry that cannot be judged yet, in the caller's transaction; bounded per dossier and per sender.

    ``missing`` are the entries it stands on, or what else it waits for (``kind:…``, ``accord:…``, ``revocation:…``).
    """
    row = WaitingEntry.objects.select_for_update().filter(entry_id=entry.entry_id).first()
    if row is not None:
        row.missing = list(missing)
        row.save(update_fields=["missing"])
        return
    if WaitingEntry.objects.filter(dossier=entry.dossier_id).count() >= MAX_WAITING_PER_DOSSIER:
        raise Refused("dossier.too_many_waiting", dossier=entry.dossier_id, limit=MAX_WAITING_PER_DOSSIER)
    if WaitingEntry.objects.filter(sender=entry.sender).count() >= MAX_WAITING_PER_SENDER:
        raise Refused("dossier.too_many_waiting_from", sender=entry.sender, limit=MAX_WAITING_PER_SENDER)
    WaitingEntry.objects.create(
        entry_id=entry.entry_id,
        dossier=entry.dossier_id,
        sender=entry.sender,
        wire=entry.wire,
        missing=list(missing),
        received_at=now,
    )


def drop(entry_id: str) -> None:
    """The waiting entry was judged after all, or is refused; in the caller's transaction."""
    if holds(entry_id):
        WaitingEntry.objects.filter(entry_id=entry_id).delete()


@asked_once(WaitingEntry)
def _is_empty() -> bool:
    """Whether nothing waits at all, as it mostly is."""
    return not WaitingEntry.objects.exists()


def holds(entry_id: str) -> bool:
    """Whether the entry is here but cannot be judged yet."""
    return not _is_empty() and WaitingEntry.objects.filter(entry_id=entry_id).exists()


def lacking(missing: str, *, dossier_id: str = "") -> list[str]:
    """The ids of waiting entries (of that dossier) that lack ``missing``, oldest first."""
    if _is_empty():
        return []
    rows = WaitingEntry.objects.filter(dossier=dossier_id) if dossier_id else WaitingEntry.objects.all()
    found = rows.order_by("received_at", "entry_id").values_list("entry_id", "missing")
    return [entry_id for entry_id, lacking in found if missing in lacking]


def ready_in(dossier_id: str) -> list[str]:
    """The ids of waiting entries of the dossier that lacked something which is judged by now, newest first."""
    if _is_empty():
        return []
    rows = list(
        WaitingEntry.objects.filter(dossier=dossier_id).order_by("-received_at").values_list("entry_id", "missing")
    )
    wanted = {one for _, missing in rows for one in missing}
    here = set(Entry.objects.filter(entry_id__in=wanted).values_list("entry_id", flat=True)) if wanted else set()
    return [entry_id for entry_id, missing in rows if here & set(missing)]


def reasons(prefix: str) -> list[str]:
    """What waiting entries lack that begins with ``prefix``, each once."""
    lacking = WaitingEntry.objects.values_list("missing", flat=True)
    return sorted({one for missing in lacking for one in missing if one.startswith(prefix)})


def entry(entry_id: str) -> WaitingEntry | None:
    """One waiting entry."""
    return None if _is_empty() else WaitingEntry.objects.filter(entry_id=entry_id).first()


def listed() -> list[WaitingEntry]:
    """Entries whose ancestors are missing, oldest first."""
    return list(WaitingEntry.objects.order_by("received_at").defer("wire")[:500])
