"""Plans and their conflicts at a terminal: what a unit means to do where and when, and who means to do something near."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tansiq.node.cli.session import Session, now, passed, table

if TYPE_CHECKING:
    from tansiq.node.deconfliction.models import Conflict, Plan

ADD_HELP = """Record the plan in FILE (JSON, or a GeoJSON Feature; "-" reads standard input) and ask every partner whose accord allows it.

\b
Example:
  {"kind": "arrest", "reference": "PV 2026/1107",
   "geometry": {"type": "Point", "coordinates": [2.3522, 48.8566]}, "buffer_m": 800,
   "from": "2026-11-22T20:00:00+01:00", "to": "2026-11-22T23:00:00+01:00",
   "subjects": [{"names": ["Samir Talbi"], "birth_dates": ["1984-03-17"], "identifiers": [["phone", "+212600000417"]]}],
   "contact": {"name": "Duty desk", "phone": "+33 1 00 00 00 11"}}

\b
kind           operation, surveillance, controlled_delivery, arrest, undercover_meeting
geometry       Point, LineString or Polygon, longitude before latitude
is_district    true where no more than the district is known
times          for a LineString: one instant for each position, instead of from and to
before_min, after_min, buffer_m   taken from the kind where they are left out
leave_out, reason   partners that shall not be asked: a supervisor decides in writing
"""


@click.group()
def plans() -> None:
    """Plans of your circles: enter, move, ask again, cancel."""


@plans.command("add", help=ADD_HELP)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--circle", default="", help="unit:… or team:…; your unit if left out")
@click.option("--dry-run", is_flag=True, help="say what would be asked of whom, record nothing, ask nobody")
@passed
def add(session: Session, file: str, circle: str, dry_run: bool) -> None:
    officer = session.officer()
    from tansiq.node.flows import planning

    entered = planning.read_plan(_read(file))
    if dry_run:
        _tell_preview(session, planning.consider(officer, entered, now=now()))
        return
    _tell(session, planning.add(officer, entered, circle=circle, now=now()))


@plans.command("list")
@click.option("--all", "every", is_flag=True, help="also what is over or cancelled")
@click.option("--jsonl", is_flag=True, help="one JSON object a line")
@passed
def list_(session: Session, every: bool, jsonl: bool) -> None:
    """Your circles' plans, the earliest first."""
    officer = session.officer()
    from tansiq.node.deconfliction.queries import plans_for

    at = now()
    rows = list(plans_for(officer, now=None if every else at))
    if jsonl:
        session.tell_lines(_plan(row) for row in rows)
        return
    head = ["plan", "from", "to", "kind", "status", "reference"]
    session.tell(
        [_plan(row) for row in rows],
        lambda: table(
            [(str(r.plan_id), r.begins_at, r.ends_at, r.kind, r.status_at(at), r.reference) for r in rows], head
        ),
    )


@plans.command("show")
@click.argument("plan")
@passed
def show(session: Session, plan: str) -> None:
    """One plan, and where it stands with each partner."""
    officer = session.officer()
    from tansiq.node.deconfliction.queries import get_plan_for

    _tell(session, get_plan_for(officer, plan))


@plans.command("move")
@click.argument("plan")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@passed
def move(session: Session, plan: str, file: str) -> None:
    """Put PLAN where and when FILE says (as for "add"); every partner is asked anew."""
    officer = session.officer()
    from tansiq.node.flows import planning

    _tell(session, planning.move(officer, plan, planning.read_plan(_read(file)), now=now()))


@plans.command("cancel")
@click.argument("plan")
@passed
def cancel(session: Session, plan: str) -> None:
    """Give PLAN up; only partners who met it hear of that."""
    officer = session.officer()
    from tansiq.node.flows import planning

    _tell(session, planning.cancel(officer, plan, now=now()))


@plans.command("finish")
@click.argument("plan")
@passed
def finish(session: Session, plan: str) -> None:
    """PLAN is done. Its conflicts must have been resolved."""
    officer = session.officer()
    from tansiq.node.flows import planning

    _tell(session, planning.finish(officer, plan, now=now()))


@plans.command("check")
@click.argument("plan")
@passed
def check(session: Session, plan: str) -> None:
    """Ask again whoever could not be asked about PLAN, or may be asked by now."""
    officer = session.officer()
    from tansiq.node.flows import planning

    _tell(session, planning.check(officer, plan, now=now()))


@plans.command("decide")
@click.argument("plan")
@click.option("--grant/--refuse", required=True, help="whether the partners named in the plan stay unasked")
@click.option("--reason", required=True, help="in writing; it is kept with the plan")
@passed
def decide(session: Session, plan: str, grant: bool, reason: str) -> None:
    """A supervisor's decision on the exception that PLAN asks for."""
    officer = session.officer()
    from tansiq.node.flows import planning

    decided = planning.decide_exception(officer, plan, granted=grant, reason=reason, now=now())
    session.tell({"plan": str(decided.plan_id), "exception": decided.exception}, lambda: decided.exception)


@plans.command("asked")
@click.option("--partner", default="", help="of this partner only")
@click.option("--jsonl", is_flag=True, help="one JSON object a line")
@passed
def asked(session: Session, partner: str, jsonl: bool) -> None:
    """Who asked this node about plans, how much and when; what they asked, nobody here can know."""
    officer = session.officer()
    from tansiq.node.deconfliction.queries import asked_of_us

    rows = list(asked_of_us(officer, partner=partner)[:1000])
    told = [
        {
            "query": str(row.query_id),
            "partner": row.partner,
            "level": row.level,
            "asked_by": row.asked_by,
            "elements": row.elements,
            "cost": row.cost,
            "outcome": row.outcome,
            "code": row.code,
            "received_at": row.received_at,
        }
        for row in rows
    ]
    if jsonl:
        session.tell_lines(told)
        return
    head = ["received", "partner", "officer", "level", "cell-hours", "answer"]
    session.tell(
        told,
        lambda: table(
            [(r.received_at, r.partner, r.asked_by, r.level, r.cost, r.code or r.outcome) for r in rows], head
        ),
    )


