"""Other ways to find the same names, on the same tasks and machine, in one run.

    nice python -m bench.matching.peers --task wd --part test --questions 200
    (tantivy is measured when it can be imported)

rapidfuzz ``process.extract`` and ``process.cdist`` over romanised names and over consonant skeletons; tantivy over skeleton trigrams
re-ranked by Jaro-Winkler. Each peer gets the best form of the names we know for it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
from anyascii import anyascii
from rapidfuzz import fuzz, process
from rapidfuzz.distance import JaroWinkler

from bench.matching.run import make_task, rank_of
from bench.matching.tasks import Task
from tansiq.engine.names.keys import skeleton, words_of

Answer = list[tuple[str, float]]


def plain_text(name: str) -> str:
    """ASCII, lower case."""
    return " ".join(anyascii(name).lower().split())


def skeleton_text(name: str) -> str:
    """The consonant skeletons of the words."""
    return " ".join(filter(None, map(skeleton, words_of(name))))


def full_scan(task: Task, form: Callable[[str], str], scorer: Callable[..., float]) -> Callable[[str], Answer]:
    """rapidfuzz over every name."""
    gallery = [form(name) for _, name in task.gallery]
    ids = [subject for subject, _ in task.gallery]

    def ask(question: str) -> Answer:
        scores = process.cdist([form(question)], gallery, scorer=scorer, dtype=np.float32, workers=2)[0]
        best = np.argpartition(-scores, 100)[:101]
        bound = scores[best].min()
        return [(ids[i], float(scores[i])) for i in np.flatnonzero(scores >= bound)[:20000]]

    return ask


def extract(task: Task, form: Callable[[str], str], scorer: Callable[..., float]) -> Callable[[str], Answer]:
    """rapidfuzz ``process.extract``, one thread, 50 results."""
    gallery = {subject: form(name) for subject, name in task.gallery}

    def ask(question: str) -> Answer:
        found = process.extract(form(question), gallery, scorer=scorer, limit=50)
        return [(subject, float(score)) for _, score, subject in found]

    return ask


def trigrams(text: str) -> str:
    """Trigrams of each padded word, as words."""
    padded = (f"_{word}_" for word in text.split())
    return " ".join(word[i : i + 3] for word in padded for i in range(max(1, len(word) - 2)))


def full_text(task: Task) -> Callable[[str], Answer] | None:
    """tantivy over skeleton trigrams, top 100 re-ranked; None where it is not installed."""
    try:
        import tantivy
    except ImportError:
        return None
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("grams", stored=False, tokenizer_name="whitespace")
    builder.add_integer_field("row", stored=True)
    index = tantivy.Index(builder.build())
    writer = index.writer(heap_size=200_000_000)
    forms = [skeleton_text(name) for _, name in task.gallery]
    for row, form in enumerate(forms):
        writer.add_document(tantivy.Document(grams=trigrams(form), row=row))
    writer.commit()
    index.reload()
    searcher = index.searcher()

    def ask(question: str) -> Answer:
        form = skeleton_text(question)
        grams = trigrams(form)
        if not grams:
            return []
        query = index.parse_query(grams, ["grams"])
        rows = [searcher.doc(address)["row"][0] for _, address in searcher.search(query, 100).hits]
        return [(task.gallery[row][0], JaroWinkler.similarity(form, forms[row])) for row in rows]

    return ask


def measure(name: str, ask: Callable[[str], Answer], task: Task, questions: int) -> None:
    step = max(1, len(task.questions) // questions)
    chosen = task.questions[::step]
    ask(chosen[0][0])
    began = time.perf_counter()
    ranks = np.array([rank_of(ask(question), right) for question, right, _ in chosen])
    took = time.perf_counter() - began
    print(
        json.dumps(
            {
                "peer": name,
                "task": task.name,
                "questions": len(chosen),
                "R@1": round(float(np.mean(ranks <= 1)), 3),
                "R@10": round(float(np.mean(ranks <= 10)), 3),
                "queries_per_s": round(len(chosen) / took, 1),
            }
        ),
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=("wd", "un", "tokens", "latin"), default="wd")
    parser.add_argument("--part", choices=("dev", "test"), default="dev")
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=200)
    options = parser.parse_args()
    task = make_task(options.task, options.part, options.size)
    measure(
        "rapidfuzz cdist, anyascii, token_sort_ratio",
        full_scan(task, plain_text, fuzz.token_sort_ratio),
        task,
        options.questions,
    )
    measure(
        "rapidfuzz cdist, skeleton, Jaro-Winkler",
        full_scan(task, skeleton_text, JaroWinkler.similarity),
        task,
        options.questions,
    )
    measure(
        "rapidfuzz extract, anyascii, token_sort_ratio",
        extract(task, plain_text, fuzz.token_sort_ratio),
        task,
        max(20, options.questions // 5),
    )
    measure(
        "rapidfuzz extract, anyascii, WRatio",
        extract(task, plain_text, fuzz.WRatio),
        task,
        max(20, options.questions // 10),
    )
    tantivy_ask = full_text(task)
    if tantivy_ask is None:
        print("tantivy: not installed, not measured", flush=True)
    else:
        measure("tantivy, skeleton trigrams, top 100", tantivy_ask, task, options.questions)


if __name__ == "__main__":
    main()
