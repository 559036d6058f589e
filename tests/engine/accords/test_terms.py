"""Terms and reservations: one form, one digest, places for mistakes, and reservations that can only tighten."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.accords.code_checks import check_codes, common_ladders, marking_of
from tansiq.engine.accords.reservations import (
    MEETS,
    check_reservation,
    effective_terms,
    explain,
    pair_terms,
    title_in,
)
from tansiq.engine.accords.terms import (
    RESERVABLE,
    Reservation,
    Terms,
    covers,
    read_reservation,
    read_terms,
    read_version,
)
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical

from .strategies import AREAS, NODES, TERM_VALUES, areas, reservations, terms
from .test_decide import TERMS


@given(terms())
def test_json_round_trip_and_digest(version: Terms) -> None:
    value = version.to_json()
    assert read_version(value, digest=version.digest) == version
    assert read_terms(canonical.loads(canonical.dumps(value))) == version


def test_the_order_in_which_codes_are_written_changes_nothing() -> None:
    value = TERMS.to_json()
    same = {**value, "parties": ["ma", "fr", "it"], "purposes": ["prosecution", "investigation"]}
    assert read_terms(same).digest == TERMS.digest
    with pytest.raises(Rejected) as caught:
        read_version(same, digest=TERMS.digest, at="/parts/0/content")
    assert caught.value.facts == {"at": "/parts/0/content", "rule": "not_the_complete_form"}


def test_another_version_has_another_digest() -> None:
    other = read_terms({**TERMS.to_json(), "notice_days": 91})
    assert other.digest != TERMS.digest
    with pytest.raises(Rejected) as caught:
        read_version(other.to_json(), digest=TERMS.digest, at="/content")
    assert caught.value.code == "accord.digest_differs"


VALUE: dict[str, Any] = TERMS.to_json()
BROKEN: list[tuple[str, object, str, str]] = [
    ("no object", [], "", "model_type"),
    ("no title", {key: VALUE[key] for key in VALUE if key != "title"}, "/title", "missing"),
    ("unknown term", {**VALUE, "colour": "red"}, "/colour", "extra_forbidden"),
    ("another version of the form", {**VALUE, "v": 2}, "/v", "literal_error"),
    ("language", {**VALUE, "title": {"de": "Abkommen"}}, "/title/de", "unknown_language"),
    ("empty title", {**VALUE, "title": {"en": " "}}, "/title/en", "not_one_line_of_text"),
    ("one party", {**VALUE, "parties": ["fr", "fr"], "accreditations": []}, "/parties", "two_parties_at_least"),
    ("node id", {**VALUE, "parties": ["fr", "MA"]}, "/parties/1", "not_a_node_id"),
    ("number as text", {**VALUE, "max_level": "1"}, "/max_level", "int_type"),
    ("level", {**VALUE, "max_level": 5}, "/max_level", "less_than_equal"),
    ("kind", {**VALUE, "kinds": ["Request"]}, "/kinds/0", "not_a_word"),
    ("purpose", {**VALUE, "purposes": ["a b"]}, "/purposes/0", "not_a_code"),
    ("no crime area", {**VALUE, "crime_areas": []}, "/crime_areas", "too_short"),
    ("handling code", {**VALUE, "handling_allowed": ["H4"]}, "/handling_allowed/0", "literal_error"),
    ("permission", {**VALUE, "flags": {"minor": "yes"}}, "/flags/minor", "literal_error"),
    ("ladder level", {**VALUE, "ladders": {"fr": {"SECRET": 9}}}, "/ladders/fr/SECRET", "less_than_equal"),
    (
        "accreditation of a stranger",
        {**VALUE, "accreditations": [{"party": "tn", "level": 2, "reference": "1"}]},
        "/accreditations",
        "accreditation_of_a_stranger",
    ),
    ("search mode", {**VALUE, "search": {"mode": "all"}}, "/search/mode", "literal_error"),
    ("time", {**VALUE, "in_force_from": "2026-11-22"}, "/in_force_from", "not_a_time"),
    ("end before begin", {**VALUE, "until": VALUE["in_force_from"]}, "/until", "ends_before_it_begins"),
    ("no retention", {**VALUE, "retention_days": 0}, "/retention_days", "greater_than_equal"),
    ("clause of nothing", {**VALUE, "clauses": {"colour": "Art. 1"}}, "/clauses/colour", "clause_of_no_term"),
    ("clause with a key", {**VALUE, "clauses": {"kinds.x": "Art. 1"}}, "/clauses/kinds.x", "clause_of_no_term"),
    (
        "approver without a role",
        {**VALUE, "human_rights": [{"clause": "1", "issue": "x", "states": ["*"], "outcome": "approver"}]},
        "/human_rights/0/role",
        "role_goes_with_approver",
    ),
    (
        "State in capitals",
        {**VALUE, "human_rights": [{"clause": "1", "issue": "x", "states": ["MA"], "outcome": "stop"}]},
        "/human_rights/0/states/0",
        "not_a_state",
    ),
]


@pytest.mark.parametrize(("value", "at", "rule"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_malformed_terms_name_place_and_rule(value: object, at: str, rule: str) -> None:
    with pytest.raises(Rejected) as caught:
        read_terms(value, at="/content")
    assert caught.value.code == "accord.terms_malformed"
    assert caught.value.facts == {"at": f"/content{at}", "rule": rule}


@given(terms(), st.dictionaries(st.sampled_from(NODES), reservations(), max_size=3))
def test_effective_terms_are_never_looser(version: Terms, reserved: dict[str, Reservation]) -> None:
    for sender in NODES:
        for recipient in set(NODES) - {sender}:
            effective = effective_terms(version, reserved, sender, recipient)
            for name, meet in MEETS.items():
                held, tightened = getattr(version, name), getattr(effective, name)
                assert meet(held, tightened) == tightened, name
            reversed_order = dict(reversed(reserved.items()))
            assert effective_terms(version, reversed_order, sender, recipient) == effective


@given(st.sampled_from(sorted(TERM_VALUES)), st.data())
def test_meets_are_semilattices(name: str, data: st.DataObject) -> None:
    meet = MEETS[name]

    def same(left: Any, right: Any) -> bool:
        if name in ("approvals", "human_rights"):
            return all(rule in right for rule in left) and all(rule in left for rule in right)
        if name in ("categories", "flags"):
            return all(left.get(key, "never") == right.get(key, "never") for key in {*left, *right})
        return bool(left == right)

    one, two, three = (getattr(_holding(name, data.draw(TERM_VALUES[name])), name) for _ in range(3))
    if name in ("categories", "flags"):
        # A reservation names only what it tightens; as a term, what is not named is never.
        one, two, three = (
            {code: side.get(code, "never") for code in {*one, *two, *three}} for side in (one, two, three)
        )
    assert same(meet(one, one), one)
    assert same(meet(one, two), meet(two, one))
    assert same(meet(meet(one, two), three), meet(one, meet(two, three)))


def _holding(name: str, value: Any) -> Terms | Reservation:
    """The value as a model normalises it."""
    return Reservation(**{name: value}) if value is not None else TERMS


@given(areas(), areas(), st.sampled_from(AREAS))
def test_common_areas_hold_exactly_what_both_hold(one: tuple[str, ...], two: tuple[str, ...], area: str) -> None:
    assert covers(MEETS["crime_areas"](one, two), area) == (covers(one, area) and covers(two, area))


@given(terms(), reservations())
def test_a_reservation_passes_exactly_if_it_holds_afterwards(version: Terms, reservation: Reservation) -> None:
    party = version.parties[0]
    unlimited = reservation.model_copy(update={"direction": "both", "towards": None})
    effective = effective_terms(version, {party: unlimited}, party, version.parties[1])
    holds = all(
        all(getattr(effective, name)[code] == held for code, held in getattr(unlimited, name).items())
        if name in ("categories", "flags")
        else name in ("approvals", "human_rights") or getattr(effective, name) == getattr(unlimited, name)
        for name in unlimited.terms
    )
    try:
        check_reservation(version, unlimited, party=party)
    except Rejected:
        assert not holds
    else:
        assert holds


LOOSER: list[tuple[str, Any, str]] = [
    ("kinds", ["alert", "request"], "/kinds"),
    ("purposes", ["border_control"], "/purposes"),
    ("crime_areas", ["06", "07"], "/crime_areas"),
    ("crime_areas", ["*"], "/crime_areas"),
    ("max_level", 3, "/max_level"),
    ("handling_allowed", ["H3"], "/handling_allowed"),
    ("categories", {"suspect": "approval", "witness": "approval"}, "/categories/witness"),
    ("categories", {"missing": "permit"}, "/categories/missing"),
    ("flags", {"minor": "permit"}, "/flags/minor"),
    ("onward", "free", "/onward"),
    ("evidence", "free", "/evidence"),
    ("urgent", "permit", "/urgent"),
    ("search", {"mode": "hit", "budget_per_day": 5}, "/search"),
    ("search", {"mode": "none", "budget_per_day": 21}, "/search"),
    ("blind", {"families": ["identifier", "pair"]}, "/blind"),
    ("blind", {"families": ["identifier"], "budget_per_day": 51}, "/blind"),
    ("retention_days", 1096, "/retention_days"),
    ("review_days", 366, "/review_days"),
    ("in_force_from", "2020-01-01T00:00:00.000Z", "/in_force_from"),
    ("until", "2050-01-01T00:00:00.000Z", "/until"),
]


@pytest.mark.parametrize(("term", "value", "at"), LOOSER)
def test_a_reservation_that_loosens_is_rejected_naming_the_term(term: str, value: Any, at: str) -> None:
    reservation = read_reservation({term: value})
    with pytest.raises(Rejected) as caught:
        check_reservation(TERMS, reservation, party="ma", at="/parts/0/content")
    assert caught.value.code == "accord.reservation_loosens"
    assert caught.value.facts == {"at": f"/parts/0/content{at}", "term": term, "party": "ma"}


def test_every_reservable_term_has_a_meet_and_a_loosening_case() -> None:
    assert tuple(MEETS) == RESERVABLE
    assert {case[0] for case in LOOSER} | {"approvals", "human_rights"} == set(RESERVABLE)


def test_a_narrower_crime_area_is_a_reservation() -> None:
    reservation = read_reservation({"crime_areas": ["0601", "0602"], "clauses": {"crime_areas": "réserve 1"}})
    check_reservation(TERMS, reservation, party="ma")
    pair = pair_terms(TERMS, {"ma": reservation}, "fr", "ma")
    assert pair.terms.crime_areas == ("0601", "0602")
    assert pair.reserved_by == {"crime_areas": "ma"}
    assert pair.clause("crime_areas") == "ma: réserve 1"


def test_a_reservation_towards_a_stranger_is_rejected() -> None:
    with pytest.raises(Rejected) as caught:
        check_reservation(TERMS, Reservation(towards=("tn",), max_level=0), party="ma")
    assert caught.value.code == "accord.reservation_stranger"


def test_direction_and_partners_limit_a_reservation() -> None:
    sending = {"ma": Reservation(direction="sending", towards=("fr",), max_level=0)}
    levels = {
        (sender, recipient): effective_terms(TERMS, sending, sender, recipient).max_level
        for sender in TERMS.parties
        for recipient in TERMS.parties
        if sender != recipient
    }
    assert {pair for pair, level in levels.items() if level == 0} == {("ma", "fr")}


def test_explain_reads_term_value_clause_and_who_tightened() -> None:
    reserved = {"ma": Reservation(categories={"suspect": "approval"}, retention_days=90)}
    lines = {(line.term, line.key): line for line in explain(pair_terms(TERMS, reserved, "fr", "ma"))}
    assert lines["categories", "suspect"].value == "approval"
    assert lines["categories", "suspect"].reserved_by == "ma"
    assert lines["categories", "suspect"].clause == "ma: categories.suspect"
    assert (lines["categories", "witness"].clause, lines["categories", "witness"].reserved_by) == ("Art. 5(3)", None)
    assert (lines["retention_days", None].value, lines["retention_days", None].reserved_by) == (90, "ma")
    assert lines["purposes", None].clause == "Art. 2"
    assert {term for term, _ in lines} >= {*RESERVABLE, "ladders", "accreditations"}


def test_titles() -> None:
    assert title_in(TERMS, "fr") == "Accord stupéfiants"
    assert title_in(TERMS, "fa") == "اتفاق مكافحة المخدرات"


def test_codes_are_checked_by_the_author_not_by_the_fold() -> None:
    check_codes(TERMS)
    with pytest.raises(Rejected) as caught:
        check_codes(TERMS.model_copy(update={"purposes": ("investigation", "gossip")}), at="/content")
    assert (caught.value.code, caught.value.facts["at"]) == ("codes.unknown_code", "/content/purposes/1")
    with pytest.raises(Rejected) as caught:
        check_codes(Reservation(flags={"cousin": "never"}))
    assert caught.value.facts["at"] == "/flags/cousin"


def test_common_ladders_map_what_everybody_knows() -> None:
    ladders = common_ladders(("fr", "it"))
    assert ladders["fr"]["DIFFUSION RESTREINTE"] == 1
    assert ladders["it"]["SEGRETO"] == 3
    assert read_terms({**VALUE, "ladders": ladders}).ladders == ladders
    with pytest.raises(Rejected) as caught:
        common_ladders(("xx",))
    assert caught.value.code == "accord.unknown_ladder"


def test_marking_of_a_declared_label() -> None:
    declared = TERMS.model_copy(update={"ladders": {"ma": {"سري": 2}}})
    assert marking_of("ma", "سري", terms=declared, handling=["H1"]).level == 2
    assert marking_of("it", "riservato").level == 1
    with pytest.raises(Rejected) as caught:
        marking_of("ma", "محدود", terms=declared)
    assert caught.value.code == "marking.unmapped_classification"
