"""A direct line between two or more authorities: messages, files, and an urgent call that rings until somebody answers.

What a call is owed, where it rings and when it is missed stands in ``channel_calls``.

Where a life is in danger (``threat``) a line needs no accord; what may then be said, and who may say it, is
``accords.decide``'s to answer. Here it is only demanded that the reason stands in words, beside the least that is
needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tansiq.engine.dossiers import acts
from tansiq.engine.dossiers.acts import ActSpec, Codes, PartsRule, Submission
from tansiq.engine.dossiers.kind import ABOUT, Deadline, Kind, Missing, prevailing
from tansiq.engine.dossiers.parts import Part
from tansiq.engine.dossiers.states import State
from tansiq.engine.formats.json_values import JsonValue
from tansiq.engine.kinds import channel_calls as calls
from tansiq.engine.kinds.channel_calls import Threat

SAID: Final = frozenset({"narrative", "file", "subject", "location", "contact_point", "translation"})


class OpenLine(Codes):
    """What the line is for; ``threat`` where a life is in danger and no accord covers it."""

    purpose: acts.ListedCode
    crime_area: acts.ListedCode | None = None
    threat: Threat | None = None


class Message(Codes):
    """Words and files."""

    threat: Threat | None = None


def _says_something(given: Submission) -> str | None:
    said = {part.type for part in given.header.parts}
    if given.header.act == "message" and not said:
        return "kind.part_missing"
    return calls.says_the_least(given)


class Channel(Kind):
    """A line that any party writes to, calls on, closes and opens again."""

    name = "channel"
    ROLES = ("opener", "party")
    RESOLVER = acts.EVERY_PARTY
    ACTS = {
        "open": ActSpec(
            codes=OpenLine,
            parts=PartsRule(allowed=SAID),
            rule=calls.says_the_least,
            effects=(acts.puts(ABOUT, "purpose", "crime_area", "threat"),),
            opening=True,
        ),
        "message": ActSpec(
            codes=Message, parts=PartsRule(allowed=SAID), rule=_says_something, effects=(acts.counts("messages"),)
        ),
        **calls.ACTS,
        "close": ActSpec(when=calls.is_quiet, parts=PartsRule(allowed=frozenset({"narrative"})), closing=True),
        "reopen": ActSpec(parts=PartsRule(allowed=frozenset({"narrative"}))),
    }
    TRANSITIONS = {
        ("new", "open"): "open",
        **{("open", act): "open" for act in ("message", "call")},
        ("open", "close"): "closed",
        ("closed", "reopen"): "open",
        **{(phase, act): phase for phase in ("open", "closed") for act in calls.OF_CALL},
    }
    CONCURRENT = prevailing(("reopen",), ("close",))
    CLOSED = frozenset({"closed"})
    CODE_LISTS = {"open.purpose": "purposes", "open.crime_area": "crime_areas", "call.urgency": "urgency_grounds"}

    def missing(self, codes: Mapping[str, object], parts: Sequence[Part], *, act: str | None = None) -> list[Missing]:
        """Beside what the act declares: a message says something, and a threat to life its reason in words."""
        found = super().missing(codes, parts, act=act)
        if act == "message" and not parts:
            found.append(Missing("/parts/narrative"))
        elif codes.get("threat") and not any(part.type == "narrative" for part in parts):
            found.append(Missing("/parts/narrative", "tansiq:threat-to-life"))
        return found

    def deadlines(self, state: State) -> list[Deadline]:
        """An answer to each call, while it is urgent."""
        return calls.deadlines(state)

    def shown(self, state: State) -> dict[str, JsonValue]:
        """What the line is for, which calls are open and how far each party is, and who answered or missed the last."""
        waiting = calls.calls_open(state)
        about = state.value(ABOUT) or {}
        return {
            "about": {**about, "urgency": waiting[0]["urgency"] if waiting else None},
            "messages": state.count("messages"),
            "calls": list(waiting),
            **calls.last_answers(state),
        }


KIND = Channel()
