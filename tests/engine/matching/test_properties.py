"""Laws of the comparison and of the index on disk: symmetry, indifference to writing, crash, damage, concurrency,
naughty input.
"""

from __future__ import annotations

import json
import multiprocessing
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.errors import Corrupt, Rejected
from tansiq.engine.matching import Index, Labels, Query, Subject
from tansiq.engine.matching.screening import pair_score
from tansiq.engine.names import script_of
from tests.shared import shared_path

WORDS = st.sampled_from(
    [
        "محمد",
        "الشريف",
        "عبد",
        "الرحمن",
        "بن",
        "Mohamed",
        "Chérif",
        "al-Haddadi",
        "Karim",
        "Олена",
        "Коваленко",
        "יוסף",
        "Γιώργος",
        "O'Neil",
    ]
)
NAMES = st.lists(WORDS, min_size=1, max_size=5).map(" ".join)
OPEN = Labels.of("open")


@given(NAMES, NAMES)
def test_the_score_is_symmetric(left: str, right: str) -> None:
    assert pair_score(left, right) == pytest.approx(pair_score(right, left), abs=1e-9)


@given(NAMES, NAMES)
def test_marks_spaces_case_and_controls_change_nothing(left: str, right: str) -> None:
    dressed = "\u200f  " + left.upper().replace("م", "مُ").replace(" ", " \t ") + "\u202c"
    assert pair_score(dressed, right) == pytest.approx(pair_score(left, right), abs=1e-9)


@given(NAMES.filter(lambda name: len({script_of(word) for word in name.split()}) == 1))
def test_a_name_is_most_like_itself(name: str) -> None:
    assert pair_score(name, name) >= pair_score(name, name + " Zzyzx") - 1e-9


def test_a_contradiction_never_helps() -> None:
    index = Index()
    index.add(
        [
            (Subject("right", names=("Mohamed Cherif",), birth_dates=("1960-05-12",)), ["open"]),
            (Subject("wrong", names=("Mohamed Cherif",), birth_dates=("1985-01-02",)), ["open"]),
        ]
    )
    found = index.search(Query(("محمد شريف",), birth_dates=("1960-05-12",)), OPEN)
    assert found[0].subject_id == "right"
    assert found[0].score > found[-1].score or len(found) == 1


def test_naughty_strings_are_answered_or_refused() -> None:
    texts = json.loads((shared_path("vectors/naughty-strings") / "blns.json").read_text())
    hostile = json.loads((shared_path("vectors/unicode-hostile") / "strings.json").read_text())
    texts += [text for value in hostile.values() if isinstance(value, list) for text in value if isinstance(text, str)]
    index = Index()
    index.add((Subject(str(i), names=(text,)), ["open"]) for i, text in enumerate(texts) if len(text) <= 500)
    for text in texts:
        try:
            found = index.search(Query((text,)), OPEN, limit=3)
        except Rejected as refusal:
            known = refusal.code in ("names.too_long", "matching.empty_query")
            assert known
        else:
            json.dumps([dict(match.explanation) for match in found])


def people(first: int, last: int) -> list[tuple[Subject, list[str]]]:
    given_names = ["Karim", "Salma", "Yousef", "Hind", "Tarek", "Rania", "Olena", "Petro"]
    return [(Subject(f"p{i}", names=(f"{given_names[i % 8]} Haddad{i // 8}",)), ["open"]) for i in range(first, last)]


def test_an_index_on_disk_answers_like_one_in_memory(tmp_path: Path) -> None:
    kept, plain = Index(tmp_path / "index"), Index()
    for index in (kept, plain):
        index.add(people(0, 40))
        index.add(people(40, 60))
        index.remove(["p3"])
    again = Index(tmp_path / "index")
    query = Query(("Hind Haddad0",))
    assert again.search(query, OPEN) == kept.search(query, OPEN) == plain.search(query, OPEN)
    assert len(again) == 59
    assert again.get("p3") is None
    assert again.get("p5") == (people(5, 6)[0][0], frozenset({"open"}))


