"""OFAC's lists as XML (``sdnList``: the SDN list and the consolidated non-SDN list have one schema) as statements.

The file does not say which of the two it holds; whoever imports it does, by the list's key. ``ofac_form`` tells this
format from the enhanced one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, Final, Literal
from xml.etree.ElementTree import Element

from tansiq.engine.entities.lists.ofac import ALIAS_OF, SCHEMA_OF, OfacRow
from tansiq.engine.entities.lists.ofac_dates import american_day
from tansiq.engine.entities.lists.records import ListHeader, ListLimits, ListRow, RowProblem
from tansiq.engine.entities.lists.seen_keys import SeenKeys
from tansiq.engine.entities.lists.un_names import squash
from tansiq.engine.entities.lists.xml_rows import XmlRow, read_rows
from tansiq.engine.errors import Rejected

OFAC_CONSOLIDATED: Final = "ofac-consolidated"
LIMITS: Final = ListLimits(max_bytes=512 * 1024 * 1024, max_row_bytes=1024 * 1024, max_rows=200_000)

_FEATURE_LIKE: Final = re.compile(
    r"gender|website|email|phone|swift|d-u-n-s|organization|target type|nationality of registration|digital currency|"
    r"executive order|secondary sanctions|additional sanctions|caatsa|ifca|peesa|listing date|effective date|purchase/|"
    r"isin|issuer name|equity ticker|aircraft|vessel|mmsi|bik \(ru\)|micex|transactions prohibited|un/locode",
    re.IGNORECASE,
)
_READ: Final = frozenset(
    {"uid", "firstName", "lastName", "title", "sdnType", "remarks", "programList", "idList", "akaList", "addressList"}
    | {"nationalityList", "citizenshipList", "dateOfBirthList", "placeOfBirthList", "vesselInfo"}
)
_OF_A_VESSEL: Final = {
    "callSign": "Vessel Call Sign",
    "vesselType": "Vessel Type",
    "vesselFlag": "Vessel Flag",
    "vesselOwner": "Vessel Owner",
    "tonnage": "Vessel Tonnage",
    "grossRegisteredTonnage": "Vessel Gross Registered Tonnage",
}


def ofac_form(head: bytes) -> Literal["sdnList", "sanctionsData"]:
    """Which of OFAC's two XML formats a file has, from its first bytes; Rejected("list.not_this_list") for neither."""
    found = re.search(rb"<(?:\w+:)?(sdnList|sanctionsData)[\s>]", head)
    if found is None:
        first = re.search(rb"<(\w[\w:.-]{0,79})", head)
        root = first[1].decode("ascii", "replace") if first else ""
        raise Rejected("list.not_this_list", root=root, expected="sdnList, sanctionsData")
    return "sdnList" if found[1] == b"sdnList" else "sanctionsData"


def read_ofac_xml(
    stream: IO[bytes], *, list_key: str = OFAC_CONSOLIDATED, limits: ListLimits = LIMITS
) -> Iterator[ListRow]:
    """A ``ListHeader``, then a ``ListRecord`` or ``RowProblem`` for all that stands in the file, in flat memory.

    Raises Rejected("list.…") as ``xml_rows.read_rows`` does.
    """
    seen = SeenKeys()
    rows_at_root = frozenset({"sdnEntry", "publshInformation"})
    is_headed = False
    for item in read_rows(
        stream, root="sdnList", sections=frozenset(), limits=limits, rows_at_root=rows_at_root, is_in_namespace=True
    ):
        if not isinstance(item, XmlRow):
            continue
        is_information = item.element.tag == "publshInformation"
        if not is_headed:
            yield ListHeader(list_key, _made_at(item.element) if is_information else None)
            is_headed = True
        if item.element.tag == "sdnEntry":
            yield from _read(item, list_key, seen)
        elif not is_information:
            yield RowProblem(item.place, "list.unknown_element", str(item.element.tag)[:80], is_row_lost=True)
    if not is_headed:
        yield ListHeader(list_key, None)


def _made_at(information: Element) -> datetime | None:
    day = american_day(information.findtext("Publish_Date") or "")
    return None if day is None else datetime.fromisoformat(day).replace(tzinfo=UTC)


