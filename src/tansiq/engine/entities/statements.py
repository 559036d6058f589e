"""Statements: one source says one thing about one entity, under that source's conditions.

What is known about a person, a firm or a thing is never a record that somebody overwrites, but the set of what was
said: *list L says that this person's name is N*, *officer O noted this number*, *entry E of a partner gives this date
of birth, graded B2, not for evidence*. So a value can be corrected, graded, reviewed and withdrawn singly, and two
sources that disagree stand beside each other.

The id of a statement is the digest of who says what about whom; saying the same thing again under another grading is
the same statement, changed. An entity that belongs to a subject (a passport of a person, a listing on a sanctions
list) is called ``subject#part``, so that all of a subject moves and vanishes together.

The marking is carried here as the plain JSON of ``accords.markings``: that room stands above this one, and to an
entity it is a condition to be kept, not to be understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal, TypeAlias, cast, get_args

from tansiq.engine.entities.values import clean_value, is_entity_id
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical
from tansiq.engine.formats.ids import digest
from tansiq.engine.formats.json_values import JsonValue
from tansiq.engine.formats.times import format_time, parse_time

SourceKind: TypeAlias = Literal["list", "officer", "received"]

SOURCE_KINDS: Final = frozenset(get_args(SourceKind))
GRADING_SCHEMES: Final = ("4x4", "3x5x2", "6x6")


@dataclass(frozen=True, slots=True)
class Grading:
    """How reliable the source and how good the information is, in the codes of one scheme.

    Never translated to another.
    """

    scheme: str
    source: str
    information: str

    def check(self, *, at: str = "") -> Grading:
        """This grading, if its scheme knows its codes.

        Else Rejected("entity.unknown_grading_scheme") or a code list's refusal.
        """
        from tansiq.engine.formats.codes import code_list

        if self.scheme not in GRADING_SCHEMES:
            raise Rejected("entity.unknown_grading_scheme", at=at, scheme=self.scheme[:20], known=list(GRADING_SCHEMES))
        code_list(f"grading_{self.scheme}_source").require(self.source, at=f"{at}/source")
        code_list(f"grading_{self.scheme}_information").require(self.information, at=f"{at}/information")
        return self


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who says it and under which conditions.

    ``kind`` and ``source_id``: a list by its key, an officer by opaque id, a received entry by its id. ``origin`` is
    the place in that source (row of the list, part of the entry). ``handling_note`` is the text that handling code H3
    asks for.
    """

    kind: SourceKind
    source_id: str
    origin: str = ""
    grading: Grading | None = None
    marking: Mapping[str, JsonValue] | None = field(default=None, hash=False)
    handling_note: str | None = None
    review_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """``provenance`` says that ``prop`` of ``entity_id`` is ``value``.

    ``original_value`` is what stood there before cleaning.
    """

    entity_id: str
    schema: str
    prop: str
    value: str
    provenance: Provenance
    original_value: str | None = None
    language: str | None = None
    first_seen: datetime | None = field(default=None, compare=False)
    last_seen: datetime | None = field(default=None, compare=False)

    @property
    def id(self) -> str:
        """Stable over processes and versions: the digest of who says what about whom."""
        said = [self.entity_id, self.prop, self.value, self.provenance.kind, self.provenance.source_id]
        return digest(canonical.dumps(said))

    @property
    def subject_id(self) -> str:
        """The subject that the entity belongs to: the part of its id before ``#``."""
        return self.entity_id.partition("#")[0]

    def to_json(self) -> dict[str, JsonValue]:
        """The one JSON form; what is not said is left out."""
        value: dict[str, JsonValue] = {
            "entity": self.entity_id,
            "schema": self.schema,
            "prop": self.prop,
            "value": self.value,
            "source": {"kind": self.provenance.kind, "id": self.provenance.source_id},
        }
        optional: dict[str, JsonValue] = {
            "original": self.original_value,
            "language": self.language,
            "origin": self.provenance.origin or None,
            "grading": _grading_to_json(self.provenance.grading),
            "marking": None if self.provenance.marking is None else dict(self.provenance.marking),
            "handling_note": self.provenance.handling_note,
            "review_at": _time_to_text(self.provenance.review_at),
            "first_seen": _time_to_text(self.first_seen),
            "last_seen": _time_to_text(self.last_seen),
        }
        return value | {name: item for name, item in optional.items() if item is not None}

    @classmethod
    def from_json(cls, value: Mapping[str, JsonValue], *, at: str = "") -> Statement:
        """Read what ``to_json`` wrote.

        Raises Rejected("entity.statement_malformed") with the place for anything else.
        """
        source = value.get("source")
        kind = source.get("kind") if isinstance(source, Mapping) else None
        if not isinstance(source, Mapping) or kind not in SOURCE_KINDS:
            raise Rejected("entity.statement_malformed", at=f"{at}/source")
        marking, grading = value.get("marking"), value.get("grading")
        if marking is not None and not isinstance(marking, Mapping):
            raise Rejected("entity.statement_malformed", at=f"{at}/marking")
        provenance = Provenance(
            kind=cast("SourceKind", kind),
            source_id=_text(source, "id", at=f"{at}/source"),
            origin=_optional(value, "origin", at=at) or "",
            grading=None if grading is None else _grading_from_json(grading, at=f"{at}/grading"),
            marking=marking,
            handling_note=_optional(value, "handling_note", at=at),
            review_at=_time(value, "review_at", at=at),
        )
        return cls(
            entity_id=_text(value, "entity", at=at),
            schema=_text(value, "schema", at=at),
            prop=_text(value, "prop", at=at),
            value=_text(value, "value", at=at),
            provenance=provenance,
            original_value=_optional(value, "original", at=at),
            language=_optional(value, "language", at=at),
            first_seen=_time(value, "first_seen", at=at),
            last_seen=_time(value, "last_seen", at=at),
        )


