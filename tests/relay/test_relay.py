"""A relay holds what it cannot open, gives it to whom it is for, and learns no more than its store has columns for."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from tansiq.engine.envelopes import bodies, receipts, words
from tansiq.engine.envelopes.cards import fingerprint
from tansiq.engine.envelopes.relaying import TOLD_TYPE, open_relayed, split
from tansiq.engine.envelopes.requests import PULL_TYPE, sign_request
from tansiq.engine.envelopes.sealing import Sealed
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.errors import Rejected, TansiqError, Unavailable
from tansiq.engine.formats import canonical, strict_json
from tansiq.relay import passing
from tansiq.relay.command import relay as command
from tansiq.relay.command import relay_in
from tansiq.relay.door import application
from tansiq.relay.passing import Relay
from tansiq.relay.store import Store
from tests import loops
from tests.node.far import Far, repeatable

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SECRET = "Youssef Ziani"
ITEM = bodies.Item("status", {"status": "opened", "references": [], "secret": SECRET})


class Ground:
    """A relay and three nodes that it serves; ``de`` is a stranger to it."""

    def __init__(self, folder: Path) -> None:
        self.key = Ed25519Signer.generate(repeatable("relay"))
        self.path = folder / "relay.sqlite3"
        self.relay = Relay("xr-test", self.key, Store(self.path))
        self.nodes = {name: Far(name, NOW) for name in ("fr", "ma", "it", "de")}
        for far in self.nodes.values():
            for other in self.nodes.values():
                far.knows(other.card(NOW))
        for name in ("fr", "ma", "it"):
            self.enrol(name)

    def enrol(self, name: str) -> None:
        from tansiq.engine.envelopes.cards import open_card
        from tansiq.engine.envelopes.dsse import Signed

        signed = Signed.from_json(self.nodes[name].card(NOW))
        self.relay.store.put_node(open_card(signed, pinned_root=None), signed)

    def sealed(self, sender: str, to: str, **changes: Any) -> bytes:
        return self.nodes[sender].seal(to, ITEM, now=NOW, **changes).to_bytes()

    def asked(self, who: str, type_: str = PULL_TYPE, *, now: datetime = NOW, **members: Any) -> bytes:
        return sign_request(type_, self.nodes[who].node, sender=who, to="xr-test", nonce=b"n" * 12, now=now, **members)

    def waiting(self, who: str, **members: Any) -> list[bytes]:
        return list(split(self.relay.give(self.asked(who, **members), NOW)))

    def told(self, who: str, after: int = 0) -> list[dict[str, Any]]:
        raws = split(self.relay.give_receipts(self.asked(who, TOLD_TYPE, after=after), NOW))
        return [dict(strict_json.loads(raw)) for raw in raws]  # type: ignore[arg-type]

    def receipt(self, who: str, raw: bytes) -> bytes:
        return canonical.dumps(self.nodes[who].receive(raw, NOW))


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path)
    yield made
    made.relay.store.close()


def refused(code: str, call: Any, *given: Any) -> None:
    with pytest.raises(TansiqError) as error:
        call(*given)
    assert error.value.code == code


def test_an_envelope_is_held_given_receipted_and_let_go(ground: Ground) -> None:
    raw = ground.sealed("fr", "ma")
    word = ground.relay.take(raw, NOW)
    digest = Sealed.from_bytes(raw).manifest_digest
    told = open_relayed(word, relay="xr-test", public=ground.key.public, manifest_digest=digest)
    assert told["at"].startswith("2026-11-22T09:00")
    assert ground.waiting("ma") == [raw]
    assert ground.waiting("it") == ground.waiting("fr") == []
    ground.relay.take_receipt(ground.receipt("ma", raw), NOW)
    assert ground.waiting("ma") == []
    (back,) = ground.told("fr")
    assert ground.told("fr", after=back["number"]) == []
    assert ground.told("ma") == []
    opened = receipts.open_receipt(
        receipts.dsse.Signed.from_json(back["receipt"]),
        keys={ground.nodes["ma"].node.key_id: ground.nodes["ma"].node.public},
        me="fr",
    )
    assert opened.status == "accepted"


def test_the_same_envelope_again_gets_the_same_word_also_after_it_was_let_go(ground: Ground) -> None:
    raw = ground.sealed("fr", "ma")
    word = ground.relay.take(raw, NOW)
    ground.relay.take_receipt(ground.receipt("ma", raw), NOW)
    assert ground.relay.take(raw, NOW + timedelta(hours=1)) == word
    assert ground.waiting("ma") == []
    assert len(ground.told("fr")) == 1


def test_what_is_wrong_is_refused_before_it_is_kept(ground: Ground) -> None:
    good = ground.sealed("fr", "ma")
    stranger = ground.sealed("de", "ma")
    to_stranger = ground.sealed("fr", "de")
    forged = ground.sealed("fr", "ma", node_signer=ground.nodes["it"].node)
    spoiled = good[:-1] + bytes([good[-1] ^ 1])
    refused("envelope.sender_unknown", ground.relay.take, stranger, NOW)
    refused("relay.recipient_unknown", ground.relay.take, to_stranger, NOW)
    refused("envelope.key_unknown", ground.relay.take, forged, NOW)
    refused("envelope.body_digest", ground.relay.take, spoiled, NOW)
    refused("envelope.expired", ground.relay.take, good, NOW + timedelta(days=30))
    refused("envelope.not_one", ground.relay.take, b"x" * 100, NOW)
    assert ground.relay.store.counts() == []


def test_nobody_fetches_what_is_anothers(ground: Ground) -> None:
    ground.relay.take(ground.sealed("fr", "ma"), NOW)
    as_ma = sign_request(PULL_TYPE, ground.nodes["it"].node, sender="ma", to="xr-test", nonce=b"n", now=NOW)
    refused("dsse.signatures_differ", ground.relay.give, as_ma, NOW)
    refused("dsse.signatures_differ", ground.relay.give, ground.asked("de"), NOW)
    refused("exchange.pull_stale", ground.relay.give, ground.asked("ma", now=NOW - timedelta(hours=3)), NOW)
    elsewhere = sign_request(PULL_TYPE, ground.nodes["ma"].node, sender="ma", to="xr-other", nonce=b"n", now=NOW)
    refused("exchange.pull_not_for_us", ground.relay.give, elsewhere, NOW)


def test_only_the_recipient_receipts_and_only_what_lay_here(ground: Ground) -> None:
    raw = ground.sealed("fr", "ma")
    ground.relay.take(raw, NOW)
    good = json.loads(ground.receipt("ma", raw))
    claim = receipts.Receipt.from_bytes(receipts.dsse.Signed.from_json(good).payload)
    by_another = receipts.sign_receipt(claim.model_copy(update={"sender": "it"}), ground.nodes["it"].node).to_json()
    refused("relay.no_such_envelope", ground.relay.take_receipt, canonical.dumps(by_another), NOW)
    unheard = claim.model_copy(update={"envelope_id": "01890000-0000-7000-8000-000000000000"})
    signed = receipts.sign_receipt(unheard, ground.nodes["ma"].node).to_json()
    refused("relay.no_such_envelope", ground.relay.take_receipt, canonical.dumps(signed), NOW)
    talkative = claim.model_copy(update={"heads": {"a" * 64: ["b" * 64]}})
    signed = receipts.sign_receipt(talkative, ground.nodes["ma"].node).to_json()
    refused("relay.receipt_tells_too_much", ground.relay.take_receipt, canonical.dumps(signed), NOW)
    assert ground.waiting("ma") == [raw]
    assert ground.told("fr") == []


def test_an_envelope_that_is_refused_holds_up_none_behind_it(ground: Ground) -> None:
    raws = [ground.sealed("fr", "ma") for _ in range(passing.GIVEN + 2)]
    for place, raw in enumerate(raws):
        ground.relay.take(raw, NOW + timedelta(seconds=place))
    first = ground.waiting("ma")
    assert len(first) == passing.GIVEN
    assert ground.waiting("ma", skip=passing.GIVEN) == raws[passing.GIVEN :]
    refused("relay.after", ground.relay.give, ground.asked("ma", skip=-1), NOW)


def test_whoever_sends_without_end_fills_its_own_share(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing, "MAX_WAITING", 2)
    for _ in range(2):
        ground.relay.take(ground.sealed("fr", "ma"), NOW)
    with pytest.raises(Unavailable, match=r"relay\.full"):
        ground.relay.take(ground.sealed("fr", "it"), NOW)
    ground.relay.take(ground.sealed("it", "ma"), NOW)


def test_what_expired_is_forgotten(ground: Ground) -> None:
    raw = ground.sealed("fr", "ma")
    ground.relay.take(raw, NOW)
    ground.relay.take_receipt(ground.receipt("ma", raw), NOW)
    assert ground.relay.forget(NOW + timedelta(days=29)) == (0, 0)
    assert ground.relay.forget(NOW + timedelta(days=31)) == (1, 1)


def test_a_newer_card_comes_from_the_node_itself_under_its_root(ground: Ground) -> None:
    fr = ground.nodes["fr"]
    fr.node, fr.serial = Ed25519Signer.generate(repeatable("another")), 2
    raw = ground.sealed("fr", "ma")
    refused("envelope.key_unknown", ground.relay.take, raw, NOW)
    ground.relay.take_card(canonical.dumps(fr.card(NOW)))
    ground.relay.take(raw, NOW)
    impostor = Far("fr", NOW, seed="other")
    impostor.serial = 3
    refused("card.other_root", ground.relay.take_card, canonical.dumps(impostor.card(NOW)))
    refused("envelope.sender_unknown", ground.relay.take_card, canonical.dumps(ground.nodes["de"].card(NOW)))


# -- what it learns --------------------------------------------------------------------------------------------------------


def test_it_learns_no_more_than_from_to_when_how_long_and_under_which_keys(ground: Ground) -> None:
    raw = ground.sealed("fr", "ma")
    ground.relay.take(raw, NOW)
    ground.relay.take_receipt(ground.receipt("ma", raw), NOW)
    with sqlite3.connect(ground.path) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        columns = {t: {row[1] for row in db.execute(f"PRAGMA table_info({t})")} for t in tables}
        dump = "\n".join(db.iterdump())
    assert columns["envelope"] == {
        *("sender", "recipient", "envelope_id", "manifest_digest"),
        *("size", "stored_at", "expires_at", "word", "raw"),
    }
    assert columns["receipt"] == {"number", "recipient", "sender", "envelope_id", "receipt", "came_at"}
    assert SECRET not in dump
    assert SECRET.encode() not in ground.path.read_bytes()


def test_two_recipients_copies_of_one_thing_cannot_be_linked(ground: Ground) -> None:
    """Same content, same length: nothing in one envelope occurs in the other but its sender's name and key."""
    one, other = (ground.nodes["fr"].seal(to, ITEM, now=NOW) for to in ("ma", "it"))
    assert len(one.sealed) == len(other.sealed), "padded alike, like any other of that length"
    told, same = one.opened_manifest.to_json(), other.opened_manifest.to_json()
    shared = {n for n in told if told[n] == same[n]} - {"v", "sender", "node_key_id", "body_length"}
    assert shared <= {"incarnation", "created_at", "expires_at", "replaces"}
    pieces = {one.sealed[at : at + 16] for at in range(200, len(one.sealed) - 16)}
    assert not any(other.sealed[at : at + 16] in pieces for at in range(200, len(other.sealed) - 16))


