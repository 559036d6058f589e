"""The one door by which this node's officers and machine act in a dossier.

``consider`` answers beforehand what would happen: what is missing, who will be able to read this, and whether the accord permits it and
by which clause. ``act`` does it. Between them nothing is different but the signature: both ask the kind and ``decide`` the same
questions, and ``act`` asks again at the moment of signing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.accords.decide import (
    FOUNDING_KIND,
    LOCAL_KIND,
    SENIOR,
    AccordInForce,
    Decision,
    decide,
    strictest_decision,
)
from tansiq.engine.accords.markings import Marking
from tansiq.engine.dossiers import entries, folds
from tansiq.engine.dossiers.entries import Part, SaltedPart, SignedEntry, SourceRef
from tansiq.engine.dossiers.folds import Folded
from tansiq.engine.dossiers.headers import Actor, Header, Opening
from tansiq.engine.dossiers.kind import Kind, Missing
from tansiq.engine.dossiers.parts import marking_of
from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.engine.formats.ids import is_external
from tansiq.engine.kinds.registry import kind
from tansiq.node.accounts import policy as roles
from tansiq.node.audit.actions import record
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import actions as dossiers
from tansiq.node.dossiers import queries
from tansiq.node.exchange import actions as exchange
from tansiq.node.flows import alerts, attaching, exercises, origins, pins, projections, questions
from tansiq.node.flows.intents import Intent
from tansiq.node.partners import queries as partners
from tansiq.node.vault import keys
from tansiq.node.vault.stores import on_disk

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Dossier

ATTEMPTS = 8
ALWAYS = frozenset({"not_accepted"})
"""What no accord can forbid, nor its absence: to say that content stays out. It holds nothing but the name of an entry."""


@dataclass(frozen=True, slots=True)
class Considered:
    """What an intent comes to before it is signed."""

    missing: list[Missing]
    readers: list[str]
    decision: Decision
    digest: str

    @property
    def may_be_sent(self) -> bool:
        return not self.missing and self.decision.is_permitted


@dataclass(frozen=True, slots=True)
class Acted:
    """What came of an act: an entry, or a draft that awaits approval."""

    dossier_id: str = ""
    entry_id: str = ""
    draft_id: str = ""
    awaiting_role: str = ""
    clause: str = ""

    @property
    def is_signed(self) -> bool:
        return bool(self.entry_id)


@dataclass(frozen=True, slots=True)
class _Stand:
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

    @property
    def others(self) -> list[str]:
        return [p for p in self.participants if p != self.me]


def consider(officer: Officer, intent: Intent, *, now: datetime) -> Considered:
    """What is missing, who will read, and what the accord says; writes nothing."""
    stand = _stand(officer, intent, now)
    decision = _decide(stand, intent, _person(officer, intent), frozenset(), now)
    return Considered(
        _missing(stand, intent), stand.others, decision, intent.digest(accord_version=stand.accord_version)
    )


def act(officer: Officer, intent: Intent, *, now: datetime, draft_id: str = "") -> Acted:
    """Sign and append the act, or lay it before whoever must approve it.

    Raises Rejected for an incomplete intent, Refused with the clause where kind or accord say no. The refusal is audited.
    """
    roles.require(officer.roles, "act")
    stand = _stand(officer, intent, now)
    if missing := _missing(stand, intent):
        raise Rejected("intent.incomplete", at=missing[0].at, fields=[m.at for m in missing])
    attaching.require_here(intent.parts)
    digest = intent.digest(accord_version=stand.accord_version)
    approvers = _approvers(officer, draft_id, digest)
    actor = Actor(_role(stand, officer, intent), officer=officer.reference)
    decision = _decide(stand, intent, actor, frozenset(approvers), now)
    if decision.answer == "approval":
        return _lay_before(officer, stand, intent, decision, digest, draft_id, now)
    if not decision.is_permitted:
        _audit_refusal(officer, stand, intent, decision, now)
        decision.enforce()
    approved_by = tuple(Actor(role, officer=who) for role, who in sorted(approvers.items()))
    return _sign(stand, intent, actor, approved_by, frozenset(approvers), now, draft_id=draft_id, officer=officer)


def act_by_machine(
    dossier_id: str,
    act_name: str,
    codes: Mapping[str, Any],
    clause: str,
    *,
    now: datetime,
    parts: tuple[Part, ...] = (),
) -> Acted:
    """Sign and append an entry that a rule, not a person, makes; ``clause`` names the rule."""
    dossier = queries.dossier_by_id(dossier_id)
    if dossier is None:
        raise Rejected("dossier.not_found", dossier=dossier_id)
    intent = Intent(kind=dossier.kind, act=act_name, dossier=dossier_id, codes=dict(codes), parts=parts)
    stand = _in_dossier(dossier, intent)
    return _sign(stand, intent, Actor("machine", clause=clause), (), frozenset(), now, draft_id="", officer=None)


# -- standing ------------------------------------------------------------------------------------------------------------


def _stand(officer: Officer, intent: Intent, now: datetime) -> _Stand:
    if intent.dossier:
        return _in_dossier(queries.get_dossier_for(officer, intent.dossier), intent)
    return _new_dossier(intent, now)


def _person(officer: Officer, intent: Intent) -> Actor:
    """The officer, before it is known in which role: for what is only considered."""
    role = SENIOR if _claims_threat(officer, intent) else next(iter(officer.roles), "officer")
    return Actor(role, officer=officer.reference)


def _claims_threat(officer: Officer, intent: Intent) -> bool:
    """A senior officer who says that a life is in danger says it as one."""
    return intent.codes.get("threat") is not None and SENIOR in officer.roles


def _in_dossier(dossier: Dossier, intent: Intent) -> _Stand:
    if intent.kind != dossier.kind:
        raise Rejected("intent.malformed", at="/kind", wanted=dossier.kind)
    rules = kind(dossier.kind, dossier.kind_version)
    _require_act(rules, intent)
    exercises.require_unmixed_parts(intent.parts, exercise=dossier.exercise)
    accord = _accord(dossier.accord, dossier.participants)
    return _Stand(
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


def _new_dossier(intent: Intent, now: datetime) -> _Stand:
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
    return _Stand(rules, me, audience, accord, version, opening=opening, salted=_salt(intent.parts))


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


def _role(stand: _Stand, officer: Officer, intent: Intent) -> str:
    """The role in which the officer acts: the first of theirs that the act asks for."""
    spec = stand.rules.acts.get(intent.act)
    wanted = spec.officer_roles if spec else frozenset()
    if not wanted and _claims_threat(officer, intent):
        return SENIOR
    fitting = [role for role in officer.roles if not wanted or role in wanted]
    if not fitting:
        raise Refused("account.role", what=intent.act, roles=sorted(wanted))
    return str(fitting[0])


def _missing(stand: _Stand, intent: Intent) -> list[Missing]:
    return stand.rules.missing(intent.codes, intent.parts, act=intent.act)


def _header(stand: _Stand, intent: Intent, actor: Actor, approved_by: tuple[Actor, ...], now: datetime) -> Header:
    return entries.compose(
        stand.rules,
        stand.folded,
        author=stand.me,
        act=intent.act,
        acted_by=actor,
        now=now,
        codes=intent.codes,
        parts=stand.salted,
        approved_by=approved_by,
        opening=stand.opening,
        code_lists=stand.code_lists,
        load=queries.load_trace,
        source_marking=_source_marking,
    )


def _source_marking(source: SourceRef) -> Marking | None:
    """The conditions of a source: its own, or its entry's – never less – where the part was erased since."""
    row = queries.entry_by_id(source.entry)
    if row is None:
        return None
    entry = queries.signed_entry(row)
    part = entry.part(source.part)
    return entry.header.marking if part is None else part.part.marking


