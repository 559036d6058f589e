"""What the lists of the US Office of Foreign Assets Control have in common, whatever file they come in.

OFAC publishes the same knowledge as CSV, as XML and as "enhanced" XML. A feature (``DOB``, ``Birthdate``, ``Vessel
Flag``) and a document (``Passport``, ``Tax ID No.``) carry a label in words; here stands, once, what a label means. A
label that is not known costs nothing: it is kept as a note with its value.

Persons become Person, vessels Vessel, aircraft Airplane, everything else Organization; each with a Sanction
(``#listing``), and persons and organisations with one Passport or Identification per document.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from tansiq.engine.entities.lists.building import RowBuilder
from tansiq.engine.entities.lists.ofac_dates import ofac_date
from tansiq.engine.entities.model import property_of
from tansiq.engine.formats import canonical
from tansiq.engine.formats.ids import digest

AUTHORITY: Final = "US Office of Foreign Assets Control"
SCHEMA_OF: Final = {"individual": "Person", "entity": "Organization", "vessel": "Vessel", "aircraft": "Airplane"}
ALIAS_OF: Final = {"a.k.a.": "alias", "f.k.a.": "previousName", "n.k.a.": "alias"}
MAX_NUMBER: Final = 64

_FEATURES: Final = {
    "place of birth": "birthPlace",
    "pob": "birthPlace",
    "gender": "gender",
    "website": "website",
    "email address": "email",
    "phone number": "phone",
    "title": "position",
    "organization type": "sector",
    "swift/bic": "swiftBic",
    "d-u-n-s number": "dunsCode",
    "aircraft model": "model",
    "aircraft manufacturer's serial number (msn)": "serialNumber",
    "aircraft construction number (also called l/n or s/n or f/n)": "serialNumber",
    "aircraft tail number": "registrationNumber",
    "aircraft mode s transponder code": "icaoCode",
    "vessel registration identification": "imoNumber",
    "mmsi": "mmsi",
    "vessel call sign": "callSign",
    "other vessel call sign": "callSign",
    "vessel type": "type",
    "other vessel type": "type",
    "vessel tonnage": "deadweightTonnage",
    "vessel gross registered tonnage": "grossRegisteredTonnage",
}
_DATES: Final = {
    "dob": "birthDate",
    "birthdate": "birthDate",
    "organization established date": "incorporationDate",
    "aircraft manufacture date": "buildDate",
    "vessel year of build": "buildDate",
}
_COUNTRIES: Final = {
    "nationality": "nationality",
    "nationality country": "nationality",
    "citizen": "citizenship",
    "citizenship country": "citizenship",
    "nationality of registration": "jurisdiction",
    "registration country": "jurisdiction",
    "vessel flag": "flag",
    "other vessel flag": "flag",
    "former vessel flag": "pastFlags",
}
_OF_THE_LISTING: Final = (
    "additional sanctions information",
    "secondary sanctions risk",
    "transactions prohibited",
    "caatsa",
    "ifca",
    "peesa",
    "executive order",
    "effective date",
    "listing date",
    "purchase/sales",
)
_WALLET: Final = "digital currency address - "
_UNKNOWN: Final = frozenset({"undetermined", "unknown", "none identified"})
_NOT_A_DOCUMENT: Final = frozenset({"isin", "issuer name", "equity ticker", "target type", "micex code", "un/locode"})

_IMO = re.compile(r"^(?:IMO\s*)?(\d{7})$")


class DocumentKind(NamedTuple):
    """The schema of a document, and the property under which its subject's record carries the number."""

    schema: str
    prop: str


_DOCUMENTS: Final = (
    (("passport", "travel document"), DocumentKind("Passport", "passportNumber")),
    (("unified social credit",), DocumentKind("", "uscCode")),
    (("ssn",), DocumentKind("Identification", "socialSecurityNumber")),
    (("v.a.t.",), DocumentKind("", "vatCode")),
    (
        ("tax id", "nit #", "ruc #", "r.f.c.", "rif #", "rtn", "c.u.i.t.", "c.u.i.p.", "italian fiscal code", "rfc"),
        DocumentKind("Identification", "taxNumber"),
    ),
    (
        (
            "registration",
            "registry",
            "company number",
            "c.r. no",
            "matricula",
            "folio",
            "license no",
            "license",
            "enterprise number",
            "commercial",
            "gazette",
            "legal entity number",
            "bik (ru)",
        ),
        DocumentKind("", "registrationNumber"),
    ),
)
_PERSONAL: Final = (("driver", "license"), ("birth certificate",), ("electoral",))


def document_kind(label: str) -> DocumentKind:
    """What kind of document a label names; an identity document where it says nothing else."""
    said = label.casefold()
    if not any(all(word in said for word in words) for words in _PERSONAL):
        for words, kind in _DOCUMENTS:
            if any(word in said for word in words):
                return kind
    return DocumentKind("Identification", "idNumber")


