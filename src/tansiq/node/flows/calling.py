"""Urgent calls on a direct line: ringing, going up the duty roster, being answered or missed.

::

    call arrives ──▶ job ring ──▶ ringing (rank 1) ──▶ tasks of who is on duty ──▶ job ring at ``next``
                                                              │                          │
                                            acknowledge ◀─────┤                          ▼
                                            end_call ─────────┤              escalated (rank 2, 3, everybody)
                                                              ▼
                                                   tasks settled, or *missed* on the desk

What is owed follows from the state and the time (``channel_calls.owed``); the job only looks. Killed anywhere, the next run finds the same
state and goes on. When the next rank is due is counted from the signed ``ringing``, so a restart moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from tansiq.engine.dossiers.entries import SignedEntry
from tansiq.engine.kinds import channel_calls
from tansiq.node.accounts import roster
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import queries
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners.queries import my_id

if TYPE_CHECKING:
    from tansiq.engine.dossiers.states import State
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Dossier

RING_JOB = "flows.ring"


def ring(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.ring``: sign what this node's machine owes to the calls of a line, and come again when more is owed."""
    from tansiq.node.flows.act import act_as_owed

    dossier = queries.dossier_by_id(str(payload["dossier"]))
    if dossier is None:
        return
    me = my_id()
    for owed in channel_calls.owed(queries.folded_of(dossier).state, me, now, settings.NODE.escalation):
        # Refused where the call was answered or ended in this moment, or may not be answered here.
        if not act_as_owed(dossier, owed, now=now):
            return
    dossier = queries.dossier_by_id(dossier.dossier_id)
    if dossier is not None:
        with transaction.atomic():
            _come_again(dossier, queries.folded_of(dossier).state, now)


def _come_again(dossier: Dossier, state: State, now: datetime) -> None:
    """Owe the job that looks at the line's calls when something is next due; at once where it already is."""
    me = my_id()
    at = now if channel_calls.owed(state, me, now, settings.NODE.escalation) else channel_calls.next_owed_at(state, me)
    if at is not None:
        enqueue(RING_JOB, {"dossier": dossier.dossier_id}, now=now, run_at=at, key=f"ring/{dossier.dossier_id}")


def follow_calls(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    """What follows from an entry for the calls of its line, in the transaction that appends it."""
    state, header = queries.folded_of(dossier).state, entry.header
    call = str(header.codes.get("call") or entry.entry_id)
    if header.act == "call" or header.act in ("ringing", "escalated"):
        _come_again(dossier, state, now)
    if header.author == my_id() and header.act in ("ringing", "escalated"):
        _put_before(dossier, state, call, now)
    if header.act in ("acknowledge", "missed", "end_call"):
        _settle(dossier, state, entry, call, now)


def _put_before(dossier: Dossier, state: State, call: str, now: datetime) -> None:
    """The call lies before everybody whom it rings at by now, each by name; where the roster is empty, before all."""
    waiting = next((one for one in channel_calls.calls_open(state) if one["call"] == call), None)
    rung = waiting and waiting["parties"].get(my_id())
    if not waiting or not rung:
        return
    called = _called(dossier, int(rung["rank"]), now)
    facts = {"partner": waiting["by"], "urgency": waiting["urgency"]}
    link = f"/channels/{dossier.dossier_id}"
    common: dict[str, Any] = {"circle": dossier.circle, "link": link, "urgent": True, "now": now}
    for officer in called.officers:
        key = f"call/{call}/{officer.reference}"
        desk.put("call", key, title_code="desk.call", facts=facts, owner=officer.reference, **{**common, "circle": ""})
    if called.is_unmanned:
        key = f"roster_empty/{call}"
        desk.put("roster_empty", key, title_code="desk.roster_empty", facts={"partner": waiting["by"]}, **common)


class _Called:
    """Whom a call rings at, and whether the roster named nobody."""

    def __init__(self, officers: Iterable[Officer], *, is_unmanned: bool) -> None:
        self.officers = list({officer.pk: officer for officer in officers}.values())
        self.is_unmanned = is_unmanned


def _called(dossier: Dossier, rank: int, now: datetime) -> _Called:
    """Every rank up to this one; everybody of the circle at the last, or where nobody stands in the first ranks."""
    unit = dossier.circle.removeprefix("unit:") if dossier.circle.startswith("unit:") else ""
    standing = [one for one in roster.on_duty(unit, now) if one.rank <= rank] if unit else []
    on_duty = [one.officer for one in standing]
    if rank < channel_calls.LAST_RANK and on_duty:
        return _Called(on_duty, is_unmanned=False)
    return _Called([*on_duty, *roster.everybody(dossier.circle)], is_unmanned=not on_duty)


def _settle(dossier: Dossier, state: State, entry: SignedEntry, call: str, now: datetime) -> None:
    """The call rings here no longer; if nobody answered, the circle is told what it missed, and the caller who did not."""
    me, header = my_id(), entry.header
    still = {one["call"] for one in channel_calls.calls_open(state) if me in one["parties"]}
    if call not in still:
        desk.settle_all(f"call/{call}/", now=now)
        desk.settle(f"roster_empty/{call}", now=now)
    link, common = f"/channels/{dossier.dossier_id}", {"circle": dossier.circle, "now": now}
    missed = state.latest(f"missed:{me}")
    if missed is not None and missed.entry == entry.entry_id:
        caller = header.author if header.author != me else _caller(call)
        desk.put(
            "call_missed",
            f"call_missed/{call}",
            title_code="desk.call_missed",
            facts={"partner": caller},
            link=link,
            urgent=False,
            **common,
        )
    elif header.act == "missed" and header.author != me and _caller(call) == me:
        desk.put(
            "call_unanswered",
            f"call_unanswered/{call}/{header.author}",
            title_code="desk.call_unanswered",
            facts={"partner": header.author},
            link=link,
            urgent=True,
            **common,
        )


def _caller(call: str) -> str:
    row = queries.entry_by_id(call)
    return row.author if row is not None else ""
