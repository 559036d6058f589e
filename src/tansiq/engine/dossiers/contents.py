"""What stands inside a part, by type: strict shapes with limits, for foreign bytes as for our own forms.

A type that is not named here is kept as it came (a newer partner may know more than we do); a type that is named must
have its shape. Coordinates are integers, because what is signed holds no floating point: ``latitude_e7`` is degrees ×
10⁷.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from tansiq.engine.accords.terms import read_reservation, read_terms
from tansiq.engine.dossiers.acts import Commitment, NodeName, TimeText
from tansiq.engine.errors import Rejected

MAX_TEXT: Final = 262_144
MAX_VALUES: Final = 256
MAX_PROPERTIES: Final = 128
MAX_MARKS: Final = 4096


def _clean(text: str) -> str:
    """Text without control characters but line ends and tabs; what only looks empty is empty."""
    if any(unicodedata.category(sign) == "Cc" and sign not in "\n\r\t" for sign in text):
        raise PydanticCustomError("control_character", "holds a control character")
    if not text.strip():
        raise PydanticCustomError("empty_text", "is empty")
    return text


Text: TypeAlias = Annotated[str, StringConstraints(max_length=MAX_TEXT), AfterValidator(_clean)]
Line: TypeAlias = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\n\r\t]*$"), AfterValidator(_clean)]
Word: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
Listed: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*][A-Za-z0-9_.:+*-]{0,63}$")]
Language: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]
State: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
Value: TypeAlias = Annotated[str, StringConstraints(max_length=4096), AfterValidator(_clean)]


class Content(BaseModel):
    """Strict, frozen, nothing extra."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Subject(Content):
    """A person, organisation or thing as a FollowTheMoney entity; ``reference`` is the provider's own opaque name for
    it.
    """

    schema_: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z]{0,63}$"), Field(alias="schema")]
    properties: dict[
        Annotated[str, StringConstraints(pattern=r"^[a-z][A-Za-z]{0,63}$")],
        Annotated[list[Value], Field(min_length=1, max_length=MAX_VALUES)],
    ] = Field(min_length=1, max_length=MAX_PROPERTIES)
    reference: Listed | None = None

    @property
    def is_person(self) -> bool:
        """A natural person: the part must then say in which category."""
        return self.schema_ == "Person"


class Narrative(Content):
    """Free text about one topic (``facts``, ``objective_reasons``, … as the kind names them)."""

    topic: Word
    text: Text


class Question(Content):
    """One thing that is asked, in words, and the categories of data it asks for."""

    text: Text
    data_categories: Annotated[list[Listed], Field(max_length=64)] = []


class File(Content):
    """A file that travels as a blob: ``blob`` is the digest of its sealed bytes, ``identity`` the secret that opens
    them.

    Erasing the part erases the only copy of that secret, and with it the file.
    """

    name: Line
    media_type: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,100}$")]
    size: Annotated[int, Field(ge=0, le=2**53 - 1)]
    digest: Commitment
    blob: Commitment
    blob_size: Annotated[int, Field(ge=0, le=2**53 - 1)]
    identity: Annotated[str, StringConstraints(min_length=16, max_length=256, pattern=r"^[A-Za-z0-9-]+$")]
    document_type: Listed | None = None
    description: Line | None = None


class Photograph(File):
    """A picture of somebody or something that the entry speaks of; ``subject`` is that subject's own ``reference``.

    ``ground`` says why it was lawful to take it, as the author states it.
    """

    media_type: Annotated[str, StringConstraints(pattern=r"^image/[a-z0-9.+-]{1,100}$")]
    subject: Listed | None = None
    pose: Literal["front", "left_profile", "right_profile", "full_body", "mark_or_tattoo", "scene", "other"] | None = (
        None
    )
    taken_at: TimeText | None = None
    ground: Literal["consent", "identification_measure", "judicial_order", "public_source", "missing_person"] | None = (
        None
    )


