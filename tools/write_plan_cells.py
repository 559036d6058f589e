"""Write the test vectors of space–time cells (scheme ``tsc1``) and the table of budgets, from the code.

    python tools/write_plan_cells.py

The plans are invented. The test suite checks that both say what the code does; a difference means that the scheme was
changed, which it must not be.
"""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from tansiq.engine.blind import cells
from tansiq.engine.blind.cells import Extent, Stretch
from tansiq.engine.blind.places import read_place

DOCS = Path(__file__).resolve().parent.parent / "docs" / "protocol"
BEGIN, END = "<!-- budgets: written by tools/write_plan_cells.py -->", "<!-- end of budgets -->"
BUDGETS = (20_000, 50_000, 200_000, 1_000_000)
PLANS: tuple[dict[str, Any], ...] = (
    {
        "name": "a point, over midnight",
        "geometry": {"type": "Point", "coordinates": [2.3522, 48.8566]},
        "buffer_m": 1000,
        "begins": "2026-11-22T22:00:00Z",
        "ends": "2026-11-23T01:00:00Z",
    },
    {
        "name": "on the antimeridian, over the year's end",
        "geometry": {"type": "Point", "coordinates": [180.0, -16.5]},
        "buffer_m": 500,
        "begins": "2026-12-31T23:30:00Z",
        "ends": "2027-01-01T00:30:00Z",
    },
    {
        "name": "a pole",
        "geometry": {"type": "Point", "coordinates": [0.0, 90.0]},
        "buffer_m": 0,
        "begins": "2026-06-21T12:10:00Z",
        "ends": "2026-06-21T12:50:00Z",
    },
    {
        "name": "a route, while the clocks of Rome go back",
        "geometry": {"type": "LineString", "coordinates": [[9.19, 45.4642], [9.0852, 45.8081]]},
        "buffer_m": 300,
        "begins": "2026-10-25T00:10:00Z",
        "ends": "2026-10-25T01:50:00Z",
    },
    {
        "name": "a district",
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[9.05, 45.40], [9.30, 45.40], [9.30, 45.55], [9.05, 45.55], [9.05, 45.40]]],
        },
        "buffer_m": 0,
        "begins": "2026-11-22T09:10:00Z",
        "ends": "2026-11-22T11:00:00Z",
        "is_district": True,
    },
)


def vectors() -> list[dict[str, Any]]:
    """Each plan with how many keys it has, the first and last of each list, and the digest of the lists."""
    return [{**plan, **_told(plan)} for plan in PLANS]


def _told(plan: dict[str, Any]) -> dict[str, Any]:
    begins, ends = datetime.fromisoformat(plan["begins"]), datetime.fromisoformat(plan["ends"])
    stretch = Stretch(read_place(plan["geometry"]), begins, ends)
    found = cells.cells_of(Extent((stretch,), plan["buffer_m"], plan.get("is_district", False)))
    return {name: _listed(getattr(found, name)) for name in ("coarse", "fine", "district")}


def _listed(keys: tuple[str, ...]) -> dict[str, Any]:
    digest = hashlib.sha256("".join(f"{key}\n" for key in keys).encode()).hexdigest()
    return {
        "count": len(keys),
        "first": keys[0] if keys else None,
        "last": keys[-1] if keys else None,
        "sha256": digest,
    }


def budgets() -> str:
    """What a day's budget could scan, as Markdown."""
    lines = [
        "| `cells_per_day` | city-hours | one whole city of 100 km², for | coarse cells, 4 h each |",
        "|---|---|---|---|",
    ]
    for budget in BUDGETS:
        hours = cells.city_hours(budget)
        coarse = budget // cells.COARSE_COST
        area = round(coarse * 49 * cells.FINE_KM2)
        lines.append(f"| {budget:,} | {hours:,.0f} | {hours / 24:,.1f} days | {coarse:,} ({area:,} km²) |")
    return "\n".join(lines)


def main() -> None:
    text = json.dumps(vectors(), ensure_ascii=False, indent=1) + "\n"
    (DOCS / "deconfliction-vectors.json").write_text(text, encoding="utf-8")
    page = DOCS / "deconfliction.md"
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(f"{before}{BEGIN}\n\n{budgets()}\n\n{END}{after}", encoding="utf-8")
    sys.stdout.write(f"{len(PLANS)} plans\n")


if __name__ == "__main__":
    main()
