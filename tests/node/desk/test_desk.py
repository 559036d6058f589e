"""The desk: put and settled by rooms, taken and put off by officers, seen by nobody else."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tansiq.engine.errors import Conflict, Refused, Rejected, TansiqError
from tansiq.node.desk import actions, policy, queries
from tansiq.node.desk.models import Task

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Officer:
    """As much of an officer as the desk knows."""

    reference: str
    circles: frozenset[str] = field(default_factory=frozenset)


ALI = Officer("ali", frozenset({"unit:drugs", "team:atlas"}))
BEA = Officer("bea", frozenset({"unit:drugs"}))
EVE = Officer("eve", frozenset({"unit:fraud"}))


def put(key: str, now: datetime, **told: Any) -> None:
    told = {"title_code": "desk.entry", "facts": {"partner": "it"}, "circle": "unit:drugs", **told}
    actions.put("entry", key, now=now, **told)


def keys(viewer: Officer, now: datetime, **asked: Any) -> list[str]:
    return [task.key for task in queries.list_for(viewer, now=now, **asked).tasks]


@pytest.mark.django_db
def test_putting_twice_is_putting_once(now: datetime) -> None:
    put("a", now)
    put("a", now + HOUR)
    task = Task.objects.get()
    assert (task.created_at, task.changed_at, task.facts) == (now, now, {"partner": "it"})


@pytest.mark.django_db
def test_an_open_task_is_brought_up_to_date_and_stays_with_its_taker(now: datetime) -> None:
    put("a", now, due_at=now + 9 * HOUR)
    actions.take(ALI, "a", now=now)
    actions.snooze(ALI, "a", until=now + 8 * HOUR, now=now)
    put("a", now + HOUR, due_at=now + 9 * HOUR)
    assert keys(ALI, now + HOUR) == []
    put("a", now + HOUR, due_at=now + 2 * HOUR, urgent=True)
    (task,) = queries.list_for(ALI, now=now + HOUR).tasks
    assert (task.taken_by, task.urgent, task.due_at, task.created_at) == ("ali", True, now + 2 * HOUR, now)


@pytest.mark.django_db
def test_a_settled_task_comes_back_when_something_new_happens_but_a_reminder_does_not(now: datetime) -> None:
    put("a", now)
    actions.take(ALI, "a", now=now)
    assert actions.settle("a", now=now)
    assert not actions.settle("a", now=now)
    assert not actions.settle("nothing", now=now)
    assert keys(BEA, now) == []
    put("a", now + HOUR, once=True)
    assert keys(BEA, now + HOUR) == []
    put("a", now + HOUR)
    (task,) = queries.list_for(BEA, now=now + HOUR).tasks
    assert (task.taken_by, task.created_at, task.settled_at) == ("", now + HOUR, None)


@pytest.mark.django_db
def test_facts_are_sealed_in_the_table(now: datetime) -> None:
    put("a", now, facts={"name": "Mohamed Chérif"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM desk_task")
        row = cursor.fetchone()
    assert not any("Mohamed" in str(bytes(v) if isinstance(v, bytes | memoryview) else v) for v in row)


@pytest.mark.django_db
def test_the_order_is_urgent_then_due_then_age_and_pages_hang_together(now: datetime) -> None:
    put("late", now, due_at=now - HOUR)
    put("never", now)
    put("soon", now, due_at=now + HOUR)
    put("urgent-never", now, urgent=True)
    put("urgent-soon", now, due_at=now + HOUR, urgent=True)
    put("soon-too", now, due_at=now + HOUR)
    wanted = ["urgent-soon", "urgent-never", "late", "soon", "soon-too", "never"]
    assert keys(ALI, now) == wanted
    for limit in range(1, 7):
        seen: list[str] = []
        after = None
        while True:
            page = queries.list_for(ALI, now=now, limit=limit, after=after)
            seen += [task.key for task in page.tasks]
            after = page.after
            if after is None:
                break
        assert seen == wanted
    figures = queries.counts_for(ALI, now=now)
    assert (figures.total, figures.urgent, figures.overdue, figures.by_kind) == (6, 2, 1, {"entry": 6})


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cursor", ["", "x", "1/x/1", "2/2026-11-22T09:00:00.000Z/1", "1/2026-11-22T09:00:00.000Z/x", "1//"]
)
def test_a_bad_cursor_is_refused(now: datetime, cursor: str) -> None:
    with pytest.raises(Rejected):
        queries.list_for(ALI, now=now, after=cursor)


@pytest.mark.django_db
def test_lists_can_be_narrowed(now: datetime) -> None:
    put("a", now, urgent=True)
    put("b", now, due_at=now + HOUR, circle="team:atlas")
    actions.put("match", "c", title_code="desk.match", facts={}, circle="unit:drugs", now=now)
    assert keys(ALI, now, urgent=True) == ["a"]
    assert keys(ALI, now, kinds=["match"]) == ["c"]
    assert keys(ALI, now, due_before=now + 2 * HOUR) == ["b"]
    assert keys(ALI, now, circle="team:atlas") == ["b"]


@pytest.mark.django_db
def test_an_officer_sees_the_own_and_the_circles_tasks_only(now: datetime) -> None:
    put("circle", now)
    put("team", now, circle="team:atlas")
    put("own", now, circle="", owner="eve")
    put("own-in-circle", now, owner="bea")
    put("everybody", now, circle="")
    assert keys(ALI, now) == ["circle", "team", "everybody"]
    assert keys(ALI, now, colleagues=True) == ["circle", "team", "own-in-circle", "everybody"]
    assert keys(BEA, now) == ["circle", "own-in-circle", "everybody"]
    assert keys(EVE, now) == ["own", "everybody"]
    assert keys(Officer("new"), now) == ["everybody"]


@pytest.mark.django_db
def test_not_allowed_looks_like_not_there(now: datetime) -> None:
    put("a", now)
    for act in (actions.take, actions.give_back, actions.mark_done):
        for viewer, key in ((EVE, "a"), (ALI, "b")):
            with pytest.raises(Rejected) as caught:
                act(viewer, key, now=now)
            assert (caught.value.code, caught.value.facts) == ("desk.unknown_task", {"key": key})


@pytest.mark.django_db
def test_one_officer_takes_a_task_at_a_time(now: datetime) -> None:
    put("a", now)
    actions.take(ALI, "a", now=now)
    assert actions.take(ALI, "a", now=now + HOUR).taken_at == now
    assert keys(BEA, now) == []
    assert keys(BEA, now, colleagues=True) == ["a"]
    for act in (actions.take, actions.mark_done):
        with pytest.raises(Conflict) as caught:
            act(BEA, "a", now=now)
        assert (caught.value.code, caught.value.facts["by"]) == ("desk.taken", "ali")
    with pytest.raises(Conflict) as not_hers:
        actions.give_back(BEA, "a", now=now)
    assert not_hers.value.code == "desk.not_yours"
    actions.give_back(ALI, "a", now=now)
    assert keys(BEA, now) == ["a"]
    actions.take(BEA, "a", now=now)


@pytest.mark.django_db
def test_a_task_is_put_off_by_its_holder_and_not_beyond_its_due_time(now: datetime) -> None:
    put("a", now, due_at=now + 5 * HOUR)
    with pytest.raises(Conflict) as not_held:
        actions.snooze(ALI, "a", until=now + HOUR, now=now)
    assert not_held.value.code == "desk.not_yours"
    actions.take(ALI, "a", now=now)
    with pytest.raises(Rejected) as past:
        actions.snooze(ALI, "a", until=now, now=now)
    assert past.value.code == "desk.snooze_past"
    with pytest.raises(Refused) as beyond:
        actions.snooze(ALI, "a", until=now + 6 * HOUR, now=now)
    assert beyond.value.facts == {"due_at": "2026-11-22T14:00:00.000Z"}
    actions.snooze(ALI, "a", until=now + HOUR, now=now)
    assert keys(ALI, now) == []
    assert keys(ALI, now, snoozed=True) == ["a"]
    assert queries.counts_for(ALI, now=now).snoozed == 1
    assert keys(ALI, now + HOUR) == ["a"]


@pytest.mark.django_db
def test_done_is_done(now: datetime) -> None:
    put("a", now)
    assert actions.mark_done(ALI, "a", now=now).settled_by == "ali"
    assert actions.mark_done(BEA, "a", now=now + HOUR).settled_by == "ali"
    assert queries.get_task_for(BEA, "a").settled_at == now
    for act in (actions.take, actions.give_back):
        with pytest.raises(Conflict) as caught:
            act(ALI, "a", now=now)
        assert caught.value.code == "desk.settled"
    assert actions.sweep(now + timedelta(days=89)) == 0
    assert actions.sweep(now + timedelta(days=91)) == 1


@pytest.mark.django_db(transaction=True)
def test_many_threads_putting_one_key_put_one_task(now: datetime) -> None:
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for _ in range(5):
                put("a", now, facts={"n": number})
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert Task.objects.count() == 1


_CIRCLES = ["", "unit:drugs", "unit:fraud", "team:atlas"]
_OWNERS = ["", "ali", "bea", "eve"]


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(_CIRCLES), st.sampled_from(_OWNERS)), max_size=8))
def test_the_query_and_the_policy_say_the_same(now: datetime, tasks: list[tuple[str, str]]) -> None:
    Task.objects.all().delete()
    for number, (circle, owner) in enumerate(tasks):
        put(f"{number}", now, circle=circle, owner=owner)
    for viewer in (ALI, BEA, EVE):
        seen = {task.key for task in queries.list_for(viewer, now=now, colleagues=True).tasks}
        assert seen == {task.key for task in Task.objects.all() if policy.may_see(viewer, task)}


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["take", "give_back", "mark_done", "put", "settle"]), st.sampled_from([ALI, BEA])),
        max_size=12,
    )
)
def test_whatever_officers_do_a_task_has_one_holder_or_none(now: datetime, steps: list[tuple[str, Officer]]) -> None:
    Task.objects.all().delete()
    put("a", now)
    for step, officer in steps:
        before = Task.objects.get()
        try:
            if step == "put":
                put("a", now)
            elif step == "settle":
                actions.settle("a", now=now)
            else:
                getattr(actions, step)(officer, "a", now=now)
        except TansiqError:
            after = Task.objects.get()
            assert (after.state, after.taken_by) == (before.state, before.taken_by)
            continue
        after = Task.objects.get()
        if before.taken_by and after.taken_by and before.state == after.state == "open":
            assert after.taken_by == before.taken_by
