"""Learn the letter costs from openly licensed name pairs and write the data file that ships.

    python tools/train_names.py SHARED/data/names/train [--out src/tansiq/engine/names/data/letters-1.npz]

Sources (see the README of the shared data; all CC0, Apache-2.0, MIT or Unlicense): COLING-2018 Wikidata token pairs
(Arabic, Russian, Hebrew), Google ar2en, a token dictionary, and the *train* part of the Wikidata full names
(``bench/matching/split.py`` says which; the development and untouched parts are never read here). Expectation
maximisation over a one-letter-to-chunk transducer; no randomness, so the same input gives the same file.
"""

from __future__ import annotations

import argparse
import collections
import csv
import sys
import time
from pathlib import Path

import numpy as np
from numba import njit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.matching.split import habit_of, part_of, read_full_names, word_part
from tansiq.engine.names import Script, fold, read_name
from tansiq.engine.names.costs import HABITS, make_chunks, smooth
from tansiq.engine.names.kernels import hash_texts
from tansiq.engine.names.letters import ALPHABETS, KINDS, LATIN, LATIN_LETTERS, rows_of

Pair = tuple[str, str, float]
VOWELS = frozenset("aeiouy")
ROUNDS = 12
LENGTH_PRIOR = {0: 0.15, 1: 0.5 / 36, 2: 0.25 / 600, 3: 0.07 / 6000, 4: 0.03 / 30000}


@njit(cache=True)
def expect(  # noqa: C901 - one loop nest, kept whole for the compiler
    source_at, rows, target_at, letters, weights, prob, child, chunk_of, counts
):
    """One pass of forward and backward sums; expected counts are added to ``counts``. Returns log-likelihood, pairs
    left out.
    """
    total_log, left_out = 0.0, 0
    ahead = np.zeros((40, 48))
    after = np.zeros((40, 48))
    for k in range(weights.shape[0]):
        s0, t0 = source_at[k], target_at[k]
        n, m = source_at[k + 1] - s0, target_at[k + 1] - t0
        if n > 36 or m > 44 or n == 0:
            continue
        ahead[: n + 1, : m + 1] = 0.0
        after[: n + 1, : m + 1] = 0.0
        ahead[0, 0] = 1.0
        for i in range(n):
            row = rows[s0 + i]
            for j in range(m + 1):
                here = ahead[i, j]
                if here == 0.0:
                    continue
                ahead[i + 1, j] += here * prob[row, 0]
                state = 0
                for d in range(4):
                    if j + d >= m:
                        break
                    state = child[state, letters[t0 + j + d]]
                    if state == 0:
                        break
                    if chunk_of[state] > 0:
                        ahead[i + 1, j + d + 1] += here * prob[row, chunk_of[state]]
        total = ahead[n, m]
        if total <= 1e-290:
            left_out += 1
            continue
        total_log += weights[k] * np.log(total)
        after[n, m] = 1.0
        for i in range(n - 1, -1, -1):
            row = rows[s0 + i]
            for j in range(m + 1):
                here = ahead[i, j]
                if here == 0.0:
                    continue
                share = weights[k] * here / total
                value = after[i + 1, j] * prob[row, 0]
                counts[row, 0] += share * value
                summed = value
                state = 0
                for d in range(4):
                    if j + d >= m:
                        break
                    state = child[state, letters[t0 + j + d]]
                    if state == 0:
                        break
                    chunk = chunk_of[state]
                    if chunk > 0:
                        value = after[i + 1, j + d + 1] * prob[row, chunk]
                        counts[row, chunk] += share * value
                        summed += value
                after[i, j] = summed
    return total_log, left_out


