"""Places from GeoJSON: what is read, what is refused and where, and distances that hold at the antimeridian and the poles."""

from __future__ import annotations

from typing import Any

import h3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tansiq.engine.blind.places import Place, read_place
from tansiq.engine.errors import Rejected

POINT = {"type": "Point", "coordinates": [2.35, 48.85]}
ROUTE = {"type": "LineString", "coordinates": [[2.35, 48.85], [2.36, 48.86], [2.36, 48.86]]}
AREA = {"type": "Polygon", "coordinates": [[[2.3, 48.8], [2.4, 48.8], [2.4, 48.9], [2.3, 48.8]]]}


def test_what_is_read_is_written_again() -> None:
    assert read_place(POINT).to_geojson() == POINT
    assert read_place(AREA).to_geojson() == AREA
    assert read_place(ROUTE) == Place("route", ((48.85, 2.35), (48.86, 2.36)))
    assert read_place({"type": "Point", "coordinates": [2.35, 48.85, 120.0]}) == read_place(POINT)


@pytest.mark.parametrize(
    ("value", "at"),
    [
        (None, "/geometry/type"),
        ({"type": "MultiPoint", "coordinates": []}, "/geometry/type"),
        ({"type": "Point", "coordinates": [200, 0]}, "/geometry/coordinates"),
        ({"type": "Point", "coordinates": [0, 91]}, "/geometry/coordinates"),
        ({"type": "Point", "coordinates": [True, 0]}, "/geometry/coordinates"),
        ({"type": "Point", "coordinates": [float("nan"), 0]}, "/geometry/coordinates"),
        ({"type": "Point", "coordinates": "2,48"}, "/geometry/coordinates"),
        ({"type": "LineString", "coordinates": [[2, 48]]}, "/geometry/coordinates"),
        ({"type": "LineString", "coordinates": [[2, 48], [2, 48]]}, "/geometry/coordinates"),
        ({"type": "LineString", "coordinates": [[2, 48], ["3", 48]]}, "/geometry/coordinates/1"),
        ({"type": "LineString", "coordinates": [[2, 48 + n / 100] for n in range(202)]}, "/geometry/coordinates"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]}, "/geometry/coordinates/0"),
        ({"type": "Polygon", "coordinates": [AREA["coordinates"][0], AREA["coordinates"][0]]}, "/geometry/coordinates"),
    ],
)
def test_anything_else_is_refused_at_its_place(value: Any, at: str) -> None:
    with pytest.raises(Rejected, match="place_malformed") as caught:
        read_place(value)
    assert caught.value.facts["at"] == at


def test_two_coordinates_exchanged_are_found_by_their_distance() -> None:
    with pytest.raises(Rejected, match="side_too_long") as caught:
        read_place({"type": "LineString", "coordinates": [[2.35, 48.85], [48.86, 2.36]]})
    assert caught.value.facts["at"] == "/geometry/coordinates/0"


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180))
@settings(max_examples=200, deadline=None)
def test_the_distance_between_two_points_is_the_great_circle(a: float, b: float, c: float, d: float) -> None:
    ours = float(Place("point", ((a, b),)).distances_m([(c, d)])[0])
    assert ours == pytest.approx(h3.great_circle_distance((a, b), (c, d), "m"), abs=1.0)


@given(st.floats(0, 1), st.floats(-60, 60), st.floats(-180, 180), st.floats(0.01, 1), st.floats(0.01, 1))
@settings(max_examples=200, deadline=None)
def test_a_route_is_nowhere_farther_than_its_ends_and_passes_through_its_middle(
    share: float, latitude: float, longitude: float, north: float, east: float
) -> None:
    del share
    end = (latitude + north, (longitude + east + 180) % 360 - 180)
    route = Place("route", ((latitude, longitude), end))
    middle = h3.great_circle_distance((latitude, longitude), end, "m") / 2
    near = (latitude + north / 2, (longitude + east / 2 + 180) % 360 - 180)
    assert float(route.distances_m([near])[0]) < middle
    assert float(route.distances_m([end])[0]) == pytest.approx(0, abs=1e-3)


def test_inside_is_inside_whichever_way_round_the_ring_goes() -> None:
    ring = ((48.8, 2.3), (48.8, 2.4), (48.9, 2.4), (48.9, 2.3))
    for points in (ring, ring[::-1]):
        inside, outside, antipode = Place("area", points).distances_m([(48.85, 2.35), (48.95, 2.35), (-48.85, -177.65)])
        assert inside == 0
        assert outside == pytest.approx(5560, rel=0.01)
        assert antipode > 19_000_000


def test_an_area_around_a_pole_holds_the_pole() -> None:
    cap = Place("area", tuple((89.0, longitude) for longitude in (-180.0, -90.0, 0.0, 90.0)))
    assert list(cap.distances_m([(90.0, 12.0), (89.9, 45.0)])) == [0, 0]
