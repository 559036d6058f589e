"""OFAC's lists as enhanced XML (``sanctionsData``) as statements, names in their original script included.

The file begins with its own code lists; of these only the countries are kept (by reference number, as ISO codes). A
name stands once per alias and once more per script; every script of the main name is a ``name``, those of an alias are
aliases. The list does not say in which language a name in Arabic letters is, so neither do we. A relationship
(``Owned or Controlled By``) names another row of the list; it is kept as a note, for a link between two subjects is an
officer's judgement here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import IO, Final
from xml.etree.ElementTree import Element

from tansiq.engine.entities.lists.ofac import ALIAS_OF, SCHEMA_OF, OfacRow
from tansiq.engine.entities.lists.ofac_dates import days_between
from tansiq.engine.entities.lists.records import ListHeader, ListLimits, ListRow, RowProblem
from tansiq.engine.entities.lists.seen_keys import SeenKeys
from tansiq.engine.entities.lists.un_names import squash
from tansiq.engine.entities.lists.xml_rows import XmlRow, read_rows

OFAC_ENHANCED: Final = "ofac-enhanced"
LIMITS: Final = ListLimits(
    max_bytes=512 * 1024 * 1024, max_row_bytes=1024 * 1024, max_rows=500_000, max_row_elements=20_000
)

_SECTIONS: Final = frozenset({"publicationInfo", "referenceValues", "featureTypes", "entities"})
_MAX_COUNTRIES: Final = 2_000
_BIRTH: Final = {"Birthdate": "birthDate", "Organization Established Date": "incorporationDate"}
_BUILT: Final = "Aircraft Manufacture Date"
_READ: Final = frozenset(
    {"generalInfo", "sanctionsLists", "sanctionsPrograms", "sanctionsTypes", "legalAuthorities", "names", "addresses"}
    | {"features", "relationships", "identityDocuments"}
)


def read_ofac_enhanced(
    stream: IO[bytes], *, list_key: str = OFAC_ENHANCED, limits: ListLimits = LIMITS
) -> Iterator[ListRow]:
    """A ``ListHeader``, then a ``ListRecord`` or ``RowProblem`` for every entity, in flat memory.

    Raises Rejected("list.…") as ``xml_rows.read_rows`` does.
    """
    seen, countries = SeenKeys(), dict[str, str]()
    made_at: datetime | None = None
    is_headed = False
    for item in read_rows(stream, root="sanctionsData", sections=_SECTIONS, limits=limits, is_in_namespace=True):
        if not isinstance(item, XmlRow):
            continue
        tag = str(item.element.tag)
        if tag == "dataAsOf":
            made_at = _moment(item.element.text)
        elif tag == "referenceValue":
            _note_country(item.element, countries)
        elif tag not in ("filters", "featureType"):
            if not is_headed:
                yield ListHeader(list_key, made_at)
                is_headed = True
            if tag == "entity":
                yield from _Entity(item, list_key, countries).read(seen)
            else:
                yield RowProblem(item.place, "list.unknown_element", tag[:80], is_row_lost=True)
    if not is_headed:
        yield ListHeader(list_key, made_at)


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(squash(text))
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def _note_country(value: Element, countries: dict[str, str]) -> None:
    code, reference = _text(value, "isoCode"), value.get("refId", "")
    if code and reference and len(countries) < _MAX_COUNTRIES:
        countries[reference] = code


class _Entity:
    """One ``entity`` being read."""

    def __init__(self, row: XmlRow, list_key: str, countries: Mapping[str, str]) -> None:
        self.row = row
        self.element = row.element
        self.countries = countries
        self.key = row.element.get("id", "")
        self.kind = _text(row.element, "generalInfo/entityType")
        schema = SCHEMA_OF.get(self.kind.casefold())
        self.is_kind_known = schema is not None
        self.built = OfacRow(list_key, self.key, number=self.key, place=row.place, schema=schema or "Organization")

    def read(self, seen: SeenKeys) -> Iterator[ListRow]:
        built = self.built
        if not (self.key.isascii() and self.key.isdigit() and len(self.key) <= 20):
            yield RowProblem(f"{self.row.place}/@id", "list.row_without_key", self.key[:80], is_row_lost=True)
            return
        if not seen.add(self.key):
            yield built.lost("list.duplicate_row", self.key, at="@id")
            return
        self._names()
        if not built.has_name:
            yield from built.problems
            yield built.lost("list.row_without_name", at="names")
            return
        if not self.is_kind_known:
            built.problem("generalInfo/entityType", "list.value_not_understood", self.kind)
        built.add("position" if built.may_have("position") else "notes", _text(self.element, "generalInfo/title"))
        built.note(_text(self.element, "generalInfo/remarks"))
        self._listing()
        self._addresses()
        self._features()
        self._documents()
        self._relationships()
        for child in self.element:
            if child.tag not in _READ:
                built.problem(str(child.tag), "list.unknown_element", squash("".join(child.itertext()))[:200])
        yield from built.problems
        yield built.record()

    def _names(self) -> None:
        names = sorted(self._items("names/name"), key=lambda item: not _is_true(item[1], "isPrimary"))
        for at, name in names:
            is_main, is_weak = _is_true(name, "isPrimary"), _is_true(name, "isLowQuality")
            kind = _text(name, "aliasType").casefold()
            prop = "name" if is_main else ALIAS_OF.get(kind, "alias")
            if not is_main and kind not in ALIAS_OF:
                self.built.problem(f"{at}/aliasType", "list.alias_quality_unknown", kind)
            prop = "weakAlias" if is_weak and prop == "alias" else prop
            for translation in name.findall("translations/translation"):
                self._name(prop, translation, at)

    def _name(self, prop: str, translation: Element, at: str) -> None:
        parts = {_text(part, "type"): _text(part, "value") for part in translation.findall("nameParts/namePart")}
        last, first = _text(translation, "formattedLastName"), _text(translation, "formattedFirstName")
        listed = _text(translation, "formattedFullName")
        full = f"{first} {last}".strip() or listed or " ".join(parts.values())
        is_latin = _text(translation, "script") == "Latin"
        self.built.name(
            prop, full, first=first if is_latin else "", last=last if is_latin else "", listed=listed, at=at
        )

    def _listing(self) -> None:
        built = self.built
        built.listing(
            [text for _, item in self._items("sanctionsPrograms/sanctionsProgram") if (text := squash(item.text))],
            at="",
        )
        for at, item in self._items("sanctionsLists/sanctionsList"):
            day = item.get("datePublished", "")
            built.date(
                "listingDate", day, lambda text: text[:10], at=at, entity_id=f"{built.root}#listing", schema="Sanction"
            )
        for at, item in self._items("legalAuthorities/legalAuthority"):
            built.of_listing("provisions", squash(item.text)[:1_000], at=at)

    def _addresses(self) -> None:
        for at, address in self._items("addresses/address"):
            values = address.findall("translations/translation/addressParts/addressPart/value")
            country = address.find("country")
            name = "" if country is None else squash(country.text)
            code = "" if country is None else self.countries.get(country.get("refId", ""), "")
            self.built.address(*(squash(value.text) for value in values), country=name, code=code, at=at)

    def _features(self) -> None:
        built = self.built
        for at, feature in self._items("features/feature"):
            label, value = _text(feature, "type"), _text(feature, "value")
            period = feature.find("valueDate")
            prop = "buildDate" if label == _BUILT else _BIRTH.get(label)
            if period is not None and prop is not None and built.may_have(prop):
                date = _date(period)
                built.date(prop, value or "?", lambda _, date=date: date, at=at)  # type: ignore[misc]
            else:
                built.feature(label, value, at=at)
            reliability = _text(feature, "reliability")
            if reliability and reliability.casefold() not in ("confirmed", "reported"):
                built.note(f"{label} {value} ({reliability})")

    def _documents(self) -> None:
        for at, document in self._items("identityDocuments/identityDocument"):
            label, number = _text(document, "type"), _text(document, "documentNumber")
            issued, expires = document.find("issueDate"), document.find("expirationDate")
            self.built.document(
                label,
                number,
                country=_text(document, "issuingCountry"),
                issued=_date(issued) or "" if issued is not None else "",
                expires=_date(expires) or "" if expires is not None else "",
                at=at,
            )
            if _text(document, "isValid") == "false":
                self.built.note(f"{label} {number}: not valid")

    def _relationships(self) -> None:
        for _, relationship in self._items("relationships/relationship"):
            other = relationship.find("relatedEntity")
            if other is not None:
                kind, name = _text(relationship, "type"), squash(other.text)
                self.built.note(f"{kind}: {name} ({other.get('entityId', '')})")

    def _items(self, path: str) -> Iterator[tuple[str, Element]]:
        for index, child in enumerate(self.element.findall(path), start=1):
            yield f"{path}[{index}]", child


def _date(period: Element) -> str | None:
    is_about = _text(period, "isApproximate") == "true"
    return days_between(_text(period, "fromDateBegin"), _text(period, "toDateEnd"), is_about=is_about)


def _is_true(element: Element, tag: str) -> bool:
    return _text(element, tag) == "true"


def _text(element: Element, path: str) -> str:
    return squash(element.findtext(path))
