"""Is anybody's name matched worse than others'? Recall at 1 by region and by script, with the spread that chance alone would give.

    nice python -m bench.matching.fairness --part test
    nice python -m bench.matching.fairness --part test --tasks names-arabic names-russian names-hebrew

By region: the Arabic-script full names of ``bench.matching.run``, and the UN list's own spellings. By script: full names put together from
words, made alike for each script (``bench.matching.unseen`` asks them with letter costs that have not seen those words). ``low`` and
``high`` are the 95 % interval of Wilson (1927): two groups of one kind whose intervals lie apart are treated differently, and somebody
must look why.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from bench.matching.run import LABELS, TASKS, make_task, rank_of, use_letters
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
        if task.name.startswith("wd"):
            ranks["region", region].append(rank)
        ranks["script", script_of(question).value].append(rank)
        words = len(question.split())
        ranks["words", str(words) if words < 5 else "5 and more"].append(rank)
    return ranks


def measure(name: str, part: str, size: int) -> list[tuple[str, int, int]]:
    """A line for each group of one task; returns each with its hits and questions."""
    task = make_task(name, part, size)
    found = []
    for (kind, group), ranks in sorted(groups_of(task).items()):
        hits = sum(rank <= 1 for rank in ranks)
        low, high = interval(hits, len(ranks))
        found.append((kind, hits, len(ranks)))
        told = {"task": task.name, "by": kind, "group": group, "questions": len(ranks)}
        told |= {"R@1": round(hits / len(ranks), 3), "low": low, "high": high}
        told["R@10"] = round(sum(rank <= 10 for rank in ranks) / len(ranks), 3)
        print(json.dumps(told, ensure_ascii=False), flush=True)
    return found


def judge(what: str, groups: Sequence[tuple[int, int]]) -> None:
    """Say whether any two groups (hits, questions) lie apart."""
    spread = [interval(hits, count) for hits, count in groups]
    apart = max(low for low, _ in spread) > min(high for _, high in spread)
    print(f"{what}: {'NOT treated alike' if apart else 'no group lies apart'}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("dev", "test"), default="dev")
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--tasks", nargs="*", choices=TASKS, default=["wd", "un", "latin"])
    parser.add_argument("--letters", type=Path, help="Letter costs trained otherwise, in place of those that ship.")
    options = parser.parse_args()
    if options.letters:
        use_letters(options.letters)
    scripts = []
    for name in options.tasks:
        found = measure(name, options.part, options.size)
        for kind in ("region", "words"):
            groups = [(hits, count) for by, hits, count in found if by == kind]
            if len(groups) > 1:
                judge(f"{name}, by {kind}", groups)
        scripts += [(hits, count) for by, hits, count in found if by == "script" and name.startswith("names-")]
    if len(scripts) > 1:
        judge("full names of unseen words, by script", scripts)


if __name__ == "__main__":
    main()
