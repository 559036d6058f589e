"""What an entry says to the fold: its place in the dossier, its act, its closed codes. No name, no free text.

A header is the signed half of an entry. It is read from foreign bytes by ``Header.from_json``, which takes exactly the
keys that ``to_json`` writes: one header has one JSON value, one canonical sequence of bytes, one digest. The state of a
dossier is folded from headers alone, so everything a verdict depends on stands here.

Shapes: ids of entries and dossiers are 64 lowercase hexadecimal characters; ``at`` is an aware UTC datetime with whole
milliseconds; ``heads`` and ``participants`` are sorted and without repetition. Every reader raises
``Rejected("entry.malformed", at=JSON pointer, wanted=…)``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

from tansiq.engine.accords.markings import Marking
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical
from tansiq.engine.formats.ids import b64decode, digest, is_digest, is_external, is_id, is_node_id
from tansiq.engine.formats.json_values import JsonValue, pointer
from tansiq.engine.formats.times import format_time, parse_time, to_utc

VERSION: Final = 1
MAX_HEADS: Final = 32
MAX_PARTS: Final = 256
MAX_PARTICIPANTS: Final = 64
MAX_CODES: Final = 32
MAX_CODE_LIST: Final = 64
MAX_PINNED: Final = 64
MAX_APPROVERS: Final = 8
MACHINE: Final = "machine"

_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")
_CODE: Final = re.compile(r"[A-Za-z0-9*][A-Za-z0-9_.:/+*-]{0,127}")
_LIMIT: Final = 2**53 - 1

Code = str | int | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted: an officer by opaque id with the role they acted in, or the machine with the clause that makes it
    act.
    """

    role: str
    officer: str | None = None
    clause: str | None = None

    @property
    def is_machine(self) -> bool:
        """No person decided this; a rule did."""
        return self.role == MACHINE

    def to_json(self) -> dict[str, JsonValue]:
        """``{"role", "officer"}`` for a person, ``{"role": "machine", "clause"}`` for the machine."""
        if self.is_machine:
            return {"role": self.role, "clause": self.clause}
        return {"role": self.role, "officer": self.officer}

    @classmethod
    def from_json(cls, value: object, *, at: str) -> Actor:
        """Read what ``to_json`` wrote."""
        found = _object(value, at=at)
        role = _match(found.get("role"), _WORD, at=pointer(at, "role"), wanted="role")
        if role == MACHINE:
            _keys(found, {"role", "clause"}, at=at)
            return cls(role, clause=_match(found["clause"], _CODE, at=pointer(at, "clause"), wanted="clause"))
        _keys(found, {"role", "officer"}, at=at)
        if not is_id(found["officer"]):
            raise _malformed(pointer(at, "officer"), "officer id")
        return cls(role, officer=str(found["officer"]))


@dataclass(frozen=True, slots=True)
class PartRef:
    """One part as the header shows it: its type, and a salted commitment that tells nothing about its content."""

    type: str
    commitment: str

    def to_json(self) -> dict[str, JsonValue]:
        """``{"type", "commitment"}``."""
        return {"type": self.type, "commitment": self.commitment}

    @classmethod
    def from_json(cls, value: object, *, at: str) -> PartRef:
        """Read what ``to_json`` wrote."""
        found = _object(value, at=at)
        _keys(found, {"type", "commitment"}, at=at)
        part_type = _match(found["type"], _WORD, at=pointer(at, "type"), wanted="part type")
        return cls(part_type, _digest(found["commitment"], at=pointer(at, "commitment")))


