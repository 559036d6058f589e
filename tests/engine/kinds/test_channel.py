"""The direct line: a call rings at each party until it answers, along its roster, from its arrival on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tansiq.engine.dossiers.kind import CONFLICT
from tansiq.engine.formats.times import format_time, parse_time
from tansiq.engine.kinds import channel_calls
from tansiq.engine.kinds.registry import kind
from tests.engine.dossiers.simulated import START, Node, opening_of, part_refs
from tests.engine.kinds.enumerate import check_kind, check_many_writers
from tests.engine.kinds.samples import CHANNEL as SAMPLES
from tests.engine.kinds.samples import SOON

CHANNEL = kind("channel")
CALL = {"urgency": "life_or_limb", "until": SOON}
AFTER = (timedelta(minutes=1), timedelta(minutes=3), timedelta(minutes=10))


def three_nodes() -> tuple[Node, Node, Node]:
    fr = Node("fr", CHANNEL)
    fr.open(opening_of(CHANNEL, ("fr", "it", "ma")), {"purpose": "prevention"})
    return fr, fr.copy("it"), fr.copy("ma")


def everywhere(*nodes: Node) -> None:
    everything = {entry: header for node in nodes for entry, header in node.headers.items()}
    for node in nodes:
        for header in everything.values():
            node.take(header)


def machine(node: Node, minutes: int) -> list[str]:
    """What the node's machine signs at that minute; returns the acts."""
    owed = channel_calls.owed(node.state, node.name, START + timedelta(minutes=minutes), AFTER)
    for act in owed:
        header = node.act(act.act, act.codes, minutes=minutes)
        assert node.reason(header) is None
    return [act.act for act in owed]


def test_a_call_rings_rank_after_rank_counted_from_the_first_ringing() -> None:
    fr, it, ma = three_nodes()
    fr.act("call", CALL, minutes=5)
    everywhere(fr, it, ma)
    assert machine(ma, 30) == ["ringing"]
    assert machine(ma, 30) == [], "it stands in the state now"
    assert channel_calls.next_owed_at(ma.state, "ma") == START + timedelta(minutes=31)
    assert machine(ma, 31) == ["escalated"]
    assert machine(ma, 32) == []
    assert machine(ma, 33) == ["escalated"]
    assert channel_calls.next_owed_at(ma.state, "ma") == START + timedelta(minutes=40)
    assert machine(ma, 40) == ["escalated"]
    assert channel_calls.next_owed_at(ma.state, "ma") == parse_time(SOON), (
        "everybody is called; only the urgency can end"
    )
    everywhere(fr, it, ma)
    (call,) = channel_calls.calls_open(fr.state)
    assert call["parties"]["ma"] == {
        "call": call["call"],
        "rank": 4,
        "since": format_time(START + timedelta(minutes=30)),
        "next": None,
    }
    assert call["parties"]["it"] is None, "not delivered there: nobody says that it rings"


def test_a_node_that_was_down_calls_the_highest_rank_that_is_due_at_once() -> None:
    fr, _, ma = three_nodes()
    fr.act("call", CALL, minutes=5)
    everywhere(fr, ma)
    machine(ma, 6)
    assert machine(ma, 11) == ["escalated"]
    assert channel_calls.rung(ma.state, "ma", channel_calls.calls_open(ma.state)[0]["call"]).value["rank"] == 3  # type: ignore[union-attr,call-overload,index]


def test_each_party_answers_for_itself() -> None:
    fr, it, ma = three_nodes()
    call = fr.act("call", CALL, minutes=5)
    everywhere(fr, it, ma)
    machine(ma, 6)
    ma.act("acknowledge", {"call": call.entry_id}, part_refs("contact_point"), minutes=7)
    assert ma.reason(ma.act("acknowledge", {"call": call.entry_id}, minutes=8)) == "kind.not_now"
    everywhere(fr, it, ma)
    view: Any = CHANNEL.view(fr.state)
    assert view["acknowledged"]["ma"]["value"] == {"call": call.entry_id}
    assert [*view["calls"][0]["parties"]] == ["it"], "it is still owed by the other"
    assert [d.owner for d in CHANNEL.deadlines(fr.state)] == ["it"]
    assert view["about"]["urgency"] == "life_or_limb"


