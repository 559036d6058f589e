"""Bells: rung after a commit and only then, by any process, and missed by nobody who looks at the rows."""

from __future__ import annotations

import os
import select
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from tansiq.node.jobs import actions, tasks, waking

STOP = threading.Event()
LONG = 30.0
"""Seconds that no test would wait for: whoever returns was rung."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    settings.NODE = replace(settings.NODE, home=tmp_path)
    return tmp_path


def is_rung(bell: waking.Bell) -> bool:
    """Whether somebody rang since the bell was looked at last."""
    assert bell._descriptor is not None
    return bool(select.select([bell._descriptor], [], [], 0)[0])


def test_every_loop_of_the_name_is_woken_and_no_other(home: Path) -> None:
    with (
        waking.Bell(waking.JOBS, "main") as one,
        waking.Bell(waking.JOBS, "main.imports") as two,
        waking.Bell(waking.DELIVER, "main") as other,
    ):
        waking.ring(waking.JOBS)
        one.wait(STOP, LONG)
        two.wait(STOP, LONG)
        assert not is_rung(other)
        assert not is_rung(one)
    assert {path.stat().st_mode & 0o777 for path in (home / waking.FOLDER).iterdir()} == {0o600}


def test_it_may_ring_as_often_as_it_likes_with_or_without_somebody_there() -> None:
    waking.ring(waking.JOBS)
    with waking.Bell(waking.JOBS, "main") as bell:
        assert bell._descriptor is not None
        assert os.write(bell._descriptor, bytes(1 << 20)) < 1 << 20, "the pipe is full"
        waking.ring(waking.JOBS)
        bell.wait(STOP, LONG)
        assert not is_rung(bell)
    waking.ring(waking.JOBS)


def test_a_bell_that_a_killed_worker_left_is_taken_over_and_what_is_no_pipe_is_left_alone(home: Path) -> None:
    (home / waking.FOLDER).mkdir()
    os.mkfifo(home / waking.FOLDER / "jobs.main")
    (home / waking.FOLDER / "deliver.main").write_text("no pipe")
    with waking.Bell(waking.JOBS, "main") as bell, waking.Bell(waking.DELIVER, "main") as broken:
        waking.ring(waking.JOBS)
        bell.wait(STOP, LONG)
        broken.wait(STOP, 0)


@pytest.mark.django_db(transaction=True)
def test_work_rings_when_it_is_durable_and_not_before(now: Any) -> None:
    with waking.Bell(waking.JOBS, "main") as bell:
        with transaction.atomic():
            actions.enqueue("work", {}, now=now)
            assert not is_rung(bell)
        assert is_rung(bell)
        bell.wait(STOP, LONG)
        with transaction.atomic():
            actions.enqueue("work", {}, now=now)
            transaction.set_rollback(True)
        assert not is_rung(bell)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_waits_long_works_at_once_when_it_is_rung(now: Any, home: Path) -> None:
    stop, done = threading.Event(), threading.Event()
    told = {"stop": stop, "clock": lambda: now, "worker": "main", "idle": LONG}

    def handle(_payload: dict[str, Any], _now: Any) -> None:
        done.set()
        stop.set()

    loop = threading.Thread(target=tasks.run_worker, args=({"work": handle},), kwargs=told)
    loop.start()
    while not (home / waking.FOLDER / "jobs.main").exists():
        pass
    actions.enqueue("work", {}, now=now)
    assert done.wait(LONG)
    loop.join(LONG)
