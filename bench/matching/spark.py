"""The same linkage on one machine and on local clusters of Spark: the same links with the same scores, and what it costs.

    python -m bench.matching.spark --sizes 5000 50000 --workers 1 2

Needs Java 17 and ``tansiq[spark]``; says so where they are absent. Both learn the model themselves; the start of the cluster is in its time.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.matching.invented import write
from bench.matching.linkage import INVENTED
from tansiq.engine.errors import Unavailable
from tansiq.engine.matching.linkage import read_plan
from tansiq.linkage import cluster, local


def measure(size: int, workers: list[int], *, memory: int, parts: int) -> Iterator[dict[str, Any]]:
    """A line for one machine, and one for each cluster."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, plan = Path(temporary), read_plan(INVENTED)
        left, right = (local.Register(path, "id") for path in write(size, folder))
        began = time.perf_counter()
        alone = local.link(left, right, plan, folder=folder / "alone")
        took = time.perf_counter() - began
        yield {
            "records": size,
            "where": "one machine, two threads",
            "seconds": round(took, 1),
            "links": len(alone.links),
        }
        for count in workers:
            master, began = f"local-cluster[{count},1,{memory}]", time.perf_counter()
            found = cluster.link(left, right, plan, master=master, folder=folder / f"work{count}", parts=parts)
            spent = time.perf_counter() - began
            yield {
                "records": size,
                "where": master,
                "seconds": round(spent, 1),
                "links": len(found.links),
                "of_one_machine": round(spent / took, 1),
                "same_links_and_scores": found.links == alone.links,
            }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[5000, 50_000], help="records of each register")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--memory", type=int, default=1536, help="megabytes a worker")
    parser.add_argument("--parts", type=int, default=8)
    options = parser.parse_args()
    try:
        for size in options.sizes:
            for line in measure(size, options.workers, memory=options.memory, parts=options.parts):
                print(json.dumps(line), flush=True)
    except Unavailable as error:
        print(f"Spark: not installed, not measured ({error})", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
