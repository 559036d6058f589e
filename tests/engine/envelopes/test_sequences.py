"""Sequences: whatever the line does, each manifest is observed once, gaps are seen, and two stories are evidence."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tansiq.engine.envelopes.manifest import Manifest
from tansiq.engine.envelopes.sequences import (
    MAX_AHEAD,
    MAX_INCARNATIONS,
    REMEMBERED,
    TRANSITIONS,
    Duplicate,
    Fork,
    Gap,
    Inbound,
    InOrder,
    NewIncarnation,
    Outbound,
    SlotEvent,
    SlotState,
    drawing,
)
from tansiq.engine.errors import Corrupt, Rejected, Unavailable
from tests.engine.envelopes.makers import DAY, FRANCE, NOW
from tests.shared import ROOT


def make_manifest(outbound: Outbound, version: int = 0) -> Manifest:
    """The next manifest of a sender; another ``version`` is another manifest under the same number."""
    place = outbound.next()
    return Manifest(
        envelope_id=f"019a1f6e-7c00-7000-8{version:03x}-{place.incarnation:04x}{place.sequence:08x}",
        sender="fr",
        recipient="ma-dgsn",
        incarnation=place.incarnation,
        sequence=place.sequence,
        previous_manifest_digest=place.previous_manifest_digest,
        created_at=NOW,
        expires_at=NOW + DAY,
        body_digest="0" * 64,
        body_length=1,
        node_key_id=FRANCE.node.key_id,
        mailbox_key_id="0" * 32,
    )


def chain(length: int, incarnation: int = 1) -> list[Manifest]:
    outbound, made = Outbound.start(incarnation), []
    for _ in range(length):
        made.append(make_manifest(outbound))
        outbound = outbound.sent(made[-1].digest())
    return made


def observed(inbound: Inbound, manifest: Manifest, **given_stored: Any) -> tuple[Inbound, Any]:
    """One step, through the JSON form, as a node does it."""
    following, observation = inbound.observe(manifest, manifest.digest(), **given_stored)
    return Inbound.from_json(json.loads(json.dumps(following.to_json()))), observation


TEN = chain(10)


def test_in_order() -> None:
    inbound = Inbound.start()
    for manifest in TEN:
        inbound, observation = observed(inbound, manifest)
        assert observation == InOrder(manifest.sequence)
    assert inbound.missing() == {}


def test_a_gap_is_shown_until_it_is_filled() -> None:
    inbound, _ = observed(Inbound.start(), TEN[0])
    inbound, observation = observed(inbound, TEN[4])
    assert observation == Gap(5, ((2, 4),))
    inbound, observation = observed(inbound, TEN[2])
    assert observation == Gap(3, ((2, 2), (4, 4)))
    inbound, _ = observed(inbound, TEN[1])
    assert inbound.missing() == {1: ((4, 4),)}
    inbound, observation = observed(inbound, TEN[3])
    assert observation == InOrder(4)
    assert inbound.missing() == {}


@given(st.data())
def test_any_order_duplication_and_loss(data: st.DataObject) -> None:
    """Each manifest that arrives is observed once; what is missing is exactly what did not arrive."""
    arriving = data.draw(st.lists(st.sampled_from(TEN), max_size=30))
    inbound, seen = Inbound.start(), Counter[int]()
    for manifest in arriving:
        inbound, observation = observed(inbound, manifest)
        assert not isinstance(observation, Fork | NewIncarnation)
        seen[manifest.sequence] += not isinstance(observation, Duplicate)
    assert set(seen.values()) <= {1}
    arrived = {manifest.sequence for manifest in arriving}
    expected = set(range(1, max(arrived, default=0) + 1)) - arrived
    told = {number for first, last in inbound.missing().get(1, ()) for number in range(first, last + 1)}
    assert told == expected
    for manifest in TEN:
        inbound, _ = observed(inbound, manifest)
    assert inbound.missing() == {}


@given(order=st.permutations(TEN))
def test_the_end_does_not_depend_on_the_order(order: list[Manifest]) -> None:
    inbound = Inbound.start()
    for manifest in order:
        inbound, _ = observed(inbound, manifest)
    straight = Inbound.start()
    for manifest in TEN:
        straight, _ = observed(straight, manifest)
    assert inbound == straight


def test_a_jump_of_any_size_costs_nothing() -> None:
    far = TEN[1].model_copy(update={"sequence": 2**53 - 1})
    inbound, observation = observed(Inbound.start(), far)
    assert observation == Gap(2**53 - 1, ((1, 2**53 - 2),))
    assert len(json.dumps(inbound.to_json())) < 500


def test_two_manifests_under_one_number_are_a_fork() -> None:
    inbound = Inbound.start()
    for manifest in TEN[:3]:
        inbound, _ = observed(inbound, manifest)
    other = make_manifest(Outbound(1, 2, TEN[1].digest()), version=7)
    inbound, observation = observed(inbound, other)
    assert observation == Fork(3, "number", TEN[2].digest(), other.digest())
    assert inbound.state_of(1, 3) == "forked"
    inbound, observation = observed(inbound, other)
    assert observation == Duplicate(3)
    inbound, observation = observed(inbound, TEN[3])
    assert observation == InOrder(4)


@given(order=st.permutations(range(3)))
def test_a_chain_that_does_not_hold_is_a_fork_in_any_order(order: list[int]) -> None:
    """The third continues another second than the one that came."""
    other = make_manifest(Outbound(1, 1, TEN[0].digest()), version=7)
    manifests = [TEN[0], other, TEN[2]]
    inbound, forks = Inbound.start(), []
    for place in order:
        inbound, observation = observed(inbound, manifests[place])
        forks += [observation] if isinstance(observation, Fork) else []
    assert len(forks) == 1
    assert forks[0].rule == "chain"
    assert {forks[0].kept, forks[0].found} == {other.digest(), TEN[1].digest()}
    assert inbound.missing() == {}


def test_a_new_incarnation_starts_anew_and_the_old_one_may_still_arrive() -> None:
    second = chain(3, incarnation=2)
    inbound, _ = observed(Inbound.start(), TEN[0])
    inbound, observation = observed(inbound, second[1])
    assert observation == NewIncarnation(2, 2, 1, ((1, 1),))
    inbound, observation = observed(inbound, TEN[1])
    assert observation == InOrder(2)
    inbound, observation = observed(inbound, second[0])
    assert observation == InOrder(1)
    assert inbound.incarnation == 2
    inbound, observation = observed(Inbound.start(), second[0])
    assert observation == InOrder(1)


def test_incarnations_are_bounded() -> None:
    inbound = Inbound.start()
    for incarnation in range(1, MAX_INCARNATIONS + 3):
        inbound, _ = observed(inbound, chain(1, incarnation)[0])
    assert len(inbound.tracks) == MAX_INCARNATIONS
    with pytest.raises(Rejected, match=r"sequence\.incarnation_old"):
        observed(inbound, TEN[0])


def test_memory_is_bounded_and_the_store_helps_it() -> None:
    many = chain(REMEMBERED + 10)
    inbound = Inbound.start()
    for manifest in many:
        inbound, _ = observed(inbound, manifest)
    assert len(json.dumps(inbound.to_json())) < 90 * REMEMBERED
    assert observed(inbound, many[-1])[1] == Duplicate(many[-1].sequence)
    assert observed(inbound, many[0], stored=many[0].digest())[1] == Duplicate(1)
    assert observed(inbound, many[0])[1] == Fork(1, "number", None, many[0].digest())


def test_what_waits_beyond_a_gap_is_bounded() -> None:
    manifests = chain(REMEMBERED + MAX_AHEAD + 3)
    inbound = Inbound.start()
    for manifest in manifests[2:]:
        inbound, _ = inbound.observe(manifest, manifest.digest())
        if len(inbound.tracks[1].known) == REMEMBERED + MAX_AHEAD:
            break
    with pytest.raises(Unavailable, match=r"sequence\.too_far_ahead"):
        inbound.observe(manifests[1], manifests[1].digest())
    inbound, observation = inbound.observe(manifests[0], manifests[0].digest())
    assert observation == Gap(1, ((2, 2),))


def test_outbound_wastes_no_number() -> None:
    outbound = Outbound.start(3)
    assert outbound.next() == outbound.next()
    assert (outbound.next().incarnation, outbound.next().sequence, outbound.next().previous_manifest_digest) == (
        3,
        1,
        None,
    )
    outbound = Outbound.from_json(json.loads(json.dumps(outbound.sent("d" * 64).to_json())))
    assert (outbound.next().sequence, outbound.next().previous_manifest_digest) == (2, "d" * 64)


@pytest.mark.parametrize(
    "value", [None, {}, {"incarnation": "1", "tracks": {}}, {"incarnation": 1, "tracks": {"x": {}}}]
)
def test_a_state_that_is_none_is_corrupt(value: Any) -> None:
    with pytest.raises(Corrupt, match=r"sequence\.state"):
        Inbound.from_json(value)
    with pytest.raises(Corrupt, match=r"sequence\.state"):
        Outbound.from_json(value)


class Slots(RuleBasedStateMachine):
    """The machine against the table: what TRANSITIONS says of a slot is what ``Inbound`` does."""

    numbers = st.integers(1, 6)

    def __init__(self) -> None:
        super().__init__()
        self.inbound = Inbound.start()
        self.slots: dict[int, SlotState] = {}
        self.told: dict[int, set[int]] = {}

    @rule(number=numbers, version=st.sampled_from([0, 0, 0, 1, 2]))
    def arrives(self, number: int, version: int) -> None:
        previous = None if number == 1 else TEN[number - 2].digest()
        manifest = make_manifest(Outbound(1, number - 1, previous), version)
        before = self.told.setdefault(number, set())
        event: SlotEvent = "same_arrives" if version in before else "other_arrives" if before else "arrives"
        before.add(version)
        self.inbound, observation = observed(self.inbound, manifest)
        self.step(number, event)
        for lower in range(1, number):
            self.step(lower, "later_arrives")
        assert isinstance(observation, Duplicate) == (event == "same_arrives")
        assert event != "other_arrives" or isinstance(observation, Fork)

    def step(self, number: int, event: SlotEvent) -> None:
        self.slots[number] = TRANSITIONS[self.slots.get(number, "unheard"), event]

    @invariant()
    def every_slot_is_where_the_table_says(self) -> None:
        for number in range(1, 7):
            assert self.inbound.state_of(1, number) == self.slots.get(number, "unheard")


TestSlots = Slots.TestCase
TestSlots.settings = settings(max_examples=60, stateful_step_count=20)


def test_the_drawing_in_the_protocol_is_the_table() -> None:
    page = (ROOT / "docs" / "protocol" / "envelopes.md").read_text(encoding="utf-8")
    assert "\n".join(["```mermaid", *drawing(), "```"]) in page
