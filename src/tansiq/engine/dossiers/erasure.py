"""Proof of erasure: what a node says that it erased, where, and that its log said so at the time.

A **statement** is a DSSE envelope of type ``application/vnd.tansiq.erasure+json`` under the node's authority key. It names every
part by entry and commitment, never by content. For each part it lays open one event of the node's exchange log – facts
and salt – with the path from its leaf to a signed checkpoint: so what it says of a part (from how many places it went,
which copies are out, which successors owe it) was said when it was erased, and cannot be said otherwise later.

``verify`` needs the node's public keys, and nothing of the content. Whoever signed the part compares the names with its own headers:
that is the caller's, who has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tansiq.engine.envelopes import dsse
from tansiq.engine.envelopes.signing import Signer
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical
from tansiq.engine.formats.ids import b64decode, is_digest, is_node_id
from tansiq.engine.formats.json_values import JsonValue, Limits, pointer
from tansiq.engine.formats.times import parse_time
from tansiq.engine.ledger import checkpoints, leaves, merkle

PAYLOAD_TYPE: Final = "application/vnd.tansiq.erasure+json"
EVENT: Final = "parts.erased_everywhere"
_LIMITS: Final = Limits(max_bytes=8 * 1024 * 1024, max_depth=12, max_values=200_000, max_string_length=65_536)
_STATEMENT: Final = frozenset({"v", "node", "dossier", "change", "made_at", "parts"})
_PART: Final = frozenset({"entry", "part", "erased_at", "reason", "event", "now"})
_EVENT: Final = frozenset({"header", "facts", "salt", "index", "path", "checkpoint"})


@dataclass(frozen=True, slots=True)
class ErasedPart:
    """One part as the statement has it; ``reached`` is from the log, ``now`` what the node says of it today."""

    entry: str
    part: str
    erased_at: datetime
    reason: str
    reached: Mapping[str, Any]
    now: Mapping[str, Any]
    is_logged: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """A verified statement."""

    node: str
    dossier: str
    change: str
    made_at: datetime
    parts: tuple[ErasedPart, ...]

    def lacks(self, wanted: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Those (entry, commitment) pairs that the statement does not prove erased."""
        proved = {(one.entry, one.part) for one in self.parts if one.is_logged}
        return [pair for pair in wanted if pair not in proved]


def sign(statement: Mapping[str, JsonValue], signer: Signer) -> dsse.Signed:
    """The statement under the node's authority key."""
    return dsse.sign(PAYLOAD_TYPE, canonical.dumps(dict(statement)), [signer])


def read_signed(value: object) -> tuple[dsse.Signed, str, datetime]:
    """A statement as foreign JSON, and which node says when to have made it: whose keys to verify it with."""
    signed = dsse.Signed.from_json(value)
    told = _told(signed)
    return signed, str(told["node"]), parse_time(told["made_at"], at="/made_at")


def verify(signed: dsse.Signed, *, authority: Mapping[str, bytes], node_keys: Iterable[bytes]) -> Proof:
    """The statement, when one of the authority keys signed it and every event stands in a log that the node signed.

    Raises ``Rejected``: ``dsse.…``, ``envelope.signature_invalid``, ``erasure.malformed`` with the place,
    ``erasure.event_differs`` where a part's event is another's, and what checkpoints and paths raise (``ledger.…``).
    """
    dsse.verify_one(signed, payload_type=PAYLOAD_TYPE, keys=authority)
    told = _told(signed)
    node, publics = str(told["node"]), list(node_keys)
    parts = [_part(one, node, publics, pointer("/parts", place)) for place, one in enumerate(told["parts"])]
    made_at = parse_time(told["made_at"], at="/made_at")
    return Proof(node, told["dossier"], told["change"], made_at, tuple(parts))


def _told(signed: dsse.Signed) -> dict[str, Any]:
    told = canonical.loads(signed.payload, limits=_LIMITS)
    if not isinstance(told, dict) or told.keys() != _STATEMENT or told["v"] != 1:
        raise _malformed("")
    if not is_node_id(told["node"]):
        raise _malformed("/node")
    for name in ("dossier", "change"):
        if not (is_digest(told[name]) or (name == "change" and told[name] == "")):
            raise _malformed(pointer("", name))
    if not isinstance(told["parts"], list):
        raise _malformed("/parts")
    return told


def _part(value: object, node: str, publics: list[bytes], at: str) -> ErasedPart:
    if not isinstance(value, dict) or value.keys() != _PART:
        raise _malformed(at)
    for name in ("entry", "part"):
        if not is_digest(value[name]):
            raise _malformed(pointer(at, name))
    if not isinstance(value["reason"], str) or not isinstance(value["now"], dict):
        raise _malformed(pointer(at, "reason"))
    facts = _logged(value["event"], node, publics, pointer(at, "event")) if value["event"] is not None else None
    if facts is not None:
        same = (facts.get("entry"), facts.get("part"), facts.get("reason"))
        if same != (value["entry"], value["part"], value["reason"]):
            raise Rejected("erasure.event_differs", at=at)
    reached = facts.get("reached", {}) if facts else {}
    return ErasedPart(
        value["entry"],
        value["part"],
        parse_time(value["erased_at"], at=pointer(at, "erased_at")),
        value["reason"],
        reached if isinstance(reached, dict) else {},
        value["now"],
        facts is not None,
    )


def _logged(value: object, node: str, publics: list[bytes], at: str) -> dict[str, Any]:
    """The facts of an event that stands in the node's exchange log."""
    if not isinstance(value, dict) or value.keys() != _EVENT:
        raise _malformed(at)
    header, facts, index, path = value["header"], value["facts"], value["index"], value["path"]
    if not isinstance(header, dict) or not isinstance(facts, dict) or not isinstance(path, list):
        raise _malformed(at)
    if not isinstance(index, int) or isinstance(index, bool) or index < 0 or not isinstance(value["checkpoint"], str):
        raise _malformed(at)
    commitment = leaves.commit(b64decode(value["salt"], at=pointer(at, "salt")), facts)
    wanted = {"v", "log", "event", "actor", "dossier", "at", "facts"}
    if header.keys() != wanted or header["facts"] != commitment.hex() or header["event"] != EVENT:
        raise Rejected("erasure.event_differs", at=at)
    head = checkpoints.read_checkpoint(value["checkpoint"])
    if not head.origin.startswith(f"tansiq/{node}/exchange/"):
        raise Rejected("erasure.event_differs", at=pointer(at, "checkpoint"))
    keys = [checkpoints.checkpoint_key(head.origin, public) for public in publics]
    head = checkpoints.open_checkpoint(value["checkpoint"], keys)
    steps = [b64decode(step, at=pointer(at, "path", place)) for place, step in enumerate(path)]
    leaf = merkle.leaf_hash(canonical.dumps(header))
    merkle.verify_inclusion(index, head.size, leaf, steps, head.root)
    return facts


def _malformed(at: str) -> Rejected:
    return Rejected("erasure.malformed", at=at)
