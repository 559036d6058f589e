"""The UN Security Council Consolidated List (XML) as statements.

Every individual becomes a Person, every entity an Organization, each with a Sanction (``#listing``) and one Passport
or Identification per document (``#document-…``). Names are kept in the order in which the list gives their parts: the
list does not say which of them is a family name, so neither do we. A good alias is an ``alias``, a low one a
``weakAlias``, f.k.a. a ``previousName``. A date that the list calls approximate or between two years stays so (see
``entities.dates``).

What cannot be read as what it should be (a country that is none, an age instead of a date) is reported with its place
and kept as a note, in the words of the list.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import IO, Final
from xml.etree.ElementTree import Element

from tansiq.engine.entities.countries import countries_named
from tansiq.engine.entities.lists.records import ListHeader, ListLimits, ListRecord, ListRow, RowProblem
from tansiq.engine.entities.lists.un_dates import birth_date, iso_day
from tansiq.engine.entities.lists.un_documents import expiry_in, kind_of, number_in
from tansiq.engine.entities.lists.un_names import is_former_listing, names_in_note, split_names, squash
from tansiq.engine.entities.lists.xml_rows import XmlRow, read_rows
from tansiq.engine.entities.statements import Provenance, Statement
from tansiq.engine.formats import canonical
from tansiq.engine.formats.ids import digest

UN_LIST: Final = "un"
LIMITS: Final = ListLimits(max_bytes=256 * 1024 * 1024, max_row_bytes=512 * 1024, max_rows=100_000)

_SECTIONS: Final = frozenset({"INDIVIDUALS", "ENTITIES"})
_SCHEMA_OF: Final = {"INDIVIDUAL": "Person", "ENTITY": "Organization"}
_NAME_PARTS: Final = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME", "FIFTH_NAME", "SIXTH_NAME")
_ALIAS_PROPERTY: Final = {"good": "alias", "low": "weakAlias", "a.k.a.": "alias", "f.k.a.": "previousName", "": "alias"}
_GENDERS: Final = {"male": "male", "female": "female"}
_SAY_NOTHING: Final = frozenset({"VERSIONNUM", "LIST_TYPE", "SORT_KEY", "SORT_KEY_LAST_MOD"})
_READ: Final = frozenset(
    f"""{" ".join(_NAME_PARTS)} DATAID REFERENCE_NUMBER UN_LIST_TYPE LISTED_ON COMMENTS1 DESIGNATION NATIONALITY
    NATIONALITY2 LAST_DAY_UPDATED NAME_ORIGINAL_SCRIPT GENDER TITLE SUBMITTED_BY SUBMITTED_ON INDIVIDUAL_ALIAS
    INDIVIDUAL_ADDRESS INDIVIDUAL_DATE_OF_BIRTH INDIVIDUAL_PLACE_OF_BIRTH INDIVIDUAL_DOCUMENT ENTITY_ALIAS
    ENTITY_ADDRESS""".split()
)
_MAX_NAME = 384
_MAX_TEXT = 60_000


def read_un_list(stream: IO[bytes], *, limits: ListLimits = LIMITS) -> Iterator[ListRow]:
    """A ``ListHeader``, then a ``ListRecord`` or ``RowProblem`` for all that stands in the file, in flat memory.

    Raises Rejected("list.…") while being read when the file as a whole cannot be trusted: see ``xml_rows.read_rows``.
    Whoever stores what this yields must therefore have read it to the end once before storing anything.
    """
    seen: set[str] = set()
    for item in read_rows(stream, root="CONSOLIDATED_LIST", sections=_SECTIONS, limits=limits):
        if not isinstance(item, XmlRow):
            yield ListHeader(UN_LIST, _generated_at(item))
        elif item.element.tag not in _SCHEMA_OF:
            yield RowProblem(item.place, "list.unknown_element", str(item.element.tag)[:80], is_row_lost=True)
        else:
            row = _Row(item)
            yield from row.read(seen)


def _generated_at(root: Element) -> datetime | None:
    try:
        moment = datetime.fromisoformat(root.get("dateGenerated", ""))
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


class _Row:
    """One INDIVIDUAL or ENTITY being read: collects its statements and its problems."""

    def __init__(self, row: XmlRow) -> None:
        self.place = row.place
        self.element = row.element
        self.prefix = str(row.element.tag)
        self.schema = _SCHEMA_OF[self.prefix]
        self.key = _text(row.element, "DATAID")
        self.number = _text(row.element, "REFERENCE_NUMBER")
        self.root = f"{UN_LIST}:{self.key}"
        self.provenance = Provenance(kind="list", source_id=UN_LIST, origin=self.number or self.key)
        self.statements: dict[tuple[str, str, str], Statement] = {}
        self.problems: list[RowProblem] = []
        self.damaged: set[str] = set()

    def read(self, seen: set[str]) -> Iterator[ListRow]:
        if not (self.key.isascii() and self.key.isalnum() and len(self.key) <= 40):
            yield RowProblem(
                f"{self.place}/DATAID", "list.row_without_key", self.key[:80], number=self.number, is_row_lost=True
            )
            return
        if self.key in seen:
            place = f"{self.place}/DATAID"
            yield RowProblem(place, "list.duplicate_row", self.key, key=self.key, number=self.number, is_row_lost=True)
            return
        seen.add(self.key)
        self._names()
        if not any(prop in ("name", "alias") for _, prop, _ in self.statements):
            place = f"{self.place}/FIRST_NAME"
            yield from self.problems
            yield RowProblem(place, "list.row_without_name", "", key=self.key, number=self.number, is_row_lost=True)
            return
        self._person()
        self._addresses()
        self._documents()
        self._listing()
        self._unknown_elements()
        yield from self.problems
        yield ListRecord(
            list_key=UN_LIST,
            key=self.key,
            number=self.number,
            place=self.place,
            schema=self.schema,
            statements=tuple(self.statements.values()),
            damaged=frozenset(self.damaged),
        )

    # What a row is made of, in the order of the list.

    def _names(self) -> None:
        self._name("name", " ".join(_text(self.element, part) for part in _NAME_PARTS), at="FIRST_NAME")
        self._name("name", _text(self.element, "NAME_ORIGINAL_SCRIPT"), at="NAME_ORIGINAL_SCRIPT")
        for at, alias in self._children(f"{self.prefix}_ALIAS"):
            quality, name, note = _text(alias, "QUALITY"), _text(alias, "ALIAS_NAME"), _text(alias, "NOTE")
            prop = _ALIAS_PROPERTY.get(quality.casefold())
            if prop is None:
                self._problem(f"{at}/QUALITY", "list.alias_quality_unknown", quality)
                prop = "alias"
            if name:
                self._name(prop, name, at=f"{at}/ALIAS_NAME", remark=note if is_former_listing(note) else "")
            self._alias_note(prop, name, note)
            self._alias_birth(alias, name, at)

    def _alias_note(self, prop: str, name: str, note: str) -> None:
        spelled = names_in_note(note, beside=name)
        for text in spelled:
            self._add(prop, text, original=note)
        if note and not spelled and not is_former_listing(note):
            self._add("notes", f"Alias {name}: {note}" if name else f"Alias: {note}")

    def _alias_birth(self, alias: Element, name: str, at: str) -> None:
        said = _text(alias, "DATE_OF_BIRTH")
        if said:
            date = iso_day(said) or birth_date("EXACT", {"YEAR": said})
            self._date("birthDate", date, said, at=f"{at}/DATE_OF_BIRTH", remark=f"as {name}")
        city, country = _text(alias, "CITY_OF_BIRTH"), _text(alias, "COUNTRY_OF_BIRTH")
        if city or country:
            self._add("birthPlace", ", ".join(filter(None, (city, country))), original=f"{city}, {country} (as {name})")
        self._countries("birthCountry", country, at=f"{at}/COUNTRY_OF_BIRTH")

    def _person(self) -> None:
        for tag, prop in (("TITLE", "title"), ("DESIGNATION", "position")):
            for _, text in self._values(tag):
                self._add(prop if self.schema == "Person" else "notes", text)
        for tag in ("NATIONALITY", "NATIONALITY2"):
            for at, text in self._values(tag):
                self._countries(
                    "nationality" if self.schema == "Person" else "country", text, at=at, label="Nationality"
                )
        gender = _text(self.element, "GENDER").casefold()
        if gender in _GENDERS:
            self._add("gender", _GENDERS[gender])
        elif gender not in ("", "unknown"):
            self._problem("GENDER", "list.value_not_understood", gender, prop="gender")
        for at, born in self._children("INDIVIDUAL_DATE_OF_BIRTH"):
            fields = {str(child.tag): text for child in born if (text := squash(child.text))}
            kind = fields.pop("TYPE_OF_DATE", "")
            if fields:
                said = " ".join(filter(None, (kind, *fields.values())))
                self._date("birthDate", birth_date(kind, fields), said, at=at, remark="")
        for at, born in self._children("INDIVIDUAL_PLACE_OF_BIRTH"):
            self._add("birthPlace", _joined(born, "CITY", "STATE_PROVINCE", "COUNTRY", "NOTE"))
            self._countries("birthCountry", _text(born, "COUNTRY"), at=f"{at}/COUNTRY")

    def _addresses(self) -> None:
        for at, address in self._children(f"{self.prefix}_ADDRESS"):
            self._add("address", _joined(address, "STREET", "CITY", "STATE_PROVINCE", "ZIP_CODE", "COUNTRY", "NOTE"))
            self._countries("country", _text(address, "COUNTRY"), at=f"{at}/COUNTRY")

    def _documents(self) -> None:
        for at, document in self._children("INDIVIDUAL_DOCUMENT"):
            described, said = _joined(document, "TYPE_OF_DOCUMENT", "TYPE_OF_DOCUMENT2"), _text(document, "NUMBER")
            note = _text(document, "NOTE")
            if not said:
                if described or note:
                    self._add("notes", ": ".join(filter(None, (described or "Document", note))))
                continue
            number = number_in(said)
            if number is None or len(number) > 64:
                self._problem(f"{at}/NUMBER", "list.number_not_understood", said, prop="idNumber")
                self._add("notes", f"{described or 'Document'}: {said}")
                continue
            self._document(document, described, number, said, note, at=at)

    def _document(self, document: Element, described: str, number: str, said: str, note: str, *, at: str) -> None:
        kind = kind_of(described, said, note)
        if kind.number_property == "socialSecurityNumber":
            number = "".join(filter(str.isdigit, number))
        self._add(kind.number_property, number, original=said)
        issuers = [text for tag in ("ISSUING_COUNTRY", "COUNTRY_OF_ISSUE") if (text := _text(document, tag))]
        own_id = f"{self.root}#document-{digest(canonical.dumps([kind.schema, number, issuers]))[:12]}"

        def add(prop: str, value: str | None) -> None:
            if value:
                self._add(prop, value, entity_id=own_id, schema=kind.schema)

        add("holder", self.root)
        add("number", number)
        add("type", described)
        for text in issuers:
            self._countries("country", text, at=f"{at}/ISSUING_COUNTRY", entity_id=own_id, schema=kind.schema)
        issued = _text(document, "DATE_OF_ISSUE")
        add("startDate", iso_day(issued))
        add("endDate", expiry_in(note) or expiry_in(said))
        issued_in = _text(document, "CITY_OF_ISSUE")
        add("summary", "; ".join(filter(None, (note, f"issued in {issued_in}" if issued_in else ""))))
        if issued and iso_day(issued) is None:
            self._problem(f"{at}/DATE_OF_ISSUE", "list.date_not_understood", issued)

    def _listing(self) -> None:
        own_id = f"{self.root}#listing"

        def add(prop: str, value: str | None) -> None:
            if value:
                self._add(prop, value, entity_id=own_id, schema="Sanction")

        add("entity", self.root)
        add("authority", "United Nations Security Council")
        add("program", _text(self.element, "UN_LIST_TYPE"))
        add("unscId", self.number[:16])
        for tag, prop in (("LISTED_ON", "listingDate"), ("SUBMITTED_ON", "date")):
            said = _text(self.element, tag)
            add(prop, iso_day(said))
            if said and iso_day(said) is None:
                self._problem(tag, "list.date_not_understood", said)
        for at, text in self._values("LAST_DAY_UPDATED"):
            add("modifiedAt", iso_day(text))
            if iso_day(text) is None:
                self._problem(at, "list.date_not_understood", text)
        submitted_by = _text(self.element, "SUBMITTED_BY")
        add("summary", f"Submitted by {submitted_by}" if submitted_by else None)
        comments = unicodedata.normalize("NFC", (self.element.findtext("COMMENTS1") or "").strip())
        if comments:
            self._add("notes", comments)
        self._add("topics", "sanction")
        if not self.number:
            self._problem("REFERENCE_NUMBER", "list.row_without_number", "")

    def _unknown_elements(self) -> None:
        for child in self.element:
            if child.tag not in _READ and child.tag not in _SAY_NOTHING:
                self._problem(str(child.tag), "list.unknown_element", squash("".join(child.itertext()))[:200])

    # How it is collected.

    def _add(self, prop: str, value: str, *, original: str = "", entity_id: str = "", schema: str = "") -> None:
        value = unicodedata.normalize("NFC", value)
        if not value:
            return
        if len(value) > (_MAX_NAME if prop in ("name", "alias", "weakAlias", "previousName") else _MAX_TEXT):
            self._problem("", "list.value_too_long", value[:200], prop=prop)
            return
        own_id = entity_id or self.root
        self.statements.setdefault(
            (own_id, prop, value),
            Statement(
                own_id,
                schema or self.schema,
                prop,
                value,
                self.provenance,
                original_value=original if original and original != value else None,
            ),
        )

    def _name(self, prop: str, text: str, *, at: str, remark: str = "") -> None:
        said = squash(text)
        if not said:
            return
        found = split_names(said)
        if not found.names:
            self._problem(at, "list.name_not_understood", said, prop=prop)
        for name in found.names:
            self._add(prop, name, original=f"{said} ({remark})" if remark else said)
        for name in found.abbreviations:
            self._add("abbreviation" if self.schema != "Person" else "weakAlias", name, original=said)

    def _date(self, prop: str, date: str | None, said: str, *, at: str, remark: str) -> None:
        if date is None:
            self._problem(at, "list.date_not_understood", said, prop=prop)
            self._add("notes", f"Date of birth: {said}")
        else:
            self._add(prop, date, original=f"{said} ({remark})" if remark else said)

    def _countries(
        self, prop: str, text: str, *, at: str, label: str = "", entity_id: str = "", schema: str = ""
    ) -> None:
        if not text:
            return
        codes = countries_named(text)
        if codes is None:
            self._problem(at, "list.country_not_understood", text, prop=prop)
            if label:
                self._add("notes", f"{label}: {text}")
        for code in codes or ():
            self._add(prop, code, original=text, entity_id=entity_id, schema=schema)

    def _problem(self, at: str, rule: str, value: str, *, prop: str | None = None) -> None:
        place = f"{self.place}/{at}" if at else self.place
        self.problems.append(RowProblem(place, rule, value[:500], key=self.key, number=self.number, prop=prop))
        if prop is not None:
            self.damaged.add(prop)

    def _children(self, tag: str) -> Iterator[tuple[str, Element]]:
        for index, child in enumerate(self.element.findall(tag), start=1):
            yield f"{tag}[{index}]", child

    def _values(self, tag: str) -> Iterator[tuple[str, str]]:
        for at, parent in self._children(tag):
            for index, child in enumerate(parent.findall("VALUE"), start=1):
                if text := squash(child.text):
                    yield f"{at}/VALUE[{index}]", text


def _text(element: Element, tag: str) -> str:
    return squash(element.findtext(tag))


def _joined(element: Element, *tags: str) -> str:
    texts: Sequence[str] = [_text(element, tag) for tag in tags]
    return ", ".join(dict.fromkeys(bare for text in texts if (bare := text.strip(" ,"))))
