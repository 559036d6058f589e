"""The enumeration itself: it passes an honest table and catches one with a hole or a circle."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tansiq.engine.dossiers.kind import CONFLICT
from tansiq.engine.dossiers.states import PHASE, Write
from tests.engine.dossiers.simulated import Node, opening_of
from tests.engine.dossiers.toy import TOY, Toy
from tests.engine.kinds.enumerate import Samples, check_kind, check_many_writers, check_table


def _first_query(node: Node) -> dict[str, str] | None:
    return next(({"question": write.entry} for write in node.state.writes("queries")), None)


def _standing(node: Node) -> dict[str, str] | None:
    return next(({"stands": write.entry} for write in node.state.writes("phase")), None)


SAMPLES: Samples = {
    "ask": [({"urgent": True}, ())],
    "assign": [({"unit": "narcotics"}, ())],
    "reply": [(_first_query, ())],
    "answer": [({"extent": "full"}, ("narrative",))],
    "resolve": [(_standing, ())],
}


def test_an_honest_table_passes() -> None:
    assert check_kind(TOY, SAMPLES) == set(TOY.phases)
    check_many_writers(TOY)


def test_a_hole_in_the_table_is_found() -> None:
    class Holed(Toy):
        CONCURRENT = {pair: act for pair, act in Toy.CONCURRENT.items() if pair != frozenset({"answer", "withdraw"})}

    with pytest.raises(AssertionError, match="side by side and are not in the table"):
        check_kind(Holed(), SAMPLES, steps=1)


def test_a_circle_in_the_table_is_found() -> None:
    class Circular(Toy):
        CONCURRENT = {
            frozenset({"answer", "withdraw"}): "answer",
            frozenset({"withdraw", "refuse"}): "withdraw",
            frozenset({"refuse", "answer"}): "refuse",
            frozenset({"answer", "received"}): CONFLICT,
        }

    with pytest.raises(AssertionError, match="circle"):
        check_table(Circular())
    node = Node("fr", Circular())
    node.open(opening_of(TOY), {"urgent": False})
    writes = {act: Write(act, act, 1, act, act, "", 2, act) for act in ("answer", "withdraw", "refuse")}
    outcome = node.kind.outcome(replace(node.state, facets={PHASE: writes}))
    assert outcome.is_conflict, "even a table that goes round in circles has an answer"
    assert len(outcome.standing) == 3
