"""Outwards: what is owed is sealed in order, tried for ever with growing pauses, ended by a receipt or on a desk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import transaction

from tansiq.engine.envelopes import bodies
from tansiq.engine.envelopes.sealing import Sealed
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.errors import Rejected, Unavailable
from tansiq.engine.formats import canonical
from tansiq.node.desk.queries import list_for
from tansiq.node.exchange import actions, delivery, pulling, queries
from tansiq.node.exchange.models import InEnvelope, Item, Link, OutEnvelope
from tansiq.node.partners import actions as partners
from tests.node.far import Far, repeatable
from tests.node.world import World, leaves_nothing


def owe(world: World, *references: str, **told: Any) -> None:
    """Owe ma something small."""
    with transaction.atomic():
        for reference in references:
            content = {"v": 1, "status": "opened", "references": [], "code": ""}
            actions.queue(["ma"], "status", content, reference=reference, now=world.now, **told)


# -- queue and seal ------------------------------------------------------------------------------------------------------


def test_the_same_is_owed_once(world: World) -> None:
    owe(world, "a", "a", "b")
    owe(world, "b")
    assert sorted(Item.objects.values_list("reference", flat=True)) == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"text": "x" * (8 * 1024 * 1024)}, "exchange.item_too_large"),
        ({"deep": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}, "json.too_deep"),
        ({"many": [0] * 500_001}, "json.too_many_values"),
    ],
)
def test_what_no_partner_could_open_is_refused_before_it_is_owed(world: World, content: Any, code: str) -> None:
    with leaves_nothing(but=()), pytest.raises(Rejected) as caught:
        actions.queue(["ma"], "status", content, reference="x", now=world.now)
    assert caught.value.code == code


def test_urgent_things_go_first_and_the_rest_in_order(world: World) -> None:
    owe(world, "one", "two")
    owe(world, "urgent", urgent=True)
    world.settle()
    envelope = OutEnvelope.objects.get()
    order = [i.reference for i in sorted(envelope.items.all(), key=lambda i: (not i.urgent, i.pk))]
    assert order == ["urgent", "one", "two"]


def test_an_envelope_holds_so_much_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "BATCH_BYTES", 3000)
    for number in range(5):
        content = {"v": 1, "status": "opened", "references": ["a" * 64] * (25 if number == 2 else 10), "code": ""}
        with transaction.atomic():
            actions.queue(["ma"], "status", content, reference=str(number), now=world.now)
    world.settle()
    held = [sorted(e.items.values_list("reference", flat=True)) for e in OutEnvelope.objects.order_by("sequence")]
    assert [reference for references in held for reference in references] == [str(n) for n in range(5)]
    assert len(held) > 1
    assert [e.sequence for e in OutEnvelope.objects.order_by("sequence")] == list(range(1, len(held) + 1))


def test_each_envelope_names_the_one_before(world: World) -> None:
    from tansiq.engine.envelopes.dsse import Signed
    from tansiq.engine.envelopes.manifest import read_manifest

    for number in range(3):
        owe(world, str(number))
        world.settle()
    manifests = [read_manifest(Signed.from_json(e.manifest)) for e in OutEnvelope.objects.order_by("sequence")]
    assert [m.previous_manifest_digest for m in manifests] == [None, manifests[0].digest(), manifests[1].digest()]


# -- failures ------------------------------------------------------------------------------------------------------------


def test_pauses_grow_and_end_with_the_first_success(world: World) -> None:
    ma = world.fars["ma"]
    ma.is_down = True
    owe(world, "a")
    seen = []
    for _ in range(10):
        assert world.deliver() == 0
        link = Link.objects.get(partner="ma")
        seen.append((link.retry_at - world.now).total_seconds())
        assert (link.last_error, queries.partners_with_work(world.now, "w")) == ("exchange.unreachable", [])
        assert world.deliver() == 0, "it is not tried again before its time"
        world.now = link.retry_at + timedelta(seconds=1)
    for measured, pause in zip(seen, [1, 2, 5, 10, 30, 60, 60, 60, 60, 60], strict=True):
        assert pause <= measured <= pause * 1.25
    assert OutEnvelope.objects.get().attempts == 10
    ma.is_down = False
    world.settle()
    link = Link.objects.get(partner="ma")
    assert (link.failures, link.retry_at, link.last_error) == (0, None, "")
    assert Item.objects.get().delivered_at == world.now


def test_what_was_answered_and_not_taken_is_tried_less_and_less(world: World) -> None:
    owe(world, "a")
    world.deliver()
    for _ in range(9):
        actions.record_failure("ma", None, "envelope.early", world.now)
    link = Link.objects.get(partner="ma")
    assert link.retry_at is not None
    assert link.retry_at - world.now >= timedelta(minutes=15)


ANSWERS: list[tuple[str, tuple[int, bytes], str]] = [
    ("an error page", (500, b"<html>"), "exchange.answered"),
    ("a redirection", (302, b""), "exchange.answered"),
    ("a problem", (422, canonical.dumps({"code": "envelope.body_digest"})), "envelope.body_digest"),
    ("a problem without end", (422, b"{" + b'"a":1,' * 200_000), "exchange.answered"),
    ("no receipt", (200, b""), "exchange.no_receipt"),
    ("a list", (200, b"[]"), "exchange.no_receipt"),
    ("no DSSE", (200, b"{}"), "dsse.form"),
    ("too much", (200, b'{"a":"' + b"x" * 300_000 + b'"}'), "exchange.no_receipt"),
]


@pytest.mark.parametrize(("answer", "code"), [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS])
def test_whatever_is_no_receipt_is_tried_again(world: World, answer: tuple[int, bytes], code: str) -> None:
    ma = world.fars["ma"]
    ma.answers = [answer]
    owe(world, "a")
    assert world.deliver() == 0
    assert Link.objects.get(partner="ma").last_error == code
    row = OutEnvelope.objects.get()
    assert (row.state, row.attempts, row.code) == ("ready", 1, code)
    first = bytes(row.raw)
    world.later(seconds=10)
    ma.answers = []
    sent: list[bytes] = []
    serve = ma.serve
    ma.serve = lambda path, raw, now: (sent.append(raw), serve(path, raw, now))[1]  # type: ignore[method-assign]
    world.settle()
    assert sent == [first], "the same bytes again"
    assert Item.objects.get().delivered_at is not None


def test_one_dead_partner_holds_up_nobody_else(world: World) -> None:
    it = world.partner("it")
    world.fars["ma"].is_down = True
    with transaction.atomic():
        content = {"v": 1, "status": "opened", "references": [], "code": ""}
        actions.queue(["ma", "it"], "status", content, reference="x", now=world.now)
    world.settle()
    assert len(it.items("status")) == 1
    assert Item.objects.get(partner="ma").delivered_at is None


def test_what_expired_unreceipted_travels_anew(world: World) -> None:
    ma = world.fars["ma"]
    ma.is_down = True
    owe(world, "a")
    world.deliver()
    world.later(days=31)
    assert actions.replace_expired(world.now) == 1
    assert actions.replace_expired(world.now) == 0
    ma.is_down = False
    partners.renew("ma", ma.card(world.now, serial=2), now=world.now)
    world.settle()
    assert [e.state for e in OutEnvelope.objects.order_by("sequence")] == ["replaced", "delivered"]
    assert len(ma.items("status")) == 1


def test_a_receipt_that_comes_after_its_envelope_was_replaced_is_kept(world: World) -> None:
    ma = world.fars["ma"]
    owe(world, "a")
    assert actions.lease("ma", "w", world.now)
    row = actions.seal_next("ma", "w", world.now)
    actions.release("ma", "w")
    receipt = ma.receive(bytes(row.raw), world.now)
    assert actions.replace(row.envelope_id)
    actions.record_receipt("ma", receipt, world.now)
    world.settle()
    assert OutEnvelope.objects.get(pk=row.envelope_id).state == "delivered"
    assert not Item.objects.filter(delivered_at=None).exists()


def test_a_partner_whose_card_has_no_key_any_more_waits_for_a_newer_one(world: World) -> None:
    owe(world, "a")
    world.later(days=70)
    world.deliver()
    assert Link.objects.get(partner="ma").last_error == "card.no_key"
    ma = world.fars["ma"]
    ma.since = world.now - timedelta(hours=1)
    assert not OutEnvelope.objects.exists(), "no number was used"


def test_what_is_late_lies_on_a_desk_once(world: World) -> None:
    world.fars["ma"].is_down = True
    owe(world, "slow")
    owe(world, "quick", urgent=True)
    world.deliver()
    kinds: Callable[[], list[str]] = lambda: sorted(  # noqa: E731
        t.facts["reference"] for t in list_for(world.officer("liaison"), now=world.now).tasks if t.kind == "undelivered"
    )
    for hours, expected in ((1, []), (2, ["quick"]), (22, ["quick", "slow"])):
        world.later(hours=hours)
        actions.flag_undelivered(world.now)
        actions.flag_undelivered(world.now)
        assert kinds() == expected


def test_what_is_delivered_late_leaves_the_desk(world: World) -> None:
    ma = world.fars["ma"]
    ma.is_down = True
    owe(world, "quick", urgent=True)
    world.deliver()
    world.later(hours=3)
    actions.flag_undelivered(world.now)
    keys = {t.key for t in list_for(world.officer("liaison"), now=world.now).tasks}
    assert any(key.startswith("undelivered/") for key in keys)
    ma.is_down = False
    world.settle()
    keys = {t.key for t in list_for(world.officer("liaison"), now=world.now).tasks}
    assert not any(key.startswith("undelivered/") for key in keys)


def test_a_stored_receipt_under_a_revoked_key_is_not_asked_for_for_ever(world: World) -> None:
    """The partner receipted, the answer was lost, its key was revoked: the same receipt comes again, and counts for nothing."""
    ma = world.fars["ma"]
    owe(world, "a")
    thief = Ed25519Signer.generate(repeatable("not its key"))
    receive = ma.receive
    receipts = {"first": None}

    def stale(raw: bytes, now: Any) -> dict[str, Any]:
        good = receive(raw, now)
        first = receipts["first"] = receipts["first"] or raw
        return ma.receipt(Sealed.from_bytes(raw).opened_manifest, now, signer=thief) if raw == first else good

    ma.receive = stale  # type: ignore[method-assign]
    for _ in range(6):
        world.deliver()
        world.later(minutes=5)
    assert [e.state for e in OutEnvelope.objects.order_by("sequence")] == ["replaced", "delivered"]
    assert not Item.objects.filter(delivered_at=None).exists()


def test_what_a_partner_did_not_understand_is_not_late(world: World) -> None:
    owe(world, "a" * 64)
    world.settle()
    item = bodies.Item("status", {"status": "not_understood", "references": ["a" * 64], "code": ""})
    world.arrive(world.fars["ma"], item)
    assert queries.undelivered_since(world.later(days=9), urgent=False) == []


# -- the loop ------------------------------------------------------------------------------------------------------------


def test_the_loop_survives_a_partner_that_breaks_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    owe(world, "a")

    def breaks(*_: Any) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(actions, "seal_next", breaks)
    with httpx.Client() as http, pytest.raises(RuntimeError):
        delivery.deliver_to("ma", "w", http, world.clock, threading.Event())
    assert Link.objects.get(partner="ma").leased_by == "", "the lease is given back"


def test_a_partner_that_is_heard_from_is_not_left_for_minutes(world: World) -> None:
    """A bad line for half a minute, while the partner talks: each word wakes us into a failure, and they do not add up."""
    for _ in range(20):
        actions.record_failure("ma", None, "envelope.body_digest", world.now)
        actions.wake("ma")
        assert not queries.is_pausing("ma", world.now)
    actions.record_failure("ma", None, "envelope.body_digest", world.now)
    link = Link.objects.get(partner="ma")
    assert link.retry_at is not None
    assert link.retry_at - world.now < timedelta(seconds=15)


def test_what_a_failing_store_left_leased_is_taken_up_by_its_own_worker_alone(world: World) -> None:
    owe(world, "a")
    assert actions.lease("ma", "w/ma", world.now)
    assert queries.partners_with_work(world.now, "other") == []
    assert queries.partners_with_work(world.now, "w", but=["ma"]) == []
    assert queries.partners_with_work(world.now, "w") == ["ma"]


def test_a_stopped_loop_takes_nothing_up(world: World) -> None:
    owe(world, "a")
    stop = threading.Event()
    stop.set()
    with httpx.Client() as http:
        assert delivery.deliver_to("ma", "w", http, world.clock, stop) == 0
    assert not OutEnvelope.objects.exists()


def test_leases_of_a_dead_predecessor_are_given_back(world: World) -> None:
    owe(world, "a")
    assert actions.lease("ma", "main/ma", world.now)
    assert not actions.lease("ma", "main2/ma", world.now)
    actions.let_go("main")
    assert actions.lease("ma", "main2/ma", world.now)
    actions.let_go("main")
    assert Link.objects.get(partner="ma").leased_by == "main2/ma"


# -- fetching, when we are the one without an address ---------------------------------------------------------------------


@pytest.fixture
def hidden(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """This node cannot be reached from outside."""
    from tansiq.node.partners.models import Partner

    empty_world.partner("ma")
    Partner.objects.filter(is_self=True).update(url="")
    return empty_world


def fetch_all(world: World, answer: Callable[[httpx.Request], httpx.Response]) -> int:
    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        return pulling.pull_all(http, world.clock)


class Waiting:
    """A partner's door that holds envelopes for us until we receipt them."""

    def __init__(self, far: Far, raws: list[bytes]) -> None:
        self.far, self.raws, self.receipts, self.asked = far, raws, [], 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/peer/v1/pull":
            self.asked += 1
            return httpx.Response(200, content=b"".join(len(r).to_bytes(4, "big") + r for r in self.raws))
        self.receipts.append(request.content)
        return httpx.Response(200, content=b"{}")


