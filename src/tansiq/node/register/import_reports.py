"""What an import tells: counts of rows, what could not be read, and what it would need a confirmation for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tansiq.engine.entities.lists import ListRecord, RowProblem
from tansiq.engine.formats.times import format_time

MAX_REPORTED = 10_000
MAX_SAMPLE = 5
MAX_SAMPLED = 300
MAX_TOLD = 1_000


@dataclass(slots=True)
class ImportReport:
    """What an import did (or, ``is_dry``, would do).

    ``counts`` are of rows; ``problems`` are at most 10,000; ``delisting_withheld`` counts subjects that were not in
    the file but may be among its unreadable rows, or in another part of the list; ``refused`` holds the codes for which
    the import would ask for a confirmation; ``sample`` shows the first rows of a dry run as they were understood, and ``rows`` says
    which (at most 1,000) would be added, changed, listed again or are barred.
    """

    source: str
    is_dry: bool
    edition_at: datetime | None = None
    file_digest: str = ""
    run_id: str = ""
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("rows", "added", "changed", "unchanged", "relisted", "delisted", "barred", "lost", "problems"), 0
        )
    )
    problems: list[RowProblem] = field(default_factory=list)
    delisting_withheld: int = 0
    refused: list[str] = field(default_factory=list)
    sample: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)

    @property
    def is_without_effect(self) -> bool:
        """Whether the register is as it was before."""
        return not any(self.counts[name] for name in ("added", "changed", "relisted", "delisted"))

    def to_json(self) -> dict[str, Any]:
        """For the command line and the API; values of problems are shown to whoever may import."""
        return {
            "source": self.source,
            "dry_run": self.is_dry,
            "edition_at": format_time(self.edition_at) if self.edition_at else None,
            "file_digest": self.file_digest,
            "run": self.run_id or None,
            "counts": dict(self.counts),
            "delisting_withheld": self.delisting_withheld,
            "refused": list(self.refused),
            "sample": list(self.sample),
            "rows": list(self.rows),
            "problems": [
                {"place": p.place, "rule": p.rule, "value": p.value, "number": p.number, "row_lost": p.is_row_lost}
                for p in self.problems
            ],
        }


def shortened(text: str) -> str:
    """As much of a long value as a person needs to see that it was understood."""
    return text if len(text) <= MAX_SAMPLED else f"{text[:MAX_SAMPLED]}…"


def sample_of(record: ListRecord) -> dict[str, Any]:
    """A row as it was understood, with what the file wrote where that is something else; for a dry run."""
    entities: dict[str, dict[str, Any]] = {}
    for said in record.statements:
        own = said.entity_id.partition("#")[2]
        entity = entities.setdefault(own, {"schema": said.schema, "properties": {}})
        told = said.value if said.original_value is None else f"{said.value} \N{LEFTWARDS ARROW} {said.original_value}"
        entity["properties"].setdefault(said.prop, []).append(shortened(told))
    return {"place": record.place, "number": record.number, "entities": list(entities.values())}
