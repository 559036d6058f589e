"""The desk at a terminal."""

from __future__ import annotations

import click

from tansiq.node.cli.session import Session, now, passed, table


@click.command()
@click.option("--limit", default=50, show_default=True)
@passed
def desk(session: Session, limit: int) -> None:
    """What needs you now, most urgent first, each with its deadline."""
    officer = session.officer()
    from tansiq.node.desk import queries
    from tansiq.node.wording import sentence

    rows = queries.list_for(officer, now=now(), limit=limit).tasks
    found = [
        {
            "task": t.key,
            "what": sentence(t.title_code, t.facts, session.language),
            "due_at": t.due_at,
            "urgent": t.urgent,
            "link": t.link,
        }
        for t in rows
    ]
    session.tell(
        found,
        lambda: table(
            [("!" if f["urgent"] else "", f["what"], f["due_at"] or "", f["link"]) for f in found],
            ["", "what", "due", "where"],
        ),
    )


COMMANDS = {"desk": desk}
