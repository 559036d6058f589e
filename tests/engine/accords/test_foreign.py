"""Whatever JSON a partner sends as marking, terms, reservation or rules is read or rejected, never anything else."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.accords.local_rules import LocalRules
from tansiq.engine.accords.markings import Marking
from tansiq.engine.accords.terms import read_reservation, read_terms
from tansiq.engine.errors import Rejected

from .strategies import json_values
from .test_decide import TERMS

RULE = {"clause": "Loi 1", "outcome": "refuse", "acts": ["send"], "states": ["ma"], "level_at_least": 1}
VALID: dict[str, tuple[Any, dict[str, Any]]] = {
    "terms": (read_terms, dict(TERMS.to_json())),
    "reservation": (read_reservation, {"direction": "both", "towards": ["fr"], "max_level": 0, "until": None}),
    "marking": (Marking.from_json, {"level": 1, "handling": ["H1"], "ladder": "fr", "label": "DR", "tlp": "AMBER"}),
    "rules": (LocalRules.from_json, {"node": "fr", "rules": [RULE]}),
}


def place_of_refusal(name: str, value: Any, at: str = "") -> str:
    """Where the reader of ``name`` finds fault; ``at`` itself if it finds none."""
    try:
        VALID[name][0](value, at=at)
    except Rejected as error:
        return str(error.facts["at"])
    return at


@given(st.sampled_from(sorted(VALID)), json_values())
def test_anything(name: str, value: Any) -> None:
    assert place_of_refusal(name, value, at="/part").startswith("/part")


@given(st.sampled_from(sorted(VALID)), st.data())
def test_one_wrong_value_in_a_valid_whole(name: str, data: st.DataObject) -> None:
    whole = VALID[name][1]
    key = data.draw(st.sampled_from([*sorted(whole), "unheard_of"]))
    value = {**whole, key: data.draw(json_values())}
    assert place_of_refusal(name, value, at="/parts/0/content").startswith("/parts/0/content")
