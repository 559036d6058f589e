"""Commands for clients of the integration API: which systems may call this node, and what they are told."""

from __future__ import annotations

from typing import Any

import click

from tansiq.node.cli.session import Session, now, passed, table

ACTOR = "administrator"


@click.group()
def client() -> None:
    """Clients: other systems of this authority that call the integration API, each with scopes, a rate and a token."""


@client.command("add")
@click.argument("code")
@click.option("--title", required=True, help="what the system is, for the log and the list")
@click.option("--unit", required=True, help="the unit for which it acts: it sees what that unit sees")
@click.option(
    "--scopes",
    required=True,
    help="comma-separated: check, search, desk, dossiers, drafts, register.read, register.write",
)
@click.option("--per-minute", default=600, show_default=True, help="calls it may make a minute")
@click.option("--days", default=365, show_default=True, help="how long its token holds")
@passed
def add(session: Session, code: str, title: str, unit: str, scopes: str, per_minute: int, days: int) -> None:
    """Let the system CODE call this node; its token is shown once.

    \b
    tansiq client add border --title "Border control" --unit borders --scopes check,desk
    """
    session.unlock()
    from tansiq.node.clients import actions

    issued = actions.add(
        code,
        title,
        unit=unit,
        scopes=[scope.strip() for scope in scopes.split(",") if scope.strip()],
        per_minute=per_minute,
        days=days,
        actor=ACTOR,
        now=now(),
    )
    _tell_token(session, issued)


@client.command("renew")
@click.argument("code")
@click.option("--days", default=365, show_default=True)
@passed
def renew(session: Session, code: str, days: int) -> None:
    """Another token in place of the old one, which opens nothing from now on."""
    session.unlock()
    from tansiq.node.clients import actions

    _tell_token(session, actions.renew(code, days=days, actor=ACTOR, now=now()))


@client.command("revoke")
@click.argument("code")
@passed
def revoke(session: Session, code: str) -> None:
    """Its token opens nothing any more, at once."""
    session.unlock()
    from tansiq.node.clients import actions

    actions.revoke(code, actor=ACTOR, now=now())
    session.tell({"client": code, "revoked": True}, f"Client {code} is revoked.")


@client.command("tell")
@click.argument("code")
@click.argument("url", required=False, default="")
@passed
def tell(session: Session, code: str, url: str) -> None:
    """Tell the system of its tasks at URL (signed webhooks); without URL, tell it nothing any more. The secret is shown once."""
    session.unlock()
    from tansiq.node.clients import actions

    issued = actions.tell_at(code, url, actor=ACTOR, now=now())
    words = f"Notices go to {url}\nSecret (shown once): {issued.secret}" if url else f"Client {code} is told nothing."
    session.tell({"client": code, "url": url, "secret": issued.secret}, words)


@client.command("list")
@passed
def list_clients(session: Session) -> None:
    """Every client: its scopes, until when its token holds, when it last called, and what it was not told yet."""
    session.unlock()
    from tansiq.node.clients import queries

    owed = queries.owed_counts()
    rows: list[dict[str, Any]] = [
        {
            "client": one.code,
            "title": one.title,
            "unit": one.officer.unit.code if one.officer.unit else "",
            "scopes": one.scopes,
            "per_minute": one.per_minute,
            "expires_at": one.expires_at,
            "revoked_at": one.revoked_at,
            "used_at": one.used_at,
            "url": one.url,
            "owed": owed.get(one.code, 0),
        }
        for one in queries.clients()
    ]
    session.tell(
        rows,
        lambda: table(
            [
                (
                    r["client"],
                    r["unit"],
                    ",".join(r["scopes"]),
                    _until(r),
                    r["used_at"] or "",
                    r["url"],
                    r["owed"] or "",
                )
                for r in rows
            ],
            ["client", "unit", "scopes", "until", "last call", "told at", "owed"],
        ),
    )


def _until(row: dict[str, Any]) -> str:
    return "revoked" if row["revoked_at"] else f"{row['expires_at']:%Y-%m-%d}"


def _tell_token(session: Session, issued: Any) -> None:
    value = {
        "client": issued.client.code,
        "token": issued.token,
        "scopes": issued.client.scopes,
        "expires_at": issued.client.expires_at,
    }
    session.tell(value, f"Token of {issued.client.code} (shown once): {issued.token}")


COMMANDS = {"client": client}
