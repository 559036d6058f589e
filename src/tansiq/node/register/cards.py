"""A subject's card: what its statements in force come to, as captions and the index need it.

The card is derived and can be made anew from the statements; it is kept (sealed) because building an index from one
row per subject is many times faster than from twenty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tansiq.engine.entities import Statement, plain_dates
from tansiq.engine.matching import Query, Subject
from tansiq.engine.names import MAX_NAME_CHARACTERS, Script, script_of

VERSION = 1
NAME_PROPERTIES = ("name", "alias", "previousName", "weakAlias", "abbreviation", "streetName")
COUNTRY_PROPERTIES = ("nationality", "citizenship", "country", "jurisdiction", "mainCountry", "flag", "issuingCountry")
PARENT_PROPERTIES = ("fatherName", "motherName")
GIVEN_NAME_PROPERTIES = ("firstName", "secondName", "middleName", "fatherName", "lastName")
IDENTIFIER_TYPES: Mapping[str, str] = {
    "passportNumber": "passport",
    "Passport:number": "passport",
    "idNumber": "national_id",
    "Identification:number": "national_id",
    "personalNumber": "national_id",
    "socialSecurityNumber": "social_security",
    "taxNumber": "tax_id",
    "vatCode": "tax_id",
    "innCode": "tax_id",
    "registrationNumber": "registration",
    "leiCode": "lei",
    "phone": "phone",
    "PhoneLine:number": "phone",
    "imsi": "imsi",
    "iccid": "iccid",
    "imei": "imei",
    "email": "email",
    "username": "username",
    "iban": "iban",
    "accountNumber": "account",
    "publicKey": "crypto",
    "imoNumber": "imo",
    "mmsi": "mmsi",
    "callSign": "call_sign",
    "Vehicle:registrationNumber": "plate",
    "vin": "vin",
    "serialNumber": "serial",
    "unscId": "list_number",
    "authorityId": "list_number",
}
"""The word under which the index compares a property; ``Schema:property`` goes before the property alone."""
DOCUMENT_TYPES = ("passport", "national_id")
"""A document of which only the number is known may be either."""

_SCRIPTS = {"ar": Script.ARABIC, "fa": Script.ARABIC, "fr": Script.LATIN, "en": Script.LATIN, "it": Script.LATIN}


def card_of(statements: Iterable[Statement]) -> dict[str, Any]:
    """The card of one subject from all its statements in force (its belongings' included)."""
    said = list(statements)
    own = [statement for statement in said if "#" not in statement.entity_id]
    return {
        "v": VERSION,
        "names": [list(pair) for pair in _names(own)],
        "birth_dates": _distinct(date for s in own if s.prop == "birthDate" for date in plain_dates(s.value)),
        "countries": _distinct(s.value for s in own if s.prop in COUNTRY_PROPERTIES),
        "gender": next((s.value for s in own if s.prop == "gender"), None),
        "identifiers": [list(pair) for pair in dict.fromkeys(pair for s in said for pair in _identifiers(s))],
        "birth_places": _distinct(s.value for s in own if s.prop == "birthPlace"),
        "parents": _distinct(s.value for s in own if s.prop in PARENT_PROPERTIES),
    }


def subject_of(subject_id: str, schema: str, card: Mapping[str, Any]) -> Subject:
    """The card as the matching index takes it."""
    return Subject(subject_id, schema=schema, **_evidence(card))


def query_of(schema: str, statements: Iterable[Statement], *, query_id: str = "") -> Query:
    """The question "who is this?" about what somebody says, in the same terms as the register's cards."""
    return Query(schema=schema, query_id=query_id, **_evidence(card_of(statements)))


def caption_of(card: Mapping[str, Any], language: str | None = None) -> str:
    """The words that stand for the subject on a screen: a name, in the script of ``language`` if there is one.

    Else a number.
    """
    names: Sequence[Sequence[str]] = card["names"]
    script = _SCRIPTS.get(language or "")
    best = [name for name, prop in names if prop == "name"] or [name for name, _ in names]
    if best:
        return next((name for name in best if script_of(name) is script), best[0])
    return next((value for _, value in card["identifiers"]), "")


def _evidence(card: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "names": tuple(name for name, _ in card["names"] if len(name) <= MAX_NAME_CHARACTERS),
        "birth_dates": tuple(card["birth_dates"]),
        "countries": tuple(card["countries"]),
        "gender": card["gender"],
        "identifiers": tuple((kind, value) for kind, value in card["identifiers"]),
        "birth_places": tuple(card["birth_places"]),
        "parents": tuple(card["parents"]),
    }


def _names(own: Sequence[Statement]) -> list[tuple[str, str]]:
    names = [(s.value, s.prop) for prop in NAME_PROPERTIES for s in own if s.prop == prop]
    if not any(prop == "name" for _, prop in names):
        parts = [s.value for prop in GIVEN_NAME_PROPERTIES for s in own if s.prop == prop]
        if parts:
            names.insert(0, (" ".join(parts), "name"))
    return list(dict.fromkeys(names))


def _identifiers(statement: Statement) -> list[tuple[str, str]]:
    if statement.schema == "TravelDocument" and statement.prop == "number":
        return [(kind, statement.value) for kind in DOCUMENT_TYPES]
    named = f"{statement.schema}:{statement.prop}"
    kind = IDENTIFIER_TYPES.get(named) or IDENTIFIER_TYPES.get(statement.prop)
    return [(kind, statement.value)] if kind else []


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
