"""A segment in force: which of its subjects are removed, who may see which, and scratch for threads that search it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tansiq.engine.matching import pairing, scoring
from tansiq.engine.matching.candidates import Searcher
from tansiq.engine.matching.encoding import EncodedName
from tansiq.engine.matching.segment import Segment
from tansiq.engine.matching.subjects import Label, Labels

_MASKS = 16


@dataclass
class Part:
    """A segment in force and what goes with it; ``file`` is its name on disk, empty in memory."""

    segment: Segment
    removed: npt.NDArray[np.bool_]
    file: str = ""
    words: pairing.Words | None = None
    searchers: list[Searcher] = field(default_factory=list)
    masks: dict[frozenset[Label], npt.NDArray[np.uint64]] = field(default_factory=dict)

    def open_names(self, labels: Labels) -> npt.NDArray[np.uint64]:
        """A bit for each name, set where it belongs to a visible, present subject."""
        known = self.masks.get(labels.allowed)
        if known is None:
            sets = np.array([labels.see(carried) for carried in self.segment.label_sets], dtype=bool)
            subjects = sets[self.segment.arrays["subject_labels"]] & ~self.removed
            packed = np.packbits(subjects[self.segment.arrays["name_subject"]], bitorder="little")
            known = np.zeros(self.segment.names // 64 + 1, dtype="<u8")
            known.view(np.uint8)[: len(packed)] = packed
            if len(self.masks) >= _MASKS:
                self.masks.clear()
            self.masks[labels.allowed] = known
        return known

    def is_open(self, subject: int, labels: Labels) -> bool:
        """Whether one subject is visible and present."""
        return not self.removed[subject] and labels.see(self.segment.labels(subject))

    def without(self, subjects: list[int]) -> Part:
        """The same part with more subjects removed."""
        removed = self.removed.copy()
        removed[subjects] = True
        return Part(self.segment, removed, self.file, self.words, self.searchers)

    def compare(self, name: EncodedName, names: npt.NDArray[np.int32], most: int) -> scoring.Comparisons:
        """One asked name against several of this segment's (see ``scoring.compare_candidates``)."""
        if self.words is None:
            self.words = scoring.words_of(self.segment)
        return scoring.compare_candidates(name, self.words, names, most=most)
