"""Where an intent would be signed – its rules, its dossier, its audience and its accord – and what the accord says to it there."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from tansiq.engine.accords.decide import (
    FOUNDING_KIND,
    LOCAL_KIND,
    SENIOR,
    AccordInForce,
    Decision,
    LocalRules,
    decide,
    strictest_decision,
)
from tansiq.engine.dossiers import entries
from tansiq.engine.dossiers.entries import Part, SaltedPart
from tansiq.engine.dossiers.folds import Folded
from tansiq.engine.dossiers.headers import Actor, Header, Opening
from tansiq.engine.dossiers.kind import Kind, Missing
from tansiq.engine.dossiers.parts import marking_of
from tansiq.engine.errors import Refused, Rejected
from tansiq.engine.formats.ids import is_external
from tansiq.engine.kinds.registry import kind
from tansiq.node.dossiers import queries
from tansiq.node.flows import alerts, exercises, origins, pins, questions
from tansiq.node.flows.intents import Intent
from tansiq.node.partners import queries as partners

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Dossier


@dataclass(frozen=True, slots=True)
class Stand:
    """Where an intent would be signed: its rules, its dossier as it is now, its audience and its accord."""

    rules: Kind
    me: str
    participants: tuple[str, ...]
    accord: AccordInForce | None
    accord_version: str
    dossier: Dossier | None = None
    folded: Folded | None = None
    opening: Opening | None = None
    salted: tuple[SaltedPart, ...] = ()
    code_lists: Mapping[str, str] = field(default_factory=dict)
    local: LocalRules = field(default_factory=partners.local_rules)

    @property
    def others(self) -> list[str]:
        return [p for p in self.participants if p != self.me]


def stand_of(officer: Officer, intent: Intent, now: datetime) -> Stand:
    """Where this officer's intent stands: in its dossier, or in one that it would open."""
    if intent.dossier:
        return in_dossier(queries.get_dossier_for(officer, intent.dossier), intent)
    return _new_dossier(intent, now)


def opening_by_machine(intent: Intent, now: datetime) -> Stand:
    """Where a dossier stands that a rule opens."""
    return _new_dossier(intent, now)


def person(officer: Officer, intent: Intent) -> Actor:
    """The officer, before it is known in which role: for what is only considered."""
    role = SENIOR if _claims_threat(officer, intent) else next(iter(officer.roles), "officer")
    return Actor(role, officer=officer.reference)


def _claims_threat(officer: Officer, intent: Intent) -> bool:
    """A senior officer who says that a life is in danger says it as one."""
    return intent.codes.get("threat") is not None and SENIOR in officer.roles


def in_dossier(dossier: Dossier, intent: Intent) -> Stand:
    """Where the intent stands in a dossier, with the accord as it is now; its parts are salted here."""
    if intent.kind != dossier.kind:
        raise Rejected("intent.malformed", at="/kind", wanted=dossier.kind)
    rules = kind(dossier.kind, dossier.kind_version)
    _require_act(rules, intent)
    exercises.require_unmixed_parts(intent.parts, exercise=dossier.exercise)
    accord = _accord(dossier.accord, dossier.participants)
    return Stand(
        rules=rules,
        me=partners.my_id(),
        participants=tuple(dossier.participants),
        accord=accord,
        accord_version=dossier.accord_version,
        dossier=dossier,
        folded=queries.folded_of(dossier),
        salted=_salt(intent.parts),
        code_lists=queries.code_lists_of(dossier.dossier_id),
    )


def _require_act(rules: Kind, intent: Intent) -> None:
    if intent.act not in rules.acts:
        raise Rejected("kind.unknown_act", at="/act", act=intent.act[:40], kind=rules.name)


def _new_dossier(intent: Intent, now: datetime) -> Stand:
    """Where an opening stands: the audience and its most special accord, and everything that is pinned."""
    me = partners.my_id()
    rules = kind(intent.kind)
    _require_act(rules, intent)
    if intent.act != rules.opening_act:
        raise Rejected("intent.not_an_opening", at="/act", act=intent.act)
    audience = tuple(sorted({me, *intent.participants}))
    _require_audience(rules, me, audience)
    if intent.kind == "alert_hit":
        alerts.require_citation(intent, audience)
    exercise = intent.exercise or exercises.node_is_exercise() or bool(exercises.is_exercise(intent.continues))
    accord = _accord(intent.accord or _best_accord(intent, audience, now, exercise=exercise), audience)
    version = (accord.version_digest or "") if accord else ""
    opening = entries.new_opening(
        rules,
        audience,
        random=os.urandom,
        accord=accord.accord_id if accord else None,
        accord_version=version or None,
        calendars=pins.calendars(audience),
        continues=intent.continues or None,
        cites=intent.cites or None,
        exercise=exercise,
    )
    exercises.require_unmixed_opening(opening)
    exercises.require_unmixed_parts(intent.parts, exercise=exercise)
    return Stand(rules, me, audience, accord, version, opening=opening, salted=_salt(intent.parts))


