"""Overdue things, passing on, proofs, copies and the ledger on the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tansiq.engine.errors import Refused, Rejected
from tansiq.node.cli import cli
from tansiq.node.dossiers import erased
from tansiq.node.dossiers.erased import HeldCopy
from tansiq.node.dossiers.models import Dossier
from tests.node.flows.test_forwarding import came, recall
from tests.node.world import PASSWORD, World


@pytest.fixture
def run(world: World, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``tansiq --json … as the liaison``; gives what it prints, read."""
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    settings.NODE = replace(settings.NODE, erasure_ledger=str(tmp_path / "erasures.jsonl"))
    for place in ("cli.session", "cli.dossiers", "cli.overdue", "cli.erasure"):
        monkeypatch.setattr(f"tansiq.node.{place}.now", lambda: world.now)
    monkeypatch.setattr("tansiq.node.cli.session.Session.unlock", lambda self: None)
    first = ["--json", "--home", str(settings.NODE.home), "--as", "liaison", "--password-file", str(secret)]

    def invoke(*words: str, code: int = 0) -> Any:
        done = CliRunner().invoke(cli, [*first, *words], catch_exceptions=False)
        assert done.exit_code == code, done.output
        return json.loads(done.output)

    return invoke


def test_passed_on_recalled_overdue_and_proved(world: World, run: Any, tmp_path: Path) -> None:
    ma, report = came(world)
    told = ["--to", "it", "--purpose", "investigation", "--crime-area", "0601", "--why", "for your inquiry"]
    words = ["dossier", "pass-on", report.entry_id[:12], "--part", f"{report.entry_id}:0", *told]
    assert run(*words, "--check")["decision"]["answer"] == "permit"
    assert not Dossier.objects.filter(continues=report.entry_id).exists()
    successor = run(*words)["dossier"]
    assert Dossier.objects.get(continues=report.entry_id).dossier_id == successor
    for wrong in ("nonsense", f"{report.entry_id}:x", f"{report.entry_id}:99"):
        with pytest.raises(Rejected):
            run("dossier", "pass-on", report.entry_id, "--part", wrong, *told)
    world.settle()
    world.arrive(ma, recall(world, ma, report.entry_id))
    world.settle()
    world.later(days=9)
    (late,) = run("overdue")
    assert (late["partner"], late["kind"], late["what"], late["dossier"]) == ("it", "report", "confirm", successor)
    assert run("overdue", "--partner", "ma") == []
    assert run("overdue", "--recount") == {"mended": 0}
    made = run("erasure", "proof", report.entry_id)
    assert made["payloadType"] == "application/vnd.tansiq.erasure+json"
    path = tmp_path / "proof.json"
    path.write_text(json.dumps(made))
    checked = run("erasure", "verify", str(path))
    assert [part["in_log"] for part in checked["parts"]] == [True, True]
    assert checked["parts"][0]["successors"][0]["owed_by"] == ["it"]
    assert run("erasure", "ledger")["lines"] >= 2


def test_a_copy_is_settled_by_its_holder(world: World, run: Any) -> None:
    holder = world.officer("liaison").reference
    row = erased.owe_copy(
        HeldCopy("print", "7", holder), entry="a" * 64, part="b" * 64, reason="recalled", now=world.now
    )
    other = erased.owe_copy(HeldCopy("print", "8", "someone"), entry="a" * 64, reason="recalled", now=world.now)
    assert row is not None
    assert other is not None
    assert [one["number"] for one in run("erasure", "copies")] == ["7"]
    assert run("erasure", "copy-done", str(row.pk), "--outcome", "destroyed")["outcome"] == "destroyed"
    assert run("erasure", "copies") == []
    with pytest.raises((Rejected, Refused), match="copy_not_found"):
        run("erasure", "copy-done", str(other.pk), "--outcome", "lost")