def test_we_fetch_take_in_and_bring_receipts(hidden: World) -> None:
    ma = hidden.fars["ma"]
    status = bodies.Item("status", {"status": "opened", "references": []})
    raws = [ma.seal("fr", status, now=hidden.now).to_bytes() for _ in range(3)]
    door = Waiting(ma, raws)
    assert fetch_all(hidden, door) == 3
    assert len(door.receipts) == 3
    assert fetch_all(hidden, door) == 3, "and again: the same receipts"
    assert door.receipts[:3] == door.receipts[3:]
    assert InEnvelope.objects.count() == 3


def test_an_envelope_that_is_refused_holds_up_none_behind_it(hidden: World) -> None:
    ma = hidden.fars["ma"]
    status = bodies.Item("status", {"status": "opened", "references": []})
    good = ma.seal("fr", status, now=hidden.now).to_bytes()
    door = Waiting(ma, [b"nonsense", good[:-1], good])
    fetch_all(hidden, door)
    assert InEnvelope.objects.count() == 1
    assert len(door.receipts) == 1
    assert Link.objects.get(partner="ma").last_error == "envelope.not_one"


@pytest.mark.parametrize("cut", [b"\0", b"\0\0\0\x05ab", b"\xff\xff\xff\xff"])
def test_frames_that_do_not_add_up(hidden: World, cut: bytes) -> None:
    with leaves_nothing(but=("exchange.Link",)):
        fetch_all(hidden, lambda _request: httpx.Response(200, content=cut))
    assert Link.objects.get(partner="ma").last_error == "exchange.pull_frames"


def test_a_dead_partner_is_left_in_peace_for_a_while(hidden: World) -> None:
    tries = []

    def dead(request: httpx.Request) -> httpx.Response:
        tries.append(hidden.now)
        raise httpx.ConnectError("down", request=request)

    for _ in range(30):
        fetch_all(hidden, dead)
        hidden.later(seconds=1)
    assert 3 <= len(tries) <= 6
    with (
        pytest.raises(Unavailable, match=r"exchange\.unreachable"),
        httpx.Client(transport=httpx.MockTransport(dead)) as http,
    ):
        pulling.pull_from("ma", "http://ma.example", http, hidden.clock)


def test_a_node_with_an_address_fetches_nothing(world: World) -> None:
    assert fetch_all(world, lambda _request: httpx.Response(500)) == 0
    assert not Link.objects.exists()
