"""The same world twice, without and with what another circle holds: to a stranger every page is the same, byte for byte.

Not only the rows: counts, choices in forms, suggestions, exports, headers and the size of an answer would tell that something is there. Pages
are asked with their forms empty and filled, as a page and as the part of one that htmx asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.node.api.test_integration import CHECK, Caller
from tests.node.flows.test_calling import KINDS
from tests.node.web.test_pages import signed_in
from tests.node.web.test_strangers import BY_NAME, SECRET, WITH_ID, rows_of_another_circle
from tests.node.world import World

pytestmark = pytest.mark.django_db
OF_THE_NODE = {
    "partners": "how the lines are doing is for everybody: what waits, and when something last came",
    "statistics": "asked of whoever answers for the whole node; a stranger's are compared below",
    "audit": "an auditor's; refused to a stranger",
    "language": "changes the language",
    "styleguide": "no data",
}
"""Pages without an id that are not compared, and why."""
ASKED = {
    "dossiers": ({"state": "all"}, {"reference": "PV 2026/1107"}, {"partner": "ma"}, {"kind": "request"}),
    "register": ({"q": SECRET}, {"q": "Youssef"}),
    "search": ({"q": SECRET},),
    "desk": ({"only": "urgent"}, {"only": "colleagues"}),
    "plans": ({"q": SECRET},),
    "alerts": ({"q": SECRET},),
    "people_roles": (),
}
CHANGING = re.compile(
    rb'name="csrfmiddlewaretoken" value="[^"]*"|hx-headers=\'[^\']*\'|nonce[^ ]*="[^"]*"|csrf[^ ]*"[^"]*"'
)
HEADERS = ("content-type", "content-length", "cache-control", "content-disposition", "location", "hx-redirect", "link")


def told(answer: Any) -> tuple[int, dict[str, str], bytes]:
    """What a reader can tell an answer by."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    headers = {name: answer[name] for name in HEADERS if name in answer and name != "content-length"}
    return answer.status_code, headers, CHANGING.sub(b"", body)


UUID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The number of a question: a new one each time."""


def walk(client: Client) -> Iterator[tuple[str, tuple[int, dict[str, str], bytes]]]:
    """Every page without an id, by name and what was asked of it."""
    for name in sorted(set(BY_NAME) - set(WITH_ID) - set(OF_THE_NODE)):
        if name == "desk_events":
            continue  # a stream that does not end
        for asked in ({}, *ASKED.get(name, ())):
            for headers in ({}, {"hx-request": "true"}):
                answer = client.get(reverse(name), asked, headers=headers)
                yield f"{name} {asked} {headers}", told(answer)


def searched(client: Client) -> tuple[int, dict[str, str], bytes]:
    """What the own register answers to the very name."""
    form = {"names": SECRET, "schema": "Person", "purpose": "investigation", "reference": "A/9"}
    answer = client.post("/search/", form, follow=True)
    status, headers, body = told(answer)
    return status, headers, UUID.sub(b"", body)


@pytest.mark.parametrize("who", ["stranger", "boundary"])
def test_a_stranger_sees_the_same_whether_or_not_another_circle_holds_something(world: World, who: str) -> None:
    accord = world.accord("ma", kinds=KINDS)
    world.settle()
    if who == "boundary":
        world.hire("boundary", "analyst", "prosecutor", "duty", "senior", unit="borders")
    client = signed_in(world, who)
    now = world.now
    question = searched(client)
    before = dict(walk(client))
    rows_of_another_circle(world, accord)
    world.now = now
    after = dict(walk(client))
    assert before.keys() == after.keys()
    assert len(before) > 40
    assert [_first(before[name], there, name) for name, there in after.items() if there != before[name]] == []
    assert searched(client) == question


def _first(before: Any, after: Any, name: str) -> str:
    """Where two answers differ first."""
    (_, _, old), (_, _, new) = before, after
    place = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    there = slice(max(0, place - 80), place + 80)
    return f"{name}: {before[:2]} {old[there]!r} -> {after[:2]} {new[there]!r}"


def test_another_units_system_is_answered_the_same(world: World) -> None:
    accord = world.accord("ma", kinds=KINDS)
    world.settle()
    system = Caller(world, unit="borders")
    asked = [
        ("GET", "desk", None),
        ("GET", "dossiers", None),
        ("POST", "check", CHECK | {"subject": {"names": [SECRET]}}),
    ]
    now = world.now

    def answers() -> list[tuple[int, bytes]]:
        return [(answer.status_code, UUID.sub(b"", answer.content)) for answer in (system(*one) for one in asked)]

    before = answers()
    rows_of_another_circle(world, accord)
    world.now = now
    assert [status for status, _ in before] == [200, 200, 200]
    assert answers() == before


def test_the_walk_would_find_a_leak(world: World) -> None:
    """The officer whose circle it is sees other pages, and not only one."""
    accord = world.accord("ma", kinds=KINDS)
    world.settle()
    client = signed_in(world, "liaison")
    now = world.now
    before = dict(walk(client))
    rows_of_another_circle(world, accord)
    world.now = now
    after = dict(walk(client))
    differing = {name.split()[0] for name in after if after[name] != before[name]}
    assert differing >= {"desk", "dossiers", "register", "plans", "channels"}
