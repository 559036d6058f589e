"""Linkage: plans, levels, the learned model, choosing; on one machine it gives the same answer however it is interrupted."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from tansiq.engine.errors import Rejected
from tansiq.engine.matching.linkage import Model, Pairs, make_store, one_to_one, read_plan, sample_levels, together
from tansiq.engine.matching.linkage.levels import LEVELS
from tansiq.linkage.local import Linked, Register, link

FIELDS = "given:name~family,family:name~given,born:date,street:text,postcode:code"
HEADER = ("id", "given", "family", "born", "street", "postcode")
GIVEN = ["samira", "yusuf", "olena", "karim", "nadia", "tarek", "lina", "omar", "salma", "idris"]
FAMILY = ["haddadi", "kovalenko", "benslimane", "alaoui", "ferhat", "mansouri", "zidane", "rahmani", "toumi", "gharbi"]


def people(count: int, seed: int) -> list[list[str]]:
    """Invented people, of whom no two are the same."""
    chooser = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        born = (
            f"{1940 + int(chooser.integers(60))}-{1 + int(chooser.integers(12)):02}-{1 + int(chooser.integers(28)):02}"
        )
        given, family = GIVEN[chooser.integers(10)], FAMILY[chooser.integers(10)] + "aeiou"[chooser.integers(5)]
        street = f"{chooser.integers(1, 90)} {FAMILY[chooser.integers(10)]} road"
        rows.append([str(number), given, family, born, street, f"{10000 + int(chooser.integers(500))}"])
    return rows


def spoilt(row: list[str], number: int) -> list[str]:
    """The same person with one thing wrong."""
    known, given, family, born, street, postcode = row
    wrong = number % 6
    if wrong == 0:
        given, family = family, given
    elif wrong == 1:
        family = family[:2] + family[3:]
    elif wrong == 2:
        born = f"{born[:8]}{born[9]}{born[8]}" if born[8] != born[9] else born[:8] + "01"
    elif wrong == 3:
        street, postcode = "", "99999"
    elif wrong == 4:
        postcode = postcode[:3] + postcode[4] + postcode[3]
    return ["b" + known, given, family, born, street, postcode]


def write(path: Path, rows: list[list[str]], header: tuple[str, ...] = HEADER) -> Register:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])
    return Register(path, header[0])


@pytest.fixture
def registers(tmp_path: Path) -> tuple[Register, Register]:
    """Two registers of 600; 300 people stand in both."""
    first, others = people(600, 1), people(300, 2)
    second = [spoilt(row, n) for n, row in enumerate(first[:300])] + [["c" + row[0], *row[1:]] for row in others]
    return write(tmp_path / "a.csv", first), write(tmp_path / "b.csv", second)


def right_of(found: Linked) -> tuple[float, float]:
    """Precision and recall of links between ``registers``."""
    hits = sum(b == f"b{a}" for a, b, _ in found.links)
    return hits / len(found.links), hits / 300


def test_people_are_found_though_something_is_wrong_with_each(
    registers: tuple[Register, Register], tmp_path: Path
) -> None:
    found = link(*registers, read_plan(FIELDS), folder=tmp_path / "work")
    precision, recall = right_of(found)
    assert precision > 0.98
    assert recall > 0.96
    assert len({a for a, _, _ in found.links}) == len({b for _, b, _ in found.links}) == len(found.links)
    assert [score for _, _, score in found.links] == sorted((s for _, _, s in found.links), reverse=True)
    assert abs(found.account["expected_matches"] - 300) < 30


def test_a_run_that_was_stopped_goes_on_and_ends_alike(registers: tuple[Register, Register], tmp_path: Path) -> None:
    whole = link(*registers, read_plan(FIELDS), folder=tmp_path / "whole")
    work = tmp_path / "work"

    def killed(what: str, done: int, _of: int) -> None:
        if what == "pairs" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        link(*registers, read_plan(FIELDS), folder=work, workers=1, progress=killed)
    done = {path.name: path.stat().st_mtime_ns for path in work.glob("unit-*.npz")}
    assert done
    (work / "unit-000099.new.npz").write_bytes(b"half of a file")
    again = link(*registers, read_plan(FIELDS), folder=work)
    assert again.links == whole.links
    assert all((work / name).stat().st_mtime_ns == at for name, at in done.items())


def test_work_that_was_done_for_another_file_is_not_used(registers: tuple[Register, Register], tmp_path: Path) -> None:
    first = link(*registers, read_plan(FIELDS), folder=tmp_path / "work")
    rows = list(csv.reader(registers[1].path.open()))
    write(registers[1].path, rows[1:150])
    second = link(*registers, read_plan(FIELDS), folder=tmp_path / "work")
    assert len(second.links) < len(first.links)


def test_one_register_falls_into_groups(tmp_path: Path) -> None:
    rows = people(400, 3)
    twice = [spoilt(row, 1) for row in rows[:100]] + [["c" + row[0], *row[1:]] for row in rows[:50]]
    found = link(write(tmp_path / "a.csv", rows + twice), None, read_plan(FIELDS), folder=tmp_path / "work")
    groups = {frozenset(group) for group in found.groups}
    wanted = {frozenset({row[0], "b" + row[0], "c" + row[0]}) for row in rows[:50]}
    wanted |= {frozenset({row[0], "b" + row[0]}) for row in rows[50:100]}
    assert len(groups & wanted) > 95
    assert len(groups - wanted) < 3


def test_names_in_other_scripts_and_dates_in_other_calendars_meet(tmp_path: Path) -> None:
    left = people(200, 4)
    left[7] = ["x", "محمد", "الحدادي", "1379-11-15", "", "10007"]
    left[8] = ["y", "Олена", "Коваленко", "1990-03-04", "", "10008"]
    right = people(200, 5)
    right[9] = ["x2", "Mohamed", "Haddadi", "1960-05-12", "12 rahmani road", "10007"]
    right[11] = ["y2", "Kovalenko", "Olena", "1990-03-04", "", "10008"]
    registers = write(tmp_path / "a.csv", left), write(tmp_path / "b.csv", right)
    found = link(*registers, read_plan(FIELDS), folder=tmp_path / "work")
    assert {("x", "x2"), ("y", "y2")} <= {(a, b) for a, b, _ in found.links}


def test_a_kept_model_gives_the_same_scores_and_fits_its_own_columns_only(
    registers: tuple[Register, Register], tmp_path: Path
) -> None:
    plan = read_plan(FIELDS)
    first = link(*registers, plan, folder=tmp_path / "one")
    text = (tmp_path / "one" / "model.json").read_text()
    assert link(*registers, plan, folder=tmp_path / "two", model=text).links == first.links
    with pytest.raises(Rejected) as wrong:
        Model.from_json(text, read_plan("given:name,born:date"))
    assert wrong.value.code == "matching.model"
    with pytest.raises(Rejected):
        Model.from_json("[1]", plan)


@pytest.mark.parametrize(
    ("fields", "rules", "at"),
    [
        ("", "", "fields"),
        ("given:names", "", "given:names"),
        ("given:name,given:name", "", "fields"),
        ("given:name~surname", "", "given"),
        ("given:name,born:date", "given.sorted+born", "given.sorted"),
        ("given:name,born:date", "surname+born", "surname"),
        ("a:name,b:name", "a.words+b.pairs", "a.words+b.pairs"),
        (",".join(f"c{n}:code" for n in range(30)), "", "fields"),
    ],
)
def test_a_wrong_plan_names_its_place(fields: str, rules: str, at: str) -> None:
    with pytest.raises(Rejected) as wrong:
        read_plan(fields, rules)
    assert (wrong.value.code, wrong.value.facts["at"]) == ("matching.plan", at)


def test_a_wrong_register_names_its_line(tmp_path: Path) -> None:
    plan = read_plan(FIELDS)
    missing = write(tmp_path / "m.csv", [["1", "a"]], ("id", "given"))
    with pytest.raises(Rejected) as wrong:
        link(missing, None, plan, folder=tmp_path / "w1")
    assert wrong.value.facts["columns"] == ["family", "born", "street", "postcode"]
    rows = people(5, 1)
    rows[3][0] = rows[1][0]
    with pytest.raises(Rejected) as wrong:
        link(write(tmp_path / "t.csv", rows), None, plan, folder=tmp_path / "w2")
    assert (wrong.value.code, wrong.value.facts["at"]) == ("matching.duplicate_id", "t.csv, line 5")
    rows[3][0] = ""
    with pytest.raises(Rejected) as wrong:
        link(write(tmp_path / "n.csv", rows), None, plan, folder=tmp_path / "w3")
    assert (wrong.value.code, wrong.value.facts["at"]) == ("matching.no_id", "n.csv, line 5")
    (tmp_path / "broken.csv").write_bytes(b'id,given\n1,"a\xff\x00')
    with pytest.raises(Rejected):
        link(Register(tmp_path / "broken.csv", "id"), None, plan, folder=tmp_path / "w4")


def test_nothing_to_link_is_no_mistake(tmp_path: Path) -> None:
    registers = write(tmp_path / "a.csv", []), write(tmp_path / "b.csv", people(3, 1))
    assert link(*registers, read_plan(FIELDS), folder=tmp_path / "work").links == []


def levels(field: str, left: str, right: str) -> str:
    plan = read_plan(field)
    store = make_store(plan, [[left, right]], [np.array([1, 1])])
    ids = np.array([[0, 1]], dtype=np.int32)
    row = np.array([0], dtype=np.int32), np.array([1], dtype=np.int32)
    found, _ = sample_levels(plan, store.values, *row, ids, ids)
    return LEVELS[plan.fields[0].kind][found[0, 0]]


@pytest.mark.parametrize(
    ("field", "left", "right", "wanted"),
    [
        ("f:name", "Samira Haddadi", "HADDADI, Samira", "equal"),
        ("f:name", "Mohammed", "Mohamed", "near"),
        ("f:name", "محمد", "Mohamed", "near"),
        ("f:name", "S", "Samira", "alike"),
        ("f:name", "Samira", "Tarek", "different"),
        ("f:date", "1960-05-12", "19600512", "equal"),
        ("f:date", "1960-05-12", "1960-12-05", "one_slip"),
        ("f:date", "1960-05-12", "1960-05-13", "one_slip"),
        ("f:date", "1960-05-12", "1960", "near"),
        ("f:date", "1379-11-15", "1960-05-12", "one_slip"),
        ("f:date", "1960-05-12", "1931-11-28", "different"),
        ("f:code", "AB 1234-O", "ab12340", "one_sign"),
        ("f:code", "123456", "132456", "one_sign"),
        ("f:code", "123456", "654321", "different"),
        ("f:text", "12 Harbour Road", "harbour road 12", "near"),
        ("f:text", "12 Harbour Road", "12 harbor road", "near"),
        ("f:text", "12 Harbour Road", "7 Mill Lane", "different"),
        ("f:category", "Female", "female", "equal"),
    ],
)
def test_levels(field: str, left: str, right: str, wanted: str) -> None:
    assert levels(field, left, right) == levels(field, right, left) == wanted


def pairs_of(*rows: tuple[int, int, float]) -> Pairs:
    return Pairs(
        np.array([r[0] for r in rows], np.int32),
        np.array([r[1] for r in rows], np.int32),
        np.array([r[2] for r in rows]),
    )


def test_the_best_pair_is_taken_first_and_each_record_once() -> None:
    chosen = one_to_one(pairs_of((0, 0, 5.0), (0, 1, 9.0), (1, 1, 8.0), (1, 0, 1.0)), lefts=2, rights=2)
    assert list(zip(chosen.left.tolist(), chosen.right.tolist(), strict=True)) == [(0, 1), (1, 0)]


def test_one_false_link_does_not_join_two_groups() -> None:
    """Two groups of three, wholly linked inside; one pair between them."""
    inside = [(0, 1, 9.0), (0, 2, 9.0), (1, 2, 9.0), (3, 4, 9.0), (3, 5, 9.0), (4, 5, 9.0)]
    group = together(pairs_of(*inside, (2, 3, 3.0)), records=7, least=0.0, unknown=-2.0)
    assert group.tolist() == [0, 0, 0, 3, 3, 3, 6]
    both = together(pairs_of(*inside, (2, 3, 30.0)), records=7, least=0.0, unknown=-2.0)
    assert both.tolist() == [0, 0, 0, 0, 0, 0, 6]
