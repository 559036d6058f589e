"""The logs at a terminal: verify them, with or without partners' checkpoints."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tansiq.node.cli.session import Session, passed


@click.group()
def audit() -> None:
    """The logs that nobody can rewrite unseen."""


@audit.command("verify")
@click.option(
    "--checkpoint",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    help="a checkpoint of ours that a partner gives",
)
@passed
def verify(session: Session, files: tuple[str, ...]) -> None:
    """Recompute both logs from their rows and say what was edited, deleted, inserted or cut; exit status 1 if anything was."""
    session.unlock()
    from tansiq.node.audit.verification import verify as recompute
    from tansiq.node.partners.queries import own_node_keys

    report = recompute([Path(f).read_text(encoding="utf-8") for f in files], publics=own_node_keys())
    session.tell(report.to_json())
    if not report.is_well:
        sys.exit(1)


@audit.command("witness")
@click.argument("partner")
@passed
def witness(session: Session, partner: str) -> None:
    """The newest checkpoint of PARTNER's exchange log that this node keeps: what PARTNER needs to prove its log from outside."""
    session.start()
    from tansiq.engine.errors import Rejected
    from tansiq.node.audit.queries import kept_of

    row = kept_of(partner)
    if row is None:
        raise Rejected("audit.nothing_kept", partner=partner)
    click.echo(row.cosigned, nl=False)


COMMANDS = {"audit": audit}
