"""The closed codes of the acts of a request."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from tansiq.engine.dossiers.acts import Codes, EntryId, ListedCode, NodeName, TimeText


class Ask(Codes):
    """The closed half of art. 4; ``use`` evidence asks at once for the consent that art. 1(3) demands."""

    purpose: ListedCode
    crime_area: ListedCode
    use: Literal["intelligence", "evidence"]
    restrictions: Literal["none", "as_marked"]
    urgency: ListedCode | None = None


class Due(Codes):
    """The instant that the executing side counted."""

    due: TimeText


class Access(Due):
    """Whether the information can be had directly decides between 8 hours and 3 days."""

    access: Literal["direct", "indirect"]


class Extend(Due):
    """The clarification that ended a pause."""

    clarified: EntryId


class Deviate(Due):
    """Why the deadline cannot be kept, and the date expected."""

    ground: ListedCode


class Unit(Codes):
    """A unit by its opaque code."""

    unit: ListedCode


class Clarify(Codes):
    """The question that is answered."""

    question: EntryId


class Answer(Codes):
    """In full, in part (with the ground for the rest), or nothing found."""

    extent: Literal["full", "partial", "nothing"]
    ground: ListedCode | None = None

    @model_validator(mode="after")
    def _partial_says_why(self) -> Self:
        if (self.extent == "partial") != (self.ground is not None):
            raise ValueError("a ground goes with a partial answer")
        return self


class Refuse(Codes):
    """The ground of art. 6."""

    ground: ListedCode


class Return(Codes):
    """Wrongly addressed; the competent node if it is known."""

    competent: NodeName | None = None
