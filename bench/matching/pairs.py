"""Pairs with hard rivals: AUC, F1, precision and recall at fixed scores, calibration error; and other scorers of the same pairs.

    nice python -m bench.matching.pairs --part test --rivals simple own labelled

True pairs are questions with one of their spellings; rivals are the Latin name nearest to the question and one of the 20 nearest, by
consonant skeleton and Jaro-Winkler (``simple``, the best simple measure) or by the matcher itself (``own``, harder), whose Arabic key
differs by two edits or more; ``labelled`` are nomenklatura's own cases, Latin. A slow scorer gets the first pairs that fit into its
``--seconds``: ``ours_then`` is the AUC that Tansiq has on just those. Speed is by processor time of one process.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from rapidfuzz import fuzz, process
from rapidfuzz.distance import JaroWinkler, Levenshtein

from bench.matching.split import SHARED, read_full_names
from bench.matching.tasks import FULL_NAMES, Task, wikidata
from bench.matching.ways import Absent, logic_v2, plain_text, skeleton_text
from tansiq.engine.matching import Index, Labels, Query, Subject
from tansiq.engine.matching.screening import pair_score
from tansiq.engine.names import Script, script_of

Scorer = Callable[[Sequence[str], Sequence[str]], np.ndarray]
_AT_ONCE = 250
_BOUNDS = np.linspace(0.02, 0.98, 97)


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


def one_by_one(score: Callable[[str, str], float]) -> Scorer:
    """A scorer of two names as one of lists."""
    return lambda lefts, rights: np.array([score(a, b) for a, b in zip(lefts, rights, strict=True)])


def rapidfuzz(form: Callable[[str], str], scorer: Callable[..., float], *, whole: float) -> Scorer:
    """``process.cpdist`` over the forms of the names; ``whole`` is the score of equals."""
    return lambda lefts, rights: process.cpdist([*map(form, lefts)], [*map(form, rights)], scorer=scorer) / whole


def scorers() -> Iterator[tuple[str, Scorer]]:
    """Ours first, then the others that are installed."""
    yield "Tansiq", one_by_one(pair_score)
    yield "rapidfuzz cpdist, anyascii, token_sort_ratio", rapidfuzz(plain_text, fuzz.token_sort_ratio, whole=100)
    yield "rapidfuzz cpdist, anyascii, WRatio", rapidfuzz(plain_text, fuzz.WRatio, whole=100)
    yield "rapidfuzz cpdist, skeletons, Jaro-Winkler", rapidfuzz(skeleton_text, JaroWinkler.similarity, whole=1)
    try:
        yield "nomenklatura logic-v2", one_by_one(logic_v2())
    except Absent as wrong:
        print(f"nomenklatura: not installed, not measured ({wrong})", flush=True)


def scored(score: Scorer, pairs: Sequence[tuple[str, str, int]], seconds: float) -> tuple[np.ndarray, float]:
    """Scores of as many pairs as fit into the time, and the processor time of each."""
    score([pairs[0][0]], [pairs[0][1]])  # what is loaded or compiled once is not counted
    found: list[float] = []
    began, used = time.perf_counter(), time.process_time()
    while len(found) < len(pairs) and time.perf_counter() - began < seconds:
        batch = pairs[len(found) : len(found) + _AT_ONCE]
        found += score([a for a, _, _ in batch], [b for _, b, _ in batch]).tolist()
    return np.array(found), (time.process_time() - used) / len(found)


def measure(name: str, pairs: Sequence[tuple[str, str, int]], seconds: float) -> None:
    """A line for each scorer, and for ours how its score may be read."""
    truth = np.array([t for _, _, t in pairs])
    ours = np.array([])
    for way, score in scorers():
        is_ours = not len(ours)
        scores, cost = scored(score, pairs, float("inf") if is_ours else seconds)
        ours, said = (scores if is_ours else ours), truth[: len(scores)]
        line = {
            "pairs": name,
            "way": way,
            "count": len(scores),
            "AUC": round(auc(said, scores), 4),
            "ours_then": None if is_ours else round(auc(said, ours[: len(scores)]), 4),
            "best_F1": max(at_threshold(said, scores, bound)["f1"] for bound in _BOUNDS),
            "F1_at_0.5": at_threshold(said, scores, 0.5)["f1"],
            "ECE": round(calibration_error(said, scores), 4),
            "pairs_per_cpu_s": round(1 / cost),
        }
        print(json.dumps(line, ensure_ascii=False), flush=True)
    for bound in (0.9, 0.5, 0.1):
        told = {"pairs": name, "way": f"Tansiq, score at least {bound}", **at_threshold(truth, ours, bound)}
        print(json.dumps(told), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("dev", "test"), default="dev")
    parser.add_argument("--rivals", nargs="*", choices=("simple", "own", "labelled"), default=["simple"])
    parser.add_argument("--seconds", type=float, default=10, help="at most so long for each way")
    options = parser.parse_args()
    for rivals in options.rivals:
        pairs = labelled_cases() if rivals == "labelled" else make_pairs(options.part, rivals)
        name = "nomenklatura cases" if rivals == "labelled" else f"{options.part}, {rivals}"
        # a true pair stands before its two rivals: any first part of the list is mixed alike
        measure(name, random.Random(5).sample(pairs, len(pairs)) if rivals == "labelled" else pairs, options.seconds)


if __name__ == "__main__":
    main()