def _decide(stand: _Stand, intent: Intent, actor: Actor, approvals: frozenset[str], now: datetime) -> Decision:
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
    sending = decide(question, stand.accord, now=now, local=partners.local_rules())
    # Passing on asks both: those whose information it is must let it go, those it goes to must let it in.
    return strictest_decision([*origins.leaving(question, intent.parts, now=now), sending])


# -- approvals -----------------------------------------------------------------------------------------------------------


def _approvers(officer: Officer, draft_id: str, digest: str) -> dict[str, str]:
    """The roles that have approved exactly this, and who; empty without a draft. The author's own never counts."""
    if not draft_id:
        return {}
    draft = queries.get_draft_for(officer, draft_id)
    if draft.officer != officer.reference:
        raise Refused("dossier.not_your_draft", draft=draft_id)
    if draft.state not in dossiers.OPEN_DRAFTS:
        raise Conflict("dossier.draft_finished", draft=draft_id)
    return {a.role: a.officer for a in dossiers.approvals_of(draft, digest) if a.officer != officer.reference}


def _lay_before(
    officer: Officer, stand: _Stand, intent: Intent, decision: Decision, digest: str, draft_id: str, now: datetime
) -> Acted:
    circle = _circle(officer, stand, intent)
    role = decision.role or "approver"
    with transaction.atomic():
        draft = dossiers.save_draft(
            officer,
            draft_id=draft_id or None,
            kind_name=stand.rules.name,
            act=intent.act,
            intent=intent.to_json(),
            dossier=stand.dossier,
            circle=circle,
            now=now,
        )
        dossiers.await_approval(draft, digest=digest, role=role, clause=decision.clause, now=now)
        desk.settle(f"approved/{draft.draft_id}", now=now)
        if intent.exercise and not exercises.node_is_exercise():
            desk.mark_exercise(f"/drafts/{draft.draft_id}")
        desk.put(
            "approval",
            f"approval/{draft.draft_id}",
            title_code="desk.approval",
            facts={"role": role, "clause": decision.clause, "act": intent.act, "kind": stand.rules.name},
            circle=circle,
            link=f"/drafts/{draft.draft_id}",
            urgent=True,
            now=now,
        )
    return Acted(draft_id=str(draft.draft_id), awaiting_role=role, clause=decision.clause)


