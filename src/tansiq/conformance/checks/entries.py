"""Entries: taken in, refused, waited for, told again. The dossiers are proposals of an accord, which need no other accord."""

from __future__ import annotations

from typing import Any

from tansiq.conformance.dossiers import Dossier, opened
from tansiq.conformance.player import Player
from tansiq.conformance.stage import Stage, as_item, entries_in, entry_id_in, fetch, heads, speaks_of
from tansiq.conformance.verdicts import Broken, check
from tansiq.engine.accords.terms import read_terms
from tansiq.engine.dossiers.entries import Part, SignedEntry
from tansiq.engine.envelopes import dsse
from tansiq.engine.envelopes.bodies import Item
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.formats import canonical
from tansiq.engine.formats.ids import digest

ENTRY_TYPE = "application/vnd.tansiq.entry+json"
TERMS: dict[str, Any] = {
    "v": 1,
    "title": {"en": "Conformance kit: ratify at a test node only", "ar": "عدة المطابقة"},
    "kinds": ["request", "report"],
    "purposes": ["investigation"],
    "crime_areas": ["*"],
    "max_level": 1,
    "categories": {"suspect": "permit"},
    "search": {"mode": "hit", "budget_per_day": 100},
    "retention_days": 30,
    "review_days": 30,
    "in_force_from": "2026-01-01T00:00:00.000Z",
}


def proposal(stage: Stage, author: Player, *parties: str) -> Dossier:
    """A dossier in which ``author`` proposes an accord among itself, the node and ``parties``; it is not sent yet."""
    others = [stage.target.node_id, *parties]
    terms = read_terms({**TERMS, "parties": sorted([author.who.node_id, *others])})
    parts = [Part(type="terms", content=terms.to_json())]
    return opened(
        author.who, "accord", others, stage.clock(), author.random, codes={"terms": terms.digest}, parts=parts
    )


def consulted(stage: Stage, author: Player, dossier: Dossier, *, keep: bool = True, **members: Any) -> SignedEntry:
    """The author's next word in it."""
    text = Part(type="narrative", language="en", content={"topic": "other", "text": author.random(8).hex()})
    entry = dossier.after(author.who, "consult", stage.clock(), author.random, parts=[text], **members)
    if keep:
        dossier.keep(entry)
    return entry


def _require(stage: Stage, player: Player, entry_id: str, dossier: Dossier, *, is_here: bool, what: str) -> None:
    if stage.has(player, entry_id, dossier.dossier_id) != is_here:
        raise Broken(f"{what}: {'it was not taken in' if is_here else 'it was taken in'}")


@check("ITM-4")
def taken_in(stage: Stage) -> None:
    """Asked for, it comes back with its own bytes."""
    dossier = proposal(stage, stage.a)
    stage.take(stage.a, dossier.entries[0])
    _require(stage, stage.a, dossier.dossier_id, dossier, is_here=True, what="an entry that is right")


@check("ITM-3")
def twice(stage: Stage) -> None:
    """Sent three times, in one envelope and in another; heads are equal afterwards, and nothing is said again."""
    dossier = proposal(stage, stage.a)
    word = consulted(stage, stage.a, dossier)
    stage.take(stage.a, *dossier.entries, word)
    came = stage.take(stage.a, *dossier.entries, *dossier.entries)
    came += stage.take(
        stage.a, heads({dossier.dossier_id: dossier.heads}, after=_before(dossier), until=dossier.dossier_id)
    )
    told = [
        one
        for one in came
        if one.type in {"entry", "fetch"} and dossier.dossier_id in canonical.dumps(one.content).decode()
    ]
    if told:
        raise Broken(f"after the same again the node sends {told[0].type}")


def _before(dossier: Dossier) -> str:
    """The digest just before its id, so that ``heads`` speaks of this dossier alone."""
    return f"{int(dossier.dossier_id, 16) - 1:064x}"


@check("ITM-5")
def part_of_another(stage: Stage) -> None:
    """The header commits to another part than the one that comes."""
    dossier, other = proposal(stage, stage.a), proposal(stage, stage.a)
    wire = {**dossier.entries[0].to_wire(), "parts": consulted(stage, stage.a, other).to_wire()["parts"]}
    stage.take(stage.a, Item("entry", wire))
    _require(stage, stage.a, dossier.dossier_id, dossier, is_here=False, what="with a part of another entry")


