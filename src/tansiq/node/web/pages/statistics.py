"""Figures in words: labels for codes, sums by direction, and what a chart draws of the table beside it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import pgettext

from tansiq.node.dossiers.statistics import RECEIVED, SENT, Ground, Opened, Requests
from tansiq.node.web import words

SUMMED = ("total", "urgent", "answered", "refused", "withdrawn", "open", "overdue")


def direction_word(direction: str) -> str:
    """*Sent* or *Received*, of requests."""
    return pgettext("requests", "sent") if direction == SENT else pgettext("requests", "received")


def totals_of(lines: Iterable[Requests]) -> list[dict[str, Any]]:
    """One line a direction, always both."""
    known = list(lines)
    return [
        {"direction": direction_word(way)}
        | {name: sum(getattr(one, name) for one in known if one.direction == way) for name in SUMMED}
        for way in (SENT, RECEIVED)
    ]


def grounds_shown(grounds: Iterable[Ground]) -> list[dict[str, Any]]:
    """Each ground in words, refusals before deviations."""
    lists = {"refuse": "refusal_grounds", "deviate": "deviation_grounds"}
    return [
        {
            "what": words.act_label("request", one.act),
            "ground": words.list_label(lists[one.act], one.ground),
            "partner": one.partner,
            "direction": direction_word(one.direction),
            "count": one.count,
        }
        for one in sorted(grounds, key=lambda one: (one.act != "refuse", -one.count, one.partner))
    ]


def kinds_shown(kinds: Iterable[Opened]) -> list[dict[str, Any]]:
    """Each kind of dossier by its name."""
    return [{"label": words.kind_label(one.kind), "sent": one.sent, "received": one.received} for one in kinds]


def chart_of(lines: Iterable[Requests]) -> dict[str, Any]:
    """What the chart draws: partners, and how many requests went to and came from each. The table says the same."""
    known = list(lines)
    names = words.node_names()
    partners = list(dict.fromkeys(one.partner for one in known))
    counts = {(one.partner, one.direction): one.total for one in known}
    series = [
        {"name": direction_word(way), "data": [counts.get((partner, way), 0) for partner in partners]}
        for way in (SENT, RECEIVED)
    ]
    return {"partners": [names.get(one, one) for one in partners], "series": series}