def packed(pairs, alphabet, *, plain=False):
    """Flat arrays of encoded pairs; ``plain`` uses one row per letter instead of one per context."""
    rows, letters, source_at, target_at, weights = [], [], [0], [0], []
    for source, target, weight in pairs:
        a, b = alphabet.encode(source), LATIN.encode(target)
        if not len(a) or not len(b):
            continue
        rows.append(a.astype(np.int32) if plain else rows_of(a, alphabet))
        letters.append(b)
        source_at.append(source_at[-1] + len(a))
        target_at.append(target_at[-1] + len(b))
        weights.append(weight)
    return (np.array(source_at), np.concatenate(rows), np.array(target_at), np.concatenate(letters), np.array(weights))


def prior(texts):
    values = np.array([LENGTH_PRIOR[len(text)] for text in texts])
    return values / values.sum()


def well_formed(chunk):
    """Chunks of three or four letters are consonants followed by vowels; shorter ones are free."""
    first_vowel = next((i for i, c in enumerate(chunk) if c in VOWELS), len(chunk))
    return len(chunk) < 3 or all(c in VOWELS for c in chunk[first_vowel:])


def useful_chunks(pairs, alphabet, least=4.0):
    """Chunks that letters of this script really emit: a few rounds without context over every frequent substring."""
    seen = collections.Counter()
    for _, target, weight in pairs:
        for d in range(1, 5):
            for j in range(len(target) - d + 1):
                if well_formed(target[j : j + d]):
                    seen[target[j : j + d]] += weight
    frequent = {c for c, n in seen.items() if n >= 15 and set(c) <= set(LATIN_LETTERS)}
    texts = ("", *sorted(frequent | set(LATIN_LETTERS)))
    chunks, data = make_chunks(texts), packed(pairs, alphabet, plain=True)
    prob = np.tile(prior(texts), (len(alphabet.letters) + 1, 1))
    for _ in range(5):
        counts = np.zeros_like(prob)
        expect(*data, prob, chunks.child, chunks.chunk_of, counts)
        prob = (counts + 0.5 * prior(texts)) / (counts.sum(axis=1, keepdims=True) + 0.5)
    totals = counts.sum(axis=0)
    return {text for text, total in zip(texts, totals, strict=True) if total >= least}


def learn(pairs, alphabet, texts, label, start=None):
    """Expected counts per row and chunk after ``ROUNDS`` rounds."""
    chunks, data = make_chunks(texts), packed(pairs, alphabet)
    prob = np.tile(prior(texts), (alphabet.rows, 1)) if start is None else start
    for turn in range(ROUNDS):
        began = time.perf_counter()
        counts = np.zeros_like(prob)
        total, left_out = expect(*data, prob, chunks.child, chunks.chunk_of, counts)
        prob = smooth(counts) if start is None else smooth(counts, start)
        nats = total / data[4].sum()
        print(f"{label} round {turn}: {nats:.4f} nats a pair, {left_out} left out, {time.perf_counter() - began:.1f} s")
    return counts


# ---- sources -------------------------------------------------------------------------------------------------------------


def coling(path):
    pairs = []
    for line in path.read_text(encoding="utf-8").splitlines():
        latin, letters, count = line.split("\t")
        pairs.append((fold(letters.replace(" ", "")), fold(latin).replace(" ", ""), min(float(count), 3.0)))
    return [p for p in pairs if p[0] and p[1] and " " not in p[0]]


def google(path):
    cells = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    return [(fold(c[0]), fold(c[1]), 1.0) for c in cells if len(c) == 2]


def palestine(path):
    with path.open(encoding="utf-8", newline="") as stream:
        cells = [c for c in csv.reader(stream) if len(c) == 2]
    return [(fold(c[0]).replace(" ", ""), fold(c[1]).replace(" ", ""), 2.0) for c in cells]


def full_name_words(path):
    """Word pairs of the train part, in order, where both names have as many words; counted per habit."""
    pairs = collections.Counter()
    words = collections.Counter()
    for row in read_full_names(path):
        if part_of(row.key) != "train":
            continue
        left, right = read_name(row.key).core, read_name(row.latin).core
        for word in right:
            if word.script is Script.LATIN:
                words[word.letters] += 1
        if len(left) != len(right):
            continue
        for a, b in zip(left, right, strict=True):
            if a.script is Script.ARABIC and b.script is Script.LATIN:
                pairs[a.letters, b.letters, habit_of(row.country)] += 1
    return pairs, words