def test_what_was_ended_meanwhile_does_not_ring_and_is_missed() -> None:
    fr, it, ma = three_nodes()
    call = fr.act("call", CALL, minutes=5)
    fr.act("end_call", {"call": call.entry_id}, minutes=9)
    everywhere(fr, it, ma)
    assert machine(it, 30) == []
    view: Any = CHANNEL.view(it.state)
    assert view["calls"] == []
    assert view["missed"]["it"]["value"] == {"call": call.entry_id}
    assert view["about"]["urgency"] is None


def test_an_answer_beside_the_end_of_the_call_is_an_answer() -> None:
    fr, _, ma = three_nodes()
    call = fr.act("call", CALL, minutes=5)
    everywhere(fr, ma)
    machine(ma, 6)
    ma.act("acknowledge", {"call": call.entry_id}, minutes=7)
    fr.act("end_call", {"call": call.entry_id}, minutes=7)
    everywhere(fr, ma)
    for node in (fr, ma):
        view: Any = CHANNEL.view(node.state)
        assert view["calls"] == []
        assert "ma" not in view["missed"]
        assert view["acknowledged"]["ma"]["value"] == {"call": call.entry_id}


def test_what_is_urgent_no_longer_is_missed_and_does_not_ring() -> None:
    fr, it, _ = three_nodes()
    fr.act("call", CALL, minutes=5)
    everywhere(fr, it)
    assert machine(it, 60 * 21) == ["missed"]
    assert channel_calls.owed(it.state, "it", START + timedelta(days=2), AFTER) == []
    assert channel_calls.next_owed_at(it.state, "it") is None


def test_a_ring_that_did_not_know_of_the_end_leaves_nothing_behind() -> None:
    fr, _, ma = three_nodes()
    call = fr.act("call", CALL, minutes=5)
    everywhere(fr, ma)
    machine(ma, 6)
    fr.act("end_call", {"call": call.entry_id}, minutes=6)
    everywhere(fr, ma)
    fr.act("call", CALL, minutes=8)
    everywhere(fr, ma)
    machine(ma, 9)
    assert len(ma.state.writes("rung:ma")) == 1


@pytest.mark.parametrize("lasts", [timedelta(0), timedelta(hours=25)])
def test_a_call_lasts_at_most_a_day(lasts: timedelta) -> None:
    fr, _, _ = three_nodes()
    until = format_time(START + timedelta(minutes=5) + lasts)
    assert fr.reason(fr.act("call", {**CALL, "until": until}, minutes=5)) == "kind.call_too_long"


def test_one_call_of_ones_own_at_a_time_and_only_its_caller_ends_it() -> None:
    fr, it, _ = three_nodes()
    call = fr.act("call", CALL, minutes=5)
    assert fr.reason(fr.act("call", CALL, minutes=6)) == "kind.not_now"
    everywhere(fr, it)
    it.act("call", CALL, minutes=6)
    assert it.reason(it.act("end_call", {"call": call.entry_id}, minutes=7)) == "kind.not_open"


def test_a_line_is_not_closed_while_a_call_rings_but_a_call_beside_the_closing_rings() -> None:
    fr, it, ma = three_nodes()
    fr.act("call", CALL, minutes=5)
    assert fr.reason(fr.act("close", minutes=6)) == "kind.not_now"
    it.act("close", minutes=5)
    everywhere(fr, it, ma)
    assert ma.phase == "closed"
    assert machine(ma, 6) == ["ringing"]


def test_a_message_says_something() -> None:
    fr, _, _ = three_nodes()
    assert fr.reason(fr.act("message")) == "kind.part_missing"
    assert [m.at for m in CHANNEL.missing({}, (), act="message")] == ["/parts/narrative"]


def test_a_threat_to_life_is_told_in_words_and_with_the_least() -> None:
    fr, _, _ = three_nodes()
    threat = {"threat": "life"}
    assert fr.reason(fr.act("message", threat, part_refs("subject"))) == "kind.part_missing"
    assert fr.reason(fr.act("message", threat, part_refs("narrative", "file"))) == "kind.part_not_allowed"
    assert fr.reason(fr.act("message", threat, part_refs("narrative", "location"))) is None
    assert [m.clause for m in CHANNEL.missing(threat, (), act="call")][-1] == "tansiq:threat-to-life"


def test_every_state_and_pair_of_acts_commutes_or_stands_in_the_table() -> None:
    assert check_kind(CHANNEL, SAMPLES, ("fr", "ma")) == set(CHANNEL.phases) - {CONFLICT}
    check_many_writers(CHANNEL)
