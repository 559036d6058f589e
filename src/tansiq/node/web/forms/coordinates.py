"""Points of the earth as people write them: a line each, decimal degrees or degrees, minutes and seconds, or GeoJSON pasted whole.

    48.8566, 2.3522        48,8566 2,3522        48°51'24"N 2°21'08"E        35°46′ شمالاً 5°48′ غرباً

Latitude comes first, as on every chart; GeoJSON puts longitude first (RFC 7946 §3.1.1), and is read so. Digits of any script count.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from tansiq.engine.blind.places import MOST_POINTS, Position, Shape
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.strict_json import Limits, loads

PLACES = 6
"""Decimals that are kept: about a tenth of a metre."""
MAX_TEXT = 20_000
LIMITS = Limits(max_bytes=4 * MAX_TEXT, max_depth=6, allow_floats=True)
SHAPES: dict[str, Shape] = {"Point": "point", "LineString": "route", "Polygon": "area"}

_SIGNS = str.maketrans(
    {"º": "°", "˚": "°", "′": "'", "’": "'", "‘": "'", "´": "'", "″": '"', "”": '"', "“": '"', "−": "-", "–": "-"}
    | {"،": ",", "؛": ";", "٫": ".", "٬": "", "\u00a0": " ", "\u202f": " "}
)
_SIDES = (
    (re.compile(r"شمال\w*|(?<!\w)ش(?!\w)"), "N"),
    (re.compile(r"جنوب\w*|(?<!\w)ج(?!\w)"), "S"),
    (re.compile(r"شرق\w*|(?<!\w)ق(?!\w)"), "E"),
    (re.compile(r"غرب\w*|(?<!\w)غ(?!\w)"), "W"),
    (re.compile(r"(?<![A-Za-z])[Oo](?![A-Za-z])"), "W"),
)
_NUMBER = r"[-+]?\d{1,3}(?:\.\d{1,12})?"
_COMMA_NUMBER = r"[-+]?\d{1,3}(?:[.,]\d{1,12})?"
_PLAIN = re.compile(rf"({_NUMBER})\s*[,;]?\s+({_NUMBER})|({_NUMBER})\s*[,;]\s*({_NUMBER})")
_WITH_COMMAS = re.compile(rf"({_COMMA_NUMBER})(?:\s*;\s*|,?\s+)({_COMMA_NUMBER})")
_ANGLE = (
    r"(?P<before{0}>[NSEW])?\s*(?P<degrees{0}>[-+]?\d{{1,3}}(?:[.,]\d{{1,12}})?)\s*°?"
    r"(?:\s*(?P<minutes{0}>\d{{1,2}}(?:[.,]\d{{1,10}})?)\s*')?(?:\s*(?P<seconds{0}>\d{{1,2}}(?:[.,]\d{{1,8}})?)\s*(?:\"|''))?"
    r"\s*(?(before{0})|(?P<after{0}>[NSEW])?)"
)
_ANGLES = re.compile(_ANGLE.format(1) + r"\s*[,;]?\s*" + _ANGLE.format(2))


@dataclass(frozen=True, slots=True)
class Unreadable(ValueError):
    """What was written is no place: ``rule`` says why, ``line`` where (counted from one; 0 for the whole)."""

    rule: str
    line: int = 0


def read_points(text: str) -> tuple[str, tuple[Position, ...]]:
    """The shape that GeoJSON names (empty for lines) and the points in order; raises Unreadable.

    Rules: ``length`` (text too long), ``line`` (not a latitude and a longitude), ``range``, ``many``, ``geojson``.
    """
    if len(text) > MAX_TEXT:
        raise Unreadable("length")
    if text.lstrip().startswith("{"):
        return _geojson(text)
    points: list[Position] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            points.append(_within(_line(line, number), number))
        if len(points) > MOST_POINTS:
            raise Unreadable("many", number)
    return "", _without_repetition(points)


def written(points: tuple[Position, ...]) -> str:
    """The points as lines of text, in decimal degrees: what :func:`read_points` reads back."""
    return "\n".join(f"{lat:.{PLACES}f}, {lon:.{PLACES}f}" for lat, lon in points)


def _line(line: str, number: int) -> Position:
    folded = _folded(line)
    found = _PLAIN.fullmatch(folded)
    if found:
        one, other = (text for text in found.groups() if text is not None)
        return float(one), float(other)
    found = _WITH_COMMAS.fullmatch(folded)
    if found:
        one, other = (text.replace(",", ".") for text in found.groups())
        return float(one), float(other)
    found = _ANGLES.fullmatch(folded)
    if not found or not ({"'", "°"} & set(folded) or re.search("[NSEW]", folded)):
        raise Unreadable("line", number)
    (first, side), (second, other_side) = (_angle(found, which, number) for which in "12")
    if side in {"E", "W"}:
        first, side, second, other_side = second, other_side, first, side
    if (side or other_side) and not (side in {"N", "S"} and other_side in {"E", "W"}):
        raise Unreadable("line", number)
    return first, second


def _folded(line: str) -> str:
    kept = (one for one in line if unicodedata.category(one) != "Cf")
    plain = "".join(str(unicodedata.digit(one)) if one.isdecimal() else one for one in kept)
    plain = re.sub("[\u064b-\u0652]", "", plain.translate(_SIGNS))  # vowel signs within a word of direction
    for pattern, side in _SIDES:
        plain = pattern.sub(side, plain)
    return re.sub(r"(?<![A-Za-z])[nsew](?![A-Za-z])", lambda one: one.group().upper(), plain).strip()


def _angle(found: re.Match[str], which: str, number: int) -> tuple[float, str]:
    side, after = found[f"before{which}"] or "", found[f"after{which}"] or ""
    parts = [float((found[f"{name}{which}"] or "0").replace(",", ".")) for name in ("degrees", "minutes", "seconds")]
    is_negative = found[f"degrees{which}"].startswith("-")
    side = side or after
    if parts[1] >= 60 or parts[2] >= 60 or (side and is_negative):
        raise Unreadable("line", number)
    size = abs(parts[0]) + parts[1] / 60 + parts[2] / 3600
    return (-size if is_negative or side in {"S", "W"} else size), side


def _within(point: Position, number: int) -> Position:
    lat, lon = point
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise Unreadable("range", number)
    return round(lat, PLACES), round(lon, PLACES)


def _without_repetition(points: list[Position]) -> tuple[Position, ...]:
    return tuple(point for index, point in enumerate(points) if not index or point != points[index - 1])


def _geojson(text: str) -> tuple[str, tuple[Position, ...]]:
    try:
        value: Any = loads(text.strip().encode(errors="replace"), limits=LIMITS)
    except Rejected as error:
        raise Unreadable("geojson") from error
    if isinstance(value, dict) and value.get("type") == "Feature":
        value = value.get("geometry")
    shape = SHAPES.get(str(value.get("type"))) if isinstance(value, dict) else None
    held = value.get("coordinates") if shape else None
    if shape == "point":
        held = [held]
    if shape == "area" and isinstance(held, list) and len(held) == 1 and isinstance(held[0], list):
        held = held[0]
        if len(held) < 4 or held[0] != held[-1]:
            raise Unreadable("geojson")
        held = held[:-1]
    if not shape or not isinstance(held, list):
        raise Unreadable("geojson")
    if len(held) > MOST_POINTS:
        raise Unreadable("many")
    return shape, _without_repetition([_position(one) for one in held])


def _position(value: Any) -> Position:
    if not (isinstance(value, list) and len(value) in (2, 3) and all(type(one) in (int, float) for one in value)):
        raise Unreadable("geojson")
    return _within((float(value[1]), float(value[0])), 0)