# -- the door and the command ----------------------------------------------------------------------------------------------


def call(app: Any, method: str, path: str, raw: bytes = b"", **headers: str) -> httpx.Response:
    async def go() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://relay") as http:
            return await http.request(method, path, content=raw, headers=headers)

    return loops.run(go())


def test_the_door_answers_each_wrong_knock_and_carries_a_good_one(ground: Ground) -> None:
    app = application(ground.relay, lambda: NOW)
    raw = ground.sealed("fr", "ma")
    assert call(app, "GET", "/health").json() == {"status": "ok", "relay": "xr-test"}
    for method, path, status, code in [
        ("GET", "/relay/v1/envelopes", 404, "relay.no_such_address"),
        ("POST", "/", 404, "relay.no_such_address"),
        ("POST", "/relay/v1/pull", 422, "json.syntax"),
    ]:
        answer = call(app, method, path, b"{" if method == "POST" else b"")
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    answer = call(app, "POST", "/relay/v1/pull", b"x" * 300_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "envelope.too_large")
    assert call(app, "POST", "/relay/v1/envelopes", ground.sealed("de", "ma")).status_code == 401
    assert call(app, "POST", "/relay/v1/envelopes", raw).status_code == 200
    assert list(split(call(app, "POST", "/relay/v1/pull", ground.asked("ma")).content)) == [raw]
    assert call(app, "POST", "/relay/v1/receipts", ground.receipt("ma", raw)).status_code == 200


