"""One pure question, asked wherever information would move or be used: permit, refuse, or who must approve.

``decide`` is asked before signing, on receipt, and before forwarding, exporting, printing, querying and answering a
query. Its **shared part** looks at the question and one version of the accord alone; two nodes that ask the same get
the same. Its **local part** is national law: it can stop only this node's own acts, and never permits.

How it answers: for every ordered pair that the act concerns (the sender and each recipient; for a use, each provider
and the user) the effective terms are found, every check of ``checks`` is made, and the strictest finding is the
answer. Refusals come before approvals; among equals the order of the checks, then of the nodes, decides which is
cited. So the answer does not depend on the order of recipients, adding a recipient never loosens it, and no clause
can permit what another refuses.

``now`` is the instant judged: the wall clock when one acts, the time in the header when one judges what arrived, so
that both sides judge the same.

Founding rule: a dossier of kind ``accord`` needs no accord. Any two enrolled nodes may open one; it is about no
person and goes up to level 1.

Threat to life: what no accord permits may still be said in a channel or an alert where a life is in imminent danger,
under terms that are the same between all nodes (``THREAT_TERMS``), by a senior officer or with one's approval. It
lifts neither what the accord says of human rights nor the conditions on what others provided, and local rules stop it
like anything else. It is reviewed afterwards. This is our rule, not a treaty's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import reduce
from typing import Final

from tansiq.engine.accords.checks import CHECKS, USE_CHECKS, Asked, Finding, human_rights
from tansiq.engine.accords.in_force import AccordInForce, Status, Version
from tansiq.engine.accords.local_rules import NONE, LocalRule, LocalRules
from tansiq.engine.accords.markings import Marking, stricter_freedom, strictest
from tansiq.engine.accords.questions import (
    ANSWERS,
    SEARCHES,
    Answer,
    Conditions,
    Decision,
    Occasion,
    Question,
    strictest_decision,
)
from tansiq.engine.accords.reservations import MEETS, PairTerms, pair_terms
from tansiq.engine.accords.terms import Search, SearchMode, Terms
from tansiq.engine.errors import Refused, Rejected

__all__ = [
    "ANSWERS",
    "FOUNDING_KIND",
    "LOCAL_CLAUSE",
    "LOCAL_KIND",
    "NONE",
    "SENIOR",
    "THREAT_CLAUSE",
    "AccordInForce",
    "Answer",
    "Conditions",
    "Decision",
    "LocalRule",
    "LocalRules",
    "Occasion",
    "Question",
    "Status",
    "Version",
    "check_derived",
    "decide",
    "decide_forward",
    "derive",
    "strictest_decision",
]

FOUNDING_KIND: Final = "accord"
LOCAL_KIND: Final = "correspondence"
LOCAL_CLAUSE: Final = "local_registration"
"""The rule under which a message of another channel is registered: between this node and a party without one, no accord
can stand, and what is registered leaves the node on paper alone."""
SENIOR: Final = "senior"
"""The officers' role that answers for what is said of a threat to life without an accord."""
THREAT_CLAUSE: Final = "tansiq:threat-to-life"
_MODES: Final[tuple[SearchMode, ...]] = ("none", "contact", "hit")

FOUNDING_TERMS: Final = Terms(
    title={"en": "Founding rule"},
    # AA and ZZ are reserved for users by ISO 3166: the founding rule has no parties of its own.
    parties=("aa", "zz"),
    kinds=(FOUNDING_KIND,),
    purposes=(),
    crime_areas=("*",),
    max_level=1,
    onward="free",
    evidence="free",
    search=Search(),
    retention_days=36_525,
    review_days=36_525,
    in_force_from=datetime(1970, 1, 1, tzinfo=UTC),
    clauses=dict.fromkeys(("kinds", "purposes", "ladders", "max_level", "categories", "flags"), "founding"),
)

LOCAL_TERMS: Final = Terms(
    title={"en": "Rule of local registration"},
    parties=("aa", "zz"),
    kinds=(LOCAL_KIND,),
    purposes=(
        "asset_recovery",
        "border_control",
        "detection",
        "execution_of_penalties",
        "extradition",
        "identification_of_remains",
        "investigation",
        "missing_persons",
        "prevention",
        "prosecution",
        "public_security",
        "sanctions",
        "threat_to_life",
        "victim_protection",
        "wanted_persons",
    ),
    crime_areas=("*",),
    max_level=1,
    handling_allowed=("H0", "H1", "H2", "H3"),
    categories=dict.fromkeys(
        ("suspect", "convicted", "potential_offender", "contact", "victim", "witness", "missing", "other"), "permit"
    ),
    flags=dict.fromkeys(
        ("minor", "lawyer", "physician", "journalist", "clergy", "parliamentarian", "diplomat"), "approval"
    ),
    onward="consent",
    evidence="consent",
    search=Search(),
    retention_days=1825,
    review_days=1095,
    in_force_from=datetime(1970, 1, 1, tzinfo=UTC),
    clauses=dict.fromkeys(
        ("kinds", "purposes", "ladders", "max_level", "categories", "flags", "onward", "evidence"), LOCAL_CLAUSE
    ),
)
"""What may be registered of other channels: no sources, no more than level 1 (above it, a paper stays a paper), protected
persons with an approval; used in court or passed on with the correspondent's consent alone."""