@check("ITM-6")
def signed_by_another(stage: Stage) -> None:
    """By a key on no card, and by the node key of its author."""
    for signer in (Ed25519Signer.generate(stage.a.random), stage.a.who.node):
        dossier = proposal(stage, stage.a)
        entry = dossier.entries[0]
        wire = {**entry.to_wire(), "header": dsse.sign(ENTRY_TYPE, entry.raw, [signer]).to_json()}
        stage.take(stage.a, Item("entry", wire))
        _require(stage, stage.a, dossier.dossier_id, dossier, is_here=False, what="signed by another key")


@check("ITM-7")
def no_participant(stage: Stage) -> None:
    """It is between A and the node, and B brings it."""
    dossier = proposal(stage, stage.a)
    stage.take(stage.b, dossier.entries[0])
    _require(stage, stage.a, dossier.dossier_id, dossier, is_here=False, what="brought by a node that takes no part")


@check("ITM-8")
def through_a_participant(stage: Stage) -> None:
    """A's entry, brought by B."""
    dossier = proposal(stage, stage.a, stage.b.who.node_id)
    stage.take(stage.b, dossier.entries[0])
    _require(stage, stage.a, dossier.dossier_id, dossier, is_here=True, what="brought by another participant")


@check("ITM-9")
def gap_is_asked_for(stage: Stage) -> None:
    """The third entry comes first; the node asks, is answered, and has all three."""
    dossier = proposal(stage, stage.b)
    stage.take(stage.b, dossier.entries[0])
    missing = consulted(stage, stage.b, dossier)
    last = consulted(stage, stage.b, dossier)
    since = len(stage.b.came)
    stage.take(stage.b, last)
    asked = stage.until(stage.b, lambda item: _asks_for(item, missing.entry_id), since=since)
    if asked is None:
        raise Broken("the missing entry was not asked for")
    stage.take(stage.b, missing)
    for entry in (missing, last):
        _require(stage, stage.b, entry.entry_id, dossier, is_here=True, what="after the gap was filled")


def _asks_for(item: Item, entry_id: str) -> bool:
    wanted = item.content.get("entries")
    return item.type == "fetch" and isinstance(wanted, list) and entry_id in wanted


def _changed_header(stage: Stage, entry: SignedEntry, change: dict[str, Any]) -> tuple[str, Item]:
    """The entry with another header, signed by its author's authority; its id, and the item."""
    raw = canonical.dumps({**entry.header.to_json(), **change})
    return digest(raw), _with_header(stage, entry, raw)


def _with_header(stage: Stage, entry: SignedEntry, raw: bytes) -> Item:
    signed = dsse.sign(ENTRY_TYPE, raw, [stage.a.who.authority])
    return Item("entry", {**entry.to_wire(), "header": signed.to_json()})


def _require_not_understood(stage: Stage, entry_id: str, item: Item, code: str) -> None:
    since = len(stage.a.came)
    stage.take(stage.a, item)
    status = stage.until(stage.a, lambda one: speaks_of(one, entry_id), since=since)
    if status is None:
        raise Broken("no status came")
    if (status.content.get("status"), status.content.get("code")) != ("not_understood", code):
        raise Broken(f"the status is {status.content.get('status')} {status.content.get('code')}")


@check("ITM-10")
def unknown_kind(stage: Stage) -> None:
    """A kind that no program has."""
    entry = proposal(stage, stage.a).entries[0]
    opening: dict[str, Any] = {**entry.header.to_json()["opening"], "kind": "conformance_kit", "kind_version": 9}  # type: ignore[dict-item]
    entry_id, item = _changed_header(stage, entry, {"opening": opening})
    _require_not_understood(stage, entry_id, item, "kind.unknown")


@check("ITM-11")
def unknown_version(stage: Stage) -> None:
    """A header of version 99."""
    entry_id, item = _changed_header(stage, proposal(stage, stage.a).entries[0], {"v": 99})
    _require_not_understood(stage, entry_id, item, "entry.unknown_version")


@check("ITM-13")
def fetch_is_answered(stage: Stage) -> None:
    """By the node to A, who takes part; not to B, who does not; and of what is not here nobody hears."""
    dossier = proposal(stage, stage.a)
    stage.take(stage.a, dossier.entries[0])
    _require(stage, stage.b, dossier.dossier_id, dossier, is_here=False, what="asked for by one who takes no part")
    _require(stage, stage.a, dossier.dossier_id, dossier, is_here=True, what="asked for by a participant")
    came = stage.take(stage.a, fetch(dossier.dossier_id, "f" * 64))
    if any(one.type == "entry" for one in came):
        raise Broken("an entry came that nobody asked for")


