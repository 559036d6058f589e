"""Alerts in force, at a terminal. Issuing, extending, cancelling and reporting a hit are acts like any other: ``tansiq dossier``."""

from __future__ import annotations

from typing import Any

import click

from tansiq.node.cli.session import Session, now, passed, table


@click.group()
def alert() -> None:
    """Alerts in force here."""


@alert.command("list")
@click.option("--class", "alert_class", default="", help="only of this class, e.g. wanted_arrest")
@click.option("--issuer", default="", help="only what this node has issued")
@passed
def listed(session: Session, alert_class: str, issuer: str) -> None:
    """Every alert in force, those that end first before the others, with your circles' hits on them."""
    officer = session.officer()
    from tansiq.node.search import alerts

    rows = list(alerts.alerts_for(officer, now=now(), alert_class=alert_class, issuer=issuer))
    hits = alerts.hits_for(officer, [row.dossier_id for row in rows])
    found = [
        {
            "dossier": row.dossier_id,
            "class": row.alert_class,
            "asks": row.asks,
            "issuer": row.issuer,
            "expires_at": row.expires_at,
            "review_at": row.review_at,
            "hits": [{"dossier": hit.dossier_id, "phase": hit.phase} for hit in hits.get(row.dossier_id, [])],
        }
        for row in rows
    ]
    session.tell(found, lambda: _told(found))


def _told(found: list[dict[str, Any]]) -> str:
    rows = [(f["class"], f["asks"], f["issuer"], f["expires_at"], len(f["hits"]), f["dossier"][:12]) for f in found]
    return table(rows, ["class", "asks", "issuer", "expires", "hits", "dossier"])


COMMANDS = {"alert": alert}
