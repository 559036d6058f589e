"""What is overdue at whom: rows that follow the folded states exactly, a list for officers, a task a day, and an end to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tansiq.engine.formats.times import format_time
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import owed
from tansiq.node.dossiers.models import Dossier, Owed
from tansiq.node.flows import act as flow
from tansiq.node.flows import overdue, repair
from tansiq.node.flows.intents import Intent
from tests.node.flows.test_journeys import tasks
from tests.node.flows.test_killed import nothing_is_owed, survives
from tests.node.flows.test_taking import report_by, report_parts
from tests.node.world import World


def reported(world: World, *others: str) -> str:
    """Our report to partners."""
    world.accord(*others)
    codes = {"purpose": "investigation", "crime_area": "0601"}
    intent = Intent(kind="report", act="report", participants=others, codes=codes, parts=report_parts())
    return str(flow.act(world.officer("liaison"), intent, now=world.now).dossier_id)


def recalled(world: World, dossier: str, *, days: int = 3) -> str:
    """We recall it; returns the entry."""
    codes = {"due": format_time(world.now + timedelta(days=days))}
    return str(world.act("liaison", "report", "recall", dossier, codes=codes).entry_id)


def listed(world: World, name: str = "liaison", **told: Any) -> list[tuple[str, str, int]]:
    """(partner, what, times) of what is overdue."""
    found = overdue.listing(world.officer(name), now=world.now, **told)
    return [(one.partner, one.name, one.times) for one in found]


def confirm(world: World, dossier: str, change: str, node: str = "ma") -> None:
    """A partner's machine says that it obeyed."""
    far = world.fars[node]
    world.arrive(far, far.act(dossier, "confirm", world.now, codes={"change": change}, clause="report:recall"))
    world.settle()


def test_a_recall_that_no_partner_confirmed_is_overdue_after_its_day_and_not_before(world: World) -> None:
    world.partner("it")
    dossier = reported(world, "it", "ma")
    change = recalled(world, dossier)
    world.settle()
    assert listed(world) == []
    assert listed(world, also_running=True) == [("it", "confirm", 1), ("ma", "confirm", 1)]
    world.later(days=3, minutes=1)
    assert listed(world) == [("it", "confirm", 1), ("ma", "confirm", 1)]
    confirm(world, dossier, change)
    assert listed(world) == [("it", "confirm", 1)]
    assert listed(world, partner="ma") == []
    assert listed(world, kind_name="request") == []
    assert list(owed.differences()) == []


def test_two_parts_recalled_at_once_are_one_line_that_says_two(world: World) -> None:
    dossier = reported(world, "ma")
    due = format_time(world.now + timedelta(days=1))
    world.settle()
    header = world.fars["ma"].dossiers[dossier].headers[dossier]
    for part in header.parts:
        codes = {"entry": dossier, "part": part.commitment, "due": due}
        world.act("liaison", "report", "recall_part", dossier, codes=codes)
    world.later(days=2)
    assert listed(world) == [("ma", "confirm", 2)]


