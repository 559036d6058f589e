"""What an author's node asks of terms before they are proposed: that every code is one of the lists it carries.

Never part of ``decide`` or of a verdict: a partner's newer list may hold codes that ours lacks, and both must still
come to the same answer. A code that nobody's list holds simply never matches a question.
"""

from __future__ import annotations

from collections.abc import Iterable

from tansiq.engine.accords.markings import MAX_LABEL_CHARACTERS, Marking
from tansiq.engine.accords.terms import EVERY, Reservation, Terms
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.codes import code_list
from tansiq.engine.formats.codes.ladders import ladder_level
from tansiq.engine.formats.json_values import pointer

_LISTED = {
    "purposes": "purposes",
    "crime_areas": "crime_areas",
    "categories": "data_subject_categories",
    "flags": "person_flags",
}


def check_codes(terms: Terms | Reservation, *, at: str = "") -> None:
    """Raise ``Rejected("codes.unknown_code", at=…)`` for the first code that is in no list of ours."""
    for term, name in _LISTED.items():
        listed = code_list(name)
        codes = getattr(terms, term)
        for index, code in enumerate(codes or ()):
            if code != EVERY:
                listed.require(code, at=pointer(at, term, code if isinstance(codes, dict) else index))


def common_ladders(names: Iterable[str]) -> dict[str, dict[str, int]]:
    """The mapping of the ladders everybody knows (list ``classification``), in the form the term ``ladders`` has."""
    wanted = set(names)
    mapped: dict[str, dict[str, int]] = {}
    for entry in code_list("classification").entries:
        ladder, level, written = entry.facts["ladder"], entry.facts["level"], entry.facts["names"]
        if isinstance(ladder, str) and ladder in wanted and isinstance(level, int) and isinstance(written, list):
            labels = (entry.code, *(str(name) for name in written))
            mapped.setdefault(ladder, {}).update(
                {label: level for label in labels if len(label) <= MAX_LABEL_CHARACTERS}
            )
    if unknown := sorted(wanted - mapped.keys()):
        raise Rejected("accord.unknown_ladder", at="/ladders", ladder=unknown[0])
    return mapped


def marking_of(ladder: str, label: str, *, terms: Terms | None = None, handling: Iterable[str] = ()) -> Marking:
    """The marking of what an author classified on a ladder; ``Rejected("marking.unmapped_classification")`` if nobody
    mapped it.
    """
    level = ladder_level(ladder, label, at="/marking/label", declared=None if terms is None else terms.ladders)
    return Marking(level, ladder, label, frozenset(handling))
