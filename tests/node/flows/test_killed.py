"""Killed at any commit: whatever process dies, before or after any of its commits, running again ends with everything exactly once.

The process is killed by an exception that nobody catches, raised where a transaction would commit (so it is lost) or just after it
has (so it stays, and nothing after it happens). Then another process begins: leases and locks run out, and the loops go on from the
rows. An officer who was told nothing looks, and repeats the act if it is not there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from tansiq.engine.envelopes import bodies
from tansiq.engine.errors import Conflict
from tansiq.node.desk.models import Task
from tansiq.node.dossiers import queries, waiting_room
from tansiq.node.dossiers.models import Dossier, Draft, Entry, Reference
from tansiq.node.exchange.models import InEnvelope, Item, OutEnvelope
from tansiq.node.flows import act as flow
from tansiq.node.jobs.models import Job
from tansiq.node.register import index
from tansiq.node.register.models import Subject
from tansiq.node.search.models import InboundQuery
from tests.node.far import Far
from tests.node.flows.test_approvals import about_victim
from tests.node.flows.test_journeys import agree
from tests.node.flows.test_searching import query
from tests.node.world import World, narrative, request, rolled_back


class KilledError(BaseException):
    """The process is gone."""


@contextmanager
def killed_at(number: int, *, before: bool) -> Iterator[list[int]]:
    """Die before (or after) the commit of that number; the list counts commits."""
    count = [0]
    leave = transaction.Atomic.__exit__
    depth = len(connection.savepoint_ids)

    def exits(self: Any, kind: Any, value: Any, trace: Any) -> None:
        is_commit = kind is None and len(connection.savepoint_ids) == depth + 1
        if is_commit:
            count[0] += 1
        if is_commit and count[0] == number and before:
            error = KilledError()
            leave(self, KilledError, error, None)
            raise error
        leave(self, kind, value, trace)
        if is_commit and count[0] == number:
            raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transaction.Atomic, "__exit__", exits)
        yield count


def survives(world: World, play: Callable[[], None], check: Callable[[], None], *, every: int = 1) -> int:
    """Play it once whole, then killed at each commit (each ``every``-th), each time ending as ``check`` says; returns how many commits."""
    memory = {name: far.remembered() for name, far in world.fars.items()}
    start = world.now

    def fresh() -> None:
        world.now = start
        index.forget()
        for name, far in world.fars.items():
            far.recalled(memory[name])

    with rolled_back(), killed_at(0, before=True) as counted:
        play()
        check()
    for number in range(1, counted[0] + 1, every):
        for before in (True, False):
            fresh()
            with rolled_back():
                try:
                    with killed_at(number, before=before):
                        play()
                except KilledError:
                    world.later(minutes=6)
                    play()
                world.later(minutes=20)
                world.settle()
                try:
                    check()
                except AssertionError as error:
                    raise AssertionError(f"killed {'before' if before else 'after'} commit {number}") from error
    fresh()
    return counted[0]


def nothing_is_owed() -> None:
    """Every item delivered, every envelope opened, every job done, nothing waiting."""
    assert not Item.objects.filter(delivered_at=None).exists()
    assert not OutEnvelope.objects.filter(state=OutEnvelope.READY).exists()
    assert not InEnvelope.objects.exclude(state=InEnvelope.OPENED).exists()
    assert set(Job.objects.values_list("state", flat=True)) <= {"done"}
    assert waiting_room.listed() == []


def test_what_arrives_is_taken_exactly_once(world: World) -> None:
    """An envelope with an entry, a status and a question: opened, received by the machine, matched, answered, delivered."""
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    reminded = ma.act(asked.entry_id, "remind", world.now)
    status = bodies.Item("status", {"status": "opened", "references": [accord]})
    raw = ma.seal("fr", asked, status, query(), reminded, now=world.now).to_bytes()

    def play() -> None:
        assert world.post("envelopes", raw).status_code == 200
        world.settle()

    def check() -> None:
        nothing_is_owed()
        assert Entry.objects.filter(dossier=asked.entry_id).count() == 3
        assert Subject.objects.filter(entry=asked.entry_id).count() == 1
        assert InboundQuery.objects.count() == 1
        assert InEnvelope.objects.filter(envelope_id__gt="").count() == before + 1
        assert [a["outcome"] for a in ma.items("answer")] == ["nothing"]
        assert len(ma.dossiers[asked.entry_id].of("received")) == 1
        assert Task.objects.filter(key=f"deadline/{asked.entry_id}").count() == 1
        agree(world, asked.entry_id)

    before = InEnvelope.objects.count()
    assert survives(world, play, check) > 12


def test_what_waits_is_judged_exactly_once(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    chain = [asked, *(ma.act(asked.entry_id, "remind", world.now) for _ in range(3))]
    raws = [ma.seal("fr", entry, now=world.now).to_bytes() for entry in (chain[3], chain[2], chain[0], chain[1])]

    def play() -> None:
        for raw in raws:
            assert world.post("envelopes", raw).status_code == 200
            world.work()
        world.settle()

    def check() -> None:
        nothing_is_owed()
        assert Entry.objects.filter(dossier=asked.entry_id, author="ma").count() == 4
        agree(world, asked.entry_id)

    survives(world, play, check)


def test_an_officers_act_is_signed_sent_and_receipted_exactly_once(world: World) -> None:
    """Whether the officer was told or not: looking tells whether it was done."""
    world.accord("ma")
    ma = world.fars["ma"]

    def play() -> None:
        if not Dossier.objects.filter(kind="request").exists():
            world.ask("ma")
        world.settle()

    def check() -> None:
        nothing_is_owed()
        (dossier,) = Dossier.objects.filter(kind="request")
        assert dossier.title == "Youssef Ziani"
        assert Reference.objects.filter(dossier=dossier).count() == 1
        assert [c["parts"] != [] for c in ma.items("entry")].count(True) >= 1
        assert len([d for d in ma.dossiers.values() if d.opening.kind == "request"]) == 1
        agree(world, dossier.pk)

    survives(world, play, check)


def test_an_approved_draft_is_sent_exactly_once(world: World) -> None:
    world.accord("ma")
    ma = world.fars["ma"]

    def play() -> None:
        draft = Draft.objects.first()
        if draft is None:
            flow.act(world.officer("liaison"), request("ma", parts=about_victim()), now=world.now)
            draft = Draft.objects.get()
        if draft.state == "awaiting":
            flow.approve(world.officer("boss"), str(draft.pk), digest=draft.digest, now=world.now)
        with contextlib.suppress(Conflict):
            flow.send_draft(world.officer("liaison"), str(draft.pk), now=world.now)
        world.settle()

    def check() -> None:
        nothing_is_owed()
        (dossier,) = Dossier.objects.filter(kind="request")
        assert Draft.objects.get().state == "sent"
        assert not Task.objects.filter(key__startswith="approv", state="open").exists()
        assert [a.role for a in queries.load_header(dossier.pk).approved_by] == ["approver"]
        assert len(ma.dossiers[dossier.pk].entries) == 1
        agree(world, dossier.pk)

    survives(world, play, check)


def test_a_recall_is_obeyed_and_confirmed_exactly_once(world: World) -> None:
    from tests.node.flows.test_erasing import is_gone, recall, reported

    ma, report = reported(world)
    raw = ma.seal("fr", recall(world, ma, report), now=world.now).to_bytes()

    def play() -> None:
        assert world.post("envelopes", raw).status_code == 200
        world.settle()

    def check() -> None:
        nothing_is_owed()
        assert is_gone(report)
        assert len(ma.dossiers[report.entry_id].of("confirm")) == 1
        agree(world, report.entry_id)

    survives(world, play, check)


def test_quarantine_is_answered_exactly_once(world: World) -> None:
    from tests.node.flows.test_taking import _refuse_suspects

    accord = world.accord("ma")
    ma = world.fars["ma"]
    _refuse_suspects(world)
    asked = world.asked_by(ma, accord=accord)
    raw = ma.seal("fr", asked, now=world.now).to_bytes()

    def play() -> None:
        assert world.post("envelopes", raw).status_code == 200
        world.settle()

    def check() -> None:
        nothing_is_owed()
        assert len(ma.dossiers[asked.entry_id].of("not_accepted")) == 1
        assert len(ma.dossiers[asked.entry_id].of("received")) == 1
        agree(world, asked.entry_id)

    survives(world, play, check)


def test_a_receipt_that_was_lost_on_the_way_is_asked_for_with_the_same_bytes(world: World) -> None:
    world.accord("ma")
    ma = world.fars["ma"]
    dossier = world.ask("ma")
    seen: list[bytes] = []
    serve = ma.serve

    def lossy(path: str, raw: bytes, now: Any) -> tuple[int, bytes]:
        seen.append(raw)
        status, answer = serve(path, raw, now)
        return (502, b"") if len(seen) == 1 else (status, answer)

    ma.serve = lossy  # type: ignore[method-assign]
    world.deliver()
    assert Item.objects.filter(delivered_at=None).exists()
    world.later(seconds=10)
    world.settle()
    assert seen[0] == seen[1]
    assert len(seen) == 2
    nothing_is_owed()
    assert len(ma.dossiers[dossier].entries) == 1


def test_a_lease_of_a_dead_worker_runs_out(world: World) -> None:
    from tansiq.node.exchange import actions

    world.accord("ma")
    world.ask("ma")
    assert actions.lease("ma", "dead", world.now)
    assert world.deliver() == 0
    assert actions.seal_next("ma", "dead", world.now) is not None
    world.later(seconds=61)
    world.settle()
    nothing_is_owed()


def test_whoever_lost_the_lease_can_store_nothing(world: World) -> None:
    from tansiq.engine.errors import Unavailable
    from tansiq.node.exchange import actions
    from tests.node.world import leaves_nothing

    world.accord("ma")
    world.ask("ma")
    assert actions.lease("ma", "slow", world.now)
    assert actions.lease("ma", "quick", world.later(seconds=61))
    with leaves_nothing(but=()), pytest.raises(Unavailable, match=r"exchange\.lease_lost"):
        actions.seal_next("ma", "slow", world.now)


def test_far_nodes_remember(world: World) -> None:
    """The tests above stand on this."""
    accord = world.accord("ma")
    ma: Far = world.fars["ma"]
    memory = ma.remembered()
    world.asked_by(ma, accord=accord)
    ma.seal("fr", now=world.now)
    ma.recalled(memory)
    assert [held.opening.kind for held in ma.dossiers.values()] == ["accord"]
    assert ma.outbound == memory["outbound"]
    assert narrative("x").topic == "x"
