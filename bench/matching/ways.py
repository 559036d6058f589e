"""Ways to find a name in a gallery: this matcher, and others', each with the form of the names that is best for it.

A way is opened on a task and then asked a list of questions at once, so that what can work on many together may. One that is not
installed (``uv sync --group bench``, PostgreSQL) raises ``Absent`` when it is opened.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from anyascii import anyascii
from rapidfuzz import fuzz, process
from rapidfuzz.distance import JaroWinkler

from bench.matching.tasks import Task
from tansiq.engine.names.keys import skeleton, words_of

Answer = list[tuple[str, float]]
Ask = Callable[[Sequence[str]], list[Answer]]
NEAREST = 100
MOST_LEVEL = 20_000
"""Names of one score that are taken: ties share the middle rank, which lies far behind then."""


class Absent(Exception):
    """A peer that is not installed here."""


def plain_text(name: str) -> str:
    """ASCII, lower case."""
    return " ".join(anyascii(name).lower().split())


def skeleton_text(name: str) -> str:
    """The consonant skeletons of the words."""
    return " ".join(filter(None, map(skeleton, words_of(name))))


class Gallery:
    """The names of a task, and their forms, made once."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.ids = [subject for subject, _ in task.gallery]
        self.names = [name for _, name in task.gallery]

    @cached_property
    def plain(self) -> list[str]:
        """Every name in ASCII."""
        return [plain_text(name) for name in self.names]

    @cached_property
    def skeletons(self) -> list[str]:
        """Every name as skeletons."""
        return [skeleton_text(name) for name in self.names]

    def best(self, scores: np.ndarray) -> Answer:
        """The nearest names of a line of scores, with all that are level with the last of them."""
        if len(scores) <= NEAREST:
            return list(zip(self.ids, scores.tolist(), strict=True))
        bound = scores[np.argpartition(-scores, NEAREST)[: NEAREST + 1]].min()
        return [(self.ids[i], float(scores[i])) for i in np.flatnonzero(scores >= bound)[:MOST_LEVEL]]


@contextlib.contextmanager
def ours(gallery: Gallery) -> Iterator[Ask]:
    """This matcher, 50 explained results, one thread."""
    from tansiq.engine.matching import Index, Labels, Query, Subject

    index, labels = Index(), Labels.of("all")
    index.add((Subject(subject, names=(name,)), ("all",)) for subject, name in gallery.task.gallery)

    def ask(questions: Sequence[str]) -> list[Answer]:
        found = (index.search(Query((question,)), labels, limit=50) for question in questions)
        return [[(match.subject_id, round(match.log_odds, 6)) for match in matches] for matches in found]

    yield ask


def scan(form: Callable[[str], str], scorer: Callable[..., float]) -> Callable[[Gallery], AbstractContextManager[Ask]]:
    """rapidfuzz ``process.cdist`` over every name, a batch at once, two threads."""

    @contextlib.contextmanager
    def opened(gallery: Gallery) -> Iterator[Ask]:
        forms = gallery.plain if form is plain_text else gallery.skeletons

        def ask(questions: Sequence[str]) -> list[Answer]:
            asked = [form(question) for question in questions]
            table = process.cdist(asked, forms, scorer=scorer, dtype=np.float32, workers=2)
            return [gallery.best(scores) for scores in table]

        yield ask

    return opened


def extract(scorer: Callable[..., float]) -> Callable[[Gallery], AbstractContextManager[Ask]]:
    """rapidfuzz ``process.extract`` over romanised names, one thread, 50 results."""

    @contextlib.contextmanager
    def opened(gallery: Gallery) -> Iterator[Ask]:
        forms = dict(zip(gallery.ids, gallery.plain, strict=True))

        def ask(questions: Sequence[str]) -> list[Answer]:
            found = (process.extract(plain_text(asked), forms, scorer=scorer, limit=50) for asked in questions)
            return [[(subject, float(score)) for _, score, subject in results] for results in found]

        yield ask

    return opened


@contextlib.contextmanager
def romanised(gallery: Gallery) -> Iterator[Ask]:
    """arabic-name-romanizer's five likeliest spellings, the best token_sort_ratio of any with each name."""
    try:
        from arabic_name_romanizer import transliterate
    except ImportError as wrong:
        raise Absent(str(wrong)) from wrong
    forms = gallery.plain

    def ask(questions: Sequence[str]) -> list[Answer]:
        return [gallery.best(_likest(spelled(question), forms)) for question in questions]

    def spelled(question: str) -> list[str]:
        told = transliterate(question, top_k=5)
        return [plain_text(str(getattr(one, "text", one))) for one in ([told] if isinstance(told, str) else told)]

    yield ask


def _likest(spellings: Sequence[str], forms: Sequence[str]) -> np.ndarray:
    table = process.cdist(spellings, forms, scorer=fuzz.token_sort_ratio, dtype=np.float32, workers=2)
    return np.asarray(table.max(axis=0))


