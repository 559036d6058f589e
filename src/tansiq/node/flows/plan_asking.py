"""The asker's side of questions about plans: only from a plan that stands in the book, coarse cells first, fine ones only where a coarse
one met.

::

    plan entered or moved ──▶ coarse (and subject) questions to every partner ──▶ answers
                                                                                   │ job ``flows.plan_follow``
            fine question into the cells that met  ◀── coarse hit ─────────────────┤
                     │                                                             │
                     └── fine hit ──▶ ``plan_conflicts.reconcile`` ◀── subject hit ┘

A question is a row before it leaves; what unblinds its answer is kept sealed until that comes. Killed anywhere, the job asks whom the
rows do not show as asked.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.blind import batches, cells, filters, singly
from tansiq.engine.blind.batches import Batch
from tansiq.engine.blind.oprf import Blinded, Evaluation, Mode
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.ids import b64decode, b64encode, require_id
from tansiq.engine.formats.strict_json import JsonValue
from tansiq.node.deconfliction import actions, queries
from tansiq.node.deconfliction.extents import keys_of
from tansiq.node.desk import actions as desk
from tansiq.node.exchange import actions as exchange
from tansiq.node.flows import exercises
from tansiq.node.flows.plan_terms import COARSE, FINE, SUBJECT, may_ask, subject_families
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners import queries as partners

if TYPE_CHECKING:
    import uuid

    from tansiq.node.deconfliction.models import Plan, PlanQuery

ASK_JOB = "flows.plan_ask"
FOLLOW_JOB = "flows.plan_follow"
UNANSWERED_JOB = "flows.plan_unanswered"
ANSWERED_WITHIN = timedelta(minutes=15)
"""How long a partner may take before the unit is told to use the telephone."""


def owe(plan: Plan, now: datetime) -> None:
    """Owe the questions of this version of a plan, in the caller's transaction."""
    enqueue(ASK_JOB, {"plan": str(plan.plan_id)}, now=now, key=f"plan_ask/{plan.plan_id}/{plan.version}")


