"""The partners' doors: every wrong knock gets a clear error that names place and rule, and leaves nothing behind."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tansiq.engine.envelopes import bodies
from tansiq.engine.envelopes.sealing import MAGIC, MAX_ENVELOPE, MAX_MANIFEST, Sealed
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.formats import canonical
from tansiq.node.api.bounds import MAX_PAGE, bounded
from tansiq.node.audit.models import Event
from tansiq.node.desk.queries import list_for
from tansiq.node.exchange.models import Contradiction, InEnvelope, OutEnvelope
from tansiq.node.partners import actions as partners
from tests import loops
from tests.node.far import Far, repeatable
from tests.node.world import World, changed, leaves_nothing, rows

STATUS = bodies.Item("status", {"status": "opened", "references": []})


def refused(world: World, raw: bytes, *, path: str = "envelopes", but: tuple[str, ...] = ()) -> tuple[int, str]:
    """What the door answers; nothing was stored but in the tables ``but``."""
    before = rows(but=but)
    answer = world.post(path, raw)
    assert changed(before, rows(but=but)) == []
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["title"], "a sentence"
    assert "signatures" not in told
    return answer.status_code, told["code"]


def framed(manifest: bytes, sealed: bytes = b"x") -> bytes:
    return MAGIC + len(manifest).to_bytes(4, "big") + manifest + sealed


# -- framing -------------------------------------------------------------------------------------------------------------

FRAMING: list[tuple[str, bytes, str]] = [
    ("next to nothing", b" ", "envelope.not_one"),
    ("prose", b"Dear colleague", "envelope.not_one"),
    ("another version", b"TANSIQ2\n" + b"\0" * 100, "envelope.not_one"),
    ("magic alone", MAGIC, "envelope.cut_off"),
    ("no length", MAGIC + b"\0\0", "envelope.cut_off"),
    ("length beyond the end", MAGIC + b"\0\0\x10\0{}", "envelope.cut_off"),
    ("no body", framed(b"{}", b""), "envelope.cut_off"),
    ("manifest too long", MAGIC + (MAX_MANIFEST + 1).to_bytes(4, "big") + b"x" * 100, "envelope.manifest_too_large"),
    ("manifest no JSON", framed(b"<xml/>"), "json.syntax"),
    ("key twice", framed(b'{"payload":1,"payload":2}'), "json.duplicate_key"),
    ("not a number", framed(b'{"payload":NaN}'), "json.not_a_number"),
    ("too deep", framed(b"[" * 50 + b"]" * 50), "json.too_deep"),
    ("no DSSE", framed(b"{}"), "dsse.form"),
    ("a list", framed(b"[]"), "dsse.form"),
    ("lone surrogate", framed(b'{"payload":"\\ud800"}'), "json.lone_surrogate"),
]


@pytest.mark.parametrize(("raw", "code"), [(raw, code) for _, raw, code in FRAMING], ids=[name for name, *_ in FRAMING])
def test_bytes_that_are_no_envelope(world: World, raw: bytes, code: str) -> None:
    status, told = refused(world, raw)
    assert (status, told) == (422, code)


def spoiled(change: Callable[[bytearray], None], raw: bytes) -> bytes:
    out = bytearray(raw)
    change(out)
    return bytes(out)


MANIFEST: list[tuple[str, dict[str, Any], tuple[int, str]]] = [
    ("to itself", {"recipient": "ma"}, (422, "manifest.to_itself")),
    ("lives too long", {"expires_at": timedelta(days=31)}, (422, "manifest.life")),
    ("expires before", {"expires_at": timedelta(days=-1)}, (422, "manifest.life")),
    ("first that is not", {"sequence": 5, "previous_manifest_digest": None}, (422, "manifest.first")),
    ("to another", {"recipient": "it"}, (422, "envelope.not_for_us")),
    ("expired", {"created_at": timedelta(days=-20), "expires_at": timedelta(days=-1)}, (422, "envelope.key_not_valid")),
    (
        "expired an hour ago",
        {"created_at": timedelta(hours=-5), "expires_at": timedelta(hours=-1)},
        (422, "envelope.expired"),
    ),
    ("from tomorrow", {"created_at": timedelta(days=1), "expires_at": timedelta(days=2)}, (503, "envelope.early")),
]


@pytest.mark.parametrize(("changes", "told"), [(c, t) for _, c, t in MANIFEST], ids=[name for name, *_ in MANIFEST])
def test_a_manifest_that_breaks_a_rule(world: World, changes: dict[str, Any], told: tuple[int, str]) -> None:
    from tansiq.engine.envelopes.manifest import Manifest

    ma = world.fars["ma"]
    times = {name: world.now + value if isinstance(value, timedelta) else value for name, value in changes.items()}
    good = ma.seal("fr", STATUS, now=world.now)
    value = {
        **good.opened_manifest.to_json(),
        **Manifest.model_construct(**times).model_dump(mode="json", exclude_unset=True),
    }
    from tansiq.engine.envelopes import dsse

    signed = dsse.sign(Manifest.payload_type, canonical.dumps(value), [ma.node])
    assert refused(world, Sealed(signed, good.sealed).to_bytes()) == told


def test_a_stranger_gets_an_unsigned_refusal(world: World) -> None:
    stranger = Far("de", world.now)
    stranger.knows(world.own_card)
    assert refused(world, stranger.seal("fr", STATUS, now=world.now).to_bytes()) == (401, "envelope.sender_unknown")


def test_a_suspended_partner_is_a_stranger(world: World) -> None:
    partners.suspend("ma", suspended=True, actor="administrator", now=world.now)
    raw = world.fars["ma"].seal("fr", STATUS, now=world.now).to_bytes()
    assert refused(world, raw) == (401, "envelope.sender_unknown")
    partners.suspend("ma", suspended=False, actor="administrator", now=world.now)
    assert world.post("envelopes", raw).status_code == 200


def test_somebody_elses_signature(world: World) -> None:
    ma, thief = world.fars["ma"], Ed25519Signer.generate(repeatable("thief"))
    assert refused(world, ma.seal("fr", STATUS, now=world.now, node_signer=thief).to_bytes()) == (
        503,
        "envelope.key_unknown",
    )


def test_a_flipped_bit_anywhere(world: World) -> None:
    """Whichever byte is changed: nothing is stored, and the answer is an error of ours."""
    raw = world.fars["ma"].seal("fr", STATUS, now=world.now).to_bytes()
    before = rows()
    for place in [*range(12), *range(12, len(raw), 97)]:
        answer = world.post("envelopes", spoiled(lambda out, at=place: out.__setitem__(at, out[at] ^ 1), raw))
        assert answer.status_code in {401, 413, 422, 503}, place
        assert answer.json()["code"]
    assert changed(before, rows()) == []


def test_a_body_of_another_length_or_digest(world: World) -> None:
    raw = world.fars["ma"].seal("fr", STATUS, now=world.now).to_bytes()
    assert refused(world, raw + b"x") == (422, "envelope.body_length")
    assert refused(world, raw[:-1]) == (422, "envelope.body_length")
    assert refused(world, raw[:-1] + b"\0" if raw[-1] else raw[:-1] + b"\1") == (422, "envelope.body_digest")


# -- replays -------------------------------------------------------------------------------------------------------------


def test_the_same_again_gets_the_same_receipt_and_changes_nothing(world: World) -> None:
    raw = world.fars["ma"].seal("fr", STATUS, now=world.now).to_bytes()
    first = world.post("envelopes", raw)
    world.settle()
    world.later(days=2)
    with leaves_nothing(but=()):
        again = world.post("envelopes", raw)
    assert again.content == first.content
    assert InEnvelope.objects.count() == 1


def test_the_same_id_with_other_bytes_is_refused_and_kept_as_evidence(world: World) -> None:
    ma = world.fars["ma"]
    first = ma.seal("fr", STATUS, now=world.now)
    world.post("envelopes", first.to_bytes())
    told = first.opened_manifest
    second = ma.seal("fr", STATUS, now=world.now + timedelta(seconds=1), envelope_id=told.envelope_id)
    evidence = ("audit.Event", "desk.Task", "exchange.Contradiction")
    assert refused(world, second.to_bytes(), but=evidence) == (422, "envelope.id_reused")
    row = Contradiction.objects.get()
    assert (row.sender, row.envelope_id, row.manifest) == ("ma", told.envelope_id, second.manifest.to_json())
    assert any("sequence_forked" in t.key for t in list_for(world.officer("liaison"), now=world.now).tasks)
    with leaves_nothing(but=()):
        world.post("envelopes", second.to_bytes())
    assert Event.objects.filter(event="envelope.id_reused").count() == 1


def test_an_envelope_that_does_not_open_lies_on_a_desk_and_stops_nobody(world: World) -> None:
    ma = world.fars["ma"]
    other = Far("it", world.now)
    world.arrive(ma, STATUS, mailbox=other.mailbox.recipient())
    world.arrive(ma, body=b"no body at all")
    world.arrive(ma, body=canonical.dumps({"v": 2, "checkpoint": None, "items": []}))
    world.arrive(ma, body=canonical.dumps({"v": 1, "checkpoint": None, "items": [{"type": "X", "content": {}}]}))
    world.arrive(ma, STATUS)
    assert list(InEnvelope.objects.order_by("sequence").values_list("state", "code")) == [
        ("failed", "envelope.mailbox_unknown"),
        ("failed", "json.syntax"),
        ("failed", "body.version"),
        ("failed", "body.form"),
        ("opened", ""),
    ]
    keys = [t.key for t in list_for(world.officer("liaison"), now=world.now).tasks]
    assert sum(key.startswith("envelope/") for key in keys) == 4


# -- sizes ---------------------------------------------------------------------------------------------------------------


def test_too_large_is_refused_by_its_stated_length(world: World) -> None:
    with leaves_nothing(but=()):
        answer = world.client.generic(
            "POST", "/peer/v1/envelopes", data=b"x" * 10, content_type="x/y", CONTENT_LENGTH=str(MAX_ENVELOPE + 1)
        )
    assert (answer.status_code, answer.json()["code"]) == (413, "envelope.too_large")


def test_no_body_at_all(world: World) -> None:
    for path in ("envelopes", "receipts", "pull"):
        assert refused(world, b"", path=path) == (411, "api.length_required")


@pytest.mark.parametrize("stated", ["", "-1", "a lot", "\xb2", "1e3"])
def test_a_length_that_is_no_number_is_refused(world: World, stated: str) -> None:
    answer = world.client.generic("POST", "/peer/v1/envelopes", data=b"x", content_type="x/y", CONTENT_LENGTH=stated)
    assert (answer.status_code, answer.json()["code"]) == (411, "api.length_required")


def knock(path: str, headers: list[tuple[bytes, bytes]]) -> tuple[int, dict[str, Any]]:
    """At the server's own door: what is answered before a byte of the body is asked for."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("the body was read")

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        await _send({"type": "http.response.start", "status": 200, "headers": []})
        await _send({"type": "http.response.body", "body": b"{}"})

    scope = {"type": "http", "path": path, "headers": headers}
    loops.run(bounded(application)(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"])


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/peer/v1/envelopes", MAX_ENVELOPE),
        ("/peer/v1/receipts", 256 * 1024),
        ("/peer/v1/pull", 16 * 1024),
        ("/register/imports/", MAX_PAGE),
    ],
)
def test_the_server_refuses_what_is_too_large_without_reading_it(path: str, limit: int) -> None:
    status, told = knock(path, [(b"content-length", str(limit + 1).encode())])
    assert (status, told["code"], told["facts"]["limit"]) == (413, "envelope.too_large", limit)
    assert knock(path, [(b"content-length", str(limit).encode())])[0] == 200
    status, told = knock(path, [(b"transfer-encoding", b"chunked")])
    assert (status, told["code"]) == (411, "api.length_required")
    assert knock(path, [(b"content-length", b"9" * 400)])[0] == 413
    assert knock(path, [])[0] == 200


