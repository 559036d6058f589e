"""The report: graded, never naming its source, corrected and recalled until every recipient has answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tansiq.engine.dossiers.entries import compose, new_opening
from tansiq.engine.dossiers.headers import Header
from tansiq.engine.dossiers.kind import CONFLICT
from tansiq.engine.dossiers.parts import Grading, Part, SaltedPart
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.times import parse_time
from tansiq.engine.kinds.registry import kind
from tests.engine.dossiers.simulated import OFFICER, START, Node, opening_of, part_refs
from tests.engine.kinds.enumerate import check_kind, check_many_writers
from tests.engine.kinds.samples import LATER
from tests.engine.kinds.samples import REPORT as SAMPLES

REPORT = kind("report")
CODES = {"purpose": "prevention", "crime_area": "0601"}
GRADED = Grading("4x4", "B", "2", source_reference="S-17")
TOLD = Part("narrative", {"topic": "facts", "text": "Un carico è atteso a Tanger Med."}, grading=GRADED)


def three_nodes() -> tuple[Node, Node, Node]:
    it = Node("it", REPORT)
    it.open(opening_of(REPORT, ("fr", "it", "ma")), CODES, part_refs("narrative", "subject"))
    return it, it.copy("fr"), it.copy("ma")


def everywhere(*nodes: Node) -> None:
    everything = {entry: header for node in nodes for entry, header in node.headers.items()}
    for node in nodes:
        for header in everything.values():
            node.take(header)


def send(*parts: Part) -> Header:
    salted = [SaltedPart(bytes([index]) * 32, part) for index, part in enumerate(parts)]
    opening = new_opening(REPORT, ["it", "fr", "ma"], random=bytes)
    common: dict[str, Any] = {"author": "it", "acted_by": OFFICER, "now": START, "opening": opening}
    return compose(REPORT, None, act="report", codes=CODES, parts=salted, **common)


def test_a_graded_report_is_composed() -> None:
    assert send(TOLD).parts[0].type == "narrative"


def test_an_ungraded_report_is_not() -> None:
    with pytest.raises(Rejected, match=r"entry\.incomplete") as caught:
        send(TOLD, replace(TOLD, grading=None))
    assert caught.value.facts["fields"] == ["/parts/1/grading"]


def test_a_report_never_holds_a_source() -> None:
    source = Part(
        "subject", {"schema": "Person", "properties": {"name": ["x"]}}, category="information_provider", grading=GRADED
    )
    with pytest.raises(Rejected, match=r"part\.holds_a_source") as caught:
        send(TOLD, source)
    assert caught.value.facts["at"] == "/parts/1/category"


def test_each_recipient_says_that_it_has_it_and_what_it_is_worth() -> None:
    it, fr, ma = three_nodes()
    for node in (fr, ma):
        (owed,) = REPORT.machine_acts(node.state, node.name, START, None)
        node.act(owed.act, owed.codes)
        assert REPORT.machine_acts(node.state, node.name, START, None) == []
    assert REPORT.machine_acts(it.state, "it", START, None) == []
    fr.act("feedback", {"usefulness": "useful"})
    ma.act("feedback", {"usefulness": "already_known"})
    everywhere(it, fr, ma)
    view = REPORT.view(it.state)
    assert view["received"] == ["fr", "ma"]
    assert view["feedback"] == {"fr": "useful", "ma": "already_known"}


def test_a_recall_is_owed_by_each_recipient_until_confirmed_or_kept() -> None:
    it, fr, ma = three_nodes()
    part = part_refs("narrative")[0].commitment
    recall = it.act("recall_part", {"entry": it.state.dossier, "part": part, "due": LATER})
    everywhere(it, fr, ma)
    assert {(owed.owner, owed.due_at) for owed in REPORT.deadlines(it.state)} == {
        ("fr", parse_time(LATER)),
        ("ma", parse_time(LATER)),
    }
    fr.act("confirm", {"change": recall.entry_id})
    everywhere(it, fr, ma)
    assert [owed.owner for owed in REPORT.deadlines(it.state)] == ["ma"]
    again = fr.act("confirm", {"change": recall.entry_id})
    assert fr.reason(again) == "kind.not_now"
    ma.act("keep", {"change": recall.entry_id, "ground": "evidence_in_proceedings"})
    everywhere(it, fr, ma)
    assert REPORT.deadlines(it.state) == []
    view: Any = REPORT.view(it.state)
    assert view["kept"]["ma"] == {"change": recall.entry_id, "ground": "evidence_in_proceedings"}


def test_a_recalled_report_takes_no_more_but_confirmations() -> None:
    it, fr, ma = three_nodes()
    correction = it.act("correct", {"entry": it.state.dossier, "part": "0" * 64, "due": LATER}, part_refs("narrative"))
    recall = it.act("recall", {"due": LATER})
    everywhere(it, fr, ma)
    assert fr.phase == "recalled"
    assert it.reason(it.act("supplement", {}, part_refs("narrative"))) == "kind.not_in_this_phase"
    for change in (correction, recall):
        assert fr.reason(fr.act("confirm", {"change": change.entry_id})) is None
    assert [owed.owner for owed in REPORT.deadlines(fr.state)] == ["ma", "ma"]


def test_only_the_author_corrects() -> None:
    it, fr, ma = three_nodes()
    feedback = fr.act("feedback", {"usefulness": "useful"}, part_refs("narrative"))
    everywhere(it, fr, ma)
    change = {"entry": feedback.entry_id, "part": "0" * 64, "due": LATER}
    assert it.reason(it.act("recall_part", change)) == "kind.wrong_entry_named"
    assert fr.reason(fr.act("recall_part", {**change, "entry": it.state.dossier})) == "kind.not_for_this_role"


def test_every_state_and_pair_of_acts_commutes_or_stands_in_the_table() -> None:
    phases = check_kind(REPORT, SAMPLES, ("it", "ma"))
    assert phases == set(REPORT.phases) - {CONFLICT}, "one party alone writes the phase"
    check_many_writers(REPORT)