def keep(officer: Officer, intent: Intent, *, now: datetime, draft_id: str = "") -> str:
    """Keep an intent as a draft of the officer's, complete or not; nothing of it leaves the node. Returns the draft's id.

    A draft that is written on loses the approvals it had.
    """
    roles.require(officer.roles, "act")
    stand = _stand(officer, intent, now)
    with transaction.atomic():
        draft = dossiers.save_draft(
            officer,
            draft_id=draft_id or None,
            kind_name=stand.rules.name,
            act=intent.act,
            intent=intent.to_json(),
            dossier=stand.dossier,
            circle=_circle(officer, stand, intent),
            now=now,
        )
        desk.settle(f"approval/{draft.draft_id}", now=now)
        desk.settle(f"approved/{draft.draft_id}", now=now)
    return str(draft.draft_id)


def approve(officer: Officer, draft_id: str, *, digest: str, now: datetime) -> None:
    """Approve a draft as it stands; its author then sends it (``send_draft``)."""
    draft = queries.get_draft_for(officer, draft_id)
    dossiers.approve(officer, draft, digest=digest, now=now)
    with transaction.atomic():
        desk.settle(f"approval/{draft_id}", now=now)
        desk.put(
            "approved",
            f"approved/{draft_id}",
            title_code="desk.approved",
            facts={"act": draft.act, "kind": draft.kind},
            circle=draft.circle,
            owner=draft.officer,
            link=f"/drafts/{draft_id}",
            urgent=True,
            now=now,
        )


def send_draft(officer: Officer, draft_id: str, *, now: datetime) -> Acted:
    """Sign a draft; whoever signs answers for it, and the approvals are looked at again."""
    draft = queries.get_draft_for(officer, draft_id)
    if draft.officer != officer.reference:
        raise Refused("dossier.not_your_draft", draft=draft_id)
    return act(officer, Intent.from_json(draft.intent), now=now, draft_id=draft_id)


def _audit_refusal(officer: Officer, stand: _Stand, intent: Intent, decision: Decision, now: datetime) -> None:
    facts = {"act": intent.act, "kind": stand.rules.name, "code": decision.code, "clause": decision.clause}
    with transaction.atomic():
        record("act.refused", actor=officer.reference, facts=facts, log="internal", now=now, dossier=intent.dossier)


# -- signing -------------------------------------------------------------------------------------------------------------


