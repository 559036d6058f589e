"""What stands beside the name: parents and places in any script, and words that were glued or cut."""

from __future__ import annotations

import pytest

from tansiq.engine.matching import Index, Labels, Query, Subject

OPEN = Labels.of("open")


def filled() -> Index:
    index = Index()
    index.add(
        [
            (
                Subject(
                    "a", names=("Karim Haddad",), parents=("Yusuf Haddad", "Salma Amrani"), birth_places=("Rabat",)
                ),
                ["open"],
            ),
            (Subject("b", names=("Karim Haddad",), parents=("Tarek Haddad",), birth_places=("Kyiv",)), ["open"]),
            (Subject("c", names=("Karim Haddad",)), ["open"]),
        ]
    )
    return index


def order(query: Query) -> list[str]:
    return [match.subject_id for match in filled().search(query, OPEN)]


def test_a_parent_speaks_for_one_and_against_the_other_in_any_script() -> None:
    assert order(Query(("كريم حداد",), parents=("يوسف حداد",))) == ["a", "c", "b"]
    assert order(Query(("كريم حداد",), parents=("سلمى العمراني",)))[0] == "a"


def test_a_place_of_birth_is_read_in_any_script_and_never_speaks_against() -> None:
    found = filled().search(Query(("كريم حداد",), birth_places=("الرباط",)), OPEN)
    assert found[0].subject_id == "a"
    assert found[1].score == found[2].score
    assert "'birth_place'" in str(found[0].explanation)
    assert "'birth_place'" not in str(found[1].explanation)


@pytest.mark.parametrize(
    ("asked", "held"),
    [
        ("حسن ظاهرعويس", "Hassan Dahir Aweys"),
        ("رحمت الله کاکا زاده", "Rahmatullah Kakazada"),
        ("محمدعلي رضائي", "Mohammad Ali Rezaei"),
    ],
)
def test_a_forgotten_or_an_added_space_hides_nobody(asked: str, held: str) -> None:
    index = Index()
    crowd = [(Subject(f"x{i}", names=(f"Hassan Rahmat Mohammad{i}",)), ["open"]) for i in range(200)]
    index.add([*crowd, (Subject("right", names=(held,)), ["open"])])
    found = index.search(Query((asked,)), OPEN)
    assert found[0].subject_id == "right"
    assert found[0].score > 0.3


def test_a_nickname_is_found_by_its_meaning_in_both_directions() -> None:
    index = Index()
    crowd = [(Subject(f"x{i}", names=(f"Karim Haddad{i}",)), ["open"]) for i in range(150)]
    index.add([*crowd, (Subject("french", names=("Karim L'Aigle",)), ["open"])])
    index.add([(Subject("arabic", names=("سمير الثعلب",)), ["open"])])
    assert index.search(Query(("كريم النسر",)), OPEN)[0].subject_id == "french"
    assert index.search(Query(("Samir Le Renard",)), OPEN)[0].subject_id == "arabic"
    assert index.search(Query(("النسر",)), OPEN)[0].subject_id == "french"
