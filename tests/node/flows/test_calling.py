"""An urgent call from end to end on one node: it rings, goes up the roster, is answered, ended or missed; and is never lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tansiq.engine.dossiers.entries import SignedEntry
from tansiq.engine.dossiers.headers import Actor
from tansiq.engine.errors import Refused
from tansiq.engine.formats.times import format_time
from tansiq.node.accounts import actions as accounts
from tansiq.node.desk import queries as desk
from tansiq.node.desk.models import Task
from tansiq.node.dossiers import queries
from tansiq.node.flows import act as flow
from tansiq.node.flows import threats
from tansiq.node.flows.intents import Intent
from tansiq.node.jobs.models import Job
from tests.node.far import Far
from tests.node.flows.test_killed import nothing_is_owed, survives
from tests.node.world import World, narrative

pytestmark = pytest.mark.django_db
KINDS = ["request", "report", "channel"]
OPEN = {"purpose": "prevention"}


@pytest.fixture
def line(world: World) -> tuple[World, Far, str]:
    """A line that Morocco has opened to us, and a roster: liaison first, second (the officer) second."""
    accord = world.accord("ma", kinds=KINDS)
    ma = world.fars["ma"]
    opened = ma.open("channel", ["fr"], world.now, codes=OPEN, accord=accord, accord_version=world.version(accord))
    world.arrive(ma, opened)
    for name, rank in (("liaison", 1), ("second", 2)):
        accounts.add_shifts(
            "ops",
            name,
            rank=rank,
            starts_at=world.now - timedelta(hours=1),
            ends_at=world.now + timedelta(days=1),
            actor="administrator",
            now=world.now,
        )
    world.settle()
    return world, ma, opened.dossier


def called(world: World, far: Far, dossier: str, *, minutes: int = 60, ago: int = 0) -> SignedEntry:
    at = world.now - timedelta(minutes=ago)
    codes = {"urgency": "life_or_limb", "until": format_time(at + timedelta(minutes=minutes))}
    return far.act(dossier, "call", at, codes=codes)


def rung(world: World) -> set[str]:
    """At whom it rings now, by user name."""
    return {
        name
        for name in ("liaison", "second", "boss", "stranger", "dpo")
        for task in desk.list_for(world.officer(name), now=world.now).tasks
        if task.kind == "call"
    }


def acts(dossier: str) -> list[str]:
    row = queries.dossier_by_id(dossier)
    assert row is not None
    return [entry.act for entry in queries.entries_in_order(row)]


def tasks(kind: str) -> list[Task]:
    return list(Task.objects.filter(kind=kind, state="open"))


def test_it_rings_and_goes_up_the_roster_to_the_minute(line: tuple[World, Far, str]) -> None:
    world, ma, dossier = line
    world.arrive(ma, called(world, ma, dossier))
    assert rung(world) == {"liaison"}
    world.later(seconds=59)
    world.work()
    assert rung(world) == {"liaison"}
    world.later(seconds=1)
    world.work()
    assert rung(world) == {"liaison", "second"}
    world.later(minutes=2)
    world.work()
    world.later(minutes=7)
    world.work()
    assert acts(dossier)[-4:] == ["ringing", "escalated", "escalated", "escalated"]
    world.deliver()
    (state,) = ma.dossiers[dossier].kind.view(ma.dossiers[dossier].folded.state)["calls"]  # type: ignore[union-attr]
    assert state["parties"]["fr"]["rank"] == 4, "the caller sees how far it is"


def test_an_officer_answers_and_the_caller_sees_who(line: tuple[World, Far, str]) -> None:
    world, ma, dossier = line
    call = called(world, ma, dossier)
    world.arrive(ma, call)
    world.act("liaison", "channel", "acknowledge", dossier, codes={"call": call.entry_id})
    assert rung(world) == set()
    world.deliver()
    (answer,) = ma.dossiers[dossier].of("acknowledge")
    assert answer.header.acted_by.officer == world.officer("liaison").reference
    world.later(minutes=30)
    world.settle()
    assert "escalated" not in acts(dossier)
    with pytest.raises(Refused, match=r"kind\.not_now"):
        world.act("second", "channel", "acknowledge", dossier, codes={"call": call.entry_id})


def test_after_a_cut_link_it_rings_from_its_arrival_on(line: tuple[World, Far, str]) -> None:
    world, ma, dossier = line
    call = called(world, ma, dossier, minutes=60)
    world.later(minutes=40)
    world.arrive(ma, call)
    assert rung(world) == {"liaison"}, "no rank is skipped for the time on the way"
    world.later(minutes=1)
    world.work()
    assert rung(world) == {"liaison", "second"}


def test_what_was_ended_or_is_urgent_no_longer_is_missed_and_never_rings(line: tuple[World, Far, str]) -> None:
    world, ma, dossier = line
    call = called(world, ma, dossier)
    ended = ma.act(dossier, "end_call", world.now, codes={"call": call.entry_id})
    world.arrive(ma, call, ended)
    assert rung(world) == set()
    assert acts(dossier)[-2:] == ["call", "end_call"]
    assert [task.facts["partner"] for task in tasks("call_missed")] == ["ma"]
    late = called(world, ma, dossier, minutes=30)
    world.later(minutes=31)
    world.arrive(ma, late)
    assert acts(dossier)[-1] == "missed"
    assert rung(world) == set()
    assert len(tasks("call_missed")) == 2


def test_nobody_answers_until_it_is_urgent_no_longer(line: tuple[World, Far, str]) -> None:
    world, ma, dossier = line
    world.arrive(ma, called(world, ma, dossier, minutes=15))
    world.later(minutes=15)
    world.work()
    assert acts(dossier)[-1] == "missed"
    assert rung(world) == set()
    assert len(tasks("call_missed")) == 1


def test_the_caller_hears_that_nobody_answered(line: tuple[World, Far, str]) -> None:
    world, ma, dossier = line
    codes = {"urgency": "life_or_limb", "until": format_time(world.now + timedelta(minutes=5))}
    call = world.act("liaison", "channel", "call", dossier, codes=codes).entry_id
    world.settle()
    assert rung(world) == set(), "it does not ring at the caller's"
    missed = ma.act(dossier, "missed", world.later(minutes=6), codes={"call": call}, clause="channel:missed")
    world.arrive(ma, missed)
    assert [task.facts["partner"] for task in tasks("call_unanswered")] == ["ma"]


def test_an_empty_roster_calls_everybody_and_alarms_the_desk(line: tuple[World, Far, str]) -> None:
    world, ma, dossier = line
    world.later(days=2)
    world.arrive(ma, called(world, ma, dossier))
    assert rung(world) == {"liaison", "second"}
    assert "stranger" not in rung(world), "another unit's officers learn nothing"
    assert len(tasks("roster_empty")) == 1


def test_killed_at_any_commit_a_call_rings_once_and_goes_up_once(line: tuple[World, Far, str]) -> None:
    world, ma, dossier = line
    call = called(world, ma, dossier)
    raw = ma.seal("fr", call, now=world.now).to_bytes()

    def play() -> None:
        world.post("envelopes", raw)
        world.work()
        world.later(minutes=1)
        world.settle()

    def check() -> None:
        assert acts(dossier).count("ringing") == 1
        ranks = [
            queries.signed_entry(row).header.codes["rank"]
            for row in queries.entries_in_order(queries.dossier_by_id(dossier))  # type: ignore[arg-type]
            if row.act == "escalated"
        ]
        assert ranks == sorted(set(ranks))
        assert rung(world) == {"liaison", "second"}
        jobs_but_the_next_ring()

    assert survives(world, play, check, every=3) > 5


def jobs_but_the_next_ring() -> None:
    assert Job.objects.filter(name="flows.ring", state="waiting").count() == 1, "the next rank, or the end, is owed"
    Job.objects.filter(name="flows.ring", state="waiting").delete()
    nothing_is_owed()


# -- threat to life ------------------------------------------------------------------------------------------------------

THREAT = {"purpose": "threat_to_life", "threat": "life"}


def threaten(world: World, officer: str, **told: Any) -> Any:
    intent = Intent(
        kind="channel",
        act="open",
        participants=("ma",),
        codes=THREAT,
        parts=(narrative("open", "Un enfant est retenu dans un conteneur à bord."),),
    )
    return flow.act(world.officer(officer), intent, now=world.now, **told)


def test_a_senior_officer_writes_without_an_accord_and_it_is_reviewed(world: World) -> None:
    world.hire("chief", "senior")
    dossier = threaten(world, "chief").dossier_id
    world.settle()
    ma = world.fars["ma"]
    opened = ma.dossiers[dossier].of("open")[0]
    assert opened.header.codes["threat"] == "life"
    assert opened.header.acted_by.role == "senior"
    (task,) = tasks("threat_review")
    assert task.owner == world.officer("dpo").reference
    assert task.due_at == world.now + timedelta(hours=72)
    answer = ma.act(dossier, "message", world.later(minutes=5), parts=[narrative("message", "On le cherche.")])
    world.arrive(ma, answer)
    assert acts(dossier)[-1] == "message"
    assert not queries.quarantined(), "whoever is addressed may answer"
    world.later(hours=73)
    world.work()
    assert {task.owner for task in tasks("threat_overdue")} == {
        world.officer(name).reference for name in ("boss", "second")
    }
    with pytest.raises(Refused, match=r"account\.role"):
        threats.review(world.officer("boss"), opened.entry_id, outcome="justified", measures="Rien.", now=world.now)
    threats.review(
        world.officer("dpo"), opened.entry_id, outcome="justified", measures="Accord à proposer.", now=world.now
    )
    assert tasks("threat_review") == tasks("threat_overdue") == []
    (shown,) = threats.reviews_shown(world.officer("dpo"), now=world.now)
    assert shown["said"] == ["Un enfant est retenu dans un conteneur à bord."]
    assert (shown["outcome"], shown["measures"]) == ("justified", "Accord à proposer.")


def test_without_a_senior_officer_it_waits_for_one(world: World) -> None:
    world.hire("chief", "senior")
    draft = threaten(world, "liaison")
    assert (draft.awaiting_role, draft.clause) == ("senior", "tansiq:threat-to-life")
    row = queries.get_draft_for(world.officer("chief"), draft.draft_id)
    flow.approve(world.officer("chief"), draft.draft_id, digest=row.digest, now=world.now)
    assert flow.send_draft(world.officer("liaison"), draft.draft_id, now=world.now).is_signed
    assert len(tasks("threat_review")) == 1


def test_it_is_no_way_around_the_accord_for_anything_else(world: World) -> None:
    world.hire("chief", "senior")
    intent = Intent(kind="channel", act="open", participants=("ma",), codes=OPEN)
    with pytest.raises(Refused, match=r"decide\.no_accord"):
        flow.act(world.officer("chief"), intent, now=world.now)
    dossier = threaten(world, "chief").dossier_id
    with pytest.raises(Refused, match=r"decide\.no_accord"):
        world.act("liaison", "channel", "message", dossier, parts=[narrative("message")])


def test_a_partner_may_claim_it_and_the_call_rings(world: World) -> None:
    ma = world.fars["ma"]
    senior = Actor("senior", officer=ma.officer.officer)
    opened = ma.open("channel", ["fr"], world.now, codes=THREAT, parts=[narrative("open")])
    world.arrive(ma, opened)
    assert [task.kind for task in tasks("quarantine")] == ["quarantine"], "not by a senior officer"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Far, "officer", senior)
        opened = ma.open("channel", ["fr"], world.now, codes=THREAT, parts=[narrative("open")])
        codes = {"urgency": "life_or_limb", "until": format_time(world.now + timedelta(hours=1)), "threat": "life"}
        call = ma.act(opened.dossier, "call", world.now, codes=codes, parts=[narrative("call")])
    world.arrive(ma, opened, call)
    assert rung(world) == {"liaison", "second"}
    world.act("liaison", "channel", "acknowledge", opened.dossier, codes={"call": call.entry_id})
    assert not tasks("threat_review"), "the side that sent it reviews it"
