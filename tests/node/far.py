"""A far node made of engine functions only: real keys, a real card, real sealing, a fold of its own, and no line of our node.

What the node under test says is verified here the way a second implementation would: signatures under the card that was
enrolled, commitments, the fold. What a hostile or broken partner says is made here too (``forge``, ``replaces``, raw bytes).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tansiq.engine.accords.markings import Marking
from tansiq.engine.dossiers import entries, folds
from tansiq.engine.dossiers.calendars import Calendar
from tansiq.engine.dossiers.entries import Part, SaltedPart, SignedEntry, SourceRef
from tansiq.engine.dossiers.folds import Folded
from tansiq.engine.dossiers.headers import Actor, Header, Opening
from tansiq.engine.dossiers.states import Trace
from tansiq.engine.envelopes import bodies, cards, dsse, receipts, sealing
from tansiq.engine.envelopes.age import HybridIdentity, HybridRecipient
from tansiq.engine.envelopes.cards import CardKey, Contact, LastGood, NodeCard, Revocation
from tansiq.engine.envelopes.manifest import Manifest
from tansiq.engine.envelopes.sealing import Sealed
from tansiq.engine.envelopes.sequences import Outbound
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.formats import canonical, strict_json
from tansiq.engine.formats.ids import b64encode, new_id
from tansiq.engine.formats.times import format_time
from tansiq.engine.kinds.registry import kind

DAY = timedelta(days=1)
PULL_TYPE = "application/vnd.tansiq.pull+json"


def repeatable(seed: str) -> Callable[[int], bytes]:
    """Random bytes that are the same in every run."""
    counter = iter(range(1_000_000_000))
    return lambda size: hashlib.shake_256(f"{seed}/{next(counter)}".encode()).digest(size)


def officer_id(name: str) -> str:
    """The opaque id of a far officer."""
    return str(uuid.UUID(bytes=hashlib.sha256(name.encode()).digest()[:16], version=4))


@dataclass
class Held:
    """One dossier as the far node holds it."""

    opening: Opening
    folded: Folded | None = None
    traces: dict[str, Trace] = field(default_factory=dict)
    headers: dict[str, Header] = field(default_factory=dict)
    entries: dict[str, SignedEntry] = field(default_factory=dict)

    @property
    def kind(self) -> Any:
        return kind(self.opening.kind, self.opening.kind_version)

    @property
    def phase(self) -> str:
        assert self.folded is not None
        return str(self.kind.phase(self.folded.state))

    def of(self, act: str) -> list[SignedEntry]:
        """The entries of this act, in the order in which they came."""
        return [entry for entry in self.entries.values() if entry.header.act == act]


class Far:
    """One partner node."""

    def __init__(self, node_id: str, now: datetime, *, url: str | None = "", seed: str = "") -> None:
        self.node_id = node_id
        self.random = repeatable(f"{seed}{node_id}")
        self.root, self.node, self.authority = (Ed25519Signer.generate(self.random) for _ in range(3))
        self.mailbox, self.next_mailbox, self.archive = (HybridIdentity.generate(self.random) for _ in range(3))
        self.since = now - DAY
        self.serial = 1
        self.url = f"http://{node_id}.example" if url == "" else url
        self.cards: dict[str, NodeCard] = {}
        self.outbound = Outbound.start(1)
        self.dossiers: dict[str, Held] = {}
        self.came: list[bodies.Item] = []
        self.waiting: list[SignedEntry] = []
        self.seen: dict[str, tuple[str, dict[str, Any]]] = {}
        self.is_down = False
        self.answers: list[tuple[int, bytes]] = []
        """Answers to give instead of a receipt, once each."""
        self.doors: dict[str, Callable[[bytes, datetime], tuple[int, bytes]]] = {}
        """What it answers at further addresses."""

    def remembered(self) -> dict[str, Any]:
        """Everything it has in memory, to be put back by ``recalled``."""
        held = {
            d: replace(h, traces={**h.traces}, headers={**h.headers}, entries={**h.entries})
            for d, h in self.dossiers.items()
        }
        return {
            "outbound": self.outbound,
            "dossiers": held,
            "came": [*self.came],
            "waiting": [*self.waiting],
            "seen": {**self.seen},
            "is_down": self.is_down,
        }

    def recalled(self, memory: dict[str, Any]) -> None:
        """Be again as when this was ``remembered``."""
        fresh = Far.remembered(self)
        fresh.update(memory)
        for name, value in fresh.items():
            setattr(self, name, value)
        self.__dict__.update(self.remembered())

    # -- who it is ----------------------------------------------------------------------------------------------------

    def card(self, now: datetime, **changes: Any) -> dict[str, Any]:
        """Its card as it would be carried to a partner, members replaced by ``changes``."""
        end, turn = now + 400 * DAY, self.since + 30 * DAY
        members: dict[str, Any] = {
            "node_id": self.node_id,
            "names": {"ar": f"عقدة {self.node_id}", "en": f"Node {self.node_id}"},
            "state": self.node_id[:2].upper(),
            "url": self.url,
            "serial": self.serial,
            "issued_at": now,
            "valid_until": end,
            "keys": (
                CardKey.for_signer("node", self.node, self.since, end),
                CardKey.for_signer("authority", self.authority, self.since, end),
                CardKey.for_recipient("mailbox", self.mailbox.recipient(), self.since, turn),
                CardKey.for_recipient("mailbox", self.next_mailbox.recipient(), turn, turn + 30 * DAY),
                CardKey.for_recipient("archive", self.archive.recipient(), self.since, end),
            ),
            "root_public": self.root.public,
            "contact": Contact(phone="+212 5 00 00 00 00", email="desk@far.example", languages=("ar", "fr")),
        }
        return cards.sign_card(NodeCard(**(members | changes)), self.root).to_json()

    def knows(self, signed_card: Mapping[str, Any]) -> None:
        """Enrol another node."""
        card = cards.open_card(dsse.Signed.from_json(signed_card), pinned_root=None)
        self.cards[card.node_id] = card

    def revocation(
        self,
        key_id: str,
        now: datetime,
        *,
        since: datetime,
        last_good: dict[str, tuple[str | None, int]],
        recipient: str | None = None,
    ) -> dict[str, Any]:
        """A revocation under its root: ``last_good`` is {dossier: (entry, sequence)}."""
        told = Revocation(
            node_id=self.node_id,
            key_id=key_id,
            from_time=since,
            issued_at=now,
            reason="compromised",
            recipient=recipient,
            last_good={d: LastGood(entry=entry, sequence=seq) for d, (entry, seq) in last_good.items()},
        )
        return cards.sign_revocation(told, self.root).to_json()

    # -- dossiers -----------------------------------------------------------------------------------------------------

    def open(
        self,
        kind_name: str,
        others: Sequence[str],
        now: datetime,
        *,
        codes: Mapping[str, Any],
        parts: Sequence[Part] = (),
        **opening: Any,
    ) -> SignedEntry:
        """Open a dossier of its own and keep it."""
        rules = kind(kind_name)
        made = entries.new_opening(rules, (self.node_id, *others), random=self.random, **opening)
        salted = [SaltedPart.of(part, self.random) for part in parts]
        header = entries.compose(
            rules,
            None,
            author=self.node_id,
            act=rules.opening_act,
            acted_by=Actor("machine", clause="rule") if rules.acts[rules.opening_act].machine else self.officer,
            now=now,
            codes=codes,
            parts=salted,
            opening=made,
            source_marking=self.marking_of,
        )
        return self.keep(entries.sign_entry(header, salted, self.authority))

    def act(
        self,
        dossier: str,
        act: str,
        now: datetime,
        *,
        codes: Mapping[str, Any] | None = None,
        parts: Sequence[Part] = (),
        folded: Folded | None = None,
        clause: str = "",
        keep: bool = True,
        approved_by: Sequence[Actor] = (),
    ) -> SignedEntry:
        """Compose upon its present heads (or upon an older ``folded``), sign, and keep."""
        held = self.dossiers[dossier]
        salted = [SaltedPart.of(part, self.random) for part in parts]
        header = entries.compose(
            held.kind,
            folded or held.folded,
            author=self.node_id,
            act=act,
            acted_by=Actor("machine", clause=clause) if clause else self.officer,
            now=now,
            codes=codes,
            parts=salted,
            approved_by=approved_by,
            code_lists=held.opening.code_lists,
            load=held.traces.get,
        )
        entry = entries.sign_entry(header, salted, self.authority)
        return self.keep(entry) if keep else entry

    def forge(
        self,
        dossier: str,
        act: str,
        now: datetime,
        *,
        signer: Ed25519Signer | None = None,
        parts: Sequence[Part] = (),
        **members: Any,
    ) -> SignedEntry:
        """An entry at its place but not asked whether it has effect; ``members`` of the header as given."""
        held = self.dossiers[dossier]
        assert held.folded is not None
        place = folds.cites(held.folded, self.node_id)
        salted = [SaltedPart.of(part, self.random) for part in parts]
        told: dict[str, Any] = {
            "author": self.node_id,
            "seq": place.seq,
            "at": now,
            "act": act,
            "acted_by": self.officer,
            "dossier": dossier,
            "prev": place.prev,
            "heads": place.heads,
            "depth": place.depth,
            "parts": tuple(p.ref for p in salted),
            "marking": entries.marking_of(salted),
        }
        header = Header.from_json(Header(**(told | members)).to_json())
        return entries.sign_entry(header, salted, signer or self.authority)

    def machine(self, dossier: str, now: datetime) -> list[SignedEntry]:
        """Sign whatever its machine owes in the dossier."""
        held = self.dossiers[dossier]
        assert held.folded is not None
        calendar = Calendar(node=self.node_id, version="test", time_zone="UTC", weekend=frozenset({6, 7}), holidays={})
        owed = held.kind.machine_acts(held.folded.state, self.node_id, now, calendar)
        return [self.act(dossier, each.act, now, codes=each.codes, clause=each.clause) for each in owed]

    def marking_of(self, source: SourceRef) -> Marking | None:
        """The conditions of an entry that it holds."""
        held = [h.headers[source.entry] for h in self.dossiers.values() if source.entry in h.headers]
        return held[0].marking if held else None

    def keep(self, entry: SignedEntry) -> SignedEntry:
        """Fold an entry; it must not lack ancestors."""
        held = self.dossiers.get(entry.dossier)
        if held is None:
            assert entry.header.opening is not None, "the opening entry is not here"
            held = self.dossiers[entry.dossier] = Held(entry.header.opening)
        outcome = folds.append(
            held.kind, held.folded, entry.header, entry.entry_id, held.traces.get, load_header=held.headers.get
        )
        assert isinstance(outcome, folds.Appended), outcome
        held.folded = outcome.folded
        held.traces.setdefault(entry.entry_id, outcome.trace)
        held.headers[entry.entry_id], held.entries[entry.entry_id] = entry.header, entry
        return entry

    @property
    def officer(self) -> Actor:
        """The officer in whose name it acts."""
        return Actor("liaison", officer=officer_id(self.node_id))

    # -- envelopes out ------------------------------------------------------------------------------------------------

    def seal(
        self, to: str, *items: bodies.Item | SignedEntry, now: datetime, body: bytes | None = None, **changes: Any
    ) -> Sealed:
        """The next envelope to ``to``; with ``changes`` to the manifest's fields it is whatever they say."""
        place = self.outbound.next()
        mailbox = self.cards[to].key_for("mailbox", now)
        told: dict[str, Any] = {
            "envelope_id": new_id(now, self.random),
            "sender": self.node_id,
            "recipient": to,
            "incarnation": place.incarnation,
            "sequence": place.sequence,
            "previous_manifest_digest": place.previous_manifest_digest,
            "created_at": now,
            "expires_at": now + 30 * DAY,
            "mailbox": HybridRecipient.from_text(mailbox.public),
            "node_signer": self.node,
            "random": self.random,
        }
        raw = body if body is not None else bodies.Body(tuple(_item(one) for one in items)).to_bytes()
        sealed = sealing.seal(raw, **(told | changes))
        if "sequence" not in changes and "incarnation" not in changes and "envelope_id" not in changes:
            self.outbound = self.outbound.sent(sealed.manifest_digest)
        return sealed

    def restored(self, incarnation: int) -> None:
        """It comes back from a copy: its numbers begin again in a new incarnation."""
        self.outbound = Outbound.start(incarnation)

    def pull_request(self, to: str, now: datetime, *, signer: Ed25519Signer | None = None, **changes: Any) -> bytes:
        """The signed request for what waits for it at ``to``."""
        payload = {"v": 1, "from": self.node_id, "to": to, "at": format_time(now), "nonce": b64encode(self.random(12))}
        return canonical.dumps(
            dsse.sign(PULL_TYPE, canonical.dumps(payload | changes), [signer or self.node]).to_json()
        )

    # -- envelopes in -------------------------------------------------------------------------------------------------

    def receive(self, raw: bytes, now: datetime) -> dict[str, Any]:
        """Accept an envelope, open it, fold its entries, and answer with the receipt."""
        accepted = sealing.accept(
            raw,
            me=self.node_id,
            card_of=self.cards.get,
            is_revoked=lambda _node, _key, _at: False,
            seen=lambda _sender, envelope: self.seen[envelope][0] if envelope in self.seen else None,
            now=now,
        )
        if accepted.is_duplicate:
            return self.seen[accepted.manifest.envelope_id][1]
        body = bodies.Body.from_bytes(sealing.open_body(accepted, [self.mailbox, self.next_mailbox]))
        receipt = self.receipt(accepted.manifest, now)
        self.seen[accepted.manifest.envelope_id] = (accepted.manifest_digest, receipt)
        self.came.extend(body.items)
        for item in body.items:
            if item.type == "entry":
                self.take(item.content, now)
            elif item.type == "card":
                self.knows(item.content)
        return receipt

    def take(self, content: Any, now: datetime) -> None:
        """Verify an entry under its author's card, and fold it once its past is here."""
        entry = entries.from_wire(content, at="/content")
        card = self.cards.get(entry.header.author)
        keys = (
            {k.key_id: k.public_bytes for k in card.keys if k.purpose == "authority"}
            if card
            else {self.authority.key_id: self.authority.public}
        )
        entries.verify_entry(entry, keys)
        self.waiting.append(entry)
        while ready := [one for one in self.waiting if self._has_its_past(one)]:
            self.waiting = [one for one in self.waiting if one not in ready]
            for one in ready:
                self.keep(one)

    def _has_its_past(self, entry: SignedEntry) -> bool:
        held = self.dossiers.get(entry.dossier)
        if held is None:
            return entry.header.opening is not None
        return all(cited in held.traces for cited in entry.header.cited)

    def receipt(
        self, manifest: Manifest, now: datetime, *, signer: Ed25519Signer | None = None, **changes: Any
    ) -> dict[str, Any]:
        """The receipt for an envelope, members replaced by ``changes``."""
        told: dict[str, Any] = {
            "envelope_id": manifest.envelope_id,
            "manifest_digest": manifest.digest(),
            "sender": self.node_id,
            "recipient": manifest.sender,
            "status": "accepted",
            "received_at": now,
        }
        return receipts.Receipt(**(told | changes)).signed_by(signer or self.node).to_json()

    def serve(self, path: str, raw: bytes, now: datetime) -> tuple[int, bytes]:
        """Its door for partners."""
        if path in self.doors:
            return self.doors[path](raw, now)
        if self.answers:
            return self.answers.pop(0)
        assert path == "/peer/v1/envelopes", path
        return 200, canonical.dumps(self.receive(raw, now))

    def items(self, type_: str) -> list[dict[str, Any]]:
        """The content of every item of this type that came, in order."""
        return [dict(item.content) for item in self.came if item.type == type_]


def entry_item(entry: SignedEntry) -> bodies.Item:
    """An entry as it travels."""
    return bodies.Item("entry", entry.to_wire())


def _item(one: bodies.Item | SignedEntry) -> bodies.Item:
    return entry_item(one) if isinstance(one, SignedEntry) else one


def read(raw: bytes) -> Any:
    """JSON as a partner reads it."""
    return strict_json.loads(raw)
