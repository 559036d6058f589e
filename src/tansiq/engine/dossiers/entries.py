"""Entries: composed upon the present heads, signed by an authority, read back from foreign bytes.

    draft ──compose──► Header ──sign_entry──► SignedEntry ──to_wire──► … ──from_wire──► SignedEntry ──verify_entry──►
    fold

``compose`` is the only honest way to a header: it cites the heads, counts sequence and depth, takes the strictest
marking of the parts, demands that nothing is missing, and asks the kind for its verdict before anything is signed.
What is signed (DSSE, payload type ``application/vnd.tansiq.entry+json``) are the canonical bytes of the header; the
parts travel beside it, each with the salt of its commitment, or as null where it was erased.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final, TypeAlias

from tansiq.engine.accords.decide import check_derived
from tansiq.engine.accords.markings import Marking
from tansiq.engine.dossiers import folds
from tansiq.engine.dossiers.folds import Cites, Folded, Load
from tansiq.engine.dossiers.headers import Actor, Code, Header, Opening
from tansiq.engine.dossiers.kind import Kind
from tansiq.engine.dossiers.parts import (
    PART_LISTS,
    Grading,
    Part,
    SaltedPart,
    SourceRef,
    check_part_codes,
    inherited,
    marking_of,
)
from tansiq.engine.dossiers.states import State, Trace
from tansiq.engine.envelopes import dsse
from tansiq.engine.envelopes.signing import Signer
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical
from tansiq.engine.formats.codes import code_list
from tansiq.engine.formats.ids import b64encode, digest
from tansiq.engine.formats.json_values import JsonValue, Limits, pointer
from tansiq.engine.formats.times import to_utc

__all__ = [
    "PAYLOAD_TYPE",
    "Actor",
    "Grading",
    "Header",
    "Opening",
    "Part",
    "SaltedPart",
    "SignedEntry",
    "SourceRef",
    "compose",
    "from_wire",
    "inherited",
    "new_opening",
    "sign_entry",
    "verify_entry",
]

PAYLOAD_TYPE: Final = "application/vnd.tansiq.entry+json"
MAX_HEADER_BYTES: Final = 64 * 1024
_HEADER_LIMITS: Final = Limits(max_bytes=MAX_HEADER_BYTES, max_depth=8, max_values=4096, max_string_length=4096)
_NONCE_BYTES: Final = 16


SourceMarking: TypeAlias = Callable[[SourceRef], "Marking | None"]


def _loads_nothing(entry: str) -> Trace | None:
    del entry
    return None


def _knows_no_source(source: SourceRef) -> Marking | None:
    del source
    return None


def new_opening(
    kind: Kind,
    participants: Sequence[str],
    *,
    random: Callable[[int], bytes],
    accord: str | None = None,
    accord_version: str | None = None,
    calendars: Mapping[str, str] | None = None,
    continues: str | None = None,
    cites: str | None = None,
    exercise: bool = False,
) -> Opening:
    """The opening of a dossier that pins the code lists its kind reads, in their present versions.

    ``calendars``: {node: digest of its calendar}. ``random`` makes the nonce that keeps two equal openings apart.
    """
    lists = sorted({*kind.CODE_LISTS.values(), *PART_LISTS})
    return Opening(
        kind=kind.name,
        kind_version=kind.version,
        participants=tuple(sorted(set(participants))),
        nonce=b64encode(random(_NONCE_BYTES)),
        accord=accord,
        accord_version=accord_version,
        code_lists={name: code_list(name).digest for name in lists},
        calendars=dict(calendars or {}),
        continues=continues,
        cites=cites,
        exercise=exercise,
    )


def compose(
    kind: Kind,
    folded: Folded | None,
    *,
    author: str,
    act: str,
    acted_by: Actor,
    now: datetime,
    codes: Mapping[str, Code] | None = None,
    parts: Sequence[SaltedPart] = (),
    approved_by: Sequence[Actor] = (),
    opening: Opening | None = None,
    code_lists: Mapping[str, str] | None = None,
    load: Load = _loads_nothing,
    source_marking: SourceMarking = _knows_no_source,
) -> Header:
    """The author's next entry upon the present heads (``folded`` None: the opening entry), checked to take effect.

    ``code_lists`` are the pins of the opening entry, {list: digest}; ``source_marking`` gives the marking of a part
    that another was derived from, and a derived part must carry every condition of all its sources. Raises
    ``Rejected("kind.code_invalid")``, ``Rejected("codes.…")`` or ``Rejected("entry.incomplete", at=first missing
    field, fields=all)`` for what an officer must correct, and ``Refused("kind.…")`` where the act has no place now.
    """
    if folded is None and opening is None:
        raise Rejected("dossier.not_opened", at="/opening")
    place = Cites() if folded is None else folds.cites(folded, author)
    given = dict(codes or {})
    header = Header(
        author=author,
        seq=place.seq,
        at=to_utc(now),
        act=act,
        acted_by=acted_by,
        dossier=None if folded is None else folded.dossier,
        prev=place.prev,
        heads=place.heads,
        depth=place.depth,
        codes=given,
        approved_by=tuple(sorted(approved_by, key=lambda actor: actor.role)),
        marking=marking_of(parts),
        parts=tuple(part.ref for part in parts),
        opening=opening,
    )
    body = [salted.part for salted in parts]
    kind.check_body(act, body)
    if act in kind.acts and (missing := kind.missing(given, body, act=act)):
        raise Rejected("entry.incomplete", at=missing[0].at, fields=[field.at for field in missing])
    kind.read_codes(act, given)
    pins = (opening.code_lists if opening else code_lists) or {}
    kind.check_listed(act, given, pins)
    for index, salted in enumerate(parts):
        check_part_codes(salted.part, pins, at=pointer("/parts", index))
        _check_sources(salted.part, source_marking, at=pointer("/parts", index))
    header = Header.from_json(header.to_json())
    participants = header.opening.participants if header.opening else ()
    state = folded.state if folded is not None else State(header.entry_id, author, participants)
    kind.demand(header, header.entry_id, state, folds.named(kind, header, load))
    return header


def _check_sources(part: Part, source_marking: SourceMarking, *, at: str) -> None:
    """Nothing is laundered by being derived: at least the strictest of the sources, all of which must be known."""
    markings = []
    for index, source in enumerate(part.sources):
        marking = source_marking(source)
        if marking is None:
            raise Rejected("part.source_unknown", at=pointer(at, "sources", index), entry=source.entry)
        markings.append(marking)
    if markings:
        check_derived(part.marking, markings, at=pointer(at, "marking"))


@dataclass(frozen=True)
class SignedEntry:
    """A header with its signature, and the parts that are here. Nothing says that the signature was checked:
    ``verify_entry`` does.
    """

    signed: dsse.Signed
    header: Header
    parts: tuple[SaltedPart | None, ...]

    @property
    def raw(self) -> bytes:
        """The canonical bytes of the header, as signed."""
        return self.signed.payload

    @property
    def signatures(self) -> tuple[dsse.Signature, ...]:
        """The signatures over ``raw``."""
        return self.signed.signatures

    @cached_property
    def entry_id(self) -> str:
        """The digest of ``raw``."""
        return digest(self.raw)

    @property
    def dossier(self) -> str:
        """The dossier it belongs to: its own id if it opens one."""
        return self.header.dossier or self.entry_id

    def without(self, *commitments: str) -> SignedEntry:
        """The same entry with these parts erased; header, signature and chain stay as they were."""
        kept = tuple(part if part is None or part.commitment not in commitments else None for part in self.parts)
        return replace(self, parts=kept)

    def bare(self) -> SignedEntry:
        """The same entry without any part."""
        return replace(self, parts=tuple(None for _ in self.parts))

    def part(self, commitment: str) -> SaltedPart | None:
        """The part of that commitment, None if it was erased; ``Rejected("entry.no_such_part")`` if there never was
        one.
        """
        for ref, part in zip(self.header.parts, self.parts, strict=True):
            if ref.commitment == commitment:
                return part
        raise Rejected("entry.no_such_part", at="/parts", part=commitment)

    def to_wire(self) -> dict[str, JsonValue]:
        """``{"header": DSSE envelope, "parts": [{"salt", "part"} or null]}``."""
        return {
            "header": self.signed.to_json(),
            "parts": [None if part is None else part.to_json() for part in self.parts],
        }


def sign_entry(header: Header, parts: Sequence[SaltedPart | None], signer: Signer) -> SignedEntry:
    """The entry, signed with the authority key; the parts must be those that the header commits to."""
    held = tuple(parts)
    _check_parts(header, held, at="/parts")
    return SignedEntry(dsse.sign(PAYLOAD_TYPE, header.to_bytes(), [signer]), header, held)


def verify_entry(entry: SignedEntry, keys: Mapping[str, bytes]) -> Header:
    """The header, when exactly one of ``keys`` – the author's authority keys, {key id: public} – signed it.

    Raises ``Rejected("dsse.…")`` or ``Rejected("envelope.signature_invalid")``.
    """
    dsse.verify_one(entry.signed, payload_type=PAYLOAD_TYPE, keys=keys)
    return entry.header


def from_wire(value: Any, *, at: str = "") -> SignedEntry:
    """Read what ``to_wire`` wrote: the form, the canonical header, every commitment. The signature is not looked at.

    Raises ``Rejected`` with the place; of a refused entry nothing may be kept.
    """
    if not isinstance(value, dict) or value.keys() != {"header", "parts"}:
        raise Rejected("entry.malformed", at=at, wanted="header and parts")
    signed = dsse.Signed.from_json(value["header"], at=pointer(at, "header"))
    if signed.payload_type != PAYLOAD_TYPE:
        raise Rejected("entry.malformed", at=pointer(at, "header", "payloadType"), wanted=PAYLOAD_TYPE)
    header = read_header(signed.payload, at=pointer(at, "header", "payload"))
    if not isinstance(value["parts"], list):
        raise Rejected("entry.malformed", at=pointer(at, "parts"), wanted="list")
    parts = tuple(
        None if part is None else SaltedPart.from_json(part, at=pointer(at, "parts", index))
        for index, part in enumerate(value["parts"])
    )
    _check_parts(header, parts, at=pointer(at, "parts"))
    return SignedEntry(signed, header, parts)


def read_header(raw: bytes, *, at: str = "") -> Header:
    """The header that canonical bytes of at most 64 KiB write."""
    try:
        return Header.from_json(canonical.loads(raw, limits=_HEADER_LIMITS))
    except Rejected as error:
        raise Rejected(error.code, **{**error.facts, "at": f"{at}{error.facts.get('at', '')}"}) from error


def _check_parts(header: Header, parts: tuple[SaltedPart | None, ...], *, at: str) -> None:
    """As many parts as the header commits to, each the very one, none marked more strictly than the header says."""
    if len(parts) != len(header.parts):
        raise Rejected("entry.malformed", at=at, wanted=f"{len(header.parts)} parts")
    for index, (ref, salted) in enumerate(zip(header.parts, parts, strict=True)):
        if salted is None:
            continue
        if salted.ref != ref:
            raise Rejected("entry.commitment_differs", at=pointer(at, index))
        if not header.marking.is_at_least(salted.part.marking):
            raise Rejected("entry.marking_too_weak", at=pointer(at, index, "part", "marking"))
