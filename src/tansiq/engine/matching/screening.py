"""Screening: a stream of questions against one index, on several processes, in order, with bounded memory.

The index lies in files that all processes map; each question is answered as ``Index.search`` answers it, so a list
screened on eight processes gives the same bytes as one question after the other.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import orjson

from tansiq.engine.errors import TansiqError
from tansiq.engine.matching import scoring
from tansiq.engine.matching.encoding import EncodedName, encode_name
from tansiq.engine.matching.index import Index
from tansiq.engine.matching.reading import Fault
from tansiq.engine.matching.subjects import Json, Labels, Query, Subject
from tansiq.engine.names import read_name

OPEN = "open"
"""The label that files on a command line carry: whoever may read them may see all of them."""
_BATCH = 24
_WARMING = "محمد الشريف"
_GARBAGE_EVERY = 200_000
"""Answers hold no cycles: there is little to be found by looking often."""
_state: dict[str, Index] = {}


def answer(index: Index, asked: Subject | Fault, limit: int) -> dict[str, Json]:
    """One question's line: ``{"query_id", "query", "results"}``; a question that is none gets ``error`` and no
    results.
    """
    if isinstance(asked, Fault):
        return {"query_id": str(asked.line), "query": "", "results": [], "error": str(asked.error)}
    line: dict[str, Json] = {"query_id": asked.subject_id, "query": "|".join(asked.names), "results": []}
    try:
        found = index.search(Query.of(asked), Labels.of(OPEN), limit)
    except TansiqError as error:
        line["error"] = str(error)
        return line
    line["results"] = [
        {
            "id": match.subject_id,
            "name": match.explanation["name"],
            "score": match.score,
            "explanation": {"band": match.band, **match.explanation},
        }
        for match in found
    ]
    return line


def as_line(answered: dict[str, Json]) -> str:
    """One JSON line; a text that is no Unicode (half a surrogate pair) is written with escapes."""
    try:
        return orjson.dumps(answered).decode()
    except orjson.JSONEncodeError:
        return json.dumps(answered)


def screen(folder: Path, asked: Iterable[Subject | Fault], *, limit: int, workers: int) -> Iterator[str]:
    """JSON lines for a stream of questions, in their order."""
    index = Index(folder)
    if workers <= 1:
        for question in asked:
            yield as_line(answer(index, question, limit))
        return
    _warm(index)
    context = multiprocessing.get_context("forkserver" if multiprocessing.parent_process() else "fork")
    with context.Pool(workers, initializer=_open, initargs=(folder,)) as pool:
        for lines in pool.imap(_answer_batch, _batches(asked, limit)):
            yield from lines


def _warm(index: Index) -> None:
    """Load tables and compiled code before processes part, so that they share them."""
    index.search(Query((_WARMING,)), Labels.of(OPEN), 1)
    _state["index"] = index
    gc.collect()
    gc.freeze()


def _open(folder: Path) -> None:
    if "index" not in _state:
        _state["index"] = Index(folder)
    gc.set_threshold(_GARBAGE_EVERY)


def _batches(asked: Iterable[Subject | Fault], limit: int) -> Iterator[tuple[list[Subject | Fault], int]]:
    stream = iter(asked)
    while batch := list(islice(stream, _BATCH)):
        yield batch, limit


def _answer_batch(work: tuple[list[Subject | Fault], int]) -> list[str]:
    batch, limit = work
    return [as_line(answer(_state["index"], question, limit)) for question in batch]


def pair_score(left: str, right: str) -> float:
    """The calibrated probability that two names (``|`` between aliases) are one subject's; 0 when one has no
    letters.
    """
    best = max(
        (scoring.compare_encoded(a, b).log_odds for a in _aliases(left) for b in _aliases(right)), default=-700.0
    )
    return round(scoring.probability(best), 9)


def _aliases(text: str) -> list[EncodedName]:
    names = (encode_name(read_name(alias)) for alias in text.split("|"))
    return [name for name in names if name.words]


def whole_lines(path: Path) -> int:
    """How many whole lines a file of answers holds; a broken last one is cut off, so that a stopped run goes on there."""
    if not path.exists():
        return 0
    whole, count, at = 0, 0, 0
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            count += block.count(b"\n")
            if (last := block.rfind(b"\n")) >= 0:
                whole = at + last + 1
            at += len(block)
    if whole < at:
        os.truncate(path, whole)
    return count
