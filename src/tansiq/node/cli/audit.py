"""The logs at a terminal: verify them, with or without partners' checkpoints."""

from __future__ import annotations

import json
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


@audit.command("evidence")
@click.argument("partner")
@click.option("--out", type=click.Path(dir_okay=False), help="write it into a file")
@passed
def evidence(session: Session, partner: str, out: str | None) -> None:
    """Everything that PARTNER signed and that cannot stand beside something else it signed, with its cards: for whoever has to judge it."""
    session.unlock()
    from tansiq.node.cli.session import now
    from tansiq.node.flows.evidence import against

    found = against(partner, now())
    if out is None:
        session.tell(found)
        return
    Path(out).write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    counts = {name: len(found[name]) for name in ("envelope_ids", "numbers", "entries", "logs")}
    session.tell({"out": out, **counts}, lambda: f"{out}: " + ", ".join(f"{n} {name}" for name, n in counts.items()))


COMMANDS = {"audit": audit}
