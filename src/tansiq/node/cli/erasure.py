"""Erasure at a terminal: prove it, check a partner's proof, settle copies, keep the ledger."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from tansiq.node.cli.session import Session, now, passed, table


@click.group()
def erasure() -> None:
    """What was erased: proofs, copies that must come back, and the ledger for a restore."""


@erasure.command("proof")
@click.argument("dossier_id")
@click.option("--change", default="", help="only what this correction or recall erased")
@passed
def proof(session: Session, dossier_id: str, change: str) -> None:
    """Print the signed statement of what was erased in a dossier; it names parts by commitment and holds no content."""
    officer = session.officer()
    from tansiq.node.cli.dossiers import _full
    from tansiq.node.flows.erasure_proof import make

    click.echo(json.dumps(make(officer, _full(officer, dossier_id), change=change, now=now()), indent=2))


@erasure.command("verify")
@click.argument("source", type=click.Path(allow_dash=True))
@passed
def verify(session: Session, source: str) -> None:
    """Check a partner's statement against its keys, its log and our own entries; exit status 1 if something of ours is lacking."""
    session.unlock()
    from tansiq.engine.formats import strict_json
    from tansiq.node.flows.erasure_proof import check

    raw = click.get_binary_stream("stdin").read() if source == "-" else Path(source).read_bytes()
    found = check(strict_json.loads(raw), now=now())
    session.tell(found)
    if found["lacking"] or found["unknown"] or not all(part["in_log"] for part in found["parts"]):
        sys.exit(1)


@erasure.command("copies")
@click.option("--all", "also_settled", is_flag=True, help="also those that are settled")
@passed
def copies(session: Session, *, also_settled: bool) -> None:
    """Copies of yours that hold what was erased since; the data-protection officer sees everybody's."""
    officer = session.officer()
    from tansiq.node.dossiers.erased import copies_owed

    holder = "" if "data_protection" in officer.roles else officer.reference
    found = [
        {"id": row.pk, "kind": row.kind, "number": row.number, "due_at": row.due_at, "outcome": row.outcome}
        for row in copies_owed(holder, also_settled=also_settled)
    ]
    session.tell(found, lambda: table([tuple(f.values()) for f in found], ["id", "kind", "number", "due", "outcome"]))


@erasure.command("copy-done")
@click.argument("copy_id", type=int)
@click.option("--outcome", required=True, type=click.Choice(["destroyed", "returned", "lost"]))
@passed
def copy_done(session: Session, copy_id: int, outcome: str) -> None:
    """Say what became of a copy (its id from `erasure copies`)."""
    officer = session.officer()
    from tansiq.node.flows.copies import settle

    row = settle(officer, copy_id, outcome=outcome, now=now())
    session.tell(
        {"kind": row.kind, "number": row.number, "outcome": row.outcome}, f"{row.kind} {row.number}: {outcome}"
    )


@erasure.command("ledger")
@passed
def ledger(session: Session) -> None:
    """Bring the erasure ledger up to date and say where it lies; keep a copy of it elsewhere than the backups."""
    session.unlock()
    from tansiq.node.flows import erasure_ledger

    target = erasure_ledger.path()
    written = erasure_ledger.append(target)
    total = len(erasure_ledger.read(target))
    session.tell({"ledger": str(target), "written": written, "lines": total}, f"{target}: {total} lines, {written} new")


COMMANDS = {"erasure": erasure}
