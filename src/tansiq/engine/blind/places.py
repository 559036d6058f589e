"""Places on the globe: a point, a route or an area, read from GeoJSON, and how far other points are from it.

Everything is reckoned with unit vectors on a sphere, so that neither the antimeridian nor a pole is a special case.
The sphere is H3's (radius 6,371.007 km); against the ellipsoid distances are off by half a per cent at most, which
whoever chooses a buffer need not think about. Sides are great circles; an area lies on the smaller side of its ring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tansiq.engine.errors import Rejected

EARTH_M: Final = 6_371_007.180918475
MOST_POINTS: Final = 200
LONGEST_SIDE_M: Final = 1_000_000
"""Longer sides are almost always two coordinates exchanged; and no plan of one window is that long."""
_SHAPES: Final = {"Point": "point", "LineString": "route", "Polygon": "area"}
_TINY: Final = 1e-12

Shape: TypeAlias = Literal["point", "route", "area"]
Vectors: TypeAlias = NDArray[np.float64]
Position: TypeAlias = tuple[float, float]
"""Latitude and longitude in degrees (WGS 84)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Positions and what they bound; the ring of an area is closed without repeating its first position."""

    shape: Shape
    points: tuple[Position, ...]

    def to_geojson(self) -> dict[str, Any]:
        """The GeoJSON geometry (RFC 7946): longitude before latitude, rings closed."""
        written = [[longitude, latitude] for latitude, longitude in self.points]
        if self.shape == "point":
            return {"type": "Point", "coordinates": written[0]}
        if self.shape == "route":
            return {"type": "LineString", "coordinates": written}
        return {"type": "Polygon", "coordinates": [[*written, written[0]]]}

    def sides(self) -> list[Place]:
        """The pieces of a route from each position to the next."""
        return [Place("route", pair) for pair in zip(self.points, self.points[1:], strict=False)]

    def distances_m(self, positions: Sequence[Position]) -> Vectors:
        """For each position how many metres it lies from the place; 0 within an area."""
        seen, own = vectors(positions), vectors(self.points)
        if self.shape == "point":
            return EARTH_M * _angles(seen, own[0])
        starts, ends = (own, np.roll(own, -1, axis=0)) if self.shape == "area" else (own[:-1], own[1:])
        found = np.min([_from_arc(seen, a, b) for a, b in zip(starts, ends, strict=True)], axis=0)
        if self.shape == "area":
            found = np.where(_is_within(seen, own), 0.0, found)
        distances: Vectors = EARTH_M * found
        return distances


def vectors(positions: Sequence[Position]) -> Vectors:
    """Unit vectors of positions, one a row."""
    latitude, longitude = np.radians(np.asarray(positions, dtype=np.float64)).T
    flat = np.cos(latitude)
    return np.column_stack((flat * np.cos(longitude), flat * np.sin(longitude), np.sin(latitude)))


def read_place(value: object, *, at: str = "/geometry") -> Place:
    """The place of a GeoJSON geometry; raises ``Rejected("plan.place_malformed", at=…)`` or ``plan.side_too_long``.

    Point, LineString and Polygon without holes are read; altitudes are dropped.
    """
    kind = value.get("type") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or kind not in _SHAPES:
        raise Rejected("plan.place_malformed", at=f"{at}/type")
    shape, told = _SHAPES[str(kind)], value.get("coordinates")
    at = f"{at}/coordinates"
    if shape == "point":
        return Place("point", (_position(told, at),))
    if shape == "area":
        if not isinstance(told, list) or len(told) != 1:
            raise Rejected("plan.place_malformed", at=at)
        told, at = told[0], f"{at}/0"
    if not isinstance(told, list) or len(told) > MOST_POINTS + 1:
        raise Rejected("plan.place_malformed", at=at)
    points = _without_repetition([_position(one, f"{at}/{n}") for n, one in enumerate(told)])
    if shape == "area" and len(points) > 1 and points[0] == points[-1]:
        points.pop()
    if len(points) < (3 if shape == "area" else 2):
        raise Rejected("plan.place_malformed", at=at)
    place = Place("area" if shape == "area" else "route", tuple(points))
    _require_short_sides(place, at)
    return place


def _position(value: object, at: str) -> Position:
    if not isinstance(value, list) or not 2 <= len(value) <= 3:
        raise Rejected("plan.place_malformed", at=at)
    longitude, latitude = value[:2]
    for number, most in ((longitude, 180), (latitude, 90)):
        if isinstance(number, bool) or not isinstance(number, int | float) or not -most <= number <= most:
            raise Rejected("plan.place_malformed", at=at)
    return float(latitude), float(longitude)


def _without_repetition(points: list[Position]) -> list[Position]:
    return [point for n, point in enumerate(points) if n == 0 or point != points[n - 1]]


def _require_short_sides(place: Place, at: str) -> None:
    own = vectors(place.points)
    after = np.roll(own, -1, axis=0) if place.shape == "area" else own[1:]
    lengths = EARTH_M * _angles(own[: len(after)], after)
    if float(lengths.max()) > LONGEST_SIDE_M:
        raise Rejected("plan.side_too_long", at=f"{at}/{int(lengths.argmax())}", most_km=LONGEST_SIDE_M // 1000)


def _angles(one: Vectors, other: Vectors) -> Vectors:
    """Angles between unit vectors, row by row; exact for small ones."""
    chord = np.linalg.norm(one - other, axis=-1)
    angles: Vectors = 2 * np.arcsin(np.minimum(chord / 2, 1.0))
    return angles


def _from_arc(seen: Vectors, start: Vectors, end: Vectors) -> Vectors:
    """The angle between each of ``seen`` and the nearest point of the arc from ``start`` to ``end``."""
    nearest_end: Vectors = np.minimum(_angles(seen, start), _angles(seen, end))
    normal = np.cross(start, end)
    length = float(np.linalg.norm(normal))
    if length < _TINY:
        return nearest_end
    normal = normal / length
    is_beside = (seen @ np.cross(normal, start) >= 0) & (seen @ np.cross(normal, end) <= 0)
    across = np.arcsin(np.clip(np.abs(seen @ normal), 0.0, 1.0))
    return np.where(is_beside, across, nearest_end)


def _is_within(seen: Vectors, ring: Vectors) -> NDArray[np.bool_]:
    """Whether the ring winds around each of ``seen``; the far side of the globe is never within."""
    turned = np.zeros(len(seen))
    for start, end in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        to_start, to_end = start - seen * (seen @ start)[:, None], end - seen * (seen @ end)[:, None]
        turned += np.arctan2(
            np.einsum("ij,ij->i", seen, np.cross(to_start, to_end)), np.einsum("ij,ij->i", to_start, to_end)
        )
    middle = ring.sum(axis=0)
    inside: NDArray[np.bool_] = (np.abs(turned) > np.pi) & (seen @ middle > 0)
    return inside
