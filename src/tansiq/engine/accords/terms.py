"""What the parties of an accord agree on: the terms, as data that a person can read and a machine can ask.

``Terms`` is one version of an accord. It is closed by default: a kind, purpose, crime area, category of person, flag
or handling code that is not named is not permitted. ``clauses`` gives, per term, the place in the instrument ("Art.
7(2)") that every decision then cites. ``Reservation`` is what a party says when it ratifies; it has the same terms,
all optional, and may only tighten (``reservations`` holds that).

Shapes: tuples of codes are sorted and without repetition whatever order they are written in; instants are aware UTC;
days are whole days from the receipt of a part. The JSON form names every term (``to_json``); the digest of a version
is SHA-256 over the canonical bytes of that form (RFC 8785), so a version cannot be changed without becoming another
one.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from tansiq.engine.accords.markings import HANDLING_CODES, MAX_LEVEL, Freedom
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical
from tansiq.engine.formats.ids import LANGUAGES, is_node_id
from tansiq.engine.formats.json_values import JsonValue, pointer
from tansiq.engine.formats.times import format_time, parse_time, to_utc

Permission: TypeAlias = Literal["permit", "approval", "never"]
SearchMode: TypeAlias = Literal["none", "contact", "hit"]

EVERY: Final = "*"
DEFAULT_ROLE: Final = "approver"
MAX_PARTIES: Final = 64
MAX_ENTRIES: Final = 500
MAX_RULES: Final = 200
MAX_DAYS: Final = 36_525

_WORD = re.compile(r"[a-z][a-z0-9_]{0,47}")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def _wrong(rule: str, *place: str) -> PydanticCustomError:
    return PydanticCustomError(rule, "breaks a rule", {"place": list(place)})


def _node_id(value: str) -> str:
    if not is_node_id(value):
        raise _wrong("not_a_node_id")
    return value


def _word(value: str) -> str:
    if not _WORD.fullmatch(value):
        raise _wrong("not_a_word")
    return value


def _code(value: str) -> str:
    if not _CODE.fullmatch(value):
        raise _wrong("not_a_code")
    return value


def _state(value: str) -> str:
    if value != EVERY and not re.fullmatch(r"[a-z]{2}", value):
        raise _wrong("not_a_state")
    return value


def _area(value: str) -> str:
    return value if value == EVERY else _code(value)


def _line(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise _wrong("not_one_line_of_text")
    return value


def _instant(value: object) -> datetime:
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise _wrong("time_without_zone")
        return to_utc(value)
    try:
        return parse_time(value)
    except Rejected as error:
        raise _wrong("not_a_time") from error


def _sorted(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def covers(areas: tuple[str, ...], area: str) -> bool:
    """Whether one of ``areas`` holds ``area``: ``*`` holds all, ICCS 06 holds 0601 (its codes are prefixes)."""
    return any(held in (EVERY, area) or (held.isdigit() and area.startswith(held)) for held in areas)


def widest(areas: tuple[str, ...]) -> tuple[str, ...]:
    """The same areas written once: those that another one holds are left out."""
    every = set(areas)
    return tuple(sorted(area for area in every if not covers(tuple(every - {area}), area)))


NodeId = Annotated[str, AfterValidator(_node_id)]
Word = Annotated[str, AfterValidator(_word)]
Code = Annotated[str, AfterValidator(_code)]
State = Annotated[str, AfterValidator(_state)]
Line = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_line)]
Instant = Annotated[
    datetime, BeforeValidator(_instant), PlainSerializer(format_time, return_type=str, when_used="json")
]
Level = Annotated[int, Field(ge=0, le=MAX_LEVEL)]
Days = Annotated[int, Field(ge=1, le=MAX_DAYS)]
Words = Annotated[tuple[Word, ...], Field(max_length=MAX_ENTRIES), AfterValidator(_sorted)]
Codes = Annotated[tuple[Code, ...], Field(max_length=MAX_ENTRIES), AfterValidator(_sorted)]
States = Annotated[tuple[State, ...], Field(min_length=1, max_length=MAX_ENTRIES), AfterValidator(_sorted)]
Areas = Annotated[
    tuple[Annotated[str, AfterValidator(_area)], ...],
    Field(min_length=1, max_length=MAX_ENTRIES),
    AfterValidator(widest),
]
Handling = Annotated[tuple[Literal["H0", "H1", "H2", "H3"], ...], AfterValidator(_sorted)]
Partners = Annotated[tuple[NodeId, ...], Field(min_length=1, max_length=MAX_PARTIES), AfterValidator(_sorted)]
Permissions = Annotated[dict[Code, Permission], Field(max_length=MAX_ENTRIES)]
Ladders = Annotated[
    dict[Line, Annotated[dict[Line, Level], Field(max_length=MAX_ENTRIES)]], Field(max_length=MAX_ENTRIES)
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Accreditation(_Frozen):
    """A party's proof that it may hold material of ``level``: without one, nothing above level 1 goes to it or from
    it."""

    party: NodeId
    level: Annotated[int, Field(ge=2, le=MAX_LEVEL)]
    reference: Line
    valid_until: Instant | None = None


class Search(_Frozen):
    """What a partner's query may learn, and how many queries a day; ``contact`` answers with whom to ask, never with
    a hit."""

    mode: SearchMode = "none"
    budget_per_day: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class Blind(_Frozen):
    """What may be asked blindly: the families of keys (code list ``blind_families``), and how many questions a day, of a
    partner and of one of its officers.

    ``cells_per_day`` is the budget of questions about plans, in cell-hours (docs/protocol/deconfliction.md); 0, which
    is left out when written so that older versions keep their digest, permits none.
    """

    families: Words = ()
    budget_per_day: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    budget_per_officer: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    cells_per_day: Annotated[int, Field(ge=0, le=100_000_000)] = 0

    @model_serializer(mode="wrap")
    def _without_nothing(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told: dict[str, Any] = write(self)
        return {name: value for name, value in told.items() if name != "cells_per_day" or value}


class When(_Frozen):
    """Where an approval rule applies: an empty list means every kind or act, ``urgent=None`` means urgent or not.

    ``acts`` are acts of entries (``answer``) or occasions of ``decide`` (``forward``, ``export``, ``print``).
    """

    kinds: Words = ()
    acts: Words = ()
    urgent: bool | None = None
    level_at_least: Level = 0


class ApprovalRule(_Frozen):
    """An act that somebody in ``role``, not its author, must approve first."""

    clause: Line
    when: When = When()
    role: Word = DEFAULT_ROLE


class HumanRightsRule(_Frozen):
    """One line of the table issue × act × State: the act is stopped, needs an assurance, or needs a named approver.

    ``states`` are two lowercase letters as node ids begin with, or ``*``; the State is that of whoever would receive.
    """

    clause: Line
    issue: Word
    acts: Words = ()
    states: States
    outcome: Literal["stop", "assurance", "approver"]
    role: Word | None = None

    @model_validator(mode="after")
    def _names_its_approver(self) -> Self:
        if (self.outcome == "approver") != (self.role is not None):
            raise _wrong("role_goes_with_approver", "role")
        return self


class Terms(_Frozen):
    """One version of an accord; ``read_terms`` reads it from JSON and names the place of every mistake."""

    v: Literal[1] = 1
    title: Annotated[dict[str, Line], Field(min_length=1)]
    parties: Annotated[tuple[NodeId, ...], Field(max_length=MAX_PARTIES), AfterValidator(_sorted)]
    kinds: Words
    purposes: Codes
    crime_areas: Areas
    max_level: Level = 0
    ladders: Ladders = {}
    accreditations: Annotated[tuple[Accreditation, ...], Field(max_length=MAX_ENTRIES)] = ()
    handling_allowed: Handling = HANDLING_CODES
    categories: Permissions = {}
    flags: Permissions = {}
    onward: Freedom = "consent"
    evidence: Freedom = "consent"
    urgent: Permission = "permit"
    approver: Word = DEFAULT_ROLE
    search: Search = Search()
    blind: Blind = Blind()
    approvals: Annotated[tuple[ApprovalRule, ...], Field(max_length=MAX_RULES)] = ()
    human_rights: Annotated[tuple[HumanRightsRule, ...], Field(max_length=MAX_RULES)] = ()
    retention_days: Days
    review_days: Days
    notice_days: Annotated[int, Field(ge=0, le=MAX_DAYS)] = 90
    in_force_from: Instant
    until: Instant | None = None
    clauses: Annotated[dict[str, Line], Field(max_length=MAX_ENTRIES)] = {}

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if len(self.parties) < 2:
            raise _wrong("two_parties_at_least", "parties")
        if unknown := set(self.title) - set(LANGUAGES):
            raise _wrong("unknown_language", "title", min(unknown))
        if any(held.party not in self.parties for held in self.accreditations):
            raise _wrong("accreditation_of_a_stranger", "accreditations")
        if self.until is not None and self.until <= self.in_force_from:
            raise _wrong("ends_before_it_begins", "until")
        _check_clauses(self.clauses)
        return self

    def to_json(self) -> dict[str, JsonValue]:
        """The complete JSON form, every term named."""
        return self.model_dump(mode="json")

    @property
    def digest(self) -> str:
        """The name of this version: SHA-256 over the canonical bytes of the complete JSON form."""
        return canonical.digest(self.to_json())

    def clause(self, term: str, key: str | None = None) -> str:
        """Where the instrument says it: the clause of ``term.key``, else of ``term``, else the term's own name."""
        exact = self.clauses.get(f"{term}.{key}") if key is not None else None
        return exact or self.clauses.get(term) or term


