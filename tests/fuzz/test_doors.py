"""What goes through the node's doors and is refused leaves nothing behind: whole envelopes, and items of every type."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tansiq.engine.envelopes import bodies
from tansiq.engine.errors import Refused, Rejected
from tansiq.node.flows import incoming
from tests.fuzz.mutations import changed
from tests.node.conftest import empty_world, own_language, unlocked_vault, world  # noqa: F401 - the fixtures of the node
from tests.node.world import World, rolled_back, rows
from tests.node.world import changed as differing

EXAMPLES = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), database=None)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20) | st.just("a" * 64)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = (
    "v", "dossier", "entries", "dossiers", "after", "until", "status", "references", "code", "query", "fields", "purpose", "crime_area",
    "outcome", "hits", "blob", "state", "checkpoint", "consistency", "cosigned", "header", "parts", "payloadType", "payload",
    "signatures", "epoch", "scheme", "public", "ends_at", "filters", "family", "place", "content", "families", "asked_by", "elements", "proof",
)  # fmt: skip
CONTENT = st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=8)


@pytest.mark.parametrize("path", ["envelopes", "receipts", "pull", "blobs/read", "blobs/write"])
def test_a_door_that_refuses_stores_nothing(world: World, path: str) -> None:  # noqa: F811
    ma = world.fars["ma"]
    seeds = [
        ma.seal("fr", bodies.Item("status", {"v": 1}), now=world.now).to_bytes(),
        ma.pull_request("fr", world.now),
        b"\x00\x00\x00\x02{}",
    ]
    before = rows()

    @EXAMPLES
    @given(changed(seeds))
    def each(raw: bytes) -> None:
        with rolled_back():
            answer = world.post(path, raw)
            assert answer.status_code < 500 or answer.status_code == 503, answer.content
            if answer.status_code >= 400:
                assert answer.json()["code"]
                assert differing(before, rows()) == []

    each()


@pytest.mark.parametrize("type_", sorted(incoming.HANDLERS))
def test_an_item_of_any_content_is_taken_or_refused(world: World, type_: str) -> None:  # noqa: F811
    """Whatever a handler raises but the tree's two refusals would be tried again for ever."""
    before = rows(but=("audit.Event",))

    @EXAMPLES
    @given(CONTENT)
    def each(content: dict[str, Any]) -> None:
        with rolled_back():
            try:
                incoming.take("ma", bodies.Item(type_, content), world.now)
            except (Rejected, Refused):
                assert differing(before, rows(but=("audit.Event",))) == []

    each()
