"""Fit the weights of the name features on the development part and write the small file that ships.

    python tools/fit_weights.py [--out src/tansiq/engine/matching/data/weights-1.json]

Questions are development keys that no benchmark of ours asks (``bench/matching/tasks.py`` keeps its own); rivals are
what the candidate search really returns from the 100,000-name gallery. First a logistic regression on all of them;
then slope and intercept on pairs in the proportion one true to two hard rivals, whose Arabic keys differ by two edits
or more. Deterministic.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler, Levenshtein

from bench.matching.split import habit_of, part_of, read_full_names
from bench.matching.tasks import FULL_NAMES, tokens, wikidata
from bench.matching.ways import skeleton_text
from tansiq.engine.matching.asked import asked_words
from tansiq.engine.matching.candidates import Bound, Searcher
from tansiq.engine.matching.encoding import encode_name
from tansiq.engine.matching.pairing import FEATURES
from tansiq.engine.matching.scoring import compare_candidates, compare_encoded, words_of
from tansiq.engine.matching.segment import Segment, build_arrays
from tansiq.engine.matching.subjects import Subject
from tansiq.engine.names import Script, fold, read_name, script_of

MOST = 60
RELATIVES = 2.0
"""What a pair of relatives counts in the regression, beside the rivals that a search brings in."""
EVERY = 20
"""Every so many questions are also given the rivals nearest by skeleton."""


def regression(x, y, share=None, ridge=1e-2, rounds=40):
    """Logistic regression by Newton's method on standardised columns; returns bias and weights."""
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = np.c_[np.ones(len(x)), (x - mean) / spread]
    w = np.zeros(z.shape[1])
    share = np.ones(len(y)) if share is None else share
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-(z @ w)))
        slope = z.T @ (share * (p - y)) + ridge * np.r_[0, w[1:]]
        bend = (z * (share * p * (1 - p))[:, None]).T @ z + ridge * np.eye(len(w))
        step = np.clip(np.linalg.solve(bend, slope), -5, 5)
        w -= step
        if abs(step).max() < 1e-7:
            break
    weights = w[1:] / spread
    return w[0] - weights @ mean, weights


