"""Space–time cells: scheme ``tsc1`` (docs/protocol/deconfliction.md), under which two plans meet without being told.

The globe is divided into H3 cells, time into slots counted from 1970-01-01T00:00Z. A plan is every pair of a cell and
a slot that it touches: its place and everything within its buffer, its window and everything within its margins::

    coarse     tsc1|coarse|CELL|SLOT      H3 resolution 6 (36 km²), slots of 4 h
    fine       tsc1|fine|CELL|SLOT        H3 resolution 8 (0.74 km²), slots of 1 h
    district   tsc1|district|CELL|SLOT    as coarse, of plans whose place is known as a district only

CELL is the index in 15 hexadecimal digits, SLOT a decimal number. **Two plans whose buffered places and widened windows
have a point in common share a fine key, and whoever shares a fine key shares a coarse one** (laws of
``tests/engine/blind/test_cells.py``): a cell is taken if its centre is no farther from the place than the buffer and
the radius of the widest cell, so that no point of the buffer is missed, and the coarse cells are those of the place
and the parents of the fine ones (an H3 cell juts out of its parent). Cells at the border are taken too many, never too
few: a hit means *near*.

Slots are counted in UTC, so that neither midnight nor a change of the clocks is a special case; a plan is widened by
five minutes on both sides for clocks that differ. This module never changes; another scheme is another module.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias

import h3

from tansiq.engine.blind.places import Place
from tansiq.engine.errors import Rejected

SCHEME: Final = "tsc1"
COARSE_RESOLUTION: Final = 6
FINE_RESOLUTION: Final = 8
COARSE_SECONDS: Final = 4 * 3600
FINE_SECONDS: Final = 3600
RADIUS_M: Final = {COARSE_RESOLUTION: 4200.0, FINE_RESOLUTION: 600.0}
"""No cell of the resolution reaches farther from its centre (measured: 4,096 and 585 m), with two per cent to spare."""
SKEW: Final = timedelta(minutes=5)
MOST_FINE: Final = 4096
MOST_COARSE: Final = 512
LARGEST_BUFFER_M: Final = 50_000
LONGEST_WINDOW: Final = timedelta(days=7)

Level: TypeAlias = Literal["coarse", "fine", "district"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A place and the window in which it matters: from ``begins`` up to ``ends``, both aware, margins included."""

    place: Place
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Extent:
    """Where and when a plan is: one stretch, or for a moving one a stretch for each leg.

    ``is_district``: the place is known as a district only, and nothing finer than coarse cells is true of it.
    """

    stretches: tuple[Stretch, ...]
    buffer_m: float
    is_district: bool = False


@dataclass(frozen=True, slots=True)
class Cells:
    """The keys of a plan, each list sorted. A district has no fine keys, and nothing else has district ones."""

    coarse: tuple[str, ...]
    fine: tuple[str, ...] = ()
    district: tuple[str, ...] = ()


