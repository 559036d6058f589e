"""Plans and conflicts on the command line: entered from a file, asked, moved, cancelled; what is wrong in a file is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tansiq.engine.errors import Refused, Rejected
from tansiq.node.cli import cli
from tests.node.plans import CONTACT, PARIS, TANGIER, planner, tonight
from tests.node.world import PASSWORD, World


@pytest.fixture
def run(world: World, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``tansiq --json … as an officer``; gives what it prints, read."""
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    for place in ("cli.session", "cli.plans"):
        monkeypatch.setattr(f"tansiq.node.{place}.now", lambda: world.now)
    monkeypatch.setattr("tansiq.node.cli.session.Session.unlock", lambda self: None)

    def invoke(*words: str, officer: str = "liaison", given: Any = None) -> Any:
        first = ["--json", "--home", str(settings.NODE.home), "--as", officer, "--password-file", str(secret)]
        text = None if given is None else json.dumps(given)
        done = CliRunner().invoke(cli, [*first, *words], input=text, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return (
            [json.loads(line) for line in done.output.splitlines()] if "--jsonl" in words else json.loads(done.output)
        )

    return invoke


def written(world: World, at: list[float], **changed: Any) -> dict[str, Any]:
    """A plan as a GeoJSON Feature."""
    properties = {"kind": "arrest", "reference": "PV 2026/1107", "contact": CONTACT, **tonight(world), **changed}
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": at}, "properties": properties}


def test_a_plan_is_entered_looked_at_moved_and_cancelled(world: World, run: Any) -> None:
    ma = planner(world)
    ma.plans_at(PARIS)
    preview = run("plans", "add", "-", "--dry-run", given=written(world, PARIS))
    assert preview["costs"].keys() == {"ma"}
    assert run("plans", "list") == []
    added = run("plans", "add", "-", given=written(world, PARIS))
    assert (added["status"], added["place"]["buffer_m"]) == ("planned", 800)
    ma.answers()
    (shown,) = run("plans", "show", added["plan"])["partners"]
    assert (shown["partner"], shown["state"]) == ("ma", "conflict")
    (conflict,) = run("conflicts", "list", "--open", "--jsonl")
    assert (conflict["partner"], conflict["levels"], conflict["dossier"]) == ("ma", ["close"], ma.dossiers[0])
    assert run("conflicts", "show", conflict["conflict"])["call"] == {}
    world.later(minutes=5)
    assert run("plans", "move", added["plan"], "-", given=written(world, TANGIER))["version"] == 2
    ma.answers()
    assert run("conflicts", "list", "--open") == []
    assert run("plans", "check", added["plan"])["partners"][0]["state"] == "clear"
    assert run("plans", "cancel", added["plan"])["status"] == "cancelled"
    assert run("plans", "list") == []
    assert [row["plan"] for row in run("plans", "list", "--all", "--jsonl")] == [added["plan"]]


def test_two_units_settle_what_they_have_agreed(world: World, run: Any) -> None:
    run("plans", "add", "-", given=written(world, PARIS))
    other = run("plans", "add", "-", given=written(world, PARIS), officer="stranger")
    (conflict,) = run("conflicts", "list")
    assert run("conflicts", "show", conflict["conflict"])["call"]["unit"] == "borders"
    run("conflicts", "settle", conflict["conflict"], "--outcome", "delay", "--reason", "Après leur passage")
    assert run("conflicts", "list", "--open", officer="stranger") == []
    assert run("plans", "finish", other["plan"], officer="stranger")["status"] == "done"


def test_a_supervisor_decides_and_an_auditor_reads_figures(world: World, run: Any) -> None:
    ma = planner(world)
    asked = written(world, PARIS, leave_out=["ma"], reason="Fuite présumée")
    added = run("plans", "add", "-", given=asked)
    words = ["plans", "decide", added["plan"], "--refuse", "--reason", "Sans fondement"]
    assert run(*words, officer="boss") == {"plan": added["plan"], "exception": "refused"}
    ma.answers()
    ma.plans_at(PARIS)
    ma.finds()
    assert {(r["partner"], r["questions"], r["hits"]) for r in run("plans", "ratios", officer="auditor")} == {
        ("", 1, 0),
        ("ma", 1, 1),
    }
    assert {r["level"] for r in run("plans", "asked", "--partner", "ma", "--jsonl")} == {"coarse", "fine"}
    with pytest.raises(Refused, match=r"account\.role"):
        run("plans", "ratios")


WRONG = [
    ({"kind": "picnic"}, "codes.unknown_code", "/kind"),
    ({"reference": ""}, "plan.malformed", "/reference"),
    ({"from": "2026-11-22T20:00:00"}, "plan.malformed", "/from"),
    ({"to": "tonight"}, "plan.malformed", "/to"),
    ({"contact": {"name": "Permanence"}}, "plan.contact_needed", "/contact"),
    ({"buffer_m": -1}, "plan.malformed", "/buffer_m"),
    ({"before_min": 1441}, "plan.malformed", "/before_min"),
    ({"is_district": "yes"}, "plan.malformed", "/is_district"),
    ({"times": ["2026-11-22T20:00:00Z"]}, "plan.malformed", "/times"),
    ({"subjects": [{"name": "x"}]}, "plan.malformed", "/subjects/0"),
    ({"subjects": [{"identifiers": [["phone"]]}]}, "plan.malformed", "/subjects/0/identifiers"),
    ({"leave_out": ["ma"]}, "plan.malformed", "/reason"),
    ({"colour": "blue"}, "plan.malformed", "/colour"),
]


def test_what_is_wrong_in_a_file_is_named_and_nothing_is_recorded(world: World, run: Any) -> None:
    for changed, code, at in WRONG:
        with pytest.raises(Rejected) as caught:
            run("plans", "add", "-", given=written(world, PARIS, **changed))
        assert (caught.value.code, caught.value.facts["at"]) == (code, at)
    assert run("plans", "list", "--all") == []
