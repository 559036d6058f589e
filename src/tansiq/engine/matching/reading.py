"""Files of subjects: TSV, CSV with a mapping, FollowTheMoney JSON lines. One row at a time, each fault with its place.

* TSV: ``id<TAB>name[<TAB>birth date]``, ``|`` between aliases; a line without a tab is a name whose id is its line
number. * CSV: any columns, named by a mapping ``{"id": "ID", "name": "First+Last", "birth_date": "DOB",
"identifier:passport": "PP"}``; ``+`` joins columns with a space. * FollowTheMoney: ``{"id", "schema", "properties":
{…}}`` a line; names and aliases, dates, countries, gender, identifiers.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tansiq.engine.errors import Rejected
from tansiq.engine.matching.subjects import Subject
from tansiq.engine.names.dates import parse_date
from tansiq.engine.names.folding import check_length

FORMATS = ("tsv", "csv", "ftm")
MAX_LINE = 1 << 20
_FTM_NAMES = ("name", "alias", "weakAlias", "previousName")
_FTM_COUNTRIES = ("nationality", "citizenship", "country", "jurisdiction", "flag")
_FTM_IDENTIFIERS = {
    "passportNumber": "passport",
    "idNumber": "national_id",
    "taxNumber": "tax_id",
    "registrationNumber": "registration",
    "imoNumber": "imo",
    "mmsi": "mmsi",
    "vin": "vin",
    "phone": "phone",
    "email": "email",
    "ibanCode": "iban",
    "publicKey": "crypto",
    "leiCode": "lei",
    "swiftBic": "bic",
    "callSign": "call_sign",
}


@dataclass(frozen=True)
class Fault:
    """A row that was not taken: its line, the error's code, and the facts."""

    line: int
    error: Rejected


def guess_format(name: str, first_line: str, mapping: Mapping[str, str]) -> str:
    """The format of a file, by mapping, name and first line."""
    lowered = name.lower()
    if lowered.endswith((".json", ".jsonl", ".ftm", ".ijson")) or first_line.lstrip().startswith("{"):
        return "ftm"
    if mapping or lowered.endswith(".csv"):
        return "csv"
    return "tsv"


def read_subjects(
    lines: Iterable[str], kind: str, mapping: Mapping[str, str], *, first: int = 1
) -> Iterator[Subject | Fault]:
    """Subjects row by row; a row that is wrong comes as a ``Fault`` in its place. ``first`` is the number of the first
    of these lines in their file.

    Raises ``Rejected("matching.mapping")`` for a CSV whose header lacks a mapped column.
    """
    if kind == "csv":
        yield from _read_csv(lines, mapping)
        return
    for number, line in enumerate(lines, start=first):
        text = line.rstrip("\r\n").removeprefix("\ufeff") if number == 1 else line.rstrip("\r\n")
        if not text.strip() or (number == 1 and kind == "tsv" and _is_header(text)):
            continue
        try:
            if len(text) > MAX_LINE:
                raise Rejected("matching.line_too_long", at=f"line {number}", limit=MAX_LINE)
            yield _from_tsv(text, number) if kind == "tsv" else _from_ftm(text, number)
        except Rejected as error:
            yield Fault(number, error)


def _is_header(text: str) -> bool:
    cells = text.lower().split("\t")
    return len(cells) > 1 and cells[0] in ("id", "query_id") and cells[1].startswith("name")


def make_subject(
    subject_id: str, names: Iterable[str], dates: Iterable[str] = (), *, at: str, **rest: object
) -> Subject:
    """A subject whose names and dates were checked. Raises ``Rejected`` naming ``at``."""
    kept = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    for name in kept:
        check_length(name, at=at)
    born = tuple(dict.fromkeys(date.strip()[:10] for date in dates if date.strip()))
    for date in born:
        parse_date(date, at=at)
    if not subject_id:
        raise Rejected("matching.no_id", at=at)
    return Subject(subject_id, names=kept, birth_dates=born, **rest)  # type: ignore[arg-type]


def _from_tsv(text: str, number: int) -> Subject:
    at = f"line {number}"
    if "\t" not in text:
        return make_subject(str(number), text.split("|"), at=at)
    cells = text.split("\t")
    dates = cells[2].split("|") if len(cells) > 2 else ()
    return make_subject(cells[0].strip(), cells[1].split("|"), dates, at=at)


def _from_ftm(text: str, number: int) -> Subject:
    at = f"line {number}"
    try:
        entity = json.loads(text)
        properties = entity.get("properties") or {}
        values = {
            key: [str(v) for v in (value if isinstance(value, list) else [value])] for key, value in properties.items()
        }
    except (ValueError, AttributeError, RecursionError) as wrong:
        raise Rejected("matching.not_an_entity", at=at) from wrong
    names = [name for key in _FTM_NAMES for name in values.get(key, ())]
    identifiers = tuple((kind, v) for key, kind in _FTM_IDENTIFIERS.items() for v in values.get(key, ()))
    countries = tuple(dict.fromkeys(v.lower() for key in _FTM_COUNTRIES for v in values.get(key, ())))
    return make_subject(
        str(entity.get("id") or ""),
        names,
        values.get("birthDate", ()),
        at=at,
        schema=str(entity.get("schema") or "Person"),
        countries=countries,
        gender=next(iter(values.get("gender", ())), None),
        identifiers=identifiers,
        birth_places=tuple(values.get("birthPlace", ())),
        parents=tuple(values.get("fatherName", ())) + tuple(values.get("motherName", ())),
    )


def _read_csv(lines: Iterable[str], mapping: Mapping[str, str]) -> Iterator[Subject | Fault]:
    reader = csv.DictReader(line.removeprefix("\ufeff") for line in lines)
    columns = {column.strip().lower(): column for column in reader.fieldnames or ()}
    wanted = dict(mapping) or {field: field for field in ("id", "name", "birth_date") if field in columns}
    places: dict[str, list[str]] = {}
    for field, expression in wanted.items():
        named = [part.strip().lower() for part in expression.split("+")]
        missing = [part for part in named if part not in columns]
        if missing:
            raise Rejected("matching.mapping", at=field, columns=missing)
        places[field] = [columns[part] for part in named]
    if "name" not in places:
        raise Rejected("matching.mapping", at="name", columns=["name"])
    for number, row in enumerate(reader, start=2):
        try:
            yield _from_csv(row, places, number)
        except Rejected as error:
            yield Fault(number, error)


def _from_csv(row: Mapping[str, str | None], places: Mapping[str, list[str]], number: int) -> Subject:
    def value(field: str) -> str:
        return " ".join(filter(None, ((row.get(column) or "").strip() for column in places.get(field, ()))))

    found = tuple((f.removeprefix("identifier:"), value(f)) for f in places if f.startswith("identifier:") and value(f))
    return make_subject(
        value("id") or str(number),
        value("name").split("|"),
        value("birth_date").split("|"),
        at=f"line {number}",
        schema=value("schema") or "Person",
        countries=tuple(filter(None, value("country").lower().split("|"))),
        gender=value("gender") or None,
        identifiers=found,
        birth_places=tuple(filter(None, value("birth_place").split("|"))),
    )
