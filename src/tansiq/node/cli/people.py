"""Commands for units and officers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tansiq.node.cli.session import Session, now, passed, table


@click.group()
def unit() -> None:
    """Units: posts with a circle of their own and the matters they are competent for."""


@unit.command("add")
@click.argument("code")
@click.option("--name", "names", multiple=True, required=True, help="LANGUAGE=TEXT, repeatable")
@click.option("--competence", default="*", show_default=True, help="ICCS keys, comma-separated, or *")
@click.option("--kinds", default="*", show_default=True, help="kinds of dossier, comma-separated, or *")
@click.option("--entry-point", is_flag=True, help="receives what no other unit is competent for")
@passed
def add_unit(
    session: Session, code: str, names: tuple[str, ...], competence: str, kinds: str, entry_point: bool
) -> None:
    """Create or change the unit CODE."""
    from tansiq.node.cli.setup import parse_names

    session.unlock()
    from tansiq.node.accounts import actions

    row = actions.add_unit(
        code,
        parse_names(names),
        competence=competence.split(","),
        kinds=kinds.split(","),
        entry_point=entry_point,
        now=now(),
    )
    session.tell({"unit": row.code}, f"Unit {row.code} saved.")


@unit.command("list")
@passed
def list_units(session: Session) -> None:
    """Every unit."""
    session.start()
    from tansiq.node.accounts.queries import units

    rows = units()
    session.tell(
        [{"code": u.code, "names": u.names, "competence": u.competence, "entry_point": u.is_entry_point} for u in rows],
        lambda: table(
            [
                (u.code, u.name_in(session.language), ",".join(u.competence), "✓" if u.is_entry_point else "")
                for u in rows
            ],
            ["unit", "name", "competence", "entry point"],
        ),
    )


@click.group()
def officer() -> None:
    """Officers: people with an account on this node."""


@officer.command("add")
@click.argument("username")
@click.option("--name", "display_name", required=True)
@click.option("--unit", "unit_code", required=True)
@click.option("--roles", required=True, help="comma-separated: liaison, analyst, prosecutor, duty, approver, …")
@click.option("--teams", default="", help="comma-separated")
@click.option("--speaks", default="ar", show_default=True, help="language of the pages for this officer")
@click.option("--new-password-file", type=click.Path(exists=True, dir_okay=False), help="otherwise asked")
@passed
def add_officer(
    session: Session,
    username: str,
    display_name: str,
    unit_code: str,
    roles: str,
    teams: str,
    speaks: str,
    new_password_file: str | None,
) -> None:
    """Create the account USERNAME."""
    session.unlock()
    from tansiq.node.accounts import actions

    if new_password_file:
        password = Path(new_password_file).read_text(encoding="utf-8").rstrip("\n")
    else:
        password = click.prompt(f"New password for {username}", hide_input=True, confirmation_prompt=True, err=True)
    row = actions.add_officer(
        username,
        password,
        display_name=display_name,
        unit=unit_code,
        roles=[r for r in roles.split(",") if r],
        teams=[t for t in teams.split(",") if t],
        language=speaks,
        now=now(),
    )
    session.tell({"username": username, "officer": row.reference}, f"Officer {username} added as {row.reference}.")


@officer.command("list")
@passed
def list_officers(session: Session) -> None:
    """Every officer, without anything they work on."""
    session.start()
    from tansiq.node.accounts.queries import officers

    rows = officers()
    session.tell(
        [
            {
                "username": o.username,
                "officer": o.reference,
                "unit": o.unit.code if o.unit else "",
                "roles": o.roles,
                "active": o.is_active,
            }
            for o in rows
        ],
        lambda: table(
            [(o.username, str(o), o.unit.code if o.unit else "", ",".join(o.roles)) for o in rows],
            ["user", "name", "unit", "roles"],
        ),
    )


@officer.command("sign-out")
@click.argument("username")
@passed
def sign_out(session: Session, username: str) -> None:
    """End every session of USERNAME: a lost device, a doubt, somebody who left. The account stays as it is."""
    session.unlock()
    from tansiq.node.accounts import sessions
    from tansiq.node.accounts.queries import get_officer

    count = sessions.end_sessions(get_officer(username), actor="administrator", now=now())
    session.tell({"username": username, "ended": count}, f"{count} session(s) of {username} ended.")


@officer.command("leave")
@click.argument("username")
@click.option(
    "--to",
    "to_username",
    default="",
    help="the colleague who goes on with the open work; else it goes back to its circles",
)
@click.option("--note", default="", help="what the colleague must know")
@click.option("--dry-run", is_flag=True, help="only say what stands with the officer")
@passed
def leave(session: Session, username: str, to_username: str, note: str, *, dry_run: bool) -> None:
    """USERNAME has left: sessions, roles and circles end at once, and open work goes to a colleague or back to its circles.

    What the colleague may not see stays with its circle. What was signed keeps its author.
    """
    from dataclasses import asdict

    session.unlock()
    from tansiq.node.accounts.queries import get_officer
    from tansiq.node.flows import leaving

    who = get_officer(username)
    if dry_run:
        told = asdict(leaving.held_by(who, now()))
    else:
        to = get_officer(to_username) if to_username else None
        told = leaving.leave(who, to, note=note, actor="administrator", now=now())
    session.tell(told, lambda: "\n".join(f"{name}: {value}" for name, value in told.items()))


COMMANDS = {"unit": unit, "officer": officer}


@click.command(hidden=True)
@click.argument("seed_file", type=click.Path(allow_dash=True))
@passed
def seed(session: Session, seed_file: str) -> None:
    """Make the demonstration's unit, officers and subjects in one go; refused on a node that is not a demonstration."""
    from tansiq.engine.errors import Refused
    from tansiq.engine.formats import strict_json

    session.unlock()
    from django.conf import settings

    from tansiq.node.accounts import actions
    from tansiq.node.register.actions import add_subject

    if not settings.NODE.demo:
        raise Refused("settings.not_a_demo")
    raw = click.get_binary_stream("stdin").read() if seed_file == "-" else Path(seed_file).read_bytes()
    value: Any = strict_json.loads(raw)
    password = Path(session.password_file or "").read_text(encoding="utf-8").rstrip("\n")
    names = {"ar": "وحدة العمليات", "fr": "Unité opérationnelle", "en": "Operations unit"}
    actions.add_unit("ops", names, competence=["*"], entry_point=True, now=now())
    made = [
        actions.add_officer(
            username, password, display_name=name, unit="ops", roles=roles.split(","), language=speaks, now=now()
        )
        for username, name, roles, speaks in value["officers"]
    ]
    for subject in value["subjects"]:
        content = {"schema": subject["schema"], "properties": subject["properties"]}
        add_subject(made[0], content, circle="unit:ops", discoverability=subject["discoverability"], now=now())
    session.tell({"officers": len(made), "subjects": len(value["subjects"])})


COMMANDS["seed"] = seed
