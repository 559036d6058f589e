"""Moments, deadlines and lengths of time in words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from tansiq.node.web.times import Writing, hijri, show_deadline, show_moment, solar_hijri, span

NOW = datetime(2026, 11, 22, 2, 12, tzinfo=UTC)


def test_a_moment_has_its_zone_and_utc() -> None:
    with translation.override("en"):
        shown = show_moment(NOW, zone=ZoneInfo("Asia/Tehran"), writing=Writing("hijri"))
    assert (shown.clock, shown.zone, shown.utc) == ("05:42", "UTC+3:30", "2026-11-22 02:12 UTC")
    assert shown.iso == "2026-11-22T02:12:00Z"
    assert shown.other_calendar == "12 Jumada al-Akhira 1448 AH"


def test_a_naive_time_is_not_shown() -> None:
    with pytest.raises(ValueError, match="zone"):
        show_moment(NOW.replace(tzinfo=None), zone=ZoneInfo("UTC"))


def test_hijri_is_empty_outside_the_calendar_instead_of_guessed() -> None:
    assert hijri(date(1900, 1, 1)) == ""


@pytest.mark.parametrize(
    ("day", "told"),
    [
        (date(2026, 11, 22), "1 Azar 1405 SH"),
        (date(2025, 3, 20), "30 Esfand 1403 SH"),  # a leap year ends
        (date(2025, 3, 21), "1 Farvardin 1404 SH"),
        (date(1979, 2, 11), "22 Bahman 1357 SH"),
        (date(2026, 9, 22), "31 Shahrivar 1405 SH"),
        (date(2026, 9, 23), "1 Mehr 1405 SH"),
    ],
)
def test_solar_hijri_dates_at_the_borders_of_months_and_years(day: date, told: str) -> None:
    with translation.override("en"):
        assert solar_hijri(day) == told


def test_digits_are_by_choice_and_utc_stays_what_partners_read_to_each_other() -> None:
    with translation.override("fa"):
        shown = show_moment(NOW, zone=ZoneInfo("Asia/Tehran"), writing=Writing("solar", "arabext"))
    assert (shown.day, shown.clock, shown.other_calendar) == ("۲۲ نوامبر ۲۰۲۶", "۰۵:۴۲", "۱ آذر ۱۴۰۵ ه‍.ش.")
    assert (shown.zone, shown.utc) == ("UTC+3:30", "2026-11-22 02:12 UTC")
    with translation.override("it"):
        assert show_moment(NOW, zone=ZoneInfo("UTC")).day == "22 novembre 2026"


@pytest.mark.parametrize(
    ("left", "severity"),
    [
        (timedelta(days=-1), "overdue"),
        (timedelta(), "overdue"),
        (timedelta(minutes=1), "now"),
        (timedelta(hours=2), "now"),
        (timedelta(hours=2, seconds=1), "soon"),
        (timedelta(hours=24), "soon"),
        (timedelta(hours=24, seconds=1), "calm"),
    ],
)
def test_severity_has_a_word_at_every_boundary(left: timedelta, severity: str) -> None:
    shown = show_deadline(NOW + left, now=NOW)
    assert shown.severity == severity
    assert shown.word
    assert shown.icon


def test_a_met_deadline_says_whether_it_was_met_in_time() -> None:
    with translation.override("en"):
        assert show_deadline(NOW, now=NOW + timedelta(days=9), met_at=NOW).word == "Done"
        assert show_deadline(NOW, now=NOW, met_at=NOW + timedelta(hours=3)).text == "Late by: 3 hours"


@pytest.mark.parametrize(
    ("length", "told"),
    [
        (timedelta(hours=1, minutes=35), "ساعة واحدة و35 دقيقة"),
        (timedelta(hours=2), "ساعتان"),
        (timedelta(days=2, hours=4, minutes=50), "يومان و4 ساعات"),
        (timedelta(days=11), "11 يوماً"),
        (timedelta(days=100), "100 يوم"),
        (timedelta(seconds=20), "أقل من دقيقة"),
    ],
)
def test_arabic_lengths_use_the_right_form(length: timedelta, told: str) -> None:
    with translation.override("ar"):
        assert span(length) == told
