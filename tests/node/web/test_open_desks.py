"""An open desk is told that something changed, within one look, and only of what its officer may see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.sessions.models import Session
from django.test import AsyncClient, Client
from django.utils import timezone

from tansiq.engine.formats.times import format_time
from tansiq.node.accounts.models import Officer
from tansiq.node.desk import actions
from tansiq.node.web import open_desks
from tests.node.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks follow each other without a pause to speak of, and a silence is short."""
    monkeypatch.setattr(open_desks, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(open_desks, "KEEP_ALIVE", 0.05)


def put(key: str, **whom: Any) -> None:
    now = timezone.now()
    actions.put("entry", key, title_code="desk.entry", facts={}, now=now, **whom)


class Stream:
    """What a browser reads of one open desk."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self.pieces = pieces

    async def next_event(self) -> str:
        """The next that is neither advice nor silence."""
        async for piece in self.pieces:
            if b"event: " in piece:
                return piece.decode().split("event: ")[1].split("\n")[0]
        return "closed"

    async def silence(self) -> bool:
        """Whether a sign of life comes, and nothing before it."""
        async for piece in self.pieces:
            if b"event: " in piece:
                return False
            if piece.startswith(b": "):
                return True
        return False


async def open_for(world: World, name: str, since: str = "") -> Stream:
    client = AsyncClient()
    await client.aforce_login(await sync_to_async(world.officer)(name))
    answer = await client.get("/desk/events", {"since": since or format_time(timezone.now() + timedelta(seconds=9))})
    assert answer["Content-Type"] == "text/event-stream"
    assert "no-store" in answer["Cache-Control"]
    return Stream(answer.streaming_content)


def on_the_loop(story: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(story(), 30)

    async_to_sync(bounded)()


def test_a_new_and_a_changed_task_reach_every_desk_that_may_see_them_and_no_other(empty_world: World) -> None:
    async def story() -> None:
        mine, other = await open_for(empty_world, "liaison"), await open_for(empty_world, "stranger")
        assert await mine.silence()
        assert await other.silence()
        await sync_to_async(put)("one", circle="unit:ops")
        assert await mine.next_event() == "desk"
        assert await other.silence()
        empty_world.now += timedelta(seconds=1)
        await sync_to_async(actions.take)(
            await sync_to_async(empty_world.officer)("liaison"), "one", now=timezone.now()
        )
        assert await mine.next_event() == "desk"

    on_the_loop(story)


def test_what_changed_between_the_page_and_its_stream_is_told_at_once(empty_world: World) -> None:
    async def story() -> None:
        before = format_time(timezone.now())
        await sync_to_async(put)("early", circle="unit:ops")
        assert await (await open_for(empty_world, "liaison", before)).next_event() == "desk"
        assert await (await open_for(empty_world, "stranger", before)).silence()

    on_the_loop(story)


def test_a_browser_that_comes_back_after_long_is_told_to_look(empty_world: World) -> None:
    async def story() -> None:
        before = format_time(timezone.now() - open_desks.WINDOW)
        assert await (await open_for(empty_world, "liaison", before)).next_event() == "desk"

    on_the_loop(story)


@pytest.mark.parametrize("how", ["signed out", "expired", "left"])
def test_a_session_that_is_over_ends_the_stream(empty_world: World, how: str) -> None:
    def end() -> None:
        if how == "signed out":
            Session.objects.all().delete()
        elif how == "expired":
            Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
        else:
            Officer.objects.filter(username="liaison").update(is_active=False)

    async def story() -> None:
        stream = await open_for(empty_world, "liaison")
        assert await stream.silence()
        await sync_to_async(end)()
        assert await stream.next_event() == "end"
        assert await stream.next_event() == "closed"

    on_the_loop(story)


def test_a_hundred_desks_are_one_look(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    real = open_desks.look
    monkeypatch.setattr(open_desks, "KEEP_ALIVE", 30)

    async def story() -> None:
        all_seen, loop = asyncio.Event(), asyncio.get_running_loop()

        def counted(readers: Any, now: Any) -> Any:
            looks.append(len(readers))
            if len(readers) == 100:
                loop.call_soon_threadsafe(all_seen.set)
            return real(readers, now)

        monkeypatch.setattr(open_desks, "look", counted)
        officer = await sync_to_async(empty_world.officer)("liaison")
        await AsyncClient().aforce_login(officer)
        session = (await sync_to_async(Session.objects.get)()).session_key
        reader = open_desks.Reader(officer.reference, frozenset({"unit:ops"}), session, empty_world.now)
        streams = [Stream(open_desks.events(reader)) for _ in range(100)]
        first = [asyncio.create_task(one.next_event()) for one in streams]
        await all_seen.wait()
        await sync_to_async(put)("for-all", circle="unit:ops")
        assert await asyncio.gather(*first) == ["desk"] * 100
        assert set(looks) <= {1, 100}

    on_the_loop(story)


def test_nobody_who_is_not_signed_in_opens_a_stream(empty_world: World) -> None:
    async def story() -> None:
        answer = await AsyncClient().get("/desk/events")
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/accounts/login/")

    on_the_loop(story)


def test_a_server_without_a_loop_says_that_there_is_no_stream(empty_world: World) -> None:
    client = Client()
    client.force_login(empty_world.officer("liaison"))
    assert client.get("/desk/events").status_code == 204
