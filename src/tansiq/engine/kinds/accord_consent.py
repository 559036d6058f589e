"""Who consented to what: the readings of an accord's state, and its projection for ``decide``.

Consent is a set of facts per party and version. A version is *binding* once two have ratified it; whether it is in
force at an instant also depends on dates (entry into force, notice), which the fold does not know and ``decide`` asks.
Everything here is a total function of the state (and, for the projection, of the parts that are still here).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from tansiq.engine.accords.in_force import AccordInForce, Version
from tansiq.engine.accords.reservations import check_reservation
from tansiq.engine.accords.terms import Reservation, Terms, read_reservation, read_version
from tansiq.engine.dossiers.parts import Part
from tansiq.engine.dossiers.states import State, Write
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.json_values import pointer
from tansiq.engine.formats.times import parse_time

TABLE: Final = "table"
VERSIONS: Final = "versions"
PartsByEntry: TypeAlias = Mapping[str, Sequence[Part]]


def versions(state: State) -> list[Write]:
    """Every version ever proposed, newest first (by depth, then entry id: the same on all nodes)."""
    return sorted(state.writes(VERSIONS), key=lambda write: (write.depth, write.entry), reverse=True)


def consents(state: State, terms: str) -> frozenset[str]:
    """The parties that ratified this version, those whose notice runs included."""
    return frozenset(party for party in state.participants if state.value(f"ratified:{party}:{terms}") is not None)


def leaving(state: State) -> frozenset[str]:
    """The parties that have denounced the accord."""
    return frozenset(party for party in state.participants if state.value(f"left:{party}") is not None)


def standing_aside(state: State) -> frozenset[str]:
    """The parties that have suspended the accord for themselves."""
    return frozenset(party for party in state.participants if state.value(f"suspended:{party}"))


def is_binding(state: State, terms: str) -> bool:
    """Two parties at least have ratified it."""
    return len(consents(state, terms)) > 1


def binding(state: State) -> list[str]:
    """The digests of the binding versions, newest first, each once."""
    return list(dict.fromkeys(str(v.value) for v in versions(state) if is_binding(state, str(v.value))))


def is_bound(state: State, party: str) -> bool:
    """Some binding version was ratified by this party."""
    return any(party in consents(state, terms) for terms in binding(state))


def rivals(state: State) -> list[Write]:
    """What is on the table: one version in peace, several in conflict, none after a withdrawal.

    A version that two have ratified is not taken away by a withdrawal that did not know of it.
    """
    return [
        write
        for write in state.writes(TABLE)
        if is_binding(state, str(write.value)) or state.value(f"withdrawn:{write.value}") is None
    ]


def on_the_table(state: State) -> str | None:
    """The digest of the version that can be ratified now: the one proposed, else the newest binding one.

    None in conflict, and where everything was withdrawn before it bound anybody.
    """
    proposed = {str(write.value) for write in rivals(state)}
    if len(proposed) > 1:
        return None
    return proposed.pop() if proposed else next(iter(binding(state)), None)


def in_force(state: State, parts: PartsByEntry) -> AccordInForce:
    """The accord as ``decide`` wants it; ``parts`` are those of types terms and reservation, by entry.

    Fails closed: a version whose terms are erased, altered or name strangers binds nobody; neither does a ratification
    whose reservation is erased, altered or loosens a term (``defects`` says which). Before anything binds, the status
    is *pending* and the terms on the table are shown.
    """
    current = [version for write in versions(state) if (version := _version(state, write, parts))]
    bound = tuple({v.digest: v for v in current if len(v.ratified) > 1}.values())
    aside = standing_aside(state)
    if not bound:
        terms = terms_on_the_table(state, parts)
        return AccordInForce(state.dossier, terms.digest if terms else None, terms, status="pending", suspended=aside)
    left = [write for party in leaving(state) if (write := state.latest(f"left:{party}"))]
    return AccordInForce(
        state.dossier,
        status="suspended" if all(len(version.ratified - aside) < 2 for version in bound) else "in_force",
        suspended=aside,
        denounced={write.by: _takes_effect(write, bound) for write in left},
        versions=bound,
    ).through(bound[0])


def defects(state: State, parts: PartsByEntry) -> list[Rejected]:
    """Why a version or a ratification that stands in the record binds nobody, newest version first."""
    found: list[Rejected] = []
    for write in versions(state):
        try:
            terms = _terms(state, write, parts)
        except Rejected as defect:
            found.append(defect)
            continue
        found += [defect for _, _, defect in _consents(state, terms, write, parts) if defect is not None]
    return found


def terms_on_the_table(state: State, parts: PartsByEntry) -> Terms | None:
    """The terms that can be ratified now, None if there are none or their part is not here."""
    wanted = on_the_table(state)
    for write in versions(state):
        if write.value == wanted:
            try:
                return _terms(state, write, parts)
            except Rejected:
                continue
    return None


def _takes_effect(left: Write, bound: Sequence[Version]) -> datetime:
    """When the party is out: after the longest notice it owes, or on its stated date if that is later."""
    notice = max((version.terms.notice_days for version in bound if left.by in version.ratified), default=0)
    earliest = parse_time(left.at) + timedelta(days=notice)
    stated = left.value.get("takes_effect") if isinstance(left.value, dict) else None
    return max(earliest, parse_time(stated)) if stated else earliest


def _version(state: State, write: Write, parts: PartsByEntry) -> Version | None:
    try:
        terms = _terms(state, write, parts)
    except Rejected:
        return None
    sound = [(party, reserved) for party, reserved, defect in _consents(state, terms, write, parts) if defect is None]
    reservations = {party: reserved for party, reserved in sound if reserved is not None}
    return Version(terms.digest, terms, frozenset(party for party, _ in sound), reservations)


def _terms(state: State, write: Write, parts: PartsByEntry) -> Terms:
    at = pointer("/versions", write.entry)
    content = next((part.content for part in parts.get(write.entry, ()) if part.type == "terms"), None)
    if content is None:
        raise Rejected("accord.terms_absent", at=at)
    terms = read_version(content, digest=str(write.value), at=at)
    if strangers := sorted(set(terms.parties) - set(state.participants)):
        raise Rejected("accord.party_outside", at=pointer(at, "parties"), node=strangers[0])
    return terms


def _consents(
    state: State, terms: Terms, version: Write, parts: PartsByEntry
) -> Iterator[tuple[str, Reservation | None, Rejected | None]]:
    """Each party that ratified, with its reservation, or with the reason why it is not bound."""
    for party in terms.parties:
        consent = state.latest(f"ratified:{party}:{version.value}")
        if consent is None or not isinstance(consent.value, dict):
            continue
        try:
            yield party, _reservation(terms, consent, parts), None
        except Rejected as defect:
            yield party, None, defect


def _reservation(terms: Terms, consent: Write, parts: PartsByEntry) -> Reservation | None:
    announced = consent.value.get("reservation") if isinstance(consent.value, dict) else None
    if announced is None:
        return None
    at = pointer("/ratifications", consent.entry)
    for part in parts.get(consent.entry, ()):
        if part.type == "reservation":
            reservation = read_reservation(part.content, at=at)
            if reservation.digest == announced:
                check_reservation(terms, reservation, party=consent.by, at=at)
                return reservation
    raise Rejected("accord.reservation_absent", at=at, party=consent.by)
