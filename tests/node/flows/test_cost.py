"""What an act and a taken entry cost: a bound on what is asked of the store, which otherwise grows unseen."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tansiq.node.flows import act as flow
from tansiq.node.flows.intents import Intent
from tests.node.world import World, request

ENTRIES = 20
SAVEPOINTS = ("SAVEPOINT", "RELEASE")


def statements(work: Callable[[], object]) -> float:
    """How many statements an entry needs of the store, savepoints left out."""
    with CaptureQueriesContext(connection) as captured:
        work()
    return sum(not query["sql"].startswith(SAVEPOINTS) for query in captured.captured_queries) / ENTRIES


def asked(world: World) -> str:
    """A request of ours that the partner has received."""
    world.accord("ma")
    dossier = flow.act(world.officer("liaison"), request("ma"), now=world.now).dossier_id
    world.settle()
    world.arrive(world.fars["ma"], *world.fars["ma"].machine(dossier, world.now))
    world.settle()
    return dossier


def test_an_act_asks_at_most_a_dozen_things_of_the_store(world: World) -> None:
    officer, intent = world.officer("liaison"), Intent(kind="request", act="remind", dossier=asked(world))
    flow.act(officer, intent, now=world.now)
    assert statements(lambda: [flow.act(officer, intent, now=world.now) for _ in range(ENTRIES)]) <= 12


def test_an_entry_among_others_asks_at_most_eight_things_of_the_store(world: World) -> None:
    dossier, far = asked(world), world.fars["ma"]
    entries = [far.act(dossier, "assign", world.now, codes={"unit": f"unit-{n}"}) for n in range(ENTRIES)]
    world.arrive(far, *entries, work=False)
    # The envelope itself – its job, its opening, its end – is shared by all of them.
    assert statements(world.work) <= 8 + 50 / ENTRIES
