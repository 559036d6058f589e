"""Words that nobody else may read stand nowhere in clear: not in the store, not in a log, not in an error, not in a copy of the node."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tansiq.demo.nodes import PASSPHRASE, PASSWORD, wait_for
from tests.system import intents
from tests.system.world import Driver, Failed, Made, agreed

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]
NAME = "Zurvanqahtani Kelbourne"
NARRATIVE = "The oxidised lighthouse keeper sells violet umbrellas"
CANARIES = {"a name": NAME, "what was written": NARRATIVE, "a passphrase": PASSPHRASE, "a password": PASSWORD}


def forms(text: str) -> Iterator[bytes]:
    """A text as it could lie on a disk: as it is, in wide letters, and in base64 at each of its three places."""
    for raw in (text.encode(), text.upper().encode(), text.encode("utf-16-le")):
        yield raw
        for shift in range(3):
            coded = base64.b64encode(b"\0" * shift + raw)
            yield coded[4 : len(coded) - 4]


def found_in(path: Path) -> list[str]:
    """Which canaries stand in this file."""
    raw = path.read_bytes()
    return [what for what, text in CANARIES.items() if any(form in raw for form in forms(text))]


def everything_of(node: Made) -> Iterator[Path]:
    """Each file of a node: store, its log of writes, keys, sealed files, and what its processes said."""
    yield node.home.parent / f"{node.node_id}.log"
    yield from (path for path in node.home.rglob("*") if path.is_file())


def _ask(driver: Driver) -> str:
    parts: list[Any] = [intents.narrative(topic, NARRATIVE) for topic in ("offence", "objective_reasons", "link")]
    intent = intents.request("ma", name=NAME)
    intent["parts"] = [*intent["parts"][:2], *parts, intents.narrative("urgency_reasons", NARRATIVE)]
    return str(driver("act", officer="liaison", intent=intent)["dossier"])


def test_canaries_are_found_nowhere(tmp_path: Path) -> None:
    assert any(form in base64.b64encode(b"x" + NAME.encode()) for form in forms(NAME)), "the search finds what is there"
    with agreed(tmp_path) as (made, drivers):
        dossier = _ask(drivers["fr"])
        wait_for("the request", lambda: drivers["ma"]("entries", dossier=dossier)["phase"] == "received")
        _err(made["fr"], drivers["fr"])
        for node in made.values():
            node.kill()  # as it lies after a power cut, with the log of writes beside the store
        copy = tmp_path / "fr.copy"
        made["fr"].command("backup", str(copy))
        bad = {
            f"{node.node_id}: {path.relative_to(node.home.parent)}": found
            for node in made.values()
            for path in everything_of(node)
            if (found := found_in(path))
        }
        assert bad == {}
        assert found_in(copy) == []
        assert "node.sqlite3" in {path.name for path in everything_of(made["fr"])} or made["fr"].database_url


def _err(node: Made, driver: Driver) -> None:
    """Everything that can go wrong with these words at hand: refused acts, broken forms, wrong passwords, doors given nonsense."""
    broken = intents.request("nowhere", name=NAME)
    with pytest.raises(Failed):
        driver("act", officer="liaison", intent=broken)
    with pytest.raises(Failed):
        driver("act", officer="liaison", intent={**intents.request("ma", name=NAME), "codes": {"purpose": NARRATIVE}})
    with httpx.Client(base_url=node.url, trust_env=False) as http:
        for path in ("/accounts/login/", "/search/", "/peer/v1/envelopes", "/api/v1/searches", f"/dossiers/{NAME}/"):
            http.post(path, data={"login": NAME, "password": PASSWORD, "names": NAME})
            http.post(path, content=NARRATIVE.encode() * 50)
            http.get(path, params={"q": NAME})
