"""A subject as the content of a part: the form in which statements travel inside an entry.

``{"schema": "Person", "properties": {"name": ["…", {"value": "…", "language": "ar", "original": "…"}]},``
``"belongings": [{"key": "passport-1", "schema": "Passport", "properties": {…}}]}``

The grading, marking and language of the whole subject are the part's; a value may name its own language and original
spelling. A reference from a belonging to its subject is written ``#``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from tansiq.engine.entities.assembly import Entity, assemble
from tansiq.engine.entities.model import property_of, require_schema
from tansiq.engine.entities.statements import Provenance, Statement, claim
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.json_values import JsonValue, pointer

MAX_VALUES: Final = 2_000
MAX_BELONGINGS: Final = 200

_KEY = re.compile(r"[a-z0-9-]{1,60}")
_ITSELF: Final = "#"


def read_content(content: object, *, entity_id: str, provenance: Provenance, at: str = "") -> tuple[Statement, ...]:
    """The statements that a subject part makes, about ``entity_id`` and what belongs to it.

    Raises Rejected("entity.content_malformed"), Rejected("entity.content_too_large") or what ``claim`` raises, each
    with the JSON pointer of the place below ``at``.
    """
    subject = _object(content, at=at, allowed={"schema", "properties", "belongings"})
    statements = list(_claims(subject, entity_id=entity_id, root=entity_id, provenance=provenance, at=at))
    belongings = subject.get("belongings", [])
    if not isinstance(belongings, list):
        raise Rejected("entity.content_malformed", at=pointer(at, "belongings"), wanted="list")
    if len(belongings) > MAX_BELONGINGS:
        raise Rejected("entity.content_too_large", at=pointer(at, "belongings"), limit=MAX_BELONGINGS)
    for index, item in enumerate(belongings):
        place = pointer(at, "belongings", index)
        belonging = _object(item, at=place, allowed={"key", "schema", "properties"})
        key = belonging.get("key")
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise Rejected("entity.content_malformed", at=pointer(place, "key"), wanted="a-z, 0-9, -")
        own_id = f"{entity_id}#{key}"
        statements.extend(_claims(belonging, entity_id=own_id, root=entity_id, provenance=provenance, at=place))
    if len(statements) > MAX_VALUES:
        raise Rejected("entity.content_too_large", at=at, limit=MAX_VALUES)
    return tuple(statements)


def write_content(statements: Iterable[Statement]) -> dict[str, JsonValue]:
    """The content of a part that says the same values; sources, gradings and markings are left to the part.

    All statements must be about one subject and what belongs to it.
    """
    entities = assemble(statements)
    subject = next(entity for entity in entities if "#" not in entity.id)
    content: dict[str, JsonValue] = {"schema": subject.schema, "properties": _properties(subject, subject.id)}
    belongings: list[JsonValue] = [
        {"key": entity.id.partition("#")[2], "schema": entity.schema, "properties": _properties(entity, subject.id)}
        for entity in entities
        if entity.id != subject.id
    ]
    return content | {"belongings": belongings} if belongings else content


def _object(value: object, *, at: str, allowed: set[str]) -> Mapping[str, JsonValue]:
    if not isinstance(value, Mapping):
        raise Rejected("entity.content_malformed", at=at, wanted="object")
    if unknown := sorted(str(key) for key in value.keys() - allowed):
        raise Rejected("entity.content_malformed", at=pointer(at, unknown[0]), wanted="absent")
    return value


def _claims(
    entity: Mapping[str, JsonValue], *, entity_id: str, root: str, provenance: Provenance, at: str
) -> Iterator[Statement]:
    schema, properties = entity.get("schema"), entity.get("properties")
    if not isinstance(schema, str):
        raise Rejected("entity.content_malformed", at=pointer(at, "schema"), wanted="text")
    require_schema(schema, at=pointer(at, "schema"))
    if not isinstance(properties, Mapping) or not properties:
        raise Rejected("entity.content_malformed", at=pointer(at, "properties"), wanted="object")
    for prop, values in properties.items():
        place = pointer(at, "properties", prop)
        if not isinstance(values, list) or not values:
            raise Rejected("entity.content_malformed", at=place, wanted="list")
        for index, item in enumerate(values):
            here = pointer(place, index)
            text, language, original = _value(item, at=here)
            if text.startswith(_ITSELF) and _is_reference(schema, prop):
                text = root if text == _ITSELF else root + text
            said = claim(entity_id, schema, prop, text, provenance=provenance, language=language, at=here)
            yield said if original is None else replace(said, original_value=original)


def _value(item: JsonValue, *, at: str) -> tuple[str, str | None, str | None]:
    """Text, language and original spelling of one value."""
    if isinstance(item, str):
        return item, None, None
    spelled = _object(item, at=at, allowed={"value", "language", "original"})
    texts: list[str | None] = []
    for name in ("value", "language", "original"):
        text = spelled.get(name)
        if text is not None and not isinstance(text, str):
            raise Rejected("entity.content_malformed", at=pointer(at, name), wanted="text")
        texts.append(text)
    if texts[0] is None:
        raise Rejected("entity.content_malformed", at=pointer(at, "value"), wanted="text")
    return texts[0], texts[1], texts[2]


def _is_reference(schema: str, prop: str) -> bool:
    described = property_of(schema, prop)
    return described is not None and described.type.name == "entity"


def _properties(entity: Entity, root: str) -> dict[str, JsonValue]:
    written: dict[str, JsonValue] = {}
    for prop, statements in sorted(entity.properties.items()):
        values: dict[str, JsonValue] = {}
        for statement in statements:
            text = statement.value
            if text == root or text.startswith(f"{root}#"):
                text = text[len(root) :] or _ITSELF
            spelled: dict[str, JsonValue] = {"value": text}
            if statement.language:
                spelled["language"] = statement.language
            if statement.original_value:
                spelled["original"] = statement.original_value
            values.setdefault(text, spelled if len(spelled) > 1 else text)
        written[prop] = list(values.values())
    return written
