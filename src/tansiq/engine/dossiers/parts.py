"""The body of an entry: parts, each with its own conditions, each erasable without breaking the chain.

A header holds, per part, a commitment: HMAC-SHA256 of the part's canonical JSON under a random salt that travels with
the part. Whoever has the part can prove that it is the one that was signed; whoever has only the header learns
nothing, not even by guessing the content, and erasing part and salt leaves a signed chain that still verifies (RFC
2104; the construction follows the salted disclosures of SD-JWT, RFC 9901).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Literal

from pydantic import ValidationError

from tansiq.engine.accords.decide import derive
from tansiq.engine.accords.markings import Marking, strictest
from tansiq.engine.dossiers.contents import Content, File, Question, Subject, check_content
from tansiq.engine.dossiers.headers import PartRef, is_word
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical
from tansiq.engine.formats.codes import code_list, pinned_code_list
from tansiq.engine.formats.ids import b64decode, b64encode, is_digest
from tansiq.engine.formats.json_values import JsonValue, pointer
from tansiq.engine.formats.times import format_time, parse_time, to_utc

SALT_BYTES: Final = 32
MAX_PART_BYTES: Final = 1024 * 1024
MAX_SOURCES: Final = 256
MAX_NOTE: Final = 2000

PART_LISTS: Final = ("data_categories", "data_subject_categories", "document_types", "person_flags")
"""The code lists that parts of every kind are read in; a dossier pins them beside those of its kind."""

Scheme = Literal["4x4", "6x6", "3x5x2"]


@dataclass(frozen=True, slots=True)
class Grading:
    """An evaluation of source and information in its author's scheme, never converted in place.

    ``source_reference`` is the author's opaque reference; a report never holds the identity of a source.
    """

    scheme: Scheme
    source: str
    information: str
    handling: str | None = None
    source_reference: str | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Every key always."""
        return {
            "scheme": self.scheme,
            "source": self.source,
            "information": self.information,
            "handling": self.handling,
            "source_reference": self.source_reference,
        }

    @classmethod
    def from_json(cls, value: object, *, at: str) -> Grading:
        """Read what ``to_json`` wrote; the grades must be of the scheme (they are closed for ever, so lists do not
        grow).
        """
        found = _object(value, set(cls.__dataclass_fields__), at=at)
        scheme = found["scheme"]
        if scheme not in ("4x4", "6x6", "3x5x2"):
            raise _malformed(pointer(at, "scheme"), "4x4, 6x6 or 3x5x2")
        grades = [
            code_list(f"grading_{scheme}_{axis}").require(found[axis], at=pointer(at, axis))
            for axis in ("source", "information")
        ]
        if found["handling"] is not None:
            if scheme != "3x5x2":
                raise _malformed(pointer(at, "handling"), "null: only 3x5x2 grades handling")
            code_list("grading_3x5x2_handling").require(found["handling"], at=pointer(at, "handling"))
        reference = _text(found["source_reference"], 64, at=pointer(at, "source_reference"))
        return cls(scheme, grades[0], grades[1], found["handling"], reference)


@dataclass(frozen=True, slots=True)
class SourceRef:
    """A part that another one was made from: its entry and its commitment there."""

    entry: str
    part: str

    def to_json(self) -> dict[str, JsonValue]:
        """``{"entry", "part"}``."""
        return {"entry": self.entry, "part": self.part}


