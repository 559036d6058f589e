"""The one door by which this node's officers and machine act in a dossier.

``consider`` answers beforehand what would happen: what is missing, who will be able to read this, and whether the accord permits it and
by which clause. ``act`` does it. Between them nothing is different but the signature: both ask the kind and ``decide`` the same
questions, and ``act`` asks again at the moment of signing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.accords.decide import Decision
from tansiq.engine.dossiers.entries import Part
from tansiq.engine.dossiers.headers import Actor
from tansiq.engine.dossiers.kind import MachineAct, Missing
from tansiq.engine.errors import Refused, Rejected
from tansiq.node.accounts import policy as roles
from tansiq.node.audit.actions import record
from tansiq.node.dossiers import queries
from tansiq.node.flows import attaching, signing
from tansiq.node.flows.approvals import approve, approvers_of, keep, lay_before
from tansiq.node.flows.intents import Intent
from tansiq.node.flows.signing import Acted
from tansiq.node.flows.standing import (
    Stand,
    decision_on,
    in_dossier,
    missing_of,
    opening_by_machine,
    person,
    role_of,
    stand_of,
)

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Dossier

__all__ = [
    "Acted",
    "Considered",
    "act",
    "act_as_owed",
    "act_by_machine",
    "approve",
    "consider",
    "keep",
    "open_by_machine",
    "send_draft",
]


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


def consider(officer: Officer, intent: Intent, *, now: datetime) -> Considered:
    """What is missing, who will read, and what the accord says; writes nothing."""
    stand = stand_of(officer, intent, now)
    decision = decision_on(stand, intent, person(officer, intent), frozenset(), now)
    return Considered(
        missing_of(stand, intent), stand.others, decision, intent.digest(accord_version=stand.accord_version)
    )


def act(officer: Officer, intent: Intent, *, now: datetime, draft_id: str = "") -> Acted:
    """Sign and append the act, or lay it before whoever must approve it.

    Raises Rejected for an incomplete intent, Refused with the clause where kind or accord say no. The refusal is audited.
    """
    roles.require(officer.roles, "act")
    stand = stand_of(officer, intent, now)
    if missing := missing_of(stand, intent):
        raise Rejected("intent.incomplete", at=missing[0].at, fields=[m.at for m in missing])
    attaching.require_here(intent.parts)
    digest = intent.digest(accord_version=stand.accord_version)
    approvers = approvers_of(officer, draft_id, digest)
    actor = Actor(role_of(stand, officer, intent), officer=officer.reference)
    decision = decision_on(stand, intent, actor, frozenset(approvers), now)
    if decision.answer == "approval":
        return lay_before(officer, stand, intent, decision, digest, draft_id, now)
    if not decision.is_permitted:
        _audit_refusal(officer, stand, intent, decision, now)
        decision.enforce()
    approved_by = tuple(Actor(role, officer=who) for role, who in sorted(approvers.items()))
    return signing.sign(
        stand, intent, actor, approved_by, frozenset(approvers), now, draft_id=draft_id, officer=officer
    )


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
    stand = in_dossier(dossier, intent)
    return signing.sign(stand, intent, Actor("machine", clause=clause), (), frozenset(), now, draft_id="", officer=None)


def open_by_machine(intent: Intent, clause: str, *, now: datetime) -> Acted:
    """Open a dossier because a rule says so; ``clause`` names the rule, ``intent.circle`` whose it is here.

    Raises Refused where accord or kind say no.
    """
    stand = opening_by_machine(intent, now)
    return signing.sign(stand, intent, Actor("machine", clause=clause), (), frozenset(), now, draft_id="", officer=None)


def act_as_owed(dossier: Dossier, owed: MachineAct, *, now: datetime) -> bool:
    """Sign one act that this node's machine owes in a dossier; False where accord or kind refuse it, which is audited.

    It raises nothing then: what a machine may not do, or need not do any more, is no defect, and nobody needs to repair the job.
    """
    try:
        act_by_machine(dossier.dossier_id, owed.act, owed.codes, owed.clause, now=now)
    except Refused as error:
        facts = {"act": owed.act, "kind": dossier.kind, "code": error.code}
        with transaction.atomic():
            record("act.refused", actor="machine", facts=facts, log="internal", now=now, dossier=dossier.dossier_id)
        return False
    return True


def send_draft(officer: Officer, draft_id: str, *, now: datetime) -> Acted:
    """Sign a draft; whoever signs answers for it, and the approvals are looked at again."""
    draft = queries.get_draft_for(officer, draft_id)
    if draft.officer != officer.reference:
        raise Refused("dossier.not_your_draft", draft=draft_id)
    return act(officer, Intent.from_json(draft.intent), now=now, draft_id=draft_id)


def _audit_refusal(officer: Officer, stand: Stand, intent: Intent, decision: Decision, now: datetime) -> None:
    facts = {"act": intent.act, "kind": stand.rules.name, "code": decision.code, "clause": decision.clause}
    with transaction.atomic():
        record("act.refused", actor=officer.reference, facts=facts, log="internal", now=now, dossier=intent.dossier)
