"""Pairs with hard rivals: AUC, F1, precision and recall at fixed scores, calibration error.

    nice python -m bench.matching.pairs --part test
    nice python -m bench.matching.pairs --part test --rivals own

True pairs are questions with one of their spellings; rivals are the Latin name nearest to the question and one of the 20 nearest, by
consonant skeleton and Jaro-Winkler (``--rivals simple``, the best simple measure) or by the matcher itself (``own``, harder), whose
Arabic key differs by two edits or more.
"""

from __future__ import annotations

import argparse
import csv
import json
import random

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler, Levenshtein

from bench.matching.peers import skeleton_text
from bench.matching.split import read_full_names
from bench.matching.tasks import FULL_NAMES, SHARED, Task, wikidata
from tansiq.engine.matching import Index, Labels, Query, Subject
from tansiq.engine.matching.screening import pair_score
from tansiq.engine.names import Script, script_of


def auc(truth: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve, ties counted half."""
    order = np.argsort(scores, kind="stable")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[inverse]
    del order
    ones = truth.sum()
    return float((ranks[truth == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(truth) - ones)))


def calibration_error(truth: np.ndarray, scores: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error over equal-width bins."""
    place = np.minimum((scores * bins).astype(int), bins - 1)
    parts = [(place == b) for b in range(bins) if (place == b).any()]
    return float(sum(p.mean() * abs(truth[p].mean() - scores[p].mean()) for p in parts))


def at_threshold(truth: np.ndarray, scores: np.ndarray, bound: float) -> dict[str, float]:
    """Precision, recall and F1 of "score at least bound"."""
    said = scores >= bound
    hit = float((said & (truth == 1)).sum())
    precision, recall = hit / max(said.sum(), 1), hit / truth.sum()
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return {"precision": round(precision, 3), "recall": round(recall, 3), "f1": round(f1, 3)}


def keys_of(task: Task) -> list[str | None]:
    """The Arabic key of each gallery row."""
    keys = list(dict.fromkeys(r.key for r in read_full_names(FULL_NAMES) if script_of(r.latin) is Script.LATIN))
    return [keys[int(i[1:].split(":")[0])] if i[0] == "k" else None for i, _ in task.gallery]


def nearest(task: Task, rivals: str) -> list[list[int]]:
    """For each question the gallery rows nearest to it, nearest first."""
    if rivals == "own":
        index = Index()
        index.add((Subject(str(n), names=(name,)), ("all",)) for n, (_, name) in enumerate(task.gallery))
        found = (index.search(Query((q,)), Labels.of("all"), limit=50) for q, _, _ in task.questions)
        return [[int(match.subject_id) for match in matches] for matches in found]
    gallery = [skeleton_text(name) for _, name in task.gallery]
    rows = []
    for question, _, _ in task.questions:
        scores = process.cdist([skeleton_text(question)], gallery, scorer=JaroWinkler.similarity, dtype=np.float32)[0]
        rows.append([int(i) for i in np.argsort(-scores, kind="stable")[:60]])
    return rows


def make_pairs(part: str, rivals: str) -> list[tuple[str, str, int]]:
    """Questions with one of their spellings (1), and with two hard rivals each (0)."""
    task = wikidata(part)
    keys, chooser = keys_of(task), random.Random(3)
    place = {subject: n for n, (subject, _) in enumerate(task.gallery)}
    pairs: list[tuple[str, str, int]] = []
    for (question, right, _), near in zip(task.questions, nearest(task, rivals), strict=True):
        true = sorted(place[r] for r in right if r in place)
        far = [n for n in near if keys[n] is None or Levenshtein.distance(keys[n], question) >= 2][:20]
        if true and len(far) > 1:
            pairs.append((question, task.gallery[chooser.choice(true)][1], 1))
            pairs += [(question, task.gallery[n][1], 0) for n in (far[0], chooser.choice(far[1:]))]
    return pairs


def labelled_cases() -> list[tuple[str, str, int]]:
    """nomenklatura's labelled pairs of persons, Latin and mostly invented hard negatives."""
    with (SHARED / "data/names/nomenklatura_cases.csv").open(newline="", encoding="utf-8") as stream:
        rows = [
            row for row in csv.DictReader(stream) if row["schema"] == "Person" and row["is_match"] in ("true", "false")
        ]
    return [(row["name1"], row["name2"], int(row["is_match"] == "true")) for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("dev", "test"), default="dev")
    parser.add_argument("--rivals", choices=("simple", "own", "labelled"), default="simple")
    options = parser.parse_args()
    pairs = labelled_cases() if options.rivals == "labelled" else make_pairs(options.part, options.rivals)
    truth = np.array([t for _, _, t in pairs])
    scores = np.array([pair_score(a, b) for a, b, _ in pairs])
    best = max(np.linspace(0.02, 0.98, 49), key=lambda b: at_threshold(truth, scores, b)["f1"])
    print(
        json.dumps(
            {
                "task": f"pairs-{options.part}-{options.rivals}",
                "pairs": len(pairs),
                "AUC": round(auc(truth, scores), 4),
                "ECE": round(calibration_error(truth, scores), 4),
                "at": {str(b): at_threshold(truth, scores, b) for b in (0.1, 0.5, 0.9)},
                "best_f1": {"at": round(float(best), 2), **at_threshold(truth, scores, best)},
            }
        )
    )


if __name__ == "__main__":
    main()