def test_only_post(world: World) -> None:
    for path in ("envelopes", "receipts", "pull"):
        assert world.client.get(f"/peer/v1/{path}").status_code == 405


# -- receipts ------------------------------------------------------------------------------------------------------------


def sent(world: World) -> tuple[Far, OutEnvelope, Any]:
    """An envelope of ours that waits for its receipt."""
    from tansiq.engine.envelopes.dsse import Signed
    from tansiq.engine.envelopes.manifest import read_manifest
    from tansiq.node.exchange import actions

    world.accord("ma")
    world.ask("ma")
    assert actions.lease("ma", "test", world.now)
    row = actions.seal_next("ma", "test", world.now)
    assert row is not None
    return world.fars["ma"], row, read_manifest(Signed.from_json(row.manifest))


def test_a_receipt_ends_the_envelope_and_again_changes_nothing(world: World) -> None:
    ma, row, manifest = sent(world)
    receipt = canonical.dumps(ma.receipt(manifest, world.now))
    assert world.post("receipts", receipt).status_code == 200
    row.refresh_from_db()
    assert (row.state, row.raw) == ("delivered", None)
    assert not row.items.exclude(delivered_at=world.now).exists()
    assert not row.items.filter(content__isnull=False).exists()
    with leaves_nothing(but=()):
        assert world.post("receipts", receipt).status_code == 200


