"""The acts of an accord, piece by piece: their codes, when they make sense, which rule they obey, what they write."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, TypeAlias

from pydantic import StringConstraints

from tansiq.engine.dossiers.acts import Codes, EffectRule, EntryId, Submission, TimeText
from tansiq.engine.dossiers.states import Effect, Open, Put, State
from tansiq.engine.formats.json_values import JsonValue
from tansiq.engine.kinds.accord_consent import (
    TABLE,
    VERSIONS,
    consents,
    is_binding,
    is_bound,
    leaving,
    on_the_table,
    rivals,
    standing_aside,
    versions,
)

TermsDigest: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class OfVersion(Codes):
    """The version of the terms that the act speaks of, by digest."""

    terms: TermsDigest


class Ratify(OfVersion):
    """Consent to be bound, with the digest of the reservation if one is made."""

    reservation: TermsDigest | None = None


class Denounce(Codes):
    """Leaving; a stated date counts if it is later than the notice that the terms demand."""

    takes_effect: TimeText | None = None


class Resolve(Codes):
    """Of rival amendments, the entry that stands."""

    stands: EntryId


def may_ratify(state: State, party: str) -> bool:
    """There is a version to ratify, and the party is not bound by it already."""
    terms = on_the_table(state)
    return terms is not None and (party not in consents(state, terms) or party in leaving(state))


def may_withdraw(state: State, party: str) -> bool:
    """The party proposed what is on the table, and it binds nobody yet."""
    own = {write.value for write in state.writes(VERSIONS) if write.by == party}
    return any(write.value in own and not is_binding(state, str(write.value)) for write in rivals(state))


def may_suspend(state: State, party: str) -> bool:
    """Bound, and not standing aside already."""
    return is_bound(state, party) and party not in standing_aside(state)


def may_resume(state: State, party: str) -> bool:
    """Standing aside."""
    return party in standing_aside(state)


def may_denounce(state: State, party: str) -> bool:
    """Bound, and not leaving already."""
    return is_bound(state, party) and party not in leaving(state)


def ratifies_the_table(given: Submission) -> str | None:
    """What is on the table, and a reservation exactly if one is announced."""
    if given.code("terms") != on_the_table(given.state):
        return "accord.not_on_the_table"
    carries = any(part.type == "reservation" for part in given.header.parts)
    return None if carries == (given.code("reservation") is not None) else "accord.reservation_unannounced"


def _is_known(given: Submission) -> bool:
    return any(write.value == given.code("terms") for write in given.state.writes(VERSIONS))


def is_new(given: Submission) -> str | None:
    """A version is proposed once; what was withdrawn or set aside is not proposed again."""
    return "accord.version_known" if _is_known(given) else None


def is_not_new(given: Submission) -> str | None:
    """Some version that was proposed here."""
    return None if _is_known(given) else "accord.version_unknown"


def is_own_and_unbinding(given: Submission) -> str | None:
    """One's own proposal, still on the table, that binds nobody yet."""
    terms = given.code("terms")
    own = any(write.value == terms and write.by == given.author for write in given.state.writes(VERSIONS))
    open_to_all = any(write.value == terms for write in rivals(given.state)) and not is_binding(given.state, terms)
    return None if own and open_to_all else "accord.not_yours_to_withdraw"


def lays_on_table(given: Submission) -> Iterable[Effect]:
    """One more version, and it takes the place of what its author saw on the table."""
    yield Open(VERSIONS, given.code("terms"))
    yield Put(TABLE, given.code("terms"))


def binds(given: Submission) -> Iterable[Effect]:
    """Consent, which ends an objection; after leaving, consent to this version alone."""
    state, party, terms = given.state, given.author, given.code("terms")
    yield Put(f"ratified:{party}:{terms}", {"reservation": given.code("reservation")})
    yield Put(f"objection:{party}", None)
    if party in leaving(state):
        yield Put(f"left:{party}", None)
        for old in {str(write.value) for write in versions(state)} - {terms}:
            if party in consents(state, old):
                yield Put(f"ratified:{party}:{old}", None)


def withdraws(given: Submission) -> Iterable[Effect]:
    """The version is taken off the table."""
    yield Put(f"withdrawn:{given.code('terms')}", True)


def leaves(given: Submission) -> Iterable[Effect]:
    """Notice is given."""
    yield Put(f"left:{given.author}", {"takes_effect": given.code("takes_effect")})


def stands_aside(value: JsonValue) -> EffectRule:
    """The party's own suspension, set or ended."""

    def effect(given: Submission) -> Iterable[Effect]:
        yield Put(f"suspended:{given.author}", value)

    return effect


def lets_stand(given: Submission) -> Iterable[Effect]:
    """The table holds the version that was chosen."""
    yield Put(TABLE, given.state.facets[TABLE][given.code("stands")].value)
