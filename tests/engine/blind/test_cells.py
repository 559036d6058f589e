"""Space–time cells: plans that truly meet share a cell wherever on the globe and whenever they are, and the scheme stays what it is."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import h3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tansiq.engine.blind import cells
from tansiq.engine.blind.cells import COARSE_RESOLUTION, FINE_RESOLUTION, RADIUS_M, Extent, Stretch, cells_of, cover
from tansiq.engine.blind.places import EARTH_M, Place
from tansiq.engine.errors import Rejected
from tests.shared import ROOT
from tools import write_plan_cells

NIGHT = datetime(2026, 11, 22, 20, tzinfo=UTC)
PARIS = Place("point", ((48.8566, 2.3522),))


def extent(place: Place = PARIS, begins: datetime = NIGHT, hours: float = 3, **more: object) -> Extent:
    return Extent((Stretch(place, begins, begins + timedelta(hours=hours)),), **{"buffer_m": 500.0, **more})  # type: ignore[arg-type]


@st.composite
def positions(draw: st.DrawFn) -> tuple[float, float]:
    """Anywhere, the poles and the antimeridian more often than chance would have it."""
    latitude = draw(st.one_of(st.floats(-90, 90), st.sampled_from([90.0, -90.0, 89.9999, 0.0])))
    longitude = draw(st.one_of(st.floats(-180, 180), st.sampled_from([180.0, -180.0, 179.9999, -179.9999])))
    return latitude, longitude


def moved(position: tuple[float, float], bearing: float, metres: float) -> tuple[float, float]:
    """The point so far away in that direction."""
    latitude, longitude = map(math.radians, position)
    angle = metres / EARTH_M
    to = math.asin(math.sin(latitude) * math.cos(angle) + math.cos(latitude) * math.sin(angle) * math.cos(bearing))
    turn = math.atan2(
        math.sin(bearing) * math.sin(angle) * math.cos(latitude), math.cos(angle) - math.sin(latitude) * math.sin(to)
    )
    around = (math.degrees(longitude + turn) + 180) % 360 - 180
    return max(-90.0, min(90.0, math.degrees(to))), around


@st.composite
def places(draw: st.DrawFn, near: tuple[float, float]) -> Place:
    """A point, a route or an area of a few kilometres around a position."""
    shape = draw(st.sampled_from(["point", "route", "area"]))
    if shape == "point":
        return Place("point", (near,))
    turns = sorted(draw(st.lists(st.floats(0, 6.2), min_size=3, max_size=5, unique_by=lambda turn: round(turn, 1))))
    return Place(shape, tuple(moved(near, turn, draw(st.floats(200, 4000))) for turn in turns))


@given(st.data(), positions(), st.floats(0, 2000), st.floats(0, 2000))
@settings(max_examples=120, deadline=None)
def test_two_plans_with_a_point_and_an_instant_in_common_share_a_fine_and_a_coarse_cell(
    data: st.DataObject, meeting: tuple[float, float], one_buffer: float, other_buffer: float
) -> None:
    """Each is within its buffer of the meeting point, and its window holds the instant; nothing else is common to them."""
    found = []
    for buffer in (one_buffer, other_buffer):
        place = data.draw(places(moved(meeting, data.draw(st.floats(0, 6.2)), data.draw(st.floats(0, 3000)))))
        reach = float(place.distances_m([meeting])[0])
        before, after = data.draw(st.integers(0, 300)), data.draw(st.integers(1, 300))
        stretch = Stretch(place, NIGHT - timedelta(minutes=before), NIGHT + timedelta(minutes=after))
        found.append(cells_of(Extent((stretch,), max(buffer, reach))))
    one, other = found
    assert set(one.fine) & set(other.fine)
    assert set(one.coarse) & set(other.coarse)


@given(st.data(), positions(), st.integers(0, 30), st.integers(0, 30))
@settings(max_examples=60, deadline=None)
def test_whoever_shares_a_fine_cell_shares_a_coarse_one_and_finds_it_within_what_hit(
    data: st.DataObject, one_at: tuple[float, float], one_hour: int, other_hour: int
) -> None:
    other_at = moved(one_at, data.draw(st.floats(0, 6.2)), data.draw(st.floats(0, 12_000)))
    one = cells_of(extent(Place("point", (one_at,)), NIGHT + timedelta(hours=one_hour)))
    other = cells_of(extent(Place("point", (other_at,)), NIGHT + timedelta(hours=other_hour)))
    both = set(one.fine) & set(other.fine)
    hit = set(one.coarse) & set(other.coarse)
    assert both <= set(cells.within(one, hit))
    assert bool(hit) or not both


@given(st.data(), positions())
@settings(max_examples=60, deadline=None)
def test_a_district_meets_whatever_lies_in_it_at_its_own_level(data: st.DataObject, at: tuple[float, float]) -> None:
    district = cells_of(extent(Place("point", (at,)), buffer_m=3000.0, is_district=True))
    assert district.fine == ()
    inside = moved(at, data.draw(st.floats(0, 6.2)), data.draw(st.floats(0, 3000)))
    exact = cells_of(extent(Place("point", (inside,)), buffer_m=100.0))
    hit = set(exact.coarse) & set(district.coarse)
    assert hit
    assert set(cells.within(exact, hit)) & set(district.district)


@pytest.mark.parametrize("resolution", [COARSE_RESOLUTION, FINE_RESOLUTION])
def test_no_cell_reaches_beyond_the_published_radius(resolution: int) -> None:
    """Cells are widest in the middle of the icosahedron's faces; there, and everywhere along a grid, they stay within it."""
    for latitude in range(-88, 90, 8):
        for longitude in range(-180, 180, 12):
            cell = h3.latlng_to_cell(latitude, longitude, resolution)
            centre = Place("point", (h3.cell_to_latlng(cell),))
            assert centre.distances_m(h3.cell_to_boundary(cell)).max() < RADIUS_M[resolution] * 0.98


