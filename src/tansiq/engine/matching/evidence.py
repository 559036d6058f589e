"""Everything about two subjects that is no name, as named log-odds: absent is neutral, contradicting counts against
(parents and places, which are names: ``beside``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from typing import Protocol

from tansiq.engine.matching.subjects import Json
from tansiq.engine.names import best_comparison
from tansiq.engine.names.dates import WEIGHTS

IDENTIFIER_WEIGHTS: dict[str, float] = {
    "passport": 9.0,
    "national_id": 9.0,
    "tax_id": 8.0,
    "iban": 8.0,
    "imo": 9.0,
    "mmsi": 8.0,
    "vin": 9.0,
    "plate": 6.0,
    "phone": 6.0,
    "email": 7.0,
    "crypto": 9.0,
    "registration": 7.0,
    "lei": 9.0,
    "bic": 4.0,
    "call_sign": 5.0,
}
"""Log-odds of an equal identifier (shared phones and plates happen; documents hardly). Documented, not learned."""
OTHER_IDENTIFIER = 6.0
CONFUSED_IDENTIFIER = 3.5
"""Equal but for letters and digits that optical reading confuses."""
COUNTRY_SAME, COUNTRY_OTHER = 0.7, -0.7
GENDER_SAME, GENDER_OTHER = 0.2, -2.0
PLACE_SAME = 1.2
_CONFUSED = str.maketrans("OQDILZSBG", "000112586")
_SEPARATORS = re.compile(r"[\W_]+")


def key_hash(key: tuple[str, str]) -> int:
    """A 64-bit number for an identifier key, the same everywhere."""
    return int.from_bytes(hashlib.blake2b("\0".join(key).encode(), digest_size=8).digest(), "big")


Feature = tuple[str, float, dict[str, Json]]
"""Name, log-odds, and what was compared."""


class Described(Protocol):
    """What ``Subject`` and ``Query`` have in common."""

    @property
    def birth_dates(self) -> tuple[str, ...]: ...
    @property
    def countries(self) -> tuple[str, ...]: ...
    @property
    def gender(self) -> str | None: ...
    @property
    def identifiers(self) -> tuple[tuple[str, str], ...]: ...


def normal_identifier(kind: str, value: str) -> str:
    """An identifier without spaces and signs, upper case; e-mail keeps its signs; phones keep their last nine
    digits.
    """
    if kind == "email":
        return value.strip().casefold()
    plain = _SEPARATORS.sub("", value).upper()
    if kind == "phone":
        return plain[-9:]
    return plain


def confusable_identifier(value: str) -> str:
    """The value with letters that optical reading takes for digits replaced by those."""
    return value.translate(_CONFUSED)


def identifier_keys(identifiers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The (type, value) pairs under which a record is found: confusions already folded; values under four signs are
    left out.
    """
    keys = {(kind, confusable_identifier(normal_identifier(kind, value))) for kind, value in identifiers}
    return sorted(key for key in keys if len(key[1]) >= 4)


def most_evidence(query: Described) -> float:
    """The most that ``features`` can add for this question, whatever the record holds."""
    most = max(WEIGHTS.values()) if query.birth_dates else 0.0
    most += COUNTRY_SAME if query.countries else 0.0
    most += GENDER_SAME if query.gender else 0.0
    return most + sum(max(IDENTIFIER_WEIGHTS.get(kind, 0.0), OTHER_IDENTIFIER) for kind, _ in query.identifiers)


def features(query: Described, subject: Described, *, common: Collection[tuple[str, str]] = ()) -> list[Feature]:
    """Named features (name, weight, what was compared); identifiers whose key is in ``common`` weigh nothing."""
    found: list[Feature] = []
    dates = best_comparison(query.birth_dates, subject.birth_dates)
    if dates is not None:
        compared: dict[str, Json] = {"left": dates.left, "right": dates.right, "explanation": dates.explanation}
        found.append(("birth_date", dates.weight, compared))
    found += _countries(query.countries, subject.countries)
    if query.gender and subject.gender:
        weight = GENDER_SAME if query.gender == subject.gender else GENDER_OTHER
        found.append(("gender", weight, {"left": query.gender, "right": subject.gender}))
    found += _identifiers(query.identifiers, subject.identifiers, common)
    return found


def _countries(left: tuple[str, ...], right: tuple[str, ...]) -> list[Feature]:
    if not left or not right:
        return []
    both = {value.casefold() for value in left} & {value.casefold() for value in right}
    weight = COUNTRY_SAME if both else COUNTRY_OTHER
    return [("country", weight, {"left": list(left), "right": list(right), "shared": [*sorted(both)]})]


def _identifiers(
    left: tuple[tuple[str, str], ...], right: tuple[tuple[str, str], ...], common: Collection[tuple[str, str]]
) -> list[Feature]:
    theirs = {(kind, normal_identifier(kind, value)): value for kind, value in right}
    confused = {(kind, confusable_identifier(value)): original for (kind, value), original in theirs.items()}
    found: list[Feature] = []
    for kind, value in left:
        normal = normal_identifier(kind, value)
        key = (kind, confusable_identifier(normal))
        if key not in confused or len(normal) < 4:
            continue
        equal = (kind, normal) in theirs
        weight = IDENTIFIER_WEIGHTS.get(kind, OTHER_IDENTIFIER) if equal else CONFUSED_IDENTIFIER
        detail: dict[str, Json] = {"type": kind, "left": value, "right": confused[key], "equal": equal}
        if key in common:
            weight, detail["common"] = 0.0, True
        found.append(("identifier", weight, detail))
    return found