def test_many_small_additions_stay_few_segments(tmp_path: Path) -> None:
    index = Index(tmp_path / "index")
    for i in range(40):
        index.add(people(i, i + 1))
    assert len(list((tmp_path / "index").glob("*.segment"))) < 10
    assert len(index) == 40
    index.merge()
    assert len(list((tmp_path / "index").glob("*.segment"))) == 1
    assert index.search(Query(("Tarek Haddad2",)), OPEN)[0].subject_id == "p20"


def test_what_is_not_named_by_the_root_does_not_exist(tmp_path: Path) -> None:
    """A crash between writing a segment and naming it leaves the former state."""
    index = Index(tmp_path / "index")
    index.add(people(0, 8))
    root = (tmp_path / "index" / "index.json").read_bytes()
    before = {path.name: path.read_bytes() for path in (tmp_path / "index").glob("*.segment")}
    index.add(people(8, 16))
    (tmp_path / "index" / "index.json").write_bytes(root)
    for name, raw in before.items():
        (tmp_path / "index" / name).write_bytes(raw)
    (tmp_path / "index" / "00000099.part").write_bytes(b"half")
    assert len(Index(tmp_path / "index")) == 8


@pytest.mark.parametrize("where", [0.0, 0.2, 0.5, 0.95])
def test_damage_is_seen_and_rebuilt(tmp_path: Path, where: float) -> None:
    Index(tmp_path / "index").add(people(0, 50))
    segment = next((tmp_path / "index").glob("*.segment"))
    raw = bytearray(segment.read_bytes())
    raw[int(where * len(raw))] ^= 0x55
    segment.write_bytes(raw)
    try:
        Index(tmp_path / "index")
    except Corrupt as corrupt:
        assert corrupt.code == "matching.segment_damaged"  # noqa: PT017
        rebuilt = Index(tmp_path / "index", rebuild=lambda: people(0, 50))
        assert len(rebuilt) == 50
        assert (tmp_path / "index.damaged").exists()
    else:
        padding = raw[int(where * len(raw))] == 0x55
        assert padding, "only a padding byte may be damaged unseen"


def test_searching_while_adding_never_fails() -> None:
    index = Index()
    index.add(people(0, 20))
    wrong: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(60):
                assert index.search(Query(("Salma Haddad0",)), OPEN)[0].subject_id == "p1"
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(20, 60):
        index.add(people(i, i + 1))
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(index) == 60


def test_two_holders_of_one_directory_see_and_keep_each_others_changes(tmp_path: Path) -> None:
    one, other = Index(tmp_path / "index"), Index(tmp_path / "index")
    one.add(people(0, 8))
    assert other.search(Query(("Hind Haddad0",)), OPEN)[0].subject_id == "p3"
    other.add(people(8, 12))
    one.remove(["p3"])
    one.add(people(12, 14))
    assert len(one) == len(other) == 13
    other.merge()
    assert len(one) == 13
    assert one.search(Query(("Hind Haddad0",)), OPEN) == other.search(Query(("Hind Haddad0",)), OPEN)


def add_until_killed(folder: Path) -> None:
    index = Index(folder)
    for i in range(10_000):
        index.add(people(i, i + 1))


def test_a_writer_killed_at_any_moment_leaves_a_whole_index(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    add_until = tmp_path / "index"
    Index(add_until).add(people(0, 4))
    held = 4
    for _ in range(3):
        writer = context.Process(target=add_until_killed, args=(add_until,))
        writer.start()
        while len(Index(add_until)) <= held and writer.is_alive():
            pass
        writer.kill()
        writer.join()
        index = Index(add_until)
        assert len(index) > held
        assert index.search(Query(("Karim Haddad0",)), OPEN)[0].subject_id == "p0"
        held = len(index)