class Fingerprints(File):
    """An ANSI/NIST-ITL transaction, with what its record headers say, so that a reader need not open it to know what it holds.

    ``impressions`` are ``record:impression:position`` by the numbers of the standard's tables, ``-`` where the file is silent.
    """

    subject: Listed | None = None
    version: Annotated[str, StringConstraints(pattern=r"^0[1-5][0-9]{2}$")]
    transaction: Line
    records: Annotated[list[Annotated[int, Field(ge=1, le=99)]], Field(min_length=1, max_length=1001)]
    impressions: Annotated[
        list[Annotated[str, StringConstraints(pattern=r"^[0-9]{1,2}:([0-9]{1,3}|-):([0-9]{1,3}|-)$")]],
        Field(max_length=1000),
    ] = []


class Assurance(Content):
    """What a State gives its word for, so that another may help it."""

    issue: Word
    state: State
    text: Text
    valid_until: TimeText | None = None


class Location(Content):
    """A place, as precisely as it is known."""

    name: Line | None = None
    latitude_e7: Annotated[int, Field(ge=-900_000_000, le=900_000_000)] | None = None
    longitude_e7: Annotated[int, Field(ge=-1_800_000_000, le=1_800_000_000)] | None = None
    radius_m: Annotated[int, Field(ge=0, le=20_000_000)] | None = None
    at: TimeText | None = None

    @model_validator(mode="after")
    def _is_somewhere(self) -> Location:
        if (self.latitude_e7 is None) != (self.longitude_e7 is None):
            raise PydanticCustomError("half_a_position", "latitude and longitude go together")
        if self.name is None and self.latitude_e7 is None:
            raise PydanticCustomError("nowhere", "neither a name nor a position")
        return self


class ContactPoint(Content):
    """Whom to call."""

    node: NodeName | None = None
    name: Line
    phone: Line | None = None
    email: Line | None = None
    languages: Annotated[list[Language], Field(max_length=16)] = []


class Translation(Content):
    """Another part's text in another language, and whether a person or a machine made it."""

    of: Commitment
    language: Language
    text: Text
    made_by: Literal["person", "machine"]


class Reshared(Content):
    """Another authority's part, passed on: its original signed header, the part with its salt, and its author's cards.

    ``engine.dossiers.reshared`` holds it to what it claims; here stands its form alone.
    """

    header: dict[str, object]
    index: Annotated[int, Field(ge=0, lt=256)]
    salted: dict[str, object]
    cards: Annotated[list[dict[str, object]], Field(max_length=4)] = []
    via: Annotated[list[NodeName], Field(max_length=8)] = []


class PlanMarks(Content):
    """Marks that an opaque question about a plan met in the answer of the node it was put to: ``query`` names that question.

    Whoever gave the answer finds its own plan by them; to everybody else they are random numbers.
    """

    query: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    marks: Annotated[
        list[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]], Field(min_length=1, max_length=MAX_MARKS)
    ]


CONTENTS: Final[dict[str, type[Content]]] = {
    "subject": Subject,
    "narrative": Narrative,
    "question": Question,
    "file": File,
    "photograph": Photograph,
    "fingerprints": Fingerprints,
    "assurance": Assurance,
    "location": Location,
    "contact_point": ContactPoint,
    "translation": Translation,
    "reshared": Reshared,
    "plan_marks": PlanMarks,
}


def check_content(part_type: str, content: dict[str, object]) -> Content | None:
    """The content read, None for a type we do not know; ``ValidationError`` or ``Rejected`` for a wrong shape."""
    if part_type in ("terms", "reservation"):
        read = read_terms if part_type == "terms" else read_reservation
        if read(content).to_json() != content:
            raise Rejected("accord.terms_malformed", at="", rule="not_the_complete_form")
        return None
    model = CONTENTS.get(part_type)
    return None if model is None else model.model_validate(content, by_alias=True)