class OfacRow(RowBuilder):
    """A row of an OFAC list being read."""

    def name(self, prop: str, full: str, *, last: str = "", first: str = "", listed: str = "", at: str = "") -> None:
        """One name; ``listed`` is how the list writes it (``LAST, First``)."""
        if not full:
            return
        self.add(prop, full, original=listed or full, at=at)
        if prop == "name" and self.schema == "Person":
            for part, text in (("lastName", last), ("firstName", first)):
                self.add(part, text, at=at)

    def feature(self, label: str, value: str, *, at: str) -> None:
        """What a label and its value say of the subject; a label that is not known becomes a note."""
        plain = label.casefold().replace("’", "'").rstrip(":- ")
        said = f"{label} {value}".strip()
        if not value or value.casefold() in _UNKNOWN:
            return
        if plain in _DATES and self.may_have(_DATES[plain]):
            self.date(_DATES[plain], value, ofac_date, at=at)
        elif plain in _COUNTRIES:
            self._country_of(_COUNTRIES[plain], value, at=at)
        elif plain in _FEATURES and self.may_have(_FEATURES[plain]):
            self._plain(_FEATURES[plain], value, at=at)
        elif plain.startswith(_WALLET):
            self._wallet(plain.removeprefix(_WALLET).upper(), value, at=at)
        elif plain.startswith(_OF_THE_LISTING):
            self.of_listing("summary", said, at=at)
        else:
            self.note(said)

    def document(
        self, label: str, number: str, *, country: str = "", issued: str = "", expires: str = "", at: str
    ) -> None:
        """A document or register number; a label that names no document is a feature."""
        if label.casefold().rstrip(":") in _NOT_A_DOCUMENT or not number:
            self.note(f"{label} {number}".strip())
            return
        kind = document_kind(label)
        prop = next((p for p in (kind.prop, "registrationNumber", "idNumber") if self.may_have(p)), None)
        if len(number) > MAX_NUMBER or not any(letter.isdigit() for letter in number) or prop is None:
            self.problem(at, "list.number_not_understood", f"{label} {number}", prop=prop or "idNumber")
            self.note(f"{label} {number}")
            return
        self.add(prop, number, at=at, original=f"{label} {number}")
        if kind.schema and self.schema in ("Person", "Organization"):
            self._document(kind.schema, label, number, country, issued, expires, at=at)

    def of_listing(self, prop: str, text: str, *, at: str) -> None:
        """What is said of the listing, not of the subject."""
        self.add(prop, text[:60_000], at=at, entity_id=f"{self.root}#listing", schema="Sanction")

    def listing(self, programs: list[str], *, at: str) -> None:
        """The listing as an entity of its own."""
        self.of_listing("entity", self.root, at=at)
        self.of_listing("authority", AUTHORITY, at=at)
        self.of_listing("authorityId", self.key, at=at)
        for program in programs:
            self.of_listing("program", program, at=at)
        self.add("topics", "sanction", at=at)

    def address(self, *parts: str, country: str = "", code: str = "", at: str) -> None:
        """A postal address and its country, by name or (where the list gives one) by code."""
        texts = [bare for text in (*parts, country) if (bare := text.strip(" ,"))]
        if texts:
            self.add("address", ", ".join(dict.fromkeys(texts)), at=at)
        if code:
            self.add("country", code, at=at, original=country)
        elif country and country.casefold() not in _UNKNOWN:
            self.countries("country", country, at=at)

    def _country_of(self, prop: str, value: str, *, at: str) -> None:
        self.countries(prop if self.may_have(prop) else "country", value, at=at)

    def _plain(self, prop: str, value: str, *, at: str) -> None:
        found = _IMO.fullmatch(value) if prop == "imoNumber" else None
        self.add(prop, found[1] if found else value, at=at, original=value)
        if prop == "birthPlace":
            # A place that ends in no country is a place all the same.
            from tansiq.engine.entities.countries import countries_named

            last = value.rpartition(",")[2].strip()
            for code in countries_named(last) or ():
                self.add("birthCountry", code, at=at, original=value)

    def _document(
        self, schema: str, label: str, number: str, country: str, issued: str, expires: str, *, at: str
    ) -> None:
        own_id = f"{self.root}#document-{digest(canonical.dumps([schema, number, country]))[:12]}"
        for prop, text in (("holder", self.root), ("number", number), ("type", label)):
            self.add(prop, text, at=at, entity_id=own_id, schema=schema)
        if country and country.casefold() not in _UNKNOWN:
            self.countries("country", country, at=at, entity_id=own_id, schema=schema)
        for prop, text in (("startDate", issued), ("endDate", expires)):
            self.date(prop, text, _day, at=at, entity_id=own_id, schema=schema)

    def _wallet(self, currency: str, key: str, *, at: str) -> None:
        own_id = f"{self.root}#wallet-{digest(canonical.dumps([currency, key]))[:12]}"
        holds = property_of("CryptoWallet", "holder") is not None and self.schema in ("Person", "Organization")
        for prop, text in (("holder", self.root if holds else ""), ("publicKey", key), ("currency", currency)):
            self.add(prop, text, at=at, entity_id=own_id, schema="CryptoWallet")


def _day(text: str) -> str | None:
    """A day in words or in digits."""
    return text if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else ofac_date(text)