def test_a_relay_is_made_and_nodes_are_enrolled_by_their_words(tmp_path: Path) -> None:
    folder, run = tmp_path / "relay", CliRunner()
    made = run.invoke(command, ["init", str(folder), "--id", "xr-test", "--url", "https://relay.example"])
    assert made.exit_code == 0, made.output
    card = json.loads((folder / "relay.json").read_text())
    public = relay_in(folder).signer.public
    assert " ".join(words.spell(fingerprint(public), "en")) in made.output
    assert (folder / "relay-key.json").stat().st_mode & 0o077 == 0
    assert (card["relay"], card["url"]) == ("xr-test", "https://relay.example")
    far = Far("ma", NOW)
    (tmp_path / "ma.json").write_text(json.dumps(far.card(NOW)))
    spoken = " ".join(words.spell(fingerprint(far.root.public), "ar"))
    wrong = " ".join(words.spell(fingerprint(public), "ar"))
    told = run.invoke(command, ["enrol", str(folder), str(tmp_path / "ma.json"), "--words", wrong])
    assert isinstance(told.exception, TansiqError)
    assert told.exception.code == "relay.fingerprint_differs"
    assert run.invoke(command, ["enrol", str(folder), str(tmp_path / "ma.json"), "--words", spoken]).exit_code == 0
    rows = json.loads(run.invoke(command, ["status", str(folder), "--json"]).output)
    assert [(row["node"], row["served"], row["waiting"]) for row in rows] == [("ma", True, 0)]
    assert run.invoke(command, ["stop", str(folder), "ma"]).exit_code == 0
    again = run.invoke(command, ["init", str(folder), "--id", "xr-test", "--url", "https://x"])
    assert isinstance(again.exception, TansiqError)
    with pytest.raises(Rejected, match=r"relay\.none_here"):
        relay_in(tmp_path)
