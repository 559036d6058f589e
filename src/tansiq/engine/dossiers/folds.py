"""The fold: how one entry after another becomes the state of a dossier, on every node the same.

    entry ──► its cited entries ──► join of their states ──► judge ──► verdict, effects ──► state after it ──► joined in
                    │ one unknown
                    └──► Waiting(missing)

An entry is judged once, in the state folded from its own causal past, and nothing is ever folded again: what arrives
later cannot change a verdict, because it is not in that past. The state of the dossier is the join of the states
after its heads. ``Folded`` and ``Trace`` are values; a node stores them and hands them back. In the usual case – an
entry that cites exactly the present heads – no earlier entry is loaded at all; otherwise one trace per cited entry
is.

Two successors of one author's entry both stay: the second to arrive begins a new strand, and ``Folded.equivocations``
remembers where the chain forked, so that both signatures can be shown as evidence. An author whose key was stolen signs
``revoke`` on the last good entry: whoever knows of it and acts on another branch of that author's chain has no effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import reduce
from typing import Any, Final, TypeAlias

from tansiq.engine.dossiers.common import REVOKED
from tansiq.engine.dossiers.headers import MAX_HEADS, Header
from tansiq.engine.dossiers.kind import Kind, named_entries
from tansiq.engine.dossiers.states import Effect, Known, State, Trace, Write, contains, join, join_known
from tansiq.engine.errors import Corrupt, Refused, Rejected
from tansiq.engine.formats import canonical
from tansiq.engine.formats.json_values import JsonValue
from tansiq.engine.formats.times import format_time, parse_time

MAX_STRANDS: Final = 256
TIME_WINDOW: Final = timedelta(minutes=10)

Load: TypeAlias = Callable[[str], "Trace | None"]
LoadHeader: TypeAlias = Callable[[str], "Header | None"]


@dataclass(frozen=True, slots=True)
class Tip:
    """The last entry of a strand, or a head: enough of its trace to cite it without loading it."""

    entry: str
    strand: str
    number: int
    depth: int
    at: str
    renewed: tuple[str, ...] = ()

    def to_json(self) -> list[JsonValue]:
        """Positional, in the order of the fields."""
        return [self.entry, self.strand, self.number, self.depth, self.at, list(self.renewed)]

    @classmethod
    def from_json(cls, value: Any) -> Tip:
        """Read what ``to_json`` wrote."""
        entry, strand, number, depth, at, renewed = value
        return cls(entry, strand, number, depth, at, tuple(renewed))


@dataclass(frozen=True, slots=True)
class Folded:
    """What a node remembers of a dossier beside its entries.

    ``heads``: entries that no other entry cites. ``tips``: the last entry of every strand. ``equivocations``:
    (author, the entry after which their chain forks, or None for its beginning).
    """

    kind: str
    kind_version: int
    state: State
    heads: Mapping[str, Tip] = field(default_factory=dict)
    tips: Mapping[str, Tip] = field(default_factory=dict)
    count: int = 0
    depth: int = 0
    equivocations: tuple[tuple[str, str | None], ...] = ()

    @property
    def dossier(self) -> str:
        """The id of the dossier."""
        return self.state.dossier

    def to_json(self) -> dict[str, JsonValue]:
        """For this node's store, in one canonical form."""
        return {
            "kind": self.kind,
            "kind_version": self.kind_version,
            "state": self.state.to_json(),
            "heads": [self.heads[entry].to_json() for entry in sorted(self.heads)],
            "tips": [self.tips[strand].to_json() for strand in sorted(self.tips)],
            "count": self.count,
            "depth": self.depth,
            "equivocations": [list(fork) for fork in self.equivocations],
        }

    @classmethod
    def from_json(cls, value: Any) -> Folded:
        """Read what ``to_json`` wrote. The node's own store is trusted."""
        heads = [Tip.from_json(item) for item in value["heads"]]
        tips = [Tip.from_json(item) for item in value["tips"]]
        return cls(
            kind=value["kind"],
            kind_version=value["kind_version"],
            state=State.from_json(value["state"]),
            heads={tip.entry: tip for tip in heads},
            tips={tip.strand: tip for tip in tips},
            count=value["count"],
            depth=value["depth"],
            equivocations=tuple((author, prev) for author, prev in value["equivocations"]),
        )

    def to_bytes(self) -> bytes:
        """The canonical bytes of ``to_json``."""
        return canonical.dumps(self.to_json())

    def shown(self) -> dict[str, JsonValue]:
        """What every node with the same entries agrees on, byte for byte: strand names left out."""
        return {
            "state": self.state.shown(),
            "heads": [*sorted(self.heads)],
            "count": self.count,
            "depth": self.depth,
            "equivocations": [list(fork) for fork in self.equivocations],
        }


