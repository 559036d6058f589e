"""The fold: one verdict per entry, in its own past; one state per set of entries, in any order."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from tansiq.engine.dossiers import folds
from tansiq.engine.dossiers.folds import Appended, Folded, Waiting
from tansiq.engine.dossiers.states import State, Trace, join
from tansiq.engine.errors import Corrupt, Refused, Rejected
from tests.engine.dossiers.simulated import Node, opening_of, part_refs
from tests.engine.dossiers.toy import TOY


def two_nodes() -> tuple[Node, Node]:
    fr = Node("fr", TOY)
    fr.open(opening_of(TOY), {"urgent": True})
    return fr, fr.copy("it")


def exchange(*nodes: Node) -> None:
    """Hand everything to everybody."""
    everything = {entry: header for node in nodes for entry, header in (node.headers | node.waiting).items()}
    for node in nodes:
        for header in everything.values():
            node.take(header)


def assert_agree(*nodes: Node) -> None:
    first = nodes[0]
    assert first.folded is not None
    for node in nodes[1:]:
        assert node.folded is not None
        assert node.folded.shown() == first.folded.shown()
        assert node.verdicts() == first.verdicts()
        assert node.kind.view(node.state) == first.kind.view(first.state)


def test_a_question_goes_through_its_life() -> None:
    fr, it = two_nodes()
    it.act("received")
    it.act("assign", {"unit": "narcotics"})
    exchange(fr, it)
    assert fr.phase == "received"
    assert fr.state.value("assigned:it") == "narcotics"
    fr.act("remind")
    exchange(fr, it)
    it.act("answer", {"extent": "full"}, part_refs("narrative"))
    exchange(fr, it)
    assert fr.phase == "answered"
    assert fr.state.count("reminders") == 1
    assert_agree(fr, it)


def test_withdraw_beside_answer_is_answered_and_the_withdrawal_noted() -> None:
    fr, it = two_nodes()
    answer = it.act("answer", {"extent": "full"})
    withdrawal = fr.act("withdraw")
    exchange(fr, it)
    assert fr.phase == it.phase == "answered"
    outcome = TOY.outcome(fr.state)
    assert [write.entry for write in outcome.standing] == [answer.entry_id]
    assert [write.entry for write in outcome.noted] == [withdrawal.entry_id]
    assert fr.reason(answer) is None
    assert fr.reason(withdrawal) is None
    assert_agree(fr, it)


def test_decision_beside_decision_stands_in_conflict_until_resolved() -> None:
    fr, it = two_nodes()
    before = it.folded
    answer = it.act("answer", {"extent": "full"})
    refusal = it.act("refuse", folded=before)
    exchange(fr, it)
    assert fr.phase == it.phase == "in_conflict"
    assert "resolve" in TOY.permitted(fr.state, "fr")
    assert "resolve" not in TOY.permitted(fr.state, "it")
    stray = it.act("resolve", {"stands": refusal.entry_id})
    assert it.reason(stray) == "kind.not_for_this_role"
    exchange(fr, it)
    fr.act("resolve", {"stands": answer.entry_id})
    exchange(fr, it)
    assert fr.phase == it.phase == "answered"
    assert_agree(fr, it)
    assert fr.folded is not None
    assert fr.folded.equivocations == (("it", None),)


@pytest.mark.parametrize(
    ("act", "codes", "reason"),
    [
        ("answer", {"extent": "full"}, "kind.not_for_this_role"),
        ("reopen", {}, "kind.not_in_this_phase"),
        ("reply", {"question": "0" * 64}, "kind.not_now"),
        ("dance", {}, "kind.unknown_act"),
        ("remind", {"often": True}, "kind.code_invalid"),
        ("ask", {"urgent": True}, "kind.opens_once"),
        ("ask_lift", {"entry": "0" * 64, "code": "H1"}, "kind.unknown_entry_named"),
    ],
)
def test_an_entry_that_breaks_a_rule_stays_without_effect_and_says_why(
    act: str, codes: dict[str, object], reason: str
) -> None:
    fr, _ = two_nodes()
    before = fr.state.shown()
    header = fr.act(act, codes)
    assert fr.reason(header) == reason
    assert fr.state.shown() == before
    assert fr.folded is not None
    assert set(fr.folded.heads) == {header.entry_id}
    with pytest.raises((Refused, Rejected), match=reason.replace(".", r"\.")):
        TOY.demand(header, header.entry_id, fr.state, {})


def test_person_and_machine_do_not_take_each_others_place() -> None:
    _, it = two_nodes()
    machine = it.compose("received")
    person = it.compose("assign", {"unit": "x"})
    swapped = replace(machine, acted_by=person.acted_by)
    it.take(swapped)
    assert it.reason(swapped) == "kind.only_by_machine"
    swapped = replace(person, acted_by=machine.acted_by)
    it.take(swapped)
    assert it.reason(swapped) == "kind.not_by_machine"


def test_parts_are_held_to_the_rule_of_the_act() -> None:
    _, it = two_nodes()
    header = it.act("answer", {"extent": "full"}, part_refs("file"))
    assert it.reason(header) == "kind.part_not_allowed"


def test_an_open_set_closes_item_by_item() -> None:
    fr, it = two_nodes()
    first, second = it.act("query"), it.act("query")
    exchange(fr, it)
    fr.act("reply", {"question": first.entry_id})
    assert [write.entry for write in fr.state.writes("queries")] == [second.entry_id]
    again = fr.act("reply", {"question": first.entry_id})
    assert fr.reason(again) == "kind.not_open"


def test_open_items_are_bounded() -> None:
    _, it = two_nodes()
    headers = [it.act("query") for _ in range(65)]
    assert it.reason(headers[63]) is None
    assert it.reason(headers[64]) == "kind.too_many_open"


def test_a_missing_ancestor_makes_an_entry_wait() -> None:
    fr, it = two_nodes()
    first, second = it.act("received"), it.act("assign", {"unit": "x"})
    assert fr.folded is not None
    outcome = folds.append(TOY, fr.folded, second, second.entry_id, fr.load)
    assert outcome == Waiting((first.entry_id,))
    fr.take(second)
    assert second.entry_id in fr.waiting
    fr.take(first)
    assert not fr.waiting
    assert_agree(fr, it)


def test_appending_twice_changes_nothing() -> None:
    fr, it = two_nodes()
    header = it.act("received")
    folded = it.folded
    again = folds.append(TOY, folded, header, header.entry_id, it.load)
    assert isinstance(again, Appended)
    assert not again.is_new
    assert again.folded is folded
    opening = next(iter(fr.headers.values()))
    again = folds.append(TOY, folded, opening, opening.entry_id, it.load)
    assert isinstance(again, Appended)
    assert not again.is_new


def test_every_order_of_a_forked_and_concurrent_history_agrees() -> None:
    """Three authors' worth of concurrency with an equivocation: all orders of arrival end in the same shown state."""
    fr, it = two_nodes()
    base = it.folded
    it.act("received")
    it.act("answer", {"extent": "full"})
    it.act("refuse", folded=base)
    it.act("remind", folded=base)
    fr.act("remind")
    fr.act("withdraw")
    fr.act("reopen")
    exchange(fr, it)
    later = [header for header in it.headers.values() if header.opening is None]
    nodes = []
    for order in itertools.islice(itertools.permutations(later), 0, 5040, 37):
        node = Node("ma", TOY)
        node.take(next(h for h in it.headers.values() if h.opening))
        for header in order:
            node.take(header)
        nodes.append(node)
    assert_agree(it, *nodes)


