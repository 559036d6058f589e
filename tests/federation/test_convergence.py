"""Nodes that act at will over a network that loses, doubles, delays and reorders: in the end all hold the same dossier.

A Hypothesis state machine drives two or three nodes of one dossier. They do what is permitted and what is not, act on
stale knowledge, fork their own chains, forget snapshots, restart from their stored bytes, and have their keys
revoked. After every step no verdict ever given has changed. When all is delivered, state, heads, verdicts,
equivocations and views are equal everywhere, byte for byte, whatever the order was – and equal to what a naive fold
finds that follows the protocol's definition word by word.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tansiq.engine.dossiers import folds
from tansiq.engine.dossiers.folds import Folded
from tansiq.engine.dossiers.headers import Header
from tansiq.engine.dossiers.kind import Kind
from tansiq.engine.dossiers.states import Trace
from tansiq.engine.formats import canonical
from tansiq.engine.kinds import registry
from tests.engine.dossiers.simulated import Node, opening_of, part_refs
from tests.engine.dossiers.toy import TOY
from tests.engine.kinds.enumerate import Samples
from tests.engine.kinds.samples import COMMON, SAMPLES
from tests.engine.kinds.test_enumerate import SAMPLES as TOY_SAMPLES
from tests.federation.naive import Naive


class Federation(RuleBasedStateMachine):
    """One dossier on several nodes, and what is under way between them."""

    kind: Kind
    samples: Samples
    participants: tuple[str, ...]

    def __init__(self) -> None:
        super().__init__()
        self.nodes: dict[str, Node] = {}
        self.under_way: list[tuple[str, Header]] = []
        self.stale: list[Folded] = []
        self.verdicts: dict[str, tuple[Any, ...]] = {}

    @initialize()
    def open(self) -> None:
        opener = Node(self.participants[0], self.kind)
        codes, parts = self.samples[self.kind.opening_act][0]
        assert not callable(codes)
        header = opener.open(opening_of(self.kind, self.participants), codes, part_refs(*parts))
        self.nodes = {name: Node(name, self.kind) for name in self.participants[1:]} | {opener.name: opener}
        self._send(opener, header)

    def _send(self, sender: Node, header: Header) -> None:
        self.under_way += [(name, header) for name in self.participants if name != sender.name]

    def _act(self, data: st.DataObject, node: Node, acts: list[str], base: Folded | None = None) -> None:
        act = data.draw(st.sampled_from(acts), label="act")
        codes, parts = data.draw(st.sampled_from(list(self.samples.get(act, [({}, ())]))), label="codes")
        given = codes(node) if callable(codes) else codes
        header = node.act(act, given or {}, part_refs(*parts), minutes=data.draw(st.integers(0, 90)), folded=base)
        self._send(node, header)

    def _ready(self) -> list[Node]:
        return [node for node in self.nodes.values() if node.folded is not None]

    @rule(data=st.data())
    def act_as_permitted(self, data: st.DataObject) -> None:
        node = data.draw(st.sampled_from(self._ready()), label="node")
        machine = [a for a, s in self.kind.acts.items() if s.machine and self.kind.is_offered(a, node.phase)]
        self._act(data, node, [*self.kind.permitted(node.state, node.name), *machine])

    @rule(data=st.data())
    def act_whether_permitted_or_not(self, data: st.DataObject) -> None:
        node = data.draw(st.sampled_from(self._ready()), label="node")
        self._act(data, node, [act for act, spec in self.kind.acts.items() if not spec.opening])

    @rule(data=st.data())
    def remember_for_later(self, data: st.DataObject) -> None:
        folded = data.draw(st.sampled_from(self._ready()), label="node").folded
        assert folded is not None
        self.stale.append(folded)

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def act_on_stale_knowledge(self, data: st.DataObject) -> None:
        """Another successor of an old entry: the author's chain forks."""
        base = data.draw(st.sampled_from(self.stale), label="base")
        knowing = [node for node in self._ready() if all(head in node.traces for head in base.heads)]
        if knowing:
            node = data.draw(st.sampled_from(knowing), label="node")
            self._act(data, node, [a for a, spec in self.kind.acts.items() if not spec.opening], base)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.under_way) - 1))
        name, header = self.under_way.pop(index)
        self.nodes[name].take(header)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def deliver_and_deliver_again_later(self, data: st.DataObject) -> None:
        name, header = data.draw(st.sampled_from(self.under_way), label="doubled")
        self.nodes[name].take(header)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        """Lost now; the end repairs it, as a node does when it asks for what is missing."""
        self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))

    @rule(data=st.data())
    def restart(self, data: st.DataObject) -> None:
        """A node comes up from its stored bytes, with states dropped as a store does."""
        node = data.draw(st.sampled_from(self._ready()), label="node")
        assert node.folded is not None
        node.folded = Folded.from_json(json.loads(node.folded.to_bytes()))
        for entry, trace in node.traces.items():
            kept = trace if data.draw(st.booleans()) else folds.pruned(trace)
            node.traces[entry] = Trace.from_json(json.loads(canonical.dumps(kept.to_json())))

    @invariant()
    def no_verdict_ever_changes(self) -> None:
        for node in self.nodes.values():
            for entry, verdict in node.verdicts().items():
                assert self.verdicts.setdefault(entry, verdict) == verdict

    @invariant()
    def what_waits_waits_for_something(self) -> None:
        for node in self.nodes.values():
            for header in node.waiting.values():
                assert node.folded is None or any(cited not in node.traces for cited in header.cited)

    def teardown(self) -> None:
        everything: dict[str, Header] = {}
        for node in self.nodes.values():
            everything |= node.headers | node.waiting
        for node in self.nodes.values():
            for header in sorted(everything.values(), key=lambda header: (header.entry_id, node.name), reverse=True):
                node.take(header)
            # entries without their opening had to wait for it
            for header in everything.values():
                node.take(header)
        self._assert_agree(list(self.nodes.values()), everything)
        self._assert_as_defined(next(iter(self.nodes.values())), everything)

    def _assert_agree(self, nodes: list[Node], everything: dict[str, Header]) -> None:
        for node in nodes:
            assert not node.waiting
            assert node.folded is not None
            assert node.folded.count == len(everything) == len(node.traces)
            assert canonical.dumps(node.folded.shown()) == canonical.dumps(nodes[0].folded.shown())  # type: ignore[union-attr]
            assert canonical.dumps(self.kind.view(node.state)) == canonical.dumps(self.kind.view(nodes[0].state))
            assert node.verdicts() == nodes[0].verdicts()
            assert [self.kind.permitted(node.state, party) for party in self.participants] == [
                self.kind.permitted(nodes[0].state, party) for party in self.participants
            ]

    def _assert_as_defined(self, node: Node, everything: dict[str, Header]) -> None:
        """The engine found what the definition says."""
        naive = Naive(self.kind, everything)
        assert {entry: trace.reason for entry, trace in node.traces.items()} == naive.reasons
        assert {entry: trace.depth for entry, trace in node.traces.items()} == naive.depths
        state = naive.state(frozenset(everything))
        assert canonical.dumps(node.state.shown()) == canonical.dumps(state.shown())
        assert canonical.dumps(self.kind.view(node.state)) == canonical.dumps(self.kind.view(state))
        assert node.folded is not None
        assert set(node.folded.heads) == everything.keys() - {c for h in everything.values() for c in h.cited}


