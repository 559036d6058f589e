"""An intelligence report that nobody asked for: graded parts, feedback, correction, and recall that all recipients
confirm.

It never holds the identity of a source: grades carry an opaque reference, and who provided the information is no
subject here. A correction or recall is owed by each recipient until that node has obeyed and says so (``confirm``, by
its machine) or an officer there says why not (``keep``); what is still owed after its due date is overdue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from tansiq.engine.dossiers import acts
from tansiq.engine.dossiers.acts import ActSpec, Codes, PartsRule
from tansiq.engine.dossiers.kind import ABOUT, Deadline, Kind, MachineAct, Missing
from tansiq.engine.dossiers.parts import Part
from tansiq.engine.dossiers.states import State
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.json_values import JsonValue
from tansiq.engine.kinds import changes

REPORTING, RECIPIENT = frozenset({"reporting"}), frozenset({"recipient"})
INTELLIGENCE = frozenset({"narrative", "subject", "location", "file", "photograph", "fingerprints", "translation"})
PASSED_ON = INTELLIGENCE | {"reshared"}
"""What others reported may be passed on in a report of one's own: it keeps its author's grade, inside."""
CHANGES = frozenset({"correct", "recall_part", "recall"})


class Report(Codes):
    """What it is for and about."""

    purpose: acts.ListedCode
    crime_area: acts.ListedCode


class Feedback(Codes):
    """What became of it."""

    usefulness: Literal["useful", "already_known", "not_useful", "contradicted"]


class Keep(changes.Confirm):
    """The correction or recall that cannot be obeyed, and the ground."""

    ground: Literal["evidence_in_proceedings", "legal_duty_to_keep", "merged_in_own_findings"]


def _change_of_part(parts: frozenset[str]) -> ActSpec:
    return ActSpec(
        by=REPORTING,
        codes=changes.Change,
        parts=PartsRule(allowed=parts),
        names={"entry": frozenset({"report", "supplement", "correct"})},
        rule=changes.own_part,
        effects=(changes.owes,),
        closing=True,
    )


def _settlement(codes: type[Codes], effects: tuple[acts.EffectRule, ...], *, machine: bool) -> ActSpec:
    return ActSpec(
        by=RECIPIENT,
        codes=codes,
        names={"change": CHANGES},
        when=changes.owes_something,
        rule=changes.owed_by_author,
        effects=effects,
        machine=machine,
        closing=True,
    )


class ReportKind(Kind):
    """One reporting authority, any number of recipients."""

    name = "report"
    ROLES = ("reporting", "recipient")
    RESOLVER = REPORTING
    CLOSED = frozenset({"recalled"})
    ACTS = {
        "report": ActSpec(
            by=REPORTING,
            codes=Report,
            parts=PartsRule(frozenset({"narrative"}), PASSED_ON),
            effects=(acts.puts(ABOUT, "purpose", "crime_area"),),
            opening=True,
        ),
        "received": ActSpec(by=RECIPIENT, effects=(acts.puts("received", per_party=True),), machine=True, closing=True),
        "supplement": ActSpec(by=REPORTING, parts=PartsRule(frozenset({"narrative"}), PASSED_ON)),
        "feedback": ActSpec(
            by=RECIPIENT,
            codes=Feedback,
            parts=PartsRule(allowed=frozenset({"narrative"})),
            effects=(acts.puts("feedback", "usefulness", per_party=True),),
        ),
        "correct": _change_of_part(INTELLIGENCE),
        # A machine recalls what was passed on, when its author recalls it.
        "recall_part": replace(_change_of_part(frozenset({"narrative"})), machine_too=True),
        "recall": ActSpec(by=REPORTING, codes=changes.Withdrawal, effects=(changes.owes,), closing=True),
        "confirm": _settlement(changes.Confirm, (changes.settles,), machine=True),
        "keep": _settlement(
            Keep, (changes.settles, acts.puts("kept", "change", "ground", per_party=True)), machine=False
        ),
    }
    TRANSITIONS = {
        ("new", "report"): "reported",
        **{
            ("reported", act): "reported"
            for act in ("received", "supplement", "feedback", "correct", "recall_part", "confirm", "keep")
        },
        ("reported", "recall"): "recalled",
        **{("recalled", act): "recalled" for act in ("received", "feedback", "confirm", "keep")},
    }
    CONCURRENT: ClassVar[Mapping[frozenset[str], str]] = {}
    CODE_LISTS = {"report.purpose": "purposes", "report.crime_area": "crime_areas"}

    def missing(self, codes: Mapping[str, object], parts: Sequence[Part], *, act: str | None = None) -> list[Missing]:
        """Beside what the act declares: a grade for every part that reports something."""
        ungraded = [
            Missing(f"/parts/{index}/grading")
            for index, part in enumerate(parts)
            if act in (None, "report", "supplement", "correct") and part.type in INTELLIGENCE and part.grading is None
        ]
        return [*super().missing(codes, parts, act=act), *ungraded]

    def check_body(self, act: str, parts: Sequence[Part]) -> None:
        """``Rejected("part.holds_a_source", at=…)`` where a subject is the person who provided the information."""
        for index, part in enumerate(parts):
            if part.category == "information_provider":
                raise Rejected("part.holds_a_source", at=f"/parts/{index}/category", act=act)

    def deadlines(self, state: State) -> list[Deadline]:
        """What each recipient still owes."""
        return changes.owed_confirmations(state, "report")

    def machine_acts(self, state: State, me: str, now: object, calendar: object) -> list[MachineAct]:
        """``received`` at once; ``confirm`` for what the node has obeyed is for the node to make, which knows."""
        del now, calendar
        if self.role_of(state, me) != "recipient" or state.latest(f"received:{me}"):
            return []
        return [MachineAct("received", {}, "report:received")]

    def shown(self, state: State) -> dict[str, JsonValue]:
        """Purpose, who has it, what they say of it, and what they owe."""
        recipients = [party for party in state.participants if party != state.opener]
        return {
            "about": state.value(ABOUT),
            "received": [party for party in recipients if state.latest(f"received:{party}")],
            "feedback": {party: state.value(f"feedback:{party}") for party in recipients},
            "owed": changes.shown_owed(state),
            "kept": {party: state.value(f"kept:{party}") for party in recipients},
        }


KIND = ReportKind()
