"""The founding kind: how an accord is proposed, ratified, amended, suspended and left. It needs no accord itself.

The terms stand in a part (type ``terms``) and their digest in the header's codes, so the fold sees only which version
is meant. Consent is per party and per version, after the Vienna Convention on the Law of Treaties: a version binds
those who ratified it once they are two (art. 24); an amendment binds only those who ratify it, and the old version goes
on among the others (art. 40(4)); a reservation is made when ratifying (art. 19) and may only tighten; suspension and
denunciation concern the declaring party alone (arts 54-60), denunciation after notice (art. 56(2)); who ratifies again
after leaving is bound afresh, and by that version alone.

Every party writes facets of its own, so what parties do without knowing of each other commutes. Only what is *on the
table* can clash: amend ∥ amend, amend ∥ resolve. Then both stand in conflict, nobody can ratify, and the depositary
(who opened the accord) says which stands, or an author withdraws, or a further amendment takes the place of both; what
binds meanwhile goes on binding. The phase is derived from these facets and is never written after the opening.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tansiq.engine.accords.terms import read_version
from tansiq.engine.dossiers.acts import ActSpec, PartsRule, counts, must_be_open, puts
from tansiq.engine.dossiers.kind import CONFLICT, NEW, Deadline, Kind, Missing, Outcome, prevailing
from tansiq.engine.dossiers.parts import Part
from tansiq.engine.dossiers.states import State
from tansiq.engine.formats.json_values import JsonValue, pointer
from tansiq.engine.formats.times import parse_time
from tansiq.engine.kinds import accord_acts as does
from tansiq.engine.kinds.accord_consent import (
    TABLE,
    binding,
    consents,
    defects,
    in_force,
    is_binding,
    leaving,
    on_the_table,
    rivals,
    standing_aside,
    terms_on_the_table,
    versions,
)

__all__ = ["KIND", "Accord", "defects", "in_force", "terms_on_the_table"]

OFFICERS: Final = frozenset({"approver", "programme"})
_WITH_TERMS: Final = PartsRule(required=frozenset({"terms"}), allowed=frozenset({"narrative"}))
_MAY_REASON: Final = PartsRule(allowed=frozenset({"narrative"}))
_MUST_REASON: Final = PartsRule(required=frozenset({"narrative"}), allowed=frozenset())


class Accord(Kind):
    """Proposed by one node, its depositary; every participant is a party like the others."""

    name = "accord"
    ROLES = ("depositary", "party")
    RESOLVER = frozenset({"depositary"})
    CLOSED = frozenset({"denounced", "withdrawn"})
    ACTS = {
        "propose": ActSpec(
            codes=does.OfVersion,
            parts=_WITH_TERMS,
            effects=(does.lays_on_table,),
            opening=True,
            officer_roles=OFFICERS,
        ),
        "ratify": ActSpec(
            codes=does.Ratify,
            parts=PartsRule(allowed=frozenset({"reservation", "narrative"})),
            when=does.may_ratify,
            rule=does.ratifies_the_table,
            effects=(does.binds,),
            officer_roles=OFFICERS,
        ),
        "amend": ActSpec(
            codes=does.OfVersion,
            parts=_WITH_TERMS,
            rule=does.is_new,
            effects=(does.lays_on_table,),
            officer_roles=OFFICERS,
        ),
        "withdraw": ActSpec(
            codes=does.OfVersion,
            parts=_MAY_REASON,
            when=does.may_withdraw,
            rule=does.is_own_and_unbinding,
            effects=(does.withdraws,),
            officer_roles=OFFICERS,
        ),
        "suspend": ActSpec(
            parts=_MAY_REASON,
            when=does.may_suspend,
            effects=(does.stands_aside(True),),
            officer_roles=OFFICERS,
        ),
        "resume": ActSpec(
            parts=_MAY_REASON,
            when=does.may_resume,
            effects=(does.stands_aside(None),),
            officer_roles=OFFICERS,
        ),
        "denounce": ActSpec(
            codes=does.Denounce,
            parts=_MAY_REASON,
            when=does.may_denounce,
            effects=(does.leaves,),
            officer_roles=OFFICERS,
        ),
        "object": ActSpec(
            codes=does.OfVersion,
            parts=_MUST_REASON,
            rule=does.is_not_new,
            effects=(puts("objection", "terms", per_party=True),),
        ),
        "consult": ActSpec(parts=_MUST_REASON, effects=(counts("consultations"),)),
        "resolve": ActSpec(
            codes=does.Resolve,
            parts=_MAY_REASON,
            names={"stands": frozenset({"amend", "resolve"})},
            rule=must_be_open(TABLE, "stands"),
            effects=(does.lets_stand,),
            officer_roles=OFFICERS,
        ),
    }
    PHASES = ("proposed", "in_force", "amending", "suspended", "denounced", "withdrawn", CONFLICT)
    TRANSITIONS = {
        (NEW, "propose"): "proposed",
        **{(phase, act): phase for phase in PHASES for act in ("amend", "object", "consult")},
        **{(phase, "ratify"): phase for phase in PHASES if phase not in ("withdrawn", CONFLICT)},
        **{(phase, "withdraw"): phase for phase in PHASES if phase != "withdrawn"},
        **{
            (phase, act): phase
            for phase in PHASES
            if phase not in ("proposed", "withdrawn")
            for act in ("suspend", "resume", "denounce")
        },
    }
    CONCURRENT = prevailing(("amend", "resolve"))

    def outcome(self, state: State) -> Outcome:
        """In conflict the rivals on the table stand, not the opening."""
        found = super().outcome(state)
        return Outcome(CONFLICT, tuple(rivals(state))) if found.is_conflict else found

    def derived_phase(self, state: State, phase: str) -> str:
        """From who ratified what, who left, who stands aside, and what is on the table."""
        if phase == NEW:
            return phase
        proposed, bound = {str(write.value) for write in rivals(state)}, binding(state)
        if len(proposed) > 1:
            return CONFLICT
        if not bound:
            return "proposed" if proposed else "withdrawn"
        left, aside = leaving(state), standing_aside(state)
        if all(len(consents(state, terms) - left) < 2 for terms in bound):
            return "denounced"
        if all(len(consents(state, terms) - left - aside) < 2 for terms in bound):
            return "suspended"
        return "in_force" if proposed <= set(bound) else "amending"

    def shown(self, state: State) -> dict[str, JsonValue]:
        """Who consented to what, as every node sees it."""
        return {
            "version_on_table": on_the_table(state),
            "versions": [
                {
                    "terms": write.value,
                    "entry": write.entry,
                    "by": write.by,
                    "at": write.at,
                    "ratified": [*sorted(consents(state, str(write.value)))],
                    "is_binding": is_binding(state, str(write.value)),
                }
                for write in versions(state)
            ],
            "suspended": [*sorted(standing_aside(state))],
            "denounced": [*sorted(leaving(state))],
            "objections": {
                party: terms for party in state.participants if (terms := state.value(f"objection:{party}")) is not None
            },
            "consultations": state.count("consultations"),
        }

    def deadlines(self, state: State) -> list[Deadline]:
        """The ends of notice that leaving parties stated; the notice owed stands in the terms (``in_force``)."""
        stated = {party: state.value(f"left:{party}").get("takes_effect") for party in sorted(leaving(state))}
        return [Deadline("denunciation", parse_time(at), party, "notice_days") for party, at in stated.items() if at]

    def missing(self, codes: Mapping[str, object], parts: Sequence[Part], *, act: str | None = None) -> list[Missing]:
        """What is lacking; and ``Rejected("accord.digest_differs")`` where the part is not the version announced."""
        lacking = super().missing(codes, parts, act=act)
        for index, part in enumerate(parts):
            if part.type == "terms" and isinstance(announced := codes.get("terms"), str):
                read_version(part.content, digest=announced, at=pointer("/parts", index, "content"))
        return lacking


KIND: Final = Accord()
