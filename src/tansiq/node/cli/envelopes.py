"""Commands for the air gap: envelopes into a folder on removable media, and out of one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from tansiq.node.cli.session import Session, now, passed, table

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def envelopes() -> None:
    """Envelopes on removable media, where no line leads from node to node."""


@contextmanager
def _counting(session: Session, what: str) -> Iterator[Callable[[str], None]]:
    """Count the files on a terminal as they pass; scripts and files see nothing of it."""
    count = 0
    is_shown = not session.as_json and sys.stderr.isatty()

    def passed_by(_name: str) -> None:
        nonlocal count
        count += 1
        if is_shown:
            click.echo(f"\r{what}: {count}", nl=False, err=True)

    yield passed_by
    if is_shown and count:
        click.echo("", err=True)


@envelopes.command("export")
@click.option("--to", "partner", required=True, help="the partner's node id")
@click.option("--dir", "folder", required=True, type=FOLDER, help="a folder on the medium")
@passed
def export(session: Session, partner: str, folder: Path) -> None:
    """Write what waits for a partner, and the receipts it is owed, into a folder.

    The same sealed bytes that a line would carry, in the same sequence. What has its receipt is removed from the folder. Repeat it as
    often as you like; nothing is lost if the medium is.
    """
    session.unlock()
    from tansiq.node.exchange import carrying

    with _counting(session, "Written") as progress:
        told = carrying.export(partner, folder, clock=now, progress=progress).to_json()
    session.tell(
        told,
        f"{told['envelopes']} envelopes and {told['receipts']} receipts for {partner} are in {folder} "
        f"({told['written']} written, {told['removed']} removed).",
    )


@envelopes.command("import")
@click.option("--dir", "folder", required=True, type=FOLDER, help="the folder on the medium")
@click.option("--no-receipts", is_flag=True, help="write nothing into the folder; the next export brings the receipts")
@passed
def import_(session: Session, folder: Path, no_receipts: bool) -> None:
    """Take in what a folder holds for this node, and write the receipts into it for the way home.

    Every file is told: accepted, repeated, for another node, our own, refused with the reason, or left alone. Exit status 1 when
    anything was refused, is missing, or the receipts could not be written.
    """
    session.unlock()
    from tansiq.node.exchange import carrying

    with _counting(session, "Taken") as progress:
        told = carrying.take(folder, clock=now, progress=progress, may_write=not no_receipts)
    session.tell(told.to_json(), lambda: _told(session, told))
    if not told.is_whole:
        sys.exit(1)


def _told(session: Session, told: Any) -> str:
    """What was not simply taken, file by file, and the totals."""
    from tansiq.node.wording import sentence

    def why(row: dict[str, Any]) -> str:
        code = row.get("code", "")
        return sentence(code, row.get("facts", {}), session.language) if code else row.get("recipient", "")

    odd = [row for row in told.files if row["state"] in {"refused", "left", "for_another"}]
    lines = [table([[r["file"], r["state"], why(r)] for r in odd], ["file", "state", "why"])] if odd else []
    lines += [f"missing, though the index names it: {name}" for name in told.missing]
    if told.unwritten:
        lines.append(f"The receipts are not in the folder: {sentence(told.unwritten, {}, session.language)}")
    totals = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in told.to_json()["totals"].items())
    return "\n".join([*lines, totals or "The folder is empty."])


COMMANDS = {"envelopes": envelopes}
