"""The laws of ``decide``: what tightening, adding and reordering may never do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from tansiq.engine.accords.decide import (
    ANSWERS,
    NONE,
    SENIOR,
    THREAT_CLAUSE,
    AccordInForce,
    Decision,
    LocalRules,
    Question,
    Version,
    decide,
    decide_forward,
    derive,
)
from tansiq.engine.accords.markings import Marking, strictest
from tansiq.engine.accords.reservations import MEETS
from tansiq.engine.accords.terms import Terms

from .strategies import NODES, NOW, TERM_VALUES, accords, local_rules, markings, questions, reservations, sets, terms

MANY = 5 * settings.default.max_examples  # type: ignore[union-attr]


def severity(decision: Decision) -> int:
    return ANSWERS.index(decision.answer)


def asked(question: Question, accord: AccordInForce | None, local: LocalRules = NONE) -> Decision:
    decision = decide(question, accord, now=NOW, local=local)
    event(f"{decision.answer}: {decision.code}")
    return decision


@st.composite
def tightened(draw: st.DrawFn, version: Terms) -> tuple[str, Terms]:
    """The same terms with one of them tightened, and which."""
    name = draw(st.sampled_from([*sorted(TERM_VALUES), "ladders", "accreditations", "parties"]))
    held: Any = getattr(version, name)
    if name == "ladders":
        tighter: Any = {ladder: held[ladder] for ladder in held if draw(st.booleans())}
    elif name in ("accreditations", "parties"):
        tighter = tuple(item for item in held if draw(st.booleans()))
    elif name in ("categories", "flags") and draw(st.booleans()):
        tighter = {code: held[code] for code in held if draw(st.booleans())}
    else:
        tighter = MEETS[name](held, draw(TERM_VALUES[name]))
    return name, version.model_copy(update={name: tighter})


@settings(max_examples=MANY)
@given(st.data(), accords(), questions())
def test_tightening_a_term_never_turns_a_refusal_into_a_permission(
    data: st.DataObject, accord: AccordInForce, question: Question
) -> None:
    assert accord.terms is not None
    before = asked(question, accord)
    name, tighter = data.draw(tightened(accord.terms))
    after = asked(question, replace(accord, terms=tighter))
    assert severity(after) >= severity(before), name


@given(accords(), questions(), st.sampled_from(NODES), reservations())
def test_a_further_reservation_never_loosens(
    accord: AccordInForce, question: Question, party: str, reservation: Any
) -> None:
    assume(party not in accord.reservations)
    reserved = replace(accord, reservations={**accord.reservations, party: reservation})
    assert severity(asked(question, reserved)) >= severity(asked(question, accord))


@given(accords(), questions(), sets(NODES))
def test_leaving_or_suspending_never_loosens(
    accord: AccordInForce, question: Question, leaving: frozenset[str]
) -> None:
    before = severity(asked(question, accord))
    assert severity(asked(question, replace(accord, ratified=accord.ratified - leaving))) >= before
    assert severity(asked(question, replace(accord, suspended=accord.suspended | leaving))) >= before
    gone = {**accord.denounced, **dict.fromkeys(leaving, NOW - timedelta(days=9))}
    assert severity(asked(question, replace(accord, denounced=gone))) >= before


@settings(max_examples=MANY)
@given(accords(), terms(), questions(), st.sampled_from(NODES))
def test_adding_a_recipient_or_provider_never_loosens(
    accord: AccordInForce, older: Terms, question: Question, node: str
) -> None:
    versions = (
        Version(str(accord.version_digest), accord.terms or older, accord.ratified, accord.reservations),
        Version(older.digest, older, frozenset(NODES)),
    )
    accord = replace(accord, versions=versions)
    assume(question.addressees)
    more = replace(question, recipients=question.recipients | {node})
    assert severity(asked(more, accord)) >= severity(asked(question, accord))
    if question.providers is not None:
        more = replace(question, providers=question.providers | {node})
        assert severity(asked(more, accord)) >= severity(asked(question, accord))


@given(accords(), questions(), markings())
def test_a_stricter_marking_never_loosens(accord: AccordInForce, question: Question, marking: Marking) -> None:
    """Within one level: a higher level may drop the label of a ladder that nobody mapped."""
    stricter = strictest((question.marking, marking))
    assume(stricter.ladders >= question.marking.ladders)
    assert severity(asked(replace(question, marking=stricter), accord)) >= severity(asked(question, accord))


@given(accords(), questions(), local_rules())
def test_local_rules_never_loosen_and_stop_only_own_acts(
    accord: AccordInForce, question: Question, local: LocalRules
) -> None:
    shared = asked(question, accord)
    both = asked(question, accord, local)
    assert severity(both) >= severity(shared)
    acting = question.recipients if question.act == "receive" else {question.sender}
    if local.node not in acting:
        assert both == shared
    if both.local:
        assert severity(both) > severity(shared) or both.answer == "approval"


@given(accords(), questions())
def test_both_sides_judge_alike(accord: AccordInForce, question: Question) -> None:
    sent = decide(replace(question, act="send"), accord, now=NOW)
    assert decide(replace(question, act="receive"), accord, now=NOW) == sent


@given(st.one_of(st.none(), accords()), questions())
def test_a_threat_to_life_only_ever_adds_a_way_and_never_past_human_rights(
    accord: AccordInForce | None, question: Question
) -> None:
    """It permits nothing that the accord permitted less, and what it permits cites it and is somebody's to answer for."""
    with_it, without = decide(question, accord, now=NOW), decide(replace(question, threat=""), accord, now=NOW)
    assert severity(with_it) <= severity(without)
    if with_it == without:
        return
    assert with_it.clause == THREAT_CLAUSE
    assert question.kind in ("channel", "alert")
    assert question.act in ("send", "receive")
    assert not question.flags - {"minor"}
    assert without.term != "human_rights"
    if with_it.is_permitted and question.threat == "claimed" and not (question.closing or question.by_machine):
        assert SENIOR in {question.acted_as, *question.approvals}