@dataclass(frozen=True, slots=True)
class Appended:
    """The dossier with the entry, and the entry's trace. ``is_new`` is False if it had been appended before."""

    folded: Folded
    trace: Trace
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Waiting:
    """The entry stands on entries that are not here yet; ask for ``missing`` and append it again."""

    missing: tuple[str, ...]


def append(
    kind: Kind,
    folded: Folded | None,
    header: Header,
    entry_id: str,
    load: Load,
    *,
    load_header: LoadHeader | None = None,
) -> Appended | Waiting:
    """Judge one entry and join it in; ``folded`` None opens the dossier.

    ``load`` gives the trace of an entry of this dossier, None if it is not here; ``load_header`` is asked only where
    a trace that somebody cites had its state dropped. Raises ``Rejected("dossier.…")`` for an entry that is not of
    this dossier, and ``Refused("dossier.too_many_strands")`` for an author who forks without end.
    """
    if folded is None or header.opening is not None:
        return _open(kind, folded, header, entry_id, load)
    if header.dossier != folded.dossier:
        raise Rejected("dossier.other_dossier", at="/dossier", dossier=folded.dossier)
    if (known := load(entry_id)) is not None:
        return Appended(folded, known, is_new=False)
    cited, missing = _cited(folded, header, load)
    if missing:
        return Waiting(missing)
    past, base = _past(kind, folded, header, load, load_header)
    place = _place(folded, header, entry_id, cited)
    trace = _judged(kind, header, entry_id, base, cited, place, past, load)
    return Appended(_joined(folded, trace, place), trace)


@dataclass(frozen=True, slots=True)
class Cites:
    """What the next entry of an author has to say about its place."""

    seq: int = 1
    prev: str | None = None
    heads: tuple[str, ...] = ()
    depth: int = 1


def cites(folded: Folded, author: str) -> Cites:
    """The place of the author's next entry: upon all present heads, or the 32 deepest of them."""
    deepest = sorted(folded.heads.values(), key=lambda tip: (-tip.depth, tip.entry))[:MAX_HEADS]
    own = [tip for strand, tip in folded.tips.items() if strand.partition("~")[0] == author]
    last = max(own, key=lambda tip: (tip.depth, tip.entry), default=None)
    depth = 1 + max(tip.depth for tip in (*deepest, *([last] if last else [])))
    heads = tuple(sorted(tip.entry for tip in deepest))
    return Cites(seq=last.number + 1 if last else 1, prev=last.entry if last else None, heads=heads, depth=depth)


def remarks(header: Header, now: datetime) -> tuple[str, ...]:
    """Remarks that only the receiving node can make, because they depend on its clock: a time ahead of ``now``."""
    return ("dossier.time_ahead",) if header.at > now + TIME_WINDOW else ()


def preview(kind: Kind, folded: Folded, header: Header, load: Load) -> str | None:
    """The reason for which ``header``, which must cite the present heads, would stay without effect; None if it has
    effect.
    """
    return kind.judge(header, header.entry_id, folded.state, named(kind, header, load)).reason


