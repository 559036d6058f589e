"""What is recalled, corrected or returned is gone wherever it lay: parts, register and index, outbox, quarantine."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tansiq.engine.formats import canonical
from tansiq.engine.formats.times import format_time
from tansiq.engine.matching import Query
from tansiq.node.dossiers import actions as dossiers
from tansiq.node.dossiers import queries
from tansiq.node.dossiers.models import Dossier, Part
from tansiq.node.exchange.models import Item
from tansiq.node.flows import matching
from tansiq.node.register import actions as register
from tansiq.node.register import index, policy
from tansiq.node.register.models import Erasure, Subject
from tests.node.far import Far
from tests.node.flows.test_journeys import agree, tasks
from tests.node.flows.test_taking import report_by, report_parts
from tests.node.world import World


def reported(world: World) -> tuple[Far, Any]:
    """A report of ma's that is here, its subject in the register."""
    accord = world.accord("ma")
    ma = world.fars["ma"]
    report = report_by(world, ma, accord, ["fr"], "ZORGLUB")
    world.arrive(ma, report)
    world.settle()
    assert Subject.objects.filter(entry=report.entry_id).count() == 1
    assert found(world) == 1
    return ma, report


def found(world: World) -> int:
    """How many subjects the liaison's search finds."""
    labels = policy.labels_for(world.officer("liaison"))
    return len(index.holder().search(Query(names=("Samir Talbi",)), labels, 10))


def recall(world: World, ma: Far, report: Any, *, days: int = 3) -> Any:
    """Its author recalls the whole report."""
    due = format_time(world.now + timedelta(days=days))
    return ma.act(report.entry_id, "recall", world.now, codes={"due": due}, parts=())


def is_gone(report: Any) -> bool:
    """No part, no subject, no copy."""
    return not (
        Part.objects.filter(entry__dossier=report.entry_id, salted__isnull=False).exists()
        or Subject.objects.filter(entry=report.entry_id).exists()
        or any(b"ZORGLUB" in canonical.dumps(i.content) for i in Item.objects.filter(content__isnull=False))
    )


def test_a_recalled_report_is_erased_everywhere_and_confirmed(world: World) -> None:
    ma, report = reported(world)
    world.arrive(ma, recall(world, ma, report))
    world.settle()
    assert is_gone(report)
    assert found(world) == 0
    assert {p.erased_for for p in Part.objects.filter(entry=report.entry_id)} == {"recalled"}
    assert Erasure.objects.filter(entry=report.entry_id).count() == 1
    (confirmed,) = ma.dossiers[report.entry_id].of("confirm")
    assert confirmed.header.acted_by.clause == "report:recall"
    agree(world, report.entry_id)
    assert f"deadline/{report.entry_id}" not in tasks(world)
    world.arrive(ma, report)
    assert is_gone(report), "it does not come back"


def test_a_corrected_part_is_erased_and_the_right_one_stays(world: World) -> None:
    ma, report = reported(world)
    wrong = report.header.parts[1].commitment
    codes = {"entry": report.entry_id, "part": wrong, "due": format_time(world.now + timedelta(days=3))}
    right = ma.act(report.entry_id, "correct", world.now, codes=codes, parts=report_parts("right")[1:])
    world.arrive(ma, right)
    world.settle()
    assert Part.objects.get(entry=report.entry_id, index=1).erased_for == "corrected"
    assert Part.objects.get(entry=report.entry_id, index=0).salted is not None
    assert not Subject.objects.filter(entry=report.entry_id).exists()
    assert Subject.objects.filter(entry=right.entry_id).count() == 1
    assert ma.dossiers[report.entry_id].of("confirm")
    agree(world, report.entry_id)


def test_a_recall_of_a_part_that_never_was_is_confirmed_and_erases_nothing(world: World) -> None:
    ma, report = reported(world)
    codes = {"entry": report.entry_id, "part": "c" * 64, "due": format_time(world.now + timedelta(days=3))}
    world.arrive(ma, ma.act(report.entry_id, "recall_part", world.now, codes=codes))
    world.settle()
    assert Part.objects.filter(entry=report.entry_id, salted__isnull=False).count() == 2
    assert ma.dossiers[report.entry_id].of("confirm")


def _put_into_case(world: World, report: Any) -> None:
    case = dossiers.open_case(world.officer("liaison"), "Affaire 12", circle="unit:ops", now=world.now)
    Dossier.objects.filter(pk=report.entry_id).update(case=case)


def test_what_stands_in_a_case_may_be_kept_with_a_ground(world: World) -> None:
    ma, report = reported(world)
    _put_into_case(world, report)
    recalled = recall(world, ma, report)
    world.arrive(ma, recalled)
    world.settle()
    assert not is_gone(report)
    assert tasks(world)[f"recall/{recalled.entry_id}"].due_at == world.now + timedelta(days=3)
    codes = {"change": recalled.entry_id, "ground": "evidence_in_proceedings"}
    world.act("liaison", "report", "keep", report.entry_id, codes=codes)
    assert f"recall/{recalled.entry_id}" not in tasks(world)
    world.later(days=4)
    world.settle()
    assert not is_gone(report)
    assert [e.header.codes["ground"] for e in ma.dossiers[report.entry_id].of("keep")] == ["evidence_in_proceedings"]
    assert ma.dossiers[report.entry_id].of("confirm") == []