def logic_v2() -> Callable[[str, str], float]:
    """nomenklatura's logic-v2 on two names; every entity gets an id of its own, for scores are kept by id."""
    try:
        from followthemoney import model
        from nomenklatura.matching import get_algorithm
    except ImportError as wrong:
        raise Absent(str(wrong)) from wrong
    algorithm = get_algorithm("logic-v2")
    assert algorithm is not None
    settings, count = algorithm.default_config(), iter(range(1 << 60))

    def entity(name: str) -> object:
        told = {"id": f"n{next(count)}", "schema": "Person", "properties": {"name": [name]}}
        return model.get_proxy(told)

    return lambda left, right: float(algorithm.compare(entity(left), entity(right), settings).score)


@contextlib.contextmanager
def second_stage(gallery: Gallery) -> Iterator[Ask]:
    """logic-v2 over the fifty names that romanisation finds nearest, as yente uses it over Elasticsearch's."""
    compare, names = logic_v2(), dict(gallery.task.gallery)

    def rated(question: str, found: Answer) -> Answer:
        near = sorted(found, key=lambda one: -one[1])[:50]
        return [(subject, compare(question, names[subject])) for subject, _ in near]

    with scan(plain_text, fuzz.token_sort_ratio)(gallery) as first:
        yield lambda questions: [rated(*both) for both in zip(questions, first(questions), strict=True)]


def trigrams(text: str) -> str:
    """Trigrams of each padded word, as words."""
    padded = (f"_{word}_" for word in text.split())
    return " ".join(word[i : i + 3] for word in padded for i in range(max(1, len(word) - 2)))


@contextlib.contextmanager
def full_text(gallery: Gallery) -> Iterator[Ask]:
    """tantivy over skeleton trigrams, the hundred best re-ranked by Jaro-Winkler."""
    try:
        import tantivy
    except ImportError as wrong:
        raise Absent(str(wrong)) from wrong
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("grams", stored=False, tokenizer_name="whitespace")
    builder.add_integer_field("row", stored=True)
    index = tantivy.Index(builder.build())
    writer = index.writer(heap_size=200_000_000)
    for row, form in enumerate(gallery.skeletons):
        writer.add_document(tantivy.Document(grams=trigrams(form), row=row))
    writer.commit()
    index.reload()
    searcher = index.searcher()

    def one(question: str) -> Answer:
        form = skeleton_text(question)
        grams = trigrams(form)
        if not grams:
            return []
        hits = searcher.search(index.parse_query(grams, ["grams"]), NEAREST).hits
        rows = [searcher.doc(address)["row"][0] for _, address in hits]
        return [(gallery.ids[row], JaroWinkler.similarity(form, gallery.skeletons[row])) for row in rows]

    yield lambda questions: [one(question) for question in questions]


@contextlib.contextmanager
def trigrams_in_postgresql(gallery: Gallery) -> Iterator[Ask]:
    """pg_trgm over skeletons behind a GIN index in a PostgreSQL of its own, the hundred most alike re-ranked by Jaro-Winkler."""
    import psycopg

    from tools.private_postgres import programs, server

    if programs() is None:
        raise Absent("PostgreSQL is not installed")
    with server() as url, psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as db:
        db.execute("CREATE EXTENSION pg_trgm")
        db.execute("CREATE TABLE names (id text, form text)")
        with db.cursor().copy("COPY names FROM STDIN") as rows:
            for row in zip(gallery.ids, gallery.skeletons, strict=True):
                rows.write_row(row)
        db.execute("CREATE INDEX ON names USING gin (form gin_trgm_ops)")
        db.execute("ANALYZE names; SET pg_trgm.similarity_threshold = 0.35")

        def one(question: str) -> Answer:
            form = skeleton_text(question)
            found = db.execute(
                f"SELECT id, form FROM names WHERE form %% %s ORDER BY similarity(form, %s) DESC LIMIT {NEAREST}",
                (form, form),
            ).fetchall()
            return [(subject, JaroWinkler.similarity(form, other)) for subject, other in found]

        yield lambda questions: [one(question) for question in questions]


@dataclass(frozen=True)
class Way:
    """A way, what it is called in a table, and how many questions it is given at once."""

    title: str
    opened: Callable[[Gallery], AbstractContextManager[Ask]]
    batch: int = 1


WAYS: dict[str, Way] = {
    "tansiq": Way("Tansiq, one thread, 50 explained results", ours),
    "cdist": Way(
        "rapidfuzz cdist, anyascii, token_sort_ratio, 20 at once", scan(plain_text, fuzz.token_sort_ratio), 20
    ),
    "cdist-skeletons": Way(
        "rapidfuzz cdist, skeletons, Jaro-Winkler, 20 at once", scan(skeleton_text, JaroWinkler.similarity), 20
    ),
    "extract": Way("rapidfuzz extract, anyascii, token_sort_ratio", extract(fuzz.token_sort_ratio)),
    "extract-wratio": Way("rapidfuzz extract, anyascii, WRatio", extract(fuzz.WRatio)),
    "romanizer": Way("arabic-name-romanizer, five spellings, rapidfuzz cdist", romanised),
    "logic-v2": Way("nomenklatura logic-v2 over the 50 nearest of cdist", second_stage, 20),
    "tantivy": Way("tantivy, skeleton trigrams, 100 re-ranked", full_text),
    "pg_trgm": Way("pg_trgm behind GIN, skeletons, 100 re-ranked", trigrams_in_postgresql),
}