class ToyFederation(Federation):
    kind = TOY
    samples = {**COMMON, **TOY_SAMPLES}
    participants = ("fr", "it", "ma")


class RequestFederation(Federation):
    kind = registry.kind("request")
    samples, participants = SAMPLES["request", 1]


class ReportFederation(Federation):
    kind = registry.kind("report")
    samples, participants = SAMPLES["report", 1]


class AccordFederation(Federation):
    kind = registry.kind("accord")
    samples, participants = SAMPLES["accord", 1]


class ChannelFederation(Federation):
    kind = registry.kind("channel")
    samples, participants = SAMPLES["channel", 1]


FEDERATIONS = (ToyFederation, RequestFederation, ReportFederation, AccordFederation, ChannelFederation)


@pytest.mark.parametrize("federation", FEDERATIONS)
def test_all_nodes_end_with_the_same_dossier(federation: type[Federation]) -> None:
    run_state_machine_as_test(federation, settings=settings(stateful_step_count=40, max_examples=150))


@pytest.mark.slow
@pytest.mark.parametrize("federation", FEDERATIONS)
def test_all_nodes_end_with_the_same_dossier_after_long_lives(federation: type[Federation]) -> None:
    run_state_machine_as_test(federation, settings=settings(stateful_step_count=150, max_examples=300))