def test_silence_is_obedience(world: World) -> None:
    ma, report = reported(world)
    mine = register.add_subject(
        world.officer("liaison"),
        {"schema": "Person", "properties": {"name": ["Samir Talbi"]}},
        circle="unit:ops",
        now=world.now,
    )
    theirs = Subject.objects.get(entry=report.entry_id)
    told = {"verdict": "same", "reason": "date and place", "now": world.now}
    register.judge(world.officer("liaison"), mine.pk, theirs.pk, **told)
    recalled = recall(world, ma, report)
    world.arrive(ma, recalled)
    world.settle()
    assert not is_gone(report)
    world.later(days=3, minutes=1)
    world.settle()
    assert is_gone(report)
    assert ma.dossiers[report.entry_id].of("confirm")
    assert f"recall/{recalled.entry_id}" not in tasks(world)
    assert Subject.objects.filter(pk=mine.pk).exists(), "what is ours stays"


def test_what_of_a_recalled_report_comes_later_is_erased_as_it_comes(world: World) -> None:
    ma, report = reported(world)
    before = ma.dossiers[report.entry_id].folded
    late = ma.act(report.entry_id, "supplement", world.now, folded=before, parts=report_parts("ZORGLUB again"))
    other = Far("ma", world.now)
    assert other.authority.public == ma.authority.public
    world.arrive(ma, recall(world, ma, report))
    world.settle()
    world.arrive(ma, late)
    world.settle()
    assert is_gone(report)


def test_a_recall_by_somebody_who_may_not_changes_nothing(world: World) -> None:
    it = world.partner("it")
    accord = world.accord("ma", "it")
    ma = world.fars["ma"]
    report = report_by(world, ma, accord, ["fr", "it"], "ZORGLUB")
    it.keep(report)
    world.arrive(ma, report)
    world.settle()
    forged = it.forge(report.entry_id, "recall", world.now, codes={"due": format_time(world.now)})
    world.arrive(it, forged)
    world.settle()
    assert not is_gone(report)
    assert queries.entry_by_id(forged.entry_id).reason == "kind.not_for_this_role"


def test_a_subject_that_is_matched_while_its_part_is_erased_is_not_stored(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    report = report_by(world, ma, accord, ["fr"])
    world.arrive(ma, report, work=False)
    world.work(["exchange.open"])
    row = queries.entry_by_id(report.entry_id)
    stale = queries.signed_entry(row)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queries, "signed_entry", lambda _row: stale)
        dossiers.erase_parts(row, None, reason="recalled", actor="machine", now=world.now)
        matching.match_entry({"entry": report.entry_id}, world.now)
    assert not Subject.objects.exists()


def test_what_waits_to_be_passed_on_is_thinned(world: World) -> None:
    """A third participant asked us for the entry; before it is sealed, its author recalls it."""
    it = world.partner("it")
    accord = world.accord("ma", "it")
    ma = world.fars["ma"]
    report = report_by(world, ma, accord, ["fr", "it"], "ZORGLUB")
    world.arrive(ma, report)
    it.is_down = True
    world.settle()
    from tansiq.engine.envelopes import bodies

    world.arrive(it, bodies.Item("fetch", {"v": 1, "dossier": report.entry_id, "entries": [report.entry_id]}))
    assert Item.objects.filter(partner="it", reference=report.entry_id, envelope=None).exists()
    world.arrive(ma, recall(world, ma, report))
    world.work()
    assert is_gone(report)
    content = Item.objects.get(partner="it", reference=report.entry_id).content
    assert content["header"] == report.to_wire()["header"]
    assert content["parts"] == [None, None]
    it.is_down = False
    world.later(minutes=20)
    world.settle()
    assert it.dossiers[report.entry_id].entries[report.entry_id].parts == (None, None)


def test_what_lies_in_quarantine_is_erased_too(world: World) -> None:
    from tansiq.node.dossiers.models import Quarantined
    from tests.node.flows.test_taking import _refuse_suspects

    accord = world.accord("ma")
    ma = world.fars["ma"]
    _refuse_suspects(world)
    report = report_by(world, ma, accord, ["fr"], "ZORGLUB")
    world.arrive(ma, report)
    world.settle()
    assert b"ZORGLUB" in canonical.dumps(Quarantined.objects.get().wire)
    world.arrive(ma, recall(world, ma, report))
    world.settle()
    assert b"ZORGLUB" not in canonical.dumps(Quarantined.objects.get().wire)
    assert ma.dossiers[report.entry_id].of("confirm")