def test_a_chain_through_someone_elses_entry_is_broken() -> None:
    fr, it = two_nodes()
    assert it.folded is not None
    header = it.compose("received")
    broken = replace(header, prev=it.folded.dossier, seq=2)
    it.take(broken)
    assert it.reason(broken) == "dossier.chain_broken"
    assert fr.folded is not None
    fresh = fr.compose("remind")
    wrong = replace(fresh, seq=9)
    fr.take(wrong)
    assert fr.reason(wrong) == "dossier.sequence_wrong"


def test_depth_and_time_are_remarked_upon_and_change_nothing() -> None:
    _, it = two_nodes()
    header = it.compose("received", minutes=-11)
    lying = replace(header, depth=77)
    it.take(lying)
    trace = it.traces[lying.entry_id]
    assert trace.effective
    assert trace.depth == 2
    assert trace.flags == ("dossier.depth_differs", "dossier.time_before_cited")
    assert folds.remarks(lying, lying.at) == ()
    assert folds.remarks(lying, lying.at - 2 * folds.TIME_WINDOW) == ("dossier.time_ahead",)


def test_entries_of_other_dossiers_and_kinds_are_refused() -> None:
    fr, it = two_nodes()
    header = it.compose("received")
    stranger = replace(header, dossier="f" * 64)
    with pytest.raises(Rejected, match=r"dossier\.other_dossier"):
        folds.append(TOY, fr.folded, stranger, stranger.entry_id, fr.load)
    with pytest.raises(Rejected, match=r"dossier\.not_opened"):
        folds.append(TOY, None, header, header.entry_id, fr.load)
    second = Node("it", TOY)
    other = second.open(opening_of(TOY), {"urgent": False})
    with pytest.raises(Rejected, match=r"dossier\.other_dossier"):
        folds.append(TOY, fr.folded, other, other.entry_id, fr.load)


