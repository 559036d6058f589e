"""A filter finds what was put in, hardly ever anything else, has one spelling, and changes without telling what."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.blind import filters
from tansiq.engine.errors import Rejected
from tests.engine.blind.randomness import stream


def planned_with(old: filters.Filter, *, added: list[bytes], removed: list[bytes], **told: Any) -> filters.Plan:
    """The plan for outputs instead of marks."""
    coming, going = (filters.marks_of(outputs, old.bucket_bits) for outputs in (added, removed))
    return filters.plan(old, added=coming, removed=going, **told)


def outputs_of(count: int, seed: str = "x") -> list[bytes]:
    """Bytes that look as OPRF outputs do."""
    return [hashlib.sha512(f"{seed}/{number}".encode()).digest() for number in range(count)]


@given(st.integers(0, 2000), st.integers(0, 3000))
def test_what_was_put_in_is_found_and_what_was_not_is_not(count: int, capacity: int) -> None:
    held = outputs_of(count)
    made = filters.build(held, capacity=capacity)
    assert len(made) == count
    assert all(made.find(held))
    assert not any(made.find(outputs_of(200, "stranger")))
    assert made.find([]) == []
    assert made.false_hit_rate <= 2**-40


@given(st.integers(0, 2000), st.integers(0, 3000))
def test_bytes_come_back_and_are_few(count: int, capacity: int) -> None:
    made = filters.build(outputs_of(count), capacity=capacity)
    raw = made.to_bytes()
    again = filters.from_bytes(raw)
    assert again.bucket_bits == made.bucket_bits
    assert np.array_equal(again.marks, made.marks)
    assert again.digest() == hashlib.sha256(raw).hexdigest()
    if count >= 100 and capacity <= count:
        assert len(raw) <= 5.5 * count


def test_one_set_has_one_spelling() -> None:
    held = outputs_of(500)
    assert filters.build(held).to_bytes() == filters.build([*held[::-1], held[0]]).to_bytes()


def test_a_million_keys_take_less_than_six_bytes_each() -> None:
    marks = np.unique(np.random.default_rng(1).integers(0, 2**60, 1_000_000, dtype=np.uint64))
    made = filters.Filter(20, marks)
    raw = made.to_bytes()
    assert len(raw) / len(marks) < 5.3
    assert np.array_equal(filters.from_bytes(raw).marks, marks)
    assert made.false_hit_rate <= 2**-40


def test_the_rate_is_what_it_is_said_to_be() -> None:
    """No false hit is ever seen with 60-bit marks; so marks that differ in few bits are made, and hits counted."""
    held = filters.Filter(4, np.arange(0, 1 << 44, 1 << 24, dtype=np.uint64)[: 1 << 16])
    drawn = np.random.default_rng(7).integers(0, 1 << 20, 4000)
    asked = [(int(value) << 44).to_bytes(8, "big") + bytes(56) for value in drawn]
    hits = sum(held.find(asked))
    assert hits > 0
    share = len(held) / (1 << 20)
    assert abs(hits / len(asked) - share) < 5 * (share / len(asked)) ** 0.5


@given(st.integers(0, 300), st.data())
def test_no_other_bytes_are_taken_for_the_same_filter(count: int, data: st.DataObject) -> None:
    made = filters.build(outputs_of(count))
    raw = bytearray(made.to_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        other = filters.from_bytes(bytes(raw))
    except Rejected:
        return
    assert other.to_bytes() == bytes(raw)
    assert other.digest() != made.digest()


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for candidate in (raw, filters.MAGIC + raw, filters.MAGIC + b"\x02\x00\x00\x00\x02" + raw):
        try:
            again = filters.from_bytes(candidate).to_bytes()
        except Rejected:
            continue
        assert again == candidate


def test_a_filter_that_claims_too_much_is_refused_before_anything_is_allocated() -> None:
    for header in (b"\x18\xff\xff\xff\xff", b"\xff\x00\x00\x00\x01", b"\x02\x00\x00\x00\x05"):
        with pytest.raises(Rejected) as caught:
            filters.from_bytes(filters.MAGIC + header + bytes(100))
        assert caught.value.facts["at"] == "size"
    with pytest.raises(Rejected):
        filters.from_bytes(filters.build(outputs_of(20)).to_bytes(), max_count=19)
    with pytest.raises(Rejected) as full:
        filters.empty(2**24 + 1)
    assert full.value.code == "blind.filter_too_full"
    with pytest.raises(Rejected):
        filters.mark_of(b"short", 4)


# --- changes ---------------------------------------------------------------------------------------------------------

STEP = 64


@given(st.integers(0, 300), st.integers(0, 150), st.integers(0, 150))
def test_a_change_reaches_the_partner_whole_and_tells_no_numbers(start: int, come: int, go: int) -> None:
    random = stream(f"{start}/{come}/{go}")
    held = outputs_of(start)
    coming, going = outputs_of(come, "new"), held[: min(go, start)]
    before, filling = filters.fill(filters.build(held, capacity=2048), 1024, random)
    planned = planned_with(before, added=coming, removed=going, filling=filling, step=STEP, random=random)
    assert len(planned.delta.added) == len(planned.delta.removed)
    assert len(planned.delta.added) % STEP == 0
    assert len(planned.delta.added) >= STEP
    partner = filters.apply(filters.from_bytes(before.to_bytes()), planned.delta)
    assert partner.to_bytes() == planned.filter.to_bytes()
    assert all(partner.find([*held[len(going) :], *coming]))
    assert not any(partner.find(going))
    assert len(planned.filling) + start - len(going) + come == len(partner)
    assert np.isin(planned.filling, partner.marks).all()


def test_nothing_changed_looks_like_something_changed() -> None:
    random = stream("quiet")
    before, filling = filters.fill(filters.build(outputs_of(100), capacity=2048), 512, random)
    quiet = planned_with(before, added=[], removed=[], filling=filling, step=STEP, random=random)
    busy = planned_with(
        before, added=outputs_of(9, "n"), removed=outputs_of(5), filling=filling, step=STEP, random=random
    )
    assert len(quiet.delta.added) == len(busy.delta.added) == STEP
    assert all(quiet.filter.find(outputs_of(100)))


def test_the_same_change_again_is_harmless() -> None:
    random = stream("again")
    before, filling = filters.fill(filters.build(outputs_of(10), capacity=2048), 512, random)
    first = planned_with(before, added=outputs_of(3, "n"), removed=[], filling=filling, step=STEP, random=random)
    second = planned_with(
        first.filter,
        added=outputs_of(3, "n"),
        removed=outputs_of(3, "z"),
        filling=first.filling,
        step=STEP,
        random=random,
    )
    assert len(second.filter) == len(first.filter)
    assert all(second.filter.find([*outputs_of(10), *outputs_of(3, "n")]))


def test_a_delta_for_another_filter_or_with_another_outcome_is_refused() -> None:
    random = stream("misfit")
    before, filling = filters.fill(filters.build(outputs_of(10), capacity=1024), 512, random)
    planned = planned_with(before, added=[], removed=[], filling=filling, step=STEP, random=random)
    with pytest.raises(Rejected) as stale:
        filters.apply(planned.filter, planned.delta)
    assert stale.value.facts == {"at": "base"}
    for wrong, at in (
        (replace(planned.delta, result="0" * 64), "result"),
        (replace(planned.delta, added=planned.delta.added[1:]), "result"),
        (replace(planned.delta, removed=planned.delta.added), "marks"),
        (replace(planned.delta, added=before.marks[:1]), "marks"),
        (replace(planned.delta, added=np.array([2**63], dtype=np.uint64)), "marks"),
    ):
        with pytest.raises(Rejected) as caught:
            filters.apply(before, wrong)
        assert (caught.value.code, caught.value.facts) == ("blind.delta_misfit", {"at": at})


def test_a_change_without_enough_filling_or_room_is_refused() -> None:
    random = stream("short")
    before, filling = filters.fill(filters.build(outputs_of(10), capacity=1024), 16, random)
    with pytest.raises(Rejected) as short:
        planned_with(before, added=[], removed=[], filling=filling, step=STEP, random=random)
    assert short.value.code == "blind.filling_short"
    with pytest.raises(Rejected) as room:
        filters.fill(before, 2000, random)
    assert room.value.code == "blind.filter_too_full"


def test_a_growing_register_keeps_the_filters_size_until_its_filling_is_used_up() -> None:
    random = stream("growing")
    now, filling = filters.fill(filters.build(outputs_of(10), capacity=512), 256, random)
    for number in range(7):
        coming = outputs_of(30, f"{number}")
        planned = planned_with(now, added=coming, removed=[], filling=filling, step=STEP, random=random)
        now, filling = planned.filter, planned.filling
        assert len(now) == 266
        assert all(now.find(coming))
    with pytest.raises(Rejected) as caught:
        planned_with(now, added=outputs_of(1, "z"), removed=[], filling=filling, step=STEP, random=random)
    assert caught.value.code == "blind.filling_short"


@given(st.integers(0, 60), st.integers(0, 60))
def test_a_delta_comes_back_from_its_bytes(come: int, go: int) -> None:
    random = stream(f"{come}-{go}")
    before, filling = filters.fill(filters.build(outputs_of(100), capacity=512), 300, random)
    delta = planned_with(
        before, added=outputs_of(come, "n"), removed=outputs_of(go), filling=filling, step=16, random=random
    ).delta
    again = filters.delta_from_bytes(delta.to_bytes())
    assert (again.base, again.result) == (delta.base, delta.result)
    assert np.array_equal(again.added, delta.added)
    assert np.array_equal(again.removed, delta.removed)


@given(st.binary(max_size=120))
def test_any_bytes_are_a_delta_or_refused(raw: bytes) -> None:
    for candidate in (raw, filters.DELTA_MAGIC + raw, filters.DELTA_MAGIC + bytes(64) + raw):
        try:
            again = filters.delta_from_bytes(candidate).to_bytes()
        except Rejected:
            continue
        assert again == candidate
