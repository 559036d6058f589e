"""Measure the matcher on its tasks: recall at 1 and 10 by region, queries a second, size and build time.

nice python -m bench.matching.run --task wd --part dev
nice python -m bench.matching.run --task wd --part test --size 1000000
nice python -m bench.matching.run --task un
nice python -m bench.matching.run --task tokens
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from bench.matching.tasks import WORD_FILES, Task, composed, grown, latin, tokens, united_nations, wikidata, words
from tansiq.engine.matching import Index, Labels, Query, Subject
from tansiq.engine.names import costs

LABELS = Labels.of("all")
TASKS = (
    "wd",
    "un",
    "tokens",
    "latin",
    *(f"{kind}-{language}" for kind in ("words", "names") for language in WORD_FILES),
)


def make_task(name: str, part: str, size: int) -> Task:
    """The task of that name."""
    if name == "un":
        return united_nations()
    if name == "tokens":
        return tokens(part)
    if name == "latin":
        return latin(part)
    kind, _, language = name.partition("-")
    if language:
        return words(language, part) if kind == "words" else composed(language, part)
    task = wikidata(part)
    return grown(task, size) if size > len(task.gallery) else task


def use_letters(path: Path) -> None:
    """Compare with these letter costs (``tools/train_names.py --unseen``) in place of those that ship."""
    with np.load(path) as stored:
        read = dict(stored)
    costs._read = lambda: read


def rank_of(found: list[tuple[str, float]], right: frozenset[str]) -> float:
    """The middle rank of the first right answer among equal scores; infinity if absent."""
    best = max((score for subject, score in found if subject in right), default=None)
    if best is None:
        return float("inf")
    above = sum(score > best for subject, score in found if subject not in right)
    level = sum(score == best for subject, score in found if subject not in right)
    return 1 + above + level / 2


def measure(task: Task) -> dict[str, object]:
    """Build, ask every question once warm, report."""
    began = time.perf_counter()
    index = Index()
    index.add((Subject(subject, names=(name,)), ("all",)) for subject, name in task.gallery)
    built = time.perf_counter() - began
    for question, _, _ in task.questions[:20]:
        index.search(Query((question,)), LABELS, limit=10)
    ranks: dict[str, list[float]] = defaultdict(list)
    times = []
    for question, right, region in task.questions:
        start = time.perf_counter()
        found = index.search(Query((question,)), LABELS, limit=50)
        times.append(time.perf_counter() - start)
        exact = [(m.subject_id, round(1e6 * m.log_odds)) for m in found]
        ranks[region].append(rank_of(exact, right))
    every = np.array([rank for values in ranks.values() for rank in values])
    return {
        "task": task.name,
        "gallery": len(task.gallery),
        "questions": len(every),
        "R@1": round(float(np.mean(every <= 1)), 4),
        "R@10": round(float(np.mean(every <= 10)), 4),
        "R@50": round(float(np.mean(every <= 50)), 4),
        "by_region": {region: round(float(np.mean(np.array(values) <= 1)), 3) for region, values in ranks.items()},
        "build_s": round(built, 2),
        "bytes_per_name": round(
            sum(a.nbytes for p in index._parts for a in p.segment.arrays.values()) / len(task.gallery), 1
        ),
        "queries_per_s_one_thread": round(len(times) / sum(times), 1),
        "p50_ms": round(float(np.percentile(times, 50)) * 1e3, 2),
        "p99_ms": round(float(np.percentile(times, 99)) * 1e3, 2),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=TASKS, default="wd")
    parser.add_argument("--part", choices=("dev", "test"), default="dev")
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--letters", type=Path, help="Letter costs trained otherwise, in place of those that ship.")
    options = parser.parse_args()
    if options.letters:
        use_letters(options.letters)
    print(json.dumps(measure(make_task(options.task, options.part, options.size))))


if __name__ == "__main__":
    main()