def cells_of(extent: Extent) -> Cells:
    """Every key of a plan.

    Raises ``Rejected``: ``plan.window_malformed``, ``plan.window_too_long``, ``plan.buffer_too_wide``, and
    ``plan.too_large`` (cells, most) for what is more than one plan.
    """
    if not 0 <= extent.buffer_m <= LARGEST_BUFFER_M:
        raise Rejected("plan.buffer_too_wide", at="/buffer_m", most=LARGEST_BUFFER_M)
    coarse: set[tuple[str, int]] = set()
    fine: set[tuple[str, int]] = set()
    for stretch in extent.stretches:
        slots = slots_of(stretch.begins, stretch.ends, COARSE_SECONDS)
        around = cover(stretch.place, extent.buffer_m, COARSE_RESOLUTION, most=MOST_COARSE // len(slots))
        coarse |= {(cell, slot) for cell in around for slot in slots}
        if not extent.is_district:
            hours = slots_of(stretch.begins, stretch.ends, FINE_SECONDS)
            near = cover(stretch.place, extent.buffer_m, FINE_RESOLUTION, most=MOST_FINE // len(hours))
            fine |= {(cell, hour) for cell in near for hour in hours}
    step = COARSE_SECONDS // FINE_SECONDS
    coarse |= {(h3.cell_to_parent(cell, COARSE_RESOLUTION), hour // step) for cell, hour in fine}
    _require_room(len(coarse), MOST_COARSE)
    _require_room(len(fine), MOST_FINE)
    return Cells(
        coarse=_keys("coarse", coarse),
        fine=_keys("fine", fine),
        district=_keys("district", coarse) if extent.is_district else (),
    )


def cover(place: Place, buffer_m: float, resolution: int, *, most: int) -> set[str]:
    """The H3 cells that hold every point within ``buffer_m`` of the place; ``Rejected("plan.too_large")`` beyond
    ``most``.

    Found from the place outwards: what lies within a distance of something connected is connected.
    """
    reach = buffer_m + RADIUS_M[resolution]
    seen = {h3.latlng_to_cell(latitude, longitude, resolution) for latitude, longitude in place.points}
    border, taken = sorted(seen), set[str]()
    while border:
        distances = place.distances_m([h3.cell_to_latlng(cell) for cell in border])
        near = [cell for cell, distance in zip(border, distances, strict=True) if distance <= reach]
        taken.update(near)
        _require_room(len(taken), most)
        around = {neighbour for cell in near for neighbour in h3.grid_disk(cell, 1)} - seen
        seen |= around
        border = sorted(around)
    return taken


def slots_of(begins: datetime, ends: datetime, seconds: int) -> range:
    """The numbers of the slots that the window touches, clocks that differ included."""
    if begins.utcoffset() is None or ends.utcoffset() is None or ends <= begins:
        raise Rejected("plan.window_malformed", at="/to")
    if ends - begins > LONGEST_WINDOW:
        raise Rejected("plan.window_too_long", at="/to", most_days=LONGEST_WINDOW.days)
    first = int((begins - SKEW).timestamp()) // seconds
    last = -int(-(ends + SKEW).timestamp() // seconds)
    return range(first, last)


def _require_room(count: int, most: int) -> None:
    if count > most:
        raise Rejected("plan.too_large", at="/geometry", most=most)


def _keys(level: Level, pairs: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    return tuple(sorted(f"{SCHEME}|{level}|{cell}|{slot}" for cell, slot in pairs))


# -- from a hit back to a question and a window -----------------------------------------------------------------------


def read_key(key: str) -> tuple[str, str, int]:
    """Level, cell and slot of a key of this scheme."""
    _, level, cell, slot = key.split("|")
    return level, cell, int(slot)


def within(cells: Cells, hit: Iterable[str]) -> tuple[str, ...]:
    """What to ask after these coarse keys have hit: the fine keys that lie in them, and the same cells as districts."""
    known = frozenset(hit)
    step = COARSE_SECONDS // FINE_SECONDS
    found = []
    for key in cells.fine:
        _, cell, hour = read_key(key)
        if f"{SCHEME}|coarse|{h3.cell_to_parent(cell, COARSE_RESOLUTION)}|{hour // step}" in known:
            found.append(key)
    districts = [key.replace("|coarse|", "|district|") for key in cells.coarse if key in known]
    return tuple(sorted([*found, *districts]))


def window_of(keys: Sequence[str]) -> tuple[datetime, datetime]:
    """From the first slot's beginning to the last slot's end of keys of one or several levels, as aware UTC."""
    begins, ends = [], []
    for key in keys:
        level, _, slot = read_key(key)
        seconds = FINE_SECONDS if level == "fine" else COARSE_SECONDS
        begins.append(slot * seconds)
        ends.append((slot + 1) * seconds)
    return (
        datetime.fromtimestamp(min(begins), tz=UTC),
        datetime.fromtimestamp(max(ends), tz=UTC),
    )


# -- what questions cost, and what a budget could scan ----------------------------------------------------------------

FINE_KM2: Final = 0.7373276
"""Mean area of a fine cell; a coarse one has 7² of them."""
COARSE_COST: Final = 49 * (COARSE_SECONDS // FINE_SECONDS)
"""A coarse element could scan as much as 196 fine ones, and costs as much."""
CITY_KM2: Final = 100.0
"""What is called a city here: Paris within its boundary has 105 km²."""


def cost_of(level: str, elements: int) -> int:
    """What a question of so many elements takes of the budget, in cell-hours: fine cells watched for one hour."""
    return elements * (COARSE_COST if level == "coarse" else 1)


def city_hours(cell_hours: int) -> float:
    """For how many hours a budget would let somebody watch one city of 100 km², if it were spent on that alone."""
    return cell_hours * FINE_KM2 / CITY_KM2
