"""Whole lists at a terminal: asked against the register, or blindly of partners."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tansiq.node.cli.session import Session, now, passed, table

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.search.models import Screening


@click.group()
def screening() -> None:
    """Lists asked row by row, against the register or blindly of partners."""


@screening.command("ask")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--purpose", required=True, help="code of the list of purposes, e.g. investigation")
@click.option("--reference", required=True, help="the case for which you ask")
@click.option("--crime-area", default="", help="ICCS key, e.g. 0601")
@click.option("--columns", default="", help="for a table: id=no,name=first+last,birth_date=born,identifier:passport=pp")
@click.option(
    "--blindly", multiple=True, metavar="PARTNER", help="ask this partner instead of the register, repeatable"
)
@click.option("--yes", is_flag=True, help="begin without asking whether the cost is right")
@click.option("--wait", default=0.0, show_default=True, help="seconds to wait for the end")
@passed
def asked(
    session: Session,
    path: Path,
    purpose: str,
    reference: str,
    crime_area: str,
    columns: str,
    blindly: tuple[str, ...],
    yes: bool,
    wait: float,
) -> None:
    """Ask the list in PATH. With --blindly what it costs of the budget is told first; partners do not learn about whom."""
    officer = session.officer()
    from tansiq.node.flows import blind_screening
    from tansiq.node.flows import screening as flow

    told = {"name": path.name, "purpose": purpose, "reference": reference, "columns": columns, "now": now()}
    if not blindly:
        made = flow.screen(officer, path.read_bytes(), **told)
    else:
        made = blind_screening.prepare(officer, path.read_bytes(), **told, ask=blindly, crime_area=crime_area)
        if not (yes or _is_wanted(session, officer, made)):
            _tell(session, officer, made)
            return
        blind_screening.begin(officer, str(made.pk), now=now())
    _tell(session, officer, _waited(officer, str(made.pk), wait))


def _is_wanted(session: Session, officer: Officer, made: Screening) -> bool:
    if session.as_json or not sys.stdin.isatty():
        return False
    click.echo(_in_words(_told(officer, made)), err=True)
    return click.confirm("Begin?", err=True)


def _waited(officer: Officer, number: str, seconds: float) -> Screening:
    from tansiq.node.search import screenings

    deadline = time.monotonic() + seconds
    row = screenings.get_screening_for(officer, number)
    while row.state == row.RUNNING and time.monotonic() < deadline:
        time.sleep(0.2)
        row = screenings.get_screening_for(officer, number)
    return row


@screening.command("begin")
@click.argument("number")
@click.option("--wait", default=0.0, show_default=True, help="seconds to wait for the end")
@passed
def begun(session: Session, number: str, wait: float) -> None:
    """Begin to ask the partners of a list whose cost you have seen."""
    officer = session.officer()
    from tansiq.node.flows import blind_screening

    blind_screening.begin(officer, number, now=now())
    _tell(session, officer, _waited(officer, number, wait))


@screening.command("show")
@click.argument("number")
@passed
def shown(session: Session, number: str) -> None:
    """How far a list is, what it costs each partner, and why it rests."""
    officer = session.officer()
    _tell(session, officer, _waited(officer, number, 0))


@screening.command("results")
@click.argument("number")
@passed
def results(session: Session, number: str) -> None:
    """What came of the rows, as JSON lines; recorded in the log."""
    officer = session.officer()
    from tansiq.node.flows import blind_screening
    from tansiq.node.flows import screening as flow

    made = _waited(officer, number, 0)
    for line in (blind_screening if made.is_blind else flow).export(officer, number, now=now()):
        click.echo(line, nl=False)


@screening.command("stop")
@click.argument("number")
@passed
def stopped(session: Session, number: str) -> None:
    """Ask no further rows; what was met stays."""
    officer = session.officer()
    from tansiq.node.search import screenings

    screenings.stop(officer, number, now=now())
    _tell(session, officer, _waited(officer, number, 0))


def _tell(session: Session, officer: Officer, made: Screening) -> None:
    value = _told(officer, made)
    session.tell(value, lambda: _in_words(value))


def _told(officer: Officer, made: Screening) -> dict[str, Any]:
    from tansiq.node.flows import blind_screening
    from tansiq.node.search import blind_lists

    found = []
    for row in made.partners.all():
        cost = blind_screening.reckoned(officer, row, now())
        found.append(
            {
                "partner": row.partner,
                "state": row.state,
                "cost": cost.cost,
                "left_today": cost.left_today,
                "days": cost.days,
                "answered": blind_lists.answered_rows(row),
                "code": row.code,
                "clause": row.clause,
                "resumes_at": row.resumes_at,
            }
        )
    return {
        "screening": str(made.pk),
        "state": made.state,
        "rows": made.rows,
        "done": made.done,
        "hits": made.hits.count(),
        "partners": found,
    }


def _in_words(value: dict[str, Any]) -> str:
    head = f"{value['screening']}  {value['state']}  {value['done']}/{value['rows']} rows  {value['hits']} hits"
    rows = [
        (
            f["partner"],
            f["state"],
            f["cost"],
            f["left_today"],
            f["days"],
            f"{f['answered']}/{value['rows']}",
            f["code"],
        )
        for f in value["partners"]
    ]
    names = ["partner", "state", "costs", "left today", "days", "answered", "why"]
    return "\n".join([head, table(rows, names)] if rows else [head])


COMMANDS = {"screening": screening}
