"""``tansiq match link`` and ``dedupe``: lists and tables, standard streams, work that goes on, refusals with their place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tansiq.linkage.command import dedupe_command, link_command

PEOPLE = "a1\tMohamed Chérif Benslimane|Sharif Ben Sliman\t1960-05-12\na2\tOlena Kovalenko\na3\tSalah al-Din Haddadi\n"
ASKED = "l1\tمحمد الشريف بن سليمان\nl2\tОлена Коваленко\nl3\tOlena Kovalenko\n"
FIELDS = "given:name~family,family:name~given,born:date"


def run(command: object, *arguments: str, given: str = "") -> tuple[list[dict[str, object]], str, int]:
    result = CliRunner().invoke(command, [*arguments, "--workers", "1"], input=given.encode())  # type: ignore[arg-type]
    return [json.loads(line) for line in result.stdout.splitlines()], result.stderr, result.exit_code


@pytest.fixture
def lists(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "a.tsv").write_text(ASKED)
    (tmp_path / "b.tsv").write_text(PEOPLE)
    return str(tmp_path / "a.tsv"), str(tmp_path / "b.tsv")


def test_each_record_of_two_lists_is_used_once(lists: tuple[str, str]) -> None:
    lines, told, status = run(link_command, *lists)
    assert status == 0
    assert {(line["left"], line["right"]) for line in lines} == {("l1", "a1"), ("l2", "a2")}
    assert json.loads(told.splitlines()[-1])["links"] == 2
    many, _, _ = run(link_command, *lists, "--many")
    assert ("l3", "a2") in {(line["left"], line["right"]) for line in many}


def test_a_list_on_standard_input_and_one_that_stands_twice(lists: tuple[str, str]) -> None:
    lines, _, _ = run(link_command, "-", lists[1], given=ASKED)
    assert {line["right"] for line in lines} == {"a1", "a2"}
    groups, _, _ = run(dedupe_command, lists[0])
    assert groups == [{"group": ["l2", "l3"]}]


def test_answers_that_were_given_are_not_asked_again(lists: tuple[str, str], tmp_path: Path) -> None:
    work = tmp_path / "work"
    first, _, _ = run(link_command, *lists, "--work", str(work))
    kept = (work / "answers.jsonl").read_text()
    (work / "answers.jsonl").write_text(kept[: kept.index("\n") + 5])
    assert run(link_command, *lists, "--work", str(work))[0] == first
    assert (work / "answers.jsonl").read_text() == kept


def test_a_row_that_is_none_is_told_with_its_line_and_left_out(lists: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "c.tsv").write_text(f"{PEOPLE}a4\t{'x' * 10_000}\na5\tOlena\tyesterday\n")
    lines, told, status = run(link_command, lists[0], str(tmp_path / "c.tsv"))
    assert (status, len(lines)) == (0, 2)
    assert "c.tsv, line 4: names.too_long" in told
    assert "c.tsv, line 5: names.birth_date" in told


def test_tables_need_their_columns(tmp_path: Path) -> None:
    rows = ["id,given,family,born"] + [
        f"{n},Samira{n},Haddadi{n % 7},19{60 + n % 30}-03-{1 + n % 28:02}" for n in range(60)
    ]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    (tmp_path / "b.csv").write_text("\n".join(rows))
    both = str(tmp_path / "a.csv"), str(tmp_path / "b.csv")
    assert "--fields" in run(link_command, *both)[1]
    account = tmp_path / "account.json"
    lines, _, status = run(link_command, *both, "--fields", FIELDS, "--account", str(account))
    assert (status, {line["left"] == line["right"] for line in lines}, len(lines)) == (0, {True}, 60)
    assert json.loads(account.read_text())["rules"]
    assert run(link_command, *both, "--fields", FIELDS, "--id", "number")[2] == 2
    assert "matching.no_file" in run(link_command, "nowhere.csv", both[1], "--fields", FIELDS)[1]


def test_help_shows_how() -> None:
    told = CliRunner().invoke(link_command, ["--help"]).output
    assert "Examples:" in told
    assert "tansiq match link a.tsv b.tsv" in told


def test_the_whole_matcher_runs_without_django() -> None:
    """Index, linkage and the command line of the matcher are a plain library."""
    script = """
import sys
class Never:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ("django", "ninja", "psycopg", "allauth"):
            raise ImportError(name)
sys.meta_path.insert(0, Never())
import tansiq.engine.matching, tansiq.engine.matching.linkage, tansiq.linkage.command
from tansiq.node.cli.match import COMMANDS
assert sorted(COMMANDS["match"].commands) == ["build", "dedupe", "link", "pairs", "search"], COMMANDS["match"].commands
from tansiq.engine.matching import Index, Labels, Query, Subject
index = Index()
index.add([(Subject("s1", names=("Mohamed Cherif",)), ["open"])])
assert index.search(Query(("محمد الشريف",)), Labels.of("open"))[0].subject_id == "s1"
assert not any(name.split(".")[0] == "django" for name in sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=200)
