"""Urgent calls on a direct line: who still owes an answer, where a call rings, and which acts tell of it.

A call is owed an answer by every other party, each for itself, until it says ``acknowledge``, the caller ends the call,
or the instant has passed until which the caller calls it urgent. The receiving machine signs that it rings
(``ringing``) and at whom (``escalated``, rank after rank of its duty roster), so that the caller sees it; what has
never rung is told apart from what nobody answered. When the next rank is due is stated in the entry and counted from
the first ringing, never from the call: across a cut link a call escalates from its arrival on. Which officers stand in
a rank is the node's own affair and is not said.

Calls stand beside the phase and commute with it: a line that is closed while a call is on its way still rings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field

from tansiq.engine.dossiers import acts
from tansiq.engine.dossiers.acts import ActSpec, Codes, EntryId, PartsRule, Submission, TimeText
from tansiq.engine.dossiers.kind import Deadline, MachineAct
from tansiq.engine.dossiers.states import Close, Effect, Open, Put, State, Write
from tansiq.engine.formats.json_values import JsonValue
from tansiq.engine.formats.times import format_time, parse_time

LEAST: Final = frozenset({"narrative", "subject", "location", "contact_point"})
"""What may be said of a threat to life without an accord: the least that helps."""
MAX_LEAST: Final = 8
LAST_RANK: Final = 4
ESCALATION: Final = (timedelta(minutes=1), timedelta(minutes=3), timedelta(minutes=10))
"""After the first ringing: the second rank, the third, everybody."""
LONGEST_CALL: Final = timedelta(hours=24)

Threat: TypeAlias = Literal["life"]


class Call(Codes):
    """Somebody must answer now; ``until`` is when it is urgent no longer."""

    urgency: acts.ListedCode
    until: TimeText
    threat: Threat | None = None


class OfCall(Codes):
    """The call meant."""

    call: EntryId


class Ring(OfCall):
    """At which rank of the duty roster it rings, and when the next one follows."""

    rank: Annotated[int, Field(ge=1, le=LAST_RANK)]
    next: TimeText | None = None


def rung(state: State, party: str, call: str) -> Write | None:
    """Where that call rings at that party, or None."""
    rings = [write for write in state.writes(f"rung:{party}") if _of(write, "call") == call]
    return max(rings, key=lambda write: (write.depth, write.entry), default=None)


def _of(write: Write | None, name: str) -> Any:
    return write.value.get(name) if write is not None and isinstance(write.value, dict) else None


def _waits(state: State, party: str) -> bool:
    return bool(state.writes(f"calling:{party}"))


def _own_calls(state: State, party: str) -> set[str]:
    """The calls of that party that somebody still owes an answer."""
    return {w.entry for other in state.participants for w in state.writes(f"calling:{other}") if w.by == party}


def is_quiet(state: State, party: str) -> bool:
    """Nobody is owed an answer: the line may be closed."""
    del party
    return not any(_waits(state, other) for other in state.participants)


def _calls_nobody(state: State, party: str) -> bool:
    return not _own_calls(state, party)


def says_the_least(given: Submission) -> str | None:
    """A threat to life is told with its reason in words and nothing that is not needed."""
    if given.code("threat") is None:
        return None
    said = [part.type for part in given.header.parts]
    if "narrative" not in said:
        return "kind.part_missing"
    return None if set(said) <= LEAST and len(said) <= MAX_LEAST else "kind.part_not_allowed"


def _call_rule(given: Submission) -> str | None:
    lasts = parse_time(given.code("until")) - given.header.at
    if not timedelta() < lasts <= LONGEST_CALL:
        return "kind.call_too_long"
    return says_the_least(given)


def _calls(given: Submission) -> Iterable[Effect]:
    call: JsonValue = {"urgency": given.code("urgency"), "until": given.code("until")}
    yield from (Open(f"calling:{party}", call) for party in given.state.participants if party != given.author)


def _is_called(given: Submission) -> str | None:
    call = given.names("call")
    return None if call and given.state.holds(f"calling:{given.author}", call.entry_id) else "kind.not_open"


def _rings_first(given: Submission) -> str | None:
    return _is_called(given) or ("kind.not_now" if rung(given.state, given.author, given.code("call")) else None)


def _rings_further(given: Submission) -> str | None:
    before = _of(rung(given.state, given.author, given.code("call")), "rank")
    return _is_called(given) or (None if before and before < given.code("rank") else "kind.not_now")


def _rings(given: Submission) -> Iterable[Effect]:
    """It rings there, since the first ringing; what rang before for this call, or for one that is over, does not."""
    call, party = given.code("call"), given.author
    for write in given.state.writes(f"rung:{party}"):
        if _of(write, "call") == call or not given.state.holds(f"calling:{party}", str(_of(write, "call"))):
            yield Close(f"rung:{party}", write.entry)
    since = _of(rung(given.state, party, call), "since") or format_time(given.header.at)
    yield Open(f"rung:{party}", {"call": call, "rank": given.code("rank"), "since": since, "next": given.code("next")})


def _stills(state: State, party: str, call: str) -> Iterable[Effect]:
    yield Close(f"calling:{party}", call)
    yield from (Close(f"rung:{party}", w.entry) for w in state.writes(f"rung:{party}") if _of(w, "call") == call)


def _answered(given: Submission) -> Iterable[Effect]:
    yield from _stills(given.state, given.author, given.code("call"))
    facet = "acknowledged" if given.header.act == "acknowledge" else "missed"
    yield Put(f"{facet}:{given.author}", {"call": given.code("call")})


def _is_own_call(given: Submission) -> str | None:
    return None if given.code("call") in _own_calls(given.state, given.author) else "kind.not_open"


def _ends(given: Submission) -> Iterable[Effect]:
    call = given.code("call")
    for party in given.state.participants:
        if given.state.holds(f"calling:{party}", call):
            yield from _stills(given.state, party, call)
            yield Put(f"missed:{party}", {"call": call})


def _of_call(rule: acts.Rule, effect: acts.EffectRule, **more: Any) -> ActSpec:
    """An act about a call: it tells of what happened and stays permitted whatever becomes of the accord."""
    told: dict[str, Any] = {"codes": OfCall, "parts": PartsRule(allowed=frozenset()), "closing": True, **more}
    return ActSpec(names={"call": frozenset({"call"})}, rule=rule, effects=(effect,), **told)


OF_CALL: Final = ("ringing", "escalated", "acknowledge", "missed", "end_call")
"""The acts that tell of a call; it is over or not whatever the phase of the line."""
ACTS: Final[dict[str, ActSpec]] = {
    "call": ActSpec(
        codes=Call,
        parts=PartsRule(allowed=LEAST),
        when=_calls_nobody,
        rule=_call_rule,
        effects=(_calls,),
    ),
    "ringing": _of_call(_rings_first, _rings, codes=Ring, machine=True),
    "escalated": _of_call(_rings_further, _rings, codes=Ring, machine=True),
    "acknowledge": _of_call(
        _is_called, _answered, when=_waits, parts=PartsRule(allowed=frozenset({"narrative", "contact_point"}))
    ),
    "missed": _of_call(_is_called, _answered, machine=True),
    "end_call": _of_call(_is_own_call, _ends, when=lambda state, party: bool(_own_calls(state, party))),
}
"""The call itself, what machines tell of it, and what ends it."""


def deadlines(state: State) -> list[Deadline]:
    """An answer to each call, while it is urgent."""
    return [
        Deadline("acknowledge", parse_time(_of(item, "until")), party, "channel:call")
        for party in state.participants
        for item in state.writes(f"calling:{party}")
    ]


def calls_open(state: State) -> list[dict[str, Any]]:
    """Every call that somebody still owes an answer: by whom, since and until when, why, and where it rings."""
    found: dict[str, dict[str, Any]] = {}
    for party in state.participants:
        for item in state.writes(f"calling:{party}"):
            fresh = {"call": item.entry, "by": item.by, "at": item.at, "parties": {}}
            call = found.setdefault(item.entry, {**fresh, "urgency": _of(item, "urgency"), "until": _of(item, "until")})
            ring = rung(state, party, item.entry)
            call["parties"][party] = dict(ring.value) if ring and isinstance(ring.value, dict) else None
    return sorted(found.values(), key=lambda call: (call["at"], call["call"]))


def last_answers(state: State) -> dict[str, JsonValue]:
    """Who acknowledged the last call, and who missed one that they have not acknowledged since."""
    others = state.participants
    acknowledged = {party: write for party in others if (write := state.latest(f"acknowledged:{party}"))}
    missed = {party: write for party in others if (write := state.latest(f"missed:{party}"))}
    return {
        "acknowledged": {party: write.shown() for party, write in acknowledged.items()},
        "missed": {
            party: write.shown()
            for party, write in missed.items()
            if party not in acknowledged or _of(acknowledged[party], "call") != _of(write, "call")
        },
    }


def owed(state: State, me: str, now: datetime, after: Sequence[timedelta] = ESCALATION) -> list[MachineAct]:
    """What the machine of ``me`` owes to the calls that it has: that it rings, further up the roster, or is missed.

    Not in ``machine_acts``, because how long a rank has (``after``, from the first ringing) is the node's setting. If
    several ranks are due at once – the node was down – the highest is called.
    """
    found = []
    for item in state.writes(f"calling:{me}"):
        ring = rung(state, me, item.entry)
        since = now if ring is None else parse_time(_of(ring, "since"))
        rank = 1 + sum(now >= since + wait for wait in after)
        following = format_time(since + after[rank - 1]) if rank < LAST_RANK else None
        codes: dict[str, JsonValue] = {"call": item.entry, "rank": rank}
        if following:
            codes["next"] = following
        if now >= parse_time(_of(item, "until")):
            found.append(MachineAct("missed", {"call": item.entry}, "channel:missed"))
        elif ring is None:
            found.append(MachineAct("ringing", codes, "channel:ringing"))
        elif rank > _of(ring, "rank"):
            found.append(MachineAct("escalated", codes, "channel:escalation"))
    return found


def next_owed_at(state: State, me: str) -> datetime | None:
    """When the machine of ``me`` has to look again: the next rank, or the end of the urgency; None without a call."""
    instants = [_of(item, "until") for item in state.writes(f"calling:{me}")]
    instants += [_of(rung(state, me, item.entry), "next") for item in state.writes(f"calling:{me}")]
    return min((parse_time(instant) for instant in instants if instant), default=None)
