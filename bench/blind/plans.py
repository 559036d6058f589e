"""What plans cost: keys a plan has, and processor time, bytes and budget of the questions asked for it.

    python -m bench.blind.plans [--standing 200]

Twenty seconds. ``--standing`` is how many plans the holder has; each question is answered over all of them, so its cost
grows with their number. Times are of the processor, on one core where not said otherwise.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tansiq.engine.blind import batches, cells, many, oprf, singly
from tansiq.engine.blind.cells import Cells, Extent, Stretch
from tansiq.engine.blind.oprf import Mode
from tansiq.engine.blind.places import Place

NIGHT = datetime(2026, 11, 22, 18, tzinfo=UTC)
KINDS = (
    ("a meeting: 500 m, 2 h with margins of 2 h", 500, 6, 0.0),
    ("an arrest: 800 m, 2 h with margins of 2 h", 800, 6, 0.0),
    ("an operation: 1 km, 4 h with margins of 2 h", 1000, 8, 0.0),
    ("a route of 20 km: 300 m, 2 h", 300, 2, 20.0),
    ("a district of 5 km around a point, 8 h", 5000, 8, 0.0),
)


def plan(random: Random, buffer_m: float, hours: float, route_km: float, *, is_district: bool = False) -> Cells:
    """A plan somewhere in a large city."""
    at = (48.75 + random.random() * 0.2, 2.2 + random.random() * 0.3)
    place = Place("route", (at, (at[0], at[1] + route_km / 73))) if route_km else Place("point", (at,))
    begins = NIGHT + timedelta(minutes=random.randrange(0, 24 * 60))
    return cells.cells_of(Extent((Stretch(place, begins, begins + timedelta(hours=hours)),), buffer_m, is_district))


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What it gives, and the processor time it took in milliseconds."""
    before = time.process_time()
    return work(), (time.process_time() - before) * 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--standing", type=int, default=200)
    standing = parser.parse_args().standing
    random = Random(7)
    print("| plan | coarse | fine | cut into cells, ms | cost of coarse + fine, cell-hours |\n|---|---|---|---|---|")
    for name, buffer_m, hours, route_km in KINDS:
        drawn = [
            timed(lambda b=buffer_m, h=hours, r=route_km, n=name: plan(random, b, h, r, is_district="district" in n))
            for _ in range(50)
        ]
        coarse = sum(len(one.coarse) for one, _ in drawn) / 50
        fine = sum(len(one.fine) for one, _ in drawn) / 50
        cost = cells.cost_of("coarse", batches.size_for(round(coarse)))
        cost += cells.cost_of("fine", batches.size_for(round(fine))) if fine else 0
        print(f"| {name} | {coarse:.0f} | {fine:.0f} | {sum(ms for _, ms in drawn) / 50:.1f} | {cost:,} |")
    held = [plan(random, 1000, 8, 0.0) for _ in range(standing)]
    mine = plan(random, 1000, 8, 0.0)
    print(f"\n{standing} standing plans of 1 km and 8 h at the holder:\n")
    print(
        "| question | elements | holder's keys | asker, ms | holder, ms | question, bytes | answer, bytes |\n"
        + "|---" * 7
        + "|"
    )
    for level in ("coarse", "fine"):
        asked = getattr(mine, level)
        keys = sorted({key for one in held for key in getattr(one, level)})
        batch, blinding = timed(
            lambda a=asked: batches.prepare([k.encode() for k in a], mode=Mode.VOPRF, random=os.urandom)
        )
        pair = singly.key_for(os.urandom(32), holder="ma", asker="fr", query="bench")
        evaluation, evaluating = timed(
            lambda b=batch, p=pair: oprf.evaluate(p, b.elements, mode=Mode.VOPRF, random=os.urandom)
        )
        slices = [keys[n : n + many.SPREAD_FROM - 1] for n in range(0, len(keys), many.SPREAD_FROM - 1)]
        outputs, own = timed(
            lambda s=slices, p=pair: [
                o for part in s for o in many.compute_all(p, [k.encode() for k in part], mode=Mode.VOPRF)
            ]
        )
        held_filter, filling = timed(lambda o=outputs: singly.filter_of(o, os.urandom))
        found, looking = timed(
            lambda b=batch, e=evaluation, p=pair, f=held_filter, a=asked: singly.hits(
                f, a, b.finalize(e, public=p.public)
            )
        )
        del found
        size = len(batch.elements)
        answer = 32 + 32 * size + 64 + len(held_filter.to_bytes())
        print(
            f"| {level} | {size} | {len(keys):,} | {blinding + looking:.0f} | {evaluating + own + filling:.0f} "
            f"| {32 * size:,} | {answer:,} |"
        )


if __name__ == "__main__":
    main()
