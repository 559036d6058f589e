"""Screening: a stream of questions against one index, on several processes, in order, with bounded memory.

The index lies in files that all processes map; each question is answered as ``Index.search`` answers it, so a list
screened on eight processes gives the same bytes as one question after the other.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import orjson

from tansiq.engine.errors import Rejected, TansiqError
from tansiq.engine.matching import scoring
from tansiq.engine.matching.encoding import EncodedName, encode_name
from tansiq.engine.matching.index import Index
from tansiq.engine.matching.reading import Fault
from tansiq.engine.matching.subjects import Json, Labels, Query, Subject
from tansiq.engine.names import read_name

OPEN = "open"
"""The label that files on a command line carry: whoever may read them may see all of them."""
_BATCH = 24
_AHEAD = 8
"""Batches that one process may have asked or answered before anybody took them: what bounds memory when the reader is slow."""
_TAIL = 1 << 16
_WARMING = "محمد الشريف"
_GARBAGE_EVERY = 200_000
"""Answers hold no cycles: there is little to be found by looking often."""
_state: dict[str, Index] = {}


def _id_of(asked: Subject | Fault) -> str:
    return str(asked.line) if isinstance(asked, Fault) else asked.subject_id


def answer(index: Index, asked: Subject | Fault, limit: int, least: float = 0.0) -> dict[str, Json]:
    """One question's line: ``{"query_id", "query", "results"}`` with the results that score at least ``least``; a
    question that is none gets ``error`` and no results.
    """
    if isinstance(asked, Fault):
        return {"query_id": _id_of(asked), "query": "", "results": [], "error": str(asked.error)}
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
        if match.score >= least
    ]
    return line


def as_line(answered: dict[str, Json]) -> str:
    """One JSON line; a text that is no Unicode (half a surrogate pair) is written with escapes."""
    try:
        return orjson.dumps(answered).decode()
    except orjson.JSONEncodeError:
        return json.dumps(answered)


def screen(
    folder: Path, asked: Iterable[Subject | Fault], *, limit: int, workers: int, least: float = 0.0
) -> Iterator[str]:
    """JSON lines for a stream of questions, in their order; not more is read ahead than the processes can soon answer."""
    index = Index(folder)
    if workers <= 1:
        for question in asked:
            yield as_line(answer(index, question, limit, least))
        return
    _warm(index)
    context = multiprocessing.get_context("forkserver" if multiprocessing.parent_process() else "fork")
    with context.Pool(workers, initializer=_open, initargs=(folder,)) as pool:
        ahead = _Ahead(asked, room=workers * _AHEAD)
        try:
            for lines in pool.imap(_answer_batch, ahead.batches(limit, least)):
                yield from lines
                ahead.taken()
        finally:
            ahead.end()


class _Ahead:
    """Gives out batches of questions, of which only so many may be under way; a reader that left ends them."""

    def __init__(self, asked: Iterable[Subject | Fault], *, room: int) -> None:
        self._asked = iter(asked)
        self._room = threading.Semaphore(room)
        self._ended = threading.Event()

    def batches(self, limit: int, least: float) -> Iterator[tuple[list[Subject | Fault], int, float]]:
        """Batches as workers take them; waits while too many are under way."""
        while self._room.acquire() and not self._ended.is_set() and (batch := list(islice(self._asked, _BATCH))):
            yield batch, limit, least

    def taken(self) -> None:
        """The answers of one more batch are out of the way."""
        self._room.release()

    def end(self) -> None:
        """Nothing more is asked."""
        self._ended.set()
        self._room.release()


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


def _answer_batch(work: tuple[list[Subject | Fault], int, float]) -> list[str]:
    batch, limit, least = work
    return [as_line(answer(_state["index"], question, limit, least)) for question in batch]


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


def after(asked: Iterator[Subject | Fault], path: Path) -> int:
    """Leave out the questions that a file of answers holds already; returns how many.

    Raises Rejected: ``matching.other_list`` when the last answer there is not that of the question in its place.
    """
    done = whole_lines(path)
    answered = deque(islice(asked, done), maxlen=1)
    if done:
        known = _last_id(path)
        if not answered or _id_of(answered[0]) != known:
            raise Rejected("matching.other_list", at=path.name, line=done, id=known[:80])
    return done


def _last_id(path: Path) -> str:
    """The ``query_id`` of the last line of a file that ends with a whole one."""
    with path.open("rb") as stream:
        at, tail = stream.seek(0, os.SEEK_END), b""
        while at and b"\n" not in tail[:-1]:
            size = min(at, _TAIL)
            at = stream.seek(at - size)
            tail = stream.read(size) + tail
    try:
        return str(json.loads(tail[:-1].rpartition(b"\n")[2])["query_id"])
    except (ValueError, KeyError, TypeError):
        return ""
