"""Pairs of records that may be one, as they are shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tansiq.engine.entities.labels import schema_label
from tansiq.node.register.queries import caption
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages.search import band_tone, band_word
from tansiq.node.web.pages.subject import subject_shown

if TYPE_CHECKING:
    from tansiq.engine.matching import Match
    from tansiq.node.accounts.models import Officer
    from tansiq.node.register.duplicates import Pair
    from tansiq.node.register.models import Subject


def pairs_shown(pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    """A line for each pair."""
    language = language_now()
    return [
        {
            "left": str(pair.left.pk),
            "right": str(pair.right.pk),
            "left_caption": caption(pair.left, language),
            "right_caption": caption(pair.right, language),
            "schema": schema_label(pair.left.schema, language),
            **likeness_shown(pair.match),
        }
        for pair in pairs
    ]


def likeness_shown(match: Match) -> dict[str, Any]:
    """How likely a match is, in a word and in hundredths, and why."""
    return {
        "word": band_word(match.band),
        "tone": band_tone(match.band),
        "percent": round(match.score * 100),
        "explanation": match.explanation,
    }


def pair_shown(officer: Officer, left: Subject, right: Subject, match: Match | None) -> dict[str, Any]:
    """Both records, what each says under each heading, and what they say of each other."""
    sides = [subject_shown(officer, row) for row in (left, right)]
    labels = list(dict.fromkeys(prop["label"] for side in sides for prop in side["properties"]))
    said = [{prop["label"]: prop["said"] for prop in side["properties"]} for side in sides]
    rows = [{"label": label, "sides": [held.get(label, []) for held in said]} for label in labels]
    return {"sides": sides, "rows": rows, "match": likeness_shown(match) if match else None}
