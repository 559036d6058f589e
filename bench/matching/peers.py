"""Other ways to find the same names beside ours: the same tasks, the same questions in the same order, one process, one table.

    nice python -m bench.matching.peers --task wd --part test
    nice python -m bench.matching.peers --task wd --part test --size 1000000 --seconds 30
    nice python -m bench.matching.peers --task un --ways tansiq tantivy pg_trgm

Tansiq is asked every question, another way until there are no more or its ``--seconds`` are over, so a slow one answers fewer; ``ours_then``
is the recall at 1 that Tansiq has on just those questions. The spread is the 95 % interval of Wilson. Processor time is that of this
process with all its threads; PostgreSQL's own is not in it. ``bench.matching.pairs`` scores pairs, ``bench.matching.linkage`` runs splink.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.matching.fairness import interval
from bench.matching.run import TASKS, make_task, rank_of, use_letters
from bench.matching.tasks import Task
from bench.matching.ways import WAYS, Absent, Ask, Gallery, Way


def answered(
    ask: Ask, questions: Sequence[tuple[str, frozenset[str], str]], way: Way, seconds: float
) -> dict[str, Any]:
    """Ranks of the right answers (``ranks``) for as many questions as fit into the time, and what they cost."""
    ask([questions[-1][0]])  # what is loaded or compiled once is not counted
    ranks: list[float] = []
    began, used = time.perf_counter(), time.process_time()
    while len(ranks) < len(questions) and time.perf_counter() - began < seconds:
        batch = questions[len(ranks) : len(ranks) + way.batch]
        found = ask([question for question, _, _ in batch])
        ranks += [rank_of(answer, right) for answer, (_, right, _) in zip(found, batch, strict=True)]
    took, used = time.perf_counter() - began, time.process_time() - used
    return {"ranks": np.array(ranks), "seconds": took, "cpu": used}


def measure(name: str, gallery: Gallery, questions: Sequence[Any], seconds: float, first: np.ndarray | None) -> Any:
    """One way's line, printed; returns its ranks. ``first`` are the ranks of ours."""
    way, began = WAYS[name], time.perf_counter()
    with way.opened(gallery) as ask:
        opened = time.perf_counter() - began
        told = answered(ask, questions, way, seconds if first is not None else float("inf"))
    ranks, count = told["ranks"], len(told["ranks"])
    hits = int((ranks <= 1).sum())
    low, high = interval(hits, count)
    line = {
        "task": gallery.task.name,
        "way": way.title,
        "questions": count,
        "R@1": round(hits / count, 3),
        "spread": f"{low}–{high}",
        "R@10": round(float(np.mean(ranks <= 10)), 3),
        "ours_then": round(float(np.mean(first[:count] <= 1)), 3) if first is not None else None,
        "questions_per_s": round(count / told["seconds"], 1),
        "cpu_ms_a_question": round(told["cpu"] / count * 1e3, 2),
        "build_s": round(opened, 1),
    }
    print(json.dumps(line, ensure_ascii=False), flush=True)
    return ranks


def measure_all(task: Task, names: Sequence[str], *, wanted: int, seconds: float) -> None:
    """Every way on one task."""
    print(f"{task.name}: {len(task.questions)} questions, {len(task.gallery):,} names", flush=True)
    questions, gallery = list(task.questions), Gallery(task)
    random.Random(21).shuffle(questions)
    first = None
    for name in names:
        try:
            ranks = measure(name, gallery, questions[:wanted], seconds, first)
        except Absent as wrong:
            print(f"{WAYS[name].title}: not installed, not measured ({wrong})", flush=True)
            continue
        first = ranks if name == "tansiq" else first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=TASKS, default="wd")
    parser.add_argument("--part", choices=("dev", "test"), default="dev")
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=1000, help="at most so many for each way")
    parser.add_argument("--seconds", type=float, default=15, help="at most so long for each way, build not counted")
    parser.add_argument("--ways", nargs="*", choices=WAYS, default=list(WAYS), metavar="WAY", help=", ".join(WAYS))
    parser.add_argument("--letters", help="Letter costs trained otherwise, in place of those that ship.")
    given = parser.parse_args()
    if given.letters:
        use_letters(given.letters)
    measure_all(
        make_task(given.task, given.part, given.size), given.ways, wanted=given.questions, seconds=given.seconds
    )


if __name__ == "__main__":
    main()
