"""What stands inside an envelope: the sender's log checkpoint and a list of items, each of a type with its content.

Many items travel in one envelope, and what one of them means is the affair of the room that sends and takes it. An item
of a type that a node does not know is reported to its sender, never an error: the partner may be newer.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical
from tansiq.engine.formats.json_values import JsonValue, Limits, pointer

MAX_ITEMS: Final = 1000
LIMITS: Final = Limits(max_bytes=8 * 1024 * 1024, max_depth=32, max_values=500_000, max_string_length=4 * 1024 * 1024)
_TYPE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MEMBERS: Final = {"v", "checkpoint", "items"}
_ITEM_MEMBERS: Final = {"type", "content"}


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a partner gets: ``type`` says what, ``content`` is that type's own."""

    type: str
    content: dict[str, JsonValue]

    def to_json(self) -> dict[str, JsonValue]:
        """``{"type", "content"}``."""
        return {"type": self.type, "content": self.content}


@dataclass(frozen=True, slots=True)
class Body:
    """The items of one envelope, in order, and the newest checkpoint of the sender's exchange log, if it has one."""

    items: tuple[Item, ...]
    checkpoint: str | None = None

    def to_bytes(self) -> bytes:
        """Canonical JSON: ``{"v": 1, "checkpoint", "items"}``."""
        items: list[JsonValue] = [item.to_json() for item in self.items]
        return canonical.dumps({"v": 1, "checkpoint": self.checkpoint, "items": items})

    @classmethod
    def from_bytes(cls, raw: bytes) -> Body:
        """The body that ``to_bytes`` wrote; ``Rejected("body.form", at=…)``, ``body.version`` or a ``json.…`` error."""
        value = canonical.loads(raw, limits=LIMITS)
        if not isinstance(value, dict):
            raise Rejected("body.form", at="")
        if value.get("v") != 1:
            raise Rejected("body.version", at="/v")
        checkpoint, items = value.get("checkpoint"), value.get("items")
        if value.keys() != _MEMBERS:
            raise Rejected("body.form", at="")
        if not isinstance(checkpoint, str | None):
            raise Rejected("body.form", at="/checkpoint")
        if not isinstance(items, list) or len(items) > MAX_ITEMS:
            raise Rejected("body.form", at="/items")
        return cls(tuple(_item(one, pointer("/items", place)) for place, one in enumerate(items)), checkpoint)

    def not_understood(self, understood: Collection[str]) -> tuple[int, ...]:
        """The places, from 0, of the items whose type is not among ``understood``."""
        return tuple(place for place, item in enumerate(self.items) if item.type not in understood)


def size(item: Item) -> int:
    """How many bytes the item adds to a body, its comma included."""
    return len(canonical.dumps(item.to_json())) + 1


def _item(value: JsonValue, at: str) -> Item:
    if not isinstance(value, dict) or value.keys() != _ITEM_MEMBERS:
        raise Rejected("body.form", at=at)
    kind, content = value["type"], value["content"]
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        raise Rejected("body.form", at=pointer(at, "type"))
    if not isinstance(content, dict):
        raise Rejected("body.form", at=pointer(at, "content"))
    return Item(kind, content)
