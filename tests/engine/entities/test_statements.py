"""Laws of statements: stable ids, one JSON form, differences that rebuild, subjects that move whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.entities import Grading, Provenance, Statement, assemble, claim, diff, rebase
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical, strict_json

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
times = st.none() | st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
provenances = st.builds(
    Provenance,
    kind=st.sampled_from(["list", "officer", "received"]),
    source_id=words,
    origin=st.just("") | words,
    grading=st.none() | st.just(Grading("6x6", "B", "2")),
    marking=st.none() | st.just({"level": 1, "handling": ["H1"]}),
    handling_note=st.none() | words,
    review_at=times,
)
statements = st.builds(
    Statement,
    entity_id=st.sampled_from(["s", "s#document-1"]),
    schema=st.just("Person"),
    prop=st.sampled_from(["name", "alias", "notes"]),
    value=words,
    provenance=provenances,
    original_value=st.none() | words,
    language=st.none() | st.sampled_from(["ar", "fr"]),
    first_seen=times,
    last_seen=times,
)
sets = st.lists(statements, max_size=8)
OFFICER = Provenance(kind="officer", source_id="018f0000-0000-7000-8000-000000000001")


@given(statements)
def test_json_and_back(statement: Statement) -> None:
    read = Statement.from_json(strict_json.loads(canonical.dumps(statement.to_json())))  # type: ignore[arg-type]
    assert read == statement
    assert (read.first_seen, read.last_seen, read.id) == (statement.first_seen, statement.last_seen, statement.id)


def test_an_id_is_the_same_for_ever() -> None:
    said = Statement("s", "Person", "name", "محمد", OFFICER)
    assert said.id == canonical.digest(["s", "name", "محمد", "officer", OFFICER.source_id])


@given(statements)
def test_conditions_do_not_change_the_id(statement: Statement) -> None:
    stricter = replace(statement.provenance, marking={"level": 2, "handling": []}, grading=None)
    changed = replace(statement, provenance=stricter, language="fa")
    assert changed.id == statement.id
    assert diff([statement], [changed]).changed == (changed,)


@given(sets, sets)
def test_a_difference_rebuilds_the_new_set(old: list[Statement], new: list[Statement]) -> None:
    found = diff(old, new)
    before = {s.id: s for s in old}
    rebuilt = {key: s for key, s in before.items() if key not in {r.id for r in found.removed}}
    rebuilt.update({s.id: s for s in (*found.added, *found.changed)})
    assert rebuilt == {s.id: s for s in new}
    assert bool(found) is (before != {s.id: s for s in new})
    assert not diff(new, reversed(new)) or len({s.id for s in new}) < len(new)


@given(sets)
def test_a_subject_moves_whole_and_back(said: list[Statement]) -> None:
    assert rebase(rebase(said, old="s", new="t:1"), old="t:1", new="s") == tuple(said)
    assert {s.subject_id for s in rebase(said, old="s", new="t:1")} <= {"t:1"}


def test_a_claim_keeps_what_stood_there() -> None:
    said = claim("s", "Person", "nationality", "Morocco", provenance=OFFICER)
    assert (said.value, said.original_value) == ("ma", "Morocco")
    assert claim("s", "Person", "nationality", "ma", provenance=OFFICER).original_value is None


@pytest.mark.parametrize(
    ("grading", "code"),
    [
        (Grading("6x6", "B", "2"), None),
        (Grading("9x9", "B", "2"), "entity.unknown_grading_scheme"),
        (Grading("6x6", "Q", "2"), "codes.unknown_code"),
    ],
)
def test_a_grading_is_in_its_own_scheme(grading: Grading, code: str | None) -> None:
    graded = replace(OFFICER, grading=grading)
    if code is None:
        assert claim("s", "Person", "name", "A", provenance=graded).provenance.grading == grading
        return
    with pytest.raises(Rejected) as refused:
        claim("s", "Person", "name", "A", provenance=graded, at="/name/0")
    assert refused.value.code == code
    assert str(refused.value.facts["at"]).startswith("/name/0")


@pytest.mark.parametrize("broken", [{}, {"source": {"kind": "rumour", "id": "x"}}, {"source": {"kind": "list"}}])
def test_a_malformed_statement_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(Rejected) as refused:
        Statement.from_json(broken, at="/3")  # type: ignore[arg-type]
    assert refused.value.code == "entity.statement_malformed"
    assert str(refused.value.facts["at"]).startswith("/3/")


def test_entities_are_assembled_with_their_sources() -> None:
    list_says = Provenance(kind="list", source_id="un-sc")
    said = [
        Statement("s", "LegalEntity", "name", "Nadia Example", list_says),
        Statement("s", "Person", "name", "نادية المثال", OFFICER),
        Statement("s", "Person", "name", "Nadia Example", OFFICER),
        Statement("s", "Person", "birthDate", "1955/1957", list_says),
        Statement("s#document-1", "Passport", "holder", "s", list_says),
        Statement("s#document-1", "Passport", "number", "AB123", list_says),
    ]
    person, passport = assemble(said)
    assert (person.schema, passport.schema) == ("Person", "Passport")
    assert person.values("name") == ("Nadia Example", "نادية المثال")
    assert [s.provenance.kind for s in person.properties["name"]] == ["list", "officer", "officer"]
    assert (person.caption("fr"), person.caption("ar"), passport.caption()) == (
        "Nadia Example",
        "نادية المثال",
        "AB123",
    )
    exported = person.to_ftm()
    assert exported["properties"]["birthDate"] == ["1955", "1956", "1957"]  # type: ignore[index]


def test_an_exported_entity_is_one_that_followthemoney_reads() -> None:
    from followthemoney import EntityProxy

    (person,) = assemble([Statement("s", "Person", "birthDate", "1968~", OFFICER)])
    assert EntityProxy.from_dict(person.to_ftm()).get("birthDate") == ["1968"]


def test_sources_that_cannot_both_be_right_are_not_assembled() -> None:
    said = [Statement("s", schema, "name", "A", OFFICER) for schema in ("Person", "Vessel")]
    with pytest.raises(Rejected) as refused:
        assemble(said)
    assert refused.value.code == "entity.schemata_disagree"
