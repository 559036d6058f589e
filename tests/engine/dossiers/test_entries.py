"""Entries and parts: one form, strict limits, commitments, erasure; and nothing incomplete is composed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.accords.markings import Marking, strictest
from tansiq.engine.dossiers import folds
from tansiq.engine.dossiers.entries import (
    SignedEntry,
    compose,
    from_wire,
    new_opening,
    read_header,
    sign_entry,
    verify_entry,
)
from tansiq.engine.dossiers.headers import Actor, Header
from tansiq.engine.dossiers.parts import Grading, Part, SaltedPart, SourceRef, inherited, marking_of
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.errors import Refused, Rejected, TansiqError
from tansiq.engine.formats import canonical
from tansiq.engine.formats.ids import b64encode
from tests.engine.dossiers.simulated import OFFICER, START
from tests.engine.dossiers.toy import TOY

SIGNER = Ed25519Signer.from_seed(bytes(32))
KEYS = {SIGNER.key_id: SIGNER.public}
NARRATIVE = Part("narrative", {"topic": "facts", "text": "رآه الشاهد في الميناء"}, language="ar")
PERSON = Part(
    "subject",
    {"schema": "Person", "properties": {"name": ["محمد الشريف", "Mohamed Chérif"]}, "reference": None},
    marking=Marking(level=1, handling=frozenset({"H1", "H3"})),
    grading=Grading("4x4", "B", "2"),
    handling_note="Not to the press.",
    category="suspect",
    flags=("lawyer",),
    sources=(SourceRef("a" * 64, "b" * 64),),
    review_at=START,
)


def _random(size: int) -> bytes:
    return bytes(range(size))


def salted(*parts: Part) -> tuple[SaltedPart, ...]:
    return tuple(SaltedPart(bytes([index]) * 32, part) for index, part in enumerate(parts))


def opened(
    *parts: Part, source_marking: Callable[[SourceRef], Marking | None] = lambda _: Marking()
) -> tuple[Header, tuple[SaltedPart, ...]]:
    held = salted(*parts)
    header = compose(
        TOY,
        None,
        author="fr",
        act="ask",
        acted_by=OFFICER,
        now=START,
        codes={"urgent": True},
        parts=held,
        opening=new_opening(TOY, ["it", "fr"], random=_random),
        source_marking=source_marking,
    )
    return header, held


def signed(*parts: Part) -> SignedEntry:
    return sign_entry(*opened(*parts), SIGNER)


def test_an_entry_survives_the_wire() -> None:
    entry = signed(NARRATIVE, PERSON)
    wire = json.loads(json.dumps(entry.to_wire()))
    read = from_wire(wire)
    assert read.entry_id == entry.entry_id == read.header.entry_id == read.dossier
    assert verify_entry(read, KEYS) == entry.header
    assert read.parts == entry.parts
    assert read.to_wire() == entry.to_wire()
    assert read.header.marking == PERSON.marking


def test_a_part_is_erased_and_the_chain_still_verifies() -> None:
    entry = signed(NARRATIVE, PERSON)
    gone = entry.header.parts[1].commitment
    erased = entry.without(gone)
    read = from_wire(json.loads(json.dumps(erased.to_wire())))
    assert read.parts[1] is None
    assert read.part(gone) is None
    assert read.part(entry.header.parts[0].commitment) == entry.parts[0]
    assert read.entry_id == entry.entry_id
    verify_entry(read, KEYS)
    assert "محمد" not in json.dumps(read.to_wire(), ensure_ascii=False)
    with pytest.raises(Rejected, match=r"entry\.no_such_part"):
        read.part("0" * 64)


def test_a_commitment_tells_nothing_without_its_salt() -> None:
    one, two = SaltedPart(bytes(32), NARRATIVE), SaltedPart(b"\1" * 32, NARRATIVE)
    assert one.commitment != two.commitment
    assert SaltedPart.of(NARRATIVE, _random).salt == _random(32)


def test_a_signature_by_another_key_is_refused() -> None:
    entry = signed(NARRATIVE)
    other = Ed25519Signer.from_seed(b"\1" * 32)
    with pytest.raises(Rejected, match=r"dsse\.signatures_differ"):
        verify_entry(entry, {other.key_id: other.public})
    with pytest.raises(Rejected, match=r"envelope\.signature_invalid"):
        verify_entry(entry, {SIGNER.key_id: other.public})


def test_compose_demands_codes_parts_and_effect() -> None:
    header, _ = opened()
    appended = folds.append(TOY, None, header, header.entry_id, lambda _: None)
    assert isinstance(appended, folds.Appended)
    common: dict[str, Any] = {"author": "it", "acted_by": OFFICER, "now": START + timedelta(hours=1)}
    with pytest.raises(Rejected, match=r"kind\.code_invalid") as caught:
        compose(TOY, appended.folded, act="assign", codes={"unit": "two words"}, **common)
    assert caught.value.facts["at"] == "/codes/unit"
    with pytest.raises(Rejected, match=r"kind\.unknown_act"):
        compose(TOY, appended.folded, act="dance", **common)
    with pytest.raises(Refused, match=r"kind\.not_for_this_role"):
        compose(TOY, appended.folded, act="withdraw", **common)
    own = replace(PERSON, sources=())
    with pytest.raises(Refused, match=r"kind\.part_not_allowed"):
        compose(TOY, appended.folded, act="answer", codes={"extent": "full"}, parts=salted(own), **common)
    with pytest.raises(Rejected, match=r"dossier\.not_opened"):
        compose(TOY, None, act="ask", codes={}, **common)
    answer = compose(TOY, appended.folded, act="answer", codes={"extent": "full"}, parts=salted(NARRATIVE), **common)
    assert (answer.seq, answer.prev, answer.heads, answer.depth) == (1, None, (header.entry_id,), 2)


def test_nobody_approves_their_own_act() -> None:
    with pytest.raises(Rejected, match=r"entry\.approver_is_author"):
        compose(
            TOY,
            None,
            author="fr",
            act="ask",
            acted_by=OFFICER,
            approved_by=[OFFICER],
            now=START,
            opening=new_opening(TOY, ["fr", "it"], random=_random),
        )


Spoil = Callable[[dict[str, Any]], None]


def _set(*path: str | int, to: object) -> Spoil:
    def spoil(value: dict[str, Any]) -> None:
        inner: Any = value
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = to

    return spoil


def _drop(*path: str | int) -> Spoil:
    def spoil(value: dict[str, Any]) -> None:
        inner: Any = value
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]

    return spoil


@pytest.mark.parametrize(
    ("spoil", "code", "at"),
    [
        (_set("v", to=2), "entry.unknown_version", "/v"),
        (_set("author", to="FR"), "entry.malformed", "/author"),
        (_set("seq", to=0), "entry.malformed", "/seq"),
        (_set("seq", to=True), "entry.malformed", "/seq"),
        (_set("act", to="Ask"), "entry.malformed", "/act"),
        (_set("at", to="2026-11-22T09:00:00Z"), "times.not_a_time", "/at"),
        (_set("heads", to=["b" * 64]), "entry.malformed", "/dossier"),
        (_set("heads", to=[f"{i:064x}" for i in range(33)]), "entry.malformed", "/heads"),
        (_set("heads", to=["b" * 64, "a" * 64]), "entry.malformed", "/heads"),
        (_set("prev", to="x"), "entry.malformed", "/prev"),
        (_set("opening", to=None), "entry.malformed", "/dossier"),
        (_set("opening", "participants", to=["fr"]), "entry.malformed", "/opening/participants"),
        (_set("opening", "participants", to=["it", "ma"]), "entry.malformed", "/opening/participants"),
        (_set("opening", "nonce", to=b64encode(b"short")), "entry.malformed", "/opening/nonce"),
        (_set("opening", "kind_version", to="1"), "entry.malformed", "/opening/kind_version"),
        (_set("opening", "code_lists", to={"tlp": 1}), "entry.malformed", "/opening/code_lists/tlp"),
        (_set("codes", to={"name": "Mohamed Chérif"}), "entry.malformed", "/codes/name"),
        (_set("codes", to={"note": "free text"}), "entry.malformed", "/codes/note"),
        (_set("codes", to={"n": [["x"]]}), "entry.malformed", "/codes/n/0"),
        (_set("codes", to={"n": 2**53}), "entry.malformed", "/codes/n"),
        (_set("codes", to={f"c{i}": 1 for i in range(33)}), "entry.malformed", "/codes"),
        (_set("acted_by", to={"role": "machine", "officer": None}), "entry.malformed", "/acted_by/officer"),
        (_set("acted_by", "officer", to="Colonel Dupont"), "entry.malformed", "/acted_by/officer"),
        (_set("marking", to={"level": 9, "handling": []}), "marking.level_out_of_range", "/marking/level"),
        (_set("parts", to=[{"type": "narrative"}]), "entry.malformed", "/parts/0/commitment"),
        (_set("parts", to=[{"type": "x", "commitment": "a" * 64}] * 2), "entry.malformed", "/parts"),
        (_set("surprise", to=1), "entry.malformed", "/surprise"),
        (_drop("depth"), "entry.malformed", "/depth"),
    ],
)
def test_a_header_has_one_form(spoil: Spoil, code: str, at: str) -> None:
    value = json.loads(opened()[0].to_bytes())
    spoil(value)
    with pytest.raises(Rejected) as caught:
        Header.from_json(value)
    assert (caught.value.code, caught.value.facts["at"]) == (code, at)


def test_a_header_that_is_not_canonical_is_refused() -> None:
    raw = opened()[0].to_bytes()
    assert read_header(raw).to_bytes() == raw
    with pytest.raises(Rejected, match=r"json\.not_canonical"):
        read_header(raw.replace(b":", b": ", 1))
    with pytest.raises(Rejected, match=r"json\.too_large"):
        read_header(b" " * 65_537)


@pytest.mark.parametrize(
    ("spoil", "code", "at"),
    [
        (_set("salt", to=b64encode(b"salt")), "part.malformed", "/salt"),
        (_set("part", "content", "topic", to="Facts!"), "part.malformed", "/part/content/topic"),
        (_set("part", "content", "text", to=" "), "part.malformed", "/part/content/text"),
        (_set("part", "content", "text", to="a\0b"), "part.malformed", "/part/content/text"),
        (_set("part", "content", "text", to="x" * 262_145), "part.malformed", "/part/content/text"),
        (_set("part", "content", "extra", to=1), "part.malformed", "/part/content/extra"),
        (_set("part", "content", to=[]), "part.malformed", "/part/content"),
        (_set("part", "type", to="Narrative"), "part.malformed", "/part/type"),
        (_set("part", "language", to=""), "part.malformed", "/part/language"),
        (_set("part", "sources", to=[{"entry": "a", "part": "b"}]), "part.malformed", "/part/sources/0"),
        (_set("part", "flags", to=["b", "a"]), "part.malformed", "/part/flags"),
        (_set("part", "review_at", to="soon"), "times.not_a_time", "/part/review_at"),
        (_set("part", "grading", to={"scheme": "9x9"}), "part.malformed", "/part/grading/handling"),
        (_set("part", "marking", "handling", to=["H3"]), "part.h3_needs_text", "/part/handling_note"),
        (_drop("part", "category"), "part.malformed", "/part/category"),
    ],
)
def test_a_part_has_one_form(spoil: Spoil, code: str, at: str) -> None:
    value = salted(NARRATIVE)[0].to_json()
    value = json.loads(json.dumps(value))
    spoil(value)
    with pytest.raises(Rejected) as caught:
        SaltedPart.from_json(value, at="")
    assert (caught.value.code, caught.value.facts["at"]) == (code, at)


@pytest.mark.parametrize(
    ("grading", "at"),
    [
        ({"source": "Z"}, "/source"),
        ({"information": "9"}, "/information"),
        ({"handling": "P"}, "/handling"),
        ({"scheme": "5x5"}, "/scheme"),
        ({"source_reference": "x" * 65}, "/source_reference"),
    ],
)
def test_a_grading_stays_in_its_scheme(grading: dict[str, str], at: str) -> None:
    value = {**Grading("4x4", "A", "1").to_json(), **grading}
    with pytest.raises(Rejected) as caught:
        Grading.from_json(value, at="")
    assert caught.value.facts["at"] == at
    assert Grading.from_json(Grading("3x5x2", "1", "A", "P").to_json(), at="").handling == "P"


CONTENTS: list[tuple[str, dict[str, Any], str | None]] = [
    ("location", {"name": "Tanger Med"}, None),
    ("location", {"latitude_e7": 358_800_000, "longitude_e7": -54_900_000}, None),
    ("location", {"latitude_e7": 1}, "/content"),
    ("location", {}, "/content"),
    ("location", {"latitude_e7": 900_000_001, "longitude_e7": 0}, "/content/latitude_e7"),
    ("contact_point", {"name": "مكتب الاتصال", "phone": "+212 5", "languages": ["ar", "fr"]}, None),
    ("question", {"text": "Who holds this number?", "data_categories": ["means_of_communication"]}, None),
    ("assurance", {"issue": "death_penalty", "state": "ma", "text": "It will not be sought."}, None),
    ("assurance", {"issue": "death_penalty", "state": "MA", "text": "x"}, "/content/state"),
    ("translation", {"of": "a" * 64, "language": "ar", "text": "نص", "made_by": "person"}, None),
    ("translation", {"of": "a" * 64, "language": "ar", "text": "نص", "made_by": "oracle"}, "/content/made_by"),
    (
        "file",
        {
            "name": "photo.jpg",
            "media_type": "image/jpeg",
            "size": 10,
            "digest": "a" * 64,
            "blob": "b" * 64,
            "blob_size": 300,
            "identity": "AGE-SECRET-KEY-PQ-1QQQ",
        },
        None,
    ),
    ("file", {"name": "two\nlines"}, "/content/name"),
    ("terms", {"v": 1}, "/content/title"),
    ("reservation", {"max_level": 9}, "/content/max_level"),
    ("something_newer", {"any": ["thing", 1, None]}, None),
]


@pytest.mark.parametrize(("part_type", "content", "at"), CONTENTS)
def test_each_type_of_content_has_its_shape(part_type: str, content: dict[str, Any], at: str | None) -> None:
    if at is None:
        part = Part(part_type, content)
        assert Part.from_json(json.loads(json.dumps(part.to_json()))) == part
        return
    with pytest.raises(Rejected, match=r"part\.malformed") as caught:
        Part(part_type, content)
    assert str(caught.value.facts["at"]).startswith(at)


def test_a_person_has_a_category_and_a_part_has_a_size() -> None:
    with pytest.raises(Rejected, match=r"part\.category_missing"):
        Part("subject", {"schema": "Person", "properties": {"name": ["x"]}})
    Part("subject", {"schema": "Vessel", "properties": {"name": ["x"]}})
    with pytest.raises(Rejected, match=r"part\.too_large"):
        Part("something_newer", {"text": "x" * (1024 * 1024)})


def test_a_derived_part_inherits_the_strictest_of_its_sources() -> None:
    assert inherited([NARRATIVE, PERSON]) == PERSON.marking
    assert marking_of(salted(NARRATIVE, PERSON)) == PERSON.marking
    with pytest.raises(Rejected, match=r"decide\.derived_without_sources"):
        inherited([])


MARKINGS = st.builds(
    Marking,
    level=st.integers(0, 4),
    handling=st.frozensets(st.sampled_from(["H1", "H2"])),
    tlp=st.sampled_from([None, "GREEN", "AMBER", "RED"]),
)


@given(MARKINGS, st.lists(MARKINGS, min_size=1, max_size=4))
def test_a_derived_part_below_its_sources_is_not_composed(own: Marking, sources: list[Marking]) -> None:
    refs = tuple(SourceRef(f"{index:064x}", "b" * 64) for index in range(len(sources)))
    derived = replace(NARRATIVE, marking=own, sources=refs)
    if own.is_at_least(strictest(sources)):
        header, _ = opened(derived, source_marking=lambda ref: sources[int(ref.entry, 16)])
        assert header.marking.is_at_least(strictest(sources))
        return
    with pytest.raises(Refused, match=r"decide\.marking_below_sources") as caught:
        opened(derived, source_marking=lambda ref: sources[int(ref.entry, 16)])
    assert caught.value.facts["at"] == "/parts/0/marking"


def test_a_source_that_is_not_here_is_no_source() -> None:
    with pytest.raises(Rejected, match=r"part\.source_unknown") as caught:
        opened(NARRATIVE, PERSON, source_marking=lambda _: None)
    assert caught.value.facts["at"] == "/parts/1/sources/0"


def test_a_header_never_says_less_than_its_parts() -> None:
    header, held = opened(PERSON)
    weaker = replace(header, marking=Marking())
    with pytest.raises(Rejected, match=r"entry\.marking_too_weak"):
        sign_entry(weaker, held, SIGNER)
    with pytest.raises(Rejected, match=r"entry\.commitment_differs"):
        sign_entry(header, salted(NARRATIVE), SIGNER)
    with pytest.raises(Rejected, match=r"entry\.malformed"):
        sign_entry(header, (), SIGNER)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (_set("parts", 0, to=[]), "part.malformed"),
        (_set("parts", 0, "part", "content", "text", to="another"), "entry.commitment_differs"),
        (_set("parts", to=[]), "entry.malformed"),
        (_set("parts", to={}), "entry.malformed"),
        (_set("header", "payloadType", to="text/plain"), "entry.malformed"),
        (_set("header", "payload", to="e30="), "entry.malformed"),
        (_drop("header", "signatures"), "dsse.form"),
        (_set("more", to=1), "entry.malformed"),
    ],
)
def test_a_wire_form_that_lies_is_refused(spoil: Spoil, code: str) -> None:
    wire = copy.deepcopy(signed(NARRATIVE).to_wire())
    spoil(wire)
    with pytest.raises(Rejected, match=code.replace(".", r"\.")):
        from_wire(wire, at="/items/3/content")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_no_foreign_value_breaks_the_reader(data: st.DataObject) -> None:
    """Any value in any place: a clean refusal or a clean entry, nothing else."""
    wire: dict[str, Any] = copy.deepcopy(signed(NARRATIVE, PERSON).to_wire())
    header = json.loads(signed(NARRATIVE, PERSON).raw)
    for _ in range(data.draw(st.integers(1, 3))):
        target: Any = data.draw(st.sampled_from([wire, header]))
        while isinstance(target, dict | list) and target:
            keys = list(target) if isinstance(target, dict) else list(range(len(target)))
            key = data.draw(st.sampled_from(keys))
            if not isinstance(target[key], dict | list) or data.draw(st.booleans()):
                target[key] = data.draw(_JSON)
                break
            target = target[key]
    for read in (lambda: from_wire(wire), lambda: Header.from_json(header)):
        try:
            result = read()
        except TansiqError:
            continue
        again = result.to_wire() if isinstance(result, SignedEntry) else result.to_json()
        assert canonical.dumps(again) == canonical.dumps(wire if isinstance(result, SignedEntry) else header)


def test_a_machine_says_by_which_clause() -> None:
    machine = Actor("machine", clause="2023/977:5")
    assert Actor.from_json(machine.to_json(), at="") == machine
    with pytest.raises(Rejected, match=r"entry\.malformed"):
        Actor.from_json({"role": "machine", "clause": None}, at="")
