"""An urgent call between two real nodes: the link is down, heals, and the worker is killed while it rings."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tansiq.demo.nodes import ESCALATION, wait_for
from tansiq.engine.formats.times import format_time, parse_time
from tests.system import intents
from tests.system.world import Driver, Made, agreed

pytestmark = [
    pytest.mark.system,
    pytest.mark.xdist_group("calls"),
    pytest.mark.timeout(180),
    pytest.mark.skipif("TANSIQ_TEST_DB" in os.environ, reason="the same calls ring in one process on both stores"),
]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[dict[str, Made], dict[str, Driver], str]]:
    """France and Morocco, running, and an open line between them."""
    with agreed(tmp_path) as (made, drivers):
        told = {"codes": {"purpose": "prevention"}, "participants": ["ma"]}
        line = drivers["fr"]("act", officer="liaison", intent={"kind": "channel", "act": "open", **told})["dossier"]
        wait_for("the line", lambda: drivers["ma"]("entries", dossier=line)["entries"])
        yield made, drivers, str(line)


def rings(driver: Driver, line: str) -> list[dict[str, Any]]:
    """What rings of the line at Morocco, as this node has it."""
    held: dict[str, Any] = driver("entries", dossier=line)["shown"]["state"]["facets"]
    return [write["value"] for write in held.get("rung:ma", [])]


def test_a_call_waits_out_the_cut_rings_from_its_arrival_and_survives_the_worker(
    two: tuple[dict[str, Made], dict[str, Driver], str],
) -> None:
    made, drivers, line = two
    fr, ma = drivers["fr"], drivers["ma"]
    made["ma"].kill()
    codes = {"urgency": "life_or_limb", "until": format_time(datetime.now(UTC) + timedelta(minutes=30))}
    called = time.time()
    call = fr("act", officer="liaison", intent=intents.act("channel", line, "call", codes=codes))["entry"]
    time.sleep(1.5)
    assert rings(fr, line) == [], "nobody says that it rings while it has not arrived"
    made["ma"].start(wait=60)
    ringing = wait_for("the ringing in France", lambda: rings(fr, line), seconds=60)[0]
    assert ringing["call"] == call
    since = parse_time(ringing["since"])
    assert since.timestamp() > called + 1.5, "counted from its arrival, not from the call"
    assert parse_time(ringing["next"]) == since + timedelta(seconds=ESCALATION[0])
    for worker in made["ma"].children():
        made["ma"].kill(worker)
    made["ma"].wait_until_well(60)
    wait_for("the second rank", lambda: [r for r in rings(fr, line) if r["rank"] >= 2], seconds=60)
    assert parse_time(rings(fr, line)[0]["since"]) == since, "a restart moves nothing"
    ma("act", officer="liaison", intent=intents.act("channel", line, "acknowledge", codes={"call": call}))
    wait_for("the answer in France", lambda: not rings(fr, line), seconds=30)
    facets = fr("entries", dossier=line)["shown"]["state"]["facets"]
    assert facets["acknowledged:ma"][0]["value"] == {"call": call}
    wait_for("both to agree", lambda: fr("entries", dossier=line) == ma("entries", dossier=line), seconds=30)
    assert all(effective for _, effective, _ in fr("entries", dossier=line)["entries"])
