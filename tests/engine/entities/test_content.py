"""A subject as the content of a part: what is written is read back, what is malformed is refused with its place."""

from __future__ import annotations

from typing import Any

import pytest

from tansiq.engine.entities import Provenance, read_content, write_content
from tansiq.engine.errors import Rejected

ENTRY = Provenance(kind="received", source_id="e" * 64, origin="0", marking={"level": 1, "handling": ["H1"]})
CONTENT: dict[str, Any] = {
    "schema": "Person",
    "properties": {
        "name": ["Nadia Example", {"value": "نادية المثال", "language": "ar"}],
        "nationality": [{"value": "ma", "original": "Marocaine"}],
        "notes": ["# not a reference"],
    },
    "belongings": [{"key": "passport-1", "schema": "Passport", "properties": {"holder": ["#"], "number": ["AB 1"]}}],
}


def test_a_part_makes_statements_that_name_their_entry() -> None:
    said = read_content(CONTENT, entity_id="s", provenance=ENTRY)
    assert {s.provenance for s in said} == {ENTRY}
    found = {(s.entity_id, s.prop, s.value, s.language, s.original_value) for s in said}
    assert ("s", "name", "نادية المثال", "ar", None) in found
    assert ("s", "nationality", "ma", None, "Marocaine") in found
    assert ("s", "notes", "# not a reference", None, None) in found
    assert ("s#passport-1", "holder", "s", None, None) in found


def test_what_is_written_is_read_back() -> None:
    said = read_content(CONTENT, entity_id="s", provenance=ENTRY)
    written = write_content(said)
    assert set(read_content(written, entity_id="t", provenance=ENTRY)) == set(
        read_content(CONTENT, entity_id="t", provenance=ENTRY)
    )
    assert write_content(read_content(written, entity_id="s", provenance=ENTRY)) == written


@pytest.mark.parametrize(
    ("change", "code", "at"),
    [
        ({"colour": "red"}, "entity.content_malformed", "/parts/0/colour"),
        ({"schema": 3}, "entity.content_malformed", "/parts/0/schema"),
        ({"schema": "Unicorn"}, "entity.unknown_schema", "/parts/0/schema"),
        ({"properties": {}}, "entity.content_malformed", "/parts/0/properties"),
        ({"properties": {"name": "A"}}, "entity.content_malformed", "/parts/0/properties/name"),
        ({"properties": {"name": [7]}}, "entity.content_malformed", "/parts/0/properties/name/0"),
        ({"properties": {"birthDate": ["31"]}}, "entity.date_not_understood", "/parts/0/properties/birthDate/0"),
        (
            {"properties": {"name": [{"language": "ar"}]}},
            "entity.content_malformed",
            "/parts/0/properties/name/0/value",
        ),
        ({"belongings": [{"key": "A B"}]}, "entity.content_malformed", "/parts/0/belongings/0/key"),
        ({"properties": {"notes": [str(n) for n in range(2001)]}}, "entity.content_too_large", "/parts/0"),
    ],
)
def test_a_wrong_part_names_place_and_rule(change: dict[str, Any], code: str, at: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_content(CONTENT | change, entity_id="s", provenance=ENTRY, at="/parts/0")
    assert (refused.value.code, refused.value.facts["at"]) == (code, at)
