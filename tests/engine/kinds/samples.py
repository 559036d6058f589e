"""One sample at least for every act of every kind that needs codes or parts: what enumeration, federation and vectors
play.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from tansiq.engine.formats.times import format_time
from tests.engine.dossiers.simulated import START, Node
from tests.engine.kinds.enumerate import Samples
from tests.engine.kinds.test_accord import SAMPLES as ACCORD_SAMPLES

LATER = format_time(START + timedelta(days=9))
ASK = {"purpose": "investigation", "crime_area": "0601", "use": "intelligence", "restrictions": "none"}
URGENT = {**ASK, "urgency": "life_or_limb"}


def first(facet: str, code: str, **more: Any) -> Callable[[Node], dict[str, Any] | None]:
    """Codes that name the first entry written or open in a facet; ``{me}`` in its name is the acting node."""

    def codes(node: Node) -> dict[str, Any] | None:
        writes = node.state.writes(facet.replace("{me}", node.name))
        return next(({code: write.entry, **more} for write in writes), None)

    return codes


def opening_entry(**more: Any) -> Callable[[Node], dict[str, Any]]:
    """Codes that name the opening entry."""
    return lambda node: {"entry": node.state.dossier, **more}


def _paused(node: Node) -> dict[str, Any] | None:
    pause = node.state.latest("pause")
    return {"due": LATER, "clarified": pause.entry} if pause else None


COMMON: Samples = {
    "ask_lift": [(opening_entry(code="H1"), ())],
    "decline_lift": [(first("lifts", "ask"), ())],
    "lift": [(opening_entry(code="H1"), ()), (opening_entry(code="H2", part="0" * 64), ())],
    "resolve": [(first("phase", "stands"), ())],
    "not_accepted": [(opening_entry(), ())],
    "revoke": [({"key_id": "0" * 32}, ())],
}

REQUEST: Samples = {
    **COMMON,
    "ask": [(URGENT, ("question", "narrative"))],
    "received": [({"due": LATER}, ())],
    "state_access": [({"access": "indirect", "due": LATER}, ())],
    "assign": [({"unit": "x"}, ())],
    "transfer": [({"unit": "y"}, ())],
    "ask_clarification": [({}, ("question",))],
    "clarify": [(first("clarifications", "question"), ("narrative",))],
    "extend": [(_paused, ())],
    "deviate": [({"ground": "judicial_authorisation", "due": LATER}, ("narrative",))],
    "answer": [({"extent": "full"}, ("narrative",))],
    "refuse": [({"ground": "inaccurate"}, ())],
    "return": [({}, ())],
    "reopen": [({}, ("narrative",))],
}

_PART = "0" * 64

REPORT: Samples = {
    **COMMON,
    "report": [({"purpose": "prevention", "crime_area": "0601"}, ("narrative", "subject"))],
    "supplement": [({}, ("narrative",))],
    "feedback": [({"usefulness": "useful"}, ()), ({"usefulness": "contradicted"}, ("narrative",))],
    "correct": [(opening_entry(part=_PART, due=LATER), ("narrative",))],
    "recall_part": [(opening_entry(part=_PART, due=LATER), ())],
    "recall": [({"due": LATER}, ())],
    "confirm": [(first("owed:{me}", "change"), ())],
    "keep": [(first("owed:{me}", "change", ground="evidence_in_proceedings"), ())],
}

SOON = format_time(START + timedelta(hours=20))
"""Later than any act of a played life, and no longer away than a call may last."""


def _ring(node: Node) -> dict[str, Any] | None:
    called = node.state.writes(f"calling:{node.name}")
    return {"call": called[0].entry, "rank": 1 + node.state.count("messages") % 4, "next": SOON} if called else None


def _ring_further(node: Node) -> dict[str, Any] | None:
    called = node.state.writes(f"calling:{node.name}")
    return {"call": called[0].entry, "rank": 4} if called else None


def _own_call(node: Node) -> dict[str, Any] | None:
    calls = [w for p in node.state.participants for w in node.state.writes(f"calling:{p}") if w.by == node.name]
    return {"call": calls[0].entry} if calls else None


CHANNEL: Samples = {
    **COMMON,
    "open": [({"purpose": "prevention", "threat": "life"}, ("narrative",))],
    "message": [({}, ("narrative", "file")), ({"threat": "life"}, ("narrative", "subject"))],
    "call": [({"urgency": "life_or_limb", "until": SOON}, ())],
    "ringing": [(_ring, ())],
    "escalated": [(_ring_further, ())],
    "acknowledge": [(first("calling:{me}", "call"), ("contact_point",))],
    "missed": [(first("calling:{me}", "call"), ())],
    "end_call": [(_own_call, ())],
}

AT_ONCE = format_time(START + timedelta(seconds=1))
YEAR_LATER = format_time(START + timedelta(days=365))
ALERT: Samples = {
    **COMMON,
    "issue": [
        (
            {
                "alert_class": "vehicle",
                "asks": "hold",
                "purpose": "investigation",
                "expires": AT_ONCE,
                "review": AT_ONCE,
            },
            ("narrative", "subject"),
        )
    ],
    "update": [({}, ("narrative",))],
    "correct": [(opening_entry(part=_PART, due=LATER), ("narrative",))],
    "extend": [({"expires": YEAR_LATER, "review": LATER}, ())],
    "cancel": [({"ground": "found", "due": LATER}, ())],
    "expire": [({"due": LATER}, ())],
    "confirm": [(first("owed:{me}", "change"), ())],
}
"""The alert is over as soon as it is issued, so that an expiry can be played; an extension puts that off."""

ALERT_HIT: Samples = {
    **COMMON,
    "hit": [({"strength": "probable", "purpose": "investigation"}, ("narrative",))],
    "received": [({"due": LATER}, ())],
    "ask_more": [({}, ("question",))],
    "tell_more": [(first("questions", "question"), ("narrative",))],
    "confirm_hit": [({"measure": "hold", "due": LATER}, ()), ({"measure": "report_sighting", "due": LATER}, ())],
    "dismiss": [({"ground": "another_subject"}, ())],
    "execute": [({"measure": "hold", "outcome": "done"}, ("narrative",))],
}


def _proposal_of_another(node: Node) -> dict[str, Any] | None:
    proposals = [w for w in node.state.writes("proposals") if w.by != node.name]
    return {"proposal": proposals[0].entry, "outcome": proposals[0].value} if proposals else None


DECONFLICTION: Samples = {
    **COMMON,
    "meet": [
        (
            {"levels": ["close"], "begins": LATER, "ends": LATER, "acknowledge_by": LATER, "resolve_by": LATER},
            ("contact_point", "plan_marks"),
        )
    ],
    "received": [({}, ("contact_point",))],
    "update": [({"levels": ["close", "subject"], "begins": LATER, "ends": LATER}, ("plan_marks",))],
    "not_met": [({"ground": "moved_or_ended"}, ())],
    "disclose": [({}, ("narrative",))],
    "propose": [({"outcome": "joint"}, ("narrative",)), ({"outcome": "delay"}, ("narrative",))],
    "agree": [(_proposal_of_another, ())],
    "withdraw": [({"ground": "moved"}, ())],
}

CORRESPONDENCE: Samples = {
    **COMMON,
    "enter": [
        (
            {
                "direction": "incoming",
                "channel": "paper",
                "dated": "2026-11-20",
                "purpose": "investigation",
                "due": LATER,
            },
            ("narrative", "subject"),
        )
    ],
    "message": [({"direction": "incoming", "channel": "telephone", "dated": "2026-11-21"}, ("narrative",))],
    "letter": [({}, ("narrative",))],
    "mark_sent": [(first("letters", "letter", channel="diplomatic", sent_on="2026-11-22"), ("narrative",))],
    "reopen": [({}, ("narrative",))],
}

ACCORD: Samples = {**ACCORD_SAMPLES, **{act: given for act, given in COMMON.items() if act != "resolve"}}

SAMPLES: Mapping[tuple[str, int], tuple[Samples, tuple[str, ...]]] = {
    ("accord", 1): (ACCORD, ("fr", "it", "ma")),
    ("request", 1): (REQUEST, ("fr", "ma")),
    ("report", 1): (REPORT, ("fr", "it", "ma")),
    ("channel", 1): (CHANNEL, ("fr", "ma")),
    ("correspondence", 1): (CORRESPONDENCE, ("fr", "ma")),
    ("alert", 1): (ALERT, ("fr", "it", "ma")),
    ("alert_hit", 1): (ALERT_HIT, ("ma", "fr")),
    ("deconfliction", 1): (DECONFLICTION, ("fr", "ma")),
}
"""By kind and version: its samples, and the nodes that play it."""
