"""A place in words, for whoever does not see the map, and what the map needs to draw it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from icu import Region

from tansiq.engine.blind.places import EARTH_M, Place, Position
from tansiq.node.web.forms.coordinates import Unreadable, read_points, written
from tansiq.node.web.forms.place import Drawn, PlaceForm, unwrapped


def home_state() -> str:
    """The state of this node as the outlines of the map number it (ISO 3166-1, three digits)."""
    return f"{Region.getInstance(settings.NODE.state).getNumericCode():03d}"


def place_shown(drawn: Drawn) -> dict[str, Any]:
    """A place for a template: ``map`` (JSON for the script), ``lines`` (sentences) and its points as text."""
    return {
        "map": json.dumps({"shape": drawn.place.shape, "points": drawn.place.points, "buffer": drawn.buffer_m}),
        "lines": [_what(drawn), *_around(drawn)],
        "points": written(drawn.place.points).splitlines(),
    }


def place_told(form: PlaceForm) -> dict[str, Any]:
    """What a form's place comes to so far: as :func:`place_shown`, or with what is wrong with it in ``errors``.

    Points that can be read are drawn even where the shape is not whole yet.
    """
    form.is_valid()
    errors = [str(error) for name in ("shape", "points", "buffer_m") for error in form.errors.get(name, [])]
    if not errors:
        return place_shown(form.drawn)
    try:
        shape, points = read_points(form.data.get(form.add_prefix("points"), ""))
    except Unreadable:
        return {"errors": errors}
    shape = shape or form.cleaned_data.get("shape") or "point"
    drawn = Drawn(Place(shape, points), form.cleaned_data.get("buffer_m") or 0)
    return {**place_shown(drawn), "errors": errors, "lines": []} if points else _nothing(shape)


def _nothing(shape: str) -> dict[str, Any]:
    told = json.dumps({"shape": shape, "points": [], "buffer": 0})
    return {"map": told, "lines": [_("Nothing is drawn yet.")], "points": []}


def _what(drawn: Drawn) -> str:
    count = len(drawn.place.points)
    if not count:
        return _("Nothing is drawn yet.")
    if drawn.place.shape == "point":
        return _("A point: %(point)s.") % {"point": f"\u2066{written(drawn.place.points)}\u2069"}
    if drawn.place.shape == "route":
        told = ngettext(
            "A route of %(count)d point, %(length)s long.", "A route of %(count)d points, %(length)s long.", count
        )
        return told % {"count": count, "length": length_word(length_m(drawn.place.points))}
    told = ngettext(
        "An area of %(count)d corner, %(area)s, %(length)s around.",
        "An area of %(count)d corners, %(area)s, %(length)s around.",
        count,
    )
    around = length_m((*drawn.place.points, drawn.place.points[0]))
    return told % {"count": count, "area": area_word(area_m2(drawn.place.points)), "length": length_word(around)}


def _around(drawn: Drawn) -> list[str]:
    if not drawn.buffer_m or not drawn.place.points:
        return []
    return [_("With %(length)s around it.") % {"length": length_word(drawn.buffer_m)}]


def length_word(metres: float) -> str:
    """A length in metres, from two kilometres in kilometres."""
    if metres < 2000:
        return _("%(count)s m") % {"count": formats.number_format(round(metres))}
    return _("%(count)s km") % {"count": formats.number_format(metres / 1000, 1 if metres < 100_000 else 0)}


def area_word(square_metres: float) -> str:
    """An area in square metres, from a tenth of a square kilometre in square kilometres."""
    if square_metres < 100_000:
        return _("%(count)s m²") % {"count": formats.number_format(round(square_metres))}
    size = square_metres / 1e6
    return _("%(count)s km²") % {"count": formats.number_format(size, 2 if size < 100 else 0)}


def length_m(points: Iterable[Position]) -> float:
    """The length of a line over these points, on great circles (haversine)."""
    walked = list(points)
    return sum(map(_distance_m, walked, walked[1:]))


def _distance_m(one: Position, other: Position) -> float:
    (lat, lon), (to_lat, to_lon) = ([math.radians(value) for value in point] for point in (one, other))
    half = math.sin((to_lat - lat) / 2) ** 2 + math.cos(lat) * math.cos(to_lat) * math.sin((to_lon - lon) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(min(1.0, half)))


def area_m2(points: tuple[Position, ...]) -> float:
    """The area within these corners on the sphere (Chamberlain and Duquette, JPL 07-03, eq. 6)."""
    flat = [(math.radians(lat), math.radians(lon)) for lat, lon in unwrapped(points)]
    twice = sum(
        (other[1] - one[1]) * (2 + math.sin(one[0]) + math.sin(other[0]))
        for one, other in zip(flat, [*flat[1:], flat[0]], strict=True)
    )
    return abs(twice) * EARTH_M**2 / 2