def test_opened_is_delivered(world: World) -> None:
    ma, row, manifest = sent(world)
    assert world.post("receipts", canonical.dumps(ma.receipt(manifest, world.now, status="opened"))).status_code == 200
    row.refresh_from_db()
    assert row.state == "delivered"


def test_a_signed_refusal_goes_to_a_desk_and_is_not_retried(world: World) -> None:
    ma, row, manifest = sent(world)
    told = ma.receipt(manifest, world.now, status="refused", code="envelope." + "x" * 80)
    assert world.post("receipts", canonical.dumps(told)).status_code == 200
    row.refresh_from_db()
    assert row.state == "refused"
    keys = [t.key for t in list_for(world.officer("liaison"), now=world.now).tasks]
    assert any(key.startswith(f"refused/{row.envelope_id}/") for key in keys)
    world.later(days=3)
    assert world.deliver() == 0


RECEIPTS: list[tuple[str, Callable[[Far, Any, Any], Any], str]] = [
    ("next to nothing", lambda *_: b" ", "json.syntax"),
    ("a list", lambda *_: b"[]", "envelope.not_a_receipt"),
    ("no DSSE", lambda *_: b"{}", "dsse.form"),
    (
        "foreign signature",
        lambda ma, m, now: ma.receipt(m, now, signer=Ed25519Signer.generate(repeatable("t"))),
        "dsse.signatures_differ",
    ),
    ("another's name", lambda ma, m, now: ma.receipt(m, now, sender="it"), "dsse.signatures_differ"),
    ("not for us", lambda ma, m, now: ma.receipt(m, now, recipient="it"), "receipt.not_for_us"),
    ("other manifest", lambda ma, m, now: ma.receipt(m, now, manifest_digest="a" * 64), "exchange.receipt_for_other"),
    (
        "other envelope",
        lambda ma, m, now: ma.receipt(m, now, envelope_id="0192d3b0-7c1e-7a3c-8f00-5a1e2b3c4d5e"),
        "exchange.receipt_for_other",
    ),
    ("refusal without code", lambda ma, m, now: ma.receipt(m, now, status="refused"), "receipt.contradicts_itself"),
    (
        "code without refusal",
        lambda ma, m, now: ma.receipt(m, now, code="envelope.expired"),
        "receipt.contradicts_itself",
    ),
]


