"""Statutory time, by hand-counted cases and by the laws of Regulation 1182/71."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.dossiers.calendars import (
    Calendar,
    add_calendar_days,
    add_hours,
    add_working_days,
    shipped_calendar,
)
from tansiq.engine.errors import Rejected

SHIPPED = ("fr", "it", "ma", "eg")
FR, MA, EG = shipped_calendar("fr"), shipped_calendar("ma-dgsn"), shipped_calendar("eg")
EVERY_DAY = Calendar("fr", "1", "UTC", frozenset())


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "days", "calendar", "due"),
    [
        # Monday + 7 days: the next Monday, to its midnight in Paris (winter, UTC+1)
        ("2026-11-23 09:00", 7, FR, "2026-11-30 23:00"),
        # a Saturday is last: to the Monday after
        ("2026-11-21 09:00", 7, FR, "2026-11-30 23:00"),
        # the same Saturday where the weekend is Friday and Saturday: to the Sunday
        ("2026-11-21 09:00", 7, EG, "2026-11-29 22:00"),
        # 14 July 2026, a Tuesday, is last: to the Wednesday
        ("2026-07-07 10:00", 7, FR, "2026-07-15 22:00"),
        # three days from a Friday hold one working day only: art. 3(5) gives the Tuesday
        ("2026-11-20 09:00", 3, FR, "2026-11-24 23:00"),
        # the same Friday in Egypt: Saturday, Sunday, Monday hold two working days
        ("2026-11-20 09:00", 3, EG, "2026-11-23 22:00"),
        # 23:30 in Paris is already the next day in Cairo
        ("2026-11-22 22:30", 1, FR, "2026-11-23 23:00"),
        ("2026-11-22 22:30", 1, EG, "2026-11-24 22:00"),
        # Green March and the weekend: Friday 6 November, Saturday, Sunday
        ("2026-11-05 12:00", 1, MA, "2026-11-09 23:00"),
    ],
)
def test_days_are_counted_as_the_regulation_says(start: str, days: int, calendar: Calendar, due: str) -> None:
    assert add_calendar_days(at(start), days, calendar) == at(due)


def test_hours_run_as_hours() -> None:
    assert add_hours(at("2026-11-20 20:00"), 8) == at("2026-11-21 04:00")
    paris_before_the_change = datetime.fromisoformat("2026-10-25T01:00:00+02:00")
    assert add_hours(paris_before_the_change, 8) == at("2026-10-25 07:00")


def test_working_days_skip_weekend_and_holidays() -> None:
    assert add_working_days(at("2026-11-20 09:00"), 2, FR) == at("2026-11-24 23:00")
    assert add_working_days(at("2026-11-05 09:00"), 1, MA) == at("2026-11-09 23:00")


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 6, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(1, 60),
    st.sampled_from([shipped_calendar(node) for node in SHIPPED]),
)
def test_the_laws_of_a_period_in_days(start: datetime, days: int, calendar: Calendar) -> None:
    due = add_calendar_days(start, days, calendar)
    last = calendar.local_day(due - timedelta(milliseconds=1))
    first = calendar.local_day(start) + timedelta(days=1)
    assert calendar.is_working_day(last)
    assert (last - first).days + 1 >= days
    assert calendar.end_of(last) == due
    span = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    assert days < 2 or sum(calendar.is_working_day(day) for day in span) >= 2
    # it is the first day that will do
    for earlier in span[days - 1 : -1]:
        working = sum(calendar.is_working_day(day) for day in span if day <= earlier)
        assert not calendar.is_working_day(earlier) or (days >= 2 and working < 2)
    assert add_calendar_days(start, days + 1, calendar) >= due


def test_a_calendar_where_nobody_works_is_refused() -> None:
    nobody = Calendar("fr", "1", "UTC", frozenset(range(1, 8)))
    with pytest.raises(Rejected, match=r"calendar\.no_working_day"):
        add_calendar_days(at("2026-11-20 09:00"), 1, nobody)
    with pytest.raises(Rejected, match=r"calendar\.no_working_day"):
        add_working_days(at("2026-11-20 09:00"), 1, nobody)


def test_midnight_that_the_clock_skips_is_still_an_instant() -> None:
    cairo = EG.end_of(date(2026, 4, 23))
    assert cairo == at("2026-04-23 22:00")
    assert EVERY_DAY.end_of(date(2026, 4, 23)) == at("2026-04-24 00:00")


@pytest.mark.parametrize("node", SHIPPED)
def test_a_shipped_calendar_reads_back_and_says_that_it_is_general_knowledge(node: str) -> None:
    calendar = shipped_calendar(node)
    assert Calendar.from_json(calendar.to_json()) == calendar
    assert calendar.marked == "general_knowledge"
    assert calendar.digest == Calendar.from_json(calendar.to_json()).digest
    assert min(calendar.holidays).year == 2026
    assert max(calendar.holidays).year == 2028


def test_no_calendar_ships_for_a_state_we_do_not_know() -> None:
    with pytest.raises(Rejected, match=r"calendar\.unknown"):
        shipped_calendar("zz")


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        ("v", 2, ""),
        ("node", "FR", "/node"),
        ("version", "", "/version"),
        ("weekend", [0], "/weekend"),
        ("weekend", [7, 6], "/weekend"),
        ("weekend", [1, 2, 3, 4, 5, 6, 7], "/weekend"),
        ("weekend", [True], "/weekend"),
        ("holidays", {"2026-11-31": "x"}, "/holidays/2026-11-31"),
        ("holidays", {"20261106": "x"}, "/holidays/20261106"),
        ("holidays", {"2026-11-06": ""}, "/holidays/2026-11-06"),
        ("holidays", [], "/holidays"),
        ("time_zone", "Mars/Olympus", "/time_zone"),
        ("time_zone", "../../etc/passwd", "/time_zone"),
        ("surprise", 1, ""),
    ],
)
def test_a_calendar_has_one_form(field: str, value: Any, place: str) -> None:
    with pytest.raises(Rejected) as caught:
        Calendar.from_json({**FR.to_json(), field: value})
    assert caught.value.facts["at"] == place