def _require_audience(rules: Kind, me: str, audience: Sequence[str]) -> None:
    """Every other party is an enrolled partner; or, for a kind that says so, one correspondent of the local list."""
    others = [party for party in audience if party != me]
    if not others:
        raise Rejected("intent.no_recipient", at="/participants")
    if rules.HAS_CORRESPONDENT:
        if len(others) != 1:
            raise Rejected("intent.one_correspondent", at="/participants")
        partners.get_correspondent(others[0])
        return
    for node in others:
        if is_external(node) or partners.card_of(node) is None:
            raise Rejected("partner.unknown", node=node)


def _best_accord(intent: Intent, audience: Sequence[str], now: datetime, *, exercise: bool) -> str:
    """The most special accord among exactly these nodes that knows this kind: one that is in force now, if any is.

    None for the founding kind and for correspondence. Where none is in force, the most special of the others, so that the refusal cites it.
    """
    if intent.kind in (FOUNDING_KIND, LOCAL_KIND):
        return ""
    knowing = []
    for row in partners.accords_among(audience):
        if not exercises.may_found(row.accord_id, exercise=exercise):
            continue
        found = partners.accord_in_force(row.accord_id)
        if found and found.terms and intent.kind in found.terms.kinds:
            knowing.append(found.among(audience))
    standing = [one for one in knowing if one.status_at(now) == "in_force" and _runs(one, now)]
    return next((one.accord_id for one in [*standing, *knowing]), "")


def _runs(accord: AccordInForce, now: datetime) -> bool:
    terms = accord.terms
    return terms is not None and terms.in_force_from <= now and (terms.until is None or now < terms.until)


def _accord(accord_id: str, audience: Sequence[str]) -> AccordInForce | None:
    found = partners.accord_in_force(accord_id) if accord_id else None
    return found.among(audience) if found else None


def _salt(parts: Sequence[Part]) -> tuple[SaltedPart, ...]:
    return tuple(SaltedPart.of(part, os.urandom) for part in parts)


def role_of(stand: Stand, officer: Officer, intent: Intent) -> str:
    """The role in which the officer acts: the first of theirs that the act asks for."""
    spec = stand.rules.acts.get(intent.act)
    wanted = spec.officer_roles if spec else frozenset()
    if not wanted and _claims_threat(officer, intent):
        return SENIOR
    fitting = [role for role in officer.roles if not wanted or role in wanted]
    if not fitting:
        raise Refused("account.role", what=intent.act, roles=sorted(wanted))
    return str(fitting[0])


def missing_of(stand: Stand, intent: Intent) -> list[Missing]:
    """What the kind still asks of the intent."""
    return stand.rules.missing(intent.codes, intent.parts, act=intent.act)


def decision_on(stand: Stand, intent: Intent, actor: Actor, approvals: frozenset[str], now: datetime) -> Decision:
    """What the accord says to the act as it stands; asked of a sketch, so that it can be asked before it is complete."""
    sketch = Header(
        author=stand.me,
        seq=1,
        at=now,
        act=intent.act,
        acted_by=actor,
        codes=intent.codes,
        marking=marking_of(stand.salted),
        opening=stand.opening,
    )
    state = stand.folded.state if stand.folded else None
    version = stand.accord_version or None
    question = questions.of_header(
        "send", stand.rules, sketch, intent.parts, state, version=version, approvals=approvals, intent=intent
    )
    sources = {source.entry for part in intent.parts for source in part.sources}
    if sources:
        question = origins.with_providers(
            replace(question, providers=frozenset(queries.authors_of(sources))), intent.parts
        )
    sending = decide(question, stand.accord, now=now, local=stand.local)
    # Passing on asks both: those whose information it is must let it go, those it goes to must let it in.
    return strictest_decision([*origins.leaving(question, intent.parts, now=now), sending])


def circle_of(officer: Officer | None, stand: Stand, intent: Intent) -> str:
    """The circle of the dossier; of a new one, what the officer chose of theirs, their unit\'s if nothing."""
    if stand.dossier is not None:
        return str(stand.dossier.circle)
    if officer is None:
        return intent.circle
    wanted = intent.circle or (f"unit:{officer.unit.code}" if officer.unit else "")
    if wanted not in officer.circles:
        raise Refused("dossier.not_your_circle", circle=wanted)
    return wanted
