"""What partners owe, at a terminal."""

from __future__ import annotations

from typing import Any

import click

from tansiq.node.cli.session import Session, now, passed, table


@click.command()
@click.option("--partner", default="", help="only what this partner owes")
@click.option("--kind", "kind_name", default="", help="only in dossiers of this kind")
@click.option("--all", "also_running", is_flag=True, help="also what is not yet due")
@click.option(
    "--recount", is_flag=True, help="write the rows anew from the dossiers' states, and say how many differed"
)
@passed
def overdue(session: Session, partner: str, kind_name: str, *, also_running: bool, recount: bool) -> None:
    """What is overdue at whom: answers, confirmations of recalls and corrections, reviews; the longest overdue first."""
    if recount:
        session.unlock()
        from tansiq.node.dossiers import owed

        mended = owed.recount()
        session.tell({"mended": mended}, f"{mended} dossiers written anew.")
        return
    officer = session.officer()
    from tansiq.node.flows.overdue import listing

    found = [
        thing.to_json()
        for thing in listing(officer, now=now(), partner=partner, kind_name=kind_name, also_running=also_running)
    ]
    session.tell(found, lambda: _told(found))


def _told(found: list[dict[str, Any]]) -> str:
    rows = [(f["partner"], f["kind"], f["what"], f["times"], f["due_at"], f["dossier"][:12]) for f in found]
    return table(rows, ["partner", "kind", "what", "times", "due", "dossier"])


COMMANDS = {"overdue": overdue}
