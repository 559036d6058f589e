"""A place as people write it, as the map draws it, and in words."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.blind.places import MOST_POINTS, Place
from tansiq.node.web.forms.coordinates import Unreadable, read_points, written
from tansiq.node.web.forms.place import Drawn, PlaceForm
from tansiq.node.web.pages.place import area_m2, home_state, length_m, place_shown, place_told
from tests.node.web.test_pages import signed_in, text_of
from tests.node.world import World, leaves_nothing

TANGIER = (35.7595, -5.834)
LATITUDES = st.integers(-90_000_000, 90_000_000).map(lambda n: n / 1e6)
LONGITUDES = st.integers(-180_000_000, 180_000_000).map(lambda n: n / 1e6)


@pytest.mark.parametrize(
    "text",
    [
        "35.7595, -5.8340",
        "35.7595 -5.8340",
        "35.7595,-5.8340",
        "35.7595; -5.8340",
        "35,7595 -5,8340",
        "35,7595; -5,8340",
        "٣٥.٧٥٩٥، -٥.٨٣٤٠",
        "۳۵٫۷۵۹۵، -۵٫۸۳۴۰",
        "35.7595° N, 5.8340° W",
        "5.8340 W 35.7595 N",
        "N 35.7595 W 5.8340",
        "35°45'34.2\"N 5°50'2.4\"W",
        "35°45′34.2″ N, 5°50′2.4″ O",
        "35° 45.57' N; 5° 50.04' W",
        "35°45′34.2″ شمالاً 5°50′2.4″ غرباً",
        "\u200e35.7595, −5.8340\u200e",
        '{"type":"Point","coordinates":[-5.834,35.7595]}',
        '{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[-5.834,35.7595,12]}}',
    ],
)
def test_a_point_is_read_however_it_is_written(text: str) -> None:
    assert read_points(text)[1] == (TANGIER,)


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ("35.7595", "line", 1),
        ("Tanger", "line", 1),
        ("35.7, -5.8\n\n35.7 x -5.8", "line", 3),
        ("95, 2", "range", 1),
        ("35, 181", "range", 1),
        ("35 N 36 S", "line", 1),
        ("35 N 5", "line", 1),
        ("-35 N 5 W", "line", 1),
        ("35°61'N 5°W", "line", 1),
        ("1e1, 2", "line", 1),
        ("NaN, 2", "line", 1),
        ("1,2,3", "line", 1),
        ('{"type":"Point","coordinates":[1]}', "geojson", 0),
        ('{"type":"Point","coordinates":["1",2]}', "geojson", 0),
        ('{"type":"Point","coordinates":[true,2]}', "geojson", 0),
        ('{"type":"Point","coordinates":[2,95]}', "range", 0),
        ('{"type":"MultiPoint","coordinates":[[1,2]]}', "geojson", 0),
        ('{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}', "geojson", 0),
        ('{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]],[[0,0],[1,0],[1,1],[0,0]]]}', "geojson", 0),
        ('{"type":"Point","type":"Point","coordinates":[1,2]}', "geojson", 0),
        ('{"type":{},"coordinates":[1,2]}', "geojson", 0),
        ("{", "geojson", 0),
        ("[" * 50, "line", 1),
        ("x" * 20_001, "length", 0),
        ("1, 2\n1, 3\n" * 101, "many", MOST_POINTS + 1),
    ],
)
def test_what_is_no_place_is_refused_with_its_line(text: str, rule: str, line: int) -> None:
    with pytest.raises(Unreadable) as refused:
        read_points(text)
    assert (refused.value.rule, refused.value.line) == (rule, line)


@given(st.lists(st.tuples(LATITUDES, LONGITUDES), min_size=1, max_size=20))
def test_what_is_written_is_read_back(points: list[tuple[float, float]]) -> None:
    kept = [point for index, point in enumerate(points) if not index or point != points[index - 1]]
    assert read_points(written(tuple(points))) == ("", tuple(kept))


@given(st.text(max_size=80))
def test_nothing_but_unreadable_is_ever_raised(text: str) -> None:
    with contextlib.suppress(Unreadable):
        read_points(text)


def test_geojson_of_an_area_is_read_as_its_corners() -> None:
    corners = ((35.0, -5.0), (35.0, -4.0), (36.0, -4.0))
    assert read_points(json.dumps(Place("area", corners).to_geojson())) == ("area", corners)


def told(**given: Any) -> PlaceForm:
    return PlaceForm({"shape": "point", "points": "35.7595, -5.834", "buffer_m": "", **given})


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"points": ""}, "Enter at least one point"),
        ({"points": "1, 2\n3, 4"}, "A point is one line"),
        ({"shape": "route"}, "A route needs two points"),
        ({"shape": "area", "points": "1, 2\n3, 4"}, "An area needs three points"),
        ({"shape": "area", "points": "0, 0\n1, 1\n0, 1\n1, 0"}, "crosses itself"),
        ({"points": "95, 0"}, "Latitude comes first"),
        ({"shape": "route", "points": "35, 5\n5, 35"}, "1000 km apart (line 1)"),
    ],
)
def test_a_shape_that_is_not_whole_is_told(given_: dict[str, str], said: str) -> None:
    with translation.override("en"):
        form = told(**given_)
        assert said in str(form.errors["points"])


def test_geojson_names_its_own_shape() -> None:
    form = told(points='{"type":"LineString","coordinates":[[1,2],[3,4]]}')
    assert form.is_valid()
    assert form.drawn == Drawn(Place("route", ((2.0, 1.0), (4.0, 3.0))))


def test_an_area_over_the_antimeridian_is_small_and_does_not_cross_itself() -> None:
    corners = ((10.0, 179.9), (10.0, -179.9), (10.2, -179.9), (10.2, 179.9))
    assert 400e6 < area_m2(corners) < 520e6
    assert told(shape="area", points=written(corners)).is_valid()
    assert 21_000 < length_m(corners[:2]) < 22_500


def test_words_say_shape_count_length_area_and_buffer() -> None:
    corners = ((35.0, -5.0), (35.0, -4.99), (35.01, -4.99), (35.01, -5.0))
    with translation.override("en"):
        assert place_shown(Drawn(Place("area", corners), 2500))["lines"] == [
            "An area of 4 corners, 1.01 km², 4.0 km around.",
            "With 2.5 km around it.",
        ]
        assert place_shown(Drawn(Place("route", corners[:2]), 200))["lines"] == [
            "A route of 2 points, 911 m long.",
            "With 200 m around it.",
        ]
        assert place_shown(Drawn(Place("point", corners[:1])))["lines"] == [
            "A point: \u206635.000000, -5.000000\u2069."
        ]


def test_what_can_be_read_is_drawn_before_it_is_whole() -> None:
    with translation.override("en"):
        half = place_told(told(shape="area", points="1, 2\n3, 4"))
        assert json.loads(half["map"])["points"] == [[1.0, 2.0], [3.0, 4.0]]
        assert half["errors"]
        assert "map" not in place_told(told(points="here"))
        assert json.loads(place_told(told(points=""))["map"])["points"] == []


def test_the_map_is_told_in_words_and_keeps_nothing(world: World) -> None:
    client = signed_in(world, "liaison")
    with leaves_nothing(but=("sessions.Session",)):
        answer = client.post("/plans/place/", {"shape": "route", "points": "35.7, -5.8\n35.8, -5.8", "buffer_m": "100"})
    assert answer.status_code == 200
    assert "A route of 2 points, 11.1 km long. With 100 m around it." in text_of(answer)
    assert "<b>" not in client.post("/plans/place/", {"shape": "point", "points": "<b>35.7"}).content.decode()


def test_the_map_begins_at_the_state_of_the_node() -> None:
    assert home_state().isdigit()
    assert len(home_state()) == 3
