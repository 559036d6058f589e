"""For any kind: every state it can reach × every pair of acts that two parties can do without knowing of each other.

``check_kind(kind, samples)`` walks the real fold from the opening through every phase (sequential histories, one
dossier per phase and set of open items), and in every state found lets each pair of parties act side by side, up to
``steps`` acts each. It demands of every such pair of histories:

- both orders of arrival end in the same state, the same view and the same verdicts, and no verdict changes;
- where both wrote the phase and differ, the pair of their last phase-writing acts **stands in CONCURRENT**, and the
phase is what
  the table says.

One party side by side with itself (a chain that forks) is held to the first demand only; it falls to conflict if the
table is silent. ``check_table`` holds the table itself to be a total, order-free function: no cycles among what
prevails.

``samples``: {act: [(codes, part types), …]}, where codes may be a function of the node, for codes that name entries.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tansiq.engine.dossiers.kind import CONFLICT, Kind
from tansiq.engine.dossiers.states import PHASE, Write
from tests.engine.dossiers.simulated import Node, opening_of, part_refs

Codes = Mapping[str, Any] | Callable[[Node], "Mapping[str, Any] | None"]
Samples = Mapping[str, Sequence[tuple[Codes, tuple[str, ...]]]]

MAX_STATES = 60


def acting(node: Node, samples: Samples) -> list[Node]:
    """The nodes that come of every sample act that this party may do now and that takes effect, machine acts
    included.
    """
    after = []
    for act, spec in node.kind.acts.items():
        if spec.opening:
            continue
        for codes, parts in samples.get(act, [({}, ())]):
            given = codes(node) if callable(codes) else codes
            if given is None:
                continue
            next_node = node.copy()
            header = next_node.act(act, given, part_refs(*parts))
            if next_node.reason(header) is None:
                after.append(next_node)
    return after


def seen_as(node: Node, party: str) -> Node:
    """The same knowledge, as another party would act on it."""
    return node.copy(party)


def fingerprint(node: Node) -> tuple[Any, ...]:
    """What makes two states worth telling apart: the phase, the act that led there, and what is open or set."""
    outcome = node.kind.outcome(node.state)
    facets = tuple(sorted((name, len(held)) for name, held in node.state.facets.items()))
    return outcome.phase, facets, tuple(sorted(write.act for write in outcome.standing))


def reachable(kind: Kind, samples: Samples, participants: tuple[str, ...]) -> list[Node]:
    """One node per state worth telling apart, found breadth first from the opening."""
    codes, parts = samples[kind.opening_act][0]
    start = Node(participants[0], kind)
    start.open(opening_of(kind, participants), codes if not callable(codes) else {}, part_refs(*parts))
    assert start.reason(next(iter(start.headers.values()))) is None, "the sample opening must take effect"
    found = {fingerprint(start): start}
    frontier = [start]
    while frontier and len(found) < MAX_STATES:
        frontier = [
            after
            for node in frontier
            for party in participants
            for after in acting(seen_as(node, party), samples)
            if fingerprint(after) not in found and found.setdefault(fingerprint(after), after) is after
        ]
    return list(found.values())


def runs(node: Node, party: str, samples: Samples, steps: int) -> list[Node]:
    """What this party can do alone: every single act, and longer runs in which every act moves the phase.

    What an act does to other facets after the phase has moved is seen where that phase is the common state.
    """
    found = acting(seen_as(node, party), samples)
    moving = [after for after in found if after.phase != node.phase]
    for _ in range(steps - 1):
        moving = [after for one in moving for after in acting(one, samples) if after.phase != one.phase]
        found = found + moving
    return found


def check_kind(kind: Kind, samples: Samples, participants: tuple[str, ...] = ("fr", "it"), steps: int = 3) -> set[str]:
    """Demand what this module promises; the phases seen are returned, so that a test can demand them all."""
    check_table(kind)
    phases = set()
    for node in reachable(kind, samples, participants):
        phases.add(node.phase)
        histories = {party: runs(node, party, samples, steps) for party in participants}
        for one, two in itertools.combinations_with_replacement(participants, 2):
            for left, right in itertools.product(histories[one], histories[two]):
                phases.add(check_pair(node, left, right, is_fork=one == two))
    return phases


def check_pair(base: Node, left: Node, right: Node, *, is_fork: bool) -> str:
    """Two histories side by side: the same end in both orders, and a row in the table where they disagree."""
    here, there = left.copy(), right.copy()
    ours = [header for entry, header in left.headers.items() if entry not in base.headers]
    theirs = [header for entry, header in right.headers.items() if entry not in base.headers]
    for header in theirs:
        here.take(header)
    for header in ours:
        there.take(header)
    acts = [header.act for header in ours], [header.act for header in theirs]
    assert here.folded is not None
    assert there.folded is not None
    assert here.folded.shown() == there.folded.shown(), acts
    assert here.kind.view(here.state) == there.kind.view(there.state), acts
    assert here.verdicts() == there.verdicts(), acts
    assert left.verdicts().items() <= here.verdicts().items(), acts
    assert right.verdicts().items() <= here.verdicts().items(), acts
    if not is_fork:
        _check_in_table(here, acts)
    return here.phase


def _check_in_table(node: Node, acts: tuple[list[str], list[str]]) -> None:
    writes = node.state.writes(PHASE)
    if len({str(write.value) for write in writes}) < 2:
        return
    pair = frozenset(write.act for write in writes)
    assert pair in node.kind.CONCURRENT, f"{sorted(pair)} can happen side by side and are not in the table: {acts}"
    prevails = node.kind.CONCURRENT[pair]
    standing = {write.act for write in node.kind.outcome(node.state).standing}
    assert standing == (set(pair) if prevails == CONFLICT else {prevails}), acts


def check_table(kind: Kind) -> None:
    """The table names known acts, answers with one of the two or CONFLICT, and nothing prevails in a circle."""
    acts = sorted(kind.acts)
    for pair, prevails in kind.CONCURRENT.items():
        assert 1 <= len(pair) <= 2, pair
        assert pair <= set(acts), f"unknown act in {sorted(pair)}"
        assert prevails == CONFLICT or prevails in pair, f"{prevails} is none of {sorted(pair)}"
    beats = {(prevails, *(pair - {prevails})) for pair, prevails in kind.CONCURRENT.items() if prevails != CONFLICT}
    beats = {edge for edge in beats if len(edge) == 2}
    closure = set(beats)
    while grown := {(a, d) for a, b in closure for c, d in closure if b == c} - closure:
        closure |= grown
    assert not any(a == b for a, b in closure), "acts that prevail over each other in a circle"


def check_many_writers(kind: Kind) -> None:
    """Of three or more surviving writes the outcome is the same in every order, and never empty."""
    acts = sorted({act for pair in kind.CONCURRENT for act in pair})
    after = {act: phase for (_, act), phase in kind.TRANSITIONS.items()}
    for several in itertools.combinations(acts, 3):
        writes = [Write(f"{i:064x}", f"n{i}", 1, f"n{i}", a, "", 1, after.get(a, a)) for i, a in enumerate(several)]
        outcomes = set()
        for order in itertools.permutations(writes):
            state = Node("fr", kind)
            state.open(opening_of(kind), {}, ())
            facets = {PHASE: {write.entry: write for write in order}}
            held = type(state.state)(state.state.dossier, "fr", ("fr", "it"), {}, facets, {})
            outcome = kind.outcome(held)
            assert outcome.standing
            outcomes.add((outcome.phase, outcome.standing, outcome.noted))
        assert len(outcomes) == 1, several