def ask_as_owed(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.plan_ask``: ask every partner of the plan that was not asked for its present version."""
    plan = queries.plan_by_id(str(payload["plan"]))
    if plan is not None and plan.state == plan.STANDING:
        ask_partners(plan, now)


def ask_partners(plan: Plan, now: datetime) -> None:
    """Ask each partner of the plan whatever it was not asked for this version; what is out or answered is left alone."""
    for partner in plan.partners:
        keys = keys_of(plan, families=subject_families(partners.my_id(), partner, now))
        _ask(plan, partner, COARSE, keys.cells.coarse, now)
        if keys.asked:
            _ask(plan, partner, SUBJECT, keys.asked, now)
    for row in queries.queries_of(plan):
        _go_into(row, now)


def _ask(
    plan: Plan, partner: str, level: str, keys: Sequence[str], now: datetime, *, follows: uuid.UUID | None = None
) -> None:
    """Blind, then – in one transaction – register the question and owe it to the partner; or note why it may not be asked."""
    if queries.is_asked(plan, partner, level):
        return
    batch = batches.prepare([key.encode() for key in keys], mode=Mode.VOPRF, random=os.urandom)
    cost = cells.cost_of(level, len(batch.elements))
    with transaction.atomic():
        if not actions.lock_version(plan) or queries.is_asked(plan, partner, level):
            return
        spent = queries.spent_at(partner, now)
        decision = may_ask(partners.my_id(), partner, cost=cost, spent=spent, now=now)
        if not decision.is_permitted:
            told = {"code": decision.code, "clause": decision.clause}
            actions.bar(plan, partner, level, **told, cost=cost, now=now)
            _tell_not_asked(plan, partner, decision.code, now)
            return
        question = actions.Question(level, len(batch.elements), cost, _kept(keys, batch), follows)
        _send(actions.ask(plan, partner, question, now), batch, now)


def _kept(keys: Sequence[str], batch: Batch) -> dict[str, Any]:
    return {
        "keys": list(keys),
        "filling": [b64encode(one.input) for one in batch.blinded[batch.count :]],
        "blinds": [b64encode(one.blind) for one in batch.blinded],
        "elements": [b64encode(one.element) for one in batch.blinded],
    }


def _send(row: PlanQuery, batch: Batch, now: datetime) -> None:
    content: dict[str, JsonValue] = {
        "v": 1,
        "query": str(row.query_id),
        "level": row.level,
        "asked_by": row.officer,
        "elements": b64encode(b"".join(batch.elements)),
        **({"follows": str(row.follows)} if row.follows else {}),
        **({"exercise": True} if exercises.node_is_exercise() else {}),
    }
    exchange.queue([row.partner], "plan_query", content, reference=str(row.query_id), urgent=True, now=now)
    enqueue(
        UNANSWERED_JOB,
        {"query": str(row.query_id)},
        now=now,
        run_at=now + ANSWERED_WITHIN,
        key=f"plan_unanswered/{row.query_id}",
    )


# -- what comes -----------------------------------------------------------------------------------------------------------


def take_answer(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """Check the proof, unblind, look up in the filter that came along; a plan that was moved meanwhile is left alone.

    What does not stand verification is a refusal with its code and a task: an officer must not take it for "no conflict".
    """
    row = actions.question_of(sender, require_id(content.get("query"), at="/query"))
    code = content.get("code")
    if not isinstance(code, str) or len(code) > 80:
        raise Rejected("item.malformed", at="/code")
    if row.state != row.WAITING:
        return
    hits: dict[str, str] = {}
    if not code:
        try:
            hits = _look_up(row.kept, content)
        except Rejected as error:
            code = error.code
    with transaction.atomic():
        if not actions.keep_answer(row, hits=hits, code=code, now=now):
            return
        desk.settle(f"plan_unanswered/{row.plan_id}/{sender}", now=now)
        if code:
            _tell_not_asked(row.plan, sender, code, now)
        told = {"query": str(row.query_id)}
        enqueue(FOLLOW_JOB, told, now=now, key=f"plan_follow/{row.query_id}")


def _look_up(kept: Mapping[str, Any], content: Mapping[str, JsonValue]) -> dict[str, str]:
    """The keys that met, each with its mark; raises Rejected ``blind.…`` or ``item.malformed``."""
    keys = [str(key) for key in kept["keys"]]
    inputs = [*(key.encode() for key in keys), *(b64decode(one) for one in kept["filling"])]
    parts = zip(inputs, kept["blinds"], kept["elements"], strict=True)
    blinded = tuple(Blinded(value, b64decode(blind), b64decode(element)) for value, blind, element in parts)
    raw = b64decode(content.get("elements"), at="/elements")
    evaluated = tuple(raw[at : at + 32] for at in range(0, len(raw), 32))
    proof = b64decode(content.get("proof"), at="/proof")
    public = b64decode(content.get("public"), at="/public")
    held = filters.from_bytes(b64decode(content.get("filter"), at="/filter"), max_count=singly.LARGEST_FILTER)
    outputs = Batch(blinded, len(keys), Mode.VOPRF).finalize(Evaluation(evaluated, proof), public=public)
    return singly.hits(held, keys, outputs)


def _tell_not_asked(plan: Plan, partner: str, code: str, now: datetime) -> None:
    """A partner that could not be asked, or whose answer is worth nothing, is one that must be called."""
    desk.put(
        "plan_not_asked",
        f"plan_not_asked/{plan.plan_id}/{partner}",
        title_code="desk.plan_not_asked",
        facts={"partner": partner, "code": code},
        circle=plan.circle,
        link=f"/plans/{plan.plan_id}/",
        urgent=True,
        now=now,
    )


def follow(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.plan_follow``: what an answer calls for – finer cells after a coarse hit, else the conflict it shows or ends."""
    from tansiq.node.flows import plan_conflicts

    row = queries.query_by_id(str(payload["query"]))
    if row is None or row.state == row.OUTDATED or row.version != row.plan.version:
        return
    _go_into(row, now)
    plan_conflicts.reconcile(row.plan, row.partner, now)


def _go_into(row: PlanQuery, now: datetime) -> None:
    """Ask the finer cells within those that met; a district has none."""
    if row.level != COARSE or not row.met or row.plan.place.get("is_district"):
        return
    keys = keys_of(row.plan, families=())
    _ask(row.plan, row.partner, FINE, cells.within(keys.cells, row.met), now, follows=row.query_id)


def tell_unanswered(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.plan_unanswered``: a partner that says nothing is one to call; its answer is still taken when it comes."""
    row = queries.query_by_id(str(payload["query"]))
    if row is None or row.state != row.WAITING or row.plan.until_at <= now:
        return
    with transaction.atomic():
        desk.put(
            "plan_unanswered",
            f"plan_unanswered/{row.plan_id}/{row.partner}",
            title_code="desk.plan_unanswered",
            facts={"partner": row.partner},
            circle=row.plan.circle,
            link=f"/plans/{row.plan_id}/",
            urgent=True,
            now=now,
        )