@dataclass(frozen=True)
class Part:
    """One subject, narrative, file reference, term … with everything that must stay attached to it.

    ``sources`` is empty for what is one's own – an explicit, logged choice – and otherwise names what it was derived
    from; its marking is then at least the strictest of those (``inherited``). ``category`` and ``flags`` speak of the
    data subject. Raises ``Rejected("part.…")`` for a combination that no part may have, so an invalid part cannot be
    made.
    """

    type: str
    content: dict[str, Any]
    marking: Marking = field(default_factory=Marking)
    grading: Grading | None = None
    language: str | None = None
    sources: tuple[SourceRef, ...] = ()
    review_at: datetime | None = None
    category: str | None = None
    flags: tuple[str, ...] = ()
    handling_note: str | None = None

    def __post_init__(self) -> None:
        if self.marking.needs_note and not (self.handling_note or "").strip():
            raise Rejected("part.h3_needs_text", at="/handling_note")
        if len(canonical.dumps(self.content)) > MAX_PART_BYTES:
            raise Rejected("part.too_large", at="/content", limit=MAX_PART_BYTES)
        if isinstance(self.read, Subject) and self.read.is_person and self.category is None:
            raise Rejected("part.category_missing", at="/category")

    @cached_property
    def read(self) -> Content | None:
        """The content in its shape; None for a type this version does not know."""
        try:
            return check_content(self.type, self.content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise _malformed(pointer("/content", *first["loc"]), first["type"]) from None
        except Rejected as error:
            place = f"/content{error.facts.get('at', '')}"
            raise _malformed(place, str(error.facts.get("rule", error.code))) from None

    @property
    def topic(self) -> str | None:
        """The topic of a narrative."""
        topic = self.content.get("topic")
        return topic if self.type == "narrative" and isinstance(topic, str) else None

    def to_json(self) -> dict[str, JsonValue]:
        """Every key always, null for what is absent; the commitment is over its canonical bytes."""
        return {
            "type": self.type,
            "content": self.content,
            "marking": self.marking.to_json(),
            "grading": self.grading.to_json() if self.grading else None,
            "language": self.language,
            "sources": [source.to_json() for source in self.sources],
            "review_at": format_time(self.review_at) if self.review_at else None,
            "category": self.category,
            "flags": list(self.flags),
            "handling_note": self.handling_note,
        }

    @classmethod
    def from_json(cls, value: object, *, at: str = "") -> Part:
        """Read what ``to_json`` wrote, and nothing else."""
        found = _object(value, set(cls.__dataclass_fields__), at=at)
        if not isinstance(found["content"], dict):
            raise _malformed(pointer(at, "content"), "object")
        grading, review = found["grading"], found["review_at"]
        try:
            return cls(
                type=_type(found["type"], at="/type"),
                content=found["content"],
                marking=Marking.from_json(found["marking"], at="/marking"),
                grading=None if grading is None else Grading.from_json(grading, at="/grading"),
                language=_text(found["language"], 35, at="/language"),
                sources=_sources(found["sources"], at="/sources"),
                review_at=None if review is None else to_utc(parse_time(review, at="/review_at")),
                category=_code(found["category"], at="/category"),
                flags=_flags(found["flags"], at="/flags"),
                handling_note=_text(found["handling_note"], MAX_NOTE, at="/handling_note"),
            )
        except Rejected as error:
            raise Rejected(error.code, **{**error.facts, "at": f"{at}{error.facts.get('at', '')}"}) from error


@dataclass(frozen=True)
class SaltedPart:
    """A part and the salt that its commitment was made with."""

    salt: bytes
    part: Part

    @classmethod
    def of(cls, part: Part, random: Callable[[int], bytes]) -> SaltedPart:
        """The part with a fresh salt."""
        return cls(random(SALT_BYTES), part)

    @cached_property
    def commitment(self) -> str:
        """HMAC-SHA256 of the canonical part under the salt, 64 lowercase hexadecimal characters."""
        return hmac.new(self.salt, canonical.dumps(self.part.to_json()), hashlib.sha256).hexdigest()

    @property
    def ref(self) -> PartRef:
        """What the header shows of it."""
        return PartRef(self.part.type, self.commitment)

    def to_json(self) -> dict[str, JsonValue]:
        """``{"salt", "part"}``."""
        return {"salt": b64encode(self.salt), "part": self.part.to_json()}

    @classmethod
    def from_json(cls, value: object, *, at: str) -> SaltedPart:
        """Read what ``to_json`` wrote."""
        found = _object(value, {"salt", "part"}, at=at)
        salt = b64decode(found["salt"], at=pointer(at, "salt"))
        if len(salt) != SALT_BYTES:
            raise _malformed(pointer(at, "salt"), f"{SALT_BYTES} bytes")
        return cls(salt, Part.from_json(found["part"], at=pointer(at, "part")))


def check_part_codes(part: Part, pins: Mapping[str, str], *, at: str) -> None:
    """Raise ``Rejected("codes.unknown_code")`` for a category, flag or data category that its list, in the version that
    ``pins`` ({list: digest}) names, has not. Asked before signing; on receipt an unknown code is shown, not refused."""
    read = part.read
    asked = [
        ("data_subject_categories", "category", [part.category] if part.category else []),
        ("person_flags", "flags", part.flags),
        ("data_categories", "content/data_categories", read.data_categories if isinstance(read, Question) else []),
        ("document_types", "content/document_type", [read.document_type] if isinstance(read, File) else []),
    ]
    for name, place, codes in asked:
        known = pinned_code_list(name, pins[name]) if name in pins else code_list(name)
        for code in codes:
            if code is not None:
                known.require(code, at=f"{at}/{place}")


def inherited(sources: Iterable[Part]) -> Marking:
    """The marking that a part made from ``sources`` carries at least: the strictest of theirs."""
    return derive(source.marking for source in sources)


def marking_of(parts: Iterable[SaltedPart | None]) -> Marking:
    """The strictest marking of the parts that are here: what a header must say at least."""
    return strictest(salted.part.marking for salted in parts if salted is not None)


def topics(parts: Sequence[Part]) -> frozenset[str]:
    """The topics that the narratives speak of."""
    return frozenset(part.topic for part in parts if part.topic is not None)


def _malformed(at: str, wanted: str) -> Rejected:
    return Rejected("part.malformed", at=at, wanted=wanted)


def _object(value: object, keys: set[str], *, at: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _malformed(at, "object")
    if wrong := sorted(value.keys() ^ keys):
        raise _malformed(pointer(at, wrong[0]), "absent" if wrong[0] in value else "present")
    return value


def _type(value: object, *, at: str) -> str:
    if not is_word(value):
        raise _malformed(at, "part type")
    return str(value)


def _text(value: object, longest: int, *, at: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise _malformed(at, f"text of 1 to {longest} characters")
    return value


def _code(value: object, *, at: str) -> str | None:
    text = _text(value, 64, at=at)
    if text is not None and not text.replace("_", "").replace(".", "").replace("-", "").isalnum():
        raise _malformed(at, "code")
    return text


def _flags(value: object, *, at: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > 32 or value != sorted({str(item) for item in value}):
        raise _malformed(at, "sorted codes, each once")
    return tuple(_code(item, at=pointer(at, index)) or "" for index, item in enumerate(value))


def _sources(value: object, *, at: str) -> tuple[SourceRef, ...]:
    if not isinstance(value, list) or len(value) > MAX_SOURCES:
        raise _malformed(at, f"list of at most {MAX_SOURCES}")
    sources = []
    for index, item in enumerate(value):
        found = _object(item, {"entry", "part"}, at=pointer(at, index))
        if not (is_digest(found["entry"]) and is_digest(found["part"])):
            raise _malformed(pointer(at, index), "two digests")
        sources.append(SourceRef(found["entry"], found["part"]))
    return tuple(sources)
