"""A file travels between real nodes: over a line that is cut five times, past kill -9 on both sides, with flat memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tansiq.demo.nodes import wait_for
from tests.system import intents
from tests.system.attached import MB, pair

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]
SIZE = 24 * MB


@pytest.mark.skipif("TANSIQ_TEST_DB" in os.environ, reason="the store plays no part in what is cut")
def test_a_file_arrives_over_a_line_that_is_cut_five_times(tmp_path: Path) -> None:
    with pair(tmp_path) as both:
        both.line.cuts = [(3 + 4 * n) * MB + both.line.carried for n in range(5)]
        before = both.peaks()
        dossier, told = both.send(SIZE)
        both.follow(dossier, seconds=120)
        assert len(both.line.cut_at) == 5
        assert both.line.carried < both.line.cut_at[0] + told["blob_size"] + 12 * MB, (
            "it went on, and did not begin again"
        )
        assert both.drivers["ma"]("opened", officer="liaison", dossier=dossier) == told["digest"]
        grown = {name: peak - before[name] for name, peak in both.peaks().items()}
        assert max(grown.values()) < SIZE // MB * 4, grown


@pytest.mark.slow
def test_a_file_arrives_past_kill_9_on_both_sides_and_holds_up_nothing_else(tmp_path: Path) -> None:
    with pair(tmp_path) as both:
        both.line.cuts = [5 * MB]
        killed, told = both.send(SIZE)
        for name in ("ma", "fr"):
            wait_for("some of it", lambda: both.drivers["ma"]("files", entry=killed), seconds=60)
            for pid in both.made[name].children():
                both.made[name].kill(pid)
            both.made[name].wait_until_well(60)
        other = both.drivers["fr"]("act", officer="liaison", intent=intents.request("ma"))["dossier"]
        wait_for(
            "other traffic", lambda: both.drivers["ma"]("entries", dossier=other)["phase"] == "received", seconds=60
        )
        both.follow(killed, seconds=120)
        assert both.drivers["ma"]("opened", officer="liaison", dossier=killed) == told["digest"]
