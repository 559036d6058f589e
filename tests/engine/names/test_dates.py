"""Birth dates: each explanation, symmetry, and two conversion tables checked against each other and known days."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.errors import Rejected
from tansiq.engine.names.dates import compare_dates, hijri_to_gregorian, solar_hijri_to_gregorian


@pytest.mark.parametrize(
    ("left", "right", "explanation"),
    [
        ("1960-05-12", "1960-05-12", "exact"),
        ("1960-05-12", "1960-12-05", "day_month_swapped"),
        ("1960-05", "1960-05-12", "month_and_year"),
        ("1960", "1960-05-12", "year_only"),
        ("1960-01-01", "1960-05-12", "default_day"),
        ("1960-07-01", "1960-05-12", "default_day"),
        ("1960-01-01", "1960-01-01", "default_day"),
        ("1379-11-15", "1960-05-12", "hijri"),
        ("1339-02-22", "1960-05-12", "solar_hijri"),
        ("1379", "1960-05-12", "hijri_year"),
        ("1339", "1960-05-12", "solar_hijri_year"),
        ("600512", "1960-05-12", "century"),
        ("60", "1960", "year_only"),
        ("1960", "1961-01-01", "conversion_year"),
        ("1960-05-12", "1961-08-30", "near_year"),
        ("1960-05-12", "1960-05-13", "one_digit"),
        ("1960-05-12", "1906-05-12", "one_digit"),
        ("1960-05-12", "1960-09-23", "different_day"),
        ("1960-05-12", "1975-09-23", "contradiction"),
    ],
)
def test_each_explanation(left: str, right: str, explanation: str) -> None:
    assert compare_dates(left, right).explanation == explanation
    assert compare_dates(right, left).explanation == explanation


@pytest.mark.parametrize(
    ("solar", "gregorian"),
    [((1403, 1, 1), (2024, 3, 20)), ((1399, 12, 30), (2021, 3, 20)), ((1357, 11, 22), (1979, 2, 11))],
)
def test_solar_hijri_on_known_days(solar: tuple[int, int, int], gregorian: tuple[int, int, int]) -> None:
    assert solar_hijri_to_gregorian(*solar) == gregorian


def test_hijri_on_known_days() -> None:
    assert hijri_to_gregorian(1445, 9, 1) == (2024, 3, 11)
    assert hijri_to_gregorian(1300, 1, 1) == (1882, 11, 12)


@pytest.mark.parametrize("wrong", ["", "1960-13", "196", "12/05/1960", "1960-05-12T00:00", "١٩٦٠", "1960-05-32"])
def test_what_is_no_date_is_refused(wrong: str) -> None:
    with pytest.raises(Rejected, match=r"names\.birth_date"):
        compare_dates(wrong, "1960")


@st.composite
def dates(draw: st.DrawFn) -> str:
    year = draw(st.one_of(st.integers(1900, 2020), st.integers(1300, 1440)))
    month, day = draw(st.integers(0, 12)), draw(st.integers(0, 28))
    return f"{year}" if not month else f"{year}-{month:02}" if not day else f"{year}-{month:02}-{day:02}"


@given(dates(), dates())
def test_comparison_is_symmetric(left: str, right: str) -> None:
    forth, back = compare_dates(left, right), compare_dates(right, left)
    assert (forth.explanation, forth.weight) == (back.explanation, back.weight)


@given(dates())
def test_a_date_never_contradicts_itself(date: str) -> None:
    assert compare_dates(date, date).weight > 0
