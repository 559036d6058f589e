"""A part that is passed on: the original signed header, the one part of it with its salt, and how to check who signed it.

    X signs an entry with parts ──► Y holds it ──► Y opens a successor dossier; its part of type ``reshared`` holds
                                                   X's header and signature, X's part and salt, X's card

Whoever reads it verifies that X committed to exactly this part, and – under keys that are known there, or under the
card that came along – that X signed. Nothing of it can be changed by Y but the conditions, and those only upwards: the
carrying part is at least as strictly marked, and speaks of the same data subject. A part that is passed on again is
unwrapped and wrapped anew, so that it never grows; ``via`` names who passed it on before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tansiq.engine.dossiers.contents import Reshared
from tansiq.engine.dossiers.entries import SignedEntry, from_wire, read_header, verify_entry
from tansiq.engine.dossiers.parts import Part, SaltedPart, SourceRef
from tansiq.engine.envelopes import dsse
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.json_values import pointer

RESHARED: Final = "reshared"
NEVER: Final = frozenset({RESHARED, "terms", "reservation"})
"""Types that are not wrapped: what is wrapped already is unwrapped first, and consent to an accord is not passed on."""
MAX_VIA: Final = 8


@dataclass(frozen=True)
class Origin:
    """Whose the part is: the original entry with this part alone, its place, the cards that came along, and by whom."""

    entry: SignedEntry
    index: int
    cards: tuple[Mapping[str, Any], ...] = ()
    via: tuple[str, ...] = ()

    @property
    def author(self) -> str:
        """The node that signed it first."""
        return self.entry.header.author

    @property
    def salted(self) -> SaltedPart:
        """The part and its salt."""
        held = self.entry.parts[self.index]
        assert held is not None
        return held

    @property
    def commitment(self) -> str:
        """The commitment that the original header holds."""
        return self.entry.header.parts[self.index].commitment

    def is_the_part(self, other: Origin) -> bool:
        """The same part of the same signed entry, whoever brought it."""
        return self.entry.raw == other.entry.raw and self.index == other.index

    def verify(self, keys: Mapping[str, bytes]) -> None:
        """Return when one of the author's authority keys signed it; raises as ``verify_entry``."""
        verify_entry(self.entry, keys)


def origin_of(entry: SignedEntry, index: int, *, cards: Sequence[Mapping[str, Any]] = (), passer: str = "") -> Origin:
    """What is passed on when part ``index`` of an entry is: that part itself, or what it carries already.

    ``passer`` is the author of ``entry`` where it is itself one that passes on. Raises ``Rejected("reshared.part_gone")``
    for an erased part and ``Rejected("reshared.not_passable")`` for one that is not information.
    """
    held = entry.parts[index] if 0 <= index < len(entry.parts) else None
    if held is None:
        raise Rejected("reshared.part_gone", at=f"/parts/{index}", entry=entry.entry_id, index=index)
    if held.part.type == RESHARED:
        found = open_origin(held.part)
        via = (*found.via, passer) if passer else found.via
        return Origin(found.entry, found.index, found.cards, via[-MAX_VIA:])
    if held.part.type in NEVER:
        raise Rejected("reshared.not_passable", at=f"/parts/{index}/type", type=held.part.type)
    others = [ref.commitment for place, ref in enumerate(entry.header.parts) if place != index]
    return Origin(entry.without(*others), index, tuple(cards))


def wrap(origin: Origin, source: SourceRef) -> Part:
    """The part that carries ``origin``, derived from ``source`` (where the sender holds it), under the same conditions."""
    inner = origin.salted.part
    return Part(
        type=RESHARED,
        content={
            "header": origin.entry.signed.to_json(),
            "index": origin.index,
            "salted": origin.salted.to_json(),
            "cards": [dict(card) for card in origin.cards],
            "via": list(origin.via),
        },
        marking=inner.marking,
        language=inner.language,
        sources=(source,),
        review_at=inner.review_at,
        category=inner.category,
        flags=inner.flags,
        handling_note=inner.handling_note,
    )


def open_origin(part: Part, *, at: str = "") -> Origin:
    """Read a carrying part and hold it to what it carries; the signature is not looked at (``Origin.verify``).

    Raises ``Rejected``: the ``entry.…`` and ``part.…`` errors of what is carried (a commitment that differs among them),
    ``reshared.not_passable``, or ``reshared.conditions_weaker`` where the carrying part lost a condition, the category or
    a flag of the data subject.
    """
    read = part.read
    if not isinstance(read, Reshared):
        raise Rejected("reshared.not_passable", at=at, type=part.type)
    signed = dsse.Signed.from_json(dict(read.header), at=pointer(at, "content", "header"))
    header = read_header(signed.payload, at=pointer(at, "content", "header", "payload"))
    if read.index >= len(header.parts):
        raise Rejected("entry.no_such_part", at=pointer(at, "content", "index"), part=str(read.index))
    parts: list[Any] = [None] * len(header.parts)
    parts[read.index] = read.salted
    entry = from_wire({"header": signed.to_json(), "parts": parts}, at=pointer(at, "content"))
    origin = Origin(entry, read.index, tuple(read.cards), tuple(read.via))
    inner = origin.salted.part
    if inner.type in NEVER:
        raise Rejected("reshared.not_passable", at=pointer(at, "content", "salted"), type=inner.type)
    if not part.marking.is_at_least(inner.marking):
        raise Rejected("reshared.conditions_weaker", at=pointer(at, "marking"))
    if part.category != inner.category or not set(inner.flags) <= set(part.flags):
        raise Rejected("reshared.conditions_weaker", at=pointer(at, "category"))
    if part.handling_note != inner.handling_note:
        raise Rejected("reshared.conditions_weaker", at=pointer(at, "handling_note"))
    return origin


def origins(entry: SignedEntry) -> dict[int, Origin]:
    """What an entry passes on, by the index of the carrying part; raises as :func:`open_origin` with the place."""
    return {
        index: open_origin(salted.part, at=pointer("/parts", index, "part"))
        for index, salted in enumerate(entry.parts)
        if salted is not None and salted.part.type == RESHARED
    }
