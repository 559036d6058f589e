"""Processes killed between any two steps: every step of every chain has its effect, and has it once."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection

from tansiq.node.jobs import actions
from tansiq.node.jobs.models import DONE, Job
from tests.node.jobs.victim import STEPS

ROOT = Path(__file__).resolve().parents[3]
HOUR = timedelta(hours=1)
KILLED = 9

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def effects() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE test_effect (n integer PRIMARY KEY, times integer)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE test_effect")


def _start(now: datetime, die: str | None = None) -> subprocess.Popen[bytes]:
    """A worker process on this test's database, at the instant ``now``."""
    names = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
    database = {name: connection.settings_dict.get(name) for name in names}
    database["NAME"] = str(database["NAME"])
    environment = {**os.environ, "DATABASE": json.dumps(database), "NOW": now.isoformat()}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    if die is not None:
        environment["DIE"] = die
    return subprocess.Popen([sys.executable, "-m", "tests.node.jobs.victim"], cwd=ROOT, env=environment)


def _numbers() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT n FROM test_effect ORDER BY n")
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.parametrize("place", ["before", "within", "after"])
def test_a_job_killed_at_any_place_is_done_by_the_next_worker(effects: None, now: datetime, place: str) -> None:
    actions.enqueue("step", {"n": 0}, now=now, key="step/0")
    assert _start(now, die=f"{place}/2").wait(60) == KILLED
    assert Job.objects.filter(state="running").count() == 1
    assert _start(now + HOUR).wait(60) == 0
    assert _numbers() == list(range(STEPS + 1))
    assert set(Job.objects.values_list("state", flat=True)) == {DONE}


def _place(drawn: random.Random, chains: int, round_number: int) -> str:
    number = drawn.randrange(chains) * 100 + round_number + drawn.randrange(2)
    return f"{drawn.choice(['before', 'within', 'after'])}/{number}"


def test_many_workers_killed_at_random_lose_and_double_nothing(effects: None, now: datetime) -> None:
    chains = 6
    for chain in range(chains):
        actions.enqueue("step", {"n": chain * 100}, now=now, key=f"step/{chain * 100}")
    drawn = random.Random(7)
    for round_number in range(4):
        at = now + round_number * HOUR
        places = [_place(drawn, chains, round_number) for _ in range(2)]
        for victim in [_start(at, die=place) for place in places]:
            assert victim.wait(60) in {0, KILLED}
    for survivor in [_start(now + 10 * HOUR) for _ in range(2)]:
        assert survivor.wait(60) == 0
    # What a victim left locked a moment ago is due in the last round.
    assert _start(now + 20 * HOUR).wait(60) == 0
    assert _numbers() == [chain * 100 + step for chain in range(chains) for step in range(STEPS + 1)]
    assert set(Job.objects.values_list("state", flat=True)) == {DONE}
