"""Building an index from a file on several processes: blocks of lines become segments side by side, then one.

Each process reads, folds and numbers the words of its blocks and leaves a segment file; what is left to do in one
place is to lay arrays together (``layout.combine``). Memory: a few blocks, then about three times the finished index.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

from tansiq.engine.matching.encoding import encode_name
from tansiq.engine.matching.index import Index
from tansiq.engine.matching.reading import Fault, read_subjects
from tansiq.engine.matching.segment import build_arrays
from tansiq.engine.matching.storage import read_segment, write_segment
from tansiq.engine.matching.subjects import Label, Subject
from tansiq.engine.names import read_name

_BLOCK = 4 << 20
"""Characters of a file that one process takes at a time; rows that come as columns are counted instead."""
_ROWS = 100_000


@dataclass(frozen=True)
class _Block:
    """Part of a file: its text and the number of its first line, or rows that were read already."""

    target: Path
    kind: str
    text: str = ""
    first: int = 1
    rows: tuple[Subject | Fault, ...] = ()

    def subjects(self) -> Iterable[Subject | Fault]:
        """The rows of the block, faults in their places."""
        if not self.text:
            return self.rows
        return read_subjects(self.text.removesuffix("\n").split("\n"), self.kind, {}, first=self.first)


def build(
    folder: Path,
    stream: TextIO,
    *,
    first_line: str,
    kind: str,
    mapping: Mapping[str, str],
    label: Label,
    workers: int,
    told: Callable[[Fault], None],
) -> Index:
    """An index of all rows of ``stream`` (whose first line was read already), in a new folder; each row that is left
    out is told.

    Raises ``Rejected("matching.mapping")``. Of rows with one id the last holds.
    """
    scratch = folder.with_name(folder.name + ".blocks")
    scratch.mkdir(parents=True)
    blocks = _blocks(scratch, stream, first_line, kind, mapping)
    begun = list(islice(blocks, 2))
    works = ((block, label) for block in chain(begun, blocks))
    paths: list[Path] = []
    index = Index(folder)
    if workers > 1 and len(begun) > 1 and not multiprocessing.parent_process():
        encode_name(read_name("محمد"))  # tables and compiled code are loaded once, before processes part
        with multiprocessing.get_context("fork").Pool(workers) as pool:
            for path, faults in pool.imap(_lay_out, works):
                paths += [path] if path else []
                for fault in faults:
                    told(fault)
    else:
        for path, faults in map(_lay_out, works):
            paths += [path] if path else []
            for fault in faults:
                told(fault)
    index.replace([read_segment(path) for path in paths])
    return index


def _blocks(scratch: Path, stream: TextIO, first_line: str, kind: str, mapping: Mapping[str, str]) -> Iterator[_Block]:
    if kind == "csv":
        rows = read_subjects(chain([first_line] if first_line else [], stream), kind, mapping)
        for number in range(1 << 30):
            taken = tuple(islice(rows, _ROWS))
            if not taken:
                return
            yield _Block(scratch / f"{number:08}.segment", kind, rows=taken)
    number, first, lines = 0, 1, [first_line] if first_line else []
    while lines := [*lines, *stream.readlines(_BLOCK)]:
        yield _Block(scratch / f"{number:08}.segment", kind, "".join(lines), first)
        number, first, lines = number + 1, first + len(lines), []


def _lay_out(work: tuple[_Block, Label]) -> tuple[Path | None, list[Fault]]:
    block, label = work
    faults: list[Fault] = []
    rows: dict[str, tuple[Subject, frozenset[Label]]] = {}
    carried = frozenset({label})
    for row in block.subjects():
        if isinstance(row, Fault):
            faults.append(row)
        else:
            rows[row.subject_id] = (row, carried)
    if not rows:
        return None, faults
    write_segment(block.target, build_arrays(rows.values(), finished=False))
    return block.target, faults
