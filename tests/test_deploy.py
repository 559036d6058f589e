"""What is given for production is sound as far as it can be told without a host of its own."""

from __future__ import annotations

import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest
import yaml

DEPLOY = Path(__file__).parent.parent / "deploy"


def test_the_unit_gives_away_nothing_it_need_not_have() -> None:
    unit = RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "tansiq@.service")
    service = unit["Service"]
    assert service["User"] == "tansiq"
    assert service["LimitCORE"] == service["MemorySwapMax"] == "0"
    assert service["ProtectSystem"] == "strict"
    assert service["ReadWritePaths"] == "/var/lib/tansiq/%i"
    assert service["CapabilityBoundingSet"] == ""
    assert service["NoNewPrivileges"] == "yes"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_reads_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "tansiq@ma.service"
    unit.write_text((DEPLOY / "tansiq@.service").read_text(encoding="utf-8"))
    told = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    # What the unit starts is not installed on the machine of a test; everything else it says is a defect.
    assert [line for line in told.stderr.splitlines() if unit.name in line and "not executable" not in line] == []


def test_the_composition_hides_the_database_and_keeps_secrets_out() -> None:
    told = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    services = told["services"]
    assert services["database"]["network_mode"] == "none"
    assert "ports" not in services["node"]
    assert services["node"]["cap_drop"] == ["ALL"]
    assert services["node"]["read_only"] is True
    assert all(secret["external"] for secret in told["secrets"].values())
    named = {volume.partition(":")[0] for service in services.values() for volume in service["volumes"]}
    assert {one for one in named if not one.startswith(".")} == set(told["volumes"])


def test_the_proxy_limits_strangers_at_every_door() -> None:
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    for door in ("/peer/", "/accounts/", "/"):
        place = text[text.index(f"location {door} {{") :]
        assert "limit_req zone=" in place[: place.index("}")]
