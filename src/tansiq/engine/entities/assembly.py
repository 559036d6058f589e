"""Entities assembled from statements: what all sources together say, with every value's statement still attached.

An entity is a view. It is built when somebody looks and never stored, so a statement that is withdrawn is gone from it
at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tansiq.engine.entities.dates import plain_dates
from tansiq.engine.entities.model import model, more_specific
from tansiq.engine.entities.statements import Statement
from tansiq.engine.names import Script, script_of

CAPTION_PROPERTIES: Final = (
    "name",
    "alias",
    "number",
    "serialNumber",
    "imei",
    "registrationNumber",
    "username",
    "weakAlias",
    "previousName",
    "email",
    "phone",
)
"""Where the words that stand for an entity on a screen are looked for, in this order."""

_WRITTEN_IN: Final[Mapping[str, Script]] = {
    "ar": Script.ARABIC,
    "fa": Script.ARABIC,
    "fr": Script.LATIN,
    "en": Script.LATIN,
    "it": Script.LATIN,
}


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity as its sources describe it.

    ``properties`` maps each property to the statements that give it values.
    """

    id: str
    schema: str
    properties: Mapping[str, tuple[Statement, ...]]

    def values(self, *props: str) -> tuple[str, ...]:
        """The distinct values of these properties, in the order in which they were said."""
        return tuple(dict.fromkeys(s.value for prop in props for s in self.properties.get(prop, ())))

    def caption(self, language: str | None = None) -> str:
        """The words that stand for it on a screen: a name, in the script of ``language`` if there is one.

        Else its id.
        """
        for prop in CAPTION_PROPERTIES:
            values = self.values(prop)
            if values:
                script = _WRITTEN_IN.get(language or "")
                return next((value for value in values if script_of(value) is script), values[0])
        return self.id

    def to_ftm(self) -> dict[str, object]:
        """The entity in FollowTheMoney's own JSON, for export: plain values, vague dates widened (see ``dates``)."""
        return {
            "id": self.id,
            "schema": self.schema,
            "properties": {
                prop: list(_plain(self.schema, prop, self.values(prop))) for prop in sorted(self.properties)
            },
        }


def assemble(statements: Iterable[Statement]) -> tuple[Entity, ...]:
    """The entities that ``statements`` speak of, in the order in which they are first named.

    An entity has the narrowest schema that any source gives it; raises Rejected("entity.schemata_disagree") when two
    sources cannot both be right (a person and a vessel).
    """
    grouped: dict[str, list[Statement]] = {}
    for statement in statements:
        grouped.setdefault(statement.entity_id, []).append(statement)
    return tuple(_assemble_one(entity_id, group) for entity_id, group in grouped.items())


def _assemble_one(entity_id: str, statements: Sequence[Statement]) -> Entity:
    schema = statements[0].schema
    properties: dict[str, list[Statement]] = {}
    for statement in statements:
        schema = more_specific(schema, statement.schema, at=entity_id)
        properties.setdefault(statement.prop, []).append(statement)
    return Entity(entity_id, schema, {prop: tuple(said) for prop, said in properties.items()})


def _plain(schema: str, prop: str, values: tuple[str, ...]) -> tuple[str, ...]:
    described = model()[schema].get(prop)
    if described is None or described.type.name != "date":
        return values
    return tuple(dict.fromkeys(plain for value in values for plain in plain_dates(value)))
