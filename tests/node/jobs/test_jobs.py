"""Jobs one by one: enqueued with the act, claimed once, tried again or laid with the dead, never lost."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.errors import Conflict, Corrupt, Refused, Rejected, Unavailable
from tansiq.node.jobs import actions, policy, queries, tasks
from tansiq.node.jobs.models import DEAD, DONE, RUNNING, WAITING, Job

MINUTE = timedelta(minutes=1)


class AbortedError(Exception):
    """The acting transaction fails."""


class Worker:
    """A worker whose clock stands still and whose handler does as it is told."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.ran: list[tuple[dict[str, Any], datetime]] = []
        self.error: Exception | None = None
        self.dead: list[str] = []

    def handle(self, payload: dict[str, Any], now: datetime) -> None:
        self.ran.append((payload, now))
        if self.error is not None:
            raise self.error

    def run_one(self) -> bool:
        return tasks.run_one(
            {"work": self.handle},
            clock=lambda: self.now,
            worker="w",
            on_dead=lambda letter: self.dead.append(letter.code),
        )


@pytest.fixture
def worker(now: datetime) -> Worker:
    return Worker(now)


@pytest.mark.django_db
def test_a_job_is_owed_with_the_act_or_not_at_all(now: datetime) -> None:
    def act() -> None:
        with transaction.atomic():
            actions.enqueue("work", {}, now=now)
            raise AbortedError

    with pytest.raises(AbortedError):
        act()
    assert Job.objects.count() == 0


@pytest.mark.django_db
def test_a_job_runs_once_and_is_done(worker: Worker) -> None:
    actions.enqueue("work", {"n": 1}, now=worker.now)
    assert worker.run_one()
    assert not worker.run_one()
    assert worker.ran == [({"n": 1}, worker.now)]
    assert queries.counts() == {"waiting": 0, "running": 0, "done": 1, "dead": 0}


@pytest.mark.django_db
def test_what_is_due_longest_comes_first_and_what_is_not_due_waits(worker: Worker) -> None:
    for minutes in (3, 1, 2):
        actions.enqueue("work", {"m": minutes}, now=worker.now, run_at=worker.now + minutes * MINUTE)
    assert not worker.run_one()
    assert queries.oldest_due(worker.now) is None
    worker.now += 2 * MINUTE
    assert queries.oldest_due(worker.now) == worker.now - MINUTE
    while worker.run_one():
        pass
    assert [payload["m"] for payload, _ in worker.ran] == [1, 2]


@pytest.mark.django_db
def test_a_job_without_a_handler_here_is_left_to_others(worker: Worker) -> None:
    actions.enqueue("other", {}, now=worker.now)
    assert not worker.run_one()
    assert actions.claim(worker.now, "another").name == "other"


@pytest.mark.django_db
def test_enqueuing_a_key_twice_is_enqueuing_it_once(now: datetime) -> None:
    first = actions.enqueue("work", {"n": 1}, now=now, run_at=now + MINUTE, key="k")
    assert actions.enqueue("work", {"n": 2}, now=now, run_at=now + 2 * MINUTE, key="k") == first
    assert Job.objects.get().run_at == now + MINUTE
    assert actions.enqueue("work", {"n": 3}, now=now, key="k") == first
    assert (Job.objects.get().run_at, Job.objects.get().payload) == (now, {"n": 1})
    assert actions.enqueue("work", {}, now=now, key="other") != first
    assert actions.enqueue("work", {}, now=now) != actions.enqueue("work", {}, now=now)


@pytest.mark.django_db
def test_what_happens_during_a_run_gets_a_run_of_its_own_afterwards(now: datetime) -> None:
    actions.enqueue("work", {}, now=now, key="k")
    first = actions.claim(now, "a")
    second_id = actions.enqueue("work", {}, now=now, key="k")
    assert second_id != first.job_id
    assert actions.claim(now, "b") is None, "two jobs of one key never run at the same time"
    assert actions.finish(first, now)
    assert actions.claim(now, "b").job_id == second_id


@pytest.mark.django_db
def test_a_key_may_come_again_after_it_was_done(worker: Worker) -> None:
    for _ in range(3):
        actions.enqueue("work", {}, now=worker.now, key="k")
        assert worker.run_one()
    assert len(worker.ran) == 3


