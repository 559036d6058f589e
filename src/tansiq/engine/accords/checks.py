"""The checks of ``decide``, one function each: every one looks at one term, for one ordered pair, and can only
object.

A check yields a ``Finding`` for each objection and nothing when it has none. Because no check can undo another's
finding, the answer is their join; each check is monotone in its term, so tightening a term can only add findings.
That is what the property tests hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from tansiq.engine.accords.in_force import AccordInForce
from tansiq.engine.accords.markings import Freedom, stricter_freedom
from tansiq.engine.accords.questions import SEARCHES, Question
from tansiq.engine.accords.reservations import PairTerms
from tansiq.engine.accords.terms import EVERY, Permission, covers
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.codes.ladders import ladder_level

FREE_LEVEL: Final = 1
"""The highest level that passes without an accreditation object (Europol: EU RESTRICTED; ours: the default
ceiling)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One objection: its code and term, the key within the term, who blocks, and the role that could approve."""

    code: str
    term: str
    key: str | None = None
    clause: str | None = None
    blocks: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about one ordered pair at one instant."""

    question: Question
    pair: PairTerms
    now: datetime
    accord: AccordInForce | None = None

    @property
    def partner(self) -> str:
        """The other side of the pair, seen from who acts: the recipient, or for a use the provider."""
        return self.pair.sender if self.question.is_use else self.pair.recipient

    @property
    def targets(self) -> tuple[str, ...]:
        """The nodes in whose hands the information would be: for exports and prints without addressee, the user's."""
        if self.question.is_use:
            return self.question.addressees or (self.question.sender,)
        return (self.pair.recipient,)


Findings: TypeAlias = Iterator[Finding]
Check: TypeAlias = Callable[[Asked], Findings]


def standing(asked: Asked) -> Findings:
    """Both are parties, ratified this version, and the accord is in force between them now.

    When it no longer is (suspended, denounced, expired), closing acts are still permitted. Uses of what was received
    ask only whether the accord ever bound both: use, onward and retention terms survive its end.
    """
    accord = asked.accord
    if accord is None:
        return
    terms = asked.pair.terms
    for node in (asked.pair.sender, asked.pair.recipient):
        if node not in terms.parties:
            yield Finding("decide.not_a_party", "parties", blocks=node)
        elif node not in accord.ratified:
            yield Finding("decide.not_ratified", "ratification", blocks=node)
    if asked.question.is_use:
        return
    if accord.status == "pending":
        yield Finding("decide.not_ratified", "ratification", blocks=asked.partner)
    if asked.now < terms.in_force_from:
        yield Finding("decide.not_yet_in_force", "in_force_from", blocks=asked.partner)
    if not asked.question.closing:
        yield from _ended(asked, accord)


def _ended(asked: Asked, accord: AccordInForce) -> Findings:
    until = asked.pair.terms.until
    if until is not None and asked.now >= until:
        yield Finding("decide.expired", "until", blocks=asked.partner)
    for node in (asked.pair.recipient, asked.pair.sender):
        if accord.status == "suspended" or node in accord.suspended:
            yield Finding("decide.suspended", "suspension", blocks=node)
        if accord.status == "denounced" or (node in accord.denounced and asked.now >= accord.denounced[node]):
            yield Finding("decide.denounced", "denunciation", blocks=node)


def kinds(asked: Asked) -> Findings:
    """The accord covers dossiers of this kind."""
    if asked.question.kind not in asked.pair.terms.kinds and asked.question.act not in SEARCHES:
        yield Finding("decide.kind_not_covered", "kinds")


def search(asked: Asked) -> Findings:
    """A query is answered as far as the accord says, and not more often than its daily budget."""
    question, terms = asked.question, asked.pair.terms.search
    if question.act not in SEARCHES or question.families or question.cells:
        return
    if terms.mode == "none":
        yield Finding("decide.search_not_covered", "search")
    elif terms.mode == "contact" and question.act == "hit" and question.discloses == "hit":
        yield Finding("decide.search_contact_only", "search")
    if question.spent_today >= terms.budget_per_day:
        yield Finding("decide.search_budget_spent", "search")


