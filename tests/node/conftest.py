"""What tests of the node stand on: an unlocked vault with keys that are the same in every run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.node.world import World

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def stream(seed: str) -> Callable[[int], bytes]:
    """A deterministic source of bytes for ``seed``."""
    counter = iter(range(1_000_000_000))

    def random(size: int) -> bytes:
        out = b""
        while len(out) < size:
            out += hashlib.sha256(f"{seed}/{next(counter)}".encode()).digest()
        return out[:size]

    return random


@pytest.fixture(autouse=True)
def unlocked_vault() -> Iterator[None]:
    """Every test of the node runs with the vault open."""
    from tansiq.node.vault import keys

    keys.install(keys.generate(NOW, stream("vault")))
    yield
    keys.install(None)


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """No test speaks the language of the one before it: a page leaves the reader's language behind in its thread."""
    from django.utils import translation

    translation.deactivate()
    yield
    translation.deactivate()


@pytest.fixture
def now() -> datetime:
    """The instant at which tests happen."""
    return NOW


@pytest.fixture
def empty_world(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """This node with its staff, and nobody enrolled."""
    from tansiq.node.register import index
    from tests.node.world import World

    index.forget()
    world = World(monkeypatch)
    world.staff()
    yield world
    index.forget()


@pytest.fixture
def world(empty_world: World) -> World:
    """This node with its staff, and ``ma`` enrolled and reachable."""
    empty_world.partner("ma")
    return empty_world
