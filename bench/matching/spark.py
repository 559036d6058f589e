"""The same linkage on Spark: a local cluster of several workers gives the pairs and scores of one machine; what it costs.

    python -m bench.matching.spark --size 20000 --workers 1 2

Needs Java 17 and ``tansiq[spark]``. The model and the rules are those that the run on one machine took.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from bench.matching.invented import write
from bench.matching.linkage import INVENTED
from tansiq.engine.errors import Unavailable
from tansiq.engine.matching.linkage import Model, read_plan
from tansiq.linkage import local, spark

LEAST = 0.0


def on_one_machine(left: Path, right: Path, folder: Path) -> tuple[dict[tuple[str, str], float], str, str]:
    """Pairs of at least even odds, the rules that were taken, and the model."""
    found = local.link(
        local.Register(left, "id"),
        local.Register(right, "id"),
        read_plan(INVENTED),
        folder=folder,
        least=0.5,
        many=True,
    )
    rules = ",".join(row["rule"] for row in found.account["rules"] if not row.get("left_out"))
    return {(a, b): score for a, b, score in found.links}, rules, (folder / "model.json").read_text()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--memory", type=int, default=1536, help="megabytes a worker")
    parser.add_argument("--parts", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        left, right = write(options.size, Path(temporary))
        began = time.perf_counter()
        alone, rules, model = on_one_machine(left, right, Path(temporary) / "work")
        took = time.perf_counter() - began
        print(
            json.dumps({"where": "one machine", "size": options.size, "seconds": round(took, 1), "pairs": len(alone)})
        )
        plan = read_plan(INVENTED, rules)
        for workers in options.workers:
            try:
                opened = spark.session(
                    f"local-cluster[{workers},1,{options.memory}]",
                    **{"spark.sql.shuffle.partitions": str(options.parts)},
                )
            except Unavailable as error:
                print(f"not measured: {error}")
                return 0
            began = time.perf_counter()
            sides = [opened.read.csv(str(path), header=True) for path in (left, right)]
            pairs = spark.link_pairs(
                *sides, plan, Model.from_json(model, plan), row_id="id", least=LEAST, parts=options.parts
            ).collect()
            took = time.perf_counter() - began
            opened.stop()
            import numpy as np

            from tansiq.engine.matching.linkage import probability

            found = {
                (row["left"], row["right"]): round(float(probability(np.array([row["log_odds"]]))[0]), 9)
                for row in pairs
            }
            print(
                json.dumps(
                    {
                        "where": f"Spark, {workers} workers of one core",
                        "seconds": round(took, 1),
                        "pairs": len(found),
                        "same_pairs": found.keys() == alone.keys(),
                        "same_scores": found == alone,
                    }
                ),
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
