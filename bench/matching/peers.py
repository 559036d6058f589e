"""Other ways to find the same names beside ours: the same tasks, the same machine, one table.

    nice python -m bench.matching.peers --task wd --part test --questions 200
    nice python -m bench.matching.peers --task pairs --part test --questions 300

rapidfuzz ``process.extract`` and ``process.cdist`` over romanised names and over consonant skeletons; tantivy over skeleton trigrams
re-ranked by Jaro-Winkler; pg_trgm in a PostgreSQL of its own, over skeletons; arabic-name-romanizer's five likeliest spellings, each
searched by rapidfuzz; nomenklatura's logic-v2 as a second stage over the fifty names that romanisation finds nearest (as yente uses
it over Elasticsearch's), and as a scorer of pairs. Each peer gets the best form of the names we know for it. One that is not installed
(``uv sync --group bench``) says so. ``python -m bench.matching.linkage`` runs splink.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator

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


def ours(task: Task) -> Callable[[str], Answer]:
    """This matcher, 50 explained results, one thread."""
    from tansiq.engine.matching import Index, Labels, Query, Subject

    index = Index()
    index.add((Subject(subject, names=(name,)), ("all",)) for subject, name in task.gallery)

    def ask(question: str) -> Answer:
        return [
            (m.subject_id, round(m.log_odds, 6)) for m in index.search(Query((question,)), Labels.of("all"), limit=50)
        ]

    return ask


def romanised(task: Task) -> Callable[[str], Answer]:
    """arabic-name-romanizer's five likeliest spellings, the best of each name's token_sort_ratio."""
    from arabic_name_romanizer import transliterate

    gallery = [plain_text(name) for _, name in task.gallery]
    ids = [subject for subject, _ in task.gallery]

    def ask(question: str) -> Answer:
        told = transliterate(question, top_k=5)
        spellings = [plain_text(str(getattr(one, "text", one))) for one in ([told] if isinstance(told, str) else told)]
        table = process.cdist(spellings, gallery, scorer=fuzz.token_sort_ratio, dtype=np.float32, workers=2).max(axis=0)
        best = np.argpartition(-table, 100)[:101]
        return [(ids[i], float(table[i])) for i in np.flatnonzero(table >= table[best].min())[:20000]]

    return ask


def logic_v2() -> Callable[[str, str], float]:
    """nomenklatura's logic-v2 on two names; every entity gets an id of its own, for scores are kept by id."""
    from followthemoney import model
    from nomenklatura.matching import get_algorithm

    algorithm = get_algorithm("logic-v2")
    assert algorithm is not None
    settings, count = algorithm.default_config(), iter(range(1 << 60))

    def entity(name: str) -> object:
        told = {"id": f"n{next(count)}", "schema": "Person", "properties": {"name": [name]}}
        return model.get_proxy(told)

    return lambda left, right: float(algorithm.compare(entity(left), entity(right), settings).score)


def second_stage(task: Task, first: Callable[[str], Answer]) -> Callable[[str], Answer]:
    """logic-v2 over the fifty nearest of a first stage."""
    compare, names = logic_v2(), dict(task.gallery)

    def ask(question: str) -> Answer:
        near = sorted(first(question), key=lambda found: -found[1])[:50]
        return [(subject, compare(question, names[subject])) for subject, _ in near]

    return ask


@contextlib.contextmanager
def trigrams_in_postgresql(task: Task) -> Iterator[Callable[[str], Answer]]:
    """pg_trgm over skeletons behind a GIN index, the hundred most alike re-ranked by Jaro-Winkler."""
    import psycopg

    from tools.private_postgres import server

    with server() as url, psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as db:
        db.execute("CREATE EXTENSION pg_trgm")
        db.execute("CREATE TABLE names (id text, form text)")
        with db.cursor().copy("COPY names FROM STDIN") as rows:
            for subject, name in task.gallery:
                rows.write_row((subject, skeleton_text(name)))
        db.execute("CREATE INDEX ON names USING gin (form gin_trgm_ops)")
        db.execute("ANALYZE names; SET pg_trgm.similarity_threshold = 0.35")

        def ask(question: str) -> Answer:
            form = skeleton_text(question)
            found = db.execute(
                "SELECT id, form FROM names WHERE form %% %s ORDER BY similarity(form, %s) DESC LIMIT 100", (form, form)
            ).fetchall()
            return [(subject, JaroWinkler.similarity(form, other)) for subject, other in found]

        yield ask


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


