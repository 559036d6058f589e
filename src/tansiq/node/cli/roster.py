"""Commands for the duty roster: who answers a call at which hour, who is away, and when nobody stands."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import click

from tansiq.engine.errors import Rejected
from tansiq.node.cli.session import Session, now, passed, table


@click.group()
def roster() -> None:
    """The duty roster of each unit: three ranks, called one after another."""


def instant(text: str) -> datetime:
    """A time as a person writes it, ``2026-11-25T20:00``: in the node's time zone unless it names another."""
    from django.conf import settings

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Rejected("account.time_unreadable", time=text[:40]) from None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(settings.NODE.time_zone))


@roster.command("add")
@click.argument("unit")
@click.argument("username")
@click.option("--rank", type=int, default=1, show_default=True, help="1 is called first, then 2, then 3")
@click.option("--from", "start", required=True, help="2026-11-25T20:00, in the node's time zone")
@click.option("--until", "end", required=True)
@click.option("--weeks", type=int, default=1, show_default=True, help="the same hours in so many weeks")
@passed
def add(session: Session, unit: str, username: str, rank: int, start: str, end: str, weeks: int) -> None:
    """Put USERNAME on the roster of UNIT."""
    session.unlock()
    from tansiq.node.accounts import actions

    told = {"rank": rank, "starts_at": instant(start), "ends_at": instant(end), "weeks": weeks}
    made = actions.add_shifts(unit, username, **told, actor="administrator", now=now())  # type: ignore[arg-type]
    session.tell({"shifts": [shift.pk for shift in made]}, f"{len(made)} shifts of {username} in rank {rank}.")


@roster.command("remove")
@click.argument("shift", type=int)
@passed
def remove(session: Session, shift: int) -> None:
    """Take a shift off the roster, by its number."""
    session.unlock()
    from tansiq.node.accounts import actions

    actions.remove_shift(shift, actor="administrator", now=now())
    session.tell({"removed": shift}, f"Shift {shift} removed.")


@roster.command("absent")
@click.argument("username")
@click.option("--from", "start", required=True)
@click.option("--until", "end", required=True)
@click.option("--replaced-by", "replacement", default="", help="who takes the rank meanwhile")
@passed
def absent(session: Session, username: str, start: str, end: str, replacement: str) -> None:
    """USERNAME is away from their shifts."""
    session.unlock()
    from tansiq.node.accounts import actions

    times = {"starts_at": instant(start), "ends_at": instant(end)}
    actions.add_absence(username, replacement=replacement, **times, actor="administrator", now=now())
    session.tell({"absent": username}, f"{username} is absent until {end}.")


@roster.command("list")
@click.argument("unit")
@click.option("--days", type=int, default=7, show_default=True)
@passed
def list_shifts(session: Session, unit: str, days: int) -> None:
    """The shifts of UNIT from now on, and the hours in which nobody stands."""
    session.start()
    from tansiq.node.accounts import roster as held

    start = now()
    end = start + timedelta(days=days)
    shifts = held.shifts_between(unit, start, end)
    gaps = held.gaps(unit, start, end)
    value = {
        "on_duty": [{"rank": one.rank, "officer": one.officer.username} for one in held.on_duty(unit, start)],
        "shifts": [
            {"shift": s.pk, "rank": s.rank, "officer": s.officer.username, "from": s.starts_at, "until": s.ends_at}
            for s in shifts
        ],
        "gaps": [{"rank": gap.rank, "from": gap.starts_at, "until": gap.ends_at} for gap in gaps],
    }
    rows = [(s.pk, s.rank, str(s.officer), f"{s.starts_at:%F %H:%M}", f"{s.ends_at:%F %H:%M}") for s in shifts]
    rows += [("", gap.rank, "nobody", f"{gap.starts_at:%F %H:%M}", f"{gap.ends_at:%F %H:%M}") for gap in gaps]
    session.tell(value, lambda: table(sorted(rows, key=lambda row: row[3]), ["shift", "rank", "who", "from", "until"]))


COMMANDS = {"roster": roster}