@dataclass(frozen=True, slots=True)
class Opening:
    """What a dossier is for ever: its kind, its audience, its accord, and the digests of everything it is read by."""

    kind: str
    kind_version: int
    participants: tuple[str, ...]
    nonce: str
    accord: str | None = None
    accord_version: str | None = None
    code_lists: Mapping[str, str] = field(default_factory=dict)
    calendars: Mapping[str, str] = field(default_factory=dict)
    continues: str | None = None
    cites: str | None = None
    exercise: bool = False
    """Nothing in this dossier is real: said in its opening entry, so signed, known to every party, and unalterable."""

    def to_json(self) -> dict[str, JsonValue]:
        """Every key always, null for what is absent; ``exercise`` alone stands there only where it is true.

        So one opening has one JSON value, those signed before there were exercises are still canonical, and a program that does not
        know exercises refuses the entry instead of taking it for real.
        """
        marked: dict[str, JsonValue] = {"exercise": True} if self.exercise else {}
        return {
            **marked,
            "kind": self.kind,
            "kind_version": self.kind_version,
            "participants": list(self.participants),
            "nonce": self.nonce,
            "accord": self.accord,
            "accord_version": self.accord_version,
            "code_lists": dict(self.code_lists),
            "calendars": dict(self.calendars),
            "continues": self.continues,
            "cites": self.cites,
        }

    @classmethod
    def from_json(cls, value: object, *, at: str) -> Opening:
        """Read what ``to_json`` wrote: 2 to 64 participants, sorted; a nonce of 16 to 32 bytes."""
        found = _object(value, at=at)
        _keys(found, {*cls.__dataclass_fields__} - ({"exercise"} - found.keys()), at=at)
        if found.get("exercise", True) is not True:
            raise _malformed(pointer(at, "exercise"), "true, or absent")
        participants = _sorted_texts(found["participants"], MAX_PARTICIPANTS, at=pointer(at, "participants"))
        if len(participants) < 2 or not _is_audience(participants):
            raise _malformed(pointer(at, "participants"), "2 to 64 node ids")
        if not 16 <= len(b64decode(found["nonce"], at=pointer(at, "nonce"))) <= 32:
            raise _malformed(pointer(at, "nonce"), "16 to 32 bytes")
        return cls(
            kind=_match(found["kind"], _WORD, at=pointer(at, "kind"), wanted="kind"),
            kind_version=_count(found["kind_version"], at=pointer(at, "kind_version")),
            participants=participants,
            nonce=str(found["nonce"]),
            accord=_optional_digest(found["accord"], at=pointer(at, "accord")),
            accord_version=_optional_digest(found["accord_version"], at=pointer(at, "accord_version")),
            code_lists=_pins(found["code_lists"], at=pointer(at, "code_lists")),
            calendars=_pins(found["calendars"], at=pointer(at, "calendars")),
            continues=_optional_digest(found["continues"], at=pointer(at, "continues")),
            cites=_optional_digest(found["cites"], at=pointer(at, "cites")),
            exercise="exercise" in found,
        )


