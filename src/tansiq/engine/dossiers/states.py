"""The state of a dossier as a join-semilattice over causality, and what the fold remembers of every entry.

A state is a set of *facets*. A facet holds the writes of effective entries that no later effective entry has
replaced; two writes stand side by side exactly when neither author knew of the other. ``join`` of two states keeps a
write if both hold it, or if the side that lacks it has never seen it; what one side has seen and no longer holds was
replaced. That makes ``join`` associative, commutative and idempotent, so that a state depends on which entries it
contains and on nothing else: no clock, no order of arrival. (Observed-remove sets: Shapiro et al. 2011; dots and
causal contexts: Almeida et al. 2018.)

*Causality* is counted per **strand**. An author's chain is one strand, named by the author; if an author signs two
successors of one entry, the one that reached this node second begins a new strand, and both go on. ``known`` maps
each strand to how many of its entries a state contains; ``(strand, number)`` is a write's place. Strand names of an
author who forked depend on arrival and never leave the node: ``State.shown`` leaves them out, and is equal on all
nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from tansiq.engine.formats import canonical
from tansiq.engine.formats.json_values import JsonValue

Known: TypeAlias = Mapping[str, int]

PHASE: Final = "phase"


def contains(known: Known, strand: str, number: int) -> bool:
    """Whether the entries counted by ``known`` include this one."""
    return known.get(strand, 0) >= number


def join_known(*several: Known) -> dict[str, int]:
    """The entries that at least one of them includes."""
    joined: dict[str, int] = {}
    for known in several:
        for strand, number in known.items():
            if number > joined.get(strand, 0):
                joined[strand] = number
    return joined


@dataclass(frozen=True, slots=True)
class Write:
    """What one effective entry put into a facet: who, by which act, at which stated time, and the value."""

    entry: str
    strand: str
    number: int
    by: str
    act: str
    at: str
    depth: int
    value: JsonValue

    def to_json(self) -> list[JsonValue]:
        """Positional, in the order of the fields."""
        return [self.entry, self.strand, self.number, self.by, self.act, self.at, self.depth, self.value]

    def shown(self) -> dict[str, JsonValue]:
        """The write as every node sees it: without its strand."""
        return {"entry": self.entry, "by": self.by, "act": self.act, "at": self.at, "value": self.value}


@dataclass(frozen=True, slots=True)
class Put:
    """Replace everything this facet is known to hold by one value."""

    facet: str
    value: JsonValue


@dataclass(frozen=True, slots=True)
class Add:
    """Count one more."""

    facet: str


@dataclass(frozen=True, slots=True)
class Open:
    """Add an item to an open set; its name is the entry that opens it."""

    facet: str
    value: JsonValue


@dataclass(frozen=True, slots=True)
class Close:
    """Take the item that ``entry`` opened out of an open set."""

    facet: str
    entry: str


Effect: TypeAlias = Put | Add | Open | Close


@dataclass(frozen=True, slots=True)
class State:
    """What a set of entries adds up to. Values are never changed in place; every operation returns a new state."""

    dossier: str
    opener: str
    participants: tuple[str, ...]
    known: Known = field(default_factory=dict)
    facets: Mapping[str, Mapping[str, Write]] = field(default_factory=dict)
    counters: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def writes(self, facet: str) -> tuple[Write, ...]:
        """The surviving writes of a facet, or the open items of an open set, ordered by entry id."""
        held = self.facets.get(facet, {})
        return tuple(held[entry] for entry in sorted(held))

    def holds(self, facet: str, entry: str) -> bool:
        """Whether that entry's write survives there, or the item it opened is open."""
        return entry in self.facets.get(facet, {})

    def latest(self, facet: str) -> Write | None:
        """One surviving write, chosen alike on every node: the deepest, and among equals the greatest entry id."""
        return max(self.facets.get(facet, {}).values(), key=lambda write: (write.depth, write.entry), default=None)

    def value(self, facet: str) -> Any:
        """The value of ``latest``, or None."""
        write = self.latest(facet)
        return None if write is None else write.value

    def count(self, facet: str) -> int:
        """How many effective entries counted here."""
        return sum(self.counters.get(facet, {}).values())

    def having(self, known: Known) -> State:
        """The same facets, with more entries seen."""
        return State(self.dossier, self.opener, self.participants, known, self.facets, self.counters)

    def with_effects(self, effects: Iterable[Effect], write: Write) -> State:
        """The state after ``write``'s entry took effect. ``write`` carries its place and author; its value is not
        used.
        """
        facets = dict(self.facets)
        counters = dict(self.counters)
        for effect in effects:
            if isinstance(effect, Add):
                counted = dict(counters.get(effect.facet, {}))
                counted[write.strand] = counted.get(write.strand, 0) + 1
                counters[effect.facet] = counted
                continue
            held = {} if isinstance(effect, Put) else dict(facets.get(effect.facet, {}))
            if isinstance(effect, Close):
                held.pop(effect.entry, None)
            else:
                held[write.entry] = _holding(write, effect.value)
            facets[effect.facet] = held
        kept = {name: held for name, held in facets.items() if held}
        return State(self.dossier, self.opener, self.participants, self.known, kept, counters)

    def shown(self) -> dict[str, JsonValue]:
        """What every node that has the same entries agrees on, byte for byte."""
        return {
            "dossier": self.dossier,
            "facets": {name: [write.shown() for write in self.writes(name)] for name in sorted(self.facets)},
            "counters": {name: self.count(name) for name in sorted(self.counters)},
        }

    def to_json(self) -> dict[str, JsonValue]:
        """For this node's store: everything, strands included, in one canonical form."""
        return {
            "dossier": self.dossier,
            "opener": self.opener,
            "participants": list(self.participants),
            "known": dict(self.known),
            "facets": {name: [write.to_json() for write in self.writes(name)] for name in sorted(self.facets)},
            "counters": {name: dict(counted) for name, counted in self.counters.items()},
        }

    @classmethod
    def from_json(cls, value: Any) -> State:
        """Read what ``to_json`` wrote. The node's own store is trusted; this is no reader of foreign bytes."""
        facets = {name: {item[0]: Write(*item) for item in items} for name, items in value["facets"].items()}
        return cls(
            dossier=value["dossier"],
            opener=value["opener"],
            participants=tuple(value["participants"]),
            known=dict(value["known"]),
            facets=facets,
            counters={name: dict(counted) for name, counted in value["counters"].items()},
        )

    def to_bytes(self) -> bytes:
        """The canonical bytes of ``to_json``."""
        return canonical.dumps(self.to_json())


