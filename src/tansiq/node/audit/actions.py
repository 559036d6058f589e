"""Writes of the logs: recording, numbering, signing, erasing, and keeping what partners show us."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db import connection, transaction

from tansiq.engine.errors import Conflict, Rejected
from tansiq.engine.formats.ids import b64encode
from tansiq.engine.formats.times import to_utc
from tansiq.engine.ledger import checkpoints, leaves, tiles
from tansiq.engine.ledger.merkle import Tree as Range
from tansiq.node.audit.models import EXCHANGE, INTERNAL, LOGS, Checkpoint, Event, Tile, Tree
from tansiq.node.vault.prepared import Insert

BATCH = 1000
CHECKPOINT_EVERY = {EXCHANGE: timedelta(0), INTERNAL: timedelta(minutes=10)}
ERASED = "audit.erased"
OPENED = "audit.log_opened"


class Signs(Protocol):
    """The node's key: its 32-byte public half and the power to sign."""

    public: bytes

    def sign(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature."""
        ...


def origin_of(node_id: str, log: str, incarnation: int) -> str:
    """The name under which this node's checkpoints of ``log`` are signed: ``tansiq/<node>/<log>/<incarnation>``."""
    return f"tansiq/{node_id}/{log}/{incarnation}"


_NEW_EVENT = Insert(Event)


def record(event: str, *, actor: str, facts: dict[str, Any], log: str, now: datetime, dossier: str = "") -> int:
    """Insert an unsequenced event row in the caller's transaction and return its id.

    ``event`` is a code, ``actor`` an opaque officer id, ``machine`` or ``node:<id>``; ``facts`` is JSON without
    floats and is sealed at rest. ``dossier`` (or, without it, ``facts["dossier"]``) is the opaque id by which the row
    is found again.
    """
    if log not in LOGS:
        raise Rejected("audit.unknown_log", log=log)
    salt = leaves.new_salt(os.urandom)
    subject = dossier or facts.get("dossier") or ""
    row = Event(
        log=log,
        event=event,
        actor=actor,
        dossier=subject if isinstance(subject, str) else "",
        at=to_utc(now),
        told={"facts": facts, "salt": b64encode(salt)},
        commitment=leaves.commit(salt, facts),
    )
    return int(_NEW_EVENT(row).pk)


def leaf_of(row: Event) -> bytes:
    """The leaf hash of an event row, from its columns as they stand."""
    header = leaves.Header(row.log, row.event, row.actor, row.dossier, row.at, bytes(row.commitment))
    return header.leaf()


def sequence(now: datetime, batch: int = BATCH, *, log: str, node_id: str, signer: Signs) -> int:
    """Number up to ``batch`` waiting events of ``log`` and append them to its tree; returns how many.

    One sequencer works at a time: the tree's row is locked, and whoever finds it locked does nothing. The checkpoint
    is signed after the transaction; if that is missed (a crash), the next call signs it.
    """
    with transaction.atomic():
        tree = _locked_tree(log, node_id, now)
        rows = list(_waiting(log)[:batch]) if tree else []
        if tree and rows:
            _append(tree, rows)
    write_checkpoint(log, signer=signer, now=now)
    return len(rows)


def _waiting(log: str) -> Any:
    return Event.objects.filter(log=log, tree=None).order_by("id").defer("told")


def _locked_tree(log: str, node_id: str, now: datetime) -> Tree | None:
    """The open tree of ``log``, locked; None while another has it, or between two incarnations (``close``).

    On SQLite the immediate transaction is the lock.
    """
    newest = Tree.objects.filter(log=log).order_by("-incarnation").values_list("pk", flat=True).first()
    if newest is None:
        if not _waiting(log).exists():
            return None
        newest = _open_tree(log, 1, node_id, now).pk
    return Tree.objects.select_for_update(skip_locked=True).filter(pk=newest, closed_at=None).first()


def _open_tree(log: str, incarnation: int, node_id: str, now: datetime) -> Tree:
    tree, _ = Tree.objects.get_or_create(
        log=log,
        incarnation=incarnation,
        defaults={"origin": origin_of(node_id, log, incarnation), "opened_at": now},
    )
    return tree


def range_of(tree: Tree) -> Range:
    """The compact range of a tree's row."""
    return Range.from_json({"size": tree.size, "peaks": tree.peaks})


def _append(tree: Tree, rows: Sequence[Event]) -> None:
    before = range_of(tree)
    after, grown = tiles.grow(before, [leaf_of(row) for row in rows])
    with connection.cursor() as cursor:  # bulk_update writes one CASE a row, which is ten times slower
        places = [(tree.pk, index, row.pk) for index, row in enumerate(rows, start=before.size)]
        cursor.executemany('UPDATE audit_event SET tree_id = %s, "index" = %s WHERE id = %s', places)
    for (level, number), more in grown.items():
        tile, is_new = Tile.objects.get_or_create(tree=tree, level=level, number=number, defaults={"hashes": more})
        if not is_new:
            tile.hashes = bytes(tile.hashes) + more
            tile.save(update_fields=["hashes"])
    # The condition on the old size is the second lock: two sequencers can never both append after the same leaf.
    changed = Tree.objects.filter(pk=tree.pk, size=before.size).update(size=after.size, peaks=after.to_json()["peaks"])
    if not changed:
        raise Conflict("audit.sequenced_elsewhere", log=tree.log)


def rebuild_hashes(origin: str, *, now: datetime) -> None:
    """Make tiles and compact range of a tree anew from its rows, and leave a mark.

    For a tree whose rows reproduce every signed head and whose hashes do not (``audit.hashes_damaged``): the caller has verified that.
    """
    with transaction.atomic():
        tree = Tree.objects.select_for_update().get(origin=origin)
        rows = Event.objects.filter(tree=tree).order_by("index").defer("told").iterator(2000)
        after, grown = tiles.grow(Range(), (leaf_of(row) for row in rows))
        Tile.objects.filter(tree=tree).delete()
        made = (Tile(tree=tree, level=level, number=number, hashes=held) for (level, number), held in grown.items())
        Tile.objects.bulk_create(made, batch_size=500)
        Tree.objects.filter(pk=tree.pk).update(size=after.size, peaks=after.to_json()["peaks"])
        record("audit.hashes_rebuilt", actor="machine", facts={"origin": origin}, log="internal", now=now)


def write_checkpoint(log: str, *, signer: Signs, now: datetime, at_once: bool = False) -> Checkpoint | None:
    """Sign and keep a checkpoint of ``log`` if its tree grew and one is due (``at_once``: even before); None if not."""
    tree = Tree.objects.filter(log=log).order_by("-incarnation").first()
    if tree is None or tree.size == 0 or tree.closed_at is not None:
        return None
    last = Checkpoint.objects.filter(tree=tree).order_by("-size").first()
    if last and (last.size >= tree.size or (not at_once and now - last.signed_at < CHECKPOINT_EVERY[log])):
        return None
    head = checkpoints.Checkpoint(tree.origin, tree.size, range_of(tree).root())
    text = checkpoints.sign_checkpoint(head, public=signer.public, signer=signer)
    row, _ = Checkpoint.objects.get_or_create(
        tree=tree, size=head.size, defaults={"root": head.root, "text": text, "signed_at": now}
    )
    return row


def erase(event_ids: Iterable[int], *, ground: str, actor: str, now: datetime) -> int:
    """Erase salt and facts of these events for good, and record it; returns how many had something to erase.

    What stays – header, number, commitment – still verifies. The record names the commitments, so that a text that
    vanished without this act is found. In the caller's transaction.
    """
    erased = 0
    rows = list(Event.objects.select_for_update().filter(pk__in=list(event_ids), told__isnull=False).defer("told"))
    for log in LOGS:
        mine = [row for row in rows if row.log == log]
        for start in range(0, len(mine), BATCH):
            part = mine[start : start + BATCH]
            Event.objects.filter(pk__in=[row.pk for row in part]).update(told=None, erased_at=now)
            named = [bytes(row.commitment).hex() for row in part]
            record(ERASED, actor=actor, facts={"commitments": named, "ground": ground}, log=log, now=now)
            erased += len(part)
    return erased


def close(log: str, *, node_id: str, now: datetime) -> None:
    """Number nothing more in the present tree of ``log``, in the caller's transaction: until ``reopen``, events wait.

    A restored log must not grow before it is known how far it had grown: two heads of one length would convict this node.
    """
    newest = Tree.objects.filter(log=log).order_by("-incarnation").first() or _open_tree(log, 1, node_id, now)
    Tree.objects.filter(pk=newest.pk).update(closed_at=now)


def reopen(
    log: str,
    *,
    old_checkpoint: str | None,
    declaration: dict[str, Any],
    node_id: str,
    signer: Signs,
    now: datetime,
    incarnation: int = 0,
) -> Tree:
    """Begin the next incarnation of ``log`` after a restore; leaf 0 holds the old checkpoint and what was lost.

    ``old_checkpoint`` is the highest one that any partner still holds, else our own latest. Waiting events follow in
    the new tree. ``incarnation`` is taken if it is beyond the last one: a copy that is restored twice must not open two
    trees under one name.
    """
    with transaction.atomic():
        last = Tree.objects.select_for_update().filter(log=log).order_by("-incarnation").first()
        tree = _open_tree(log, max(last.incarnation + 1 if last else 1, incarnation), node_id, now)
        facts = {"checkpoint": old_checkpoint, "declaration": declaration}
        opening = Event.objects.defer("told").get(pk=record(OPENED, actor="machine", facts=facts, log=log, now=now))
        _append(tree, [opening])
    write_checkpoint(log, signer=signer, now=now, at_once=True)
    return tree