@check("ITM-14")
def heads_are_answered(stage: Stage) -> None:
    """Told the first head it sends the second entry, and not the first."""
    dossier = proposal(stage, stage.b)
    word = consulted(stage, stage.b, dossier)
    stage.take(stage.b, *dossier.entries)
    since = len(stage.b.came)
    told = heads({dossier.dossier_id: [dossier.dossier_id]}, after=_before(dossier), until=dossier.dossier_id)
    stage.take(stage.b, told)
    if stage.until(stage.b, lambda one: entry_id_in(one) == word.entry_id, since=since) is None:
        raise Broken("the entry that was lacking did not come")
    if any(one.entry_id == dossier.dossier_id for one in entries_in(stage.b.came[since:])):
        raise Broken("an entry came that was told to be there")


@check("ITM-15")
def unknown_heads_are_fetched(stage: Stage) -> None:
    """A dossier that the node has never heard of."""
    dossier = proposal(stage, stage.a)
    since = len(stage.a.came)
    stage.take(stage.a, heads({dossier.dossier_id: dossier.heads}, after=_before(dossier), until=dossier.dossier_id))
    if stage.until(stage.a, lambda one: _asks_for(one, dossier.dossier_id), since=since) is None:
        raise Broken("the dossier was not asked for")
    stage.take(stage.a, dossier.entries[0])


@check("DOS-1")
def two_in_one_place(stage: Stage) -> None:
    """Two successors of one entry, signed by one author."""
    dossier = proposal(stage, stage.a)
    before = dossier.folded
    one = consulted(stage, stage.a, dossier, keep=False, folded=before)
    two = consulted(stage, stage.a, dossier, keep=False, folded=before)
    stage.take(stage.a, dossier.entries[0], one, two)
    for entry in (one, two):
        _require(stage, stage.a, entry.entry_id, dossier, is_here=True, what="one of two entries in one place")


@check("DOS-2")
def without_effect(stage: Stage) -> None:
    """An act that the kind does not have."""
    dossier = proposal(stage, stage.a)
    entry = dossier.unasked(stage.a.who, "conformance", stage.clock())
    stage.take(stage.a, dossier.entries[0], entry)
    _require(stage, stage.a, entry.entry_id, dossier, is_here=True, what="an act that the kind does not have")


@check("DOS-3")
def header_in_another_form(stage: Stage) -> None:
    """The same JSON value with a space in it."""
    dossier = proposal(stage, stage.a)
    raw = dossier.entries[0].raw.replace(b":", b": ", 1)
    stage.take(stage.a, _with_header(stage, dossier.entries[0], raw))
    for name in (digest(raw), dossier.dossier_id):
        _require(stage, stage.a, name, dossier, is_here=False, what="a header that is not canonical")


@check("DOS-4")
def external_party(stage: Stage) -> None:
    """Correspondence is an authority's own affair and never travels."""
    dossier = proposal(stage, stage.a)
    opening = dossier.entries[0].header.to_json()["opening"]
    members: Any = {**opening, "participants": sorted([stage.a.who.node_id, "ext:zz-kit-other"])}  # type: ignore[dict-item]
    entry_id, item = _changed_header(stage, dossier.entries[0], {"opening": members})
    stage.take(stage.a, item)
    _require(stage, stage.a, entry_id, dossier, is_here=False, what="an opening with an external party")


@check("ITM-17")
def restored_is_answered(stage: Stage) -> None:
    """A says twice that it was restored, into an incarnation beyond all it had."""
    incarnation = 2**30 + int.from_bytes(stage.a.random(3), "big")
    told: dict[str, Any] = {
        "v": 1,
        "incarnation": incarnation,
        "restored_at": "2026-11-22T09:00:00.000Z",
        "copy_at": "",
    }
    since = len(stage.a.came)
    stage.take(stage.a, Item("restored", told))
    if stage.until(stage.a, lambda one: one.type == "held", since=since) is None:
        raise Broken("held did not come")
    stage.take(stage.a, Item("restored", told))
    answers = [one.content for one in stage.a.came[since:] if one.type == "held"]
    if len(answers) != 1:
        raise Broken(f"held came {len(answers)} times")
    manifest = answers[0].get("manifest")
    if answers[0].get("incarnation") != incarnation or not isinstance(manifest, dict) or not manifest.get("sequence"):
        raise Broken("held does not say what came last")


__all__ = ["TERMS", "as_item", "consulted", "proposal"]
