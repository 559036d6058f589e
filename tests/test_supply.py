"""What the program is made of, and what is known against it."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tools import audit, sbom


def test_the_bill_of_materials_names_every_package_of_the_lock_once(tmp_path: Path) -> None:
    sbom.main([str(tmp_path / "one.json")])
    sbom.main([str(tmp_path / "two.json")])
    raw = (tmp_path / "one.json").read_bytes()
    assert raw == (tmp_path / "two.json").read_bytes()
    made = json.loads(raw)
    names = [one["name"] for one in made["components"]]
    assert len(names) == len(set(names))
    scopes = {one["name"]: one["scope"] for one in made["components"]}
    assert (scopes["django"], scopes["pyspark"], scopes["pytest"]) == ("required", "optional", "excluded")
    assert scopes["asgiref"] == "required", "what Django brings along"
    refs = {one["bom-ref"] for one in made["components"]}
    for one in made["dependencies"]:
        assert set(one["dependsOn"]) <= refs
    assert all(one["externalReferences"] for one in made["components"])


def test_without_a_way_to_the_database_nothing_passes_for_audited(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = ("127.0.0.1", int(listener.getsockname()[1]))
    assert audit.main(nobody) == audit.NOT_AUDITED
    assert "NOT AUDITED" in capsys.readouterr().err