def pruned(trace: Trace) -> Trace:
    """The trace without its state. The states of heads, and of every 64th entry of a strand, are worth keeping."""
    return replace(trace, after=None)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an entry stands in its author's chain; ``forks_at`` is the entry after which a forked chain forks."""

    strand: str
    number: int
    is_fork: bool = False
    forks_at: str | None = None
    reason: str | None = None
    renewed: tuple[str, ...] = ()


def _open(kind: Kind, folded: Folded | None, header: Header, entry_id: str, load: Load) -> Appended:
    opening = header.opening
    if opening is None:
        raise Rejected("dossier.not_opened", at="/opening")
    if (opening.kind, opening.kind_version) != (kind.name, kind.version):
        raise Rejected("dossier.other_kind", at="/opening/kind", kind=kind.name, version=kind.version)
    if folded is not None:
        known = load(entry_id)
        if entry_id != folded.dossier or known is None:
            raise Rejected("dossier.other_dossier", at="/dossier", dossier=folded.dossier)
        return Appended(folded, known, is_new=False)
    state = State(entry_id, header.author, opening.participants)
    place = _Place(header.author, 1, reason=None if header.seq == 1 else "dossier.sequence_wrong")
    trace = _judged(kind, header, entry_id, state, {}, place, {}, load)
    return Appended(_joined(Folded(kind.name, kind.version, state), trace, place), trace)


def _cited(folded: Folded, header: Header, load: Load) -> tuple[dict[str, Tip], tuple[str, ...]]:
    """The cited entries – from heads and tips where they are among them, else loaded – and those that are not here."""
    own = next((tip for tip in folded.tips.values() if tip.entry == header.prev), None)
    cited: dict[str, Tip] = {}
    missing = []
    for entry in header.cited:
        tip = own if own is not None and entry == own.entry else folded.heads.get(entry)
        if tip is None and (trace := load(entry)) is not None:
            tip = _tip(trace)
        if tip is None:
            missing.append(entry)
        else:
            cited[entry] = tip
    return cited, tuple(sorted(missing))


def _past(
    kind: Kind, folded: Folded, header: Header, load: Load, load_header: LoadHeader | None
) -> tuple[Known, State]:
    """What the entry stands on, and the state of exactly that."""
    if folded.heads.keys() <= set(header.cited):
        return folded.state.known, folded.state
    traces = [_required(entry, load) for entry in header.cited]
    states = [trace.after or recomputed(kind, trace.entry_id, load, load_header) for trace in traces]
    return join_known(*(trace.known for trace in traces)), reduce(join, states)


def _place(folded: Folded, header: Header, entry_id: str, cited: Mapping[str, Tip]) -> _Place:
    """The strand that the entry continues or, where somebody was there before it, begins."""
    own = f"{header.author}~{entry_id}"
    renewed: tuple[str, ...]
    if header.prev is None:
        strand, number, is_fork, renewed = header.author, 1, header.author in folded.tips, ()
    else:
        prev = cited[header.prev]
        if prev.strand.partition("~")[0] != header.author:
            return _Place(own, 1, reason="dossier.chain_broken")
        strand, number, renewed = prev.strand, prev.number + 1, prev.renewed
        is_fork = folded.tips[strand].entry != header.prev
    if is_fork and sum(name.startswith(f"{header.author}~") for name in folded.tips) >= MAX_STRANDS:
        raise Refused("dossier.too_many_strands", author=header.author, most=MAX_STRANDS)
    reason = None if header.seq == number else "dossier.sequence_wrong"
    return _Place(own if is_fork else strand, number, is_fork, header.prev, reason, renewed)


