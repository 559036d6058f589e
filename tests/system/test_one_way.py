"""A node that partners cannot reach from outside dials out, fetches what waits, and loses nothing; a node lost and restored comes back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tansiq.demo.nodes import CommandFailed, wait_for
from tansiq.node.cli.session import UNFINISHED_FILE
from tests.system import intents
from tests.system.world import Made, agreed

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


def _broken_off(node: Made, copy: Path) -> None:
    """Kill a restore at the beginning, in the middle and near the end: a node that is not whole does not start."""
    seen = set()
    words = [sys.executable, "-m", "tansiq.node.cli", "restore", str(copy), "--without-erasures"]
    for moment in range(1, 40):
        process = subprocess.Popen(words, env=node.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(moment * 0.15)
        except subprocess.TimeoutExpired:
            process.kill()
        if process.wait() == 0:
            break
        seen.add((node.home / UNFINISHED_FILE).exists())
        if (node.home / UNFINISHED_FILE).exists():
            (node.home / "node.toml").touch()
            with pytest.raises(CommandFailed, match=r"settings[.]restore_unfinished"):
                node.command("doctor")
    assert seen == {False, True}, "killed before it began, and on its way"
    shutil.rmtree(node.home)


def test_a_node_without_an_address_takes_part(tmp_path: Path) -> None:
    with agreed(tmp_path, unreachable=["fr"]) as (_, drivers):
        dossier = drivers["fr"]("act", officer="liaison", intent=intents.request("ma"))["dossier"]
        wait_for("the receipt, fetched", lambda: drivers["fr"]("entries", dossier=dossier)["phase"] == "received")
        here, there = (drivers[n]("entries", dossier=dossier) for n in ("fr", "ma"))
        assert here == there
        wait_for("receipts brought", lambda: drivers["ma"]("totals")["undelivered"] == 0)


@pytest.mark.skipif(
    "TANSIQ_TEST_DB" in os.environ, reason="the copy of a PostgreSQL node needs pg_dump beside the test server"
)
def test_a_lost_node_is_restored_from_its_copy_and_fetches_the_rest(tmp_path: Path) -> None:
    with agreed(tmp_path) as (made, drivers):
        fr, ma = made["fr"], made["ma"]
        copy = tmp_path / "fr.copy"
        fr.command("backup", str(copy))
        later = drivers["fr"]("act", officer="liaison", intent=intents.request("ma"))["dossier"]
        wait_for("the request", lambda: drivers["ma"]("entries", dossier=later)["phase"] == "received")
        wait_for("the receipt", lambda: drivers["fr"]("entries", dossier=later)["phase"] == "received")
        before = drivers["fr"]("entries", dossier=later)
        drivers["fr"].kill()
        fr.stop()
        shutil.rmtree(fr.home)
        with pytest.raises(CommandFailed, match="settings"):
            fr.command("desk", officer="liaison")
        with pytest.raises(CommandFailed, match=r"erasure[.]ledger_needed"):
            fr.command("restore", str(copy))
        _broken_off(fr, copy)
        report = fr.command("restore", str(copy), "--without-erasures")
        assert not (fr.home / UNFINISHED_FILE).exists()
        assert report["incarnation"] > 1
        with pytest.raises(CommandFailed, match=r"settings[.]node_exists"):
            fr.command("restore", str(copy), "--without-erasures")
        fr.start()
        after = wait_for(
            "what was written since the copy",
            lambda: (e := drivers["fr"]("entries", dossier=later))["entries"] and e,
            seconds=60,
        )
        wait_for(
            "all of it", lambda: drivers["fr"]("entries", dossier=later)["entries"] == before["entries"], seconds=60
        )
        assert after["shown"]
        wait_for("the partner's word", lambda: fr.command("recovery", "status")["ended_at"], seconds=60)
        dossier = drivers["fr"]("act", officer="liaison", intent=intents.request("ma"))["dossier"]
        wait_for(
            "a new request after the restore", lambda: drivers["ma"]("entries", dossier=dossier)["phase"] == "received"
        )
        findings = fr.command("doctor")
        assert not [f for f in findings if f["level"] == "bad"], findings
        assert not [f for f in ma.command("doctor") if f["level"] == "bad"]