def measure_pairs(part: str, questions: int) -> None:
    """Scorers of pairs on true pairs and hard rivals: AUC, best F1, pairs a second; and on nomenklatura's own cases."""
    from bench.matching.pairs import at_threshold, auc, labelled_cases, make_pairs
    from tansiq.engine.matching.screening import pair_score

    scorers: dict[str, Callable[[str, str], float]] = {
        "tansiq": pair_score,
        "rapidfuzz token_sort_ratio, anyascii": lambda a, b: fuzz.token_sort_ratio(plain_text(a), plain_text(b)) / 100,
        "Jaro-Winkler, skeletons": lambda a, b: JaroWinkler.similarity(skeleton_text(a), skeleton_text(b)),
    }
    with _unless_missing("nomenklatura logic-v2"):
        scorers["nomenklatura logic-v2"] = logic_v2()
    sets = {f"pairs-{part}": make_pairs(part, "simple")[: 3 * questions], "nomenklatura cases": labelled_cases()}
    for what, pairs in sets.items():
        truth = np.array([t for _, _, t in pairs])
        for name, scorer in scorers.items():
            scorer(pairs[0][0], pairs[0][1])  # what is loaded or compiled once is not counted
            began = time.perf_counter()
            scores = np.array([scorer(a, b) for a, b, _ in pairs])
            took = time.perf_counter() - began
            best = max((at_threshold(truth, scores, bound)["f1"] for bound in np.linspace(0.02, 0.98, 97)), default=0.0)
            told = {
                "task": what,
                "way": name,
                "pairs": len(pairs),
                "AUC": round(auc(truth, scores), 4),
                "best_f1": best,
            }
            print(json.dumps(told | {"pairs_per_s": round(len(pairs) / took)}), flush=True)


@contextlib.contextmanager
def _unless_missing(name: str) -> Iterator[None]:
    try:
        yield
    except (ImportError, SystemExit) as wrong:
        print(f"{name}: not installed, not measured ({wrong})", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=("wd", "un", "tokens", "latin", "pairs"), default="wd")
    parser.add_argument("--part", choices=("dev", "test"), default="dev")
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=200)
    options = parser.parse_args()
    if options.task == "pairs":
        measure_pairs(options.part, options.questions)
        return
    task, count = make_task(options.task, options.part, options.size), options.questions
    measure("tansiq, one thread, explained", ours(task), task, count)
    scan = full_scan(task, plain_text, fuzz.token_sort_ratio)
    measure("rapidfuzz cdist, anyascii, token_sort_ratio", scan, task, count)
    measure(
        "rapidfuzz cdist, skeleton, Jaro-Winkler", full_scan(task, skeleton_text, JaroWinkler.similarity), task, count
    )
    few = max(20, count // 10)
    measure(
        "rapidfuzz extract, anyascii, token_sort_ratio", extract(task, plain_text, fuzz.token_sort_ratio), task, few
    )
    measure("rapidfuzz extract, anyascii, WRatio", extract(task, plain_text, fuzz.WRatio), task, few)
    with _unless_missing("arabic-name-romanizer"):
        measure("arabic-name-romanizer, 5 spellings, cdist", romanised(task), task, few)
    with _unless_missing("nomenklatura"):
        measure("nomenklatura logic-v2 over 50 nearest", second_stage(task, scan), task, few)
    with _unless_missing("pg_trgm"), trigrams_in_postgresql(task) as ask:
        measure("pg_trgm GIN, skeletons, top 100", ask, task, few)
    full = full_text(task)
    if full is None:
        print("tantivy: not installed, not measured", file=sys.stderr, flush=True)
    else:
        measure("tantivy, skeleton trigrams, top 100", full, task, count)


if __name__ == "__main__":
    main()