def test_a_participant_outside_the_opening_has_no_say() -> None:
    fr, _ = two_nodes()
    stranger = fr.copy("ma")
    header = stranger.act("remind")
    assert stranger.reason(header) == "kind.not_a_participant"
    assert TOY.permitted(stranger.state, "ma") == []


def test_an_author_who_forks_without_end_is_stopped() -> None:
    _, it = two_nodes()
    base = it.folded
    for minute in range(folds.MAX_STRANDS + 1):
        it.act("query", minutes=minute + 1, folded=base)
    with pytest.raises(Refused, match=r"dossier\.too_many_strands"):
        it.act("query", minutes=folds.MAX_STRANDS + 2, folded=base)


def test_what_is_stored_reads_back_to_the_same_bytes() -> None:
    fr, it = two_nodes()
    it.act("query")
    fr.act("remind")
    exchange(fr, it)
    assert fr.folded is not None
    assert Folded.from_json(json.loads(fr.folded.to_bytes())) == fr.folded
    assert Folded.from_json(json.loads(fr.folded.to_bytes())).to_bytes() == fr.folded.to_bytes()
    for trace in fr.traces.values():
        assert Trace.from_json(json.loads(json.dumps(trace.to_json()))) == trace
        assert trace.after is not None
        assert State.from_json(json.loads(trace.after.to_bytes())) == trace.after


def test_a_dropped_state_is_recomputed() -> None:
    _, it = two_nodes()
    it.act("received")
    query = it.act("query")
    side = it.copy()
    it.act("answer", {"extent": "full"})
    expected = {entry: trace.after for entry, trace in it.traces.items()}
    it.traces = {entry: folds.pruned(trace) for entry, trace in it.traces.items()}
    for entry, state in expected.items():
        assert folds.recomputed(TOY, entry, it.load, it.headers.get) == state
    late = side.act("query")
    it.take(late)
    recomputed, kept = it.traces[late.entry_id].after, side.traces[late.entry_id].after
    assert recomputed is not None
    assert kept is not None
    assert recomputed.shown() == kept.shown()
    assert [write.entry for write in it.state.writes("queries")] == sorted([query.entry_id, late.entry_id])
    del it.traces[query.entry_id]
    answer = next(header.entry_id for header in it.headers.values() if header.act == "answer")
    with pytest.raises(Corrupt, match=r"dossier\.trace_lost"):
        folds.recomputed(TOY, answer, it.load, it.headers.get)
    with pytest.raises(Corrupt, match=r"dossier\.trace_lost"):
        folds.recomputed(TOY, answer, it.load, None)


def test_join_is_a_semilattice() -> None:
    fr, it = two_nodes()
    it.act("received")
    it.act("query")
    fr.act("remind")
    fr.act("withdraw")
    exchange(fr, it)
    states = [trace.after for trace in fr.traces.values() if trace.after]
    for one, two, three in itertools.product(states, repeat=3):
        assert join(one, two) == join(two, one)
        assert join(join(one, two), three) == join(one, join(two, three))
        assert join(one, one) == one


