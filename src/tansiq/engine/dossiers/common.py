"""The acts that every kind has: lifting a handling code, settling a conflict, refusing an entry, revoking a key.

They are declared like the acts of a kind and merged into each by ``Kind``; none of them has a transition, so they stand
beside whatever a kind does and commute with all of it, except ``resolve``, which writes the phase.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from tansiq.engine.dossiers.acts import (
    EVERY_PARTY,
    ActSpec,
    Codes,
    Commitment,
    EntryId,
    ListedCode,
    NodeName,
    PartsRule,
    Submission,
    closes,
    counts,
    has_open,
    must_be_open,
    puts,
)
from tansiq.engine.dossiers.states import PHASE, Effect, Open, Put

REVOKED: Final = "revoked"
ANY_ACT: Final = frozenset[str]()
HandlingCode = Literal["H1", "H2", "H3"]


class AskLift(Codes):
    """May this handling code of that entry (one part of it, or all) be lifted?"""

    entry: EntryId
    code: HandlingCode
    part: Commitment | None = None
    purpose: ListedCode | None = None


class Lift(Codes):
    """The provider lifts a handling code, asked or unasked."""

    entry: EntryId
    code: HandlingCode
    part: Commitment | None = None
    ask: EntryId | None = None


class DeclineLift(Codes):
    """The provider keeps the code."""

    ask: EntryId
    ground: ListedCode | None = None


class Resolve(Codes):
    """Of several acts in conflict, this one stands."""

    stands: EntryId


class NotAccepted(Codes):
    """This node may not take that entry in; why is its own affair and is not said."""

    entry: EntryId


class Revoke(Codes):
    """A key of this node's authority was lost or stolen; ``last_good`` is the last entry here that it vouches for."""

    key_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    last_good: EntryId | None = None


class PassedOn(Codes):
    """This node passed parts of that entry on to other authorities, in the dossier ``successor``; no content."""

    entry: EntryId
    parts: Annotated[list[Commitment], Field(min_length=1, max_length=64)]
    to: Annotated[list[NodeName], Field(min_length=1, max_length=63)]
    successor: EntryId


def _own_entry(given: Submission) -> str | None:
    entry = given.names("last_good")
    return None if entry is None or entry.author == given.author else "kind.not_own_entry"


def _only_provider(given: Submission) -> str | None:
    """A handling code belongs to whoever provided the information."""
    entry = given.names("entry")
    if entry is None or entry.author != given.author:
        return "kind.not_the_provider"
    return must_be_open("lifts", "ask")(given)


def _asked_of_me(given: Submission) -> str | None:
    ask = given.names("ask")
    if ask is None or not given.state.holds("lifts", ask.entry_id):
        return "kind.not_open"
    asked = given.state.facets["lifts"][ask.entry_id].value
    provider = asked.get("provider") if isinstance(asked, dict) else None
    return None if provider == given.author else "kind.not_the_provider"


def _asks_another(given: Submission) -> str | None:
    entry = given.names("entry")
    return "kind.own_entry" if entry is None or entry.author == given.author else None


def _open_lift(given: Submission) -> Iterable[Effect]:
    entry = given.names("entry")
    asked = given.codes.model_dump(mode="json", exclude_none=True)
    yield Open("lifts", {**asked, "provider": entry.author if entry else None})


def _stand(given: Submission) -> Iterable[Effect]:
    standing = given.state.facets.get(PHASE, {}).get(given.code("stands"))
    if standing is not None:
        yield Put(PHASE, standing.value)


COMMON_ACTS: Final[dict[str, ActSpec]] = {
    "ask_lift": ActSpec(
        codes=AskLift,
        names={"entry": ANY_ACT},
        rule=_asks_another,
        effects=(_open_lift,),
        anywhere=True,
    ),
    "lift": ActSpec(
        codes=Lift,
        names={"entry": ANY_ACT, "ask": frozenset({"ask_lift"})},
        rule=_only_provider,
        effects=(closes("lifts", "ask"),),
        anywhere=True,
        closing=True,
    ),
    "decline_lift": ActSpec(
        codes=DeclineLift,
        names={"ask": frozenset({"ask_lift"})},
        rule=_asked_of_me,
        when=has_open("lifts"),
        effects=(closes("lifts", "ask"),),
        anywhere=True,
        closing=True,
    ),
    "resolve": ActSpec(
        by=EVERY_PARTY,
        codes=Resolve,
        names={"stands": ANY_ACT},
        rule=must_be_open(PHASE, "stands"),
        effects=(_stand,),
        closing=True,
    ),
    "not_accepted": ActSpec(
        codes=NotAccepted,
        names={"entry": ANY_ACT},
        rule=_asks_another,
        parts=PartsRule(allowed=frozenset()),
        effects=(counts("not_accepted"),),
        officer_roles=frozenset({"data_protection"}),
        machine_too=True,
        anywhere=True,
        closing=True,
    ),
    "passed_on": ActSpec(
        codes=PassedOn,
        names={"entry": ANY_ACT},
        rule=_asks_another,
        parts=PartsRule(allowed=frozenset()),
        effects=(counts("passed_on"),),
        machine=True,
        anywhere=True,
        closing=True,
    ),
    "revoke": ActSpec(
        codes=Revoke,
        names={"last_good": ANY_ACT},
        rule=_own_entry,
        parts=PartsRule(allowed=frozenset()),
        effects=(puts(REVOKED, "key_id", "last_good", per_party=True),),
        officer_roles=frozenset({"administrator"}),
        anywhere=True,
        closing=True,
    ),
}