_OWN_TERMS: Final = {FOUNDING_KIND: FOUNDING_TERMS, LOCAL_KIND: LOCAL_TERMS}
"""The kinds that need no accord, and the rule they stand under instead."""

THREAT_TERMS: Final = Terms(
    title={"en": "Threat to life"},
    parties=("aa", "zz"),
    kinds=("alert", "channel"),
    purposes=("missing_persons", "prevention", "public_security", "threat_to_life", "victim_protection"),
    crime_areas=("*",),
    max_level=1,
    handling_allowed=("H0", "H1", "H2", "H3"),
    categories=dict.fromkeys(
        ("suspect", "convicted", "potential_offender", "contact", "victim", "witness", "missing", "other"), "permit"
    ),
    flags={"minor": "permit"},
    onward="consent",
    evidence="consent",
    search=Search(),
    retention_days=90,
    review_days=30,
    in_force_from=datetime(1970, 1, 1, tzinfo=UTC),
    clauses=dict.fromkeys(("kinds", "purposes", "ladders", "max_level", "categories", "flags"), THREAT_CLAUSE),
)
"""What may be said of a threat to life where no accord permits it: no sources, no privileged persons, no more than
level 1, kept for three months."""


def decide(question: Question, accord: AccordInForce | None, *, now: datetime, local: LocalRules = NONE) -> Decision:
    """May this happen? Pure, total, and always with a clause; refusals and approvals name who blocks.

    ``accord`` is the one the dossier stands under (for a use: the one the information was received under), None where
    there is none. Nothing raises: what cannot be judged is refused.
    """
    return strictest_decision([_shared(question, accord, now), *local.decisions(question)])


def decide_forward(
    question: Question,
    *,
    received_under: AccordInForce | None,
    goes_under: AccordInForce | None,
    now: datetime,
    local: LocalRules = NONE,
) -> Decision:
    """Both halves of passing on: the providers' accord must let it go, and the new recipients' accord must let it
    in."""
    leaving = decide(question, received_under, now=now, local=local)
    sending = replace(question, act="send", version=None)
    return strictest_decision([leaving, _shared(sending, goes_under, now)])


def derive(sources: Iterable[Marking]) -> Marking:
    """The marking of something made from ``sources``: the strictest of them, every condition kept.

    Raises ``Rejected("decide.derived_without_sources")``: what has no source is somebody's own, and calling it so is
    an explicit, logged choice.
    """
    given = tuple(sources)
    if not given:
        raise Rejected("decide.derived_without_sources", at="/sources")
    return strictest(given)


def check_derived(marking: Marking, sources: Iterable[Marking], *, at: str = "") -> None:
    """Raise ``Refused("decide.marking_below_sources")`` if a derived part lost a condition of one of its sources."""
    if not marking.is_at_least(derive(sources)):
        raise Refused("decide.marking_below_sources", at=at)


def _shared(question: Question, accord: AccordInForce | None, now: datetime) -> Decision:
    """The part that is equal on both sides: what the accord says, or else what a threat to life permits."""
    decision = _by_accord(question, accord, now)
    if decision.is_permitted or not question.threat or question.act not in ("send", "receive"):
        return decision
    return _for_life(question, accord, now) or decision


def _for_life(question: Question, accord: AccordInForce | None, now: datetime) -> Decision | None:
    """The permission that a threat to life gives, or whose approval it needs; None where it gives none.

    Whoever claims the threat is a senior officer, or has one's approval; who is addressed may answer, and to end what
    was begun takes nobody's leave.
    """
    asked = [Asked(question, PairTerms(question.sender, to, THREAT_TERMS), now) for to in question.addressees]
    objections = [finding for each in asked for check in CHECKS for finding in check(each)]
    if not asked or objections or _human_rights_object(question, accord, now):
        return None
    conditions = _conditions([THREAT_TERMS])
    answers = question.threat == "answered" or question.closing or question.by_machine
    if answers or SENIOR in {question.acted_as, *question.approvals}:
        return Decision("permit", "decide.permitted_threat", THREAT_CLAUSE, "threat_to_life", conditions=conditions)
    return Decision(
        "approval",
        "decide.threat_approval",
        THREAT_CLAUSE,
        "threat_to_life",
        blocks=question.sender,
        role=SENIOR,
        roles=(SENIOR,),
        conditions=conditions,
    )


