"""The index: segments of subjects, searched by name and evidence under the asker's labels.

A search takes a snapshot of the segments, so additions, removals and merges never disturb it and count from the next
search on. Visibility comes first: hidden and removed subjects are closed before any posting is counted, and every
score depends on the question and the record alone. Therefore an answer is byte for byte the same whether a hidden
record exists or not, and however the records lie in segments.
"""

from __future__ import annotations

import fcntl
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tansiq.engine.errors import Corrupt
from tansiq.engine.matching.layout import combine, last_of_each
from tansiq.engine.matching.parts import Part
from tansiq.engine.matching.searching import search
from tansiq.engine.matching.segment import Arrays, Segment, build_arrays
from tansiq.engine.matching.storage import read_root, read_segment, write_root, write_segment
from tansiq.engine.matching.subjects import MAX_MATCHES, USUAL_MATCHES, Label, Labels, Match, Query, Subject

_ATTEMPTS = 3
_TIER = 4
_MERGED_AT_ONCE = 20_000
"""Subjects that a merge within ``add`` may hold: a fraction of a second."""
Source = Callable[[], Iterable[tuple[Subject, Iterable[Label]]]]


def _due(parts: Sequence[Part]) -> int | None:
    """From which segment on all should become one: as soon as four at the end are of one size, or there are too many."""
    sizes = [part.segment.subjects for part in parts]
    tail = next((k for k in range(len(sizes) - _TIER + 1) if max(sizes[k:]) <= _TIER * min(sizes[k:])), None)
    return len(sizes) - _TIER if tail is None and len(sizes) > 4 * _TIER else tail