@plans.command("ratios")
@click.option("--days", default=30, show_default=True)
@passed
def ratios(session: Session, days: int) -> None:
    """For auditors: how many questions each officer's plans came to and how many met, here and of partners."""
    officer = session.officer()
    from tansiq.node.deconfliction.queries import hit_ratios, ratios_of_partners

    since = now() - timedelta(days=days)
    rows = [*hit_ratios(officer, since=since), *ratios_of_partners(officer, since=since)]
    told = [
        {"officer": r.officer, "partner": r.partner, "questions": r.questions, "cost": r.cost, "hits": r.hits}
        for r in rows
    ]
    head = ["officer", "partner", "questions", "cell-hours", "hits", "share"]
    session.tell(
        told,
        lambda: table([(r.officer, r.partner, r.questions, r.cost, r.hits, f"{r.share:.0%}") for r in rows], head),
    )


@click.group()
def conflicts() -> None:
    """Conflicts of your circles' plans; acts in their dossiers are done with "tansiq dossier act"."""


@conflicts.command("list")
@click.option("--open", "open_only", is_flag=True, help="only those that are not settled")
@click.option("--jsonl", is_flag=True, help="one JSON object a line")
@passed
def list_conflicts(session: Session, open_only: bool, jsonl: bool) -> None:
    """Which plans meet, how, from when to when, and in which dossier."""
    officer = session.officer()
    from tansiq.node.deconfliction.queries import conflicts_for

    rows = list(conflicts_for(officer, open_only=open_only))
    if jsonl:
        session.tell_lines(_conflict(row) for row in rows)
        return
    head = ["conflict", "state", "partner", "how", "from", "to", "dossier"]
    session.tell(
        [_conflict(row) for row in rows],
        lambda: table(
            [
                (
                    str(r.conflict_id),
                    r.state,
                    r.partner or "-",
                    ", ".join(r.levels),
                    r.begins_at,
                    r.ends_at,
                    r.dossier_id,
                )
                for r in rows
            ],
            head,
        ),
    )


@conflicts.command("show")
@click.argument("conflict")
@passed
def show_conflict(session: Session, conflict: str) -> None:
    """One conflict; between two units of this node also whom to call."""
    officer = session.officer()
    from tansiq.node.deconfliction.queries import get_conflict_for
    from tansiq.node.flows.planning import contact_of_other

    row = get_conflict_for(officer, conflict)
    told = {**_conflict(row), "call": contact_of_other(officer, row)}
    session.tell(told, lambda: table(sorted((name, str(value)) for name, value in told.items()), ["", ""]))


@conflicts.command("settle")
@click.argument("conflict")
@click.option("--outcome", required=True, type=click.Choice(["proceed", "joint", "delay", "cancel"]))
@click.option("--reason", required=True)
@passed
def settle(session: Session, conflict: str, outcome: str, reason: str) -> None:
    """What two units of this node have agreed; a conflict with a partner is settled in its dossier."""
    officer = session.officer()
    from tansiq.node.flows import planning

    planning.settle_local(officer, conflict, outcome=outcome, reason=reason, now=now())
    session.tell({"conflict": conflict, "outcome": outcome}, lambda: outcome)


def _read(file: str) -> Any:
    from tansiq.engine.formats import strict_json

    raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    return strict_json.loads(raw, limits=strict_json.Limits(allow_floats=True))


def _plan(row: Plan) -> dict[str, Any]:
    from tansiq.node.deconfliction.queries import asked_for

    return {
        "plan": str(row.plan_id),
        "version": row.version,
        "kind": row.kind,
        "reference": row.reference,
        "from": row.begins_at,
        "to": row.ends_at,
        "status": row.status_at(now()),
        "place": row.place,
        "circle": row.circle,
        "exception": row.exception,
        "partners": [
            {"partner": one.partner, "state": one.state, "code": one.code, "clause": one.clause}
            for one in asked_for(row)
        ],
    }


def _conflict(row: Conflict) -> dict[str, Any]:
    return {
        "conflict": str(row.conflict_id),
        "plan": str(row.plan_id),
        "partner": row.partner,
        "levels": row.levels,
        "from": row.begins_at,
        "to": row.ends_at,
        "state": row.state,
        "outcome": row.outcome,
        "dossier": row.dossier_id,
    }


def _tell(session: Session, row: Plan) -> None:
    told = _plan(row)
    head = f"{told['plan']}  {told['status']}  {row.reference}"
    rows = [(one["partner"], one["state"], one["clause"] or one["code"]) for one in told["partners"]]
    session.tell(told, lambda: f"{head}\n\n{table(rows, ['partner', 'answer', 'clause'])}")


def _tell_preview(session: Session, preview: Any) -> None:
    told = {
        "coarse": preview.coarse,
        "fine": preview.fine,
        "subject_keys": preview.subject_keys,
        "costs": dict(preview.costs),
        "refused": {partner: list(why) for partner, why in preview.refused.items()},
    }
    rows = [
        *((p, str(cost)) for p, cost in preview.costs.items()),
        *((p, why[0]) for p, why in preview.refused.items()),
    ]
    head = f"{preview.coarse} coarse and {preview.fine} fine cells, {preview.subject_keys} subject keys"
    session.tell(told, lambda: f"{head}\n\n{table(rows, ['partner', 'cell-hours'])}")


COMMANDS = {"plans": plans, "conflicts": conflicts}
