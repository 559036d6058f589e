"""Bringing the store to the shape of the program, and refusing to start where the two differ."""

from __future__ import annotations

import time
from itertools import count

import click

from tansiq.engine.errors import Conflict
from tansiq.node.cli.session import Session, passed


def pending() -> list[str]:
    """The changes of shape that the store still lacks, in their order.

    Raises Conflict("settings.store_newer") where it has some that this program does not know: an older program would write what a newer one
    cannot read.
    """
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    known = executor.loader.disk_migrations.keys()
    replaced = {name for one in executor.loader.disk_migrations.values() for name in one.replaces}
    rooms = {app for app, _ in known}
    newer = sorted(
        f"{app}.{name}"
        for app, name in executor.loader.applied_migrations
        if app in rooms and (app, name) not in known and (app, name) not in replaced
    )
    if newer:
        raise Conflict("settings.store_newer", migrations=newer[:5], count=len(newer))
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{one.app_label}.{one.name}" for one, _ in plan]


def require_shape() -> None:
    """Raise Conflict("settings.store_older") unless the store has the shape of this program; or ("settings.store_newer").

    A database that does not answer yet – it starts, or recovers – is waited for.
    """
    if lacking := _pending_once_there():
        raise Conflict("settings.store_older", count=len(lacking))


def _pending_once_there() -> list[str]:
    from django.db import OperationalError, connection

    for number in count():
        try:
            return pending()
        except OperationalError:
            if number == 0:
                click.echo("The database does not answer yet; waiting for it.", err=True)
        finally:
            connection.close()  # the processes of the node are forked after this: a connection has one owner
        time.sleep(1)
    raise AssertionError


@click.command()
@click.option("--look", is_flag=True, help="only say what would be done")
@passed
def upgrade(session: Session, *, look: bool) -> None:
    """Bring the store to the shape of this program: after a new version was put in place, before the node is started.

    Stop the node first, and keep a copy (`tansiq backup`): shapes are not undone. Each change is done whole or not at all; broken off, the same
    command goes on. What waits to be sent, or to be opened, is in the store and goes on from there.
    """
    session.start()
    from tansiq.node.cli import setup

    changes = pending()
    if changes and not look:
        setup.migrate()
    done = "to be made" if look else "made"
    session.tell(
        {"changes": changes, "is_done": not look},
        lambda: (
            "\n".join([*changes, f"{len(changes)} changes {done}."]) if changes else "The store has its shape already."
        ),
    )


COMMANDS = {"upgrade": upgrade}
