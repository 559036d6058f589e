"""Out of quarantine: the data-protection officer lets an entry in, with a reason, or keeps it out; nobody else does."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.node.audit.models import Event
from tansiq.node.dossiers.models import Entry, Part, Quarantined
from tansiq.node.flows import releasing
from tansiq.node.register.models import Subject
from tests.node.far import Far
from tests.node.flows.test_erasing import recall
from tests.node.flows.test_journeys import agree
from tests.node.flows.test_killed import survives
from tests.node.flows.test_taking import _refuse_suspects, report_by
from tests.node.world import World, leaves_nothing


@pytest.fixture
def kept(world: World) -> tuple[World, Far, Any]:
    """A report of ma's in quarantine."""
    accord = world.accord("ma")
    _refuse_suspects(world)
    ma = world.fars["ma"]
    report = report_by(world, ma, accord, ["fr"], "ZORGLUB")
    world.arrive(ma, report)
    world.settle()
    return world, ma, report


def here(report: Any) -> int:
    """How many of its parts the dossier holds."""
    return Part.objects.filter(entry=report.entry_id, salted__isnull=False).count()


def test_what_is_let_in_takes_its_place_and_goes_on_as_if_it_had_come_now(kept: tuple[World, Far, Any]) -> None:
    world, _, report = kept
    assert here(report) == 0
    releasing.release(world.officer("dpo"), report.entry_id, reason="The prosecutor ordered it.", now=world.now)
    world.settle()
    assert here(report) == 2
    assert Subject.objects.filter(entry=report.entry_id).count() == 1
    row = Quarantined.objects.get()
    assert (row.decided, row.decided_for) == ("released", "The prosecutor ordered it.")
    assert row.wire["parts"] == [None, None], "it lies in one place only"
    assert "released" in Entry.objects.get(pk=report.entry_id).flags
    assert Event.objects.filter(event="quarantine.decided", log="internal").count() == 1
    assert Event.objects.filter(event="parts.released", log="exchange").count() == 1
    agree(world, report.entry_id)
    with leaves_nothing(), pytest.raises(Conflict, match="quarantine_decided"):
        releasing.release(world.officer("dpo"), report.entry_id, reason="again", now=world.now)


def test_what_is_kept_out_stays_sealed_with_the_reason_and_may_be_let_in_later(kept: tuple[World, Far, Any]) -> None:
    world, _, report = kept
    releasing.keep_out(world.officer("dpo"), report.entry_id, reason="No ground.", now=world.now)
    assert here(report) == 0
    row = Quarantined.objects.get()
    assert (row.decided, row.decided_for) == ("kept_out", "No ground.")
    assert row.wire["parts"] != [None, None]
    releasing.release(world.officer("dpo"), report.entry_id, reason="The law has changed.", now=world.now)
    assert here(report) == 2


@pytest.mark.parametrize("decide", [releasing.release, releasing.keep_out])
def test_nobody_else_decides_and_not_without_a_reason(kept: tuple[World, Far, Any], decide: Any) -> None:
    world, _, report = kept
    for name in ("liaison", "boss", "auditor"):
        with leaves_nothing(), pytest.raises(Refused, match=r"account\.role"):
            decide(world.officer(name), report.entry_id, reason="I want it", now=world.now)
    for reason in ("", "   ", "x" * 2001):
        with leaves_nothing(), pytest.raises(Rejected, match="reason_needed"):
            decide(world.officer("dpo"), report.entry_id, reason=reason, now=world.now)
    for entry in ("a" * 64, "", "../x"):
        with leaves_nothing(), pytest.raises(Rejected, match="not_quarantined"):
            decide(world.officer("dpo"), entry, reason="why", now=world.now)


def test_what_was_recalled_meanwhile_is_not_let_in(kept: tuple[World, Far, Any]) -> None:
    world, ma, report = kept
    world.arrive(ma, recall(world, ma, report))
    world.settle()
    releasing.release(world.officer("dpo"), report.entry_id, reason="too late", now=world.now)
    world.settle()
    assert here(report) == 0
    assert not Subject.objects.exists()


def test_killed_at_any_commit_it_is_let_in_whole_or_not_at_all(kept: tuple[World, Far, Any]) -> None:
    world, _, report = kept

    def play() -> None:
        if not Quarantined.objects.filter(decided="released").exists():
            assert here(report) == 0
            releasing.release(world.officer("dpo"), report.entry_id, reason="ordered", now=world.now)
        world.settle()

    def check() -> None:
        assert here(report) == 2
        assert Subject.objects.count() == 1
        assert Event.objects.filter(event="parts.released").count() == 1

    survives(world, play, check)


def test_the_page_decides_and_the_timeline_says_so(kept: tuple[World, Far, Any]) -> None:
    world, _, report = kept
    client = Client()
    client.force_login(world.officer("dpo"))
    assert "Let it in" in client.get("/quarantine").content.decode()
    told = {"entry": report.entry_id, "reason": "The prosecutor ordered it.", "do": "release"}
    assert client.post("/quarantine/decide/", {**told, "reason": ""}).status_code == 400
    page = client.post("/quarantine/decide/", told, follow=True).content.decode()
    assert "The prosecutor ordered it." in page
    client.force_login(world.officer("liaison"))
    assert client.post("/quarantine/decide/", told).status_code == 403
    assert "the data-protection officer let it in" in client.get(f"/dossiers/{report.entry_id}/").content.decode()
