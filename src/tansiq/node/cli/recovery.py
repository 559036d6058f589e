"""A node that was restored from a copy: whom it waits for, and ending the waiting."""

from __future__ import annotations

from typing import Any

import click

from tansiq.node.cli.session import Session, now, passed


@click.group()
def recovery() -> None:
    """How the last restore of this node stands."""


@recovery.command()
@passed
def status(session: Session) -> None:
    """Say which partners are awaited, how many entries came back, and what was declared lost."""
    session.unlock()
    from tansiq.node.flows import recovering

    found = recovering.status()
    session.tell(found, lambda: _told(found))


@recovery.command()
@passed
def ask(session: Session) -> None:
    """Ask every enrolled partner that was not asked yet: after `tansiq rebuild`, once all partners are enrolled again.

    The recovery ends when all that were asked have answered. Who is enrolled later is compared with once a day.
    """
    session.unlock()
    from tansiq.node.flows import recovering

    asked = recovering.ask(now())
    session.tell({"asked": asked}, lambda: f"Asked: {', '.join(asked) or 'nobody'}")


@recovery.command()
@click.option("--without", multiple=True, metavar="PARTNER", help="a partner that cannot be reached; repeatable")
@passed
def finish(session: Session, without: tuple[str, ...]) -> None:
    """Write again without having heard partners that cannot be reached; every one must be named.

    What such a partner holds of this node is not known then: entries that only it has may come back later and stand beside new ones. The
    declaration in the new logs names it.
    """
    session.unlock()
    from tansiq.node.flows import recovering

    declaration = recovering.finish(now(), without=without)
    session.tell(declaration, lambda: f"This node writes again. Lost: {declaration['lost']}")


def _told(found: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {_shown(value)}" for name, value in found.items() if value is not None)


def _shown(value: Any) -> str:
    return ", ".join(value) or "nobody" if isinstance(value, list) else str(value)


COMMANDS = {"recovery": recovery}