def claim(
    entity_id: str,
    schema: str,
    prop: str,
    text: str,
    *,
    provenance: Provenance,
    language: str | None = None,
    at: str = "",
) -> Statement:
    """The statement that ``provenance`` says ``text``: cleaned by its type, the original kept beside it if it differs.

    Raises Rejected("entity.…") with the place and the rule; asks FollowTheMoney's model, so the first call is slow.
    """
    if not is_entity_id(entity_id):
        raise Rejected("entity.reference_malformed", at=at, property="id")
    if provenance.grading is not None:
        provenance.grading.check(at=f"{at}/grading")
    value = clean_value(schema, prop, text, at=at)
    original = None if value == text else text
    return Statement(entity_id, schema, prop, value, provenance, original_value=original, language=language)


def rebase(statements: Iterable[Statement], *, old: str, new: str) -> tuple[Statement, ...]:
    """The same statements about subject ``new`` instead of ``old``, its belongings and references included."""

    def moved(text: str) -> str:
        return new + text[len(old) :] if text == old or text.startswith(f"{old}#") else text

    return tuple(replace(s, entity_id=moved(s.entity_id), value=moved(s.value)) for s in statements)


@dataclass(frozen=True, slots=True)
class Difference:
    """What turns one set of statements into another.

    ``changed`` holds the new form of statements whose conditions differ.
    """

    added: tuple[Statement, ...]
    removed: tuple[Statement, ...]
    changed: tuple[Statement, ...]
    unchanged: tuple[Statement, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def diff(old: Iterable[Statement], new: Iterable[Statement]) -> Difference:
    """Compare two sets by statement id.

    When something was seen is no difference. Order of ``new`` is kept, repeats count once.
    """
    before = {statement.id: statement for statement in old}
    after = {statement.id: statement for statement in new}
    kept = [(before[key], statement) for key, statement in after.items() if key in before]
    return Difference(
        added=tuple(statement for key, statement in after.items() if key not in before),
        removed=tuple(statement for key, statement in before.items() if key not in after),
        changed=tuple(now for was, now in kept if was != now),
        unchanged=tuple(now for was, now in kept if was == now),
    )


def _grading_to_json(grading: Grading | None) -> dict[str, JsonValue] | None:
    if grading is None:
        return None
    return {"scheme": grading.scheme, "source": grading.source, "information": grading.information}


def _grading_from_json(value: JsonValue, *, at: str) -> Grading:
    if not isinstance(value, Mapping):
        raise Rejected("entity.statement_malformed", at=at)
    return Grading(*(_text(value, name, at=at) for name in ("scheme", "source", "information")))


def _time_to_text(value: datetime | None) -> str | None:
    return None if value is None else format_time(value)


def _text(value: Mapping[str, JsonValue], name: str, *, at: str) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not text:
        raise Rejected("entity.statement_malformed", at=f"{at}/{name}")
    return text


def _optional(value: Mapping[str, JsonValue], name: str, *, at: str) -> str | None:
    return None if value.get(name) is None else _text(value, name, at=at)


def _time(value: Mapping[str, JsonValue], name: str, *, at: str) -> datetime | None:
    text = _optional(value, name, at=at)
    return None if text is None else parse_time(text, at=f"{at}/{name}")
