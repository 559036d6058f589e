from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tansiq.engine.errors import Corrupt, Rejected
from tansiq.engine.formats import canonical, codes
from tansiq.engine.formats.ids import LANGUAGES

FOLDER = Path(codes.__file__).parent
NAMED_IN_THE_CONTRACT = {
    *("handling_codes", "grading_4x4_source", "grading_4x4_information", "grading_3x5x2_source"),
    *("grading_3x5x2_information", "grading_6x6_source", "grading_6x6_information", "tlp", "pap", "classification"),
    *("data_subject_categories", "person_flags", "crime_areas", "europol_areas", "purposes", "urgency_grounds"),
    *("refusal_grounds", "deviation_grounds", "data_categories", "part_types", "document_types"),
}
FILES = sorted(FOLDER.glob("*.json"))
ARABIC_LETTER = re.compile("[\u0621-\u063a\u0641-\u064a\u067e\u0686\u0698\u06a9\u06af\u06cc]")


def test_every_list_of_the_contract_is_there() -> None:
    assert set(codes.LIST_NAMES) >= NAMED_IN_THE_CONTRACT


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_list_is_complete(path: Path) -> None:
    found = codes.read_code_list(path.read_bytes())
    assert path.stem in (found.name, f"{found.name}@{found.version}")
    assert re.fullmatch(r"\d{4}-\d{2}", found.version)
    assert found.marked in ("looked_up", "general_knowledge")
    assert len(set(found.codes())) == len(found.entries) > 0
    for entry in found.entries:
        assert set(entry.labels) == set(LANGUAGES)
        assert entry.facts.get("marked", found.marked) in ("looked_up", "general_knowledge")
        for language, label in entry.labels.items():
            assert label == label.strip() != "", (entry.code, language)
            assert bool(ARABIC_LETTER.search(label)) == (language in ("ar", "fa")), (entry.code, language)


@pytest.mark.parametrize("name", codes.LIST_NAMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_codes_of_a_list_have_the_same_label(name: str, language: str) -> None:
    labels = [entry.labels[language] for entry in codes.code_list(name).entries]
    assert len(set(labels)) == len(labels), sorted(label for label in labels if labels.count(label) > 1)


def test_the_letters_of_persian_and_arabic_are_not_mixed() -> None:
    for name in codes.LIST_NAMES:
        for entry in codes.code_list(name).entries:
            assert not re.search("[\u067e\u0686\u06a9\u06af\u06cc]", entry.labels["ar"]), (name, entry.code)
            assert not re.search("[\u0643\u0649\u064a\u0629]", entry.labels["fa"]), (name, entry.code)


def test_every_crime_area_names_known_europol_areas_and_its_parent() -> None:
    areas = codes.code_list("crime_areas")
    reached: set[str] = set()
    for entry in areas.entries:
        mapped, parent = entry.facts["europol"], entry.facts["parent"]
        assert isinstance(mapped, list)
        reached.update(codes.code_list("europol_areas").require(area) for area in mapped)
        assert re.fullmatch(r"\d{2}(\d{2}(\d{1,2})?)?", entry.code)
        if parent is None:
            assert len(entry.code) == 2
        else:
            assert isinstance(parent, str)
            assert entry.code.startswith(areas.require(parent))
    assert reached == set(codes.code_list("europol_areas").codes())


def test_eleven_sections_and_what_the_house_is_for() -> None:
    areas = codes.code_list("crime_areas").codes()
    assert [code for code in areas if len(code) == 2] == [f"{number:02}" for number in range(1, 12)]
    assert {"060121", "060122", "0805", "07041", "09012", "0204"} <= set(areas)


def test_a_list_answers_for_its_codes() -> None:
    handling = codes.code_list("handling_codes")
    assert handling.codes() == ("H0", "H1", "H2", "H3")
    assert "H1" in handling
    assert "H9" not in handling
    assert handling.require("H2", at="/parts/0/marking/handling/0") == "H2"
    assert handling.entry("H3").facts["needs_text"] is True
    assert [entry.code for entry in handling.entries if entry.facts["exclusive"]] == ["H0"]
    assert handling.label("H2", "fr") == "Ne pas diffuser sans l’autorisation du fournisseur"
    assert handling.label("H2", "de") == handling.label("H2", "en")


@pytest.mark.parametrize("code", ["", "h1", "H1 ", "H9", None, 1, ["H1"]])
def test_an_unknown_code_is_refused_with_its_place(code: object) -> None:
    with pytest.raises(Rejected) as refusal:
        codes.code_list("handling_codes").require(code, at="/marking/handling/0")
    assert refusal.value.code == "codes.unknown_code"
    assert refusal.value.facts["at"] == "/marking/handling/0"
    assert refusal.value.facts["list"] == "handling_codes"


@pytest.mark.parametrize("name", ["countries", "../errors", "Tlp", "", "tlp.json", "tlp@2026-11"])
def test_an_unknown_list_is_refused(name: str) -> None:
    with pytest.raises(Rejected, match="unknown_list"):
        codes.code_list(name)


def test_the_digest_is_of_the_value_and_not_of_the_file() -> None:
    raw = (FOLDER / "tlp.json").read_bytes()
    again = json.dumps(json.loads(raw), indent=4, sort_keys=True).encode()
    assert codes.read_code_list(again).digest == codes.code_list("tlp").digest == canonical.digest(json.loads(raw))


def test_a_pinned_version_is_found_by_its_digest_also_when_it_is_past(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = json.loads((FOLDER / "tlp.json").read_bytes())
    past["version"], past["entries"] = "2022-08", past["entries"][:3]
    (tmp_path / "tlp.json").write_bytes((FOLDER / "tlp.json").read_bytes())
    (tmp_path / "tlp@2022-08.json").write_text(json.dumps(past))
    monkeypatch.setattr(codes, "_FOLDER", tmp_path)
    codes.code_list.cache_clear()
    try:
        present = codes.code_list("tlp")
        assert codes.pinned_code_list("tlp", present.digest) == present
        assert codes.pinned_code_list("tlp", canonical.digest(past)).version == "2022-08"
        with pytest.raises(Rejected, match="unknown_version"):
            codes.pinned_code_list("tlp", "0" * 64)
    finally:
        codes.code_list.cache_clear()
        codes.pinned_code_list.cache_clear()


@pytest.mark.parametrize(
    "damage",
    [
        lambda value: value.pop("version"),
        lambda value: value["entries"][0].pop("labels"),
        lambda value: value["entries"][0]["labels"].pop("fa"),
        lambda value: value["entries"][0]["labels"].update(ar=" "),
        lambda value: value["entries"].append(value["entries"][0]),
        lambda value: value.update(entries={}),
    ],
)
def test_a_damaged_list_stops_everything(damage: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = json.loads((FOLDER / "pap.json").read_bytes())
    damage(value)  # type: ignore[operator]
    (tmp_path / "pap.json").write_text(json.dumps(value))
    monkeypatch.setattr(codes, "_FOLDER", tmp_path)
    codes.code_list.cache_clear()
    try:
        with pytest.raises(Corrupt, match="damaged_list"):
            codes.code_list("pap")
    finally:
        codes.code_list.cache_clear()
