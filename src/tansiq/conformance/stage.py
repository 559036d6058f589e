"""One run: two players before one node, the time, and the verbs in which checks are written.

A node may answer an item in any later envelope. So a check that expects *nothing* sends, last in the same envelope, an item of a
type that nobody knows: once its ``status`` has come, everything before it has been taken.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tansiq.conformance import line as doors
from tansiq.conformance.keeping import Kept
from tansiq.conformance.line import Answer, Line
from tansiq.conformance.player import Player
from tansiq.conformance.verdicts import Broken
from tansiq.engine.dossiers.entries import SignedEntry
from tansiq.engine.envelopes.bodies import Item
from tansiq.engine.envelopes.cards import NodeCard
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.receipts import Receipt, open_receipt
from tansiq.engine.envelopes.sealing import Sealed
from tansiq.engine.envelopes.sequences import Outbound
from tansiq.engine.errors import TansiqError

UNKNOWN_TYPE = "conformance_kit"


@dataclass
class Stage:
    """Players ``a`` and ``b``, both enrolled at the node whose card is ``target``.

    ``clock`` gives the time, ``pause`` lets the node work between two questions, ``patience`` is how often it is asked.
    """

    line: Line
    target: NodeCard
    signed_target: Signed
    kept: Kept
    a: Player
    b: Player
    clock: Callable[[], datetime]
    pause: Callable[[], None]
    patience: int

    # -- out --------------------------------------------------------------------------------------------------------

    def post(self, raw: Sealed | bytes, path: str = doors.ENVELOPES) -> Answer:
        """Knock with these bytes."""
        return self.line.post(path, raw.to_bytes() if isinstance(raw, Sealed) else raw)

    def refused(
        self, what: str, raw: Sealed | bytes, *codes: str, temporary: bool = False, path: str = doors.ENVELOPES
    ) -> None:
        """The node must refuse these bytes by one of ``codes`` (a code that ends in a dot stands for all that begin so)."""
        answer = self.post(raw, path)
        named = any(answer.code == code or (code.endswith(".") and answer.code.startswith(code)) for code in codes)
        if answer.status < 400 or not named or answer.is_temporary != temporary:
            wanted = " or ".join(codes) + (", temporary" if temporary else ", final")
            raise Broken(f"{what}: demanded {wanted}; answered {answer}")
        if isinstance(answer.value, dict) and "signatures" in answer.value:
            raise Broken(f"{what}: something was signed for it")

    def accepted(self, player: Player, sealed: Sealed) -> Receipt:
        """The node must accept the envelope; its receipt, verified."""
        answer = self.post(sealed)
        if answer.status != 200:
            raise Broken(f"an envelope that is right: demanded a receipt; answered {answer}")
        player.sent(sealed)
        return self.receipt_in(answer, sealed)

    def receipt_in(self, answer: Answer, sealed: Sealed) -> Receipt:
        """The receipt of that envelope in an answer; raises :class:`Broken` for anything else."""
        manifest = sealed.opened_manifest
        keys = {one.key_id: one.public_bytes for one in self.target.keys if one.purpose == "node"}
        try:
            return open_receipt(Signed.from_json(answer.value), keys=keys, me=manifest.sender, about=manifest)
        except TansiqError as error:
            raise Broken(f"its receipt does not hold: {error}") from error

    def send(self, player: Player, *items: Item | SignedEntry) -> Receipt:
        """Send items in one envelope, which must be accepted."""
        return self.accepted(player, player.seal(tuple(map(as_item, items)), self.clock()))

    # -- in ---------------------------------------------------------------------------------------------------------

    def fetched(self, player: Player) -> list[bytes]:
        """What waits for the player, as it comes; nothing is opened or receipted."""
        answer = self.line.post(doors.PULL, player.request(self.clock()))
        if answer.status != 200:
            raise Broken(f"a request to fetch that is right: answered {answer}")
        try:
            return doors.framed(answer.raw)
        except ValueError as error:
            raise Broken(f"what is fetched: {error}") from error

    def collect(self, player: Player) -> int:
        """Fetch, open and receipt what waits; returns how many envelopes came."""
        came = self.fetched(player)
        for raw in came:
            try:
                accepted = player.open(raw, self.clock())
            except TansiqError as error:
                raise Broken(f"an envelope of the node does not hold: {error}") from error
            self.line.post(doors.RECEIPTS, player.receipt(accepted.manifest, self.clock()))
        return len(came)

    def until(self, player: Player, is_there: Callable[[Item], bool], *, since: int = 0) -> Item | None:
        """The first item from ``since`` on for which ``is_there``, once it has come; None when patience is at its end."""
        for turn in range(self.patience):
            found = next((one for one in player.came[since:] if is_there(one)), None)
            if found is not None:
                return found
            if turn:
                self.pause()
            self.collect(player)
        return next((one for one in player.came[since:] if is_there(one)), None)

    def take(self, player: Player, *items: Item | SignedEntry) -> list[Item]:
        """Send items and wait until they have been taken; returns what has come to the player meanwhile."""
        since = len(player.came)
        reference = str(uuid.UUID(bytes=player.random(16), version=4))
        self.send(player, *items, Item(UNKNOWN_TYPE, {"reference": reference}))
        self.pause()
        if self.until(player, lambda one: speaks_of(one, reference), since=since) is None:
            raise Broken("an item of an unknown type: no status not_understood came back")
        return player.came[since:]

    def has(self, player: Player, entry_id: str, dossier: str) -> bool:
        """Whether the node gives the entry to the player that asks for it."""
        came = self.take(player, fetch(dossier, entry_id))
        return any(entry_id_in(one) == entry_id for one in came) or self.comes(player, entry_id)

    def comes(self, player: Player, entry_id: str) -> bool:
        """Whether the entry has come in what waits now."""
        self.collect(player)
        return any(entry_id_in(one) == entry_id for one in player.came[-50:])


def staged(
    line: Line,
    signed_target: Signed,
    target: NodeCard,
    kept: Kept,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    pause: Callable[[], None] = lambda: time.sleep(0.2),
    patience: int = 60,
) -> Stage:
    """A new run against ``target``: each player begins a new incarnation, so that a run owes nothing to the one before."""
    kept.incarnation = max(kept.incarnation + 1, int(clock().timestamp()) // 60)
    a, b = (Player(who, target, Outbound.start(kept.incarnation)) for who in kept.identities.values())
    return Stage(line, target, signed_target, kept, a, b, clock, pause, patience)


# -- items ---------------------------------------------------------------------------------------------------------------


def as_item(one: Item | SignedEntry) -> Item:
    """An entry as it travels."""
    return Item("entry", one.to_wire()) if isinstance(one, SignedEntry) else one


def fetch(dossier: str, *wanted: str) -> Item:
    """The question for entries."""
    return Item("fetch", {"v": 1, "dossier": dossier, "entries": [*wanted]})


def heads(told: dict[str, Sequence[str]], *, after: str = "", until: str = "") -> Item:
    """What the sender has of these dossiers."""
    dossiers: dict[str, Any] = {name: [*listed] for name, listed in told.items()}
    return Item("heads", {"v": 1, "dossiers": dossiers, "after": after, "until": until})


def speaks_of(item: Item, reference: str) -> bool:
    """Whether it is a status about ``reference``."""
    named = item.content.get("references")
    return item.type == "status" and isinstance(named, list) and reference in named


def entry_id_in(item: Item) -> str:
    """The id of the entry in an item; empty where there is none that can be read."""
    from tansiq.engine.dossiers import entries

    try:
        return entries.from_wire(item.content).entry_id if item.type == "entry" else ""
    except TansiqError:
        return ""


def entries_in(items: Iterable[Item]) -> list[SignedEntry]:
    """The entries among items."""
    from tansiq.engine.dossiers import entries

    return [entries.from_wire(one.content) for one in items if one.type == "entry"]
