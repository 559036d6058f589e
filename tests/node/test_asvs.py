"""The table of ASVS 5.0.0 has every number that is asked for, once, and what it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "security" / "asvs.md"
LEVELS = """
1.1 22|1.2 1111122223|1.3 112222222223|1.4 222|1.5 123|2.1 122|2.2 112|2.3 12223|2.4 23|3.1 3|3.2 113|3.3 12223|3.4 11222233|3.5 11122333|3.6 3
3.7 22333|4.1 12233|4.2 23333|4.3 22|4.4 1222|5.1 2|5.2 112333|5.3 113|5.4 222|6.1 122|6.2 111111112222|6.3 11223333|6.4 112233|6.5 22222333
6.6 2223|6.7 33|6.8 2222|7.1 222|7.2 1111|7.3 22|7.4 11222|7.5 223|7.6 22|8.1 1233|8.2 1123|8.3 133|8.4 23|9.1 111|9.2 1222|11.1 2233
11.2 22233|11.3 11233|11.4 1222|11.5 23|11.6 23|11.7 33|12.1 12233|12.2 11|12.3 22223|13.1 2333|13.2 222223|13.3 2233|13.4 1222233|14.1 22
14.2 12223333|14.3 122|15.1 12233|15.2 12233|15.3 1222222|15.4 3333|16.1 2|16.2 22222|16.3 2222|16.4 222|16.5 2223
"""
"""Each section of the standard with the levels of its requirements, in order; V10 and V17 are of things that are not built."""
THIRD = {4, 6, 7, 8, 11, 13, 16}
STATES = {"met", "built", "site", "no", "n/a"}
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| (\S+) \| (.+) \|$", re.M)


def asked_for() -> list[str]:
    """The numbers of the levels that we hold ourselves to."""
    found = []
    for section in LEVELS.replace("\n", "|").split("|"):
        name, _, levels = section.partition(" ")
        most = 3 if name and int(name.partition(".")[0]) in THIRD else 2
        found += [f"{name}.{number}" for number, level in enumerate(levels, 1) if int(level) <= most]
    return found


def rows() -> list[tuple[str, str, str]]:
    return ROW.findall(TABLE.read_text(encoding="utf-8"))


def test_every_number_stands_there_once_and_in_order() -> None:
    assert [number for number, _, _ in rows()] == asked_for()
    assert len(asked_for()) > 200


@pytest.mark.parametrize(("number", "state", "told"), rows(), ids=[row[0] for row in rows()])
def test_what_a_row_names_is_there(number: str, state: str, told: str) -> None:
    assert state in STATES
    places = [
        one for one in re.findall(r"`([^`]+)`", told) if "/" in one.partition("::")[0] and not one.startswith("/")
    ]
    for place in places:
        path, _, test = place.partition("::")
        assert (ROOT / path).exists(), place
        assert not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), place
    if state == "met":
        assert any(place.startswith("tests/") for place in places), f"{number} is said to be met: by which test?"
    if state == "no":
        assert len(told) > 20, "why"