def test_an_answer_that_is_late_is_overdue_and_ours_is_not_listed(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.ask("ma")
    world.settle()
    world.arrive(ma, *ma.machine(asked, world.now))
    theirs = world.asked_by(ma, accord=accord)
    world.arrive(ma, theirs)
    world.settle()
    world.later(days=10)
    assert Owed.objects.filter(owner="fr").exists(), "what we owe has rows too"
    assert listed(world) == [("ma", "answer", 1)]
    world.arrive(ma, ma.act(asked, "answer", world.now, codes={"extent": "full"}))
    world.settle()
    assert listed(world) == []


def test_who_need_not_know_the_dossier_does_not_see_that_something_is_overdue(world: World) -> None:
    dossier = reported(world, "ma")
    recalled(world, dossier, days=0)
    world.later(days=1)
    assert listed(world) != []
    assert listed(world, "stranger") == []
    assert listed(world, "auditor") == []


def test_once_a_day_the_circle_is_reminded_and_no_more_when_nothing_is_owed(world: World) -> None:
    dossier = reported(world, "ma")
    change = recalled(world, dossier)
    world.later(days=4)
    overdue.remind({}, world.now)
    key = "overdue/ma/unit:ops"
    assert tasks(world)[key].facts == {"partner": "ma", "count": 1}
    desk.mark_done(world.officer("liaison"), key, now=world.now)
    world.later(hours=5)
    world.settle()
    assert key not in tasks(world), "once a day"
    world.later(days=1)
    world.work([overdue.REMIND_JOB])
    assert key in tasks(world)
    confirm(world, dossier, change)
    assert key not in tasks(world)


def test_a_task_of_a_partner_that_owes_nothing_is_ended_by_the_reminder_too(world: World) -> None:
    desk.put("overdue", "overdue/ma/unit:ops", title_code="desk.overdue", facts={"partner": "ma"}, now=world.now)
    overdue.remind({}, world.now)
    assert "overdue/ma/unit:ops" not in tasks(world)


def test_rows_that_differ_from_the_states_are_found_and_written_anew(world: World) -> None:
    dossier = reported(world, "ma")
    recalled(world, dossier)
    right = list(Owed.objects.values_list("dossier", "owner", "name", "clause", "due_at", "times"))
    Owed.objects.update(times=7)
    assert list(owed.differences()) == [dossier]
    assert [f["level"] for f in repair.examine(world.now, quick=False) if f["check"] == "owed"] == ["bad"]
    assert owed.recount() == 1
    assert list(Owed.objects.values_list("dossier", "owner", "name", "clause", "due_at", "times")) == right
    assert [f["level"] for f in repair.examine(world.now, quick=False) if f["check"] == "owed"] == ["ok"]


def test_killed_at_any_commit_the_rows_say_what_the_states_say(world: World) -> None:
    dossier = reported(world, "ma")
    change = recalled(world, dossier)
    world.settle()
    ma = world.fars["ma"]
    said = ma.act(dossier, "confirm", world.now, codes={"change": change}, clause="report:recall")
    raw = ma.seal("fr", said, now=world.now).to_bytes()

    def play() -> None:
        assert world.post("envelopes", raw).status_code == 200
        assert list(owed.differences()) == []
        world.settle()

    def check() -> None:
        nothing_is_owed()
        assert list(owed.differences()) == []
        assert not Owed.objects.exists()

    survives(world, play, check)


@pytest.fixture
def late(world: World) -> World:
    """A recall that ma has not confirmed in time."""
    dossier = reported(world, "ma")
    recalled(world, dossier)
    Dossier.objects.filter(pk=dossier).update(title="=cmd()")
    world.later(days=4)
    return world


def test_the_page_and_the_file_say_the_same(late: World) -> None:
    client = Client()
    client.force_login(late.officer("liaison"))
    page = client.get("/overdue/").content.decode()
    assert "Confirmation of correction or recall due" in page
    told = client.get("/overdue/?form=csv&partner=ma")
    assert told["Content-Type"] == "text/csv; charset=utf-8"
    lines = told.content.decode().splitlines()
    assert lines[0] == "partner,kind,what,clause,due_at,times,overdue,dossier"
    assert lines[1].startswith("ma,report,confirm,report:recall,2026-11-25T09:00:00.000Z,1,yes,")
    assert "=cmd" not in told.content.decode()
    assert client.get("/overdue/?partner=zz&kind=<b>").status_code == 200
    client.force_login(late.officer("stranger"))
    assert "Confirmation of correction" not in client.get("/overdue/").content.decode()


def test_an_inbound_report_owes_its_confirmation_here_and_is_not_on_the_list(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    report = report_by(world, ma, accord, ["fr"])
    due = format_time(world.now)
    world.arrive(ma, report, ma.act(report.entry_id, "recall", world.now, codes={"due": due}), work=False)
    world.work(["exchange.open"])
    assert Owed.objects.get().owner == "fr"
    world.later(days=1)
    assert listed(world) == []
