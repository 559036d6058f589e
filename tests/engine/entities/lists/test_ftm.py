"""FollowTheMoney JSON lines: subjects, belongings, links left out and counted, damage, flat memory."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.entities.lists import ListLimits, ListRecord, ftm, read_ftm
from tansiq.engine.entities.lists.seen_keys import SeenKeys
from tansiq.engine.entities.values import clean_value
from tansiq.engine.errors import Rejected
from tests.engine.entities.lists.reading import problems, records, rows, values

PERSON: dict[str, Any] = {
    "id": "p/1",
    "schema": "Person",
    "caption": "Nadia Example",
    "datasets": ["invented"],
    "score": 0.5,
    "properties": {"name": ["Nadia Example", "نادية المثال"], "birthDate": ["1970-05-12"], "nationality": ["ma"]},
}
PASSPORT: dict[str, Any] = {
    "id": "pass-1",
    "schema": "Passport",
    "properties": {"holder": ["p/1"], "number": ["AB1234567"], "country": ["ma"]},
}
FIRM: dict[str, Any] = {"id": "f-1", "schema": "Company", "properties": {"name": ["Blue Lantern"]}}
EDGE: dict[str, Any] = {"id": "o-1", "schema": "Ownership", "properties": {"owner": ["p/1"], "asset": ["f-1"]}}


def lines(*entities: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(entity, ensure_ascii=False).encode() + b"\n" for entity in entities)


def read(raw: bytes, **more: Any) -> list[Any]:
    return rows(lambda stream: read_ftm(stream, list_key="invented", **more), raw)


def test_a_line_becomes_a_record_with_its_belongings() -> None:
    found = read(lines(PERSON, PASSPORT, FIRM))
    person, firm = records(found)
    assert problems(found) == []
    assert (person.number, person.schema, person.place) == ("p/1", "Person", "/line[1]")
    assert values(person, "name") == ["Nadia Example", "نادية المثال"]
    assert values(person, "number", "passport") == ["AB1234567"]
    assert values(person, "holder", "passport") == [person.entity_id]
    assert (firm.key, firm.entity_id) == ("f-1", "invented:f-1")
    assert {s.provenance.source_id for s in person.statements} == {"invented"}
    for said in person.statements:
        assert clean_value(said.schema, said.prop, said.value) == said.value


def test_nested_belongings_are_read() -> None:
    nested = PERSON | {
        "properties": PERSON["properties"]
        | {
            "passportHolder": [],
            "sanctions": [{"id": "s-1", "schema": "Sanction", "properties": {"authority": ["Testland"]}}],
            "addressEntity": [{"id": "a-1", "schema": "Address", "properties": {"full": ["1 Quay Street"]}}],
            "ownershipOwner": [EDGE],
        }
    }
    found = read(lines(nested))
    (person,) = records(found)
    assert values(person, "entity", "sanction") == [person.entity_id]
    assert values(person, "full", "address") == ["1 Quay Street"]
    assert values(person, "addressEntity")[0].startswith(f"{person.entity_id}#address-")
    assert [(p.rule, p.value) for p in problems(found)] == [("list.links_left_out", "Ownership: 1")]


def test_links_and_what_stands_apart_are_left_out_and_counted() -> None:
    owned = FIRM | {"properties": FIRM["properties"] | {"parent": ["f-9"]}}
    found = read(lines(PERSON, EDGE, owned, PASSPORT, EDGE | {"id": "o-2"}))
    assert len(records(found)) == 2
    assert {p.value for p in problems(found)} == {"Ownership: 2", "Passport: 1", "Company.parent: 1"}
    assert not any(p.is_row_lost for p in problems(found))


@pytest.mark.parametrize(
    ("line", "rule", "is_lost"),
    [
        (b'{"id": "x", "schema": "Person", "properties": {"name": ["A B"]}', "json.syntax", True),
        (b'{"id": "x", "id": "y", "schema": "Person", "properties": {}}', "json.duplicate_key", True),
        (b'["no entity"]', "list.entity_malformed", True),
        (b'{"id": "", "schema": "Person", "properties": {}}', "list.entity_malformed", True),
        (b'{"id": "x", "schema": "Persona", "properties": {}}', "entity.unknown_schema", True),
        (b'{"id": "x", "schema": "Person", "properties": {"notes": ["n"]}}', "list.row_without_name", True),
        (
            b'{"id": "x", "schema": "Person", "properties": {"name": ["A B"], "shoe": ["42"]}}',
            "entity.unknown_property",
            False,
        ),
        (
            b'{"id": "x", "schema": "Person", "properties": {"name": ["A B"], "country": ["Atlantis"]}}',
            "entity.country_unknown",
            False,
        ),
        (b'{"id": "x", "schema": "Person", "properties": {"name": ["A B", 7]}}', "list.entity_malformed", False),
        (b"x" * 3_000, "list.line_too_long", True),
    ],
)
def test_damage_costs_a_line_or_a_value(line: bytes, rule: str, is_lost: bool) -> None:
    raw = lines(PERSON) + line + b"\n" + lines(FIRM)
    found = read(raw, limits=ListLimits(max_row_bytes=2_000))
    assert [(p.rule, p.is_row_lost, p.place.split("/")[1]) for p in problems(found)] == [(rule, is_lost, "line[2]")]
    assert [r.key for r in records(found)][-1] == "f-1"
    assert len(records(found)) == (2 if is_lost else 3)


def test_a_second_line_of_one_id_is_reported() -> None:
    found = read(lines(PERSON, FIRM, PERSON))
    assert [p.rule for p in problems(found)] == ["list.duplicate_row"]
    assert len(records(found)) == 2


def test_a_file_of_no_entities_is_refused() -> None:
    for raw in (b"<xml/>\n<more/>\n", b"{}\n"):
        with pytest.raises(Rejected) as refused:
            read(raw)
        assert refused.value.code == "list.not_this_list"
    assert len(read(b"")) == 1
    with pytest.raises(Rejected) as refused:
        read(lines(PERSON, FIRM), limits=ListLimits(max_rows=1))
    assert refused.value.code == "list.too_many_rows"


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_refusal(raw: bytes) -> None:
    code = "list.none"
    try:
        read(lines(FIRM) + raw)
    except Rejected as refused:
        code = refused.code
    assert code.startswith("list.")


def test_keys_that_came_before_are_known_in_few_bytes() -> None:
    seen = SeenKeys()
    assert all(seen.add(f"key-{n}") for n in range(20_000))
    assert not any(seen.add(f"key-{n}") for n in range(0, 20_000, 7))
    assert len(seen) == 20_000


class Generated(io.RawIOBase):
    """A file of ``count`` invented persons that is never whole in memory."""

    def __init__(self, count: int) -> None:
        self._lines = self._written(count)
        self._rest = b""

    @staticmethod
    def _written(count: int) -> Iterator[bytes]:
        for number in range(count):
            properties = {"name": [f"Person Example {number}"], "birthDate": ["1970-05-12"], "country": ["ma"]}
            yield json.dumps({"id": f"p-{number}", "schema": "Person", "properties": properties}).encode() + b"\n"

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (line := next(self._lines, None)):
            self._rest += line
        chunk, self._rest = self._rest[:size], self._rest[size:]
        return chunk


def _peak(count: int) -> tuple[int, int]:
    tracemalloc.start()
    kept = sum(isinstance(row, ListRecord) for row in read_ftm(Generated(count), list_key="many"))  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return kept, peak


def test_memory_is_flat() -> None:
    read(lines(PERSON))
    kept, peak = _peak(5_000)
    assert kept == 5_000
    assert peak < 3_000_000


@pytest.mark.slow
def test_memory_is_flat_over_fifty_thousand_lines() -> None:
    read(lines(PERSON))
    kept, peak = _peak(50_000)
    assert kept == 50_000
    # 50,000 keys take a table of 131,072 slots of 8 bytes, and half as much again while it grows.
    assert peak < 5_000_000


def family(number: int) -> list[dict[str, Any]]:
    """A person, what belongs to it in three forms, and a link."""
    own = f"p{number}"
    return [
        {"id": own, "schema": "Person", "properties": {"name": [f"Invented {number}"]}},
        {"id": f"pass{number}", "schema": "Passport", "properties": {"holder": [own], "number": ["AB1"]}},
        {"id": f"own{number}", "schema": "Ownership", "properties": {"owner": [own], "asset": ["c"]}},
        {"id": f"{own}#2", "schema": "Passport", "properties": {"holder": [own], "number": ["AB2"]}},
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 48, 1000])
def test_the_size_of_pieces_changes_nothing(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    again = {"id": "p3", "schema": "Person", "properties": {"name": ["Again"]}}
    raw = lines(*(line for number in range(12) for line in family(number)), again) + b"\nno json\n"
    whole = list(read_ftm(io.BytesIO(raw), list_key="invented"))
    monkeypatch.setattr(ftm, "PIECE_LINES", size)
    pieces = ftm.FtmPieces("invented")
    cut = list(pieces.split(io.BytesIO(raw)))
    assert len(cut) == 1 if size == 1000 else len(cut) > 1
    assert list(pieces.joined(pieces.read(piece) for piece in cut)) == whole
    assert len([row for row in whole if isinstance(row, ListRecord)]) == 12
