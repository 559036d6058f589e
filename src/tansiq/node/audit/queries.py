"""Reading the logs: heads and proofs for partners, events for auditors, evidence for a court."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tansiq.engine.errors import Corrupt, Rejected
from tansiq.engine.formats.ids import b64encode
from tansiq.engine.formats.times import format_time
from tansiq.engine.ledger import checkpoints, merkle, tiles
from tansiq.node.audit import policy
from tansiq.node.audit.models import (
    EXCHANGE,
    LOGS,
    Checkpoint,
    Contradiction,
    Cosigned,
    Event,
    PartnerCheckpoint,
    Tile,
    Tree,
)

PAGE = 50


def latest_checkpoint(log: str = EXCHANGE) -> Checkpoint | None:
    """Our newest signed checkpoint of ``log``."""
    return (
        Checkpoint.objects.filter(tree__log=log).select_related("tree").order_by("-tree__incarnation", "-size").first()
    )


def checkpoint_text(log: str = EXCHANGE) -> str | None:
    """The text of the newest signed checkpoint of ``log``."""
    row = latest_checkpoint(log)
    return row.text if row else None


def checkpoint_with_proof(log: str, from_size: int) -> tuple[str | None, dict[str, Any] | None]:
    """The newest checkpoint, and the proof that it continues the tree of ``from_size``, as receipts carry them.

    The proof is None where there is nothing to prove: no earlier size, the same size, or one that this incarnation
    never had.
    """
    row = latest_checkpoint(log)
    if row is None:
        return None, None
    if not 0 < from_size < row.size:
        return row.text, None
    steps = merkle.consistency_proof(from_size, row.size, _nodes(row.tree))
    return row.text, {"from_size": from_size, "proof": [b64encode(step) for step in steps]}


def last_event_at() -> datetime | None:
    """When the last event that this store knows of happened."""
    return Event.objects.order_by("-id").values_list("at", flat=True).first()


def consistency_between(old_size: int, new_size: int, *, log: str = EXCHANGE) -> list[bytes]:
    """The proof that the newest tree of ``log`` at ``new_size`` continues itself at ``old_size``."""
    tree = _newest_tree(log)
    if tree is None or new_size > tree.size:
        raise Rejected("audit.beyond_log", log=log, size=new_size)
    return merkle.consistency_proof(old_size, new_size, _nodes(tree))


def inclusion_of(event_id: int) -> dict[str, Any] | None:
    """All that shows an event to stand in the log: header, place, path, checkpoint; None while it is under none."""
    row = Event.objects.defer("told").select_related("tree").filter(pk=event_id).first()
    head = Checkpoint.objects.filter(tree=row.tree).order_by("-size").first() if row and row.tree else None
    if row is None or row.tree is None or row.index is None or head is None or head.size <= row.index:
        return None
    path = merkle.inclusion_proof(row.index, head.size, _nodes(row.tree))
    header = {"log": row.log, "event": row.event, "actor": row.actor, "dossier": row.dossier, "at": format_time(row.at)}
    return {
        "header": {"v": 1, **header, "facts": bytes(row.commitment).hex()},
        "index": row.index,
        "path": [b64encode(step) for step in path],
        "checkpoint": head.text,
    }


def told_of(event_id: int) -> dict[str, Any] | None:
    """The facts of an event and their salt, for whoever lays it open; None once they were erased."""
    told = Event.objects.filter(pk=event_id).values_list("told", flat=True).first()
    return {"facts": told["facts"], "salt": told["salt"]} if told else None


def size_of(checkpoint: str) -> int:
    """The size that a checkpoint text states (not verified)."""
    return checkpoints.read_checkpoint(checkpoint).size


def cosigned_for(partner: str) -> str | None:
    """The partner's newest checkpoint that we keep, with our countersignature: for a receipt to that partner."""
    rows = PartnerCheckpoint.objects.filter(partner=partner).order_by("-incarnation", "-size")
    return rows.values_list("cosigned", flat=True).first()


def kept_of(partner: str) -> PartnerCheckpoint | None:
    """The newest checkpoint of this partner that we keep."""
    return PartnerCheckpoint.objects.filter(partner=partner).order_by("-incarnation", "-size").first()


def cosigned_by() -> list[Cosigned]:
    """For each partner, the newest of our checkpoints that it countersigned."""
    newest: dict[str, Cosigned] = {}
    for row in Cosigned.objects.order_by("partner", "-seen_at", "-size"):
        newest.setdefault(row.partner, row)
    return list(newest.values())


def contradictions(partner: str | None = None) -> list[Contradiction]:
    """What partners' logs contradicted, newest first."""
    rows = Contradiction.objects.order_by("-id")
    return list(rows.filter(partner=partner) if partner else rows)


def waiting_count() -> dict[str, int]:
    """How many events wait for the sequencer, for each log."""
    return {log: Event.objects.filter(log=log, tree=None).count() for log in LOGS}


@dataclass(frozen=True, slots=True)
class Page:
    """Some events, newest first, and the id below which the next page begins (None at the end)."""

    events: list[Event]
    before: int | None


def list_events(
    roles: Iterable[str],
    *,
    log: str | None = None,
    dossier: str | None = None,
    actor: str | None = None,
    events: Iterable[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> Page:
    """One page of events for a reader of the logs; raises ``Refused("audit.not_a_reader")`` for everybody else."""
    policy.require_reader(roles)
    wanted = {"log": log, "dossier": dossier, "actor": actor, "at__gte": since, "at__lt": until, "id__lt": before}
    rows = Event.objects.filter(**{name: value for name, value in wanted.items() if value is not None})
    if events is not None:
        rows = rows.filter(event__in=list(events))
    found = list(rows.select_related("tree").order_by("-id")[: limit + 1])
    return Page(found[:limit], found[limit - 1].pk if len(found) > limit else None)


def events_of_dossier(dossier: str, limit: int = PAGE) -> list[Event]:
    """The newest events of a dossier, for a page whose reader was let in to that dossier."""
    return list(Event.objects.filter(dossier=dossier).order_by("-id")[:limit]) if dossier else []


def _newest_tree(log: str) -> Tree | None:
    return Tree.objects.filter(log=log).order_by("-incarnation").first()


def _nodes(tree: Tree) -> merkle.GetNode:
    def get_tile(level: int, number: int) -> bytes:
        hashes = Tile.objects.filter(tree=tree, level=level, number=number).values_list("hashes", flat=True).first()
        if hashes is None:
            raise Corrupt("ledger.tile_short", level=level, number=number)
        return bytes(hashes)

    return tiles.node_reader(get_tile)
