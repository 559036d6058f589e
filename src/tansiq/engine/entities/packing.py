"""Many statements about one subject as one value: what a list says of it, in a third of the space and a tenth of the time.

A statement on its own repeats the subject, the source and the schema. A pack says each of them once and the statements
by their places in those tables. It loses nothing: ``unpack(pack(said))`` is ``said`` (property-tested), sources,
gradings, conditions and times included.

``{"v": 1, "seen": time, "sources": [..], "parts": [[suffix, schema], ..], "said": [[source, part, prop, value,
original, language, first seen], ..]}``; what stands at the end of an item of ``said`` and is null is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from tansiq.engine.entities.statements import Provenance, Statement
from tansiq.engine.errors import Corrupt, Rejected
from tansiq.engine.formats.json_values import JsonValue
from tansiq.engine.formats.times import format_time, parse_time

VERSION: Final = 1
_OWN: Final = ("entity", "schema", "prop", "value", "original", "language", "first_seen", "last_seen")


def pack(statements: Iterable[Statement], *, old: str, new: str, seen: datetime) -> dict[str, JsonValue]:
    """The statements about ``old`` and its belongings, as statements about ``new`` (``rebase``) in one value.

    ``seen`` is when those were first seen that do not say. When something was *last* seen is not kept.
    """
    sources: dict[Provenance, int] = {}
    told_sources: list[JsonValue] = []
    parts: dict[tuple[str, str], int] = {}
    said: list[JsonValue] = []
    inside = f"{old}#"
    last: Provenance | None = None
    source = 0
    for one in statements:
        if one.provenance is not last:  # nearly always the same one: hashing it would cost more than all the rest
            last = one.provenance
            source = _source_of(one, sources, told_sources)
        part = parts.setdefault((one.entity_id[len(old) :], one.schema), len(parts))
        value = one.value
        if value == old or value.startswith(inside):
            value = new + value[len(old) :]
        first = format_time(one.first_seen) if one.first_seen and one.first_seen != seen else None
        item: list[JsonValue] = [source, part, one.prop, value, one.original_value, one.language, first]
        while item[-1] is None:
            item.pop()
        said.append(item)
    places: list[JsonValue] = [[suffix, schema] for suffix, schema in parts]
    return {"v": VERSION, "seen": format_time(seen), "sources": told_sources, "parts": places, "said": said}


def unpack(value: Mapping[str, Any], *, subject_id: str) -> list[Statement]:
    """The statements that ``pack`` took, in their order; raises Corrupt("entity.pack_malformed") for anything else."""
    try:
        if value["v"] != VERSION:
            raise Corrupt("entity.pack_malformed", subject=subject_id)
        seen = parse_time(value["seen"])
        sources = [_provenance(source) for source in value["sources"]]
        parts = [(subject_id + suffix, schema) for suffix, schema in value["parts"]]
        return [_unpacked(item, sources, parts, seen) for item in value["said"]]
    except (KeyError, TypeError, ValueError, IndexError, Rejected) as error:
        raise Corrupt("entity.pack_malformed", subject=subject_id) from error


def number_of(statement: Statement) -> int:
    """A number below zero by which a page names a packed statement: the same as long as it is said of this subject.

    47 bits of the statement's id: two of one subject's hundreds share a number once in 10¹⁰ subjects.
    """
    return -1 - int(statement.id[:12], 16) // 2


def _source_of(one: Statement, sources: dict[Provenance, int], told: list[JsonValue]) -> int:
    source = one.provenance
    place = sources.get(source)
    if place is None:
        place = sources[source] = len(sources)
        told.append({name: item for name, item in one.to_json().items() if name not in _OWN})
    return place


def _provenance(source: Mapping[str, JsonValue]) -> Provenance:
    return Statement.from_json({**source, "entity": "x", "schema": "x", "prop": "x", "value": "x"}).provenance


def _unpacked(
    item: Sequence[Any], sources: Sequence[Provenance], parts: Sequence[tuple[str, str]], seen: datetime
) -> Statement:
    source, part, prop, value, *rest = item
    original, language, first = [*rest, None, None, None][:3]
    entity_id, schema = parts[part]
    return Statement(
        entity_id,
        schema,
        prop,
        value,
        sources[source],
        original_value=original,
        language=language,
        first_seen=parse_time(first) if first else seen,
    )
