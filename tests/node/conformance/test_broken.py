"""A node with one of its checks switched off fails in the clause that the check keeps, and in no other that was asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tansiq.conformance.running import run
from tansiq.engine.dossiers import entries
from tansiq.engine.envelopes import cards, requests, sealing
from tansiq.engine.envelopes.cards import NodeCard
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.sealing import Accepted, Sealed
from tansiq.engine.errors import TansiqError
from tansiq.node.audit import witnessing
from tansiq.node.exchange import accepting
from tansiq.node.exchange import actions as exchange
from tansiq.node.flows import incoming, taking
from tansiq.node.partners import actions as partners
from tests.node.conformance.played import kit
from tests.node.world import World

Breakage = Callable[[pytest.MonkeyPatch], None]
ASKED_ALSO = {"ENV-3", "ENV-16", "ITM-1"}
"""What a node keeps whichever check is off."""


def forgives(code: str) -> Breakage:
    """A node that takes an envelope although this rule refuses it."""

    def accept(raw: bytes, **told: Any) -> Accepted:
        try:
            return sealing.accept(raw, **told)
        except TansiqError as error:
            if error.code != code:
                raise
            found = Sealed.from_bytes(raw)
            return Accepted(found.opened_manifest, found.manifest_digest, found.manifest, found.sealed)

    double = SimpleNamespace(accept=accept, open_sealed=sealing.open_sealed)
    return lambda patch: patch.setattr(accepting, "sealing", double)


def _receipts_anew(patch: pytest.MonkeyPatch) -> None:
    real = accepting.accept

    def accept(raw: bytes, now: datetime) -> dict[str, Any]:
        real(raw, now)
        found = Sealed.from_bytes(raw)
        return accepting._receipt(Accepted(found.opened_manifest, found.manifest_digest, found.manifest, b""), now)

    patch.setattr(accepting, "accept", accept)


def _gives_to_anybody(patch: pytest.MonkeyPatch) -> None:
    def take_fetch(sender: str, content: dict[str, Any], now: datetime) -> None:
        for entry_id in content["entries"]:
            if row := incoming.queries.entry_by_id(entry_id):
                wire = incoming.queries.signed_entry(row).to_wire()
                exchange.queue_again(sender, "entry", wire, reference=entry_id, dossier=row.dossier_id, now=now)

    patch.setitem(incoming.HANDLERS, "fetch", take_fetch)


def _says_nothing_to_the_restored(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(incoming.HANDLERS, "restored", lambda *_: None)


def _off(target: Any, name: str, instead: Any) -> Breakage:
    return lambda patch: patch.setattr(target, name, instead)


def _opened_by_any_root(signed: Signed, *, pinned_root: bytes | None) -> NodeCard:
    del pinned_root
    return cards.open_card(signed, pinned_root=None)


def _knows_no_root(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(partners, "open_card", _opened_by_any_root)
    patch.setattr(partners, "supersedes", lambda _old, _new: None)


def _keeps_all(head: Any, *_: Any) -> Any:
    return witnessing.Kept(head.size, is_new=True)


BROKEN: list[tuple[str, Breakage, set[str]]] = [
    ("takes what expired", forgives("envelope.expired"), {"ENV-12"}),
    ("takes what is for another", forgives("envelope.not_for_us"), {"ENV-11"}),
    ("takes what comes from the future", forgives("envelope.early"), {"ENV-13"}),
    ("asks for no time of a key", forgives("envelope.key_not_valid"), {"ENV-9"}),
    ("knows no revocations", forgives("envelope.key_revoked"), {"ENV-24"}),
    ("takes another's signature", forgives("dsse.signatures_differ"), {"ENV-10"}),
    ("takes a damaged body", forgives("envelope.body_digest"), {"ENV-15"}),
    ("answers the same with another receipt", _receipts_anew, {"ENV-16"}),
    ("answers requests of yesterday", _off(requests, "WINDOW", timedelta(days=2)), {"ENV-26", "BLB-2"}),
    ("takes a card of any root", _knows_no_root, {"ENV-23"}),
    ("believes every entry", _off(entries, "verify_entry", lambda entry, _keys: entry.header), {"ITM-6"}),
    ("asks for no audience", _off(taking, "require_audience", lambda *_: None), {"ITM-7"}),
    ("gives entries to anybody", _gives_to_anybody, {"ITM-13"}),
    ("says nothing to who was restored", _says_nothing_to_the_restored, {"ITM-17"}),
    ("never asks for what is missing", _off(taking, "ask_for", lambda *_, **__: None), {"ITM-9"}),
    ("countersigns whatever it is shown", _off(witnessing, "_weigh", _keeps_all), {"LOG-4", "LOG-6"}),
    ("says nothing of what it may not use", _off(taking, "keep_away", lambda *_: None), {"DOS-5"}),
]


@pytest.mark.parametrize(("broken", "clauses"), [(b, c) for _, b, c in BROKEN], ids=[name for name, *_ in BROKEN])
def test_it_fails_in_the_right_clause(
    empty_world: World, monkeypatch: pytest.MonkeyPatch, broken: Breakage, clauses: set[str]
) -> None:
    stage = kit(empty_world)
    broken(monkeypatch)
    also = {"LOG-3"} if "LOG-4" in clauses else set()  # which shows the log that the others contradict
    found = run(stage, only={*clauses, *also, *ASKED_ALSO})
    assert [
        (v.clause.number, v.told) for v in found.verdicts if v.verdict == "fail" and v.clause.number not in clauses
    ] == []
    assert set(found.of("fail")) == clauses
    assert all(one.told for one in found.verdicts if one.verdict == "fail")
