"""A message that came, or goes, by another channel: on paper, by telephone or fax, through SIENA or I-24/7.

The other party is an external one (``ext:…``), which has no node and no keys: only this node signs, nothing is ever queued to the
correspondent, and what leaves is printed and carried, then noted as sent by the officer who did it, with channel, date and evidence. No
accord stands behind it: ``decide`` asks the rule of local registration, and what the sender said about the use of its words
stays attached as with a partner's.

Their number and the words of the message are parts, as no header holds free text. ``due`` is what the registering officer owes: the
form proposes eight hours for an urgent message and seven days for any other, as between nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

from tansiq.engine.dossiers import acts
from tansiq.engine.dossiers.acts import ActSpec, Codes, DayText, EntryId, PartsRule, Submission, TimeText
from tansiq.engine.dossiers.kind import ABOUT, Deadline, Kind
from tansiq.engine.dossiers.states import Effect, Put, State
from tansiq.engine.formats.json_values import JsonValue
from tansiq.engine.formats.times import parse_time

REGISTERING = frozenset({"registering"})
LETTER = frozenset({"narrative"})
CONTENT = frozenset({"narrative", "question", "subject", "location", "file", "translation"})


class Message(Codes):
    """One message: which way it went, by which channel, the day on the document, and when it was received."""

    direction: Literal["incoming", "outgoing"]
    channel: acts.ListedCode
    dated: DayText
    received_at: TimeText | None = None


class Enter(Message):
    """The first message, what it is for, and by when it must be answered."""

    purpose: acts.ListedCode
    crime_area: acts.ListedCode | None = None
    urgency: acts.ListedCode | None = None
    due: TimeText | None = None


class Sent(Codes):
    """That a letter left: which one, by which channel, on which day."""

    letter: EntryId
    channel: acts.ListedCode
    sent_on: DayText


def _keeps_due(given: Submission) -> Iterable[Effect]:
    yield Put("due", given.code("due") if given.code("direction") == "incoming" else None)


def _is_letter(given: Submission) -> str | None:
    """What is noted as sent was meant to be sent: a letter, or an outgoing message."""
    letter = given.names("letter")
    waits = letter is not None and given.state.holds("letters", letter.entry_id)
    return None if waits else "kind.not_open"


def _opens_letter(given: Submission) -> Iterable[Effect]:
    if getattr(given.codes, "direction", "outgoing") == "outgoing":
        yield from acts.opens("letters")(given)


class Correspondence(Kind):
    """One registering authority and one correspondent without a node."""

    name = "correspondence"
    HAS_CORRESPONDENT = True
    ROLES = ("registering", "correspondent")
    RESOLVER = REGISTERING
    ACTS = {
        "enter": ActSpec(
            by=REGISTERING,
            codes=Enter,
            parts=PartsRule(LETTER, CONTENT),
            effects=(acts.puts(ABOUT, "purpose", "crime_area", "urgency"), _keeps_due, _opens_letter),
            opening=True,
        ),
        "message": ActSpec(
            by=REGISTERING, codes=Message, parts=PartsRule(LETTER, CONTENT), effects=(acts.counts("messages"),)
        ),
        "letter": ActSpec(by=REGISTERING, parts=PartsRule(LETTER, CONTENT), effects=(_opens_letter,)),
        "mark_sent": ActSpec(
            by=REGISTERING,
            codes=Sent,
            parts=PartsRule(allowed=frozenset({"narrative", "file"})),
            names={"letter": frozenset({"enter", "letter"})},
            when=acts.has_open("letters"),
            rule=_is_letter,
            effects=(acts.closes("letters", "letter"), acts.puts("sent", "channel", "sent_on")),
        ),
        "close": ActSpec(by=REGISTERING, closing=True),
        "reopen": ActSpec(by=REGISTERING, parts=PartsRule(LETTER)),
    }
    TRANSITIONS = {
        ("new", "enter"): "in_hand",
        **{("in_hand", act): "in_hand" for act in ("message", "letter")},
        **{(phase, "mark_sent"): "answered" for phase in ("in_hand", "answered")},
        **{(phase, "close"): "closed" for phase in ("in_hand", "answered")},
        **{("answered", act): "in_hand" for act in ("message", "letter")},
        ("closed", "reopen"): "in_hand",
    }
    CONCURRENT: ClassVar[Mapping[frozenset[str], str]] = {}
    CLOSED = frozenset({"closed"})
    CODE_LISTS = {
        "enter.purpose": "purposes",
        "enter.crime_area": "crime_areas",
        "enter.urgency": "urgency_grounds",
        "*.channel": "correspondence_channels",
    }

    def deadlines(self, state: State) -> list[Deadline]:
        """What this authority owes while the matter is in hand."""
        due = state.value("due")
        if not isinstance(due, str) or self.phase(state) != "in_hand":
            return []
        return [Deadline("answer", parse_time(due), state.opener, "correspondence:due")]

    def shown(self, state: State) -> dict[str, JsonValue]:
        """What it is about, the letters that wait to be sent, and the last that was."""
        return {
            "about": state.value(ABOUT),
            "letters": [write.shown() for write in state.writes("letters")],
            "sent": state.value("sent"),
        }


KIND = Correspondence()
