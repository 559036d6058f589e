"""What is counted, for whom: every figure against the dossiers it comes from, and no figure of what is not one's own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tansiq.node.dossiers.statistics import Figures, figures
from tests.node.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def counted(world: World, name: str, *, days: int = 30) -> Figures:
    return figures(
        world.officer(name), begins=world.now - timedelta(days=days), ends=world.now + timedelta(days=1), now=world.now
    )


@pytest.fixture
def exchanged(world: World) -> World:
    """One asked of Morocco and refused; one asked and left open; one received and answered; one received and open; an exercise."""
    accord, ma = world.accord("ma"), world.fars["ma"]
    refused, _left = world.ask("ma"), world.ask("ma")
    world.ask("ma", exercise=True)
    world.settle()
    world.arrive(ma, *ma.machine(refused, world.now))
    world.arrive(ma, ma.act(refused, "refuse", world.now, codes={"ground": GROUND}))
    answered, waiting = world.asked_by(ma, accord=accord), world.asked_by(ma, accord=accord)
    world.arrive(ma, answered, waiting)
    world.settle()
    world.act("liaison", "request", "answer", answered.dossier, codes={"extent": "full"})
    world.settle()
    return world


GROUND = "not_available"


def lines(found: Figures) -> dict[tuple[str, str], dict[str, Any]]:
    names = ("total", "answered", "refused", "open", "overdue")
    return {(one.partner, one.direction): {name: getattr(one, name) for name in names} for one in found.requests}


def test_every_figure_is_that_of_its_dossiers_and_an_exercise_is_none(exchanged: World) -> None:
    found = counted(exchanged, "liaison")
    assert lines(found) == {
        ("ma", "sent"): {"total": 2, "answered": 0, "refused": 1, "open": 1, "overdue": 0},
        ("ma", "received"): {"total": 2, "answered": 1, "refused": 0, "open": 1, "overdue": 0},
    }
    assert [(one.act, one.partner, one.direction, one.ground, one.count) for one in found.grounds] == [
        ("refuse", "ma", "sent", GROUND, 1)
    ]
    assert {one.kind: (one.sent, one.received) for one in found.kinds}["request"] == (2, 2)


def test_what_is_open_past_its_deadline_is_overdue(exchanged: World) -> None:
    exchanged.later(days=20)
    assert lines(counted(exchanged, "liaison"))["ma", "received"]["overdue"] == 1


def test_a_period_counts_what_was_opened_in_it(exchanged: World) -> None:
    exchanged.later(days=40)
    assert counted(exchanged, "liaison").requests == []
    assert counted(exchanged, "liaison", days=50).requests != []


def test_another_circle_is_not_counted_and_whoever_answers_for_the_node_is_given_the_whole(exchanged: World) -> None:
    assert counted(exchanged, "stranger") == Figures([], [], [])
    for name in ("auditor", "dpo"):
        assert counted(exchanged, name) == counted(exchanged, "liaison")
