"""docs/protocol/accords.md says what the code does: its example, its tables, its codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tansiq.engine.accords import checks, local_rules
from tansiq.engine.accords import decide as decide_module
from tansiq.engine.accords.reservations import MEETS
from tansiq.engine.accords.terms import Terms, read_version
from tansiq.engine.kinds.accord import KIND

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "protocol" / "accords.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table whose header row begins with ``heading``."""
    lines = PAGE.splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    table = lines[start : next(index for index in range(start, len(lines)) if not lines[index].startswith("|"))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table if not line.startswith("| ---")]


def test_the_example_is_complete_and_has_its_digest() -> None:
    found = re.search(r"```json\n(.*?)\n```", PAGE, re.DOTALL)
    assert found is not None
    digest = re.search(r"its digest is `([0-9a-f]{64})`", PAGE)
    assert digest is not None
    read_version(json.loads(found.group(1)), digest=digest.group(1))


def test_the_terms_are_all_there_in_order() -> None:
    named = [row[0].strip("`") for row in rows("term")[1:]]
    assert named == list(Terms.model_fields)
    assert set(MEETS) == {row[0].strip("`") for row in rows("term")[1:] if row[3] != "–"} - {
        "ladders",
        "accreditations",
    }


def test_the_codes_are_all_there_in_the_order_of_the_checks() -> None:
    named = re.findall(r"`decide\.([a-z_]+)`", PAGE)
    source = "".join(Path(str(module.__file__)).read_text("utf-8") for module in (checks, decide_module, local_rules))
    raised = {"derived_without_sources", "marking_below_sources"}
    assert set(named) == set(re.findall(r'"decide\.([a-z_]+)"', source)) - raised
    table = [code for row in rows("code")[1:] for code in re.findall(r"`decide\.([a-z_]+)`", row[0])]
    assert len(table) == len(set(table))


def test_what_is_offered_in_which_phase() -> None:
    header, *body = rows("act | `proposed`")
    phases = [cell.strip("`") for cell in header[1:]]
    assert phases == list(KIND.PHASES)
    offered = {row[0].strip("`"): [cell == "yes" for cell in row[1:]] for row in body}
    assert set(offered) == set(KIND.ACTS) - {"propose"}
    for act, cells in offered.items():
        assert cells == [KIND.is_offered(act, phase) for phase in phases], act


def test_the_acts_are_all_there() -> None:
    named = {act for row in rows("act | codes")[1:] for act in re.findall(r"`([a-z]+)`", row[0])}
    assert named == set(KIND.ACTS)