def _holding(write: Write, value: JsonValue) -> Write:
    return Write(write.entry, write.strand, write.number, write.by, write.act, write.at, write.depth, value)


def join(one: State, two: State) -> State:
    """The state of all entries of both."""
    if one is two:
        return one
    facets: dict[str, Mapping[str, Write]] = {}
    for name in one.facets.keys() | two.facets.keys():
        left, right = one.facets.get(name, {}), two.facets.get(name, {})
        if left == right:
            facets[name] = left
            continue
        kept = {entry: write for entry, write in left.items() if entry in right or not _has_seen(two, write)}
        kept.update({entry: write for entry, write in right.items() if entry in left or not _has_seen(one, write)})
        if kept:
            facets[name] = kept
    counters = {
        name: join_known(one.counters.get(name, {}), two.counters.get(name, {}))
        for name in one.counters.keys() | two.counters.keys()
    }
    known = join_known(one.known, two.known)
    return State(one.dossier, one.opener, one.participants, known, facets, counters)


def _has_seen(state: State, write: Write) -> bool:
    return contains(state.known, write.strand, write.number)


@dataclass(frozen=True, slots=True)
class Trace:
    """What the fold remembers of one entry, for ever: its place in causality and its verdict.

    ``past`` counts the entries it stands on, itself not included. ``reason`` is None for an entry with effect, else
    the code of the rule it broke. ``flags`` are remarks that change nothing. ``renewed`` are the revocations of a key
    on its author's own chain, itself included. ``after`` is the state folded from the entry and its past; it may be
    dropped (``folds.pruned``) and is then recomputed when somebody cites the entry.
    """

    entry_id: str
    author: str
    act: str
    at: str
    strand: str
    number: int
    depth: int
    past: Known
    reason: str | None = None
    flags: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()
    after: State | None = None

    @property
    def effective(self) -> bool:
        """Whether it changed the state."""
        return self.reason is None

    @property
    def known(self) -> dict[str, int]:
        """Its past and itself."""
        return {**self.past, self.strand: self.number}

    def to_json(self) -> dict[str, JsonValue]:
        """For this node's store."""
        return {
            "entry_id": self.entry_id,
            "author": self.author,
            "act": self.act,
            "at": self.at,
            "strand": self.strand,
            "number": self.number,
            "depth": self.depth,
            "past": dict(self.past),
            "reason": self.reason,
            "flags": list(self.flags),
            "renewed": list(self.renewed),
            "after": None if self.after is None else self.after.to_json(),
        }

    @classmethod
    def from_json(cls, value: Any) -> Trace:
        """Read what ``to_json`` wrote."""
        after = value["after"]
        return cls(
            **{
                **value,
                "flags": tuple(value["flags"]),
                "renewed": tuple(value["renewed"]),
                "after": None if after is None else State.from_json(after),
            }
        )
