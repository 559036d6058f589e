"""Identity documents as the UN Consolidated List writes them: what kind, which number, valid until when.

The kind stands in TYPE_OF_DOCUMENT, more exactly in TYPE_OF_DOCUMENT2, and now and then in front of the number itself.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from tansiq.engine.entities.lists.un_dates import date_in_words
from tansiq.engine.entities.lists.un_names import squash

_KINDS: Final = (
    (("passport", "passeport", "pasaporte", "travel document", "reiseausweis"), "Passport", "passportNumber"),
    (("social security",), "Identification", "socialSecurityNumber"),
    (("fiscal code", "tax number"), "Identification", "taxNumber"),
)
_PLAIN = re.compile(r"[0-9A-Za-z][0-9A-Za-z ./-]{2,29}", re.ASCII)
_LONG_WORD = re.compile(r"[A-Za-z]{5,}")
_SERIES = re.compile(r"\b(\d{4}) No\.? ?(\d{6})\b", re.ASCII)
_NUMBER = re.compile(r"(?:\b[A-Z]{1,3}[ -])?\b[A-Z0-9][A-Z0-9./-]*\d[A-Z0-9./-]*", re.ASCII)
_REMARK = re.compile(r"\([^)]*\)|,.*$")
_EXPIRY = re.compile(
    r"(?:expire[sd]?|expiry|valid until)\D{0,12}(\d{1,2} [A-Za-z]{3,9}\.? \d{4})", re.IGNORECASE | re.ASCII
)
_FEWEST_DIGITS = 3
_FEWEST_LETTERS = 8


class DocumentKind(NamedTuple):
    """Its schema, and the property under which a person's record carries its number."""

    schema: str
    number_property: str


def kind_of(*described: str) -> DocumentKind:
    """What the texts describe: a passport (or another travel document), else some identification."""
    text = " ".join(described).casefold()
    for words, schema, prop in _KINDS:
        if any(word in text for word in words):
            return DocumentKind(schema, prop)
    return DocumentKind("Identification", "idNumber")


def number_in(text: str) -> str | None:
    """The document's number alone, from a NUMBER that may carry its kind, country or expiry in words.

    None if none is found.
    """
    text = squash(text)
    series = _SERIES.search(text)
    if series is not None:
        return f"{series[1]} {series[2]}"
    bare = squash(_REMARK.sub(" ", text))
    if _PLAIN.fullmatch(bare) and not _LONG_WORD.search(bare) and _is_number(bare):
        return bare
    found = [number for number in _NUMBER.findall(bare) if _is_number(number)]
    return found[-1].strip() if found else None


def expiry_in(note: str) -> str | None:
    """The day of expiry that a NOTE names."""
    found = _EXPIRY.search(squash(note))
    return None if found is None else date_in_words(found[1])


def _is_number(text: str) -> bool:
    digits = sum(letter.isdigit() for letter in text)
    return digits >= _FEWEST_DIGITS or (digits > 0 and sum(letter.isalnum() for letter in text) >= _FEWEST_LETTERS)