def test_lifts_are_asked_of_the_provider_and_answered_by_the_provider() -> None:
    fr, it = two_nodes()
    answer = it.act("answer", {"extent": "full"}, part_refs("narrative"))
    exchange(fr, it)
    ask = fr.act("ask_lift", {"entry": answer.entry_id, "code": "H1"})
    assert fr.reason(ask) is None
    own = fr.act("lift", {"entry": answer.entry_id, "code": "H1", "ask": ask.entry_id})
    assert fr.reason(own) == "kind.not_the_provider"
    exchange(fr, it)
    declined = it.act("decline_lift", {"ask": ask.entry_id})
    assert it.reason(declined) is None
    assert not it.state.writes("lifts")
    unasked = it.act("lift", {"entry": answer.entry_id, "code": "H1"})
    assert it.reason(unasked) is None
    late = it.act("lift", {"entry": answer.entry_id, "code": "H1", "ask": ask.entry_id})
    assert it.reason(late) == "kind.not_open"


def test_a_stolen_key_ends_where_the_authority_says() -> None:
    """Whoever knows of the revocation and goes on along the thief's branch acts without effect; the good branch goes
    on.
    """
    fr, it = two_nodes()
    good = it.act("received")
    thief = it.copy()
    stolen = thief.act("assign", {"unit": "nowhere"})
    revoked = it.act("revoke", {"key_id": "0" * 32, "last_good": good.entry_id})
    assert it.reason(revoked) is None
    exchange(fr, it, thief)
    assert fr.reason(stolen) is None, "it did not know of the revocation: its verdict stands"
    assert fr.folded is not None
    assert fr.folded.equivocations == (("it", good.entry_id),)
    place = folds.cites(fr.folded, "it")
    later = replace(it.compose("refuse"), prev=stolen.entry_id, seq=3, heads=place.heads)
    fr.take(later)
    assert fr.reason(later) == "dossier.chain_revoked"
    honest = replace(it.compose("answer", {"extent": "full"}), prev=revoked.entry_id, seq=3, heads=place.heads)
    fr.take(honest)
    assert fr.reason(honest) is None
    assert fr.phase == "answered"
    exchange(fr, it, thief)
    assert_agree(fr, it, thief)
    strange = fr.act("revoke", {"key_id": "0" * 32, "last_good": good.entry_id})
    assert fr.reason(strange) == "kind.not_own_entry"


def test_a_long_dossier_costs_no_more_than_its_heads() -> None:
    """100,000 entries: the honest entry loads nothing but a look for itself, the late one two traces a citation."""
    _, it = two_nodes()
    it.act("received")
    stale = it.folded
    for _ in range(50):
        it.act("assign", {"unit": "x"})
    assert it.folded is not None
    assert stale is not None
    it.folded = replace(it.folded, count=100_000, depth=100_000)
    it.loads = 0
    it.act("remind")
    it.act("query")
    assert it.loads == 2
    it.loads = 0
    late = it.act("assign", {"unit": "y"}, folded=stale)
    assert it.loads <= 1 + 2 * len(late.cited)
    assert len(it.state.to_bytes()) < 2_000


@pytest.mark.slow
def test_a_hundred_thousand_entries_one_by_one() -> None:
    """Really appended: one look per entry from the first to the last, a late entry at the end, and a state that stays
    small.
    """
    fr, it = two_nodes()
    stale = None
    for step in range(100_000):
        node = (fr, it)[step % 2]
        header = node.act("remind") if node is fr else node.act("assign", {"unit": f"u{step % 7}"})
        other = (it, fr)[step % 2]
        node.loads = other.loads = 0
        other.take(header)
        assert other.loads == 1
        node.traces[header.entry_id] = other.traces[header.entry_id] = folds.pruned(other.traces[header.entry_id])
        stale = other.folded if step == 99_900 else stale
    assert stale is not None
    late = it.compose("query", folded=stale)
    fr.loads = 0
    fr.take(late)
    assert fr.state.count("reminders") == 50_000
    assert len(fr.state.to_bytes()) < 2_500
    assert fr.folded is not None
    assert (fr.folded.count, len(fr.folded.heads)) == (100_002, 2)