def blind(asked: Asked) -> Findings:
    """A blind query asks only under families the accord names, and within both daily budgets; it is no open query."""
    question, terms = asked.question, asked.pair.terms.blind
    if question.act not in SEARCHES or not question.families:
        return
    if not terms.families:
        yield Finding("decide.blind_not_covered", "blind")
        return
    if not question.families <= set(terms.families):
        yield Finding("decide.blind_family_not_covered", "blind")
    if question.spent_today + question.costs > terms.budget_per_day:
        yield Finding("decide.blind_budget_spent", "blind")
    if question.spent_by_officer + question.costs > terms.budget_per_officer:
        yield Finding("decide.blind_officer_budget_spent", "blind")


def plans(asked: Asked) -> Findings:
    """A question about a plan is asked where the accord gives a budget for it, and within that budget."""
    question, budget = asked.question, asked.pair.terms.blind.cells_per_day
    if question.act not in SEARCHES or not question.cells:
        return
    if not budget:
        yield Finding("decide.plans_not_covered", "blind")
    elif question.spent_today + question.cells > budget:
        yield Finding("decide.cell_budget_spent", "blind")


def purposes(asked: Asked) -> Findings:
    """The stated purpose is one of the accord's."""
    purpose = asked.question.purpose
    if purpose is not None and purpose not in asked.pair.terms.purposes:
        yield Finding("decide.purpose_not_covered", "purposes")


def crime_areas(asked: Asked) -> Findings:
    """The stated crime area lies within one of the accord's."""
    area = asked.question.crime_area
    if area is not None and not covers(asked.pair.terms.crime_areas, area):
        yield Finding("decide.crime_area_not_covered", "crime_areas")


def ladders(asked: Asked) -> Findings:
    """Every national classification is one that the parties mapped, and at the level they agreed.

    Only the mapping in the terms counts, so that both sides judge alike whatever lists they carry.
    """
    marking, agreed = asked.question.marking, asked.pair.terms.ladders
    for ladder, label in sorted(marking.ladders):
        try:
            level = ladder_level(ladder, label, declared={ladder: agreed.get(ladder, {})})
        except Rejected:
            yield Finding("decide.classification_unmapped", "ladders")
        else:
            if level != marking.level:
                yield Finding("decide.classification_differs", "ladders")


def max_level(asked: Asked) -> Findings:
    """The marking is not above the accord's ceiling."""
    if asked.question.marking.level > asked.pair.terms.max_level:
        yield Finding("decide.level_above_ceiling", "max_level")


def accreditations(asked: Asked) -> Findings:
    """Above level 1 both ends hold an accreditation that reaches that level and is still valid."""
    level = asked.question.marking.level
    if level <= FREE_LEVEL:
        return
    valid = {
        held.party
        for held in asked.pair.terms.accreditations
        if held.level >= level and (held.valid_until is None or asked.now < held.valid_until)
    }
    for node in (asked.pair.recipient, asked.pair.sender):
        if node not in valid:
            yield Finding("decide.not_accredited", "accreditations", blocks=node)


def handling(asked: Asked) -> Findings:
    """Every handling code is one that the parties undertook to honour."""
    for code in sorted(asked.question.marking.handling):
        if code not in asked.pair.terms.handling_allowed:
            yield Finding("decide.handling_not_covered", "handling_allowed")


def categories(asked: Asked) -> Findings:
    """Every category of person is permitted; a category that the terms do not name is not."""
    for category in sorted(asked.question.categories):
        permission = asked.pair.terms.categories.get(category, "never")
        yield from _permission(
            asked, permission, "categories", category, ("decide.category_never", "decide.category_approval")
        )


def flags(asked: Asked) -> Findings:
    """Minors and privileged persons: permitted, approved, or never; a flag that the terms do not name is never."""
    for flag in sorted(asked.question.flags):
        permission = asked.pair.terms.flags.get(flag, "never")
        yield from _permission(asked, permission, "flags", flag, ("decide.flag_never", "decide.flag_approval"))


def urgent(asked: Asked) -> Findings:
    """Urgent handling may be claimed; what follows in an urgent dossier claims nothing."""
    if asked.question.urgent and asked.question.opens:
        permission = asked.pair.terms.urgent
        yield from _permission(asked, permission, "urgent", None, ("decide.urgent_never", "decide.urgent_approval"))


