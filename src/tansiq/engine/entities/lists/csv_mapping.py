"""How to read somebody's CSV: a small TOML or JSON file that says what each column means.

::

    list = "regional-wanted"            # names the list: a second import brings it up to date
    schema = "Person"
    encoding = "utf-8-bom"              # utf-8, utf-8-bom or cp1256; never guessed
    delimiter = ";"
    key = "Ref"                         # the column that identifies a row in every edition
    number = "Ref"                      # the column that people cite; the key where it is not given
    dates = ["DD/MM/YYYY", "YYYY"]      # tried in this order; with calendar = "hijri" or "solar_hijri" too
    ignore = ["Clerk"]

    [names]
    en = "Regional list of wanted persons"

    [columns]
    "Full name" = "name"
    "Other names" = { property = "alias", separator = "|" }
    "Born" = { property = "birthDate", dates = ["YYYY/MM/DD"], calendar = "hijri" }
    "الاسم" = { property = "name", language = "ar" }
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from tansiq.engine.entities.lists.csv_rows import ENCODINGS
from tansiq.engine.entities.lists.keys import is_list_key
from tansiq.engine.entities.model import property_of, require_schema
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import strict_json
from tansiq.engine.formats.json_values import Limits, pointer

CALENDARS: Final = ("gregorian", "hijri", "solar_hijri")
LANGUAGES: Final = ("ar", "fr", "en", "it", "fa")
MAX_BYTES: Final = 64 * 1024
MAX_COLUMNS: Final = 200

_KNOWN: Final = frozenset(
    {"list", "names", "schema", "encoding", "delimiter", "key", "number", "dates", "calendar", "separator"}
    | {"columns", "ignore"}
)
_OF_A_COLUMN: Final = frozenset({"property", "separator", "dates", "calendar", "language"})
_TOKENS: Final = {"YYYY": r"(?P<year>\d{4})", "MM": r"(?P<month>\d{1,2})", "DD": r"(?P<day>\d{1,2})"}
_DATE_FORM = re.compile(r"(?:YYYY|MM|DD)(?:[-/. ]?(?:YYYY|MM|DD)){0,2}")


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """What one column means: the property, and how its cells are written.

    ``separator`` divides a cell into several values ("" for one value). ``dates`` are the expressions that its dates
    match, in order; ``calendar`` is the one they are written in.
    """

    prop: str
    separator: str = ""
    dates: tuple[re.Pattern[str], ...] = ()
    calendar: str = "gregorian"
    language: str | None = None


@dataclass(frozen=True, slots=True)
class CsvMapping:
    """A mapping that was read and checked against the model."""

    list_key: str
    names: Mapping[str, str]
    schema: str
    encoding: str
    delimiter: str
    key: str
    number: str
    columns: Mapping[str, ColumnRule]
    ignored: frozenset[str]


def read_csv_mapping(raw: bytes, *, form: str) -> CsvMapping:
    """The mapping that a file of ``form`` ("toml" or "json") writes.

    Raises Rejected("list.mapping_invalid", at=, wanted=) for the first thing in it that means nothing, or json.… and
    entity.… codes with their place.
    """
    value = _loaded(raw, form)
    if unknown := sorted(value.keys() - _KNOWN):
        _refuse(pointer("", unknown[0]), "absent")
    list_key, schema = _text(value, "list"), _text(value, "schema")
    if not is_list_key(list_key):
        _refuse("/list", "a-z, 0-9, - (40)")
    require_schema(schema, at="/schema")
    encoding, delimiter = _text(value, "encoding"), _text(value, "delimiter", default=",")
    if encoding not in ENCODINGS:
        _refuse("/encoding", ", ".join(ENCODINGS))
    if len(delimiter) != 1 or delimiter in '"\r\n\0' or not delimiter.isascii():
        _refuse("/delimiter", "1 character")
    names = value.get("names", {})
    if not isinstance(names, dict) or not all(k in LANGUAGES and isinstance(v, str) for k, v in names.items()):
        _refuse("/names", "ar, fr, en, it, fa")
    columns = value.get("columns")
    if not isinstance(columns, dict) or not 0 < len(columns) <= MAX_COLUMNS:
        _refuse("/columns", f"1–{MAX_COLUMNS}")
    key = _text(value, "key")
    return CsvMapping(
        list_key=list_key,
        names=names,
        schema=schema,
        encoding=encoding,
        delimiter=delimiter,
        key=key,
        number=_text(value, "number", default=key),
        columns={name: _column(value, schema, name, said) for name, said in columns.items()},
        ignored=frozenset(_texts(value.get("ignore", []), at="/ignore")),
    )


def _loaded(raw: bytes, form: str) -> dict[str, Any]:
    if len(raw) > MAX_BYTES:
        _refuse("", f"≤ {MAX_BYTES}")
    if form == "json":
        value: Any = strict_json.loads(raw, limits=Limits(max_bytes=MAX_BYTES, max_depth=6, max_values=5_000))
    else:
        try:
            value = tomllib.loads(raw.decode("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
            raise Rejected("list.mapping_invalid", at="", wanted="TOML") from None
    if not isinstance(value, dict):
        _refuse("", "object")
    return value


def _column(mapping: dict[str, Any], schema: str, name: str, said: Any) -> ColumnRule:
    at = pointer("/columns", name)
    rule = {"property": said} if isinstance(said, str) else said
    if not isinstance(rule, dict):
        _refuse(at, "text, object")
    if unknown := sorted(rule.keys() - _OF_A_COLUMN):
        _refuse(pointer(at, unknown[0]), "absent")
    prop = _text(rule, "property", at=at)
    described = property_of(schema, prop)
    if described is None:
        raise Rejected("entity.unknown_property", at=pointer(at, "property"), schema=schema, property=prop[:60])
    if described.type.name == "entity":
        _refuse(pointer(at, "property"), "value")
    separator = _text(rule, "separator", at=at, default=_text(mapping, "separator", default=""))
    calendar = _text(rule, "calendar", at=at, default=_text(mapping, "calendar", default="gregorian"))
    language = rule.get("language")
    if len(separator) > 3:
        _refuse(pointer(at, "separator"), "≤ 3")
    if calendar not in CALENDARS:
        _refuse(pointer(at, "calendar"), ", ".join(CALENDARS))
    if language is not None and language not in LANGUAGES:
        _refuse(pointer(at, "language"), ", ".join(LANGUAGES))
    dates: tuple[re.Pattern[str], ...] = ()
    if described.type.name == "date":
        forms = rule.get("dates", mapping.get("dates", ["YYYY-MM-DD", "YYYY-MM", "YYYY"]))
        dates = tuple(_date_form(form, at=at) for form in _texts(forms, at=pointer(at, "dates")))
    return ColumnRule(prop, separator, dates, calendar, language)


def _date_form(form: str, *, at: str) -> re.Pattern[str]:
    tokens = re.findall("YYYY|MM|DD", form)
    # A day needs its month: DD/YYYY would be read as something it is not.
    is_whole = "YYYY" in tokens and len(set(tokens)) == len(tokens) and not ("DD" in tokens and "MM" not in tokens)
    if not _DATE_FORM.fullmatch(form) or not is_whole:
        _refuse(pointer(at, "dates"), "YYYY, MM, DD")
    return re.compile(re.sub("YYYY|MM|DD", lambda found: _TOKENS[found[0]], re.escape(form)), re.ASCII)


def _text(value: Mapping[str, Any], name: str, *, at: str = "", default: str | None = None) -> str:
    found = value.get(name, default)
    if not isinstance(found, str) or (not found and default is None) or len(found) > 200:
        _refuse(pointer(at, name), "text")
    return str(found)


def _texts(value: Any, *, at: str) -> list[str]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        _refuse(at, "list")
    return list(found)


def _refuse(at: str, wanted: str) -> NoReturn:
    raise Rejected("list.mapping_invalid", at=at, wanted=wanted)
