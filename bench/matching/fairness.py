"""Is anybody's name matched worse than others'? Recall at 1 by region and by script, with the spread that chance alone would give.

    nice python -m bench.matching.fairness --part test

By region: the Arabic-script full names of ``bench.matching.run``. By script: the same people asked in the letters of each script in which
the UN list or the register's own spellings hold them. ``low`` and ``high`` are the 95 % interval of Wilson (1927): two groups whose
intervals lie apart are treated differently, and somebody must look why.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict

from bench.matching.run import LABELS, make_task, rank_of
from bench.matching.tasks import Task
from tansiq.engine.matching import Index, Query, Subject
from tansiq.engine.names import script_of


def interval(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    if not count:
        return 0.0, 1.0
    z, share = 1.96, hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return round(max(0.0, middle - half), 3), round(min(1.0, middle + half), 3)


def groups_of(task: Task) -> dict[tuple[str, str], list[float]]:
    """Ranks of the right answer by (kind of group, group)."""
    index = Index()
    index.add((Subject(subject, names=(name,)), ("all",)) for subject, name in task.gallery)
    ranks: dict[tuple[str, str], list[float]] = defaultdict(list)
    for question, right, region in task.questions:
        found = index.search(Query((question,)), LABELS, limit=50)
        rank = rank_of([(match.subject_id, round(1e6 * match.log_odds)) for match in found], right)
        ranks["region" if task.name.startswith("wd") else "task", region].append(rank)
        ranks["script", script_of(question).value].append(rank)
        words = len(question.split())
        ranks["words", str(words) if words < 5 else "5 and more"].append(rank)
    return ranks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("dev", "test"), default="dev")
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--tasks", nargs="*", default=["wd", "latin"])
    options = parser.parse_args()
    for name in options.tasks:
        task = make_task(name, options.part, options.size)
        rows = []
        for (kind, group), ranks in sorted(groups_of(task).items()):
            hits = sum(rank <= 1 for rank in ranks)
            low, high = interval(hits, len(ranks))
            rows.append((kind, low, high))
            told = {"task": task.name, "by": kind, "group": group, "questions": len(ranks)}
            print(json.dumps(told | {"R@1": round(hits / len(ranks), 3), "low": low, "high": high}), flush=True)
        for kind in sorted({kind for kind, _, _ in rows}):
            spread = [(low, high) for k, low, high in rows if k == kind]
            apart = max(low for low, _ in spread) > min(high for _, high in spread)
            print(json.dumps({"task": task.name, "by": kind, "treated_alike": not apart}), flush=True)


if __name__ == "__main__":
    main()