def _read(row: XmlRow, list_key: str, seen: SeenKeys) -> Iterator[ListRow]:
    entry = row.element
    key, kind = _text(entry, "uid"), _text(entry, "sdnType")
    schema = SCHEMA_OF.get(kind.casefold())
    if not (key.isascii() and key.isdigit() and len(key) <= 20):
        yield RowProblem(f"{row.place}/uid", "list.row_without_key", key[:80], is_row_lost=True)
        return
    built = OfacRow(list_key, key, number=key, place=row.place, schema=schema or "Organization")
    if not seen.add(key):
        yield built.lost("list.duplicate_row", key, at="uid")
        return
    if not _text(entry, "lastName"):
        yield built.lost("list.row_without_name", at="lastName")
        return
    if schema is None:
        built.problem("sdnType", "list.value_not_understood", kind)
    _names(built, entry)
    built.add("position" if built.may_have("position") else "notes", _text(entry, "title"), at="title")
    built.note(_text(entry, "remarks"))
    built.listing([text for _, child in _items(entry, "programList", "program") if (text := squash(child.text))], at="")
    for at, item in _items(entry, "addressList", "address"):
        parts = ("address1", "address2", "address3", "city", "stateOrProvince", "postalCode")
        built.address(*(_text(item, part) for part in parts), country=_text(item, "country"), at=at)
    for section, one, label in (
        ("nationalityList", "nationality", "nationality"),
        ("citizenshipList", "citizenship", "citizen"),
    ):
        for at, item in _items(entry, section, one):
            built.feature(label, _text(item, "country"), at=at)
    for at, item in _items(entry, "dateOfBirthList", "dateOfBirthItem"):
        built.feature("DOB", _text(item, "dateOfBirth"), at=at)
    for at, item in _items(entry, "placeOfBirthList", "placeOfBirthItem"):
        built.feature("POB", _text(item, "placeOfBirth"), at=at)
    _numbers(built, entry)
    for child in entry:
        if child.tag not in _READ:
            built.problem(str(child.tag), "list.unknown_element", squash("".join(child.itertext()))[:200])
    yield from built.problems
    yield built.record()


def _names(built: OfacRow, entry: Element) -> None:
    first, last = _text(entry, "firstName"), _text(entry, "lastName")
    built.name("name", f"{first} {last}".strip(), first=first, last=last, at="lastName")
    for at, alias in _items(entry, "akaList", "aka"):
        kind, is_weak = _text(alias, "type").casefold(), _text(alias, "category").casefold() == "weak"
        prop = ALIAS_OF.get(kind)
        if prop is None:
            built.problem(f"{at}/type", "list.alias_quality_unknown", kind)
        if is_weak and prop != "previousName":
            prop = "weakAlias"
        built.name(prop or "alias", f"{_text(alias, 'firstName')} {_text(alias, 'lastName')}".strip(), at=at)


def _numbers(built: OfacRow, entry: Element) -> None:
    """Documents, register numbers, and every feature for which this format has no element of its own."""
    for at, item in _items(entry, "idList", "id"):
        label, number, country = _text(item, "idType"), _text(item, "idNumber"), _text(item, "idCountry")
        if label.casefold().startswith("vessel registration"):
            built.feature("Vessel Registration Identification", number, at=at)
        elif _FEATURE_LIKE.search(label):
            built.feature(label, number, at=at)
        else:
            issued, expires = _text(item, "issueDate"), _text(item, "expirationDate")
            built.document(label, number, country=country, issued=issued, expires=expires, at=at)
    vessel = entry.find("vesselInfo")
    for child in () if vessel is None else vessel:
        built.feature(
            _OF_A_VESSEL.get(str(child.tag), str(child.tag)), squash(child.text), at=f"vesselInfo/{child.tag}"
        )


def _text(element: Element, tag: str) -> str:
    return squash(element.findtext(tag))


def _items(entry: Element, section: str, one: str) -> Iterator[tuple[str, Element]]:
    for index, child in enumerate(entry.findall(f"{section}/{one}"), start=1):
        yield f"{section}/{one}[{index}]", child
