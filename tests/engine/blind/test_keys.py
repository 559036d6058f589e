"""Keys of scheme tsk1: who meets whom, under which family, and that nothing else does."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.blind import keys
from tansiq.engine.blind.keys import FAMILIES, MOST_KEYS, normal_identifier, question_keys, record_keys
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.codes import code_list

BORN = "1984-03-17"
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60)
DATES = st.one_of(
    st.dates(min_value=date(1930, 1, 1)).map(lambda day: day.isoformat()),
    st.sampled_from(["1984", "1984-03", "1404-06-14", "1363", "840317", "nonsense", "1984-02-30"]),
)


def met(record: dict[str, list[str]], question: dict[str, list[str]]) -> set[str]:
    return {family for family, asked in question.items() if set(asked) & set(record.get(family, ()))}


def test_the_families_are_those_of_the_code_list_in_its_order() -> None:
    assert code_list("blind_families").codes() == FAMILIES


@pytest.mark.parametrize(
    ("held", "asked", "families"),
    [
        (("يوسف الزياني", BORN), ("Youssef Ziani", BORN), {"pair_day", "word_day", "pair_year", "pair"}),
        (("Юсуф Зиани", BORN), ("يوسف الزياني", BORN), {"pair_day", "word_day", "pair_year", "pair"}),
        (
            ("Youssef Ziani", "1984-03-02"),
            ("Youssef Ziani", "1984-02-03"),
            {"pair_day", "word_day", "pair_year", "pair"},
        ),
        (("Youssef Ziani", "1984-01-01"), ("Youssef Ziani", BORN), {"pair_year", "pair"}),
        (("Youssef Ziani", "1984-01-01"), ("Youssef Ziani", "1984-01-01"), {"pair_year", "pair"}),
        (("Youssef Ziani", "1984"), ("Youssef Ziani", BORN), {"pair_year", "pair"}),
        (("Youssef Ziani", "1404-06-15"), ("Youssef Ziani", BORN), {"pair_day", "word_day", "pair_year", "pair"}),
        (("Youssef Ziani", BORN), ("Youssef Ziani", "1404-06-14"), {"pair_day", "word_day", "pair_year", "pair"}),
        (("یوسف زیانی", "1362-12-27"), ("Youssef Ziani", BORN), {"pair_day", "word_day", "pair_year", "pair"}),
        (("Youssef Bennani", BORN), ("Youssef Ziani", BORN), {"word_day"}),
        (("Karim Idrissi", BORN), ("Youssef Ziani", BORN), set()),
        (("Youssef Ziani", "1985-04-18"), ("Youssef Ziani", BORN), {"pair"}),
    ],
)
def test_who_meets_whom(held: tuple[str, str], asked: tuple[str, str], families: set[str]) -> None:
    assert met(record_keys([held[0]], [held[1]]), question_keys([asked[0]], [asked[1]])) == families


@pytest.mark.parametrize(
    ("kind", "one", "other", "normal"),
    [
        ("passport", " xk-4471902 ", "XK4471902", "XK4471902"),
        ("phone", "+212 600-000.417", "00212600000417", "+212600000417"),
        ("phone", "٠٠٢١٢٦٠٠٠٠٠٤١٧", "+212600000417", "+212600000417"),
        ("imo", "IMO 9074729", "9074729", "9074729"),
        ("plate", "١٢٣٤٥-أ-٦", "12345 أ 6", "12345أ6"),
        ("email", "A.B@Example.ORG", "a.b@example.org", "a.b@example.org"),
        ("username", "@Eagle", "eagle", "eagle"),
        ("crypto", "0xAbC1", "0xabc1", "0xabc1"),
        ("crypto", "bc1Q x", "bc1Qx", "bc1Qx"),
        ("iban", "ma64 0115 1900", "MA6401151900", "MA6401151900"),
    ],
)
def test_an_identifier_has_one_writing(kind: str, one: str, other: str, normal: str) -> None:
    assert normal_identifier(kind, one) == normal_identifier(kind, other) == normal


def test_a_telephone_without_a_country_makes_no_key() -> None:
    assert normal_identifier("phone", "0600 000 417") == ""
    assert record_keys([], [], [("phone", "0600000417")]) == {}


@given(
    st.lists(NAMES, max_size=3),
    st.lists(DATES, max_size=2),
    st.lists(st.tuples(st.just("passport"), NAMES), max_size=2),
)
def test_a_record_makes_keys_of_whatever_it_holds_and_a_question_holds_them_all(
    names: list[str], dates: list[str], numbers: list[tuple[str, str]]
) -> None:
    record = record_keys(names, dates, numbers)
    assert set(record) <= set(FAMILIES)
    assert all(key.startswith(f"tsk1|{family}|") for family, found in record.items() for key in found)
    assert all(found == sorted(set(found)) for found in record.values())
    question: dict[str, list[str]] | None = None
    with suppress(Rejected):  # of a date that is none, or of too much
        question = question_keys(names, dates, numbers)
    assert question is None or all(set(found) <= set(question[family]) for family, found in record.items())


def test_a_question_asks_only_under_the_families_it_may() -> None:
    assert set(question_keys(["Youssef Ziani"], [BORN], families=["word_day"])) == {"word_day"}


def test_a_question_that_is_too_large_is_refused_before_it_is_asked() -> None:
    names = [
        f"{a} {b} {c} {d}"
        for a in ("Gamal", "Jamal")
        for b in ("Said", "Zaid")
        for c in ("Haqq", "Jaq")
        for d in ("Dhu", "Thu")
    ]
    with pytest.raises(Rejected) as caught:
        question_keys(
            [f"{name} {name} {number}" for number, name in enumerate(names * 8)],
            [f"19{n}-03-17" for n in range(50, 90)],
        )
    assert caught.value.code == "blind.too_many_keys"
    assert caught.value.facts["most"] == MOST_KEYS


def test_a_date_that_is_none_is_refused_at_its_place() -> None:
    with pytest.raises(Rejected) as caught:
        question_keys(["Youssef Ziani"], [BORN, "soon"])
    assert (caught.value.code, caught.value.facts["at"]) == ("names.birth_date", "/birth_dates/1")


def test_the_scheme_is_fixed_bit_for_bit() -> None:
    assert keys.record_keys(["يوسف بن حمّو الزياني"], ["1984-03-17"], [("passport", "XK4471902")]) == {
        "identifier": ["tsk1|identifier|passport|XK4471902"],
        "pair_day": [f"tsk1|pair_day|{pair}|1984-03-17" for pair in ("M|SF", "M|SN", "SF|SN")],
        "word_day": [f"tsk1|word_day|{word}|1984-03-17" for word in ("M", "SF", "SN")],
        "pair_year": [f"tsk1|pair_year|{pair}|1984" for pair in ("M|SF", "M|SN", "SF|SN")],
        "pair": [f"tsk1|pair|{pair}" for pair in ("M|SF", "M|SN", "SF|SN")],
    }