@dataclass(frozen=True)
class Header:
    """One act in a dossier, as its author's authority signs it.

    ``dossier`` is None in the opening entry alone, whose own digest is the id of the dossier. ``seq`` counts the
    author's entries here from 1 and ``prev`` is the digest of the one before. ``heads`` are the entries nobody had
    answered when this one was made; together with ``prev`` they are what it *cites*. ``depth`` and ``seq`` are
    statements: the fold recomputes them.
    """

    author: str
    seq: int
    at: datetime
    act: str
    acted_by: Actor
    dossier: str | None = None
    prev: str | None = None
    heads: tuple[str, ...] = ()
    depth: int = 1
    codes: Mapping[str, Code] = field(default_factory=dict)
    approved_by: tuple[Actor, ...] = ()
    marking: Marking = field(default_factory=Marking)
    parts: tuple[PartRef, ...] = ()
    opening: Opening | None = None
    v: int = VERSION

    @property
    def cited(self) -> tuple[str, ...]:
        """The entries it stands on: its heads, and its author's previous entry if that is not among them."""
        return self.heads if self.prev is None or self.prev in self.heads else (*self.heads, self.prev)

    def to_json(self) -> dict[str, JsonValue]:
        """Every key always, null for what is absent; its canonical bytes are what is signed and digested."""
        return {
            "v": self.v,
            "dossier": self.dossier,
            "author": self.author,
            "seq": self.seq,
            "prev": self.prev,
            "heads": list(self.heads),
            "depth": self.depth,
            "at": format_time(self.at),
            "act": self.act,
            "codes": {name: list(code) if isinstance(code, tuple) else code for name, code in self.codes.items()},
            "acted_by": self.acted_by.to_json(),
            "approved_by": [actor.to_json() for actor in self.approved_by],
            "marking": self.marking.to_json(),
            "parts": [part.to_json() for part in self.parts],
            "opening": self.opening.to_json() if self.opening else None,
        }

    def to_bytes(self) -> bytes:
        """The canonical bytes (RFC 8785)."""
        return canonical.dumps(self.to_json())

    @cached_property
    def entry_id(self) -> str:
        """The digest of the canonical bytes: the name of the entry everywhere."""
        return digest(self.to_bytes())

    @classmethod
    def from_json(cls, value: object, *, at: str = "") -> Header:
        """Read what ``to_json`` wrote, and nothing else."""
        found = _object(value, at=at)
        _keys(found, set(cls.__dataclass_fields__), at=at)
        if found["v"] != VERSION or isinstance(found["v"], bool):
            raise Rejected("entry.unknown_version", at=pointer(at, "v"), known=VERSION)
        if not is_node_id(found["author"]):
            raise _malformed(pointer(at, "author"), "node id")
        heads = _sorted_texts(found["heads"], MAX_HEADS, at=pointer(at, "heads"))
        opening = found["opening"]
        header = cls(
            author=str(found["author"]),
            seq=_count(found["seq"], at=pointer(at, "seq")),
            at=to_utc(parse_time(found["at"], at=pointer(at, "at"))),
            act=_match(found["act"], _WORD, at=pointer(at, "act"), wanted="act"),
            acted_by=Actor.from_json(found["acted_by"], at=pointer(at, "acted_by")),
            dossier=_optional_digest(found["dossier"], at=pointer(at, "dossier")),
            prev=_optional_digest(found["prev"], at=pointer(at, "prev")),
            heads=tuple(_digest(head, at=pointer(at, "heads", index)) for index, head in enumerate(heads)),
            depth=_count(found["depth"], at=pointer(at, "depth")),
            codes=_codes(found["codes"], at=pointer(at, "codes")),
            approved_by=_approvers(found["approved_by"], at=pointer(at, "approved_by")),
            marking=Marking.from_json(found["marking"], at=pointer(at, "marking")),
            parts=_parts(found["parts"], at=pointer(at, "parts")),
            opening=None if opening is None else Opening.from_json(opening, at=pointer(at, "opening")),
        )
        _check_place(header, at=at)
        return header


def _check_place(header: Header, *, at: str) -> None:
    """An opening entry stands on nothing, every other entry stands on something; nobody approves their own act."""
    if header.opening is None:
        if header.dossier is None:
            raise _malformed(pointer(at, "dossier"), "dossier id")
        if not header.heads:
            raise _malformed(pointer(at, "heads"), "at least one entry")
    else:
        if header.dossier is not None or header.prev is not None or header.heads:
            raise _malformed(pointer(at, "dossier"), "null: an opening entry stands on nothing")
        if header.author not in header.opening.participants:
            raise _malformed(pointer(at, "opening", "participants"), "its author among them")
    for index, approver in enumerate(header.approved_by):
        if approver.is_machine or approver.officer == header.acted_by.officer:
            raise Rejected("entry.approver_is_author", at=pointer(at, "approved_by", index))


def _is_audience(participants: tuple[str, ...]) -> bool:
    """Nodes alone; or one node and one external party, whose dossier never leaves that node."""
    if len(participants) == 2 and any(is_external(party) for party in participants):
        return any(is_node_id(party) for party in participants)
    return all(is_node_id(party) for party in participants)


