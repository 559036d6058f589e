"""What a list reader yields, and how much of a file it takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

import orjson

from tansiq.engine.entities.statements import Provenance, Statement
from tansiq.engine.formats import canonical
from tansiq.engine.formats.ids import digest


@dataclass(frozen=True, slots=True)
class ListLimits:
    """Beyond these a file is refused: bytes of the file and of one row, rows, elements of one row, nesting."""

    max_bytes: int = 512 * 1024 * 1024
    max_row_bytes: int = 1024 * 1024
    max_rows: int = 1_000_000
    max_row_elements: int = 5_000
    max_depth: int = 16


@dataclass(frozen=True, slots=True)
class ListHeader:
    """Which list it is, and when its publisher made this edition (None where the file does not say)."""

    list_key: str
    generated_at: datetime | None


@dataclass(frozen=True, slots=True)
class ListRecord:
    """One row of a list as statements.

    ``key`` identifies the row in every edition of the list, ``number`` is what people cite, ``place`` is where it
    stood in the file. ``damaged`` names the properties of which a value could not be read: what an earlier edition
    said there is still the best there is.
    """

    list_key: str
    key: str
    number: str
    place: str
    schema: str
    statements: tuple[Statement, ...]
    damaged: frozenset[str] = frozenset()

    @property
    def entity_id(self) -> str:
        """The id under which the statements speak of this row."""
        return f"{self.list_key}:{self.key}"

    def fingerprint(self) -> str:
        """Equal exactly when the row says the same (damage included), whatever the edition, the place or the order."""
        sources: dict[Provenance, str] = {}
        said = []
        last: Provenance | None = None
        source = ""
        for one in self.statements:
            if one.provenance is not last:
                last = one.provenance
                source = sources.get(last) or sources.setdefault(last, _source_of(one))
            original, language = one.original_value or "", one.language or ""
            said.append((one.entity_id, one.schema, one.prop, one.value, original, language, source))
        said.sort()
        # Text in lists only: for that, orjson writes what RFC 8785 says (a property test compares them).
        return digest(orjson.dumps([self.schema, said, sorted(self.damaged)]))


def _source_of(one: Statement) -> str:
    """Who says it and under which conditions, as text."""
    told = replace(one, first_seen=None, last_seen=None).to_json()
    own = ("entity", "schema", "prop", "value", "original", "language")
    return canonical.dumps({name: item for name, item in told.items() if name not in own}).decode("utf-8")


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Something that could not be read: ``place`` (a path with positions), ``rule`` (an error code), ``value``.

    ``is_row_lost`` says that no record of this row follows; ``key`` names the row where it could be told. ``value``
    may name a person: it is shown to whoever imports, and kept sealed.
    """

    place: str
    rule: str
    value: str
    key: str | None = None
    number: str | None = None
    prop: str | None = None
    is_row_lost: bool = False


ListRow: TypeAlias = ListHeader | ListRecord | RowProblem
