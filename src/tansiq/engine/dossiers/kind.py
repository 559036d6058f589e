"""What a kind of dossier has to say, and the judge that needs to know nothing more.

A kind is data: ``ACTS`` (who may do what, with which codes), ``TRANSITIONS`` ({(phase, act): phase}) and
``CONCURRENT`` ({two acts: the one that prevails, or ``CONFLICT``}), with a few pure functions over the state.
Everything else – causality, verdicts, storage, delivery, evidence – is the same for all kinds.

**The judge.** ``Kind.judge`` looks at one entry in the state folded from its own causal past and answers with the
code of the first rule it breaks, or with its effects. The order of the rules is fixed, because the answer must be the
same everywhere: act known; author a participant; opening acts first and only first; person or machine; role; phase;
condition; codes; named entries; parts; the act's own rule; the bound on open items.

**The phase** is one facet among others, written by each act whose transition changes it. Acts of two authors who did
not know of each other may both have written it. ``Kind.outcome`` decides what then holds, by a total function of the
surviving writes: a write falls if another one prevails over its act; if what is left agrees on a phase, that is the
phase, otherwise it is ``in_conflict`` until a party in the role ``RESOLVER`` says which one stands. Writes that fell
are *noted*, never lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib import resources
from typing import Any, ClassVar, Final

from pydantic import ValidationError

from tansiq.engine.accords.questions import Occasion, Question
from tansiq.engine.dossiers.acts import MAX_OPEN, ActSpec, Codes, Submission
from tansiq.engine.dossiers.common import COMMON_ACTS
from tansiq.engine.dossiers.headers import Actor, Header
from tansiq.engine.dossiers.parts import Part
from tansiq.engine.dossiers.states import PHASE, Effect, Open, Put, State, Trace, Write, contains
from tansiq.engine.errors import Refused, Rejected
from tansiq.engine.formats.codes import code_list, pinned_code_list
from tansiq.engine.formats.json_values import JsonValue, pointer
from tansiq.engine.formats.times import parse_time

CONFLICT: Final = "in_conflict"
NEW: Final = "new"
OPENER: Final = "opener"
OTHER: Final = "other"
ABOUT: Final = "about"


def prevailing(*tiers: Iterable[str]) -> dict[frozenset[str], str]:
    """A CONCURRENT table from a ranking: an act prevails over every act of a later tier; within one tier, conflict."""
    ranked = [tuple(tier) for tier in tiers]
    table: dict[frozenset[str], str] = {}
    for index, tier in enumerate(ranked):
        for act in tier:
            table.update({frozenset({act, peer}): CONFLICT for peer in tier})
            table.update({frozenset({act, lower}): act for below in ranked[index + 1 :] for lower in below})
    return table


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the surviving phase writes amount to."""

    phase: str
    standing: tuple[Write, ...] = ()
    noted: tuple[Write, ...] = ()

    @property
    def is_conflict(self) -> bool:
        """Several acts stand that exclude each other."""
        return self.phase == CONFLICT


@dataclass(frozen=True, slots=True)
class Deadline:
    """One statutory instant: its name, when, which party owes it, and the clause it comes from."""

    name: str
    due_at: datetime
    owner: str
    clause: str


@dataclass(frozen=True, slots=True)
class MachineAct:
    """An entry that a node makes by itself: the act, its codes, and the clause that makes the machine act."""

    act: str
    codes: Mapping[str, JsonValue]
    clause: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """``reason`` None and the effects, or the code of the broken rule and nothing."""

    reason: str | None
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """A field that a guided form still has to ask for: ``/codes/<name>``, ``/parts/<type>`` or
    ``/parts/<type>/<topic>``.

    ``clause`` is the rule that asks for it.
    """

    at: str
    clause: str | None = None


