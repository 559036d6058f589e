"""The conformance kit at a terminal; it needs no node of its own, and knows the node under test from outside only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from tansiq.node.cli.session import Session, now, passed

TIMEOUT = 30.0


@click.command()
@click.argument("url", required=False)
@click.option(
    "--kit", "folder", default="conformance-kit", show_default=True, type=click.Path(file_okay=False), help="its folder"
)
@click.option("--card", type=click.Path(exists=True, dir_okay=False), help="the card of the node under test, as a file")
@click.option("--prepare", is_flag=True, help="make the kit's two partners, to be enrolled at the node under test")
@click.option("--only", multiple=True, help="judge this clause alone; repeatable")
@passed
def conformance(
    session: Session, url: str | None, folder: str, card: str | None, prepare: bool, only: tuple[str, ...]
) -> None:
    """Play two partners, good and hostile, against the node at URL, and judge it clause by clause of docs/protocol.

    First `--prepare`, and enrol both cards at a node for tests; then URL with that node's own card. Exit status 1 if a clause is broken.
    """
    place = Path(folder)
    if prepare:
        _prepare(session, place)
        return
    if not url or not card:
        raise click.UsageError("give the URL of the node under test and --card, or --prepare")
    report = _run(session, url, place, Path(card), frozenset(only))
    if not report.is_well:
        sys.exit(1)


def _prepare(session: Session, folder: Path) -> None:
    from tansiq.conformance.keeping import FILE, Kept, card_file
    from tansiq.engine.errors import Conflict

    if (folder / FILE).exists():
        raise Conflict("conformance.kit_exists", at=str(folder))
    kept = Kept.prepare(now())
    kept.save(folder, now())
    told = [
        {
            "node": who.node_id,
            "card": str(card_file(folder, who.node_id)),
            "fingerprint": {language: who.fingerprint(language) for language in ("ar", "fr", "en")},
        }
        for who in kept.identities.values()
    ]

    def lines() -> str:
        return "\n".join(f'tansiq partner enrol {one["card"]} --words "{one["fingerprint"]["en"]}"' for one in told)  # type: ignore[index]

    session.tell(told, lines)


def _run(session: Session, url: str, folder: Path, card: Path, only: frozenset[str]) -> Any:
    import httpx

    from tansiq.conformance import report as reports
    from tansiq.conformance.clauses import CLAUSES
    from tansiq.conformance.keeping import Kept
    from tansiq.conformance.line import Line
    from tansiq.conformance.running import run
    from tansiq.conformance.stage import staged
    from tansiq.engine.envelopes.cards import open_card
    from tansiq.engine.envelopes.dsse import Signed
    from tansiq.engine.formats import strict_json

    if unknown := sorted(only - CLAUSES.keys()):
        raise click.UsageError(f"no such clause: {', '.join(unknown)}")
    kept = Kept.load(folder)
    signed = Signed.from_json(strict_json.loads(card.read_bytes()))
    with httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as http:
        stage = staged(Line(url, http), signed, open_card(signed, pinned_root=None), kept)
        try:
            report = run(
                stage, only=only, on_verdict=lambda one: None if session.as_json else click.echo(reports.line(one))
            )
        finally:
            kept.save(folder, now())
    session.tell(reports.to_json(report), lambda: "\n" + reports.summary(report))
    return report


COMMANDS = {"conformance": conformance}
