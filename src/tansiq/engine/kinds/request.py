"""A request for information, after Directive (EU) 2023/977, between a requesting and an executing authority.

What a request says follows art. 4: what is asked, for which purpose and underlying offence, the objective reasons to
believe that the information is there, the link between purpose and person, ground and reasons of urgency,
restrictions on use. The clock follows art. 5: 8 hours (urgent, directly accessible), 3 days (urgent, indirectly
accessible), 7 days. It starts when the executing machine signs ``received``, stands still while a clarification is
awaited (art. 6), and may be exceeded for a judicial authorisation, told at once with reasons and an expected date
(art. 5(2)).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from tansiq.engine.dossiers import acts, clocks
from tansiq.engine.dossiers.acts import ActSpec, PartsRule, Submission
from tansiq.engine.dossiers.calendars import Calendar, add_calendar_days, add_hours
from tansiq.engine.dossiers.kind import ABOUT, Deadline, Kind, MachineAct, Missing, prevailing
from tansiq.engine.dossiers.parts import Part, topics
from tansiq.engine.dossiers.states import Close, Effect, Put, State
from tansiq.engine.formats.json_values import JsonValue
from tansiq.engine.formats.times import format_time, parse_time
from tansiq.engine.kinds import request_codes as codes_of

REQUESTING, EXECUTING = frozenset({"requesting"}), frozenset({"executing"})


def _starts_afresh(given: Submission) -> Iterable[Effect]:
    """A request that is received again owes nothing to its first life."""
    yield from (Close("clarifications", write.entry) for write in given.state.writes("clarifications"))
    yield from (Put(facet, None) for facet in ("access", "deviation") if given.state.latest(facet))


class Request(Kind):
    """Asked and answered between two authorities; the executing side resolves conflicts among its own decisions."""

    name = "request"
    ROLES = ("requesting", "executing")
    RESOLVER = EXECUTING
    ASKS_EACH = True
    ACTS = {
        "ask": ActSpec(
            by=REQUESTING,
            codes=codes_of.Ask,
            parts=PartsRule(required=frozenset({"question", "narrative"})),
            effects=(acts.puts(ABOUT, "purpose", "crime_area", "use", "restrictions", "urgency"),),
            opening=True,
        ),
        "received": ActSpec(
            by=EXECUTING,
            codes=codes_of.Due,
            effects=(clocks.puts_due, acts.puts("received"), _starts_afresh),
            machine=True,
            closing=True,
        ),
        "state_access": ActSpec(
            by=EXECUTING, codes=codes_of.Access, effects=(clocks.puts_due, acts.puts("access", "access"))
        ),
        "assign": ActSpec(by=EXECUTING, codes=codes_of.Unit, effects=(acts.puts("assigned", "unit"),)),
        "transfer": ActSpec(
            by=EXECUTING, codes=codes_of.Unit, effects=(acts.puts("assigned", "unit"), acts.counts("transfers"))
        ),
        "ask_clarification": ActSpec(
            by=EXECUTING,
            parts=PartsRule(required=frozenset({"question"})),
            effects=(clocks.pauses("clarifications"), acts.opens("clarifications")),
        ),
        "clarify": ActSpec(
            by=REQUESTING,
            codes=codes_of.Clarify,
            parts=PartsRule(required=frozenset({"narrative"})),
            names={"question": frozenset({"ask_clarification"})},
            when=acts.has_open("clarifications"),
            rule=acts.must_be_open("clarifications", "question"),
            effects=(clocks.resumes("clarifications", "question"), acts.closes("clarifications", "question")),
        ),
        "extend": ActSpec(
            by=EXECUTING,
            codes=codes_of.Extend,
            names={"clarified": frozenset({"clarify"})},
            effects=(clocks.puts_due,),
            machine=True,
            closing=True,
        ),
        "deviate": ActSpec(
            by=EXECUTING,
            codes=codes_of.Deviate,
            parts=PartsRule(required=frozenset({"narrative"})),
            effects=(clocks.puts_due, acts.puts("deviation", "ground")),
        ),
        "answer_in_part": ActSpec(by=EXECUTING, effects=(acts.counts("partial_answers"),), closing=True),
        "answer": ActSpec(
            by=EXECUTING, codes=codes_of.Answer, effects=(acts.puts("answer", "extent", "ground"),), closing=True
        ),
        "refuse": ActSpec(by=EXECUTING, codes=codes_of.Refuse, effects=(acts.puts("refusal", "ground"),), closing=True),
        "return": ActSpec(
            by=EXECUTING, codes=codes_of.Return, effects=(acts.puts("competent", "competent"),), closing=True
        ),
        "erased": ActSpec(by=EXECUTING, effects=(acts.puts("erased"),), machine=True, closing=True),
        "withdraw": ActSpec(by=REQUESTING, closing=True),
        "remind": ActSpec(by=REQUESTING, effects=(acts.counts("reminders"),)),
        "reopen": ActSpec(by=REQUESTING, parts=PartsRule(required=frozenset({"narrative"}))),
    }
    TRANSITIONS = {
        ("new", "ask"): "sent",
        ("sent", "received"): "received",
        ("sent", "remind"): "sent",
        ("sent", "withdraw"): "withdrawn",
        **{
            ("received", act): "received"
            for act in ("state_access", "assign", "transfer", "ask_clarification", "clarify", "extend", "deviate")
        },
        ("received", "remind"): "received",
        ("received", "answer_in_part"): "received",
        ("received", "answer"): "answered",
        ("received", "refuse"): "refused",
        ("received", "return"): "returned",
        ("received", "withdraw"): "withdrawn",
        ("answered", "answer"): "answered",
        ("answered", "reopen"): "sent",
        ("refused", "reopen"): "sent",
        ("withdrawn", "reopen"): "sent",
        ("returned", "erased"): "returned",
    }
    CONCURRENT = prevailing(("answer", "refuse", "return", "resolve"), ("withdraw",), ("reopen",), ("received",))
    CLOSED = frozenset({"answered", "refused", "withdrawn", "returned"})
    CODE_LISTS = {
        "ask.purpose": "purposes",
        "ask.crime_area": "crime_areas",
        "ask.urgency": "urgency_grounds",
        "deviate.ground": "deviation_grounds",
        "answer.ground": "refusal_grounds",
        "refuse.ground": "refusal_grounds",
    }

    def missing(self, codes: Mapping[str, object], parts: Sequence[Part], *, act: str | None = None) -> list[Missing]:
        """What art. 4 still demands of a request; for other acts, what they declare."""
        found = [missing for missing in super().missing(codes, parts, act=act) if missing.at != "/parts/narrative"]
        if act not in (None, "ask"):
            return super().missing(codes, parts, act=act)
        wanted = {"offence": "4", "objective_reasons": "4.3"}
        if any(part.category is not None for part in parts):
            wanted["link"] = "4"
        if codes.get("urgency") is not None:
            wanted["urgency_reasons"] = "4.5"
        told = topics(parts)
        found += [Missing(f"/parts/narrative/{t}", f"2023/977:{c}") for t, c in wanted.items() if t not in told]
        if codes.get("restrictions") == "as_marked" and not any(part.marking.handling - {"H0"} for part in parts):
            found.append(Missing("/parts/handling", "2023/977:4"))
        return found

    def counted(self, state: State, start: datetime, access: str | None, calendar: Calendar) -> datetime:
        """The due instant of art. 5(1) for a request received at ``start``; unknown access is taken as direct."""
        if not (state.value(ABOUT) or {}).get("urgency"):
            return add_calendar_days(start, 7, calendar)
        return add_calendar_days(start, 3, calendar) if access == "indirect" else add_hours(start, 8)

    def recounted(self, state: State, calendar: Calendar) -> datetime | None:
        """The due instant as the other side counts it; None where there is nothing to count: a deviation is a
        statement.
        """
        due, received = state.latest("due"), state.latest("received")
        if due is None or received is None or due.act == "deviate":
            return None
        if due.act == "extend":
            return clocks.recounted_extension(state)
        return self.counted(state, parse_time(received.at), state.value("access"), calendar)

    def machine_acts(self, state: State, me: str, now: datetime, calendar: Calendar) -> list[MachineAct]:
        """``received`` at once, ``extend`` after a pause, ``erased`` when the node has erased what was returned."""
        if self.role_of(state, me) != "executing":
            return []
        phase, due = self.phase(state), state.latest("due")
        if phase == "sent":
            return [
                MachineAct("received", {"due": format_time(self.counted(state, now, None, calendar))}, "2023/977:5")
            ]
        if phase == "returned" and state.latest("erased") is None:
            return [MachineAct("erased", {}, "tansiq:return")]
        owed = clocks.owed_extension(state)
        if phase == "received" and owed and due and due.act != "deviate" and not state.writes("clarifications"):
            return [MachineAct("extend", {"due": format_time(owed[0]), "clarified": owed[1]}, "2023/977:6.3")]
        return []

    def deadlines(self, state: State) -> list[Deadline]:
        """The answer, while it is owed and the clock runs."""
        due = clocks.due_at(state)
        if due is None or self.phase(state) != "received" or state.writes("clarifications"):
            return []
        executing = next(party for party in state.participants if party != state.opener)
        return [Deadline("answer", due, executing, self._clause(state))]

    def _clause(self, state: State) -> str:
        due = state.latest("due")
        if due is not None and due.act == "deviate":
            return "2023/977:5.2"
        urgent = (state.value(ABOUT) or {}).get("urgency")
        return "2023/977:5.1.c" if not urgent else f"2023/977:5.1.{'b' if state.value('access') == 'indirect' else 'a'}"

    def shown(self, state: State) -> dict[str, JsonValue]:
        """What the request is about, its clock, and how it was decided."""
        due = clocks.due_at(state)
        return {
            "about": state.value(ABOUT),
            "assigned": state.value("assigned"),
            "due": format_time(due) if due else None,
            "clause": self._clause(state),
            "is_paused": bool(state.writes("clarifications")),
            "clarifications": [write.shown() for write in state.writes("clarifications")],
            "deviation": state.value("deviation"),
            "partial_answers": state.count("partial_answers"),
            "answer": state.value("answer"),
            "refusal": state.value("refusal"),
            "competent": state.value("competent"),
            "reminders": state.count("reminders"),
        }


KIND = Request()
