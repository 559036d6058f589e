"""One value, one spelling; a refusal names the place and the rule and never the value."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.entities.countries import countries_named, country_code
from tansiq.engine.entities.dates import clean_date, is_vague, plain_dates
from tansiq.engine.entities.values import clean_value, is_entity_id
from tansiq.engine.errors import Rejected

days = st.dates().map(lambda day: day.isoformat())
prefixes = st.builds(lambda day, cut: day[:cut], days, st.sampled_from([4, 7, 10]))
vague = st.builds(lambda date, mark: date + mark, prefixes, st.sampled_from(["", "~", "?"]))


@pytest.mark.parametrize(
    ("schema", "prop", "text", "kept"),
    [
        ("Person", "name", '  "محمد   الشريف" ', "محمد الشريف"),
        ("Person", "nationality", "المغرب", "ma"),
        ("Person", "nationality", "NA", "na"),
        ("Person", "gender", "M", "male"),
        ("Person", "phone", "+212 661-234567", "+212661234567"),
        ("Person", "birthDate", "1955/1958", "1955/1958"),
        ("PhoneLine", "number", "+33 6 12 34 56 78", "+33612345678"),
        ("Passport", "holder", "018f0000-0000-7000-8000-000000000000", "018f0000-0000-7000-8000-000000000000"),
    ],
)
def test_a_value_has_one_spelling(schema: str, prop: str, text: str, kept: str) -> None:
    assert clean_value(schema, prop, text) == kept
    assert clean_value(schema, prop, kept) == kept


@pytest.mark.parametrize(
    ("prop", "text", "code"),
    [
        ("name", "  ", "entity.value_empty"),
        ("name", "x" * 600, "entity.value_too_long"),
        ("nationality", "Nowhere-at-all", "entity.country_unknown"),
        ("birthDate", "1970-02-30", "entity.date_not_understood"),
        ("phone", "0661 234567", "entity.phone_not_international"),
        ("gender", "perhaps", "entity.value_not_understood"),
        ("proof", "not an id", "entity.reference_malformed"),
        ("nmae", "x", "entity.unknown_property"),
    ],
)
def test_what_is_no_value_is_refused_without_repeating_it(prop: str, text: str, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        clean_value("Person", prop, text, at="/properties/0")
    assert refused.value.code == code
    assert refused.value.facts["at"] == "/properties/0"
    assert not text.strip() or prop == "nmae" or text not in str(refused.value)


@pytest.mark.parametrize(("text", "is_id"), [("un-sc:1", True), ("a#document-1", True), ("#x", False), ("a b", False)])
def test_entity_ids(text: str, is_id: bool) -> None:
    assert is_entity_id(text) is is_id


@given(vague)
def test_a_clean_date_is_clean(date: str) -> None:
    assert clean_date(f" {date} ") == date
    assert is_vague(date) is (date[-1] in "~?")
    assert plain_dates(date) == (date.rstrip("~?"),)


@given(vague, vague)
def test_an_interval_runs_forward_and_widens_to_plain_dates(one: str, two: str) -> None:
    first, last = sorted((one, two), key=lambda date: date.rstrip("~?"))
    value = clean_date(f"{first}/{last}")
    widened = plain_dates(value)
    assert all(re.fullmatch(r"\d{4}(-\d\d){0,2}", date) for date in widened)
    assert len(widened) <= 13
    if first.rstrip("~?") < last.rstrip("~?"):
        with pytest.raises(Rejected):
            clean_date(f"{last}/{first}")


@given(st.text(max_size=12))
def test_any_text_is_a_date_or_refused(text: str) -> None:
    try:
        said = plain_dates(clean_date(text))
    except Rejected as refused:
        said = (refused.code,)
    assert said
    assert said == ("entity.date_not_understood",) or all(date[:4].isdigit() for date in said)


def test_between_is_every_year_unless_it_says_too_little() -> None:
    assert plain_dates("1955/1958") == ("1955", "1956", "1957", "1958")
    assert plain_dates("1977-08/1977-09") == ("1977-08", "1977-09")
    assert plain_dates("1900/1990") == ("1900", "1990")


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Iraq", ("iq",)),
        ("Sudan/or South Sudan", ("sd", "ss")),
        ("Iran / unknown", ("ir",)),
        ("Tunisian passport", ("tn",)),
        ("Bahrain (citizenship revoked in Jan. 2015)", ("bh",)),
        ("Branch Office 11: Iran", ("ir",)),
        ("UAE", ("ae",)),
        ("na", ()),
        ("NA", ()),
        ("fr", None),
        ("Possibly Ethiopian", None),
        ("", ()),
    ],
)
def test_countries_in_free_text(text: str, codes: tuple[str, ...] | None) -> None:
    assert countries_named(text) == codes


def test_a_chosen_code_is_a_code() -> None:
    assert country_code("na") == "na"
    assert country_code("FR") == "fr"
