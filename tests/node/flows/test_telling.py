"""What machines of ours are told: every state of every task of theirs, signed, at least once, under one id."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest

from tansiq.node.clients import actions as clients
from tansiq.node.clients.models import Notice
from tansiq.node.desk import actions as desk
from tansiq.node.flows import telling
from tests.node.world import World

URL = "http://127.0.0.1:9/hook"


class Hook:
    """The machine that is told: what came, and what it answers."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.came: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.came.append(request)
        status = self.answers.pop(0) if self.answers else 204
        if not status:
            raise httpx.ConnectError("down", request=request)
        return httpx.Response(status)

    def tasks(self) -> list[str]:
        return [json.loads(one.content)["data"]["task"] for one in self.came]


@pytest.fixture
def told(world: World) -> tuple[World, Hook, str]:
    clients.add("cases", "Case system", unit="ops", scopes=["desk"], actor="administrator", now=world.now)
    secret = clients.tell_at("cases", URL, actor="administrator", now=world.now).secret
    return world, Hook(), secret


def put(world: World, key: str, **changed: Any) -> None:
    facts = {"title_code": "desk.approved", "facts": {"act": "open"}, "circle": "unit:ops", "now": world.now}
    desk.put("approved", key, **(facts | changed))


def turn(world: World, hook: Hook) -> int:
    with httpx.Client(transport=httpx.MockTransport(hook)) as http:
        return telling.turn(http, world.clock)


def test_each_state_of_a_task_is_told_once_and_nobody_elses(told: tuple[World, Hook, str]) -> None:
    world, hook, _ = told
    put(world, "a")
    put(world, "theirs", circle="unit:borders")
    assert (turn(world, hook), turn(world, hook)) == (1, 0)
    world.later(minutes=1)
    put(world, "a", urgent=True)
    assert turn(world, hook) == 1
    assert hook.tasks() == ["a", "a"]
    assert json.loads(hook.came[1].content)["data"]["urgent"] is True


def test_a_notice_is_signed_as_standard_webhooks_say_and_holds_no_content(told: tuple[World, Hook, str]) -> None:
    world, hook, secret = told
    put(world, "a", facts={"name": "Youssef Ziani"})
    turn(world, hook)
    (request,) = hook.came
    raw = secret.removeprefix("whsec_")
    key = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.content
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{wanted}"
    assert b"Youssef" not in request.content


def test_a_machine_that_is_down_is_told_later_under_the_same_id(told: tuple[World, Hook, str]) -> None:
    world, hook, _ = told
    put(world, "a")
    put(world, "b")
    hook.answers = [0]
    assert turn(world, hook) == 0
    assert len(hook.came) == 1, "one try a turn"
    world.later(seconds=4)
    hook.answers = [500]
    turn(world, hook)
    world.later(minutes=5)
    assert turn(world, hook) == 2
    ids = [one.headers["webhook-id"] for one in hook.came]
    assert len(set(ids)) == 2
    assert Notice.objects.filter(told_at=None).count() == 0


def test_what_is_no_more_is_not_told(told: tuple[World, Hook, str]) -> None:
    world, hook, _ = told
    put(world, "a", link="/x")
    hook.answers = [0]
    turn(world, hook)
    desk.forget("/x")
    world.later(hours=1)
    assert turn(world, hook) == 0
    assert Notice.objects.count() == 0


def test_a_revoked_client_is_told_nothing(told: tuple[World, Hook, str]) -> None:
    world, hook, _ = told
    put(world, "a")
    clients.revoke("cases", actor="administrator", now=world.now)
    assert turn(world, hook) == 0


def test_old_notices_go_but_an_open_task_is_not_told_again(told: tuple[World, Hook, str]) -> None:
    world, hook, _ = told
    put(world, "open")
    put(world, "settled")
    turn(world, hook)
    desk.settle("settled", now=world.now)
    world.later(days=31)
    telling.sweep(world.now)
    assert list(Notice.objects.values_list("task", flat=True)) == ["open"]
    assert turn(world, hook) == 0
