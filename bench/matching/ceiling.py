"""What a gallery leaves to be reached: how often several records bear a legitimate spelling of the asked name.

    python -m bench.matching.ceiling --part test --size 1000000

A rival is legitimate when each of its words was met, in the full names of any part, as a spelling of the asked word in
the same place. Nobody can tell such a rival from the right record by the name alone; an order among them by chance puts
a right one first as often as the printed ``by_chance`` says, one that knows which spelling is the more usual a little
more often. ``no_rival`` is the share of questions without any such rival, ``label_noise`` that of questions none of whose
own spellings is one by that measure (another name, another language, more or fewer words).
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict

import numpy as np

from bench.matching.run import make_task
from bench.matching.split import read_full_names
from bench.matching.tasks import FULL_NAMES
from tansiq.engine.names import read_name


def words_of(text: str) -> tuple[str, ...]:
    """The words of a name that count."""
    return tuple(word.letters for word in read_name(text).core)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("dev", "test"), default="dev")
    parser.add_argument("--size", type=int, default=1_000_000)
    options = parser.parse_args()
    task = make_task("wd", options.part, options.size)
    spelled: dict[str, set[str]] = defaultdict(set)
    for row in read_full_names(FULL_NAMES):
        left, right = words_of(row.key), words_of(row.latin)
        if len(left) == len(right):
            for arabic, latin in zip(left, right, strict=True):
                spelled[arabic].add(latin)
    holders: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for subject, name in task.gallery:
        holders[words_of(name)].append(subject)
    chances, noise = [], 0
    for question, right, _ in task.questions:
        ways: list[tuple[str, ...]] = [()]
        for word in words_of(question):
            ways = [(*way, latin) for way in ways for latin in spelled[word]]
        legitimate = {subject for way in ways for subject in holders.get(way, ())}
        own, other = len(legitimate & right), len(legitimate - right)
        noise += not own
        chances.append(own / (own + other) if own else 1.0 if not other else 0.0)
    print(
        json.dumps(
            {
                "task": task.name,
                "by_chance": round(float(np.mean(chances)), 4),
                "no_rival": round(float(np.mean([chance == 1.0 for chance in chances])), 4),
                "label_noise": round(noise / len(chances), 4),
            }
        )
    )


if __name__ == "__main__":
    main()