def _permission(asked: Asked, permission: Permission, term: str, key: str | None, codes: tuple[str, str]) -> Findings:
    role = asked.pair.terms.approver
    if permission == "never":
        yield Finding(codes[0], term, key)
    elif permission == "approval" and role not in asked.question.approvals:
        yield Finding(codes[1], term, key, role=role)


def evidence(asked: Asked) -> Findings:
    """Use in judicial proceedings: as the accord says, and with H1 only with the provider's consent."""
    if asked.question.as_evidence:
        freedom = stricter_freedom(asked.pair.terms.evidence, asked.question.marking.evidence)
        yield from _freedom(asked, freedom, "evidence", ("decide.evidence_never", "decide.evidence_consent"))


def onward(asked: Asked) -> Findings:
    """Passing on: as the accord says, and with H2 or TLP from AMBER only with the provider's consent."""
    if asked.question.act == "forward":
        freedom = stricter_freedom(asked.pair.terms.onward, asked.question.marking.onward)
        yield from _freedom(asked, freedom, "onward", ("decide.onward_never", "decide.onward_consent"))


def _freedom(asked: Asked, freedom: Freedom, term: str, codes: tuple[str, str]) -> Findings:
    """On a use the provider of the pair must consent, on a send every other node whose information is
    contained but the recipient: nothing is passed on to whom it came from."""
    others = (provider for provider in asked.question.others if provider != asked.pair.recipient)
    providers = (asked.pair.sender,) if asked.question.is_use else tuple(others)
    if freedom == "never" and providers:
        yield Finding(codes[0], term, blocks=providers[0])
    elif freedom == "consent":
        for provider in providers:
            if (provider, term) not in asked.question.provider_consents:
                yield Finding(codes[1], term, blocks=provider)


def contained(asked: Asked) -> Findings:
    """On a send, information of others may be contained only as their markings allow it to be passed on."""
    if asked.question.others and asked.question.marking.onward == "consent":
        yield from _freedom(asked, "consent", "onward", ("decide.onward_never", "decide.onward_consent"))


def human_rights(asked: Asked) -> Findings:
    """The table issue × act × State: stopped, an assurance that must be in hand, or a named approver."""
    question = asked.question
    for rule in asked.pair.terms.human_rights:
        if rule.issue not in question.human_rights_issues or (rule.acts and not question.acts & {*rule.acts}):
            continue
        for node in asked.targets:
            state = node[:2]
            if EVERY not in rule.states and state not in rule.states:
                continue
            if rule.outcome == "stop":
                yield Finding("decide.human_rights_stop", "human_rights", rule.issue, rule.clause, node)
            elif rule.outcome == "assurance" and (rule.issue, state) not in question.assurances:
                yield Finding("decide.assurance_missing", "human_rights", rule.issue, rule.clause, node)
            elif rule.role is not None and rule.role not in question.approvals:
                yield Finding(
                    "decide.human_rights_approval", "human_rights", rule.issue, rule.clause, node, role=rule.role
                )


def approvals(asked: Asked) -> Findings:
    """Acts that somebody other than their author must approve."""
    question = asked.question
    for rule in asked.pair.terms.approvals:
        when = rule.when
        applies = (
            (not when.kinds or question.kind in when.kinds)
            and (not when.acts or bool(question.acts & {*when.acts}))
            and when.urgent in (None, question.urgent)
            and question.marking.level >= when.level_at_least
        )
        if applies and rule.role not in question.approvals:
            yield Finding("decide.approval_needed", "approvals", clause=rule.clause, role=rule.role)


CHECKS: Final[tuple[Check, ...]] = (
    standing,
    kinds,
    search,
    blind,
    plans,
    purposes,
    crime_areas,
    ladders,
    max_level,
    accreditations,
    handling,
    categories,
    flags,
    urgent,
    evidence,
    contained,
    human_rights,
    approvals,
)
"""What is asked when something crosses to a partner, in the order in which objections are cited."""

USE_CHECKS: Final[tuple[Check, ...]] = (standing, purposes, evidence, onward, human_rights, approvals)
"""What is asked of a use of something received: the terms that survive the accord."""
