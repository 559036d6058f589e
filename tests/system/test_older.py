"""An older program as partner, and upgraded in the middle of a stream of entries: nothing lost, nothing twice, and both say the same."""

from __future__ import annotations

import subprocess
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tansiq.demo.nodes import MOROCCO, CommandFailed, wait_for
from tests.system import intents
from tests.system.world import HERE, Made, agreed

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(600)]
OLDER = "3e20a07"
"""The program as it was before files were vetted, clocks could differ by hours, and the statements were prepared."""


def older_program(folder: Path) -> Path:
    """The source of ``OLDER``, from this checkout's own history."""
    made = subprocess.run(["git", "archive", OLDER, "src", "tests"], cwd=HERE, capture_output=True, check=False)
    if made.returncode:
        pytest.skip("needs the history of this repository: git fetch --unshallow")
    with tarfile.open(fileobj=BytesIO(made.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def stream(node: Made, dossier: str, over: threading.Event) -> list[str]:
    """Some fifty acts a second of an officer with hands of their own, until it is over; returns the entries."""
    hands = Made(node.country, node.home, port=node.port, is_made=True).hands
    acts = [intents.act("request", dossier, "remind")] * 20
    done: list[str] = []
    while not over.is_set():
        done += [entry for entry, _ in hands("burst", officer="liaison", intents=acts, every=0.02)]
    hands.kill()
    return done


def taken(node: Made, entries: list[str]) -> int:
    """How many of these entries the node has."""
    return len(node.hands("taken", entries=entries))


def test_an_older_partner_exchanges_and_is_upgraded_under_load(tmp_path: Path) -> None:
    source = older_program(tmp_path / "older")

    def kind(country: Any, home: Path, **told: Any) -> Made:
        return Made(country, home, source=source if country is MOROCCO else None, **told)

    with agreed(tmp_path, kind=kind) as (made, drivers), ThreadPoolExecutor(1) as aside:
        ma, fr = made["ma"], made["fr"]
        dossier = drivers["fr"]("act", officer="liaison", intent=intents.request("ma"))["dossier"]
        for name in ("ma", "fr"):
            wait_for("the receipt", lambda name=name: drivers[name]("entries", dossier=dossier)["phase"] == "received")
        assign = intents.act("request", dossier, "assign", codes={"unit": "unit-1"})
        first = drivers["ma"]("act", officer="liaison", intent=assign)["entry"]
        wait_for("an act of the older program", lambda: taken(fr, [first]))

        over = threading.Event()
        acting = aside.submit(stream, fr, dossier, over)
        before = drivers["ma"]("totals")["entries"]
        wait_for("the stream", lambda: drivers["ma"]("totals")["entries"] > before + 20)
        ma.hands.kill()
        ma.stop()
        ma.source = None
        with pytest.raises((CommandFailed, RuntimeError), match=r"settings[.]store_older"):
            ma.start()
        changes = ma.command("upgrade", "--look")["changes"]
        assert "exchange.0008_vetting" in changes
        assert ma.command("upgrade")["changes"] == changes
        assert ma.command("upgrade")["changes"] == []
        ma.start(wait=90)
        assert not acting.done(), "it was upgraded under load"
        over.set()

        signed = acting.result(timeout=300)
        assert len(set(signed)) == len(signed) > 100
        wait_for("all of them", lambda: taken(ma, signed) == len(signed), seconds=120)
        second = drivers["ma"]("act", officer="liaison", intent=assign | {"codes": {"unit": "unit-2"}})["entry"]
        wait_for("an act of the newer program", lambda: taken(fr, [second]))
        here, there = (drivers[name]("entries", dossier=dossier) for name in ("fr", "ma"))
        assert here == there
        for name, other in (("fr", "ma"), ("ma", "fr")):
            assert drivers[name]("verify", checkpoints=[drivers[other]("kept", partner=name)])["well"]
            assert not [f for f in made[name].command("doctor") if f["level"] == "bad"]
