"""Which full names train, which develop, and which nobody looks at until the figures are made: one fixed division by
key.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SEED = "split-1"
SHARED = Path(os.environ.get("TANSIQ_SHARED", Path(__file__).resolve().parents[2].parent / "shared"))


@dataclass(frozen=True)
class FullName:
    """One row: the Arabic key, one Latin spelling of it, the country it was met in."""

    key: str
    latin: str
    country: str


def part_of(key: str) -> str:
    """``train`` (76 %), ``dev`` (12 %) or ``test`` (12 %), by a hash of the Arabic key alone."""
    place = int(hashlib.sha256(f"{SEED}:{key}".encode()).hexdigest()[:8], 16) % 100
    return "test" if place < 12 else "dev" if place < 24 else "train"


def word_part(word: str) -> str:
    """The part of a single word of any script, likewise: 5 % ``test``, 10 % ``dev``. Words are left out of training only for
    a measurement (``tools/train_names.py --unseen``); what ships has learned from all of them.
    """
    place = int(hashlib.sha256(f"{SEED}:word:{word}".encode()).hexdigest()[:8], 16) % 100
    return "test" if place < 5 else "dev" if place < 15 else "train"


def habit_of(country: str) -> str:
    """The romanisation habit of a country of the Arabic-script world."""
    if country in {"DZ", "MA", "TN", "MR", "KM", "DJ"}:
        return "maghreb"
    if country in {"IR", "TJ"}:
        return "iran"
    return "pakistan" if country in {"PK", "AF", "IN"} else "mashriq"


def read_full_names(path: Path) -> Iterator[FullName]:
    """The rows of ``wikidata_full_names.tsv``."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for line in lines[1:]:
        cells = line.split("\t")
        yield FullName(cells[0], cells[1], cells[3])
