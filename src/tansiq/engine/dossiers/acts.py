"""What a kind says about one act: who may do it, with which codes, upon which parts, and what it writes.

An act is declared, not programmed: ``ActSpec(by={...}, codes=Model, effects=(puts("assigned", "unit"),))``. The
effects say which facets of the state it writes; the fold needs no more to make every order of arrival end in the same
state. A rule that cannot be declared is a pure function ``rule(submission) -> reason code or None``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from tansiq.engine.dossiers.headers import Header
from tansiq.engine.dossiers.states import Add, Close, Effect, Open, Put, State, Trace
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.json_values import JsonValue
from tansiq.engine.formats.times import parse_time

EVERY_PARTY: Final = frozenset({"*"})
MAX_OPEN: Final = 64


class Codes(BaseModel):
    """The closed codes of one act. Strict, frozen, nothing extra; no free text can stand in a code."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class NoCodes(Codes):
    """An act that says everything by being done."""


def _time_text(text: str) -> str:
    try:
        parse_time(text)
    except Rejected as error:
        raise ValueError("not a time") from error
    return text


EntryId: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""The id of an entry of the same dossier that the act speaks of."""
Commitment: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""The commitment of a part of such an entry."""
ListedCode: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*][A-Za-z0-9_.:+*-]{0,63}$")]
"""A code of a list that grows; the fold looks at its form only, membership is asked when composing and shown on
receipt.
"""
NodeName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z0-9]{1,30}){0,4}$")]
"""A node id."""
TimeText: TypeAlias = Annotated[str, StringConstraints(min_length=24, max_length=24), AfterValidator(_time_text)]
"""An instant as ``2026-11-22T00:25:24.123Z``."""


DayText: TypeAlias = Annotated[str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]
"""A day as ``2026-11-22``: what a document bears, without the hour that nobody wrote on it."""


@dataclass(frozen=True, slots=True)
class PartsRule:
    """Which types of parts an act needs and which it may carry; ``allowed`` None means any."""

    required: frozenset[str] = frozenset()
    allowed: frozenset[str] | None = None

    def broken_by(self, types: Iterable[str]) -> str | None:
        """The code of the rule that these part types break, or None."""
        present = frozenset(types)
        if not self.required <= present:
            return "kind.part_missing"
        if self.allowed is not None and not present <= self.allowed | self.required:
            return "kind.part_not_allowed"
        return None


@dataclass(frozen=True, slots=True)
class Submission:
    """One entry before its judge: its header, its codes read, the state of its own past, and the entries its codes
    name.
    """

    header: Header
    entry_id: str
    state: State
    phase: str
    role: str
    codes: Codes
    named: Mapping[str, tuple[Trace, ...]]

    @property
    def author(self) -> str:
        """The node that acts."""
        return self.header.author

    def code(self, name: str) -> Any:
        """The value of one code, None if it was left out."""
        return getattr(self.codes, name)

    def names(self, code: str) -> Trace | None:
        """The entry that this code names, None if it was left out."""
        return next(iter(self.named.get(code, ())), None)


EffectRule: TypeAlias = Callable[[Submission], Iterable[Effect]]
Rule: TypeAlias = Callable[[Submission], "str | None"]
Condition: TypeAlias = Callable[[State, str], bool]


@dataclass(frozen=True, slots=True)
class ActSpec:
    """One act of a kind.

    ``by``: the party roles that may do it (``EVERY_PARTY`` for all). ``officer_roles``: roles of officers that a node
    asks for before it signs; local, no part of the verdict. ``opening``: it opens the dossier. ``machine``: only a
    machine does it; ``machine_too``: a machine may, as well as a person. ``closing``: still permitted after an accord
    was denounced. ``anywhere``: in every phase, without a transition. ``names``: codes that hold entry ids, and the
    acts those entries may have (empty = any); such an entry must stand in the causal past and have effect.
    ``when(state, party)``: whether it makes sense now at all, before codes are known.
    """

    by: frozenset[str] = EVERY_PARTY
    codes: type[Codes] = NoCodes
    parts: PartsRule = PartsRule()
    effects: tuple[EffectRule, ...] = ()
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    rule: Rule | None = None
    when: Condition | None = None
    officer_roles: frozenset[str] = frozenset()
    opening: bool = False
    machine: bool = False
    machine_too: bool = False
    closing: bool = False
    anywhere: bool = False

    def is_done_by(self, *, machine: bool) -> bool:
        """Whether a machine (else: a person) does this act."""
        return machine == self.machine or (machine and self.machine_too)

    def is_open_to(self, role: str) -> bool:
        """Whether a party in that role may ever do it."""
        return self.by == EVERY_PARTY or role in self.by


def puts(facet: str, *codes: str, per_party: bool = False) -> EffectRule:
    """Write the named codes to a facet (one code: its value; several: an object), per party as ``facet:party``."""

    def effect(given: Submission) -> Iterable[Effect]:
        yield Put(f"{facet}:{given.author}" if per_party else facet, _chosen(given, codes))

    return effect


def counts(facet: str) -> EffectRule:
    """Count the act."""

    def effect(given: Submission) -> Iterable[Effect]:
        del given
        yield Add(facet)

    return effect


def opens(facet: str, *codes: str) -> EffectRule:
    """Open an item, named by this entry, that waits until another act closes it."""

    def effect(given: Submission) -> Iterable[Effect]:
        yield Open(facet, _chosen(given, codes))

    return effect


def closes(facet: str, code: str) -> EffectRule:
    """Close the items whose opening entries the code names; nothing if it was left out."""

    def effect(given: Submission) -> Iterable[Effect]:
        for trace in given.named.get(code, ()):
            yield Close(facet, trace.entry_id)

    return effect


def has_open(facet: str) -> Condition:
    """A condition: something is open there."""

    def condition(state: State, party: str) -> bool:
        del party
        return bool(state.facets.get(facet))

    return condition


def must_be_open(facet: str, code: str) -> Rule:
    """A rule: what the code names must be open there."""

    def rule(given: Submission) -> str | None:
        return None if all(given.state.holds(facet, t.entry_id) for t in given.named.get(code, ())) else "kind.not_open"

    return rule


def _chosen(given: Submission, codes: tuple[str, ...]) -> JsonValue:
    values = given.codes.model_dump(mode="json", exclude_none=True)
    if len(codes) == 1:
        return values.get(codes[0])
    return {name: values[name] for name in codes if name in values}
