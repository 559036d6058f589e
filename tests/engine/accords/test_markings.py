"""Markings: the laws of the join, the one JSON form, and every refused combination."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.accords.markings import TLP_ORDER, UNMARKED, Marking, stricter_freedom, strictest
from tansiq.engine.errors import Rejected

from .strategies import markings


@given(markings(), markings(), markings())
def test_strictest_is_a_join_semilattice(one: Marking, two: Marking, three: Marking) -> None:
    assert strictest((one, one)) == one
    assert strictest((one, two)) == strictest((two, one))
    assert strictest((strictest((one, two)), three)) == strictest((one, strictest((two, three))))
    assert strictest((one, UNMARKED)) == one


@given(st.lists(markings(), max_size=5))
def test_the_product_keeps_every_condition(sources: list[Marking]) -> None:
    product = strictest(sources)
    for source in sources:
        assert product.is_at_least(source)
        assert product.level >= source.level
        assert product.handling >= source.handling - {"H0"}
        assert stricter_freedom(product.onward, source.onward) == product.onward
        assert stricter_freedom(product.evidence, source.evidence) == product.evidence
        if source.level == product.level:
            assert product.ladders >= source.ladders


@given(st.lists(markings(), max_size=4), st.randoms(use_true_random=False))
def test_order_does_not_matter(sources: list[Marking], random: object) -> None:
    shuffled = list(sources)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert strictest(shuffled) == strictest(sources)


@given(markings())
def test_json_round_trip(marking: Marking) -> None:
    assert Marking.from_json(marking.to_json(), at="/marking") == marking


def test_tlp_order_and_what_it_means_for_passing_on() -> None:
    for lower, higher in itertools.pairwise(TLP_ORDER):
        assert strictest((Marking(tlp=higher), Marking(tlp=lower))).tlp == higher
    assert [Marking(tlp=tlp).onward for tlp in TLP_ORDER] == ["free", "free", "consent", "consent", "consent"]


def test_labels_of_two_originators_stand_side_by_side() -> None:
    both = strictest(
        (Marking(1, "it", "RISERVATO"), Marking(1, "fr", "DIFFUSION RESTREINTE"), Marking(0, "uk", "OFFICIAL"))
    )
    assert (both.ladder, both.label) == ("fr", "DIFFUSION RESTREINTE")
    assert both.beside == {("it", "RISERVATO")}


def test_consequences_of_handling_codes() -> None:
    assert Marking(handling=frozenset({"H0"})).evidence_allowed
    assert not Marking(handling=frozenset({"H1"})).evidence_allowed
    assert Marking(handling=frozenset({"H1"})).onward_allowed
    assert not Marking(handling=frozenset({"H2"})).onward_allowed
    assert Marking(handling=frozenset({"H3"})).needs_note
    assert Marking(handling=frozenset({"H1", "H2"})).without("H2") == Marking(handling=frozenset({"H1"}))


BROKEN = [
    ("list", [], "marking.malformed", "/m"),
    ("no level", {"handling": []}, "marking.malformed", "/m/level"),
    ("no handling", {"level": 0}, "marking.malformed", "/m/handling"),
    ("unknown key", {"level": 0, "handling": [], "colour": "red"}, "marking.malformed", "/m/colour"),
    ("level too high", {"level": 5, "handling": []}, "marking.level_out_of_range", "/m/level"),
    ("level below zero", {"level": -1, "handling": []}, "marking.level_out_of_range", "/m/level"),
    ("level true", {"level": True, "handling": []}, "marking.malformed", "/m/level"),
    ("level text", {"level": "1", "handling": []}, "marking.malformed", "/m/level"),
    ("handling text", {"level": 0, "handling": "H1"}, "marking.malformed", "/m/handling"),
    ("H4", {"level": 0, "handling": ["H4"]}, "marking.unknown_handling", "/m/handling"),
    ("H0 with H1", {"level": 0, "handling": ["H0", "H1"]}, "marking.h0_stands_alone", "/m/handling"),
    ("unsorted", {"level": 0, "handling": ["H2", "H1"]}, "marking.malformed", "/m"),
    ("twice", {"level": 0, "handling": ["H1", "H1"]}, "marking.malformed", "/m"),
    ("null ladder", {"level": 0, "handling": [], "ladder": None}, "marking.malformed", "/m/ladder"),
    ("ladder alone", {"level": 1, "handling": [], "ladder": "fr"}, "marking.ladder_without_label", "/m/ladder"),
    ("empty label", {"level": 1, "handling": [], "ladder": "fr", "label": ""}, "marking.malformed", "/m/label"),
    ("TLP white", {"level": 0, "handling": [], "tlp": "WHITE"}, "marking.unknown_tlp", "/m/tlp"),
    ("beside alone", {"level": 1, "handling": [], "beside": [["it", "RISERVATO"]]}, "marking.malformed", "/m/beside"),
    (
        "beside out of order",
        {"level": 1, "handling": [], "ladder": "it", "label": "R", "beside": [["fr", "DR"]]},
        "marking.malformed",
        "/m/beside",
    ),
    (
        "beside not a pair",
        {"level": 1, "handling": [], "ladder": "it", "label": "R", "beside": [["jp"]]},
        "marking.malformed",
        "/m/beside/0",
    ),
]


@pytest.mark.parametrize(("value", "code", "at"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_refused_marking_names_its_place(value: object, code: str, at: str) -> None:
    with pytest.raises(Rejected) as caught:
        Marking.from_json(value, at="/m")
    assert (caught.value.code, caught.value.facts["at"]) == (code, at)