@pytest.mark.django_db
@pytest.mark.parametrize("error", [Unavailable("x.y"), Conflict("x.y")])
def test_what_may_pass_is_tried_for_ever_and_later_each_time(worker: Worker, error: Exception) -> None:
    actions.enqueue("work", {}, now=worker.now)
    worker.error = error
    pauses = []
    for attempt in range(1, 40):
        assert worker.run_one()
        job = Job.objects.get()
        assert (job.state, job.attempts, job.last_error) == (WAITING, attempt, "x.y")
        pauses.append(job.run_at - worker.now)
        assert not worker.run_one()
        worker.now = job.run_at
    assert pauses[:4] == sorted(pauses[:4])
    assert policy.LONGEST_PAUSE * 0.75 <= pauses[-1] <= policy.LONGEST_PAUSE * 1.25
    worker.error = None
    assert worker.run_one()
    assert Job.objects.get().state == DONE


@pytest.mark.django_db
@pytest.mark.parametrize("error", [Rejected("x.y"), Refused("x.y"), Corrupt("x.y")])
def test_a_refusal_is_never_retried_and_somebody_is_told(worker: Worker, error: Exception) -> None:
    actions.enqueue("work", {}, now=worker.now)
    worker.error = error
    assert worker.run_one()
    assert worker.dead == ["x.y"]
    assert [job.last_error for job in queries.dead_letters()] == ["x.y"]
    worker.now += timedelta(days=1)
    assert not worker.run_one()