@pytest.mark.parametrize(("made", "code"), [(m, c) for _, m, c in RECEIPTS], ids=[name for name, *_ in RECEIPTS])
def test_a_wrong_receipt(world: World, made: Callable[[Far, Any, Any], Any], code: str) -> None:
    ma, _, manifest = sent(world)
    told = made(ma, manifest, world.now)
    raw = told if isinstance(told, bytes) else canonical.dumps(told)
    assert refused(world, raw, path="receipts") == (422, code)


def test_a_partner_may_not_receipt_for_another(world: World) -> None:
    _, _, manifest = sent(world)
    it = world.partner("it")
    assert refused(world, canonical.dumps(it.receipt(manifest, world.now)), path="receipts") == (
        422,
        "exchange.receipt_for_other",
    )


# -- fetching ------------------------------------------------------------------------------------------------------------


def test_a_partner_that_cannot_be_reached_fetches_and_brings_its_receipts(empty_world: World) -> None:
    world = empty_world
    ma = world.partner("ma", url=None)
    world.accord("ma")
    dossier = world.ask("ma")
    assert world.deliver() == 0
    assert not OutEnvelope.objects.filter(state="ready").exists(), "nothing is sealed before it is fetched"
    fetched = world.fetch(ma)
    assert len(fetched) == 1
    assert dossier in ma.dossiers
    assert world.fetch(ma) == []


