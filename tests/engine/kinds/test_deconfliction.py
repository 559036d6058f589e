"""The deconfliction: nothing is told before both consent, nobody agrees with itself, and two different agreements are none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tansiq.engine.dossiers.headers import PartRef
from tansiq.engine.dossiers.kind import CONFLICT
from tansiq.engine.kinds.deconfliction import due_by
from tansiq.engine.kinds.registry import kind
from tests.engine.dossiers.simulated import START, Node, opening_of, part_refs
from tests.engine.kinds.enumerate import check_kind, check_many_writers
from tests.engine.kinds.samples import DECONFLICTION as SAMPLES

KIND = kind("deconfliction")


def test_every_state_and_pair_of_acts_commutes_or_stands_in_the_table() -> None:
    assert check_kind(KIND, SAMPLES, ("fr", "ma"), steps=1) == set(KIND.phases) - {CONFLICT}
    check_many_writers(KIND)


def met() -> tuple[Node, Node]:
    """A dossier that one side's machine opened, as both hold it."""
    fr = Node("fr", KIND)
    codes, parts = SAMPLES["meet"][0]
    assert not callable(codes)
    fr.open(opening_of(KIND, ("fr", "ma")), codes, part_refs(*parts))
    return fr, fr.copy("ma")


def verdict(node: Node, act: str, codes: dict[str, Any], parts: tuple[PartRef, ...] = ()) -> str | None:
    """Why this act would be without effect; nothing is done."""
    tried = node.copy()
    return tried.reason(tried.act(act, codes, parts))


def test_nothing_is_told_before_both_consent() -> None:
    fr, ma = met()
    assert verdict(fr, "disclose", {}, part_refs("narrative")) == "kind.not_now"
    ma.take(fr.act("consent", {}))
    assert verdict(fr, "disclose", {}, part_refs("narrative")) == "kind.not_now"
    fr.take(ma.act("consent", {}))
    assert verdict(fr, "disclose", {}, part_refs("narrative", "location")) is None
    assert verdict(fr, "consent", {}) == "kind.not_now"


def test_nobody_agrees_with_itself_or_to_something_else() -> None:
    fr, ma = met()
    proposal = fr.act("propose", {"outcome": "joint"}, part_refs("narrative"))
    named = {"proposal": proposal.entry_id, "outcome": "joint"}
    assert verdict(fr, "agree", named) == "kind.not_now"
    ma.take(proposal)
    assert verdict(ma, "agree", {**named, "outcome": "delay"}) == "deconfliction.not_what_was_proposed"
    mine = ma.act("propose", {"outcome": "delay"}, part_refs("narrative"))
    own = {"proposal": mine.entry_id, "outcome": "delay"}
    assert verdict(ma, "agree", own) == "deconfliction.own_proposal"
    ma.act("agree", named)
    assert (ma.phase, KIND.view(ma.state)["outcome"]) == ("resolved", "joint")


def test_two_agreements_to_different_things_are_none() -> None:
    fr, ma = met()
    ours, theirs = (
        fr.act("propose", {"outcome": "joint"}, part_refs("narrative")),
        ma.act("propose", {"outcome": "delay"}, part_refs("narrative")),
    )
    fr.take(theirs)
    ma.take(ours)
    agreed = fr.act("agree", {"proposal": theirs.entry_id, "outcome": "delay"})
    other = ma.act("agree", {"proposal": ours.entry_id, "outcome": "joint"})
    fr.take(other)
    ma.take(agreed)
    assert fr.phase == ma.phase == "met"
    assert KIND.view(fr.state)["outcome"] is None


def test_a_plan_that_is_withdrawn_needs_no_agreement() -> None:
    fr, ma = met()
    proposal = fr.act("propose", {"outcome": "joint"}, part_refs("narrative"))
    ma.take(proposal)
    agreed = ma.act("agree", {"proposal": proposal.entry_id, "outcome": "joint"})
    withdrawn = fr.act("withdraw", {"ground": "cancelled"})
    fr.take(agreed)
    ma.take(withdrawn)
    assert fr.phase == ma.phase == "ended"


def test_the_clock_runs_for_both_until_each_knows_and_it_is_resolved() -> None:
    fr, ma = met()
    assert {(d.name, d.owner) for d in KIND.deadlines(fr.state)} == {
        ("acknowledge", "fr"),
        ("acknowledge", "ma"),
        ("agree", "fr"),
        ("agree", "ma"),
    }
    fr.take(ma.act("acknowledge", {}))
    assert ("acknowledge", "ma") not in {(d.name, d.owner) for d in KIND.deadlines(fr.state)}
    fr.act("withdraw", {"ground": "moved"})
    assert KIND.deadlines(fr.state) == []


def test_due_is_half_an_hour_and_half_an_hour_before_the_overlap_or_a_day() -> None:
    half = timedelta(minutes=30)
    assert due_by(START + timedelta(hours=4), START) == (START + half, START + timedelta(hours=3, minutes=30))
    assert due_by(START - timedelta(hours=1), START) == (START + half, START + half)
    assert due_by(None, START) == (START + half, START + timedelta(hours=24))
