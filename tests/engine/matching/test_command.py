"""The command line: build, search, pairs; every format, standard streams, faults told with their line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tansiq.engine.matching.command import match

PEOPLE = "a1\tMohamed Chérif Benslimane|Sharif Ben Sliman\t1960-05-12\na2\tOlena Kovalenko\na3\tSalah al-Din Haddadi\n"


def run(*arguments: str, given: str = "") -> tuple[list[dict[str, object]], str, int]:
    result = CliRunner().invoke(match, arguments, input=given.encode())
    return [json.loads(line) for line in result.stdout.splitlines()], result.stderr, result.exit_code


@pytest.fixture
def index(tmp_path: Path) -> str:
    gallery = tmp_path / "people.tsv"
    gallery.write_text(PEOPLE)
    _, told, status = run("build", str(gallery), "--out", str(tmp_path / "index"))
    assert (status, "3 subjects indexed" in told) == (0, True)
    return str(tmp_path / "index")


def test_search_answers_every_question_in_order(index: str) -> None:
    asked = "q1\tمحمد الشريف بن سليمان\t1960\nq2\tОлена Коваленко\nq3\tnobody at all here\n"
    lines, _, status = run("search", index, "-", "--limit", "2", "--jsonl", "--workers", "1", given=asked)
    assert status == 0
    assert [line["query_id"] for line in lines] == ["q1", "q2", "q3"]
    best = lines[0]["results"][0]  # type: ignore[index]
    assert (best["id"], best["name"]) == ("a1", "Mohamed Chérif Benslimane")
    assert 0.9 < best["score"] <= 1
    assert best["explanation"]["alignment"][0] == {"left": "م", "right": "mo", "quality": pytest.approx(0.7, abs=0.3)}
    assert lines[1]["results"][0]["id"] == "a2"  # type: ignore[index]


def test_several_processes_give_the_same_lines(index: str) -> None:
    asked = "".join(f"q{i}\t{name}\n" for i, name in enumerate(["محمد شريف", "Haddadi Salaheddine", "Kovalenko"] * 60))
    alone = run("search", index, "-", "--workers", "1", given=asked)
    assert alone == run("search", index, "-", "--workers", "2", given=asked)


def test_a_wrong_question_gets_its_line_with_the_error(index: str) -> None:
    lines, told, status = run("search", index, "-", "--workers", "1", given=f"q1\t{'x' * 10_000}\nq2\tKovalenko\n")
    assert status == 0
    assert "names.too_long" in str(lines[0]["error"])
    assert "line 1" in told
    assert lines[1]["query_id"] == "q2"


def test_resume_goes_on_after_the_last_whole_line(index: str, tmp_path: Path) -> None:
    asked = tmp_path / "asked.tsv"
    asked.write_text("q1\tKovalenko\nq2\tHaddadi\nq3\tBenslimane\n")
    target = tmp_path / "hits.jsonl"
    run("search", index, str(asked), "--out", str(target), "--workers", "1")
    whole = target.read_text()
    target.write_text(whole[: whole.index("\n") + 20])
    run("search", index, str(asked), "--out", str(target), "--resume", "--workers", "1")
    assert target.read_text() == whole


def test_answers_of_another_list_are_not_gone_on_with(index: str, tmp_path: Path) -> None:
    asked, target = tmp_path / "asked.tsv", tmp_path / "hits.jsonl"
    asked.write_text("q1\tKovalenko\nq2\tHaddadi\n")
    run("search", index, str(asked), "--out", str(target), "--workers", "1")
    before = target.read_text()
    for other in ("q1\tKovalenko\nq7\tHaddadi\nq3\tBenslimane\n", "q1\tKovalenko\n"):
        asked.write_text(other)
        _, told, status = run("search", index, str(asked), "--out", str(target), "--resume", "--workers", "1")
        assert (status, "matching.other_list" in told, target.read_text()) == (2, True, before)


def test_results_below_a_bound_are_left_out_but_each_question_has_its_line(index: str) -> None:
    given = "q1\tOlena Kovalenko\nq2\tQwxz Vbnm\n"
    every, _, _ = run("search", index, "-", "--workers", "1", given=given)
    strong, _, _ = run("search", index, "-", "--workers", "1", "--least", "0.5", given=given)
    assert [line["query_id"] for line in strong] == ["q1", "q2"]
    assert strong[0]["results"] == [r for r in every[0]["results"] if r["score"] >= 0.5] != []  # type: ignore[attr-defined]
    assert strong[1]["results"] == []


def test_csv_needs_its_columns_and_ftm_is_guessed(tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text("no,first,last,dob\n7,Olena,Kovalenko,1990-01-02\n")
    mapping = "id=no,name=first+last,birth_date=dob"
    assert run("build", str(table), "--out", str(tmp_path / "i"), "--columns", mapping)[2] == 0
    _, told, status = run("build", str(table), "--out", str(tmp_path / "j"), "--columns", "id=no,name=surname")
    assert (status, "matching.mapping" in told) == (2, True)
    entity = {"id": "e1", "schema": "Person", "properties": {"name": ["Olena Kovalenko"], "birthDate": ["1990"]}}
    assert run("build", "-", "--out", str(tmp_path / "k"), given=json.dumps(entity) + "\n{broken\n")[2] == 0
    lines, _, _ = run("search", str(tmp_path / "k"), "-", "--workers", "1", given="Kovalenko Olena\n")
    assert lines[0]["results"][0]["id"] == "e1"  # type: ignore[index]


def test_pairs_keep_their_order_and_tell_people_apart() -> None:
    given = "محمد الشريف\tMohamed Chérif\nمحمد الشريف\tMohamed Salah\nonly one\n\t\n"
    lines, _, status = run("pairs", "-", "--jsonl", given=given)
    scores = [float(str(line["score"])) for line in lines]
    assert status == 0
    assert scores[0] > 0.25 > 0.05 > scores[1]
    assert scores[2:] == [0.0, 0.0]


def test_what_is_no_file_and_what_is_no_name_is_refused_with_its_place(tmp_path: Path) -> None:
    for command in (["build", "--out", str(tmp_path / "i")], ["pairs"]):
        told = run(command[0], str(tmp_path), *command[1:])
        assert (told[1].strip(), told[2]) == (f"tansiq match: matching.no_file (at={str(tmp_path)!r})", 2)
    lines, _, status = run("pairs", "-", given=f"a\tb\n{'x' * 100_000}\tb\n")
    assert status == 0
    assert str(lines[1]["error"]).startswith("line 2: names.too_long")
    assert len(str(lines[1]["left"])) == 200
    assert (
        "matching.line_too_long (at='line 1'"
        in run("build", "-", "--out", str(tmp_path / "j"), given="x" * 2_000_000)[1]
    )


def test_every_command_shows_examples() -> None:
    for name, command in match.commands.items():
        told = CliRunner().invoke(command, ["--help"]).output
        assert "Example" in told, name
