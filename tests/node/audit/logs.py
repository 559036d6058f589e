"""A small log to test with, and the four ways to falsify it by SQL."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.ledger import tiles
from tansiq.engine.ledger.merkle import Tree as Range
from tansiq.node.audit import actions
from tansiq.node.audit.models import EXCHANGE, Checkpoint, Event, Tile, Tree
from tansiq.node.vault import keys

ME = "fr"
PARTNER = Ed25519Signer.from_seed(b"p" * 32)


def write(count: int, now: datetime, *, log: str = EXCHANGE, first: int = 0) -> list[int]:
    """Record ``count`` events and return their ids."""
    return [
        actions.record(
            "entry.sent",
            actor="machine",
            facts={"dossier": f"d{number % 3}", "n": number},
            log=log,
            now=now + timedelta(seconds=number),
        )
        for number in range(first, first + count)
    ]


def sequence(now: datetime, *, log: str = EXCHANGE, batch: int = 1000) -> int:
    """Number everything that waits, in one batch."""
    return actions.sequence(now, batch, log=log, node_id=ME, signer=keys.current().node)


def filled(count: int, now: datetime, *, every: int = 10) -> list[str]:
    """A log of ``count`` events numbered ``every`` at a time; returns the checkpoint texts in order."""
    for first in range(0, count, every):
        write(min(every, count - first), now, first=first)
        sequence(now)
    return list(Checkpoint.objects.order_by("size").values_list("text", flat=True))


def sql(statement: str, *values: object) -> int:
    """Run one statement behind the back of everything."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def rebuild() -> None:
    """What a thorough forger does after touching rows: renumber, rehash, and drop every checkpoint of ours."""
    tree = Tree.objects.get(log=EXCHANGE)
    rows = list(Event.objects.filter(tree=tree).order_by("index").defer("told"))
    for place, row in enumerate(rows):
        if row.index != place:
            sql("UPDATE audit_event SET index = %s WHERE id = %s".replace("index", '"index"'), place, row.pk)
    after, grown = tiles.grow(Range(), [actions.leaf_of(row) for row in rows])
    Tile.objects.filter(tree=tree).delete()
    for (level, number), hashes in grown.items():
        Tile.objects.create(tree=tree, level=level, number=number, hashes=hashes)
    Tree.objects.filter(pk=tree.pk).update(size=after.size, peaks=after.to_json()["peaks"])
    Checkpoint.objects.all().delete()
