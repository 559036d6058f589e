"""Values as they are kept: cleaned by their type, or refused with the place and the rule.

One value, one spelling: a country is its code, a telephone number is E.164, a date is ISO 8601 (or EDTF, see
``dates``), white space and quotation marks around a name are gone. What the source wrote is kept beside it by
``claim``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from tansiq.engine.entities.countries import country_code
from tansiq.engine.entities.dates import clean_date
from tansiq.engine.entities.model import require_property
from tansiq.engine.errors import Rejected

if TYPE_CHECKING:
    from followthemoney import Property

MAX_TEXT_CHARACTERS: Final = 65_000

_LIMITS: Final = {"text": MAX_TEXT_CHARACTERS, "address": 1_000}
"""Where the type's own limit is too tight for what lists hold."""

_ENTITY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,120}(?:#[a-z0-9-]{1,60})?")


def is_entity_id(text: str) -> bool:
    """Whether ``text`` can name an entity: a subject by its id, or ``subject#part`` for what belongs to it."""
    return _ENTITY_ID.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _described(schema: str, prop: str) -> Property | None:
    """The property, if values of the schema can have it: what ``require_property`` finds, asked once and not per value."""
    try:
        return require_property(schema, prop)
    except Rejected:
        return None


def clean_value(schema: str, prop: str, text: str, *, at: str = "") -> str:
    """The spelling under which ``text`` is kept as a ``prop`` of a ``schema``.

    Raises Rejected: ``entity.unknown_schema``, ``entity.unknown_property``, ``entity.value_empty``,
    ``entity.value_too_long``, ``entity.date_not_understood``, ``entity.country_unknown``,
    ``entity.reference_malformed``, ``entity.phone_not_international`` or ``entity.value_not_understood`` (facts:
    ``at`` and ``property``; never the value, which may be a person's name).
    """
    described = _described(schema, prop) or require_property(schema, prop, at=at)
    kind = described.type.name
    if not text.strip():
        raise Rejected("entity.value_empty", at=at, property=prop)
    if kind == "date":
        return clean_date(text, at=at)
    if kind == "country":
        code = country_code(text)
        if code is None:
            raise Rejected("entity.country_unknown", at=at, property=prop)
        return code
    if kind == "entity":
        if not is_entity_id(text):
            raise Rejected("entity.reference_malformed", at=at, property=prop)
        return text
    cleaned = described.type.clean(text, format=described.format)
    if cleaned is None and kind == "phone":
        raise Rejected("entity.phone_not_international", at=at, property=prop)
    if cleaned is None:
        raise Rejected("entity.value_not_understood", at=at, property=prop, type=kind)
    limit = _LIMITS.get(kind, described.max_length or MAX_TEXT_CHARACTERS)
    if len(cleaned) > limit:
        raise Rejected("entity.value_too_long", at=at, property=prop, limit=limit)
    return cleaned
