"""A pack loses nothing of what it holds, and says it of another subject as ``rebase`` does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.entities import Grading, Provenance, Statement, number_of, pack, rebase, unpack
from tansiq.engine.errors import Corrupt
from tansiq.engine.formats import canonical

SEEN = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
SOURCES = st.builds(
    Provenance,
    kind=st.sampled_from(["list", "officer", "received"]),
    source_id=TEXT,
    origin=st.one_of(st.just(""), TEXT),
    grading=st.sampled_from([None, Grading("4x4", "A", "1")]),
    marking=st.sampled_from([None, {"level": 2}]),
    handling_note=st.one_of(st.none(), TEXT),
    review_at=st.sampled_from([None, SEEN]),
)
SAID = st.builds(
    Statement,
    entity_id=st.sampled_from(["list:1", "list:1#passport-a", "list:1#b"]),
    schema=st.sampled_from(["Person", "Passport"]),
    prop=TEXT,
    value=st.one_of(TEXT, st.sampled_from(["list:1", "list:1#b", "list:10"])),
    provenance=SOURCES,
    original_value=st.one_of(st.none(), TEXT),
    language=st.sampled_from([None, "ar"]),
    first_seen=st.sampled_from([None, SEEN, SEEN + timedelta(days=3)]),
)


@given(st.lists(SAID, max_size=12))
def test_what_was_packed_is_unpacked_about_the_new_subject(said: list[Statement]) -> None:
    packed = orjson.loads(orjson.dumps(pack(said, old="list:1", new="subject", seen=SEEN)))
    found = unpack(packed, subject_id="subject")
    wanted = rebase(said, old="list:1", new="subject")
    assert found == list(wanted)
    assert [s.first_seen for s in found] == [s.first_seen or SEEN for s in said]
    assert [s.provenance.marking for s in found] == [s.provenance.marking for s in said]
    assert pack(found, old="subject", new="subject", seen=SEEN) == packed


@given(SAID)
def test_a_number_is_the_statements_own_and_below_zero(said: Statement) -> None:
    assert -(2**53) < number_of(said) < 0
    assert number_of(said) == number_of(replace(said, language="fr"))
    assert number_of(said) != number_of(replace(said, value=said.value + "x"))


@pytest.mark.parametrize(
    "broken",
    [{}, {"v": 2}, {"v": 1, "seen": "x", "sources": [], "parts": [], "said": []},
     {"v": 1, "seen": "2026-11-01T09:00:00.000Z", "sources": [], "parts": [], "said": [[0, 0, "name", "A"]]}],
)  # fmt: skip
def test_what_is_no_pack_is_corrupt(broken: dict[str, object]) -> None:
    with pytest.raises(Corrupt) as found:
        unpack(broken, subject_id="s")
    assert found.value.code == "entity.pack_malformed"


@given(st.lists(st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.lists(TEXT, max_size=3)), max_size=6))
def test_texts_in_lists_are_written_as_rfc_8785_says(value: list[object]) -> None:
    assert orjson.dumps(value) == canonical.dumps(value)
