"""One row of a list on its way to statements: every value cleaned by the model, or reported and kept as a note.

Readers say what a field means (a name, a date, a country, a document number); this class knows how it is kept, what
stands beside it, and what a value costs that cannot be read.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Final

from tansiq.engine.entities.countries import countries_named
from tansiq.engine.entities.lists.records import ListRecord, RowProblem
from tansiq.engine.entities.model import property_of
from tansiq.engine.entities.statements import Provenance, Statement
from tansiq.engine.entities.values import clean_value
from tansiq.engine.errors import Rejected

MAX_SHOWN: Final = 500
NAMES: Final = ("name", "alias", "weakAlias", "previousName", "abbreviation")


class RowBuilder:
    """Collects the statements and the problems of one row.

    ``key`` identifies the row in every edition, ``number`` is what people cite. A value that is refused by the model
    is reported under the model's own rule and kept, in the source's words, among the notes.
    """

    def __init__(self, list_key: str, key: str, *, number: str, place: str, schema: str) -> None:
        self.list_key = list_key
        self.key = key
        self.number = number
        self.place = place
        self.schema = schema
        self.root = f"{list_key}:{key}"
        self.provenance = Provenance(kind="list", source_id=list_key, origin=number or key)
        self.statements: dict[tuple[str, str, str], Statement] = {}
        self.problems: list[RowProblem] = []
        self.damaged: set[str] = set()

    @property
    def has_name(self) -> bool:
        """Whether anything that can be searched by stands there."""
        return any(prop in NAMES and own == self.root for own, prop, _ in self.statements)

    def add(
        self,
        prop: str,
        text: str,
        *,
        at: str = "",
        original: str = "",
        language: str | None = None,
        entity_id: str = "",
        schema: str = "",
    ) -> bool:
        """Say that ``prop`` is ``text``; returns False when it could not be kept as that and was reported."""
        text = unicodedata.normalize("NFC", text)
        if not text.strip():
            return True
        own_id, own_schema = entity_id or self.root, schema or self.schema
        try:
            value = clean_value(own_schema, prop, text, at=at)
        except Rejected as error:
            self.problem(at, error.code, text, prop=prop)
            self.note(f"{prop}: {original or text}")
            return False
        said = original or text
        self.statements.setdefault(
            (own_id, prop, value),
            Statement(
                own_id,
                own_schema,
                prop,
                value,
                self.provenance,
                original_value=said if said != value else None,
                language=language,
            ),
        )
        return True

    def may_have(self, prop: str) -> bool:
        """Whether the row's schema has this property."""
        return property_of(self.schema, prop) is not None

    def note(self, text: str) -> None:
        """Keep ``text`` as a note of the subject, cut to what a note can hold."""
        value = unicodedata.normalize("NFC", text).strip()[:60_000]
        if value and self.may_have("notes"):
            said = Statement(self.root, self.schema, "notes", value, self.provenance)
            self.statements.setdefault((self.root, "notes", value), said)

    def date(
        self,
        prop: str,
        text: str,
        read: Callable[[str], str | None],
        *,
        at: str,
        entity_id: str = "",
        schema: str = "",
    ) -> None:
        """A date in the words of the list, which ``read`` understands or not."""
        if not text:
            return
        value = read(text)
        if value is None:
            self.problem(at, "list.date_not_understood", text, prop=prop)
            self.note(f"{prop}: {text}")
        else:
            self.add(prop, value, at=at, original=text, entity_id=entity_id, schema=schema)

    def countries(self, prop: str, text: str, *, at: str, entity_id: str = "", schema: str = "") -> None:
        """The countries that free text names."""
        if not text:
            return
        codes = countries_named(text)
        if codes is None:
            self.problem(at, "list.country_not_understood", text, prop=prop)
            self.note(f"{prop}: {text}")
        for code in codes or ():
            self.add(prop, code, at=at, original=text, entity_id=entity_id, schema=schema)

    def problem(self, at: str, rule: str, value: str, *, prop: str | None = None) -> None:
        """Report what could not be read; with ``prop``, what an earlier edition said there stays."""
        place = f"{self.place}/{at}" if at else self.place
        self.problems.append(RowProblem(place, rule, value[:MAX_SHOWN], key=self.key, number=self.number, prop=prop))
        if prop is not None:
            self.damaged.add(prop)

    def lost(self, rule: str, value: str = "", *, at: str = "") -> RowProblem:
        """The report that nothing of this row is kept."""
        place = f"{self.place}/{at}" if at else self.place
        return RowProblem(place, rule, value[:MAX_SHOWN], key=self.key, number=self.number, is_row_lost=True)

    def record(self) -> ListRecord:
        """What was collected."""
        return ListRecord(
            list_key=self.list_key,
            key=self.key,
            number=self.number,
            place=self.place,
            schema=self.schema,
            statements=tuple(self.statements.values()),
            damaged=frozenset(self.damaged),
        )