def is_word(value: object) -> bool:
    """Whether ``value`` can name an act, a role, a kind or a type of part."""
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def _malformed(at: str, wanted: str) -> Rejected:
    return Rejected("entry.malformed", at=at, wanted=wanted)


def _object(value: object, *, at: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise _malformed(at, "object")
    return value


def _keys(found: Mapping[str, object], known: set[str], *, at: str) -> None:
    if unknown := sorted(found.keys() - known):
        raise _malformed(pointer(at, unknown[0]), "absent")
    if missing := sorted(known - found.keys()):
        raise _malformed(pointer(at, missing[0]), "present")


def _match(value: object, pattern: re.Pattern[str], *, at: str, wanted: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _malformed(at, wanted)
    return value


def _count(value: object, *, at: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _LIMIT:
        raise _malformed(at, "number from 1")
    return value


def _digest(value: object, *, at: str) -> str:
    if not isinstance(value, str) or not is_digest(value):
        raise _malformed(at, "digest")
    return value


def _optional_digest(value: object, *, at: str) -> str | None:
    return None if value is None else _digest(value, at=at)


def _sorted_texts(value: object, limit: int, *, at: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > limit or not all(isinstance(item, str) for item in value):
        raise _malformed(at, f"list of at most {limit}")
    if value != sorted(set(value)):
        raise _malformed(at, "sorted, each once")
    return tuple(value)


def _pins(value: object, *, at: str) -> dict[str, str]:
    found = _object(value, at=at)
    if len(found) > MAX_PINNED:
        raise _malformed(at, f"at most {MAX_PINNED}")
    for name in found:
        _match(name, _CODE, at=at, wanted="names")
    return {name: _digest(pinned, at=pointer(at, name)) for name, pinned in found.items()}


def _codes(value: object, *, at: str) -> dict[str, Code]:
    found = _object(value, at=at)
    if len(found) > MAX_CODES:
        raise _malformed(at, f"at most {MAX_CODES}")
    codes: dict[str, Code] = {}
    for name, code in found.items():
        _match(name, _WORD, at=pointer(at, name), wanted="name of a code")
        codes[name] = _code(code, at=pointer(at, name))
    return codes


def _code(code: object, *, at: str) -> Code:
    """A header holds no free text: a code is a word without spaces, a number, a yes or no, or a list of words."""
    if isinstance(code, list):
        if len(code) > MAX_CODE_LIST:
            raise _malformed(at, f"at most {MAX_CODE_LIST}")
        return tuple(_match(item, _CODE, at=pointer(at, index), wanted="code") for index, item in enumerate(code))
    if isinstance(code, bool):
        return code
    if isinstance(code, int):
        if abs(code) > _LIMIT:
            raise _malformed(at, "number")
        return code
    return _match(code, _CODE, at=at, wanted="code")


def _approvers(value: object, *, at: str) -> tuple[Actor, ...]:
    """At most eight, one for each role, in the order of the roles."""
    if not isinstance(value, list) or len(value) > MAX_APPROVERS:
        raise _malformed(at, f"list of at most {MAX_APPROVERS}")
    approvers = tuple(Actor.from_json(item, at=pointer(at, index)) for index, item in enumerate(value))
    if [actor.role for actor in approvers] != sorted({actor.role for actor in approvers}):
        raise _malformed(at, "one for each role, sorted by role")
    return approvers


def _parts(value: object, *, at: str) -> tuple[PartRef, ...]:
    if not isinstance(value, list) or len(value) > MAX_PARTS:
        raise _malformed(at, f"list of at most {MAX_PARTS}")
    parts = tuple(PartRef.from_json(item, at=pointer(at, index)) for index, item in enumerate(value))
    if len({part.commitment for part in parts}) != len(parts):
        raise _malformed(at, "each commitment once")
    return parts
