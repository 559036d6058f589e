"""A hit on an alert, between the authority that met its subject and the one that issued it; nobody else ever sees it.

The dossier cites the alert. A hit is a presumption: **nothing coercive is done before the issuing authority has confirmed** that
this is the subject, that the alert still stands, and which measure may now be taken (compare the consultation that follows a hit in
the Schengen Information System; the twelve hours for the answer are general knowledge of its practice). The measure that was
executed cannot even be reported before, nor another than the one confirmed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from tansiq.engine.dossiers import acts, clocks
from tansiq.engine.dossiers.acts import ActSpec, Codes, EntryId, PartsRule, Submission, TimeText
from tansiq.engine.dossiers.calendars import Calendar, add_hours
from tansiq.engine.dossiers.kind import ABOUT, Deadline, Kind, MachineAct, prevailing
from tansiq.engine.dossiers.states import State
from tansiq.engine.formats.json_values import JsonValue
from tansiq.engine.formats.times import format_time, parse_time

REPORTING, ISSUING = frozenset({"reporting"}), frozenset({"issuing"})
HOURS_TO_CONFIRM = 12
TOLD = frozenset({"narrative", "subject", "location", "file", "photograph", "fingerprints", "translation"})


class Hit(Codes):
    """How sure, and what the alert is for: the purpose binds what follows."""

    strength: Literal["certain", "probable", "possible"]
    purpose: acts.ListedCode
    crime_area: acts.ListedCode | None = None
    urgency: acts.ListedCode | None = None


class Due(Codes):
    """Until when the issuing authority says whether it is a hit."""

    due: TimeText


class ConfirmHit(Codes):
    """The measure that may now be taken, and until when its outcome is awaited."""

    measure: acts.ListedCode
    due: TimeText


class Dismiss(Codes):
    """Why it is none."""

    ground: Literal["another_subject", "alert_ended", "not_enough_known"]


class Tell(Codes):
    """The question that is answered."""

    question: EntryId


class Execute(Codes):
    """The confirmed measure, and what became of it."""

    measure: acts.ListedCode
    outcome: Literal["done", "done_in_part", "not_possible"]


def _confirmed_measure(given: Submission) -> str | None:
    """Only what the issuing authority has confirmed."""
    return None if given.state.value("measure") == given.code("measure") else "alert_hit.measure_not_confirmed"


class AlertHit(Kind):
    """The authority that met the subject, and the one that issued the alert; the issuing one settles conflicts."""

    name = "alert_hit"
    ROLES = ("reporting", "issuing")
    RESOLVER = ISSUING
    ACTS = {
        "hit": ActSpec(
            by=REPORTING,
            codes=Hit,
            parts=PartsRule(frozenset({"narrative"}), TOLD),
            effects=(acts.puts(ABOUT, "purpose", "crime_area", "urgency"), acts.puts("strength", "strength")),
            opening=True,
        ),
        "received": ActSpec(
            by=ISSUING, codes=Due, effects=(clocks.puts_due, acts.puts("received")), machine=True, closing=True
        ),
        "ask_more": ActSpec(
            by=ISSUING, parts=PartsRule(required=frozenset({"question"})), effects=(acts.opens("questions"),)
        ),
        "tell_more": ActSpec(
            by=REPORTING,
            codes=Tell,
            parts=PartsRule(frozenset({"narrative"}), TOLD),
            names={"question": frozenset({"ask_more"})},
            when=acts.has_open("questions"),
            rule=acts.must_be_open("questions", "question"),
            effects=(acts.closes("questions", "question"),),
        ),
        "confirm_hit": ActSpec(
            by=ISSUING,
            codes=ConfirmHit,
            parts=PartsRule(allowed=TOLD),
            effects=(acts.puts("measure", "measure"), acts.puts("until", "due")),
        ),
        "dismiss": ActSpec(
            by=ISSUING,
            codes=Dismiss,
            parts=PartsRule(allowed=frozenset({"narrative"})),
            effects=(acts.puts("dismissed", "ground"),),
            closing=True,
        ),
        "withdraw": ActSpec(by=REPORTING, parts=PartsRule(allowed=frozenset({"narrative"})), closing=True),
        "stop": ActSpec(by=ISSUING, parts=PartsRule(allowed=frozenset({"narrative"})), closing=True),
        "execute": ActSpec(
            by=REPORTING,
            codes=Execute,
            parts=PartsRule(frozenset({"narrative"}), TOLD),
            rule=_confirmed_measure,
            effects=(acts.puts("executed", "measure", "outcome"),),
            closing=True,
        ),
    }
    TRANSITIONS = {
        ("new", "hit"): "reported",
        **{("reported", act): "reported" for act in ("received", "ask_more", "tell_more")},
        ("reported", "confirm_hit"): "confirmed",
        ("reported", "dismiss"): "dismissed",
        ("reported", "withdraw"): "withdrawn",
        **{("confirmed", act): "confirmed" for act in ("received", "ask_more", "tell_more")},
        ("confirmed", "withdraw"): "withdrawn",
        ("confirmed", "stop"): "stopped",
        ("confirmed", "execute"): "executed",
        ("executed", "received"): "executed",
        ("withdrawn", "received"): "withdrawn",
    }
    CONCURRENT = prevailing(("execute", "resolve"), ("stop",), ("withdraw",), ("dismiss", "confirm_hit"))
    """What was done was done. Else whatever ends the coercion prevails over what permits it."""
    CLOSED = frozenset({"dismissed", "withdrawn", "stopped", "executed"})
    CODE_LISTS = {
        "hit.purpose": "purposes",
        "hit.crime_area": "crime_areas",
        "hit.urgency": "urgency_grounds",
        "confirm_hit.measure": "alert_measures",
        "execute.measure": "alert_measures",
    }

    def machine_acts(self, state: State, me: str, now: datetime, calendar: Calendar) -> list[MachineAct]:
        """``received`` at once, with the instant until which the hit is confirmed or dismissed."""
        del calendar
        if self.role_of(state, me) != "issuing" or state.latest("received"):
            return []
        if not self.is_offered("received", self.phase(state)):
            return []
        return [MachineAct("received", {"due": format_time(add_hours(now, HOURS_TO_CONFIRM))}, "alert_hit:confirm")]

    def deadlines(self, state: State) -> list[Deadline]:
        """The issuing authority's word while the hit waits for it; the outcome once it is confirmed."""
        phase, due, until = self.phase(state), clocks.due_at(state), state.value("until")
        issuing = next(party for party in state.participants if party != state.opener)
        if phase == "reported" and due is not None:
            return [Deadline("confirm_hit", due, issuing, "alert_hit:confirm")]
        if phase == "confirmed" and until is not None:
            return [Deadline("execute", parse_time(until), state.opener, "alert_hit:execute")]
        return []

    def shown(self, state: State) -> dict[str, JsonValue]:
        """How sure, whether anything coercive may be done, which measure, and what became of it."""
        return {
            "about": state.value(ABOUT),
            "strength": state.value("strength"),
            "is_coercion_permitted": self.phase(state) == "confirmed",
            "measure": state.value("measure"),
            "dismissed": state.value("dismissed"),
            "questions": [write.shown() for write in state.writes("questions")],
            "executed": state.value("executed"),
        }


KIND = AlertHit()
