"""What one blind question is, whether it is about one person or a stretch of a list: whether it may be asked and what it would cost, how it
is blinded, and how the answer is looked up at home.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tansiq.engine.accords.decide import Decision, decide
from tansiq.engine.accords.terms import Blind
from tansiq.engine.blind import batches, budget
from tansiq.engine.blind.batches import Batch
from tansiq.engine.blind.keys import FAMILIES
from tansiq.engine.blind.oprf import Blinded, Evaluation, Mode
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.ids import b64decode, b64encode
from tansiq.engine.formats.strict_json import JsonValue
from tansiq.node.desk import actions as desk
from tansiq.node.exchange import actions as exchange
from tansiq.node.flows import exercises
from tansiq.node.flows.search_terms import accord_between, query_of
from tansiq.node.partners import queries as partners
from tansiq.node.search import blind_queries as queries

if TYPE_CHECKING:
    from tansiq.node.search.models import HeldEpoch


PER_MILLION = {"identifier": 1e-6, "pair_day": 0.06, "word_day": 4.0, "pair_year": 18.0, "pair": 1090.0}
"""Records that one question meets by chance, per million records of the partner, as ``bench.blind.families`` measured them on real names
and simulated dates. What an officer is told beforehand, not a promise."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why it is asked, and by whom: what the partner learns of every question."""

    purpose: str
    crime_area: str
    officer: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """A question ready to be sent: ``elements`` leave, ``kept`` unblinds the answer, ``cost`` is what it takes of the budget."""

    elements: tuple[bytes, ...]
    kept: dict[str, Any]
    cost: int


def may_ask(partner: str, grounds: Grounds, families: Sequence[str], now: datetime, *, costs: int = 1) -> Decision:
    """Whether the accord lets this officer ask ``partner`` blindly under these families, counting what was asked today."""
    me = partners.my_id()
    question = query_of(
        me,
        partner,
        grounds.purpose,
        grounds.crime_area,
        families=frozenset(families),
        spent_today=queries.spent_blindly_at(partner, now),
        spent_by_officer=queries.spent_blindly_at(partner, now, officer=grounds.officer),
        costs=costs,
    )
    return decide(question, accord_between(me, partner, is_blind=True), now=now, local=partners.local_rules())


def left_today(partner: str, officer: str, limits: Blind, now: datetime) -> int:
    """What the officer may still spend at ``partner`` on the (UTC) day of ``now``."""
    return budget.left(
        limits,
        spent_today=queries.spent_blindly_at(partner, now),
        spent_by_officer=queries.spent_blindly_at(partner, now, officer=officer),
    )


def by_chance(epoch: HeldEpoch, families: Iterable[str]) -> dict[str, float]:
    """For each family: how many records of the partner a question of one person meets by chance, as far as can be said."""
    sizes = queries.size_told(epoch)
    records = max(sizes.values(), default=0) / 2
    return {family: PER_MILLION[family] * records / 1e6 for family in families}


def blind(epoch: HeldEpoch, keys: Sequence[tuple[str, str]]) -> Sealed:
    """The keys (family, key) blinded and filled up; their places are what :func:`places_met` names."""
    batch = batches.prepare([key.encode() for _, key in keys], mode=Mode.VOPRF, random=os.urandom)
    kept: dict[str, Any] = {
        "epoch": epoch.number,
        "families": [family for family, _ in keys],
        "inputs": [b64encode(one.input) for one in batch.blinded],
        "blinds": [b64encode(one.blind) for one in batch.blinded],
        "elements": [b64encode(one.element) for one in batch.blinded],
    }
    return Sealed(batch.elements, kept, budget.cost_of(len(batch.elements)))


def send(partner: str, query: str, blinded: Sealed, grounds: Grounds, *, is_urgent: bool, now: datetime) -> None:
    """Owe the question to the partner, in the caller's transaction."""
    asked_under = set(blinded.kept["families"])
    content: dict[str, JsonValue] = {
        "v": 1,
        "query": query,
        "epoch": blinded.kept["epoch"],
        "families": [family for family in FAMILIES if family in asked_under],
        "purpose": grounds.purpose,
        "crime_area": grounds.crime_area,
        "asked_by": grounds.officer,
        "elements": b64encode(b"".join(blinded.elements)),
        **({"exercise": True} if exercises.node_is_exercise() else {}),
    }
    exchange.queue([partner], "blind_query", content, reference=query, urgent=is_urgent, now=now)


def places_met(sender: str, kept: Mapping[str, Any], content: Mapping[str, JsonValue]) -> list[int]:
    """The places among the keys that were asked of those that the partner's filters hold.

    The proof is checked before anything is unblinded. Raises Rejected: ``blind.…`` or ``search.blind_epoch_ended``.
    """
    epoch = queries.usable_epoch(sender, int(kept["epoch"]))
    if epoch is None:
        raise Rejected("search.blind_epoch_ended", partner=sender)
    parts = zip(kept["inputs"], kept["blinds"], kept["elements"], strict=True)
    blinded = tuple(Blinded(*(b64decode(part) for part in one)) for one in parts)
    raw = b64decode(content.get("elements"), at="/elements")
    evaluated = tuple(raw[at : at + 32] for at in range(0, len(raw), 32))
    proof = b64decode(content.get("proof"), at="/proof")
    families = [str(family) for family in kept["families"]]
    batch = Batch(blinded, len(families), Mode.VOPRF)
    outputs = batch.finalize(Evaluation(evaluated, proof), public=b64decode(epoch.public))
    met: list[int] = []
    for family in FAMILIES:
        mine = [place for place, own in enumerate(families) if own == family]
        held = queries.held_filter(epoch, family) if mine else None
        if held is not None:
            found = held.find([outputs[place] for place in mine])
            met += [place for place, is_met in zip(mine, found, strict=True) if is_met]
    return sorted(met)


def tell_unsound(sender: str, code: str, now: datetime) -> None:
    """An answer that does not hold is laid on a desk, in the caller's transaction: the partner's node is wrong, or worse."""
    if code.startswith("blind."):
        facts = {"partner": sender, "code": code}
        key = f"blind_unsound/{sender}/{now:%Y%m%d}"
        desk.put("blind_unsound", key, title_code="desk.blind_unsound", facts=facts, urgent=True, now=now)


def code_of_answer(content: Mapping[str, JsonValue]) -> str:
    """The code by which the partner refused; empty if it answered. Raises Rejected("item.malformed")."""
    code = content.get("code")
    if not isinstance(code, str) or len(code) > 80:
        raise Rejected("item.malformed", at="/code")
    return code
