"""Whatever was made of a part before its author recalls it, afterwards no column of the store can be read of it, and each hop was asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tansiq.node.dossiers.models import Forwarded
from tansiq.node.flows import searching
from tansiq.node.register import index
from tests.node.flows.test_erasing_places import drafted, opened
from tests.node.flows.test_forwarding import came, pass_on, passing, recall
from tests.node.world import World, narrative, rolled_back

WORDS = ("ZORGLUB", "Samir Talbi")


def search(world: World, _report: Any) -> None:
    """The analyst looks for the subject; the search is kept."""
    searching.search(
        world.officer("liaison"),
        searching.Fields(schema="Person", names=("Samir Talby",)),
        purpose="investigation",
        now=world.now,
    )


def quote(world: World, _report: Any) -> None:
    """A draft quotes the narrative, made long enough to be known again."""
    drafted(world, narrative("facts", "nothing of theirs"))


def hand_on(world: World, report: Any) -> None:
    """Both parts go on to Italy."""
    pass_on(world, passing(report))


def hand_on_one(world: World, report: Any) -> None:
    """One part goes on."""
    pass_on(world, passing(report, 1))


def wait(world: World, _report: Any) -> None:
    """Italy cannot be reached: what is on its way to it waits here."""
    world.fars["it"].is_down = not world.fars["it"].is_down


DEEDS: list[Callable[[World, Any], None]] = [search, quote, hand_on, hand_on_one, wait]


@given(deeds=st.lists(st.sampled_from(DEEDS), max_size=4))
@settings(
    max_examples=6,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_nothing_remains_wherever_it_went(world: World, deeds: list[Callable[[World, Any], None]]) -> None:
    start, memory = world.now, {name: far.remembered() for name, far in world.fars.items()}
    with rolled_back():
        ma, report = came(world)
        for deed in deeds:
            deed(world, report)
        world.arrive(ma, recall(world, ma, report.entry_id))
        world.fars["it"].is_down = False
        world.later(minutes=20)
        world.settle()
        assert ma.dossiers[report.entry_id].of("confirm")
        assert not Forwarded.objects.filter(recalled_by="").exists()
        for row in Forwarded.objects.all():
            asked = world.fars["it"].dossiers[row.dossier_id].of("recall_part")
            assert row.part in {entry.header.codes["part"] for entry in asked}
        found = {(place, word) for place, value in opened() for word in WORDS if word in value}
        assert found == set(), deeds
    world.now = start
    index.forget()
    world.fars.pop("it", None)
    for name, far in world.fars.items():
        if name in memory:
            far.recalled(memory[name])