class Index:
    """Subjects that can be searched; in memory, or kept in ``directory`` and shared by processes that open it.

    With ``rebuild`` a damaged or outdated directory is set aside and filled again from that source; without it,
    opening one raises ``Corrupt("matching.segment_damaged")``.
    """

    def __init__(self, directory: Path | None = None, *, rebuild: Source | None = None) -> None:
        self._folder = directory
        self._lock = threading.Lock()
        self._parts: tuple[Part, ...] = ()
        self._serial = 0
        self._merging: threading.Thread | None = None
        self._seen = (0, 0)
        if directory is None:
            return
        directory.mkdir(parents=True, exist_ok=True)
        try:
            self._refresh()
        except Corrupt:
            if rebuild is None:
                raise
            self._set_aside(directory)
            self.add(rebuild())

    def __len__(self) -> int:
        self._refresh()
        return sum(int(np.count_nonzero(~part.removed)) for part in self._parts)

    # ---- what is in it -----------------------------------------------------------------------------------------------

    def add(self, subjects: Iterable[tuple[Subject, Iterable[Label]]]) -> None:
        """Add subjects, each with the labels it carries; one whose id is known replaces the former.

        Nothing is added if any name is refused (``Rejected("names.too_long")``).
        """
        rows = {subject.subject_id: (subject, frozenset(labels)) for subject, labels in subjects}
        if not rows:
            return
        segment = Segment(build_arrays(rows.values()))
        with self._writing():
            kept = self._without(self._parts, rows)
            self._publish((*kept, self._store(segment)))
        self._merge_due()

    def remove(self, subject_ids: Iterable[str]) -> None:
        """Forget subjects; unknown ids are ignored."""
        with self._writing():
            self._publish(self._without(self._parts, list(subject_ids)))

    def get(self, subject_id: str) -> tuple[Subject, frozenset[Label]] | None:
        """A subject as it was added, with its labels."""
        self._refresh()
        for part in self._parts:
            number = part.segment.find(subject_id)
            if number >= 0 and not part.removed[number]:
                return part.segment.subject(number), part.segment.labels(number)
        return None

    def replace(self, segments: Sequence[Arrays]) -> None:
        """Put segments that were built elsewhere in force as one, in place of all that is there; of subjects with one
        id the last holds.
        """
        with self._writing():
            sources = [
                (arrays, mask) for arrays, mask in zip(segments, last_of_each(segments), strict=True) if mask.any()
            ]
            self._publish((self._store(Segment(combine(sources))),) if sources else ())

    def merge(self) -> None:
        """Lay all segments out as one and let go of removed subjects."""
        with self._writing():
            self._publish(self._merged(self._parts))

    @staticmethod
    def _without(parts: tuple[Part, ...], ids: Iterable[str]) -> tuple[Part, ...]:
        changed, listed = [], list(ids)
        for part in parts:
            gone = [number for number in part.segment.find_all(listed) if not part.removed[number]]
            changed.append(part.without(gone) if gone else part)
        return tuple(changed)

    def _merge_due(self) -> None:
        """Keep few segments: small ones are joined at once, large ones by a thread of its own while searches, additions
        and removals go on.
        """
        while (tail := _due(self._parts)) is not None:
            if sum(part.segment.subjects for part in self._parts[tail:]) > _MERGED_AT_ONCE:
                if self._merging is None or not self._merging.is_alive():
                    self._merging = threading.Thread(target=self._merge_behind, name="matching-merge", daemon=True)
                    self._merging.start()
                return
            with self._writing():
                tail = _due(self._parts)
                if tail is not None:
                    self._publish((*self._parts[:tail], *self._merged(self._parts[tail:])))

    def _merge_behind(self) -> None:
        """Lay segments together without holding up a writer; what was removed meanwhile is removed from the result, and
        a result whose segments another process has merged first is thrown away.
        """
        while (tail := _due(self._parts)) is not None:
            former = self._parts[tail:]
            arrays = combine([(part.segment.arrays, ~part.removed) for part in former])
            with self._writing():
                present = self._parts[tail : tail + len(former)]
                if [part.segment for part in present] != [part.segment for part in former]:
                    continue
                merged = self._store(Segment(arrays))
                gone = [
                    merged.segment.find(now.segment.ids[number])
                    for before, now in zip(former, present, strict=True)
                    for number in np.flatnonzero(now.removed & ~before.removed).tolist()
                ]
                kept = (merged.without(gone) if gone else merged,)
                self._publish((*self._parts[:tail], *kept, *self._parts[tail + len(former) :]))

    def _merged(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        sources = [(part.segment.arrays, ~part.removed) for part in parts if not part.removed.all()]
        return (self._store(Segment(combine(sources))),) if sources else ()

    # ---- files -------------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One writer at a time, among threads and among processes, on the newest state."""
        with self._lock:
            if self._folder is None:
                yield
                return
            with (self._folder / "lock").open("a") as held:
                fcntl.flock(held, fcntl.LOCK_EX)
                self._refresh()
                yield

    def _refresh(self) -> None:
        """Take over what another process has put in force since; a look at one file's number when nothing has."""
        if self._folder is None:
            return
        try:
            status = (self._folder / "index.json").stat()
        except FileNotFoundError:
            return
        if (status.st_ino, status.st_mtime_ns) == self._seen:
            return
        for attempt in range(_ATTEMPTS):
            try:
                self._parts = self._load(self._folder)
                break
            except Corrupt:
                # a merge may have removed a segment between reading the list and opening the file
                if attempt == _ATTEMPTS - 1:
                    raise
        self._seen = (status.st_ino, status.st_mtime_ns)

    def _load(self, folder: Path) -> tuple[Part, ...]:
        root = read_root(folder)
        if root is None:
            return ()
        known = {part.file: part for part in self._parts}
        parts = []
        listed = root.get("segments")
        for file, gone in listed if isinstance(listed, list) else []:
            former = known.get(file)
            segment = former.segment if former is not None else Segment(read_segment(folder / file))
            removed = np.zeros(segment.subjects, dtype=bool)
            removed[gone] = True
            parts.append(Part(segment, removed, file))
            self._serial = max(self._serial, int(Path(file).stem))
        return tuple(parts)

    def _store(self, segment: Segment) -> Part:
        removed = np.zeros(segment.subjects, dtype=bool)
        if self._folder is None:
            return Part(segment, removed)
        self._serial += 1
        file = f"{self._serial:08}.segment"
        write_segment(self._folder / file, segment.arrays)
        return Part(Segment(read_segment(self._folder / file, verify=False)), removed, file)

    def _publish(self, parts: tuple[Part, ...]) -> None:
        if self._folder is not None:
            listed: list[object] = [[part.file, np.flatnonzero(part.removed).tolist()] for part in parts]
            write_root(self._folder, {"segments": listed})
            named = {part.file for part in parts}
            for path in self._folder.glob("*.segment"):
                if path.name not in named:
                    path.unlink(missing_ok=True)
            status = (self._folder / "index.json").stat()
            self._seen = (status.st_ino, status.st_mtime_ns)
        self._parts = parts

    @staticmethod
    def _set_aside(folder: Path) -> None:
        aside = folder.with_name(folder.name + ".damaged")
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
        folder.mkdir()

    # ---- searching ---------------------------------------------------------------------------------------------------

    def search(self, query: Query, labels: Labels, limit: int = USUAL_MATCHES) -> list[Match]:
        """The best visible subjects for ``query``, best first, at most ``min(limit, 100)``.

        Raises ``Rejected("matching.empty_query")`` when there is neither a name nor an identifier to look for, and
        ``Rejected("names.too_long")`` for a name that is none.
        """
        self._refresh()
        return search(self._parts, query, labels, min(limit, MAX_MATCHES))