def test_a_cover_is_neither_holed_nor_needlessly_wide() -> None:
    route = Place("route", ((48.8566, 2.3522), (48.80, 2.13)))
    taken = cover(route, 500, FINE_RESOLUTION, most=4096)
    centres = [h3.cell_to_latlng(cell) for cell in taken]
    assert route.distances_m(centres).max() <= 500 + RADIUS_M[FINE_RESOLUTION]
    for share in range(101):
        point = (48.8566 + (48.80 - 48.8566) * share / 100, 2.3522 + (2.13 - 2.3522) * share / 100)
        assert h3.latlng_to_cell(*point, FINE_RESOLUTION) in taken


# -- time -----------------------------------------------------------------------------------------------------------------


def test_an_hour_that_is_told_twice_is_two_hours() -> None:
    """In Rome 02:30 comes twice on 25 October 2026; the plans of the first and the second are an hour apart."""
    rome = ZoneInfo("Europe/Rome")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=rome).astimezone(UTC)
    second = datetime(2026, 10, 25, 2, 30, tzinfo=rome, fold=1).astimezone(UTC)
    assert second - first == timedelta(hours=1)
    one, two = (cells_of(extent(begins=at, hours=0.25)) for at in (first, second))
    assert not set(one.fine) & set(two.fine)
    assert set(one.fine) == set(cells_of(extent(begins=datetime(2026, 10, 25, 0, 30, tzinfo=UTC), hours=0.25)).fine)


def test_a_plan_over_midnight_meets_one_before_and_one_after() -> None:
    over = set(cells_of(extent(begins=NIGHT + timedelta(hours=3, minutes=30), hours=1)).fine)
    for begins in (NIGHT + timedelta(hours=3, minutes=40), NIGHT + timedelta(hours=4, minutes=10)):
        assert over & set(cells_of(extent(begins=begins, hours=0.1)).fine)


def test_local_time_is_nothing_but_another_way_of_writing_the_instant() -> None:
    there = timezone(timedelta(hours=5, minutes=45))
    assert cells_of(extent(begins=NIGHT.astimezone(there))) == cells_of(extent())


