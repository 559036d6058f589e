"""Classification ladders: what a State or organisation writes on a document, mapped to the common levels 0-4.

An unmapped label is refused, never guessed: guessing low leaks, guessing high hides. The ladders of the list
``classification`` are known to everyone; a node declares its own (``سري`` / ``سري للغاية`` …), its partners agree to
it, and the caller passes it as ``declared``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.codes import code_list
from tansiq.engine.formats.json_values import shown

HIGHEST_LEVEL: Final = 4

Ladders = Mapping[str, Mapping[str, int]]
"""Ladder name -> label as written -> level 0-4."""


def ladder_level(ladder: str, label: str, *, at: str = "", declared: Ladders | None = None) -> int:
    """The level 0-4 of ``label`` on ``ladder``.

    Case, repeated white space and compatibility forms are nothing. A declared ladder is asked first and, where it has
    the name of a known ladder, alone. Raises ``Rejected("marking.unmapped_classification", at=, ladder=, label=)``.
    """
    if declared is not None and ladder in declared:
        steps: Mapping[str, int] = {_folded(name): level for name, level in declared[ladder].items()}
    else:
        steps = _known().get(ladder, {})
    level = steps.get(_folded(label))
    if level is None or not 0 <= level <= HIGHEST_LEVEL:
        raise Rejected("marking.unmapped_classification", at=at, ladder=shown(ladder), label=shown(label))
    return level


def known_ladders() -> tuple[str, ...]:
    """The names of the ladders that every node knows."""
    return tuple(_known())


@lru_cache(maxsize=1)
def _known() -> Mapping[str, Mapping[str, int]]:
    ladders: dict[str, dict[str, int]] = {}
    for entry in code_list("classification").entries:
        ladder, level, names = entry.facts["ladder"], entry.facts["level"], entry.facts["names"]
        if isinstance(ladder, str) and isinstance(level, int) and isinstance(names, list):
            steps = ladders.setdefault(ladder, {})
            steps.update({_folded(name): level for name in (entry.code, *names) if isinstance(name, str)})
    return ladders


def _folded(label: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", label).casefold().split())