class Ground:
    """The gallery as a segment, and for each of its names the Arabic key it spells (None for distractors)."""

    def __init__(self):
        task = wikidata()
        self.asked = {question for question, _, _ in task.questions}
        self.spellings, self.region = defaultdict(list), {}
        for row in read_full_names(FULL_NAMES):
            if script_of(row.latin) is Script.LATIN:
                self.spellings[row.key].append(row.latin)
                self.region.setdefault(row.key, habit_of(row.country))
        keys = list(self.spellings)
        self.key_of = [keys[int(i[1:].split(":")[0])] if i[0] == "k" else None for i, _ in task.gallery]
        self.segment = Segment(build_arrays((Subject(i, names=(n,)), frozenset({0})) for i, n in task.gallery))
        self.searcher = Searcher(self.segment)
        self.words = words_of(self.segment)
        self.open = np.full(self.segment.names // 64 + 1, np.uint64(2**64 - 1))
        rest = [k for k in sorted(keys) if part_of(k) == "dev" and k not in self.asked and len(fold(k).split()) > 1]
        random.Random(4).shuffle(rest)
        self.rest = rest
        self.skeletons, self.rows = None, range(self.segment.names)

    def rivals(self, question):
        name = encode_name(read_name(question))
        bound = Bound(MOST)
        self.searcher.collect(*asked_words(name), self.open, bound)
        names, worths, _ = self.searcher.pick(bound.least(every=True))
        order = np.argsort(-worths, kind="stable")[: 3 * MOST]
        names = names[order]
        return names, self.features(name, names)

    def simple_rivals(self, question, key, own):
        """Features of the 20 names nearest by skeleton and Jaro-Winkler whose key is far from ``key``, nearest first."""
        if self.skeletons is None:
            self.skeletons = [skeleton_text(surface) for surface in map(self.segment.surfaces.__getitem__, self.rows)]
        asked = [skeleton_text(question)]
        scores = process.cdist(asked, self.skeletons, scorer=JaroWinkler.similarity, dtype=np.float32)[0]
        near = [int(i) for i in np.argsort(-scores, kind="stable")[:80]]
        keys = self.key_of
        far = [i for i in near if keys[i] is None or Levenshtein.distance(keys[i], key) >= 2]
        far = [i for i in far if self.segment.surfaces[i] != own][:20]
        return self.features(encode_name(read_name(question)), np.array(far, dtype=np.int32))

    def features(self, name, names):
        """Features of a name against names of the gallery, in their order."""
        compared = compare_candidates(name, self.words, names, most=len(names))
        return compared.features


def lines(ground, questions):
    """(features, right?, may be used as a rival?) for each question."""
    for question, key, own in questions:
        names, features = ground.rivals(question)
        keys = [ground.key_of[n] for n in names]
        right = np.array([k == key for k in keys])
        far = np.array([k is None or Levenshtein.distance(k, key) >= 2 for k in keys])
        # the very spelling asked is a rival of itself in one case of three only: records often do agree to the letter
        asked_too = sum(map(ord, question)) % 3 == 0
        other = np.array([asked_too or ground.segment.surfaces[int(n)] != own for n in names])
        yield features[other], right[other], far[other]


def relatives(ground, questions, chooser):
    """Features of each question of three words and more against a spelling of its own in which one word is another's:
    brothers and cousins share all names but one, and no list of namesakes holds enough of them.
    """
    words = [word for key in ground.rest[:4000] for word in ground.spellings[key][0].split()]
    told = []
    for question, key, own in questions:
        spellings = [text for text in ground.spellings[key] if text != own and len(text.split()) > 2]
        if len(read_name(question).core) < 3 or not spellings:
            continue
        parts = chooser.choice(spellings).split()
        parts[chooser.randrange(len(parts))] = chooser.choice(words)
        compared = compare_encoded(encode_name(read_name(question)), encode_name(read_name(" ".join(parts))))
        if compared.features[FEATURES.index("replaced_words")] > 0:
            told.append(compared.features)
    print(f"{len(told)} relatives")
    return np.array(told)


def fit(ground, questions, seed=5):
    chooser = random.Random(seed)
    found = list(lines(ground, questions))
    beside = relatives(ground, questions, chooser)
    x = np.concatenate([*(f for f, _, _ in found), beside])
    y = np.concatenate([*(r for _, r, _ in found), np.zeros(len(beside))]).astype(float)
    share = np.ones(len(y))
    share[len(y) - len(beside) :] = RELATIVES
    _, weights = regression(x, y, share)
    pairs, truth, shares = [], [], []
    for number, ((question, key, own), (features, right, far)) in enumerate(zip(questions, found, strict=True)):
        score = features @ weights
        wrong = [score[i] for i in np.argsort(-score, kind="stable") if not right[i] and far[i]][:20]
        if number % EVERY == 0 and number < 3200:
            wrong = (ground.simple_rivals(question, key, own) @ weights).tolist()
        if right.any() and len(wrong) > 1:
            pairs.append(score[chooser.choice(np.flatnonzero(right).tolist())])
            pairs += [wrong[0], chooser.choice(wrong)]
            truth += [1.0, 0.0, 0.0]
            shares += [20.0 if number % EVERY == 0 else 1.0] * 3
    shift, slope = regression(np.array(pairs)[:, None], np.array(truth), np.array(shares))
    print(f"{len(found)} questions, {len(x)} rivals, {len(truth)} pairs; slope {slope[0]:.3f}")
    values = dict(zip(FEATURES, (weights * slope[0]).round(5).tolist(), strict=True))
    return {"bias": round(float(shift), 5), "weights": values}


class Words(Ground):
    """Single words unseen in training; those the benchmark asks are left alone."""

    def __init__(self):
        task = tokens("dev", wanted=10**9)
        self.key_of = [None] * len(task.gallery)
        self.segment = Segment(build_arrays((Subject(i, names=(n,)), frozenset({0})) for i, n in task.gallery))
        self.searcher, self.words = Searcher(self.segment), words_of(self.segment)
        self.open = np.full(self.segment.names // 64 + 1, np.uint64(2**64 - 1))
        self.rest = task.questions[1000:]


def fit_single():
    """Weights for one word against one word of another script."""
    ground, chooser = Words(), random.Random(8)
    found = []
    for question, right, _ in ground.rest:
        names, features = ground.rivals(question)
        found.append((features, np.array([ground.segment.ids[int(n)] in right for n in names])))
    x = np.concatenate([f for f, _ in found])
    _, weights = regression(x, np.concatenate([r for _, r in found]).astype(float), ridge=1.0)
    pairs, truth = [], []
    for features, right in found:
        score = features @ weights
        wrong = sorted(score[~right], reverse=True)[:20]
        if right.any() and len(wrong) > 1:
            pairs += [score[right].max(), wrong[0], chooser.choice(wrong[1:])]
            truth += [1.0, 0.0, 0.0]
    shift, slope = regression(np.array(pairs)[:, None], np.array(truth))
    print(f"{len(found)} single words, {len(x)} rivals, {len(truth)} pairs; slope {slope[0]:.3f}")
    values = dict(zip(FEATURES, (weights * slope[0]).round(5).tolist(), strict=True))
    return {"bias": round(float(shift), 5), "weights": values}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("src/tansiq/engine/matching/data/weights-1.json"))
    options = parser.parse_args()
    ground = Ground()
    cross = fit(ground, [(key, key, "") for key in ground.rest[:4000]])
    chooser = random.Random(6)
    several = [key for key in ground.rest if len(set(ground.spellings[key])) > 1]
    same = fit(ground, [(own := chooser.choice(sorted(set(ground.spellings[k]))), k, own) for k in several])
    single = fit_single()
    stored = {"version": 1, "features": list(FEATURES), "relations": {"cross": cross, "same": same, "single": single}}
    options.out.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    for relation, model in stored["relations"].items():
        print(relation, model)


if __name__ == "__main__":
    main()