class Reservation(_Frozen):
    """What one party tightens when it ratifies; a term left out is accepted as it stands.

    ``direction`` limits it to what the party sends or receives, ``towards`` to some of its partners.
    """

    direction: Literal["both", "sending", "receiving"] = "both"
    towards: Partners | None = None
    kinds: Words | None = None
    purposes: Codes | None = None
    crime_areas: Areas | None = None
    max_level: Level | None = None
    handling_allowed: Handling | None = None
    categories: Permissions | None = None
    flags: Permissions | None = None
    onward: Freedom | None = None
    evidence: Freedom | None = None
    urgent: Permission | None = None
    search: Search | None = None
    blind: Blind | None = None
    approvals: Annotated[tuple[ApprovalRule, ...], Field(max_length=MAX_RULES)] | None = None
    human_rights: Annotated[tuple[HumanRightsRule, ...], Field(max_length=MAX_RULES)] | None = None
    retention_days: Days | None = None
    review_days: Days | None = None
    in_force_from: Instant | None = None
    until: Instant | None = None
    clauses: Annotated[dict[str, Line], Field(max_length=MAX_ENTRIES)] = {}

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        _check_clauses(self.clauses)
        return self

    def to_json(self) -> dict[str, JsonValue]:
        """The JSON form: only what is reserved, with direction and clauses."""
        return self.model_dump(mode="json", exclude_none=True)

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical bytes of the JSON form."""
        return canonical.digest(self.to_json())

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of the terms it speaks of, in the order of ``Terms``."""
        return tuple(name for name in RESERVABLE if getattr(self, name) is not None)


