"""Through a relay: neither node reaches the other, everything arrives once, receipts come back, and a relay is trusted with nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tansiq.engine.envelopes import words
from tansiq.engine.envelopes.cards import fingerprint, open_card
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.relaying import TOLD_TYPE, split
from tansiq.engine.envelopes.requests import PULL_TYPE, sign_request
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.errors import Refused, Rejected
from tansiq.engine.formats import canonical, strict_json
from tansiq.engine.formats.ids import b64encode
from tansiq.node.cli import setup
from tansiq.node.exchange import actions, delivery, relaying
from tansiq.node.exchange.models import InEnvelope, Item, Link, OutEnvelope
from tansiq.node.exchange.models import Relay as RelayRow
from tansiq.node.exchange.queries import partners_with_work
from tansiq.node.partners.actions import install_self
from tansiq.node.vault import keys
from tansiq.relay.door import application
from tansiq.relay.passing import Relay
from tansiq.relay.store import Store
from tests import loops
from tests.node.conftest import stream
from tests.node.far import Far, repeatable
from tests.node.world import World


class Relayed:
    """A relay between this node and ``ma``, which cannot be reached; what the network does is here."""

    def __init__(self, world: World, folder: Path, name: str = "xr-one") -> None:
        self.world, self.name, self.is_down = world, name, False
        key = Ed25519Signer.generate(repeatable(name))
        self.relay = Relay(name, key, Store(folder / f"{name}.sqlite3"))
        self.app = application(self.relay, world.clock)
        for card in (world.own_card, world.fars["ma"].card(world.now)):
            self.enrol(card)
        told = {"relay": name, "url": f"http://{name}.example", "key": b64encode(key.public)}
        spoken = " ".join(words.spell(fingerprint(key.public), "ar"))
        relaying.add_relay(told, spoken=spoken, actor="administrator", now=world.now)

    def enrol(self, card: dict[str, Any]) -> None:
        signed = Signed.from_json(card)
        self.relay.store.put_node(open_card(signed, pinned_root=None), signed)

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.is_down:
            raise httpx.ConnectError("down", request=request)

        async def go() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app=self.app), base_url="http://r") as http:
                return await http.request(request.method, request.url.path, content=request.content)

        told = loops.run(go())
        return httpx.Response(told.status_code, content=told.content)

    def fetched_by(self, far: Far) -> list[dict[str, Any]]:
        """``far`` dials in at the relay, takes what waits and leaves its receipts."""
        now = self.world.now
        asked = sign_request(PULL_TYPE, far.node, sender=far.node_id, to=self.name, nonce=b"1", now=now)
        came = [far.receive(raw, now) for raw in split(self.relay.give(asked, now))]
        for receipt in came:
            self.relay.take_receipt(canonical.dumps(receipt), now)
        return came


@pytest.fixture
def far(empty_world: World) -> Far:
    return empty_world.partner("ma", url=None)


@pytest.fixture
def one(empty_world: World, far: Far, tmp_path: Path) -> Iterator[Relayed]:
    made = Relayed(empty_world, tmp_path)
    relaying.set_route("ma", ["xr-one"], actor="administrator", now=empty_world.now)
    yield made
    made.relay.store.close()


def client(*relays: Relayed) -> httpx.Client:
    by_host = {f"{relay.name}.example": relay for relay in relays}
    return httpx.Client(transport=httpx.MockTransport(lambda request: by_host[request.url.host].answer(request)))


def deliver(world: World, *relays: Relayed) -> int:
    import threading

    with client(*relays) as http:
        return sum(
            delivery.deliver_to(partner, "test", http, world.clock, threading.Event())
            for partner in partners_with_work(world.now, "w")
        )


def fetch(world: World, *relays: Relayed) -> int:
    with client(*relays) as http:
        return relaying.fetch_all(http, world.clock)


def owe(world: World, number: int = 1) -> None:
    for place in range(number):
        actions.queue(["ma"], "status", {"v": 1, "status": "opened", "references": [], "code": ""},
                      reference=f"r/{place}/{world.now.isoformat()}", now=world.now)  # fmt: skip


def test_what_is_owed_is_relayed_fetched_and_receipted(empty_world: World, far: Far, one: Relayed) -> None:
    owe(empty_world)
    assert deliver(empty_world, one) == 1
    (row,) = OutEnvelope.objects.all()
    assert (row.state, row.relay) == (OutEnvelope.RELAYED, "xr-one")
    assert row.relayed["payloadType"].endswith("relayed+json")
    assert Item.objects.filter(delivered_at=None).count() == 1, "a relay's word is not the partner's receipt"
    assert deliver(empty_world, one) == 0, "it is not handed over twice"
    assert len(one.fetched_by(far)) == 1
    assert fetch(empty_world, one) == 1
    row.refresh_from_db()
    assert (row.state, row.raw) == (OutEnvelope.DELIVERED, None)
    assert Item.objects.filter(delivered_at=None).count() == 0
    assert fetch(empty_world, one) == 0, "each receipt comes once"


def test_the_next_envelope_does_not_wait_for_the_receipt(empty_world: World, far: Far, one: Relayed) -> None:
    owe(empty_world)
    deliver(empty_world, one)
    empty_world.later(seconds=1)
    owe(empty_world)
    deliver(empty_world, one)
    assert [r.sequence for r in OutEnvelope.objects.filter(state=OutEnvelope.RELAYED).order_by("sequence")] == [1, 2]
    assert len(one.fetched_by(far)) == 2


def test_what_comes_through_a_relay_is_taken_in_once_and_receipted(empty_world: World, far: Far, one: Relayed) -> None:
    from tansiq.engine.envelopes import bodies

    raw = far.seal("fr", bodies.Item("status", {"status": "opened", "references": []}), now=empty_world.now).to_bytes()
    one.relay.take(raw, empty_world.now)
    assert fetch(empty_world, one) == 1
    assert InEnvelope.objects.count() == 1
    asked = sign_request(TOLD_TYPE, far.node, sender="ma", to="xr-one", nonce=b"1", now=empty_world.now, after=0)
    (told,) = split(one.relay.give_receipts(asked, empty_world.now))
    value = strict_json.loads(told)
    assert isinstance(value, dict)
    assert value["receipt"] == InEnvelope.objects.get().receipt
    assert fetch(empty_world, one) == 0


def test_what_a_suspended_partner_left_holds_up_nobody(empty_world: World, far: Far, one: Relayed) -> None:
    from tansiq.engine.envelopes import bodies
    from tansiq.node.partners import actions as partners

    item = bodies.Item("status", {"status": "opened", "references": []})
    second = empty_world.partner("it", url=None)
    one.enrol(second.card(empty_world.now))
    one.relay.take(far.seal("fr", item, now=empty_world.now).to_bytes(), empty_world.now)
    one.relay.take(second.seal("fr", item, now=empty_world.now).to_bytes(), empty_world.now + timedelta(seconds=1))
    partners.suspend("ma", suspended=True, actor="administrator", now=empty_world.now)
    fetch(empty_world, one)
    assert [row.sender for row in InEnvelope.objects.all()] == ["it"]


def test_the_next_relay_takes_over_from_one_that_is_down(
    empty_world: World, far: Far, one: Relayed, tmp_path: Path
) -> None:
    two = Relayed(empty_world, tmp_path, "xr-two")
    relaying.set_route("ma", ["xr-one", "xr-two"], actor="administrator", now=empty_world.now)
    one.is_down = True
    owe(empty_world)
    assert deliver(empty_world, one, two) == 0
    assert Link.objects.get(partner="ma").last_error == "relay.unreachable"
    empty_world.later(seconds=5)
    assert deliver(empty_world, one, two) == 1
    assert OutEnvelope.objects.get().relay == "xr-two"
    assert len(two.fetched_by(far)) == 1
    assert fetch(empty_world, one, two) == 1, "a relay that is down does not keep us from the other"
    assert RelayRow.objects.get(pk="xr-one").last_error == "relay.unreachable"
    two.relay.store.close()


def test_what_a_relay_lost_is_offered_again(empty_world: World, far: Far, one: Relayed) -> None:
    owe(empty_world)
    deliver(empty_world, one)
    one.relay.store._db.execute("DELETE FROM envelope")
    assert relaying.offer_again(empty_world.now) == 0
    empty_world.later(hours=7)
    assert relaying.offer_again(empty_world.now) == 1
    deliver(empty_world, one)
    assert len(one.fetched_by(far)) == 1
    assert len({row.envelope_id for row in OutEnvelope.objects.all()}) == 1, "the same bytes"


def test_a_word_that_is_not_the_relays_is_no_hand_over(empty_world: World, one: Relayed) -> None:
    one.relay.signer = Ed25519Signer.generate(repeatable("thief"))
    owe(empty_world)
    assert deliver(empty_world, one) == 0
    assert OutEnvelope.objects.get().state == OutEnvelope.READY


def test_our_newer_card_is_brought_to_a_relay_that_has_an_older_one(empty_world: World, one: Relayed) -> None:
    told = {"state": "FR", "url": "", "phone": "", "email": "", "languages": "fr"}
    older = setup.make_card(
        "fr", {"fr": "France"}, told, empty_world.root, keys.generate(empty_world.now, stream("older")), serial=1,
        now=empty_world.now,
    )  # fmt: skip
    newer = setup.make_card(
        "fr", {"fr": "France"}, told, empty_world.root, keys.current(), serial=2, now=empty_world.now
    )
    install_self(newer, actor="administrator", now=empty_world.now)
    one.enrol(older)
    owe(empty_world)
    assert deliver(empty_world, one) == 0
    assert Link.objects.get(partner="ma").last_error == "envelope.key_unknown"
    empty_world.later(seconds=5)
    assert deliver(empty_world, one) == 1


def test_a_route_names_relays_in_use_and_ends_with_them(empty_world: World, one: Relayed) -> None:
    with pytest.raises(Rejected, match=r"relay\.unknown"):
        relaying.set_route("ma", ["xr-none"], actor="administrator", now=empty_world.now)
    with pytest.raises(Rejected, match=r"partner\.unknown"):
        relaying.set_route("zz", ["xr-one"], actor="administrator", now=empty_world.now)
    card = {"relay": "xr-x", "url": "http://x", "key": b64encode(Ed25519Signer.generate(repeatable("x")).public)}
    spoken = " ".join(words.spell(fingerprint(one.relay.signer.public), "en"))
    with pytest.raises(Refused, match=r"relay\.fingerprint_differs"):
        relaying.add_relay(card, spoken=spoken, actor="administrator", now=empty_world.now)
    relaying.drop_relay("xr-one", actor="administrator", now=empty_world.now)
    assert relaying.route_of("ma") == []
    assert relaying.relays() == []
