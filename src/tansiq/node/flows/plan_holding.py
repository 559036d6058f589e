"""The holder's side of questions about plans: a partner's elements are evaluated under a key made for this one answer, and the answer
carries a filter of what that partner may hit at this instant.

This node learns that an officer of the partner asked about one plan, when, and – padded – how much: not where, not when, and not
whether anything was met. It is no fishing ground: every question costs cells of a daily budget, a fine one goes into a coarse one that
was answered, once, and everything asked stands in a list that officers and auditors read.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from tansiq.engine.blind import batches, cells, many, oprf, singly
from tansiq.engine.blind.oprf import Mode
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.ids import b64decode, b64encode, require_id
from tansiq.engine.formats.strict_json import JsonValue
from tansiq.node.deconfliction import actions, queries
from tansiq.node.deconfliction.extents import keys_of
from tansiq.node.desk import actions as desk
from tansiq.node.exchange import actions as exchange
from tansiq.node.flows import exercises
from tansiq.node.flows.blind_holding import ALARM_SHARE, MAX_OFFICER
from tansiq.node.flows.plan_terms import COARSE, FINE, LEVELS, MOST_KEYS, may_ask, subject_families
from tansiq.node.partners import queries as partners

if TYPE_CHECKING:
    from tansiq.node.deconfliction.models import InboundPlanQuery, Plan

FOLLOWED_WITHIN = timedelta(hours=24)
"""How long after a coarse question was answered a fine one may go into it."""


def take_question(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """Answer a partner's question about a plan of its own, or say by which rule not; the same question again is answered once."""
    asked, elements = _read(sender, content)
    if queries.inbound(sender, asked.query) is not None:
        return
    code = exercises.search_bar(content) or _refusal(asked, now)
    answer: dict[str, JsonValue] = {"v": 1, "query": asked.query, "level": asked.level, "code": code}
    seed, held = None, None
    if not code:
        seed = os.urandom(oprf.SEED_BYTES)
        key = _key(seed, sender, asked.query)
        evaluation = oprf.evaluate(key, elements, mode=Mode.VOPRF, random=os.urandom)
        held = singly.filter_of(many.compute_all(key, _inputs(sender, asked.level, now), mode=Mode.VOPRF), os.urandom)
        answer |= {
            "public": b64encode(key.public),
            "elements": b64encode(b"".join(evaluation.elements)),
            "proof": b64encode(evaluation.proof or b""),
            "filter": b64encode(held.to_bytes()),
        }
    with transaction.atomic():
        bits = held.bucket_bits if held else 0
        if not actions.note_question(asked, code=code, seed=seed, bucket_bits=bits, now=now):
            return
        exchange.queue([sender], "plan_answer", answer, reference=f"plan_answer/{asked.query}", urgent=True, now=now)
        _watch(asked, now)


def _read(sender: str, content: dict[str, JsonValue]) -> tuple[actions.Arrived, list[bytes]]:
    query, level, officer = require_id(content.get("query"), at="/query"), content.get("level"), content.get("asked_by")
    if level not in LEVELS:
        raise Rejected("item.malformed", at="/level")
    if not isinstance(officer, str) or not 0 < len(officer) <= MAX_OFFICER or not officer.isascii():
        raise Rejected("item.malformed", at="/asked_by")
    follows = require_id(content.get("follows"), at="/follows") if level == FINE else None
    raw = b64decode(content.get("elements"), at="/elements")
    count, rest = divmod(len(raw), 32)
    if rest or not 0 < count <= batches.size_for(MOST_KEYS[str(level)]) or count != batches.size_for(count):
        raise Rejected("item.malformed", at="/elements")
    asked = actions.Arrived(
        partner=sender,
        query=query,
        level=str(level),
        asked_by=officer,
        elements=count,
        cost=cells.cost_of(str(level), count),
        follows=follows,
    )
    return asked, [raw[at : at + 32] for at in range(0, len(raw), 32)]


def _refusal(asked: actions.Arrived, now: datetime) -> str:
    """The code by which a question is not answered; reasons of local rules never leave the node."""
    spent = queries.spent_by(asked.partner, now)
    decision = may_ask(asked.partner, partners.my_id(), cost=asked.cost, spent=spent, now=now)
    if not decision.is_permitted:
        return "plan.not_answered" if decision.local else decision.code
    if asked.follows is None:
        return ""
    into = queries.inbound(asked.partner, asked.follows)
    is_fresh = into is not None and into.level == COARSE and into.outcome == "answered"
    if into is None or not is_fresh or into.received_at < now - FOLLOWED_WITHIN:
        return "plan.fine_without_coarse"
    return "plan.fine_without_coarse" if queries.is_gone_into(asked.partner, asked.follows) else ""


def _inputs(partner: str, level: str, now: datetime) -> list[bytes]:
    """What of this node's standing plans the partner may hit with a question of this level, each once."""
    families = subject_families(partner, partners.my_id(), now)
    found: set[str] = set()
    for plan in queries.standing_plans(now, partner=partner):
        found.update(keys_of(plan, families=families).to_find(level))
    return [key.encode() for key in sorted(found)]


def _key(seed: bytes, partner: str, query: str) -> oprf.KeyPair:
    return singly.key_for(seed, holder=partners.my_id(), asker=partner, query=query)


def _watch(asked: actions.Arrived, now: datetime) -> None:
    """Put it before everybody when a partner comes near its budget: that many plans in a day are rare, a scan is not."""
    spent = queries.spent_by(asked.partner, now)
    decision = may_ask(asked.partner, partners.my_id(), cost=1, spent=0, now=now)
    limit = decision.conditions.blind.cells_per_day if decision.conditions else 0
    if not limit or spent < ALARM_SHARE * limit:
        return
    facts = {"partner": asked.partner, "count": spent, "limit": limit, "hours": round(cells.city_hours(spent))}
    key = f"plan_alarm/{asked.partner}/{now:%Y%m%d}"
    desk.put("plan_alarm", key, title_code="desk.plan_alarm", facts=facts, link="/plans/asked/", urgent=True, now=now)


# -- finding one's own plan by what a partner met -------------------------------------------------------------------------


def plans_met(asked: InboundPlanQuery, marks: Sequence[str], now: datetime) -> list[tuple[Plan, list[str]]]:
    """The standing plans of this node that these marks of an answer belong to, each with the keys that were met."""
    if asked.seed is None:
        return []
    key = _key(bytes(asked.seed), asked.partner, str(asked.query_id))
    wanted = set(marks)
    families = subject_families(asked.partner, partners.my_id(), now)
    found = []
    for plan in queries.standing_plans(now, partner=asked.partner):
        listed = keys_of(plan, families=families).to_find(asked.level)
        outputs = many.compute_all(key, [one.encode() for one in listed], mode=Mode.VOPRF)
        met = [k for k, out in zip(listed, outputs, strict=True) if singly.name_of(out, asked.bucket_bits) in wanted]
        if met:
            found.append((plan, met))
    return found