RESERVABLE: Final = tuple(name for name in Reservation.model_fields if name not in {"direction", "towards", "clauses"})
_KEYED: Final = frozenset({"categories", "flags"})


def _check_clauses(clauses: dict[str, str]) -> None:
    for name in clauses:
        term, dot, key = name.partition(".")
        if term not in Terms.model_fields or (dot and (term not in _KEYED or not _CODE.fullmatch(key))):
            raise _wrong("clause_of_no_term", "clauses", name[:60])


def read_terms(value: object, *, at: str = "") -> Terms:
    """Terms from JSON that a person wrote; absent optional terms take their default.

    Raises ``Rejected("accord.terms_malformed", at=…, rule=…)`` naming the first mistake by JSON pointer and rule.
    """
    raw = canonical.dumps(value)
    try:
        return Terms.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise _malformed(error, at) from None


def read_reservation(value: object, *, at: str = "") -> Reservation:
    """A reservation from JSON; whether it only tightens is for ``reservations.check_reservation`` to say."""
    raw = canonical.dumps(value)
    try:
        return Reservation.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise _malformed(error, at) from None


def read_version(value: object, *, digest: str, at: str = "") -> Terms:
    """The terms that a header announced by ``digest``, from the complete JSON form a part carries.

    Raises ``Rejected("accord.digest_differs")`` when the part is not the version announced, and
    ``Rejected("accord.terms_malformed")`` when it is not in the complete form.
    """
    terms = read_terms(value, at=at)
    if terms.to_json() != value:
        raise Rejected("accord.terms_malformed", at=at, rule="not_the_complete_form")
    if terms.digest != digest:
        raise Rejected("accord.digest_differs", at=at, announced=digest, found=terms.digest)
    return terms


def _malformed(error: ValidationError, at: str) -> Rejected:
    first = error.errors(include_url=False, include_input=False)[0]
    place = first.get("ctx", {}).get("place", [])
    return Rejected("accord.terms_malformed", at=pointer(at, *first["loc"], *place), rule=first["type"])