class Kind:
    """One kind of dossier in one version. Subclasses are stateless; one instance each stands in the registry."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    ROLES: ClassVar[tuple[str, str]] = (OPENER, OTHER)
    RESOLVER: ClassVar[frozenset[str]] = frozenset({OPENER})
    ACTS: ClassVar[Mapping[str, ActSpec]]
    TRANSITIONS: ClassVar[Mapping[tuple[str, str], str]]
    CONCURRENT: ClassVar[Mapping[frozenset[str], str]]
    CLOSED: ClassVar[frozenset[str]] = frozenset()
    """The phases in which nothing is owed to anybody; a desk need not show such a dossier."""
    ASKS_EACH: ClassVar[bool] = False
    """Whether what is put to several partners becomes a dossier with each; else it is one dossier that all of them share."""
    HAS_CORRESPONDENT: ClassVar[bool] = False
    """Whether the other party is an external one, without a node: nothing is sent, nothing comes by itself."""
    CODE_LISTS: ClassVar[Mapping[str, str]] = {}
    """Which code of an act is read in which code list: {"act.code" or "*.code": list name}."""

    def role_of(self, state: State, party: str) -> str:
        """The role a participant plays here: the opener the first of ROLES, all others the second."""
        return self.ROLES[0] if party == state.opener else self.ROLES[1]

    def derived_phase(self, state: State, phase: str) -> str:
        """The phase where it depends on more than the last act, e.g. on all parties having ratified. Total and pure."""
        del state
        return phase

    def shown(self, state: State) -> dict[str, JsonValue]:
        """What ``view`` shows beside what is common to all kinds."""
        del state
        return {}

    def deadlines(self, state: State) -> list[Deadline]:
        """Every deadline that runs in this state. Whether it has passed is a question to (deadline, now)."""
        del state
        return []

    def machine_acts(self, state: State, me: str, now: datetime, calendar: Any) -> list[MachineAct]:
        """The entries that the node ``me`` owes without anybody deciding; empty once they stand in the state."""
        del state, me, now, calendar
        return []

    def missing(self, codes: Mapping[str, object], parts: Sequence[Part], *, act: str | None = None) -> list[Missing]:
        """The fields that an act (the opening act unless one is named) still lacks; an entry that lacks one is not
        composed. Guided forms ask for them in this order."""
        spec = self.acts[act or self.opening_act]
        present = {part.type for part in parts}
        lacking = [name for name, model in spec.codes.model_fields.items() if model.is_required() and name not in codes]
        return [
            *(Missing(f"/codes/{name}") for name in lacking),
            *(Missing(f"/parts/{part_type}") for part_type in sorted(spec.parts.required - present)),
        ]

    def check_body(self, act: str, parts: Sequence[Part]) -> None:
        """Raise ``Rejected`` for parts that an entry of this kind must never carry; asked before anything is signed.

        No part of the verdict, which sees headers only.
        """
        del act, parts

    def check_listed(
        self, act: str, codes: Mapping[str, object], pins: Mapping[str, str], *, at: str = "/codes"
    ) -> None:
        """Raise ``Rejected("codes.unknown_code")`` for a code that its list, in the version the dossier pins, has not.

        Asked before signing and remarked upon on receipt; no part of the verdict, since a node may lack a list's
        version.
        """
        for name, code in codes.items():
            listed = self.CODE_LISTS.get(f"{act}.{name}") or self.CODE_LISTS.get(f"*.{name}")
            if listed is None:
                continue
            codes_known = pinned_code_list(listed, pins[listed]) if listed in pins else code_list(listed)
            for one in code if isinstance(code, tuple | list) else (code,):
                codes_known.require(one, at=pointer(at, name))

    def question(
        self, header: Header, parts: Sequence[Part], *, state: State | None = None, occasion: Occasion = "send"
    ) -> Question:
        """What ``decide`` is asked about an entry, as far as entry and state tell.

        Purpose, crime area and urgency come from the entry's codes, else from what the opening act put in the facet
        ``about``; a code ``threat`` claims a threat to life, which the other side may answer. The caller adds, by
        ``dataclasses.replace``, what only a node knows: providers and their consents, human-rights issues and
        assurances, the version of the accord.
        """
        spec = self.acts.get(header.act)
        about = {**((state.value(ABOUT) if state else None) or {}), **header.codes}
        participants = state.participants if state else header.opening.participants if header.opening else ()
        claims = header.codes.get("threat") is not None
        by_machine = spec is not None and header.acted_by.is_machine and spec.is_done_by(machine=True)
        closing = spec is not None and spec.closing
        is_other = state is not None and (closing or by_machine or header.author != state.opener)
        answers = not claims and about.get("threat") is not None and is_other
        return Question(
            act=occasion,
            kind=self.name,
            entry_act=header.act,
            sender=header.author,
            recipients=frozenset(participants) - {header.author},
            marking=header.marking,
            purpose=about.get("purpose"),
            crime_area=about.get("crime_area"),
            categories=frozenset(part.category for part in parts if part.category is not None),
            flags=frozenset(flag for part in parts for flag in part.flags),
            urgent=bool(about.get("urgency")),
            closing=closing,
            opens=header.opening is not None,
            by_machine=by_machine,
            threat="claimed" if claims else "answered" if answers else "",
            acted_as=header.acted_by.role,
            approvals=frozenset(actor.role for actor in header.approved_by),
        )

    @cached_property
    def acts(self) -> Mapping[str, ActSpec]:
        """The acts of this kind and those that every kind has."""
        return {**COMMON_ACTS, **self.ACTS}

    @cached_property
    def opening_act(self) -> str:
        """The act that opens a dossier of this kind."""
        return next(act for act, spec in self.ACTS.items() if spec.opening)

    @cached_property
    def phases(self) -> tuple[str, ...]:
        """Every phase a dossier of this kind can be in, in the order of TRANSITIONS, and ``in_conflict`` last."""
        named = [phase for (before, _), after in self.TRANSITIONS.items() for phase in (before, after)]
        return tuple(dict.fromkeys([*(phase for phase in named if phase not in (NEW, CONFLICT)), CONFLICT]))

    def outcome(self, state: State) -> Outcome:
        """The phase that holds, the writes that stand for it, and those that fell: a total function of the writes."""
        writes = state.writes(PHASE)
        standing = tuple(write for write in writes if not any(self._prevails(other, write) for other in writes))
        standing = standing or writes
        values = {str(write.value) for write in standing}
        phase = NEW if not values else values.pop() if len(values) == 1 else CONFLICT
        noted = tuple(write for write in writes if write not in standing)
        return Outcome(phase if phase == CONFLICT else self.derived_phase(state, phase), standing, noted)

    def _prevails(self, one: Write, other: Write) -> bool:
        return one.act != other.act and self.CONCURRENT.get(frozenset({one.act, other.act}), CONFLICT) == one.act

    def phase(self, state: State) -> str:
        """The phase alone."""
        return self.outcome(state).phase

    def is_offered(self, act: str, phase: str) -> bool:
        """Whether an act has its place in a phase."""
        spec = self.acts[act]
        if act == "resolve":
            return phase == CONFLICT
        return spec.anywhere or (phase, act) in self.TRANSITIONS

    def permitted(self, state: State, party: str) -> list[str]:
        """The acts that an officer of this party may now be offered, in the order of ACTS; machine acts not among
        them.
        """
        if party not in state.participants:
            return []
        phase = self.phase(state)
        return [
            act
            for act, spec in self.acts.items()
            if not spec.opening and not spec.machine and self._reason_now(act, spec, state, phase, party) is None
        ]

    def may_name(self, act: str, code: str, trace: Trace, *, state: State, party: str) -> bool:
        """Whether an act of ``party`` may name that entry in this code, as far as it can be told before the other codes
        are known. Forms offer no other."""
        spec = self.acts[act]
        wanted = spec.names.get(code, frozenset())
        if not trace.effective or (wanted and trace.act not in wanted):
            return False
        if spec.rule is None:
            return True
        sketch = Header(author=party, seq=1, at=parse_time(trace.at), act=act, acted_by=Actor("officer", officer="-"))
        told: dict[str, Any] = {**dict.fromkeys(spec.codes.model_fields), code: trace.entry_id}
        codes = spec.codes.model_construct(**told)
        given = Submission(sketch, "", state, self.phase(state), self.role_of(state, party), codes, {code: (trace,)})
        return spec.rule(given) is None

    def _reason_now(self, act: str, spec: ActSpec, state: State, phase: str, party: str) -> str | None:
        """The first rule about act, party and phase that stands against it, before any code is known."""
        role = self.role_of(state, party)
        if not (spec.is_open_to(role) and (act != "resolve" or role in self.RESOLVER)):
            return "kind.not_for_this_role"
        if not self.is_offered(act, phase):
            return "kind.not_in_this_phase"
        if spec.when is not None and not spec.when(state, party):
            return "kind.not_now"
        return None

    def read_codes(self, act: str, codes: Mapping[str, object], *, at: str = "/codes") -> Codes:
        """The codes of an act, checked; raises ``Rejected("kind.code_invalid", at=…)`` for the first wrong one."""
        spec = self.acts.get(act)
        if spec is None:
            raise Rejected("kind.unknown_act", at="/act", act=act, kind=self.name)
        given = {name: list(code) if isinstance(code, tuple) else code for name, code in codes.items()}
        try:
            return spec.codes.model_validate_json(json.dumps(given))
        except ValidationError as error:
            place = error.errors(include_url=False)[0]
            raise Rejected("kind.code_invalid", at=pointer(at, *place["loc"]), act=act, wanted=place["type"]) from error

    def judge(self, header: Header, entry_id: str, state: State, named: Mapping[str, Trace | None]) -> Verdict:
        """The verdict on an entry in the state of its own past. ``named``: the traces of the entries its codes name."""
        spec = self.acts.get(header.act)
        if spec is None:
            return Verdict("kind.unknown_act")
        phase = self.phase(state)
        if reason := self._reason_before_codes(header, spec, state, phase):
            return Verdict(reason)
        try:
            codes = self.read_codes(header.act, header.codes)
        except Rejected as error:
            return Verdict(error.code)
        known = named_entries(spec, header)
        found = {
            code: tuple(trace for entry in entries if (trace := named.get(entry))) for code, entries in known.items()
        }
        role = self.role_of(state, header.author)
        given = Submission(header, entry_id, state, phase, role, codes, found)
        if reason := _reason_after_codes(spec, given, known):
            return Verdict(reason)
        effects = tuple(effect for rule in spec.effects for effect in rule(given))
        if any(isinstance(e, Open) and len(state.facets.get(e.facet, {})) >= MAX_OPEN for e in effects):
            return Verdict("kind.too_many_open")
        after = self.TRANSITIONS.get((phase, header.act))
        if after is not None and after != phase:
            effects = (Put(PHASE, after), *effects)
        return Verdict(None, effects)

    def _reason_before_codes(self, header: Header, spec: ActSpec, state: State, phase: str) -> str | None:
        if header.author not in state.participants:
            return "kind.not_a_participant"
        if spec.opening != (header.opening is not None):
            return "kind.opens_once"
        if not spec.is_done_by(machine=header.acted_by.is_machine):
            return "kind.only_by_machine" if spec.machine else "kind.not_by_machine"
        return self._reason_now(header.act, spec, state, phase, header.author)

    def demand(self, header: Header, entry_id: str, state: State, named: Mapping[str, Trace | None]) -> None:
        """Raise ``Refused`` with the reason that ``judge`` would give; asked before signing, so that no effectless
        entry leaves an honest node.
        """
        verdict = self.judge(header, entry_id, state, named)
        if verdict.reason is not None:
            self.read_codes(header.act, header.codes)
            raise Refused(verdict.reason, act=header.act, author=header.author, phase=self.phase(state))

    def view(self, state: State) -> dict[str, JsonValue]:
        """The dossier as a page or a partner's API shows it; equal on all nodes that have the same entries."""
        outcome = self.outcome(state)
        return {
            "kind": self.name,
            "version": self.version,
            "dossier": state.dossier,
            "phase": outcome.phase,
            "roles": {party: self.role_of(state, party) for party in state.participants},
            "standing": [write.shown() for write in outcome.standing] if outcome.is_conflict else [],
            "noted": [write.shown() for write in outcome.noted],
            "lifts_asked": [write.shown() for write in state.writes("lifts")],
            "not_accepted": state.count("not_accepted"),
            **self.shown(state),
        }

    @cached_property
    def labels(self) -> Mapping[str, Any]:
        """The words of this kind in five languages: name, roles, phases, acts, codes; the common acts' words
        included.
        """
        own = json.loads(resources.files("tansiq.engine.kinds").joinpath(f"{self.name}.labels.json").read_text("utf-8"))
        common = json.loads(resources.files(__package__).joinpath("common.labels.json").read_text("utf-8"))
        sections = own.keys() | common.keys()
        return {s: {**common.get(s, {}), **own.get(s, {})} for s in sorted(sections)}


def named_entries(spec: ActSpec, header: Header) -> dict[str, tuple[str, ...]]:
    """The ids of the entries that the codes of a header name, by code."""
    named: dict[str, tuple[str, ...]] = {}
    for code in spec.names:
        value = header.codes.get(code)
        if isinstance(value, str):
            named[code] = (value,)
        elif isinstance(value, tuple):
            named[code] = value
    return named


def _reason_after_codes(spec: ActSpec, given: Submission, known: Mapping[str, tuple[str, ...]]) -> str | None:
    for code, entries in known.items():
        traces = given.named[code]
        if len(traces) != len(entries) or not all(contains(given.state.known, t.strand, t.number) for t in traces):
            return "kind.unknown_entry_named"
        wanted = spec.names[code]
        if wanted and not all(trace.effective and trace.act in wanted for trace in traces):
            return "kind.wrong_entry_named"
    if reason := spec.parts.broken_by(part.type for part in given.header.parts):
        return reason
    return spec.rule(given) if spec.rule else None