def _human_rights_object(question: Question, accord: AccordInForce | None, now: datetime) -> bool:
    """Whether what the parties agreed on human rights stands against it; a threat to one life is no reason there."""
    if accord is None:
        return False
    return any(
        finding
        for partner in question.addressees
        for through in _versions(question, accord, question.sender, partner)
        if through is not None and through.terms is not None
        for pair in [pair_terms(through.terms, through.reservations, question.sender, partner)]
        for finding in human_rights(Asked(question, pair, now, through))
    )


def _by_accord(question: Question, accord: AccordInForce | None, now: datetime) -> Decision:
    if question.is_use and question.providers is None:
        return Decision("refuse", "decide.provider_unknown", "protocol", "providers", blocks=question.sender)
    partners = question.others if question.is_use else question.addressees
    if not partners:
        if question.is_use:
            return Decision("permit", "decide.permitted_own", "protocol", "providers")
        return Decision("refuse", "decide.no_recipient", "protocol", "recipients", blocks=question.sender)
    own = _OWN_TERMS.get(question.kind)
    if accord is None and own is None:
        return Decision("refuse", "decide.no_accord", "founding", "accord", blocks=partners[0])
    asked: list[Asked] = []
    for partner in partners:
        giver, taker = (partner, question.sender) if question.is_use else (question.sender, partner)
        if accord is None or own is not None:
            asked.append(Asked(question, PairTerms(giver, taker, own or FOUNDING_TERMS), now))
            continue
        for through in _versions(question, accord, giver, taker):
            if through is None or through.terms is None:
                return Decision("refuse", "decide.version_not_in_force", "protocol", "version", blocks=partner)
            pair = pair_terms(through.terms, through.reservations, giver, taker)
            asked.append(Asked(question, pair, now, through))
    return _answer(asked)


def _versions(question: Question, accord: AccordInForce, giver: str, taker: str) -> list[AccordInForce | None]:
    """The versions a pair stands under: the pinned one, and for an opening the newest both have ratified as well.

    A dossier of several may pin an older version for the sake of one participant; between two who have ratified a
    newer one, that one must let it begin too (VCLT art. 40(4)(b) keeps the old one for the others only).
    """
    newest = accord.among((giver, taker))
    if question.version is None:
        return [newest]
    pinned = accord.at_version(question.version)
    return [pinned] if pinned == newest or not question.opens or question.is_use else [pinned, newest]


def _answer(asked: list[Asked]) -> Decision:
    """The strictest finding over all pairs, or the permission with its conditions."""
    question = asked[0].question
    checks = USE_CHECKS if question.is_use else CHECKS
    findings = [
        (each, finding)
        for check in checks
        for each in asked
        for finding in check(each)
        if not (question.by_machine and finding.role)
    ]
    conditions = _conditions([each.pair.terms for each in asked])
    if findings:
        refusals = [found for found in findings if found[1].role is None]
        each, finding = (refusals or findings)[0]
        roles = () if refusals else tuple(sorted({found.role for _, found in findings if found.role is not None}))
        return _decision(each, finding, roles, conditions)
    return _permission(asked[0], conditions)


def _decision(asked: Asked, finding: Finding, roles: tuple[str, ...], conditions: Conditions) -> Decision:
    pair = asked.pair
    place = finding.term if finding.key is None else f"{finding.term}.{finding.key}"
    reserved_by = pair.reserved_by.get(place) or pair.reserved_by.get(finding.term)
    return Decision(
        answer="approval" if finding.role else "refuse",
        code=finding.code,
        clause=finding.clause or pair.clause(finding.term, finding.key),
        term=finding.term,
        blocks=finding.blocks or reserved_by or asked.partner,
        role=finding.role,
        roles=roles,
        reserved_by=reserved_by,
        conditions=conditions,
    )


def _permission(asked: Asked, conditions: Conditions) -> Decision:
    """Even a permission cites: the term that covers the act."""
    question = asked.question
    if asked.accord is None and question.kind == LOCAL_KIND:
        return Decision("permit", "decide.permitted_local", LOCAL_CLAUSE, "kinds", conditions=conditions)
    if asked.accord is None:
        return Decision("permit", "decide.permitted_founding", "founding", "kinds", conditions=conditions)
    if question.act in SEARCHES:
        term = "blind" if question.families or question.cells else "search"
    elif question.act == "forward":
        term = "onward"
    elif question.is_use:
        term = "evidence" if question.as_evidence else "purposes"
    else:
        term = "kinds"
    return Decision("permit", "decide.permitted", asked.pair.clause(term), term, conditions=conditions)


def _conditions(terms: list[Terms]) -> Conditions:
    return Conditions(
        retention_days=min(each.retention_days for each in terms),
        review_days=min(each.review_days for each in terms),
        onward=stricter_freedom(*(each.onward for each in terms)),
        evidence=stricter_freedom(*(each.evidence for each in terms)),
        search_mode=min((each.search.mode for each in terms), key=_MODES.index),
        budget_per_day=min(each.search.budget_per_day for each in terms),
        blind=reduce(MEETS["blind"], [each.blind for each in terms]),
    )
