"""The fold as ``docs/protocol/dossiers.md`` says it, without a thought for speed: pasts are sets, states are computed
from scratch.

It shares with the engine what a kind says (``Kind.judge``) and nothing else: no strands, no join, no snapshots. What
both find alike is not an accident of either.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tansiq.engine.dossiers.headers import Header
from tansiq.engine.dossiers.kind import Kind, named_entries
from tansiq.engine.dossiers.states import Add, Close, Effect, Open, Put, State, Trace, Write
from tansiq.engine.formats.json_values import JsonValue
from tansiq.engine.formats.times import format_time


@dataclass
class Naive:
    """Everything by entry id."""

    kind: Kind
    headers: dict[str, Header]
    pasts: dict[str, frozenset[str]] = field(default_factory=dict)
    depths: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, str | None] = field(default_factory=dict)
    effects: dict[str, tuple[Effect, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        left = dict(self.headers)
        while ready := [e for e, header in left.items() if all(cited in self.pasts for cited in header.cited)]:
            for entry in ready:
                self._judge(entry, left.pop(entry))
        assert not left

    @property
    def opening(self) -> tuple[str, Header]:
        return next((entry, header) for entry, header in self.headers.items() if header.opening is not None)

    def chain(self, entry: str) -> list[str]:
        """The entry and those before it by ``prev``, as far as they are its author's."""
        chain = [entry]
        while (prev := self.headers[chain[-1]].prev) and self.headers[prev].author == self.headers[entry].author:
            chain.append(prev)
        return chain

    def _judge(self, entry: str, header: Header) -> None:
        past = frozenset(header.cited).union(*(self.pasts[cited] for cited in header.cited))
        self.pasts[entry] = past
        self.depths[entry] = 1 + max((self.depths[cited] for cited in header.cited), default=0)
        state = self.state(past)
        self.reasons[entry] = self._chain_reason(entry, header, state)
        self.effects[entry] = ()
        if self.reasons[entry] is None:
            spec = self.kind.acts.get(header.act)
            named = {one for ids in named_entries(spec, header).values() for one in ids} if spec else set()
            verdict = self.kind.judge(header, entry, state, {one: self._trace(one) for one in named})
            self.reasons[entry], self.effects[entry] = verdict.reason, verdict.effects

    def _chain_reason(self, entry: str, header: Header, state: State) -> str | None:
        if header.prev is not None and self.headers[header.prev].author != header.author:
            return "dossier.chain_broken"
        if header.seq != len(self.chain(entry)):
            return "dossier.sequence_wrong"
        revocations = {write.entry for write in state.writes(f"revoked:{header.author}")}
        return None if revocations <= set(self.chain(entry)) else "dossier.chain_revoked"

    def _trace(self, entry: str) -> Trace | None:
        if entry not in self.pasts:
            return None
        header = self.headers[entry]
        return Trace(entry, header.author, header.act, "", entry, 1, 0, {}, self.reasons[entry])

    def _write(self, entry: str, value: JsonValue) -> Write:
        header = self.headers[entry]
        at = format_time(header.at)
        return Write(entry, entry, 1, header.author, header.act, at, self.depths[entry], value)

    def state(self, entries: frozenset[str]) -> State:
        """The state of a set of entries, by its definition."""
        did = [(entry, effect) for entry in entries for effect in self.effects[entry]]
        facets: dict[str, dict[str, Write]] = {}
        counters: dict[str, dict[str, int]] = {}
        for entry, effect in did:
            if isinstance(effect, Add):
                counters.setdefault(effect.facet, {})[entry] = 1
            elif isinstance(effect, Put):
                rivals = [e for e, other in did if isinstance(other, Put) and other.facet == effect.facet]
                if not any(entry in self.pasts[rival] for rival in rivals):
                    facets.setdefault(effect.facet, {})[entry] = self._write(entry, effect.value)
            elif isinstance(effect, Open):
                closed = [e for e, o in did if isinstance(o, Close) and (o.facet, o.entry) == (effect.facet, entry)]
                if not any(entry in self.pasts[close] for close in closed):
                    facets.setdefault(effect.facet, {})[entry] = self._write(entry, effect.value)
        dossier, opening = self.opening
        assert opening.opening is not None
        known = dict.fromkeys(entries, 1)
        return State(dossier, opening.author, opening.opening.participants, known, facets, counters)
