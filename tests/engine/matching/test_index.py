"""The index's promises: what is found, what is hidden, what is common, what is refused."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from tansiq.engine.errors import Rejected
from tansiq.engine.matching import Index, Labels, Match, Query, Subject

OPEN = Labels.of("open")
PEOPLE = (
    Subject("s1", names=("Mohamed Chérif Benslimane",), birth_dates=("1960-05-12",), countries=("ma",)),
    Subject("s2", names=("Salah al-Din Haddadi", "صلاح الدين حدادي"), identifiers=(("passport", "AB 123 4567"),)),
    Subject("s3", names=("Olena Kovalenko", "Олена Коваленко")),
    Subject("s4", names=("Mohamed Lahlou",), birth_dates=("1982",)),
)


def filled(*extra: tuple[Subject, list[str]]) -> Index:
    index = Index()
    index.add((person, ["open"]) for person in PEOPLE)
    index.add(extra)
    return index


def plain(matches: list[Match]) -> str:
    return json.dumps([asdict(match) for match in matches], ensure_ascii=False, sort_keys=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("محمد شريف بن سليمان", "s1"),
        ("Mohammed Sherif Ben Sliman", "s1"),
        ("Salaheddine Haddadi", "s2"),
        ("حدادي صلاح الدين", "s2"),
        ("Elena Kowalenko", "s3"),
    ],
)
def test_a_person_is_found_whatever_the_script(name: str, expected: str) -> None:
    assert filled().search(Query((name,)), OPEN)[0].subject_id == expected


def test_hidden_records_change_no_byte() -> None:
    hidden = [(Subject(f"h{i}", names=("محمد الشريف بن سليمان", "Mohamed Lahlou")), ["secret"]) for i in range(60)]
    for name in ("محمد شريف بن سليمان", "Mohamed Lahlou"):
        query = Query((name,), birth_dates=("1960",))
        assert plain(filled().search(query, OPEN)) == plain(filled(*hidden).search(query, OPEN))


def test_removed_subjects_are_gone_and_readded_ones_replace() -> None:
    index = filled()
    index.remove(["s1", "never there"])
    assert all(match.subject_id != "s1" for match in index.search(Query(("Mohamed Chérif Benslimane",)), OPEN))
    index.add([(Subject("s4", names=("Ghita Amrani",)), ["open"])])
    assert index.search(Query(("Ghita Amrani",)), OPEN)[0].subject_id == "s4"
    assert len(index) == 3


def test_an_identifier_finds_without_a_name_even_when_misread() -> None:
    found = filled().search(Query(identifiers=(("passport", "AB-I234567"),)), OPEN)
    assert [match.subject_id for match in found] == ["s2"]


def test_a_common_identifier_never_matches_by_itself() -> None:
    crowd = [(Subject(f"c{i}", identifiers=(("phone", "0000000000"),)), ["open"]) for i in range(1001)]
    assert filled(*crowd).search(Query(identifiers=(("phone", "0000000000"),)), OPEN) == []
    assert len(filled(*crowd[:40]).search(Query(identifiers=(("phone", "0000000000"),)), OPEN)) == 40


def test_a_contradicting_birth_date_lowers_and_an_equal_one_raises() -> None:
    def score(*dates: str) -> float:
        return filled().search(Query(("محمد شريف بن سليمان",), birth_dates=dates), OPEN)[0].score

    assert score("1988-01-30") < score() < score("1960-05-12")


def test_at_most_a_hundred_and_best_first() -> None:
    crowd = [(Subject(f"c{i:03}", names=("Ghita Amrani",)), ["open"]) for i in range(130)]
    found = filled(*crowd).search(Query(("Ghita Amrani",)), OPEN, limit=500)
    assert len(found) == 100
    assert len(filled(*crowd).search(Query(("Ghita Amrani",)), OPEN)) == 50
    assert [match.score for match in found] == sorted((match.score for match in found), reverse=True)


def test_nothing_to_look_for_is_refused() -> None:
    with pytest.raises(Rejected, match=r"matching\.empty_query"):
        filled().search(Query((" - ",)), OPEN)


def test_a_ten_kilobyte_name_is_refused() -> None:
    with pytest.raises(Rejected, match=r"names\.too_long"):
        filled().search(Query(("a" * 10_000,)), OPEN)
