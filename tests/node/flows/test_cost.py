"""What an act and a taken entry cost: a bound on the questions asked of the store, which grow unseen."""

from __future__ import annotations

import time

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tansiq.node.flows import act as flow
from tansiq.node.flows.intents import Intent
from tests.node.world import World, request

ENTRIES = 20


def asked(world: World) -> str:
    """A dossier of ours at which the partner may act."""
    world.accord("ma")
    dossier = flow.act(world.officer("liaison"), request("ma"), now=world.now).dossier_id
    world.settle()
    return dossier


def test_an_act_asks_the_store_few_questions(world: World) -> None:
    dossier = asked(world)
    officer = world.officer("liaison")
    intent = Intent(kind="request", act="remind", dossier=dossier)
    flow.act(officer, intent, now=world.now)
    with CaptureQueriesContext(connection) as asked_of_store:
        begin = time.process_time()
        for _ in range(ENTRIES):
            flow.act(officer, intent, now=world.now)
        spent = time.process_time() - begin
    print("ACT", len(asked_of_store) / ENTRIES, spent / ENTRIES * 1000)
    for q in asked_of_store.captured_queries[-len(asked_of_store) // ENTRIES :]:
        print(q["sql"][:150])


def test_a_taken_entry_asks_the_store_few_questions(world: World) -> None:
    dossier = asked(world)
    far = world.fars["ma"]
    world.arrive(far, *far.machine(dossier, world.now))
    world.settle()
    entries = [far.act(dossier, "assign", world.now, codes={"unit": f"unit-{n}"}) for n in range(ENTRIES)]
    world.arrive(far, *entries, work=False)
    with CaptureQueriesContext(connection) as asked_of_store:
        begin = time.process_time()
        world.work()
        spent = time.process_time() - begin
    print("TAKE", len(asked_of_store) / ENTRIES, spent / ENTRIES * 1000)
    n = len(asked_of_store)
    for q in asked_of_store.captured_queries[n // 2 - 25 : n // 2 + 5]:
        print(q["sql"][:150])
