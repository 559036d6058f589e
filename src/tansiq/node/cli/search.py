"""The search box at a terminal."""

from __future__ import annotations

import time

import click

from tansiq.node.cli.session import Session, now, passed, table


@click.command()
@click.argument("names", nargs=-1)
@click.option("--birth", "birth_dates", multiple=True, help="1984, 1984-03 or 1984-03-17")
@click.option("--country", "countries", multiple=True)
@click.option(
    "--identifier", "identifiers", multiple=True, help="TYPE=VALUE, e.g. passport=XK4471902, phone=+212600000417"
)
@click.option("--schema", default="Person", show_default=True)
@click.option("--purpose", required=True, help="code of the list of purposes, e.g. investigation")
@click.option("--crime-area", default="", help="ICCS key, e.g. 0601")
@click.option("--reference", default="", help="the case for which you ask; needed when partners are asked")
@click.option("--ask", multiple=True, help="partner to ask as well, repeatable")
@click.option("--blindly", is_flag=True, help="so that partners do not learn about whom; they answer hit or no hit")
@click.option("--wait", default=20.0, show_default=True, help="seconds to wait for partners")
@passed
def search(
    session: Session,
    names: tuple[str, ...],
    birth_dates: tuple[str, ...],
    countries: tuple[str, ...],
    identifiers: tuple[str, ...],
    schema: str,
    purpose: str,
    crime_area: str,
    reference: str,
    ask: tuple[str, ...],
    blindly: bool,
    wait: float,
) -> None:
    """Look for NAMES in the register and, with --ask, at partners; any script finds any other."""
    officer = session.officer()
    from tansiq.node.flows import searching
    from tansiq.node.search import queries

    pairs = [tuple(i.partition("=")[::2]) for i in identifiers]
    fields = searching.Fields(
        names=names, schema=schema, birth_dates=birth_dates, countries=countries, identifiers=tuple(pairs)
    )
    row = searching.search(
        officer,
        fields,
        purpose=purpose,
        crime_area=crime_area,
        reference=reference,
        ask=ask,
        blindly=blindly,
        now=now(),
    )
    deadline = time.monotonic() + wait
    while not queries.is_complete(row) and time.monotonic() < deadline:
        time.sleep(0.2)
        row = queries.get_search_for(officer, str(row.search_id))
    answers = [
        {
            "partner": a.partner,
            "state": a.state,
            "is_blind": a.is_blind,
            "hits": a.hits or [],
            "families": a.met,
            "code": a.code,
            "clause": a.clause,
            "answered_at": a.answered_at,
        }
        for a in row.partners.all()
    ]
    value = {"search": str(row.search_id), "here": row.found_here, "partners": answers}
    session.tell(
        value,
        lambda: "\n\n".join(
            [
                table(
                    [(f"{m['score']:.2f}", m["band"], m["caption"], m["subject"]) for m in row.found_here],
                    ["score", "band", "name", "subject"],
                ),
                table(
                    [
                        (a["partner"], a["state"], len(a["hits"] or a["families"]), a["clause"] or a["code"])
                        for a in answers
                    ],
                    ["partner", "answer", "hits", "clause"],
                ),
            ]
        ),
    )


COMMANDS = {"search": search}
