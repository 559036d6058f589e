"""Lists of subjects (TSV, FollowTheMoney) linked by the matcher itself: its index, its calibrated scores, its aliases.

Where there are only names, in whatever script, and perhaps a birth date, there is nothing to learn weights from that the
matcher does not know better. One side becomes an index in a folder, the other asks it subject by subject, on several
processes; what was answered is kept, so that a stopped run goes on.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

import click
import numpy as np

from tansiq.engine.errors import Rejected
from tansiq.engine.matching import Index, Subject, screening
from tansiq.engine.matching import linkage as work
from tansiq.engine.matching.reading import Fault, guess_format, read_subjects
from tansiq.linkage.answering import Linked, Progress

NEAREST = 5
"""Answers a subject is given; a list in which one person stands more often is linked transitively."""
_ROWS_A_SEGMENT = 2_000_000


def link_lists(
    left: Path, right: Path | None, *, folder: Path, least: float, many: bool, workers: int, progress: Progress
) -> Linked:
    """Link two lists, or find the subjects of one that are the same (``right`` is None)."""
    gallery = right or left
    digest = hashlib.sha256(json.dumps([_told(left), _told(gallery)]).encode()).hexdigest()
    mark, answers = folder / "run.json", folder / "answers.jsonl"
    if not mark.exists() or mark.read_text() != digest:
        answers.unlink(missing_ok=True)
        progress("read", 0, 1)
        _build(gallery, folder / f"index-{digest[:12]}")
        mark.write_text(digest)
    asked = _asked(
        left, folder / f"index-{digest[:12]}", answers, is_one=right is None, workers=workers, progress=progress
    )
    best: dict[tuple[str, str], float] = {}
    questions = 0
    with answers.open(encoding="utf-8") as stream:
        for line in map(json.loads, stream):
            questions += 1
            for result in line["results"]:
                one, other = line["query_id"], result["id"]
                if right is None and one == other:
                    continue
                pair = (min(one, other), max(one, other)) if right is None else (one, other)
                best[pair] = max(best.get(pair, 0.0), result["score"])
    return _chosen(best, least=least, many=many, is_one=right is None, asked=max(asked, questions))


def _told(path: Path) -> list[str | int]:
    status = path.stat()
    return [str(path.absolute()), status.st_size, status.st_mtime_ns]


def _build(path: Path, folder: Path) -> None:
    index = Index(folder)
    subjects = _subjects(path, tell=True)
    while batch := list(islice(subjects, _ROWS_A_SEGMENT)):
        index.add((subject, (screening.OPEN,)) for subject in batch)


def _subjects(path: Path, *, tell: bool) -> Iterator[Subject]:
    with path.open(encoding="utf-8", errors="replace") as stream:
        for row in _rows(stream, path.name):
            if isinstance(row, Subject):
                yield row
            elif tell:
                click.echo(f"{path.name}, line {row.line}: {row.error}", err=True)


def _rows(stream: TextIO, name: str) -> Iterator[Subject | Fault]:
    first = stream.readline()
    return read_subjects(chain([first] if first else [], stream), guess_format(name, first, {}), {})


def _asked(left: Path, index: Path, answers: Path, *, is_one: bool, workers: int, progress: Progress) -> int:
    """Ask what was not asked yet; each answer is a whole line of the file."""
    done = screening.whole_lines(answers)
    questions = islice(_subjects(left, tell=not is_one and not done), done, None)
    with answers.open("a", encoding="utf-8") as out:
        for line in screening.screen(index, questions, limit=NEAREST + is_one, workers=workers):
            out.write(_short(json.loads(line)) + "\n")
            done += 1
            if not done % 1000:
                progress("asked", done, done)
    return done


def _short(line: Mapping[str, Any]) -> str:
    results = [{"id": result["id"], "score": result["score"]} for result in line["results"]]
    return json.dumps({"query_id": line["query_id"], "results": results}, ensure_ascii=False)


def _chosen(best: Mapping[tuple[str, str], float], *, least: float, many: bool, is_one: bool, asked: int) -> Linked:
    lefts, rights = (sorted({pair[side] for pair in best}) for side in (0, 1))
    if is_one:
        lefts = rights = sorted({*lefts, *rights})
    places = [{known: place for place, known in enumerate(side)} for side in (lefts, rights)]
    pairs = work.Pairs.joined(
        [
            work.Pairs(
                np.array([places[0][a] for a, _ in best], dtype=np.int32),
                np.array([places[1][b] for _, b in best], dtype=np.int32),
                np.array([_log_odds(score) for score in best.values()]),
            )
        ]
    )
    bound = _log_odds(least)
    strong = pairs.log_odds >= bound
    chosen = work.Pairs(pairs.left[strong], pairs.right[strong], pairs.log_odds[strong])
    groups: list[list[str]] = []
    if is_one:
        group = work.together(pairs, records=len(lefts), least=bound)
        inside = group[chosen.left] == group[chosen.right]
        chosen = work.Pairs(chosen.left[inside], chosen.right[inside], chosen.log_odds[inside])
        groups = [[lefts[row] for row in np.flatnonzero(group == root)] for root in np.unique(group[chosen.left])]
    elif not many:
        chosen = work.one_to_one(chosen, lefts=len(lefts), rights=len(rights))
    order = np.lexsort((chosen.right, chosen.left, -chosen.log_odds))
    links = [
        (lefts[chosen.left[k]], rights[chosen.right[k]], round(float(work.probability(chosen.log_odds[k])), 9))
        for k in order.tolist()
    ]
    precision = sum(link[2] for link in links) / len(links) if links else 1.0
    account = {"asked": asked, "links": len(links), "expected_precision": round(precision, 4)}
    return Linked(links, groups, account | ({"groups": len(groups)} if is_one else {}))


def _log_odds(score: float) -> float:
    kept = min(max(score, 1e-12), 1 - 1e-12)
    return math.log(kept / (1 - kept))


def require_lists(*sides: Any, on_cluster: bool) -> None:
    """Raise ``Rejected("matching.plan")`` unless all sides are lists, and are to be linked here: a table of columns needs to
    be told what they are, and a list is asked of an index, which is one machine's.
    """
    if any(side.is_table for side in sides):
        raise Rejected("matching.plan", at="--fields", rule="a table with columns of its own needs --fields")
    if on_cluster:
        raise Rejected("matching.plan", at="--spark", rule="Spark links tables: it needs --fields")
