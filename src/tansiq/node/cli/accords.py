"""Commands for accords: propose, ratify, see what is in force, and ask whether something may be sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tansiq.node.cli.dossiers import _full, _tell_acted
from tansiq.node.cli.session import Session, now, passed, table


@click.group()
def accord() -> None:
    """Accords: what permits exchange, proposed and ratified like everything else that is shared."""


@accord.command("list")
@passed
def list_accords(session: Session) -> None:
    """Every accord this node knows, and whether it is in force."""
    session.start()
    from tansiq.node.partners.queries import accords

    rows = accords()
    session.tell(
        [
            {
                "accord": a.accord_id,
                "title": a.title,
                "parties": a.parties,
                "status": a.status,
                "version": a.version_digest,
            }
            for a in rows
        ],
        lambda: table(
            [(a.accord_id[:12], a.title_in(session.language), ",".join(a.parties), a.status) for a in rows],
            ["accord", "title", "parties", "status"],
        ),
    )


@accord.command("propose")
@click.argument("terms_file", type=click.Path(allow_dash=True))
@click.option("--exercise", is_flag=True, help="an exercise: nothing real can ever stand under this accord")
@passed
def propose(session: Session, terms_file: str, exercise: bool) -> None:
    """Propose the terms in TERMS_FILE (JSON) to the parties they name."""
    officer = session.officer()
    from tansiq.engine.formats import strict_json
    from tansiq.node.flows import accords as flow

    raw = click.get_binary_stream("stdin").read() if terms_file == "-" else Path(terms_file).read_bytes()
    _tell_acted(session, flow.propose(officer, strict_json.loads(raw), exercise=exercise, now=now()))


@accord.command("ratify")
@click.argument("accord_id")
@click.option(
    "--reservation",
    "reservation_file",
    type=click.Path(exists=True, dir_okay=False),
    help="what this party tightens (JSON)",
)
@passed
def ratify(session: Session, accord_id: str, reservation_file: str | None) -> None:
    """Ratify the newest version, with reservations if there are any."""
    officer = session.officer()
    from tansiq.engine.formats import strict_json
    from tansiq.node.flows import accords as flow

    value: Any = strict_json.loads(Path(reservation_file).read_bytes()) if reservation_file else None
    _tell_acted(session, flow.ratify(officer, _full(officer, accord_id), reservation=value, now=now()))


COMMANDS = {"accord": accord}
