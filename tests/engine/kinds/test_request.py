"""The request: it cannot be incomplete, its clock is the Directive's, and it goes through every turn of its life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.accords.markings import Marking
from tansiq.engine.dossiers import folds
from tansiq.engine.dossiers.calendars import add_calendar_days, shipped_calendar
from tansiq.engine.dossiers.entries import compose, new_opening
from tansiq.engine.dossiers.headers import Header
from tansiq.engine.dossiers.parts import Part, SaltedPart
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.times import format_time
from tansiq.engine.kinds.registry import kind
from tests.engine.dossiers.simulated import MACHINE, OFFICER, START, Node, opening_of, part_refs
from tests.engine.kinds.enumerate import check_kind, check_many_writers
from tests.engine.kinds.samples import ASK, LATER, URGENT
from tests.engine.kinds.samples import REQUEST as SAMPLES

REQUEST = kind("request")
MA = shipped_calendar("ma")
BODY = part_refs("question", "narrative")
TOLD = part_refs("narrative")


def two_nodes(codes: Mapping[str, Any] = ASK) -> tuple[Node, Node]:
    fr = Node("fr", REQUEST)
    fr.open(opening_of(REQUEST, ("fr", "ma")), codes, BODY)
    return fr, fr.copy("ma")


def machine(node: Node, now: datetime) -> Header:
    """Let the machine make the one entry that it owes."""
    (owed,) = REQUEST.machine_acts(node.state, node.name, now, MA)
    header = replace(node.compose(owed.act, owed.codes), at=now, acted_by=replace(MACHINE, clause=owed.clause))
    node.take(header)
    assert node.reason(header) is None
    return header


def both(*nodes: Node) -> None:
    everything = {entry: header for node in nodes for entry, header in node.headers.items()}
    for node in nodes:
        for header in everything.values():
            node.take(header)


@pytest.mark.parametrize(
    ("codes", "access", "hours", "clause"),
    [
        (URGENT, None, 8, "2023/977:5.1.a"),
        (URGENT, "indirect", None, "2023/977:5.1.b"),
        (ASK, None, None, "2023/977:5.1.c"),
    ],
)
def test_the_clock_of_article_5(codes: Mapping[str, Any], access: str | None, hours: int | None, clause: str) -> None:
    _, ma = two_nodes(codes)
    assert REQUEST.deadlines(ma.state) == []
    received = START + timedelta(minutes=3)
    machine(ma, received)
    days = 3 if access else 7
    due = received + timedelta(hours=hours) if hours else add_calendar_days(received, days, MA)
    if access:
        ma.act("state_access", {"access": access, "due": format_time(due)})
    (deadline,) = REQUEST.deadlines(ma.state)
    assert (deadline.due_at, deadline.owner, deadline.clause) == (due, "ma", clause)
    assert REQUEST.recounted(ma.state, MA) == due


def test_a_wrong_due_is_seen_by_the_other_side() -> None:
    fr, ma = two_nodes(URGENT)
    wrong = format_time(START + timedelta(days=30))
    ma.act("received", {"due": wrong})
    both(fr, ma)
    (deadline,) = REQUEST.deadlines(fr.state)
    assert REQUEST.recounted(fr.state, MA) != deadline.due_at


def test_a_clarification_stops_the_clock_and_the_machine_moves_the_due() -> None:
    fr, ma = two_nodes(URGENT)
    machine(ma, START)
    first = ma.act("ask_clarification", {}, part_refs("question"), minutes=60)
    second = ma.act("ask_clarification", {}, part_refs("question"), minutes=70)
    both(fr, ma)
    assert REQUEST.deadlines(fr.state) == []
    assert REQUEST.view(fr.state)["is_paused"] is True
    fr.act("clarify", {"question": second.entry_id}, TOLD, minutes=80)
    assert REQUEST.deadlines(fr.state) == []
    clarified = fr.act("clarify", {"question": first.entry_id}, TOLD, minutes=90)
    both(fr, ma)
    extension = machine(ma, START + timedelta(minutes=95))
    assert extension.codes["clarified"] == clarified.entry_id
    (deadline,) = REQUEST.deadlines(ma.state)
    assert deadline.due_at == START + timedelta(hours=8, minutes=30)
    assert REQUEST.recounted(ma.state, MA) == deadline.due_at
    assert REQUEST.machine_acts(ma.state, "ma", START, MA) == []
    again = fr.act("clarify", {"question": first.entry_id}, TOLD)
    assert fr.reason(again) == "kind.not_now"


def test_a_judicial_authorisation_moves_the_date_and_can_be_updated() -> None:
    fr, ma = two_nodes(URGENT)
    machine(ma, START)
    bare = ma.act("deviate", {"ground": "judicial_authorisation", "due": LATER})
    assert ma.reason(bare) == "kind.part_missing"
    ma.act("deviate", {"ground": "judicial_authorisation", "due": LATER}, TOLD)
    later_still = format_time(START + timedelta(days=12))
    ma.act("deviate", {"ground": "judicial_authorisation", "due": later_still}, TOLD)
    both(fr, ma)
    (deadline,) = REQUEST.deadlines(fr.state)
    assert (format_time(deadline.due_at), deadline.clause) == (later_still, "2023/977:5.2")
    assert REQUEST.recounted(fr.state, MA) is None


def test_a_request_that_is_received_again_starts_afresh() -> None:
    fr, ma = two_nodes(URGENT)
    machine(ma, START)
    ma.act("state_access", {"access": "indirect", "due": LATER})
    ma.act("ask_clarification", {}, part_refs("question"))
    ma.act("refuse", {"ground": "not_available"})
    both(fr, ma)
    assert REQUEST.deadlines(fr.state) == []
    fr.act("reopen", {}, TOLD)
    both(fr, ma)
    assert fr.phase == "sent"
    machine(ma, START + timedelta(days=2))
    (deadline,) = REQUEST.deadlines(ma.state)
    assert deadline.due_at == START + timedelta(days=2, hours=8)
    assert REQUEST.recounted(ma.state, MA) == deadline.due_at


def test_what_was_wrongly_addressed_is_returned_and_erased() -> None:
    fr, ma = two_nodes()
    machine(ma, START)
    ma.act("return", {"competent": "ma-douane"})
    both(fr, ma)
    assert (fr.phase, REQUEST.view(fr.state)["competent"]) == ("returned", "ma-douane")
    machine(ma, START)
    assert REQUEST.machine_acts(ma.state, "ma", START, MA) == []
    assert REQUEST.machine_acts(fr.state, "fr", START, MA) == []


@pytest.mark.parametrize(
    ("act", "codes", "phase"),
    [
        ("answer", {"extent": "full"}, "answered"),
        ("answer", {"extent": "nothing"}, "answered"),
        ("answer", {"extent": "partial", "ground": "ongoing_investigation"}, "answered"),
        ("answer_in_part", {}, "received"),
        ("refuse", {"ground": "not_an_offence"}, "refused"),
        ("transfer", {"unit": "bnlcd"}, "received"),
        ("assign", {"unit": "bnlcd"}, "received"),
    ],
)
def test_the_acts_of_the_executing_side(act: str, codes: Mapping[str, Any], phase: str) -> None:
    fr, ma = two_nodes()
    machine(ma, START)
    header = ma.act(act, codes)
    assert ma.reason(header) is None
    both(fr, ma)
    assert fr.phase == phase


@pytest.mark.parametrize("codes", [{"extent": "partial"}, {"extent": "full", "ground": "inaccurate"}, {}])
def test_an_answer_in_part_says_why(codes: Mapping[str, Any]) -> None:
    _, ma = two_nodes()
    machine(ma, START)
    assert ma.reason(ma.act("answer", codes)) == "kind.code_invalid"


def test_reminders_count_on_both_sides() -> None:
    fr, ma = two_nodes()
    fr.act("remind")
    machine(ma, START)
    fr.act("remind")
    both(fr, ma)
    assert REQUEST.view(fr.state)["reminders"] == REQUEST.view(ma.state)["reminders"] == 2


# --- completeness -----------------------------------------------------------------------------------------------


def _complete() -> tuple[dict[str, Any], list[Part]]:
    told = [
        Part("narrative", {"topic": topic, "text": "لأن الهاتف مسجل باسمه"})
        for topic in ("offence", "objective_reasons", "link", "urgency_reasons")
    ]
    person = {"schema": "Person", "properties": {"name": ["محمد الشريف"]}}
    subject = Part("subject", person, category="suspect", marking=Marking(handling=frozenset({"H1"})))
    codes = {**URGENT, "restrictions": "as_marked"}
    return codes, [Part("question", {"text": "من يستعمل هذا الرقم؟"}), subject, *told]


def _send(codes: Mapping[str, Any], parts: list[Part]) -> Header:
    salted = [SaltedPart(bytes([index]) * 32, part) for index, part in enumerate(parts)]
    opening = new_opening(REQUEST, ["fr", "ma"], random=bytes)
    common: dict[str, Any] = {"author": "fr", "acted_by": OFFICER, "now": START, "opening": opening}
    return compose(REQUEST, None, act="ask", codes=codes, parts=salted, **common)


def test_a_complete_request_is_composed_and_takes_effect() -> None:
    codes, parts = _complete()
    assert REQUEST.missing(codes, parts) == []
    header = _send(codes, parts)
    appended = folds.append(REQUEST, None, header, header.entry_id, lambda _: None)
    assert isinstance(appended, folds.Appended)
    assert appended.trace.effective
    assert header.opening is not None
    assert {"purposes", "crime_areas", "data_subject_categories"} <= set(header.opening.code_lists)


FIELDS = [
    ("purpose", "/codes/purpose"),
    ("crime_area", "/codes/crime_area"),
    ("use", "/codes/use"),
    ("restrictions", "/codes/restrictions"),
    ("question", "/parts/question"),
    ("offence", "/parts/narrative/offence"),
    ("objective_reasons", "/parts/narrative/objective_reasons"),
    ("link", "/parts/narrative/link"),
    ("urgency_reasons", "/parts/narrative/urgency_reasons"),
    ("marking", "/parts/handling"),
]


def _without(codes: dict[str, Any], parts: list[Part], left_out: str) -> tuple[dict[str, Any], list[Part]]:
    codes = {name: code for name, code in codes.items() if name != left_out}
    parts = [part for part in parts if left_out not in (part.type, part.topic)]
    if left_out == "marking":
        parts = [replace(part, marking=Marking()) for part in parts]
    return codes, parts


@given(st.sets(st.sampled_from(FIELDS), min_size=1))
def test_an_incomplete_request_cannot_be_composed(left_out: set[tuple[str, str]]) -> None:
    codes, parts = _complete()
    for name, _ in left_out:
        codes, parts = _without(codes, parts, name)
    missing = [field.at for field in REQUEST.missing(codes, parts)]
    expected = {
        at for name, at in left_out if name != "marking" or ("restrictions", "/codes/restrictions") not in left_out
    }
    assert set(missing) == expected
    with pytest.raises(Rejected) as caught:
        _send(codes, parts)
    assert caught.value.code in ("entry.incomplete", "kind.code_invalid")


def test_every_missing_field_has_its_words() -> None:
    fields = {at for _, at in FIELDS}
    labels = REQUEST.labels
    for at in fields:
        _, section, name, *rest = at.split("/")
        known = labels["codes"] if section == "codes" else labels["topics"] if rest else labels["fields"]
        assert (name if section == "codes" else rest[0] if rest else at) in known
    person = Part("subject", {"schema": "Person", "properties": {"name": ["x"]}}, category="suspect")
    for field in REQUEST.missing({**URGENT, "restrictions": "as_marked"}, [person]):
        assert field.clause is None or field.clause in labels["clauses"]


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"purpose": "curiosity"}, "/codes/purpose"),
        ({"crime_area": "9999"}, "/codes/crime_area"),
        ({"urgency": "impatience"}, "/codes/urgency"),
    ],
)
def test_codes_outside_their_list_are_not_sent(change: dict[str, str], at: str) -> None:
    codes, parts = _complete()
    with pytest.raises(Rejected, match=r"codes\.unknown_code") as caught:
        _send({**codes, **change}, parts)
    assert caught.value.facts["at"] == at


def test_a_category_outside_its_list_is_not_sent() -> None:
    codes, parts = _complete()
    parts[1] = replace(parts[1], category="villain")
    with pytest.raises(Rejected, match=r"codes\.unknown_code") as caught:
        _send(codes, parts)
    assert caught.value.facts["at"] == "/parts/1/category"


def test_what_decide_is_asked() -> None:
    codes, parts = _complete()
    header = _send(codes, parts)
    question = REQUEST.question(header, parts)
    assert (question.sender, question.recipients) == ("fr", frozenset({"ma"}))
    assert (question.purpose, question.crime_area, question.urgent) == ("investigation", "0601", True)
    assert (question.categories, question.marking.handling) == (frozenset({"suspect"}), frozenset({"H1"}))
    fr, ma = two_nodes(URGENT)
    machine(ma, START)
    answer = ma.compose("answer", {"extent": "full"})
    question = REQUEST.question(answer, [], state=ma.state)
    assert (question.purpose, question.closing, question.urgent) == ("investigation", True, True)
    assert (question.sender, question.recipients) == ("ma", frozenset({"fr"}))
    assert fr.state.value("about")["use"] == "intelligence"


# --- concurrency ------------------------------------------------------------------------------------------------


def test_every_state_and_pair_of_acts_commutes_or_stands_in_the_table() -> None:
    phases = check_kind(REQUEST, SAMPLES, ("fr", "ma"))
    assert phases == set(REQUEST.phases)
    check_many_writers(REQUEST)