@pytest.mark.parametrize("skew", [-5, 5])
def test_clocks_that_differ_by_minutes_do_not_hide_a_meeting_at_the_edge_of_a_slot(skew: int) -> None:
    mine = cells_of(extent(hours=1))
    theirs = cells_of(extent(begins=NIGHT + timedelta(hours=1, minutes=skew), hours=1))
    assert set(mine.fine) & set(theirs.fine)


def test_the_window_of_a_hit_is_told_in_whole_slots() -> None:
    found = cells_of(extent(hours=1))
    assert cells.window_of(found.fine) == (NIGHT - timedelta(hours=1), NIGHT + timedelta(hours=2))
    assert cells.window_of(found.coarse) == (NIGHT - timedelta(hours=4), NIGHT + timedelta(hours=4))


# -- place ----------------------------------------------------------------------------------------------------------------


def test_the_antimeridian_is_no_border() -> None:
    one = cells_of(extent(Place("point", ((-16.5, 179.999),))))
    other = cells_of(extent(Place("point", ((-16.5, -179.999),))))
    assert set(one.fine) & set(other.fine)
    across = Place("area", ((-16.55, 179.95), (-16.55, -179.95), (-16.45, -179.95), (-16.45, 179.95)))
    assert set(cells_of(extent(across)).fine) & set(one.fine)


def test_a_moving_surveillance_meets_only_where_it_is_at_the_time() -> None:
    route = Place("route", ((48.85, 2.35), (48.85, 2.75), (48.85, 3.15)))
    legs = tuple(
        Stretch(side, NIGHT + timedelta(hours=n), NIGHT + timedelta(hours=n + 1))
        for n, side in enumerate(route.sides())
    )
    moving = cells_of(Extent(legs, 300.0))
    resting = cells_of(Extent((Stretch(route, NIGHT, NIGHT + timedelta(hours=2)),), 300.0))
    start, late = Place("point", ((48.85, 2.36),)), NIGHT + timedelta(hours=3)
    assert set(moving.fine) & set(cells_of(extent(start, hours=0.5, buffer_m=100.0)).fine)
    assert not set(moving.fine) & set(cells_of(extent(start, begins=late, hours=0.5, buffer_m=100.0)).fine)
    assert len(moving.fine) < len(resting.fine)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (lambda: extent(buffer_m=60_000.0), "plan.buffer_too_wide"),
        (lambda: extent(buffer_m=40_000.0), "plan.too_large"),
        (lambda: extent(hours=7 * 24 + 1), "plan.window_too_long"),
        (lambda: extent(hours=0), "plan.window_malformed"),
        (lambda: extent(begins=datetime(2026, 11, 22, 20)), "plan.window_malformed"),  # noqa: DTZ001 - what is refused
        (lambda: extent(Place("route", ((48.8, 2.3), (45.4, 9.2)))), "plan.too_large"),
    ],
)
def test_what_is_more_than_one_plan_is_refused_by_name(made: object, code: str) -> None:
    with pytest.raises(Rejected) as caught:
        cells_of(made())  # type: ignore[operator]
    assert caught.value.code == code


# -- what is published ----------------------------------------------------------------------------------------------------


def test_the_vectors_and_the_table_of_budgets_say_what_the_scheme_does() -> None:
    docs = ROOT / "docs" / "protocol"
    assert json.loads((docs / "deconfliction-vectors.json").read_text("utf-8")) == write_plan_cells.vectors()
    assert write_plan_cells.budgets() in (docs / "deconfliction.md").read_text("utf-8")


def test_a_coarse_element_costs_what_it_could_scan() -> None:
    assert cells.cost_of("coarse", 16) == 16 * 196
    assert cells.cost_of("fine", 128) == cells.cost_of("subject", 128) == 128
    assert cells.city_hours(200_000) == pytest.approx(1474.7, abs=0.1)
    assert (
        pytest.approx(h3.average_hexagon_area(COARSE_RESOLUTION, "km^2") * 4, rel=0.001)
        == cells.COARSE_COST * cells.FINE_KM2
    )
