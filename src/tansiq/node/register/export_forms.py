"""How subjects are written in a file: FollowTheMoney JSON lines, or CSV that a spreadsheet opens without harm."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tansiq.engine.entities import Entity, Statement
from tansiq.engine.formats.times import format_time
from tansiq.node.register.models import Export, Subject

SEPARATOR = "|"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "name": ("name",),
    "alias": ("alias", "previousName", "weakAlias", "abbreviation"),
    "birth_date": ("birthDate",),
    "birth_place": ("birthPlace",),
    "gender": ("gender",),
    "nationality": ("nationality", "citizenship"),
    "country": ("country", "jurisdiction", "flag"),
    "passport_number": ("passportNumber",),
    "id_number": ("idNumber", "personalNumber", "socialSecurityNumber"),
    "other_number": (
        "taxNumber",
        "registrationNumber",
        "imoNumber",
        "mmsi",
        "imei",
        "imsi",
        "iban",
        "vin",
        "serialNumber",
        "number",
    ),
    "phone": ("phone",),
    "email": ("email",),
    "address": ("address",),
    "notes": ("notes",),
}
"""Which properties stand in which column; a copy that needs them all is made as FollowTheMoney."""
HEADINGS = ("copy_number", "id", "schema", "owner", "origin", *COLUMNS, "sources", "handling")

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "|", "%")


class Form(Protocol):
    """One way of writing subjects."""

    def head(self) -> bytes:
        """What stands before the first subject."""
        ...

    def subject(self, subject: Subject, entities: Sequence[Entity]) -> bytes:
        """One subject with its belongings."""
        ...


@dataclass(frozen=True, slots=True)
class FtmLines:
    """One entity a line, a subject directly before its belongings: the order in which our import reads them."""

    export: Export
    node: str

    def head(self) -> bytes:
        return b""

    def subject(self, subject: Subject, entities: Sequence[Entity]) -> bytes:
        lines = [self._line(entity, subject if "#" not in entity.id else None) for entity in entities]
        return "".join(lines).encode("utf-8")

    def _line(self, entity: Entity, subject: Subject | None) -> str:
        value: dict[str, Any] = {**entity.to_ftm(), "caption": entity.caption(), "datasets": [self.node]}
        if subject is not None:
            value["tansiq"] = {
                "copy_number": self.export.copy_number,
                "exported_at": format_time(self.export.started_at),
                "origin": subject.origin,
                "owner": subject.owner,
                "markings": markings_of(entity),
                "sources": sources_of(entity),
            }
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


@dataclass(frozen=True, slots=True)
class CsvTable:
    """One subject a row, UTF-8 with a byte order mark, every cell quoted and none of them a formula."""

    export: Export
    node: str

    def head(self) -> bytes:
        return b"\xef\xbb\xbf" + _row(HEADINGS)

    def subject(self, subject: Subject, entities: Sequence[Entity]) -> bytes:
        own = entities[0]
        cells = [str(self.export.copy_number), own.id, own.schema, subject.owner, subject.origin]
        cells += [_joined(own.values(*props)) for props in COLUMNS.values()]
        handling = sorted({code for marking in markings_of(own) for code in marking.get("handling", ())})
        cells += [_joined(sources_of(own)), _joined(handling)]
        return _row([guarded(cell) for cell in cells])


FORMS: Mapping[str, type[FtmLines] | type[CsvTable]] = {"ftm": FtmLines, "csv": CsvTable}


def guarded(cell: str) -> str:
    """The cell with an apostrophe before it where a spreadsheet would take it for a formula (CSV injection)."""
    return f"'{cell}" if cell.lstrip(" \u00a0\u200e\u200f").startswith(_FORMULA) else cell


def sources_of(entity: Entity) -> list[str]:
    """The sources of what is said of the entity: a list by its key, anything else by its kind alone."""
    return list(dict.fromkeys(_source(said) for statements in entity.properties.values() for said in statements))


def markings_of(entity: Entity) -> list[dict[str, Any]]:
    """The different markings on what is said of the entity."""
    found: dict[str, dict[str, Any]] = {}
    for statements in entity.properties.values():
        for said in statements:
            if said.provenance.marking is not None:
                marking = dict(said.provenance.marking)
                found[json.dumps(marking, sort_keys=True)] = marking
    return [found[key] for key in sorted(found)]


def _source(said: Statement) -> str:
    source = said.provenance
    return f"list {source.source_id}" if source.kind == "list" else source.kind


def _joined(values: Iterable[str]) -> str:
    return SEPARATOR.join(" ".join(value.replace(SEPARATOR, "/").split()) for value in values)


def _row(cells: Sequence[str]) -> bytes:
    sink = io.StringIO(newline="")
    csv.writer(sink, quoting=csv.QUOTE_ALL).writerow(cells)
    return sink.getvalue().encode("utf-8")