def _judged(
    kind: Kind,
    header: Header,
    entry_id: str,
    base: State,
    cited: Mapping[str, Tip],
    place: _Place,
    past: Known,
    load: Load,
) -> Trace:
    depth = 1 + max((tip.depth for tip in cited.values()), default=0)
    reason = place.reason
    if any(write.entry not in place.renewed for write in base.writes(f"{REVOKED}:{header.author}")):
        reason = reason or "dossier.chain_revoked"
    effects: tuple[Effect, ...] = ()
    if reason is None:
        verdict = kind.judge(header, entry_id, base, named(kind, header, load))
        reason, effects = verdict.reason, verdict.effects
    trace = Trace(
        entry_id=entry_id,
        author=header.author,
        act=header.act,
        at=format_time(header.at),
        strand=place.strand,
        number=place.number,
        depth=depth,
        past=past,
        reason=reason,
        flags=_flags(header, depth, cited),
        renewed=(*place.renewed, entry_id) if header.act == "revoke" and reason is None else place.renewed,
    )
    return replace(trace, after=_after(trace, base, effects))


def _after(trace: Trace, base: State, effects: Iterable[Effect]) -> State:
    write = Write(trace.entry_id, trace.strand, trace.number, trace.author, trace.act, trace.at, trace.depth, None)
    return base.with_effects(effects, write).having(trace.known)


def _flags(header: Header, depth: int, cited: Mapping[str, Tip]) -> tuple[str, ...]:
    flags = []
    if header.depth != depth:
        flags.append("dossier.depth_differs")
    latest = max((tip.at for tip in cited.values()), default=None)
    if latest is not None and header.at < parse_time(latest) - TIME_WINDOW:
        flags.append("dossier.time_before_cited")
    return tuple(flags)


def named(kind: Kind, header: Header, load: Load) -> dict[str, Trace | None]:
    """The traces of the entries that the codes name: at most one list of codes, so bounded like the heads."""
    spec = kind.acts.get(header.act)
    if spec is None:
        return {}
    return {entry: load(entry) for entries in named_entries(spec, header).values() for entry in entries}


def _joined(folded: Folded, trace: Trace, place: _Place) -> Folded:
    tip = _tip(trace)
    heads = {e: head for e, head in folded.heads.items() if not contains(trace.past, head.strand, head.number)}
    forks = set(folded.equivocations) | ({(trace.author, place.forks_at)} if place.is_fork else set())
    assert trace.after is not None
    return Folded(
        kind=folded.kind,
        kind_version=folded.kind_version,
        state=join(folded.state, trace.after),
        heads={**heads, trace.entry_id: tip},
        tips={**folded.tips, trace.strand: tip},
        count=folded.count + 1,
        depth=max(folded.depth, trace.depth),
        equivocations=tuple(sorted(forks, key=lambda fork: (fork[0], fork[1] or ""))),
    )


def _tip(trace: Trace) -> Tip:
    return Tip(trace.entry_id, trace.strand, trace.number, trace.depth, trace.at, trace.renewed)


def _required(entry: str, load: Load) -> Trace:
    trace = load(entry)
    if trace is None:
        raise Corrupt("dossier.trace_lost", entry=entry)
    return trace


def recomputed(kind: Kind, entry_id: str, load: Load, load_header: LoadHeader | None) -> State:
    """The state after an entry whose own was dropped, from the nearest states that were kept.

    Verdicts are taken from the traces, never made again. Raises ``Corrupt("dossier.trace_lost")`` where a trace or
    header of the past is gone.
    """
    states: dict[str, State] = {}
    stack = [entry_id]
    while stack:
        entry = stack[-1]
        trace = _required(entry, load)
        if trace.after is not None or entry in states:
            states[entry] = states.get(entry) or trace.after  # type: ignore[assignment]
            stack.pop()
            continue
        header = load_header(entry) if load_header else None
        if header is None:
            raise Corrupt("dossier.trace_lost", entry=entry)
        if waiting := [below for below in header.cited if below not in states]:
            stack.extend(waiting)
            continue
        base = reduce(join, (states[below] for below in header.cited)) if header.cited else _start(header, entry)
        effects = kind.judge(header, entry, base, named(kind, header, load)).effects if trace.effective else ()
        states[entry] = _after(trace, base, effects)
        stack.pop()
    return states[entry_id]


def _start(header: Header, entry: str) -> State:
    if header.opening is None:
        raise Corrupt("dossier.trace_lost", entry=entry)
    return State(entry, header.author, header.opening.participants)
