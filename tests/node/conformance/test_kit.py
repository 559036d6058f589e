"""Our own node keeps every clause that can be judged; what the kit says is the same for people and machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tansiq.conformance import report as reports
from tansiq.conformance.clauses import CLAUSES
from tansiq.conformance.keeping import Kept, card_file
from tansiq.conformance.running import run
from tansiq.conformance.verdicts import CHECKS
from tansiq.engine.dossiers import entries
from tansiq.engine.envelopes.cards import open_card
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import strict_json
from tansiq.node.flows import act as flow
from tansiq.node.flows.intents import Intent
from tests.node.conformance.played import before, kit
from tests.node.far import repeatable
from tests.node.world import NOW, World


def test_every_clause_has_exactly_one_check() -> None:
    assert set(CHECKS) == set(CLAUSES)


def test_this_node_keeps_every_clause(empty_world: World) -> None:
    found = run(kit(empty_world))
    assert [(one.clause.number, one.told) for one in found.verdicts if one.verdict == "fail"] == []
    assert found.of("not applicable") == ["ENV-30", "DOS-6"]
    assert found.is_well
    told = reports.to_json(found)
    assert (told["node"], told["well"], len(told["clauses"])) == ("fr", True, len(CLAUSES))
    assert (
        list(reports.lines(found))[-1] == f"fr at http://fr.example: {len(CLAUSES) - 2} pass, 0 fail, 2 not applicable"
    )


def test_a_run_owes_nothing_to_the_one_before_but_the_accord_that_was_ratified_meanwhile(empty_world: World) -> None:
    world = empty_world
    stage = kit(world)
    assert run(stage, only={"DOS-6", "ENV-22", "ENV-24"}).of("not applicable") == ["DOS-6"]
    proposal = entries.from_wire(stage.kept.accord[0])
    codes = {"terms": proposal.header.codes["terms"]}
    ratify = Intent(kind="accord", act="ratify", dossier=proposal.dossier, codes=codes)
    flow.act(world.officer("boss"), ratify, now=world.now)
    world.later(minutes=2)
    again = run(before(world, stage.kept), only={"DOS-6", "ENV-20", "ENV-24"})
    assert [one.told for one in again.verdicts if one.verdict != "pass"] == []


def test_a_kit_that_nobody_enrolled_fails_there_and_judges_nothing_else(empty_world: World) -> None:
    found = run(kit(empty_world, enrolled=False))
    assert found.of("fail") == ["ENV-2"]
    assert set(found.of("pass")) == {"ENV-1"}
    assert not found.is_well


def test_the_folder_is_the_owners_alone_and_comes_back_as_it_was(tmp_path: Path) -> None:
    kept = Kept.prepare(NOW, repeatable("kept"))
    kept.incarnation = 7
    kept.save(tmp_path / "kit", NOW)
    assert Kept.load(tmp_path / "kit") == kept
    assert (tmp_path / "kit" / "kit.json").stat().st_mode & 0o077 == 0
    for name, who in kept.identities.items():
        signed = Signed.from_json(strict_json.loads(card_file(tmp_path / "kit", name).read_bytes()))
        assert open_card(signed, pinned_root=who.root.public).node_id == name
    with pytest.raises(Rejected) as caught:
        Kept.load(tmp_path / "nowhere")
    assert caught.value.code == "conformance.no_kit"
