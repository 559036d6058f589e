"""The place of a plan in a form: what shape, which points, how far around. A map may write the points; the text is what counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tansiq.engine.blind.cells import LARGEST_BUFFER_M
from tansiq.engine.blind.places import MOST_POINTS, Place, Position, Shape, read_place
from tansiq.engine.errors import Rejected
from tansiq.node.web.forms.coordinates import Unreadable, read_points
from tansiq.node.web.forms.fields import LEFT_TO_RIGHT, Form
from tansiq.node.web.languages import language_now
from tansiq.node.wording import sentence

LEAST: dict[Shape, int] = {"point": 1, "route": 2, "area": 3}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A place and how many metres around it count."""

    place: Place
    buffer_m: int = 0


class PlaceForm(Form):
    """Shape, points and buffer; ``drawn`` is what they come to once the form is valid."""

    shape = forms.ChoiceField(widget=forms.RadioSelect, initial="point")
    points = forms.CharField(
        required=False, strip=True, widget=forms.Textarea(attrs={"rows": 4, "class": "code", **LEFT_TO_RIGHT})
    )
    buffer_m = forms.IntegerField(min_value=0, max_value=LARGEST_BUFFER_M, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["shape"].label = _("Shape")
        self.fields["shape"].choices = shape_choices()  # type: ignore[attr-defined]
        self.fields["points"].label = _("Coordinates")
        self.fields["points"].is_needed = True  # type: ignore[attr-defined]
        self.fields["points"].help_text = _(
            "One point a line, latitude first: 35.7595, -5.8340 or 35°45'34\"N 5°50'02\"W. GeoJSON may be pasted too."
        )
        self.fields["buffer_m"].label = _("Buffer in metres")
        self.fields["buffer_m"].help_text = _("How far around it the operation may reach.")

    def clean_points(self) -> tuple[Position, ...]:
        """The points in order; what cannot be read is told with its line."""
        try:
            shape, points = read_points(self.cleaned_data["points"])
        except Unreadable as error:
            raise forms.ValidationError(what_is_wrong(error)) from error
        shape = shape or self.cleaned_data.get("shape", "")
        if shape in LEAST:
            self.cleaned_data["shape"] = shape
            wrong = _misshapen(shape, points)
            if wrong:
                raise forms.ValidationError(wrong)
        return points

    @property
    def drawn(self) -> Drawn:
        """What was drawn; only of a valid form."""
        told = self.cleaned_data
        return Drawn(Place(told["shape"], told["points"]), told.get("buffer_m") or 0)


def shape_choices() -> list[tuple[str, str]]:
    """The shapes a place may have."""
    return [
        ("point", pgettext("place", "Point")),
        ("route", pgettext("place", "Route")),
        ("area", pgettext("place", "Area")),
    ]


def what_is_wrong(error: Unreadable) -> str:
    """Why what was written is no place, and what to write instead."""
    told = {
        "length": _("This is too long to be a place."),
        "many": _("A place has %(most)d points at most: leave some out."),
        "geojson": _("This GeoJSON is no point, line or area of one ring, closed, with longitude before latitude."),
        "range": _("Line %(line)d: latitude goes from -90 to 90, longitude from -180 to 180. Latitude comes first."),
        "line": _("Line %(line)d is no latitude and longitude. Write, for example, 35.7595, -5.8340."),
    }[error.rule]
    if error.rule == "range" and not error.line:
        told = _("Latitude goes from -90 to 90, longitude from -180 to 180. In GeoJSON longitude comes first.")
    return told % {"line": error.line, "most": MOST_POINTS}


def _misshapen(shape: Shape, points: tuple[Position, ...]) -> str:
    if not points:
        return _("Enter at least one point, or draw it on the map.")
    if shape == "point" and len(points) > 1:
        return _("A point is one line. For several points choose route or area.")
    if len(points) < LEAST[shape]:
        return {"route": _("A route needs two points at least."), "area": _("An area needs three points at least.")}[
            shape
        ]
    if shape == "area" and _crosses_itself(points):
        return _("The outline of the area crosses itself. Enter its corners in order, around it.")
    try:
        read_place(Place(shape, points).to_geojson())
    except Rejected as error:
        line = int(str(error.facts.get("at", "")).rpartition("/")[2]) + 1
        return sentence(error.code, {**error.facts, "at": _("line %(line)d") % {"line": line}}, language_now())
    return ""


def _crosses_itself(points: tuple[Position, ...]) -> bool:
    """Whether two sides that do not meet in a corner cross (on a chart of even degrees, over the antimeridian too)."""
    flat = unwrapped(points)
    sides = list(zip(flat, [*flat[1:], flat[0]], strict=True))
    count = len(sides)
    return any(
        _cross(*sides[one], *sides[other])
        for one in range(count)
        for other in range(one + 2, count)
        if (one, other) != (0, count - 1)
    )


def unwrapped(points: tuple[Position, ...]) -> list[Position]:
    """The same points with longitudes that go on beyond 180 where the shortest way crosses the antimeridian."""
    walked: list[Position] = []
    for lat, lon in points:
        before = walked[-1][1] if walked else lon
        walked.append((lat, lon + 360 * round((before - lon) / 360)))
    return walked


def _cross(a: Position, b: Position, c: Position, d: Position) -> bool:
    def side(p: Position, q: Position, r: Position) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
