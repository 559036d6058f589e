"""What an officer means to do, before it is an entry: the one shape that page, API, command line and demo hand to ``act``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tansiq.engine.dossiers.entries import Part
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical
from tansiq.engine.formats.ids import is_digest, require_node_id
from tansiq.engine.formats.json_values import pointer


@dataclass(frozen=True, slots=True)
class Intent:
    """One act in one dossier, or (``dossier`` empty) the opening of a new one with exactly one audience.

    ``participants`` are the other nodes. ``assurances`` are (issue, State) pairs, ``consents`` (provider, use) pairs that the officer
    holds on file. Everything under *local* stays on the node.
    """

    kind: str
    act: str
    dossier: str = ""
    participants: tuple[str, ...] = ()
    accord: str = ""
    codes: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    continues: str = ""
    cites: str = ""
    exercise: bool = False
    purpose: str = ""
    crime_area: str = ""
    issues: tuple[str, ...] = ()
    assurances: tuple[tuple[str, str], ...] = ()
    consents: tuple[tuple[str, str], ...] = ()
    # local
    title: str = ""
    case: str = ""
    circle: str = ""
    reference: str = ""
    their_reference: str = ""

    def to_json(self) -> dict[str, Any]:
        """For a draft's row and for the API."""
        return {
            "kind": self.kind,
            "act": self.act,
            "dossier": self.dossier,
            "participants": list(self.participants),
            "accord": self.accord,
            "codes": {name: list(v) if isinstance(v, tuple) else v for name, v in self.codes.items()},
            "parts": [part.to_json() for part in self.parts],
            "continues": self.continues,
            "cites": self.cites,
            "exercise": self.exercise,
            "purpose": self.purpose,
            "crime_area": self.crime_area,
            "issues": list(self.issues),
            "assurances": [list(pair) for pair in self.assurances],
            "consents": [list(pair) for pair in self.consents],
            "title": self.title,
            "case": self.case,
            "circle": self.circle,
            "reference": self.reference,
            "their_reference": self.their_reference,
        }

    @classmethod
    def from_json(cls, value: Any, *, at: str = "") -> Intent:
        """Read what ``to_json`` wrote or an integrator sent; raises Rejected naming the place."""
        if not isinstance(value, dict):
            raise Rejected("intent.malformed", at=at or "/", wanted="object")
        known = set(cls.__dataclass_fields__)
        for name in value:
            if name not in known:
                raise Rejected("intent.malformed", at=pointer(at, str(name)), wanted="absent")
        texts = {
            n: _text(value, n, at)
            for n in known - {"exercise", "participants", "codes", "parts", "issues", "assurances", "consents"}
        }
        codes = value.get("codes", {})
        if not isinstance(codes, dict):
            raise Rejected("intent.malformed", at=pointer(at, "codes"), wanted="object")
        for name, code in codes.items():
            if not _is_code(code):
                raise Rejected("intent.malformed", at=pointer(at, "codes", name), wanted="code")
        if not isinstance(value.get("exercise", False), bool):
            raise Rejected("intent.malformed", at=pointer(at, "exercise"), wanted="true or false")
        parts = [_part(part, pointer(at, "parts", n)) for n, part in enumerate(_list(value, "parts", at))]
        return cls(
            **texts,
            participants=tuple(
                require_node_id(node, at=pointer(at, "participants", place))
                for place, node in enumerate(_list(value, "participants", at))
            ),
            codes={name: tuple(code) if isinstance(code, list) else code for name, code in codes.items()},
            parts=tuple(parts),
            exercise=value.get("exercise", False),
            issues=tuple(str(i) for i in _list(value, "issues", at)),
            assurances=_pairs(value, "assurances", at),
            consents=_pairs(value, "consents", at),
        )

    def to(self, participant: str) -> Intent:
        """The same intent for one of several partners: asking N partners opens N dossiers."""
        return replace(self, participants=(participant,))

    def digest(self, *, accord_version: str) -> str:
        """What an approval binds: exact parts, codes, recipients, dossier and accord version."""
        shared = {k: v for k, v in self.to_json().items() if k not in LOCAL}
        return canonical.digest({**shared, "accord_version": accord_version})


def _is_code(value: Any) -> bool:
    """Whether a code of a header could be written so; its kind looks closer."""
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, str | int)


def _part(value: Any, at: str) -> Part:
    """A part as a person writes it: what is left out is absent, which the signed form says with null."""
    if not isinstance(value, dict):
        raise Rejected("intent.malformed", at=at, wanted="object")
    return Part.from_json({**ABSENT, **value}, at=at)


def _text(value: dict[str, Any], name: str, at: str) -> str:
    text = value.get(name, "")
    if not isinstance(text, str) or len(text) > 500 or (name in _DIGESTS and text and not is_digest(text)):
        raise Rejected("intent.malformed", at=pointer(at, name), wanted="text")
    return text


def _list(value: dict[str, Any], name: str, at: str) -> list[Any]:
    items = value.get(name, [])
    if not isinstance(items, list) or len(items) > 256:
        raise Rejected("intent.malformed", at=pointer(at, name), wanted="list")
    return items


def _pairs(value: dict[str, Any], name: str, at: str) -> tuple[tuple[str, str], ...]:
    pairs = _list(value, name, at)
    if not all(isinstance(p, list) and len(p) == 2 and all(isinstance(t, str) for t in p) for p in pairs):
        raise Rejected("intent.malformed", at=pointer(at, name), wanted="list of pairs")
    return tuple((p[0], p[1]) for p in pairs)


LOCAL = frozenset({"title", "case", "circle", "reference", "their_reference"})
"""What of an intent stays on the node, and so no approval binds."""
_DIGESTS = frozenset({"dossier", "accord", "continues", "cites"})
ABSENT: dict[str, Any] = {
    name: value for name, value in Part(type="absent", content={}).to_json().items() if name not in {"type", "content"}
}
