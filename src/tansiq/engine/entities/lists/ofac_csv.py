"""OFAC's Specially Designated Nationals as CSV (``SDN.CSV``) as statements.

Twelve columns in a fixed order, with or without a line of headings: number, name, type, program, title, call sign,
vessel type, tonnage, gross registered tonnage, flag, owner, remarks; ``-0-`` says nothing. What matters most stands in
the remarks, in words: ``DOB 12 Jan 1961; POB Tripoli, Libya; Passport A123 (Libya); Gender Male.`` They are kept whole
as a note, and what is understood in them is said beside that. The file may end in the old end-of-file mark (0x1A).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Final

from tansiq.engine.entities.lists.csv_rows import CsvRow, read_csv_rows
from tansiq.engine.entities.lists.ofac import ALIAS_OF, SCHEMA_OF, OfacRow
from tansiq.engine.entities.lists.records import ListHeader, ListLimits, ListRow, RowProblem
from tansiq.engine.entities.lists.seen_keys import SeenKeys
from tansiq.engine.errors import Rejected

OFAC_SDN: Final = "ofac-sdn"
LIMITS: Final = ListLimits(max_bytes=256 * 1024 * 1024, max_row_bytes=256 * 1024, max_rows=200_000)

_COLUMNS: Final = 12
_NOTHING: Final = frozenset({"-0-", ""})
_END_OF_FILE: Final = "\x1a"
_TYPES: Final = {"-0-": "entity", "": "entity"}
_ALIAS = re.compile(r"(?:alt\. )?([afn]\.k\.a\.) ['‘\"“](.+)['’\"”]$")
_FEATURE = re.compile(
    r"(?:alt\. )?(DOB|POB|nationality|citizen|Gender|Website|Email Address|Phone Number|MMSI|SWIFT/BIC|D-U-N-S Number|"
    r"Vessel Registration Identification|Vessel Year of Build|Vessel Flag|Former Vessel Flag|Other Vessel Flag|"
    r"Other Vessel Call Sign|Aircraft Model|Aircraft Tail Number|Aircraft Manufacture Date|Aircraft Mode S Transponder "
    r"Code|Aircraft Manufacturer's Serial Number \(MSN\)|Aircraft Construction Number \(also called L/N or S/N or "
    r"F/N\)|Organization Established Date|Organization Type:|Nationality of Registration|Digital Currency Address - "
    r"[A-Z]{2,5}|Additional Sanctions Information -|Secondary sanctions risk:|Transactions Prohibited For Persons Owned "
    r"or Controlled By U\.S\. Financial Institutions:|Executive Order \d+ [^:-]*[:-]) (.+)"
)
_DOCUMENT = re.compile(
    r"(?:alt\. )?(Passport|Diplomatic Passport|Stateless Person Passport|National ID No\.|Personal ID Card|"
    r"Identification Number|Cedula No\.|Cedula de Ciudadania|Cedula de Residencia|Tax ID No\.|NIT #|RUC #|RIF #|RTN|"
    r"R\.F\.C\.|C\.U\.R\.P\.|C\.U\.I\.T\.|D\.N\.I\.|D\.P\.I\.|I\.F\.E\.|SSN|Driver's License No\.|Registration "
    r"Number|Registration ID|Business Registration Number|Business Registration Document #|Business Number|Company "
    r"Number|Commercial Registry Number|C\.R\. No\.|Public Registration Number|Trade License No\.|License|Matricula "
    r"Mercantil No\.?|Folio Mercantil No\.|Enterprise Number|Legal Entity Number|Government Gazette Number|V\.A\.T\. "
    r"Number|Unified Social Credit Code \(USCC\)|Electoral Registry No\.|Birth Certificate Number|Residency Number|"
    r"Chinese Commercial Code|Travel Document Number|Tarjeta Profesional|Credencial electoral|Numero de Identidad) "
    r"((?=[^()]*\d)[^()]{2,60}?)(?: \(([^()]+)\))?(?: issued (\d{1,2} \w{3} \d{4}))?(?: expires (\d{1,2} \w{3} \d{4}))?$"
)


def read_ofac_csv(stream: IO[bytes], *, list_key: str = OFAC_SDN, limits: ListLimits = LIMITS) -> Iterator[ListRow]:
    """A ``ListHeader`` (the file does not say when it was made), then every row, in flat memory.

    Raises Rejected: ``list.not_this_list`` for a file without these twelve columns, or as ``read_csv_rows`` does.
    """
    seen = SeenKeys()
    is_first = True
    for row in read_csv_rows(stream, encoding="utf-8", delimiter=",", limits=limits):
        if is_first:
            heading = row.cells if isinstance(row, CsvRow) else ()
            if len(heading) != _COLUMNS:
                first = heading[0] if heading else ""
                raise Rejected("list.not_this_list", root=first[:80], expected=f"{_COLUMNS} columns")
            yield ListHeader(list_key, None)
            is_first = False
            if not heading[0].isdigit():
                continue
        if isinstance(row, RowProblem):
            yield row
        elif row.cells[0] != _END_OF_FILE or any(row.cells[1:]):
            yield from _read(row, list_key, seen)


def _read(row: CsvRow, list_key: str, seen: SeenKeys) -> Iterator[ListRow]:
    number, name, kind, program, title, *of_vessel, remarks = ("" if c in _NOTHING else c for c in row.cells)
    schema = SCHEMA_OF.get(_TYPES.get(kind, kind).casefold())
    built = OfacRow(list_key, number, number=number, place=row.place, schema=schema or "Organization")
    if not (number.isascii() and number.isdigit() and len(number) <= 20):
        yield RowProblem(f"{row.place}/number", "list.row_without_key", number[:80], is_row_lost=True)
        return
    if not seen.add(number):
        yield built.lost("list.duplicate_row", number, at="number")
        return
    if not name:
        yield built.lost("list.row_without_name", at="name")
        return
    if schema is None:
        built.problem("type", "list.value_not_understood", kind)
    _name(built, name)
    built.add("position" if built.may_have("position") else "notes", title, at="title")
    _vessel(built, of_vessel)
    built.listing([text for text in re.split(r"\]\s*\[|[\[\]]", program) if text.strip()], at="program")
    _remarks(built, remarks)
    yield from built.problems
    yield built.record()


def _name(built: OfacRow, listed: str) -> None:
    last, comma, first = listed.partition(", ")
    if built.schema == "Person" and comma:
        first = first.replace(",", "")
        built.name("name", f"{first} {last}", last=last, first=first, listed=listed, at="name")
    else:
        built.name("name", listed, at="name")


def _vessel(built: OfacRow, cells: list[str]) -> None:
    labels = ("Vessel Call Sign", "Vessel Type", "Vessel Tonnage", "Vessel Gross Registered Tonnage", "Vessel Flag")
    for label, text in zip((*labels, "Vessel Owner"), cells, strict=True):
        built.feature(label, text, at=label.casefold().replace(" ", "_"))


def _remarks(built: OfacRow, remarks: str) -> None:
    built.note(remarks)
    for index, piece in enumerate(remarks.split(";"), start=1):
        said = piece.strip().rstrip(".") if not piece.strip().endswith(".k.a.") else piece.strip()
        at = f"remarks[{index}]"
        if found := _ALIAS.match(said):
            built.name(ALIAS_OF[found[1]], found[2].strip("'‘’\"“” "), at=at)
        elif found := _FEATURE.match(said):
            built.feature(found[1], found[2].strip(), at=at)
        elif found := _DOCUMENT.match(said):
            label, number, country, issued, expires = (text or "" for text in found.groups())
            if label == "Identification Number" and number.startswith("IMO ") and built.may_have("imoNumber"):
                built.feature("Vessel Registration Identification", number, at=at)
            else:
                built.document(label, number.strip(), country=country, issued=issued, expires=expires, at=at)