def spelling_pairs(pairs, left_outside):
    """Latin spellings of one word: two random records that share its Arabic form, by how often each spelling is met."""
    groups = collections.defaultdict(collections.Counter)
    for (arabic, latin, _), count in pairs.items():
        if not left_outside(arabic, latin):
            groups[arabic][latin] += count
    found = collections.Counter()
    for spellings in groups.values():
        total = sum(spellings.values())
        for a, n in spellings.items():
            for b, m in spellings.items():
                found[a, b] += n * m / total / max(1.0, (total / 20.0) ** 0.5)
    return [(a, b, w) for (a, b), w in found.items() if w > 0.01]


def improbable(texts, counts):
    """A test for pairs that are not spellings of each other at all (another name, a label gone wrong)."""
    from tansiq.engine.names.costs import to_costs
    from tansiq.engine.names.kernels import make_room, reading_cost

    alphabet = ALPHABETS[Script.ARABIC]
    costs = to_costs(smooth(counts), alphabet, texts)
    chunks, room, floors = make_chunks(texts), make_room(), costs.min(axis=1)

    def test(arabic, latin):
        a, b = alphabet.encode(arabic), LATIN.encode(latin)
        rows = rows_of(a, alphabet)
        cost = reading_cost(
            rows, 0, len(rows), b, 0, len(b), costs, floors, chunks.child, chunks.chunk_of, room, 1 << 19
        )
        return cost > 16 * (4.0 + 1.6 * max(len(a), len(b)))

    return test


def lexicon(pairs, left_outside):
    """Spellings of words met four times and more, by hash; the unseen share is Good and Turing's."""
    groups = collections.defaultdict(collections.Counter)
    for arabic, latin, weight in pairs:
        groups[arabic][latin] += weight
    rows = []
    for arabic, spellings in groups.items():
        kept = {latin: n for latin, n in spellings.items() if n >= 2 and not left_outside(arabic, latin)}
        total = sum(n for latin, n in spellings.items() if n >= 2 or not left_outside(arabic, latin))
        if total < 4 or not kept:
            continue
        once = sum(n < 2 for n in spellings.values())
        unseen = min(max((once + 1) / (total + 2), 0.02), 0.9)
        listed = sorted((hash_of(latin), cost_of((1 - unseen) * n / total)) for latin, n in kept.items())
        rows.append((hash_of(arabic), cost_of(unseen), listed))
    rows.sort()
    return {
        "lexicon/words": np.array([word for word, _, _ in rows], dtype=np.int64),
        "lexicon/unseen": np.array([unseen for _, unseen, _ in rows], dtype=np.uint8),
        "lexicon/sizes": np.array([len(listed) for _, _, listed in rows], dtype=np.uint16),
        "lexicon/spellings": np.array([h for _, _, listed in rows for h, _ in listed], dtype=np.int64),
        "lexicon/costs": np.array([c for _, _, listed in rows for _, c in listed], dtype=np.uint8),
    }


def cost_of(probability):
    return int(min(round(-np.log(probability) * 16), 255))


def hash_of(text):
    raw = np.frombuffer(text.encode(), dtype=np.uint8)
    return int(hash_texts(raw, np.array([0, len(raw)], dtype=np.uint32)).astype(np.int64)[0])


# ---- background ----------------------------------------------------------------------------------------------------------


def trigram_costs(words):
    """Interpolated letter trigrams over distinct words: ``[before, last, next]``, 0 the boundary, 27 a digit; cost x
    16.
    """
    size = 28
    counts = np.zeros((size, size, size))
    for word in words:
        a = b = 0
        for letter in word:
            c = ord(letter) - 96 if "a" <= letter <= "z" else 27
            counts[a, b, c] += 1
            a, b = b, c
        counts[a, b, 0] += 1
    one = counts.sum(axis=(0, 1)) + 1.0
    one /= one.sum()
    two = counts.sum(axis=0)
    two = (two + 10.0 * one) / (two.sum(axis=1, keepdims=True) + 10.0)
    three = (counts + 10.0 * two) / (counts.sum(axis=2, keepdims=True) + 10.0)
    return np.minimum(np.round(-np.log(three) * 16), 400).astype(np.uint16)


