"""Segments laid together: the same answers however records lie, removed ones gone, merges behind a writer's back."""

from __future__ import annotations

import json
import random
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from tansiq.engine.matching import Index, Labels, Query, Subject
from tansiq.engine.matching import index as index_module
from tansiq.engine.matching.command import match as command
from tansiq.engine.matching.layout import combine, last_of_each
from tansiq.engine.matching.segment import Segment, build_arrays
from tests.engine.matching.test_command import run

GIVEN = ["Karim", "Salma", "Youssef", "Yusuf", "Hind", "Tarek", "Ranya", "Olena", "Petro", "يوسف", "سلمى", "Mohammed"]
FAMILY = [
    "Haddad",
    "Haddadi",
    "El Hadad",
    "Ben Sliman",
    "Benslimane",
    "Kovalenko",
    "حداد",
    "بن سليمان",
    "Cherif",
    "الشريف",
]
ASKED = ["يوسف حداد", "Salma Ben Slimane", "Petro Kowalenko", "محمد الشريف", "Hind"]


def people(count: int, seed: int = 3) -> list[tuple[Subject, list[str]]]:
    chooser = random.Random(seed)
    return [
        (
            Subject(
                f"p{i}",
                names=tuple(
                    f"{chooser.choice(GIVEN)} {chooser.choice(FAMILY)}" for _ in range(chooser.choice((1, 1, 2)))
                ),
                birth_dates=(f"{1950 + i % 40}",) if i % 3 else (),
                identifiers=(("passport", f"AB{i:06}"),) if i % 5 == 0 else (),
            ),
            ["open"] if i % 7 else ["secret"],
        )
        for i in range(count)
    ]


def told(index: Index, *labels: str) -> str:
    queries = [Query((name,), birth_dates=born) for name in ASKED for born in ((), ("1961",))]
    queries.append(Query(identifiers=(("passport", "AB000025"),)))
    found = [[asdict(match) for match in index.search(query, Labels.of(*labels), 20)] for query in queries]
    return json.dumps(found, ensure_ascii=False, sort_keys=True)


def test_answers_do_not_depend_on_how_records_lie() -> None:
    rows = people(300)
    whole, pieces, merged = Index(), Index(), Index()
    whole.add(rows)
    for start in range(0, 300, 23):
        pieces.add(rows[start : start + 23])
        merged.add(rows[start : start + 23])
    merged.merge()
    for labels in (("open",), ("open", "secret")):
        assert told(whole, *labels) == told(pieces, *labels) == told(merged, *labels)
    assert merged.get("p8") == whole.get("p8")


def test_what_was_removed_is_gone_after_a_merge() -> None:
    rows = people(200)
    index, plain = Index(), Index()
    index.add(rows)
    index.remove([f"p{i}" for i in range(0, 200, 3)])
    index.merge()
    plain.add([row for i, row in enumerate(rows) if i % 3])
    assert told(index, "open") == told(plain, "open")
    index.remove([f"p{i}" for i in range(200)])
    index.merge()
    assert len(index) == 0
    assert index.search(Query(("Hind Haddad",)), Labels.of("open")) == []


def test_of_one_id_in_several_segments_the_last_holds() -> None:
    sources = [build_arrays([(Subject("a", names=(name,)), frozenset({"open"}))], finished=False) for name in GIVEN[:3]]
    masks = last_of_each(sources)
    assert [mask.tolist() for mask in masks] == [[False], [False], [True]]
    joined = Segment(combine([(arrays, mask) for arrays, mask in zip(sources, masks, strict=True) if mask.any()]))
    assert joined.subject(0).names == ("Youssef",)


@pytest.mark.parametrize("folder", [False, True])
def test_large_merges_go_on_behind_writers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: bool) -> None:
    monkeypatch.setattr(index_module, "_MERGED_AT_ONCE", 0)
    rows = people(400)
    index, plain = Index(tmp_path / "index" if folder else None), Index()
    for start in range(0, 400, 20):
        index.add(rows[start : start + 20])
        index.remove([f"p{start}"])
    for _ in range(200):
        if index._merging is None or not index._merging.is_alive():
            break
        time.sleep(0.02)
    index._merge_due()
    assert index._merging is not None
    index._merging.join()
    plain.add([row for i, row in enumerate(rows) if i % 20])
    assert len(index._parts) <= 16
    assert told(index, "open") == told(plain, "open")
    if folder:
        assert told(Index(tmp_path / "index"), "open") == told(plain, "open")


def test_a_build_on_several_processes_gives_the_same_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tansiq.engine.matching import building

    monkeypatch.setattr(building, "_BLOCK", 400)
    rows = [f"{s.subject_id}\t{'|'.join(s.names)}\t{'|'.join(s.birth_dates)}\n" for s, _ in people(120)]
    (tmp_path / "people.tsv").write_text("id\tname\tborn\n" + "".join(rows) + "p5\tGhita Amrani\nbad\tX\t1960-99\n")
    for workers in ("1", "2"):
        _, said, status = run(
            "build", str(tmp_path / "people.tsv"), "--out", str(tmp_path / workers), "--workers", workers
        )
        assert status == 0
        assert "120 subjects" in said
        assert "line 123: " in said
    assert told(Index(tmp_path / "1"), "open") == told(Index(tmp_path / "2"), "open")
    assert Index(tmp_path / "2").search(Query(("Ghita Amrani",)), Labels.of("open"))[0].subject_id == "p5"
    assert command.name == "match"


def test_half_a_surrogate_pair_is_kept_and_answered(tmp_path: Path) -> None:
    entity = {"id": "e1", "schema": "Person", "properties": {"name": ["Karim \ud800 Haddad"]}}
    assert run("build", "-", "--out", str(tmp_path / "k"), given=json.dumps(entity) + "\n")[2] == 0
    lines, _, status = run("search", str(tmp_path / "k"), "-", "--workers", "1", given="Karim Haddad\n")
    assert status == 0
    assert lines[0]["results"][0]["id"] == "e1"  # type: ignore[index]