@pytest.mark.django_db
def test_a_defect_is_retried_a_few_times_and_its_message_goes_nowhere(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    actions.enqueue("work", {}, now=worker.now)
    worker.error = RuntimeError("Mohamed Chérif")
    for _ in range(policy.MAX_CRASHES):
        assert worker.run_one()
        worker.now += timedelta(hours=1)
    assert not worker.run_one()
    assert worker.dead == ["job.crashed"]
    assert queries.dead_count() == 1
    assert "Mohamed" not in caplog.text
    assert "RuntimeError" in caplog.text


@pytest.mark.django_db
def test_a_dead_letter_that_cannot_be_told_of_does_not_die(now: datetime) -> None:
    actions.enqueue("work", {}, now=now)
    claimed = actions.claim(now, "w")

    def cannot(_letter: actions.DeadLetter) -> None:
        raise AbortedError

    with pytest.raises(AbortedError):
        actions.fail(claimed, "x.y", now, is_final=True, on_dead=cannot)
    assert Job.objects.get().state == RUNNING


@pytest.mark.django_db
def test_a_dead_job_can_be_revived_or_discarded(worker: Worker) -> None:
    job_id = actions.enqueue("work", {}, now=worker.now, key="k")
    with pytest.raises(Rejected) as caught:
        actions.revive(job_id, now=worker.now)
    assert caught.value.code == "job.not_dead"
    worker.error = Rejected("x.y")
    worker.run_one()
    other = actions.enqueue("work", {}, now=worker.now, key="k")
    with pytest.raises(Conflict) as contended:
        actions.revive(job_id, now=worker.now)
    assert contended.value.code == "job.waiting_already"
    worker.error = None
    worker.run_one()
    actions.revive(job_id, now=worker.now)
    assert worker.run_one()
    assert Job.objects.get(pk=job_id).state == DONE
    worker.error = Rejected("x.y")
    actions.enqueue("work", {}, now=worker.now)
    worker.run_one()
    (dead,) = queries.dead_letters()
    actions.discard(dead.pk)
    with pytest.raises(Rejected):
        actions.discard(dead.pk)
    assert Job.objects.filter(state=DEAD).count() == 0
    assert Job.objects.get(pk=other).state == DONE


@pytest.mark.django_db
def test_a_failed_run_gives_way_to_one_of_its_key_that_waits(now: datetime) -> None:
    actions.enqueue("work", {}, now=now, key="k")
    claimed = actions.claim(now, "w")
    actions.enqueue("work", {}, now=now, key="k")
    assert actions.fail(claimed, "x.y", now, is_final=False)
    assert sorted(Job.objects.values_list("state", flat=True)) == [DONE, WAITING]


@pytest.mark.django_db
def test_a_lost_claim_can_do_nothing_more(now: datetime) -> None:
    actions.enqueue("work", {}, now=now)
    slow = actions.claim(now, "slow")
    assert actions.claim(now + MINUTE, "other") is None
    assert actions.extend(slow, now + 2 * MINUTE)
    assert actions.claim(now + 6 * MINUTE, "other") is None
    other = actions.claim(now + 7 * MINUTE, "other")
    assert (other.job_id, other.attempts) == (slow.job_id, 2)
    assert not actions.extend(slow, now)
    assert not actions.finish(slow, now)
    assert not actions.fail(slow, "x.y", now, is_final=True)
    assert actions.finish(other, now)
    assert not actions.finish(other, now)


@pytest.mark.django_db
def test_a_job_that_kills_its_worker_each_time_is_laid_with_the_dead(worker: Worker) -> None:
    actions.enqueue("work", {}, now=worker.now)
    runs = 0
    while actions.claim(worker.now, "dies") is not None:
        runs += 1
        worker.now += timedelta(hours=1)
    assert runs == policy.MAX_CRASHES + 1
    assert not worker.run_one()
    assert (worker.dead, Job.objects.get().state) == (["job.lost"], DEAD)


@pytest.mark.django_db
def test_what_was_done_long_ago_is_swept_away(worker: Worker) -> None:
    actions.enqueue("work", {}, now=worker.now)
    worker.run_one()
    assert actions.sweep(worker.now + timedelta(days=6)) == 0
    assert actions.sweep(worker.now + timedelta(days=8)) == 1


@given(st.integers(1, 10**9), st.integers(0, 10**6))
def test_pauses_are_spread_bounded_and_the_same_for_everybody(job_id: int, attempts: int) -> None:
    pause = policy.pause(job_id, attempts)
    assert policy.FIRST_PAUSE * 0.75 <= pause <= policy.LONGEST_PAUSE * 1.25
    assert pause == policy.pause(job_id, attempts)
    assert policy.pause(job_id, 3) < policy.pause(job_id, 5)


@pytest.mark.django_db(transaction=True)
def test_many_threads_run_every_job_once(now: datetime) -> None:
    total = 120
    for number in range(total):
        actions.enqueue("work", {"n": number}, now=now, key=f"k{number % 40}" if number < 40 else None)
    ran: list[int] = []
    stop = threading.Event()

    def handle(payload: dict[str, Any], _now: datetime) -> None:
        ran.append(payload["n"])
        if len(ran) == total:
            stop.set()

    def work(name: str) -> None:
        tasks.run_worker({"work": handle}, stop=stop, clock=lambda: now, worker=name, idle=0.01)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(ran) == list(range(total))
    assert Job.objects.filter(state=DONE).count() == total
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_store_that_fails_is_no_fault_of_the_job(worker: Worker) -> None:
    """The disk is full, or the database restarts, in the middle of a run: as often as it may, no job dies of it, and none waits for its lock."""
    job_id = actions.enqueue("work", {}, now=worker.now)
    worker.error = OperationalError("database or disk is full")
    for _ in range(policy.MAX_CRASHES + 3):
        with pytest.raises(OperationalError):
            worker.run_one()
        assert Job.objects.get(pk=job_id).state == RUNNING
        assert actions.give_back("other", worker.now) == 0
        assert actions.give_back("w", worker.now) == 1
        row = Job.objects.get(pk=job_id)
        assert (row.state, row.crashes, row.last_error) == (WAITING, 0, policy.STORE)
        worker.now = row.run_at
    worker.error = None
    assert worker.run_one()
    assert Job.objects.get(pk=job_id).state == DONE


@pytest.mark.django_db(transaction=True)
def test_a_worker_gives_back_what_a_failing_store_left_in_its_hands(worker: Worker) -> None:
    job_id = actions.enqueue("work", {}, now=worker.now)
    stop, fails = threading.Event(), [OperationalError("full"), InterfaceError("connection already closed")]

    def handle(payload: dict[str, Any], now: datetime) -> None:
        if fails:
            raise fails.pop()
        stop.set()

    def clock() -> datetime:
        worker.now += MINUTE / 6
        return worker.now

    tasks.run_worker({"work": handle}, stop=stop, clock=clock, worker="w", idle=0.01)
    row = Job.objects.get(pk=job_id)
    assert (row.state, row.attempts, row.crashes) == (DONE, 3, 0)
