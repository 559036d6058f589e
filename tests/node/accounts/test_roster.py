"""The duty roster: who stands when in which rank, who replaces them, and when nobody does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tansiq.engine.errors import Conflict, Rejected
from tansiq.node.accounts import actions, roster
from tansiq.node.accounts.models import Shift
from tests.node.conftest import NOW
from tests.node.world import PASSWORD, leaves_nothing

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def people() -> None:
    for unit in ("ops", "borders"):
        actions.add_unit(unit, {"en": unit}, competence=[], now=NOW)
    for name, unit, role in (
        ("nadia", "ops", "duty"),
        ("karim", "ops", "liaison"),
        ("sara", "ops", "duty"),
        ("ali", "ops", "analyst"),
        ("omar", "borders", "duty"),
    ):
        actions.add_officer(name, PASSWORD, display_name=name.title(), unit=unit, roles=[role], now=NOW)


def put(name: str, rank: int, start: float, end: float, **more: Any) -> None:
    told = {"rank": rank, "starts_at": NOW + start * HOUR, "ends_at": NOW + end * HOUR, "actor": "administrator"}
    actions.add_shifts("ops", name, now=NOW, **(told | more))


def away(name: str, start: float, end: float, replacement: str = "") -> None:
    told: dict[str, Any] = {"starts_at": NOW + start * HOUR, "ends_at": NOW + end * HOUR}
    actions.add_absence(name, replacement=replacement, actor="administrator", now=NOW, **told)


def standing(hours: float) -> list[tuple[int, str]]:
    return [(one.rank, one.officer.username) for one in roster.on_duty("ops", NOW + hours * HOUR)]


def test_who_stands_in_which_rank() -> None:
    put("nadia", 1, 0, 8)
    put("karim", 2, 0, 8)
    put("karim", 1, 8, 16)
    assert standing(0) == [(1, "nadia"), (2, "karim")]
    assert standing(8) == [(1, "karim")], "a shift ends when the next begins"
    assert standing(16) == []
    assert roster.on_duty("borders", NOW) == []


def test_a_shift_is_repeated_weekly_or_not_at_all() -> None:
    put("nadia", 1, 0, 8, weeks=3)
    assert [standing(7 * 24 * week + 1) for week in range(4)] == [[(1, "nadia")]] * 3 + [[]]
    with pytest.raises(Conflict, match=r"account\.shift_overlaps"), leaves_nothing():
        put("nadia", 2, -7 * 24, -7 * 24 + 8, weeks=2)


def test_whoever_is_away_is_replaced_in_the_same_rank() -> None:
    put("nadia", 1, 0, 8)
    away("nadia", 2, 4, "sara")
    assert standing(1) == [(1, "nadia")]
    (instead,) = roster.on_duty("ops", NOW + 3 * HOUR)
    assert (instead.officer.username, str(instead.instead_of), instead.until) == ("sara", "Nadia", NOW + 4 * HOUR)
    away("sara", 3, 5)
    assert standing(3) == [], "the replacement is away as well"


def test_gaps_are_shown_where_nobody_stands() -> None:
    put("nadia", 1, 0, 8)
    put("karim", 1, 10, 24)
    put("sara", 2, 0, 24)
    away("karim", 20, 24)
    found = roster.gaps("ops", NOW, NOW + 24 * HOUR)
    hours = [(g.rank, (g.starts_at - NOW) / HOUR, (g.ends_at - NOW) / HOUR) for g in found]
    assert hours == [(1, 8, 10), (1, 20, 24)]
    assert len(roster.gaps("borders", NOW, NOW + HOUR)) == 1, "an empty roster is one gap"


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"rank": 4}, "account.shift_rank"),
        ({"ends_at": NOW - HOUR}, "account.shift_times"),
        ({"ends_at": NOW + timedelta(days=15)}, "account.shift_times"),
        ({"weeks": 53}, "account.shift_weeks"),
    ],
)
def test_a_shift_that_cannot_be_is_refused(told: dict[str, Any], code: str) -> None:
    with pytest.raises(Rejected, match=code), leaves_nothing():
        put("nadia", told.pop("rank", 1), 0, 8, **told)


@pytest.mark.parametrize(
    ("name", "code"),
    [("omar", "not_on_call"), ("ali", "not_on_call"), ("nobody", "unknown_officer")],
)
def test_only_officers_of_the_unit_who_answer_calls(name: str, code: str) -> None:
    with pytest.raises(Rejected, match=code), leaves_nothing():
        put(name, 1, 0, 8)


@pytest.mark.parametrize("replacement", ["omar", "nadia"])
def test_a_replacement_is_another_officer_of_the_unit(replacement: str) -> None:
    with pytest.raises(Rejected, match="no_replacement"), leaves_nothing():
        away("nadia", 0, 1, replacement)


def test_a_shift_is_taken_off_once() -> None:
    put("nadia", 1, 0, 8)
    shift = Shift.objects.get()
    actions.remove_shift(shift.pk, actor="administrator", now=NOW)
    assert standing(1) == []
    with pytest.raises(Rejected, match="unknown_shift"), leaves_nothing():
        actions.remove_shift(shift.pk, actor="administrator", now=NOW)


def test_everybody_is_who_answers_calls_in_the_circle() -> None:
    assert {one.username for one in roster.everybody("unit:ops")} == {"nadia", "karim", "sara"}
    assert {one.username for one in roster.everybody("")} == {"nadia", "karim", "sara", "omar"}
