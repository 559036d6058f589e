"""When a commit must be on the disk before anything else happens.

On SQLite an ordinary commit survives the death of any process; one made inside :func:`on_disk` survives the loss of power too
(``synchronous=FULL``, and with it everything committed before, since the write-ahead log is one file in order). So what an
officer was told is signed, an envelope that is sent, and a receipt that leaves are always on disk first; leases, claims and
bookkeeping that a crash may repeat are not worth a wait for the disk. The sequencer commits on disk within a second, which bounds
what a loss of power can take of the rest. PostgreSQL commits on disk always.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def on_disk() -> Iterator[None]:
    """Commits inside are on the disk when they return; opened outside of any transaction."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=FULL")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL")


@contextmanager
def snapshot() -> Iterator[None]:
    """Everything read inside is of one instant, while others go on writing; nothing may be written inside."""
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            # Deferred, unlike every writing transaction here: a reader of the write-ahead log holds nobody up.
            cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK")
    else:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