@given(accords(), questions(), st.randoms(use_true_random=False))
def test_the_answer_does_not_depend_on_any_order(accord: AccordInForce, question: Question, random: Any) -> None:
    def shuffled(values: Mapping[str, Any]) -> dict[str, Any]:
        items = list(values.items())
        random.shuffle(items)
        return dict(items)

    recipients = sorted(question.recipients)
    random.shuffle(recipients)
    assert accord.terms is not None
    same = replace(
        accord,
        reservations=shuffled(accord.reservations),
        denounced=shuffled(accord.denounced),
        terms=accord.terms.model_copy(update={"categories": shuffled(accord.terms.categories)}),
    )
    assert asked(replace(question, recipients=tuple(recipients)), same) == asked(question, accord)  # type: ignore[arg-type]


@given(st.one_of(st.none(), accords()), questions(), local_rules())
def test_every_decision_cites_and_names(accord: AccordInForce | None, question: Question, local: LocalRules) -> None:
    decision = asked(question, accord, local)
    assert decision.clause
    assert decision.term
    assert decision.code.startswith("decide.")
    assert (decision.answer == "approval") == (decision.role is not None) == bool(decision.roles)
    assert decision.answer == "permit" or decision.blocks is not None
    assert decision.role is None or decision.role not in question.approvals


@given(accords(), questions())
def test_gathering_the_missing_approvals_ends_in_no_further_approval(accord: AccordInForce, question: Question) -> None:
    decision = asked(question, accord)
    if decision.answer == "approval":
        approved = replace(question, approvals=question.approvals | set(decision.roles))
        assert asked(approved, accord).answer == "permit"


@given(accords(), accords(), questions())
def test_passing_on_is_as_strict_as_both_accords(
    received_under: AccordInForce, goes_under: AccordInForce, question: Question
) -> None:
    forwarded = replace(question, act="forward")
    both = decide_forward(forwarded, received_under=received_under, goes_under=goes_under, now=NOW)
    assert severity(both) >= severity(decide(forwarded, received_under, now=NOW))
    assert severity(both) >= severity(decide(replace(question, act="send"), goes_under, now=NOW))


@given(st.lists(markings(), min_size=1, max_size=6))
def test_a_derived_part_carries_the_strictest_of_its_sources(sources: list[Marking]) -> None:
    derived = derive(sources)
    assert all(derived.is_at_least(source) for source in sources)
    assert derived == strictest(sources)


@given(accords())
def test_an_accord_in_force_survives_its_json(accord: AccordInForce) -> None:
    assert AccordInForce.from_json(accord.to_json()) == accord
