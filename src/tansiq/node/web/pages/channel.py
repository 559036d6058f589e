"""Direct lines as they are shown: the list, a line as a conversation, and the call that rings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from tansiq.engine.formats.times import parse_time
from tansiq.engine.kinds import channel_calls
from tansiq.node.desk import queries as desk
from tansiq.node.dossiers import queries
from tansiq.node.exchange.queries import delivery_of, links
from tansiq.node.partners.queries import my_id, opened, partners
from tansiq.node.web import words
from tansiq.node.web.pages.dossier import entries_shown

if TYPE_CHECKING:
    from datetime import datetime

    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Dossier

KIND = "channel"
MAX_LINES = 200
SAID_SHOWN = 100
"""Of a line, what stands on one page; the newest is on the first."""
SPOKEN = frozenset({"open", "message", "call"})


def lines_shown(officer: Officer) -> list[dict[str, Any]]:
    """Every line the officer may see: those with a call first, then those with something unread, then the newest."""
    names, held, me = words.node_names(), links(), my_id()
    rows = list(queries.dossiers_for(officer, kind_name=KIND).defer(None)[:MAX_LINES])
    unread = queries.unread_in([row.dossier_id for row in rows])
    found = [_line(row, names, held, me, unread.get(row.dossier_id, 0)) for row in rows]
    return sorted(found, key=lambda line: (not line["calls"], not line["unread"], -line["changed_at"].timestamp()))


def _line(row: Dossier, names: Mapping[str, str], held: Mapping[str, Any], me: str, unread: int) -> dict[str, Any]:
    state = queries.folded_of(row).state
    others = [party for party in row.participants if party != me]
    return {
        "dossier": row.dossier_id,
        "title": row.title or "",
        "partners": words.named(others, names),
        "phase": row.phase,
        "changed_at": row.changed_at,
        "unread": unread,
        "calls": channel_calls.calls_open(state),
        "is_waiting": any(held.get(party, {}).get("failures") for party in others),
        "waiting": [names.get(p, p) for p in others if held.get(p, {}).get("waiting") and held[p].get("failures")],
    }


def conversation(read: Mapping[str, Any], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The line by days, oldest first: what was said on either side, and what happened between."""
    days: list[dict[str, Any]] = []
    shown = reversed(entries_shown(read, names))
    for raw, entry in zip(read["entries"], shown, strict=True):
        day = timezone.localtime(raw["at"]).date()
        if not days or days[-1]["day"] != day:
            days.append({"day": day, "entries": []})
        entry |= {"act": raw["act"], "is_said": raw["act"] in SPOKEN, "is_threat": bool(raw["codes"].get("threat"))}
        entry["sources"] = _sources(raw) if raw["act"] in SPOKEN else []
        days[-1]["entries"].append(entry)
    return days


def _sources(raw: Mapping[str, Any]) -> list[int]:
    """The parts of an entry that can become a request or a report: its words."""
    return [part["index"] for part in raw["parts"] if not part["erased"] and part["type"] == "narrative"]


def calls_shown(read: Mapping[str, Any], names: Mapping[str, str], *, now: datetime) -> list[dict[str, Any]]:
    """Every open call: whose, why, until when, and for each party how far it is; with the telephone where it has not arrived."""
    me, contacts = my_id(), {row.node_id: opened(row).contact for row in partners()}
    evidence = delivery_of(call["call"] for call in read["view"]["calls"])
    return [
        {
            "call": call["call"],
            "by": names.get(call["by"], call["by"]),
            "is_own": call["by"] == me,
            "is_for_me": me in call["parties"],
            "at": parse_time(call["at"]),
            "until": parse_time(call["until"]),
            "is_over": parse_time(call["until"]) <= now,
            "urgency": words.list_label("urgency_grounds", call["urgency"]),
            "parties": [
                _party(party, ring, call, names, contacts, evidence.get(call["call"], []))
                for party, ring in call["parties"].items()
            ],
        }
        for call in read["view"]["calls"]
    ]


def _party(
    party: str,
    ring: Mapping[str, Any] | None,
    call: Mapping[str, Any],
    names: Mapping[str, str],
    contacts: Mapping[str, Any],
    evidence: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    way = next((row for row in evidence if row["partner"] == party), None)
    contact = contacts.get(party)
    return {
        "name": names.get(party, party),
        "rank": ring["rank"] if ring else None,
        "is_last": bool(ring) and ring["rank"] == channel_calls.LAST_RANK if ring else False,
        "since": parse_time(ring["since"]) if ring else None,
        "next": parse_time(ring["next"]) if ring and ring["next"] else None,
        "delivered_at": way["delivered_at"] if way else None,
        "queued_at": way["queued_at"] if way else parse_time(call["at"]),
        "is_undelivered": way is not None and way["delivered_at"] is None,
        "phone": contact.phone if contact else None,
    }


def answers_shown(read: Mapping[str, Any], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Who answered the last call, and who missed it, by party."""
    found = []
    for what in ("acknowledged", "missed"):
        for party, write in read["view"][what].items():
            entry = next((one for one in read["entries"] if one["entry"] == write["entry"]), None)
            who = _named(entry) if entry else ""
            found.append({"what": what, "name": names.get(party, party), "at": parse_time(write["at"]), "who": who})
    return sorted(found, key=lambda one: one["at"])


def _named(entry: Mapping[str, Any]) -> str:
    """The officer as they named themselves when they answered."""
    told = [
        part["content"]["name"] for part in entry["parts"] if not part["erased"] and part["type"] == "contact_point"
    ]
    return str(told[0]) if told else str(entry["by"])


def fingerprint(row: Dossier) -> str:
    """What changes when a line looks different: its entries, their way to the partners, what was opened there."""
    evidence = delivery_of(row.entries.filter(is_own=True).values_list("entry_id", flat=True))
    ways = sorted(f"{reference}{way['partner']}{way['state']}" for reference, rows in evidence.items() for way in rows)
    return hashlib.sha256("|".join([row.dossier_id, str(row.entry_count), *ways]).encode()).hexdigest()[:16]


def ringing_for(officer: Officer, *, now: datetime) -> dict[str, Any]:
    """The calls that ring at this officer now, and what tells one such list from another."""
    tasks = desk.list_for(officer, now=now, kinds=["call"], limit=5, snoozed=True).tasks
    names = words.node_names()
    found = [_ring(task, names) for task in tasks]
    calls = [call for call in found if call]
    name = hashlib.sha256("|".join(call["call"] for call in calls).encode()).hexdigest()[:16] if calls else "none"
    return {"calls": calls, "fingerprint": name}


def _ring(task: Any, names: Mapping[str, str]) -> dict[str, Any]:
    call = task.key.split("/")[1]
    row = queries.entry_by_id(call)
    if row is None:
        return {}
    return {
        "call": call,
        "dossier": row.dossier_id,
        "partner": names.get(str(task.facts["partner"]), str(task.facts["partner"])),
        "urgency": words.list_label("urgency_grounds", str(task.facts["urgency"])),
        "at": row.at,
        "came_at": row.recorded_at,
    }