def sparse(counts):
    flat = np.minimum(np.round(counts.ravel() * 16), 65535).astype(np.uint16)
    places = np.flatnonzero(flat)
    return np.diff(places, prepend=0).astype(np.int32), flat[places]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("--out", type=Path, default=Path("src/tansiq/engine/names/data/letters-1.npz"))
    parser.add_argument("--unseen", action="store_true", help="leave out the words that bench/matching asks as unseen")
    options = parser.parse_args()
    folder = options.train
    arabic_tokens = coling(folder / "wd_arabic_80.tsv") + google(folder / "ar2en-train.txt")
    arabic_tokens += palestine(folder / "palestine_dict_ar_en.csv")
    full, words = full_name_words(folder / "wikidata_full_names.tsv")
    cyrillic, hebrew = coling(folder / "wd_russian_80.tsv"), coling(folder / "wd_hebrew_80.tsv")
    if options.unseen:
        arabic_tokens, cyrillic, hebrew = (
            [pair for pair in pairs if word_part(pair[0]) == "train"] for pairs in (arabic_tokens, cyrillic, hebrew)
        )
        full = {key: n for key, n in full.items() if word_part(key[0]) == "train"}
    by_habit = {
        habit: [(a, b, min(3.0, n**0.5)) for (a, b, h), n in sorted(full.items()) if h == habit] for habit in HABITS
    }
    arabic = arabic_tokens + [pair for habit in HABITS for pair in by_habit[habit]]
    kinds = {Script.ARABIC: arabic, Script.CYRILLIC: cyrillic, Script.HEBREW: hebrew}
    useful = set(LATIN_LETTERS) | {""}
    for script, pairs in kinds.items():
        useful |= useful_chunks(pairs, ALPHABETS[script])
    texts = ("", *sorted(useful - {""}))
    print(len(texts), "chunks")
    stored = {"chunks": np.array(texts)}
    counts = {script.value: learn(pairs, ALPHABETS[script], texts, script.value) for script, pairs in kinds.items()}
    pooled = smooth(counts["arabic"])
    for habit in HABITS:
        name = f"arabic:{habit}"
        counts[name] = learn(by_habit[habit], ALPHABETS[Script.ARABIC], texts, name, start=pooled)
    outside = improbable(texts, counts["arabic"])
    met = [(a, b, n) for (a, b, _), n in full.items()] + [(a, b, 0.5 * n) for a, b, n in arabic_tokens]
    stored |= lexicon(met, outside)
    print(len(stored["lexicon/words"]), "words with", len(stored["lexicon/costs"]), "known spellings")
    spellings = spelling_pairs(full, outside)
    print(len(spellings), "pairs of Latin spellings")
    counts["latin"] = learn(spellings, LATIN, texts, "latin")
    for name, table in counts.items():
        stored[f"{name}/steps"], stored[f"{name}/counts"] = sparse(table)
    for pairs in kinds.values():
        for _, latin, weight in pairs:
            words[latin] += 0.05 * weight
    total = sum(words.values())
    latin_words = {w: n for w, n in words.items() if set(w) <= set(LATIN_LETTERS) and len(w) > 1}
    stored["trigrams"] = trigram_costs(sorted(latin_words))
    common = sorted(w for w, n in latin_words.items() if n >= 3)
    stored["words"] = np.array(" ".join(common))
    stored["word_logs"] = np.array([round(-np.log(latin_words[w] / total) * 16) for w in common], dtype=np.uint16)
    print(len(common), "common words")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(options.out, **stored)
    print(options.out, options.out.stat().st_size, "bytes;", KINDS, "kinds of neighbour")


if __name__ == "__main__":
    main()