def _sign(
    stand: _Stand,
    intent: Intent,
    actor: Actor,
    approved_by: tuple[Actor, ...],
    approvals: frozenset[str],
    now: datetime,
    *,
    draft_id: str,
    officer: Officer | None,
) -> Acted:
    """Compose on the present heads, sign outside the transaction, append if the heads are still those; else again."""
    attaching.require_here(intent.parts)
    for _ in range(ATTEMPTS):
        header = _header(stand, intent, actor, approved_by, now)
        if intent.act not in ALWAYS:
            _decide(stand, intent, actor, approvals, now).enforce()
        entry = entries.sign_entry(header, stand.salted, keys.current().authority)
        try:
            return _append(stand, intent, entry, now, draft_id=draft_id, officer=officer)
        except Conflict as error:
            if error.code != "dossier.heads_moved" or stand.dossier is None:
                raise
            stand = _standing_now(stand, intent)
    raise Conflict("dossier.heads_moved", dossier=intent.dossier)


def _standing_now(stand: _Stand, intent: Intent) -> _Stand:
    """The same with the dossier and the accord as they are by now; the parts keep their salts."""
    dossier = queries.dossier_by_id(intent.dossier)
    if dossier is None:
        raise Rejected("dossier.not_found", dossier=intent.dossier)
    return replace(_in_dossier(dossier, intent), salted=stand.salted)


def _append(
    stand: _Stand, intent: Intent, entry: SignedEntry, now: datetime, *, draft_id: str, officer: Officer | None
) -> Acted:
    with on_disk(), transaction.atomic(durable=True):
        folded = None
        dossier = stand.dossier
        if dossier is not None:
            locked = dossiers.lock(dossier.dossier_id)
            if locked is None or stand.folded is None:
                raise Rejected("dossier.not_found", dossier=dossier.dossier_id)
            dossier, folded = locked, queries.folded_of(locked)
            if sorted(folded.heads) != sorted(stand.folded.heads):
                raise Conflict("dossier.heads_moved", dossier=dossier.dossier_id)
        appended = folds.append(
            stand.rules, folded, entry.header, entry.entry_id, queries.load_trace, load_header=queries.load_header
        )
        if not isinstance(appended, folds.Appended) or not appended.trace.effective:
            reason = appended.trace.reason if isinstance(appended, folds.Appended) else "dossier.trace_lost"
            raise Refused(reason or "dossier.trace_lost", act=intent.act, author=stand.me, phase="")
        placed = dossiers.Placed(appended.folded, appended.trace)
        if dossier is None:
            circle = _circle(officer, stand, intent)
            case = queries.get_case_for(officer, intent.case) if officer and intent.case else None
            dossier = dossiers.open_dossier(
                entry, placed, circle=circle, case=case, title=intent.title or None, now=now
            )
            exercises.mark(dossier)
        dossiers.append(dossier, entry, placed, is_own=True, now=now)
        if intent.reference and officer:
            dossiers.add_reference(officer.reference, dossier, whose="ours", value=intent.reference, now=now)
        if intent.their_reference and officer:
            dossiers.add_reference(officer.reference, dossier, whose="theirs", value=intent.their_reference, now=now)
        _owe(stand, dossier, entry, now)
        actor = officer.reference if officer else "machine"
        facts = {"entry": entry.entry_id, "act": intent.act, "kind": stand.rules.name, "to": stand.others}
        record("entry.signed", actor=actor, facts=facts, log="exchange", now=now, dossier=dossier.dossier_id)
        if draft_id:
            dossiers.finish_draft(draft_id, "sent", now)
            desk.settle(f"approved/{draft_id}", now=now)
            desk.settle(f"approval/{draft_id}", now=now)
        projections.after_entry(dossier, entry, now=now)
    return Acted(dossier_id=dossier.dossier_id, entry_id=entry.entry_id)


def _owe(stand: _Stand, dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    exchange.queue(
        [party for party in stand.others if not is_external(party)],
        "entry",
        entry.to_wire(),
        reference=entry.entry_id,
        dossier=dossier.dossier_id,
        urgent=dossier.urgent,
        now=now,
    )


def _circle(officer: Officer | None, stand: _Stand, intent: Intent) -> str:
    if stand.dossier is not None:
        return str(stand.dossier.circle)
    if officer is None:
        return ""
    wanted = intent.circle or (f"unit:{officer.unit.code}" if officer.unit else "")
    if wanted not in officer.circles:
        raise Refused("dossier.not_your_circle", circle=wanted)
    return wanted
