"""Golden vectors of a kind version: a recorded life of a dossier, with every verdict and state on the way.

``record`` plays fixed pseudo-random lives – permitted acts and forbidden ones, side by side, with a forked chain –
and writes down headers and outcomes. ``replay`` folds the recorded headers and says what it finds. A second
implementation can do the same with nothing but the file and ``docs/protocol/dossiers.md``.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tansiq.engine.dossiers import folds
from tansiq.engine.dossiers.folds import Appended, Folded
from tansiq.engine.dossiers.headers import Header
from tansiq.engine.dossiers.kind import Kind
from tansiq.engine.dossiers.states import Trace
from tansiq.engine.formats import canonical
from tests.engine.dossiers.simulated import Node, opening_of, part_refs
from tests.engine.kinds.enumerate import Samples

FOLDER = Path(__file__).parent / "golden"
STEPS = 16
LIVES = 10


def path_of(kind: Kind) -> Path:
    """Where the vectors of this kind version stand."""
    return FOLDER / f"{kind.name}-{kind.version}.json"


def record(kind: Kind, samples: Samples, participants: tuple[str, ...]) -> dict[str, Any]:
    """Several short lives, because a long one soon comes to its end, and what became of each."""
    used: Counter[str] = Counter()
    lives = [_live(kind, samples, participants, life, used) for life in range(LIVES)]
    return {"kind": kind.name, "version": kind.version, "lives": [replay(kind, headers) for headers in lives]}


def _live(kind: Kind, samples: Samples, participants: tuple[str, ...], life: int, used: Counter[str]) -> list[Header]:
    """One life; among what may be done, what was done least so far."""
    chance = random.Random(f"{kind.name} {kind.version} {life}")
    opener = Node(participants[0], kind)
    codes, parts = samples[kind.opening_act][0]
    opener.open(opening_of(kind, participants), codes if not callable(codes) else {}, part_refs(*parts))
    nodes = [opener, *(opener.copy(name) for name in participants[1:])]
    stale = opener.folded
    for step in range(1, STEPS):
        node = chance.choice(nodes)
        allowed = [a for a, spec in kind.acts.items() if spec.machine and kind.is_offered(a, node.phase)]
        allowed += kind.permitted(node.state, node.name)
        every = [act for act, spec in kind.acts.items() if not spec.opening]
        offered = allowed if allowed and step % 6 else every
        rarest = min(used[act] for act in offered)
        act = chance.choice([act for act in offered if used[act] == rarest])
        used[act] += 1
        codes, parts = chance.choice(list(samples.get(act, [({}, ())])))
        given = (codes(node) if callable(codes) else codes) or {}
        node.act(act, given, part_refs(*parts), minutes=step, folded=stale if step == 9 else None)
        if step == 5:
            stale = node.folded
        if chance.random() < 0.6:
            _exchange(nodes)
    _exchange(nodes)
    return list(nodes[0].headers.values())


def _exchange(nodes: list[Node]) -> None:
    everything = {entry: header for node in nodes for entry, header in node.headers.items()}
    for node in nodes:
        for header in everything.values():
            node.take(header)


def replay(kind: Kind, headers: list[Header]) -> dict[str, Any]:
    """Fold these headers in this order; the vectors as they should stand in the file."""
    folded: Folded | None = None
    traces: dict[str, Trace] = {}
    entries = []
    for header in headers:
        outcome = folds.append(kind, folded, header, header.entry_id, traces.get)
        assert isinstance(outcome, Appended)
        folded, trace = outcome.folded, outcome.trace
        traces[trace.entry_id] = trace
        assert trace.after is not None
        entries.append(
            {
                "header": header.to_json(),
                "entry_id": trace.entry_id,
                "depth": trace.depth,
                "reason": trace.reason,
                "flags": list(trace.flags),
                "phase_after": kind.phase(trace.after),
                "state_after": canonical.digest(trace.after.shown()),
            }
        )
    assert folded is not None
    return {"entries": entries, "state": folded.shown(), "view": kind.view(folded.state)}


def headers_in(life: Mapping[str, Any]) -> list[Header]:
    """The recorded headers of one life, read strictly."""
    return [Header.from_json(entry["header"]) for entry in life["entries"]]