PULLS: list[tuple[str, Callable[[Far, Any], bytes], tuple[int, str]]] = [
    ("next to nothing", lambda ma, now: b" ", (422, "json.syntax")),
    ("no DSSE", lambda ma, now: b"{}", (422, "dsse.form")),
    ("stale", lambda ma, now: ma.pull_request("fr", now - timedelta(hours=3)), (422, "exchange.pull_stale")),
    ("early", lambda ma, now: ma.pull_request("fr", now + timedelta(hours=3)), (422, "exchange.pull_stale")),
    ("for another", lambda ma, now: ma.pull_request("it", now), (422, "exchange.pull_not_for_us")),
    (
        "in another's name",
        lambda ma, now: ma.pull_request("fr", now, **{"from": "it"}),
        (422, "dsse.signatures_differ"),
    ),
    ("of a stranger", lambda ma, now: _stranger(now), (422, "dsse.signatures_differ")),
    ("without a time", lambda ma, now: ma.pull_request("fr", now, at=None), (422, "times.not_a_time")),
    (
        "another key",
        lambda ma, now: ma.pull_request("fr", now, signer=Ed25519Signer.generate(repeatable("t"))),
        (422, "dsse.signatures_differ"),
    ),
]


def _stranger(now: Any) -> bytes:
    return Far("de", now).pull_request("fr", now)


@pytest.mark.parametrize(("made", "told"), [(m, t) for _, m, t in PULLS], ids=[name for name, *_ in PULLS])
def test_a_wrong_request_to_fetch(world: World, made: Callable[[Far, Any], bytes], told: tuple[int, str]) -> None:
    assert refused(world, made(world.fars["ma"], world.now), path="pull") == told


def test_a_suspended_partner_fetches_nothing(world: World) -> None:
    world.accord("ma")
    world.ask("ma")
    partners.suspend("ma", suspended=True, actor="administrator", now=world.now)
    raw = world.fars["ma"].pull_request("fr", world.now)
    assert refused(world, raw, path="pull", but=("exchange.Link",)) == (503, "partner.suspended")


def test_a_request_under_either_of_two_valid_keys_is_answered(world: World) -> None:
    """After a rotation both the old and the new node key are on the card for a while."""
    from tests.node.flows.test_keys import _with_old

    ma = world.fars["ma"]
    old = ma.node
    ma.node = Ed25519Signer.generate(repeatable("second node key"))
    ma.serial += 1
    world.later(hours=1)
    card = bodies.Item("card", ma.card(world.now, serial=ma.serial, keys=_with_old(ma, old, world)))
    world.arrive(ma, card, node_signer=old)
    for signer in (old, ma.node):
        assert world.post("pull", ma.pull_request("fr", world.now, signer=signer)).status_code == 200


def test_what_is_fetched_at_once_is_bounded(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from tansiq.node.exchange import actions, pulling

    world = empty_world
    ma = world.partner("ma", url=None)
    world.accord("ma")
    monkeypatch.setattr(actions, "BATCH_ITEMS", 1)
    monkeypatch.setattr(pulling, "MAX_BYTES", 3 * 5000)
    for _ in range(8):
        world.ask("ma")
        world.post("pull", ma.pull_request("fr", world.now))
    answer = world.post("pull", ma.pull_request("fr", world.now)).content
    assert struct.unpack_from(">I", answer)[0] < len(answer) < 20_000
    while world.fetch(ma):
        pass
    assert len([d for d in ma.dossiers.values() if d.opening.kind == "request"]) == 8


# -- health --------------------------------------------------------------------------------------------------------------


def test_health_says_who_and_whether(world: World) -> None:
    from tansiq.node.vault import keys

    assert world.client.get("/health").json() == {"status": "ok", "node": "fr"}
    held = keys.current()
    keys.install(None)
    answer = world.client.get("/health")
    assert (answer.status_code, answer.json()["code"]) == (503, "vault.locked")
    raw = world.fars["ma"].seal("fr", STATUS, now=world.now).to_bytes()
    locked = world.post("envelopes", raw)
    assert (locked.status_code, locked.json()["code"], locked.headers["retry-after"]) == (503, "vault.locked", "5")
    keys.install(held)
    assert world.post("envelopes", raw).status_code == 200
