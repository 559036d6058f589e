"""The worker: what it owes from its start, what the clock brings about, and what becomes of work that nothing can help."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from tansiq.engine.errors import Rejected
from tansiq.node.desk import actions as desk
from tansiq.node.desk.models import Task
from tansiq.node.desk.queries import list_for
from tansiq.node.exchange.models import Item
from tansiq.node.flows import incoming, working
from tansiq.node.jobs.models import Job
from tansiq.node.register import actions as register
from tests.node.flows.test_journeys import tasks
from tests.node.world import World

STANDING: dict[str, timedelta | None] = {
    "flows.alert_watch": timedelta(minutes=1),
    "flows.blind": None,
    "flows.hourly": timedelta(hours=1),
    "flows.overdue": timedelta(days=1),
    "flows.summary": timedelta(days=1),
    "register.review": timedelta(days=1),
}
"""What a worker owes from its start, and when it owes it again; without an accord the look at blind questions owes nothing by itself."""


def test_standing_work_is_owed_once_however_often_a_worker_starts(world: World) -> None:
    for _ in range(3):
        working.begin(world.now)
    assert sorted(Job.objects.values_list("name", flat=True)) == sorted(STANDING)
    world.work()
    waiting = {job.name: job.run_at - world.now for job in Job.objects.filter(state="waiting")}
    assert waiting == {name: pause for name, pause in STANDING.items() if pause}
    working.begin(world.now)
    assert set(Job.objects.filter(state="waiting").values_list("name", flat=True)) == set(STANDING)


def test_every_job_that_is_enqueued_has_a_handler() -> None:
    """Read from the source: a name without a handler would wait for ever, unseen."""
    import re
    from pathlib import Path

    import tansiq.node

    source = "\n".join(path.read_text(encoding="utf-8") for path in Path(tansiq.node.__file__).parent.rglob("*.py"))
    named = set(re.findall(r'^(?:[A-Z_]*JOB|REVIEW) = "([a-z_.]+)"', source, re.MULTILINE))
    assert named == set(working.JOBS) | set(working.MATCHING_JOBS) | set(working.LONG_JOBS)


def test_reviews_that_are_due_come_to_their_circle(world: World) -> None:
    content = {"schema": "Person", "properties": {"name": ["Samir Talbi"]}}
    due = world.now + timedelta(hours=5)
    register.add_subject(world.officer("liaison"), content, circle="unit:ops", review_at=due, now=world.now)
    working.begin(world.now)
    world.work()
    assert not any(key.startswith("register_review/") for key in tasks(world))
    world.later(days=1)
    world.work()
    assert [t.facts for key, t in tasks(world).items() if key.startswith("register_review/")] == [{"count": 1}]
    assert not any(key.startswith("register_review/") for key in tasks(world, "stranger"))


def test_the_desk_is_swept(world: World) -> None:
    desk.put("x", "old", title_code="desk.entry", facts={}, now=world.now)
    desk.settle("old", now=world.now)
    working.begin(world.now)
    world.work()
    assert Task.objects.filter(key="old").exists()
    world.later(days=91)
    world.work()
    assert not Task.objects.filter(key="old").exists()


def test_work_that_nothing_can_help_lies_on_a_desk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(_payload: Any, _now: Any) -> None:
        raise Rejected("item.malformed", at="/")

    monkeypatch.setitem(working.MATCHING_JOBS, "flows.match", refuses)
    from tansiq.node.jobs.actions import enqueue

    number = enqueue("flows.match", {"entry": "a" * 64}, now=world.now)
    world.work()
    assert Job.objects.get(pk=number).state == "dead"
    task = tasks(world)[f"job/{number}"]
    assert (task.facts, task.urgent) == ({"name": "flows.match", "code": "item.malformed"}, True)


def test_a_defect_in_one_item_is_tried_again_and_the_others_are_taken(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tansiq.engine.envelopes import bodies
    from tansiq.node.exchange.models import InEnvelope

    def breaks(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(incoming.HANDLERS, "heads", breaks)
    status = bodies.Item("status", {"status": "opened", "references": []})
    world.arrive(world.fars["ma"], bodies.Item("heads", {}), status)
    from tansiq.node.audit.models import Event

    assert Event.objects.filter(event="item.status").count() == 1
    assert InEnvelope.objects.get().state == "stored"
    monkeypatch.setitem(incoming.HANDLERS, "heads", lambda *_: None)
    world.later(hours=1)
    world.work()
    assert InEnvelope.objects.get().state == "opened"


def test_the_minute_reminds_of_what_is_late(world: World) -> None:
    world.accord("ma")
    world.fars["ma"].is_down = True
    world.ask("ma")
    world.deliver()
    world.later(hours=3)
    working.remind(world.now)
    kinds = {t.kind for t in list_for(world.officer("liaison"), now=world.now).tasks}
    assert "undelivered" in kinds
    assert Item.objects.filter(delivered_at=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_works_and_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real threads, over the real tables, until they are told to stop."""
    from datetime import UTC, datetime

    world = World(monkeypatch)
    world.staff()
    world.partner("ma", url="http://127.0.0.1:9")
    desk.put("x", "old", title_code="desk.entry", facts={}, now=world.now)
    stop = threading.Event()
    worker = threading.Thread(target=lambda: working.run("test", stop=stop, clock=lambda: datetime.now(UTC)))
    worker.start()
    try:
        deadline = time.monotonic() + 60
        while Job.objects.filter(state="done").count() < len(STANDING) - 1 and time.monotonic() < deadline:
            stop.wait(0.05)
    finally:
        stop.set()
        worker.join(30)
    assert not worker.is_alive()
    done = set(Job.objects.filter(state="done").values_list("name", flat=True))
    assert done >= set(STANDING) - {"flows.summary"}  # which is due tomorrow
