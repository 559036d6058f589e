"""Nodes that live in one variable: they fold what they are handed, keep what must wait, and sign nothing.

Shared by the tests of the fold, of every kind, and of the federation. Entry ids are real digests of real headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tansiq.engine.dossiers import folds
from tansiq.engine.dossiers.folds import Appended, Folded, Waiting
from tansiq.engine.dossiers.headers import Actor, Header, Opening, PartRef
from tansiq.engine.dossiers.kind import Kind
from tansiq.engine.dossiers.states import State, Trace
from tansiq.engine.formats.ids import b64encode, digest

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
OFFICER = Actor("liaison", officer="0192d3b0-7c1e-7a3c-8f00-5a1e2b3c4d5e")
MACHINE = Actor("machine", clause="receipt")
NODES = ("fr", "it", "ma")


def opening_of(kind: Kind, participants: tuple[str, ...] = NODES[:2], **fields: Any) -> Opening:
    """The opening of a dossier of this kind, always with the same nonce."""
    return Opening(kind.name, kind.version, tuple(sorted(participants)), b64encode(b"sixteen bytes..."), **fields)


def part_refs(*types: str) -> tuple[PartRef, ...]:
    """Part references of these types with invented commitments."""
    return tuple(PartRef(name, digest(f"{name} {index}".encode())) for index, name in enumerate(types))


@dataclass
class Node:
    """One participant's view of one dossier."""

    name: str
    kind: Kind
    folded: Folded | None = None
    headers: dict[str, Header] = field(default_factory=dict)
    traces: dict[str, Trace] = field(default_factory=dict)
    waiting: dict[str, Header] = field(default_factory=dict)
    loads: int = 0

    def __repr__(self) -> str:
        return f"<{self.name}, {len(self.traces)} entries>"

    def load(self, entry: str) -> Trace | None:
        """The trace of an entry, counted."""
        self.loads += 1
        return self.traces.get(entry)

    @property
    def state(self) -> State:
        """The present state."""
        assert self.folded is not None
        return self.folded.state

    @property
    def phase(self) -> str:
        """The present phase."""
        return self.kind.phase(self.state)

    def open(self, opening: Opening, codes: Mapping[str, Any], parts: tuple[PartRef, ...] = ()) -> Header:
        """Open a dossier and fold the entry."""
        act = self.kind.opening_act
        actor = MACHINE if self.kind.acts[act].machine else OFFICER
        header = Header(self.name, 1, START, act, actor, codes=dict(codes), opening=opening, parts=parts)
        return self.take(header)

    def act(
        self,
        act: str,
        codes: Mapping[str, Any] | None = None,
        parts: tuple[PartRef, ...] = (),
        *,
        minutes: int = 0,
        folded: Folded | None = None,
    ) -> Header:
        """Compose the next entry upon the present heads (or upon an older ``folded``) and fold it."""
        return self.take(self.compose(act, codes, parts, minutes=minutes, folded=folded))

    def compose(
        self,
        act: str,
        codes: Mapping[str, Any] | None = None,
        parts: tuple[PartRef, ...] = (),
        *,
        minutes: int = 0,
        folded: Folded | None = None,
    ) -> Header:
        """The next entry, not folded."""
        base = folded or self.folded
        assert base is not None
        place = folds.cites(base, self.name)
        spec = self.kind.acts.get(act)
        return Header(
            author=self.name,
            seq=place.seq,
            at=START + timedelta(minutes=minutes or place.depth),
            act=act,
            acted_by=MACHINE if spec is not None and spec.machine else OFFICER,
            dossier=base.dossier,
            prev=place.prev,
            heads=place.heads,
            depth=place.depth,
            codes=dict(codes or {}),
            parts=parts,
        )

    def take(self, header: Header) -> Header:
        """Fold an entry and whatever waited for it."""
        ready = [header]
        while ready:
            self._take_one(ready.pop())
            ready = ready or [waiting for waiting in self.waiting.values() if self._is_ready(waiting)]
        return header

    def _take_one(self, header: Header) -> None:
        entry = header.entry_id
        self.waiting.pop(entry, None)
        if self.folded is None and header.opening is None:
            self.waiting[entry] = header
            return
        outcome = folds.append(self.kind, self.folded, header, entry, self.load, load_header=self.headers.get)
        if isinstance(outcome, Waiting):
            self.waiting[entry] = header
        else:
            self.keep(header, outcome)

    def _is_ready(self, header: Header) -> bool:
        return all(cited in self.traces for cited in header.cited)

    def keep(self, header: Header, outcome: Appended) -> None:
        """Store what the fold handed back."""
        self.folded = outcome.folded
        self.headers[outcome.trace.entry_id] = header
        self.traces.setdefault(outcome.trace.entry_id, outcome.trace)

    def reason(self, header: Header) -> str | None:
        """Why that entry stayed without effect."""
        return self.traces[header.entry_id].reason

    def copy(self, name: str | None = None) -> Node:
        """Another node that knows exactly the same."""
        traces, headers = dict(self.traces), dict(self.headers)
        return Node(name or self.name, self.kind, self.folded, headers, traces, dict(self.waiting))

    def verdicts(self) -> dict[str, tuple[str | None, int, tuple[str, ...]]]:
        """What was decided about every entry."""
        return {e: (t.reason, t.depth, t.flags) for e, t in self.traces.items()}
