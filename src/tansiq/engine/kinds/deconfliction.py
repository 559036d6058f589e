"""Two authorities plan something at the same place and time, or about the same subject; nobody else ever sees it.

A machine opens the dossier at once, with how the plans meet, from when to when, and whom to call; with nothing else.
Marks of the opaque question that met let the other node find which plan of its own is meant, and tell it no more than
it knows. **What the plans are is told only after both authorities have consented**, and the dossier is not closed
before one has proposed, with a reason in words, what becomes of them – proceed, act jointly, delay, cancel – and the
other agreed. If a plan is moved or given up, its machine withdraws. Compare the Model Event Deconfliction Act (2021):
duty to act upon an alert, documentation of the resolution.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from tansiq.engine.dossiers import acts
from tansiq.engine.dossiers.acts import ActSpec, Codes, EntryId, PartsRule, Submission, TimeText
from tansiq.engine.dossiers.kind import Deadline, Kind, Missing, prevailing
from tansiq.engine.dossiers.parts import Part
from tansiq.engine.dossiers.states import Effect, Put, State
from tansiq.engine.formats.json_values import JsonValue
from tansiq.engine.formats.times import parse_time

ASKING, MET = frozenset({"asking"}), frozenset({"met"})
ACKNOWLEDGED_WITHIN: Final = timedelta(minutes=30)
"""Until when both sides have a person who knows of it."""
RESOLVED_BEFORE: Final = timedelta(minutes=30)
"""How long before the overlap it must be resolved; general practice, compare operations research §1.9."""
TOLD: Final = frozenset({"narrative", "location", "contact_point", "subject", "file", "photograph", "translation"})
MACHINE_PARTS: Final = frozenset({"contact_point", "plan_marks"})

Meeting = Literal["close", "district", "subject"]
Outcome = Literal["proceed", "joint", "delay", "cancel"]


class Met(Codes):
    """How the plans meet, and between which slots; ``subject`` alone has no window."""

    levels: list[Meeting]
    begins: TimeText | None = None
    ends: TimeText | None = None


class Meet(Met):
    """The same, and until when a person knows of it and it is resolved."""

    acknowledge_by: TimeText
    resolve_by: TimeText


class NotMet(Codes):
    """No plan stands here that the marks belong to."""

    ground: Literal["moved_or_ended", "marks_unknown"]


class Propose(Codes):
    """What should become of the plans."""

    outcome: Outcome


class Agree(Codes):
    """The proposal of the other side that is agreed to, and what it says."""

    proposal: EntryId
    outcome: Outcome


class Withdraw(Codes):
    """Why the plans do not meet any more, or that another dossier is about the same."""

    ground: Literal["cancelled", "moved", "done", "same_conflict"]


def has_consented(state: State, party: str) -> bool:
    """Whether this party lets the other know what it plans."""
    return state.latest(f"consent:{party}") is not None


def _not_yet(facet: str) -> acts.Condition:
    return lambda state, party: state.latest(f"{facet}:{party}") is None


def _all_consent(state: State, party: str) -> bool:
    del party
    return all(has_consented(state, each) for each in state.participants)


def _says_something(given: Submission) -> str | None:
    return None if given.header.parts else "kind.part_missing"


def _agrees_to_the_other(given: Submission) -> str | None:
    """Nobody agrees to a proposal of its own, nor to something else than was proposed."""
    proposal = given.names("proposal")
    if proposal is None or proposal.author == given.author:
        return "deconfliction.own_proposal"
    proposed = next((w for w in given.state.writes("proposals") if w.entry == proposal.entry_id), None)
    if proposed is None:
        return "kind.not_open"
    # A form asks before the outcome is chosen.
    return None if given.code("outcome") in (None, proposed.value) else "deconfliction.not_what_was_proposed"


def _settles(given: Submission) -> Iterable[Effect]:
    yield Put("outcome", given.code("outcome"))


class Deconfliction(Kind):
    """The authority whose machine found it, and the one whose plan was met; both may do the same."""

    name = "deconfliction"
    ROLES = ("asking", "met")
    RESOLVER = acts.EVERY_PARTY
    ACTS = {
        "meet": ActSpec(
            by=ASKING,
            codes=Meet,
            parts=PartsRule(MACHINE_PARTS, MACHINE_PARTS),
            effects=(
                acts.puts("meeting", "levels", "begins", "ends", per_party=True),
                acts.puts("due", "acknowledge_by", "resolve_by"),
            ),
            opening=True,
            machine=True,
        ),
        "received": ActSpec(
            by=MET,
            parts=PartsRule(frozenset({"contact_point"}), frozenset({"contact_point"})),
            effects=(acts.puts("received"),),
            machine=True,
            closing=True,
        ),
        "update": ActSpec(
            codes=Met,
            parts=PartsRule(allowed=MACHINE_PARTS),
            effects=(acts.puts("meeting", "levels", "begins", "ends", per_party=True),),
            machine=True,
            closing=True,
        ),
        "not_met": ActSpec(by=MET, codes=NotMet, effects=(acts.puts("ended", "ground"),), machine=True, closing=True),
        "acknowledge": ActSpec(
            parts=PartsRule(allowed=frozenset({"contact_point"})),
            when=_not_yet("acknowledged"),
            effects=(acts.puts("acknowledged", per_party=True),),
            closing=True,
        ),
        "consent": ActSpec(when=_not_yet("consent"), effects=(acts.puts("consent", per_party=True),)),
        "disclose": ActSpec(
            parts=PartsRule(allowed=TOLD), when=_all_consent, rule=_says_something, effects=(acts.counts("disclosed"),)
        ),
        "propose": ActSpec(
            codes=Propose,
            parts=PartsRule(frozenset({"narrative"}), frozenset({"narrative", "contact_point"})),
            effects=(acts.opens("proposals", "outcome"),),
            closing=True,
        ),
        "agree": ActSpec(
            codes=Agree,
            parts=PartsRule(allowed=frozenset({"narrative"})),
            names={"proposal": frozenset({"propose"})},
            when=lambda state, party: any(write.by != party for write in state.writes("proposals")),
            rule=_agrees_to_the_other,
            effects=(_settles, acts.closes("proposals", "proposal")),
            closing=True,
        ),
        "withdraw": ActSpec(
            codes=Withdraw,
            parts=PartsRule(allowed=frozenset({"narrative"})),
            effects=(acts.puts("ended", "ground"),),
            machine_too=True,
            closing=True,
        ),
    }
    TRANSITIONS = {
        ("new", "meet"): "met",
        **{("met", act): "met" for act in ("received", "update", "acknowledge", "consent", "disclose", "propose")},
        ("met", "agree"): "resolved",
        ("met", "not_met"): "ended",
        ("met", "withdraw"): "ended",
        **{("resolved", act): "resolved" for act in ("received", "acknowledge", "consent", "disclose")},
        ("ended", "received"): "ended",
    }
    CONCURRENT = prevailing(("not_met", "resolve"), ("withdraw",), ("agree",))
    """Plans that do not meet any more need no agreement; what was agreed stays noted."""
    CLOSED = frozenset({"resolved", "ended"})

    def derived_phase(self, state: State, phase: str) -> str:
        """Two sides that each agreed to the other's proposal, and to different things, have not agreed."""
        return "met" if phase == "resolved" and len({str(w.value) for w in state.writes("outcome")}) > 1 else phase

    def missing(self, codes: Mapping[str, object], parts: Sequence[Part], *, act: str | None = None) -> list[Missing]:
        """Beside what the act declares: who discloses says something."""
        found = super().missing(codes, parts, act=act)
        return [*found, Missing("/parts/narrative")] if act == "disclose" and not parts else found

    def deadlines(self, state: State) -> list[Deadline]:
        """Until when a person of each side knows of it, and until when it is resolved."""
        due = state.value("due")
        if self.phase(state) != "met" or not due:
            return []
        known, resolved = parse_time(due["acknowledge_by"]), parse_time(due["resolve_by"])
        return [
            *(
                Deadline("acknowledge", known, party, "deconfliction:acknowledge")
                for party in state.participants
                if state.latest(f"acknowledged:{party}") is None
            ),
            *(Deadline("agree", resolved, party, "deconfliction:resolve") for party in state.participants),
        ]

    def shown(self, state: State) -> dict[str, JsonValue]:
        """How and when the plans meet as each side's machine sees it, who knows, who consents, what is proposed."""
        outcomes = sorted({str(write.value) for write in state.writes("outcome")})
        return {
            "meetings": {
                party: write.value for party in state.participants if (write := state.latest(f"meeting:{party}"))
            },
            "due": state.value("due"),
            "acknowledged": [p for p in state.participants if state.latest(f"acknowledged:{p}")],
            "consented": [p for p in state.participants if has_consented(state, p)],
            "is_disclosure_permitted": _all_consent(state, state.opener),
            "proposals": [write.shown() for write in state.writes("proposals")],
            "outcome": outcomes[0] if len(outcomes) == 1 else None,
            "ended": state.value("ended"),
        }


def due_by(begins: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """Until when a meeting is known to a person and resolved: half an hour; and half an hour before it, or at once."""
    known = now + ACKNOWLEDGED_WITHIN
    return known, max(known, begins - RESOLVED_BEFORE) if begins else now + timedelta(hours=24)


KIND = Deconfliction()
