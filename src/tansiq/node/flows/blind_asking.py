"""The asker's side of blind questions: what partners hold ready arrives here; a question is blinded, answered in one round trip, and
looked up at home.

The partner learns that a budgeted question was asked under a purpose, and its padded size; not what was asked, nor whether it hit. A hit
says under which families of keys it met and opens a request; only then does the partner learn about whom.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.accords.decide import Decision, decide
from tansiq.engine.blind import batches
from tansiq.engine.blind.batches import Batch
from tansiq.engine.blind.keys import FAMILIES, SCHEME, question_keys
from tansiq.engine.blind.oprf import Blinded, Evaluation, Mode
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.ids import b64decode, b64encode, is_digest, require_id
from tansiq.engine.formats.strict_json import JsonValue
from tansiq.engine.formats.times import parse_time
from tansiq.node.desk import actions as desk
from tansiq.node.exchange import actions as exchange
from tansiq.node.flows import exercises
from tansiq.node.flows.blind_holding import cost_of
from tansiq.node.flows.search_terms import accord_between, families_between, query_of
from tansiq.node.partners import queries as partners
from tansiq.node.search import blind_actions as actions
from tansiq.node.search import blind_queries as queries

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.flows.searching import Fields
    from tansiq.node.search.models import HeldEpoch, Search

MAX_PIECES = 200
MAX_PIECE = 2 * 1024 * 1024
UNANSWERED_AFTER = timedelta(hours=24)
PER_MILLION = {"identifier": 1e-6, "pair_day": 0.06, "word_day": 4.0, "pair_year": 18.0, "pair": 1090.0}
"""Records that one question meets by chance, per million records of the partner, as ``bench.blind.families`` measured them on real names
and simulated dates. What an officer is told beforehand, not a promise."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A blind question that may be asked: under which epoch and families, with how many keys, and what chance would meet."""

    partner: str
    epoch: HeldEpoch
    keys: Mapping[str, list[str]]

    @property
    def count(self) -> int:
        """How many keys there are in all."""
        return sum(map(len, self.keys.values()))

    @property
    def families(self) -> list[str]:
        """The families asked under, strongest first."""
        return [family for family in FAMILIES if family in self.keys]


def prepare(
    officer: Officer, fields: Fields, partner: str, *, purpose: str, crime_area: str, now: datetime
) -> Prepared | Decision:
    """The question as it would be asked of ``partner`` now, or the decision that forbids it; writes nothing.

    Raises Rejected: ``search.blind_not_ready`` while the partner's filters are not here, ``search.blind_no_key`` if nothing that
    was entered gives a key of a family that the accord allows.
    """
    epoch = queries.usable_epoch(partner)
    allowed = families_between(partners.my_id(), partner, now)
    families = [family for family in queries.held_families(epoch) if family in allowed] if epoch else allowed
    keys = question_keys(fields.names, fields.birth_dates, fields.identifiers, families=families)
    decision = may_ask_blindly(
        partner,
        officer.reference,
        list(keys) or families or list(FAMILIES),
        purpose,
        crime_area,
        now,
        count=_count(keys),
    )
    if not decision.is_permitted:
        return decision
    if epoch is None:
        raise Rejected("search.blind_not_ready", partner=partner)
    if not keys:
        raise Rejected("search.blind_no_key", at="/names", partner=partner)
    return Prepared(partner, epoch, keys)


def _count(keys: Mapping[str, Sequence[str]]) -> int:
    return sum(map(len, keys.values()))


def may_ask_blindly(
    partner: str, officer: str, families: Sequence[str], purpose: str, crime_area: str, now: datetime, *, count: int = 1
) -> Decision:
    """Whether the accord lets this officer ask ``partner`` blindly under these families, counting what was asked today."""
    me = partners.my_id()
    more = cost_of(batches.size_for(max(count, 1))) - 1
    question = query_of(
        me,
        partner,
        purpose,
        crime_area,
        families=frozenset(families),
        spent_today=queries.asked_blindly_of(partner, now) + more,
        spent_by_officer=queries.asked_blindly_of(partner, now, officer=officer) + more,
    )
    return decide(question, accord_between(me, partner, is_blind=True), now=now, local=partners.local_rules())


def by_chance(prepared: Prepared) -> dict[str, float]:
    """For each family asked under: how many records of the partner the question meets by chance, as far as can be said."""
    sizes = queries.size_told(prepared.epoch)
    records = max(sizes.values(), default=0) / 2
    return {family: PER_MILLION[family] * records / 1e6 for family in prepared.families}


def ask(search: Search, prepared: Prepared, now: datetime) -> None:
    """Send the question, in the caller's transaction; what unblinds the answer is kept sealed until it comes."""
    flat = [(family, key) for family in prepared.families for key in prepared.keys[family]]
    batch = batches.prepare([key.encode() for _, key in flat], mode=Mode.VOPRF, random=os.urandom)
    kept: dict[str, Any] = {
        "epoch": prepared.epoch.number,
        "families": [family for family, _ in flat],
        "inputs": [b64encode(one.input) for one in batch.blinded],
        "blinds": [b64encode(one.blind) for one in batch.blinded],
        "elements": [b64encode(one.element) for one in batch.blinded],
    }
    counts = {family: len(keys) for family, keys in prepared.keys.items()}
    actions.ask_blindly(search, prepared.partner, epoch=prepared.epoch.number, asked_under=counts, blinds=kept, now=now)
    content: dict[str, JsonValue] = {
        "v": 1,
        "query": str(search.search_id),
        "epoch": prepared.epoch.number,
        "families": list(prepared.families),
        "purpose": search.purpose,
        "crime_area": search.crime_area,
        "asked_by": search.officer,
        "elements": b64encode(b"".join(batch.elements)),
        **({"exercise": True} if exercises.node_is_exercise() else {}),
    }
    exchange.queue([prepared.partner], "blind_query", content, reference=str(search.search_id), urgent=True, now=now)


# -- what comes ----------------------------------------------------------------------------------------------------------


def take_epoch(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """A partner announces an epoch, or that one is over."""
    number = _number(content)
    if content.get("state") == "ended":
        with transaction.atomic():
            held = queries.usable_epoch(sender, number)
            if held is not None:
                actions.let_go_of(held)
        return
    if content.get("state") != "open" or content.get("scheme") != SCHEME:
        raise Rejected("item.not_understood", type="blind_epoch")
    public = content.get("public")
    if len(b64decode(public, at="/public")) != 32:
        raise Rejected("item.malformed", at="/public")
    with transaction.atomic():
        actions.hold_epoch(
            sender,
            number,
            scheme=SCHEME,
            public=str(public),
            ends_at=parse_time(content.get("ends_at"), at="/ends_at"),
            announced=_announced(content),
            now=now,
        )
        actions.fit(sender, number, now)


def _announced(content: Mapping[str, JsonValue]) -> dict[str, tuple[str, int]]:
    listed = content.get("filters")
    if not isinstance(listed, list) or not 0 < len(listed) <= len(FAMILIES):
        raise Rejected("item.malformed", at="/filters")
    found: dict[str, tuple[str, int]] = {}
    for place, one in enumerate(listed):
        if not isinstance(one, dict) or one.get("family") not in FAMILIES or not is_digest(one.get("digest")):
            raise Rejected("item.malformed", at=f"/filters/{place}")
        pieces = one.get("pieces")
        if not isinstance(pieces, int) or isinstance(pieces, bool) or not 0 < pieces <= MAX_PIECES:
            raise Rejected("item.malformed", at=f"/filters/{place}/pieces")
        found[str(one["family"])] = (str(one["digest"]), pieces)
    return found


def take_piece(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """A piece or a change of a partner's filter; whatever fits is put together at once."""
    number, family, place = _number(content), content.get("family"), content.get("place")
    if family not in FAMILIES:
        raise Rejected("item.malformed", at="/family")
    is_piece = isinstance(place, str) and place.isascii() and place.isdigit() and len(place) <= 3
    if not is_piece and not is_digest(place):
        raise Rejected("item.malformed", at="/place")
    raw = b64decode(content.get("content"), at="/content")
    if not 0 < len(raw) <= MAX_PIECE:
        raise Rejected("item.malformed", at="/content")
    with transaction.atomic():
        actions.hold_piece(sender, number, family=str(family), place=str(place), content=raw, now=now)
        actions.fit(sender, number, now)


def _number(content: Mapping[str, JsonValue]) -> int:
    number = content.get("epoch")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 2**31:
        raise Rejected("item.malformed", at="/epoch")
    return number


def take_answer(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """Check the proof, unblind, and look the outputs up in the partner's filters; the officer sees the outcome with the search."""
    query, code = require_id(content.get("query"), at="/query"), content.get("code")
    if not isinstance(code, str) or len(code) > 80:
        raise Rejected("item.malformed", at="/code")
    with transaction.atomic():
        row = actions.locked_question(sender, query)
        if row is None:
            return
        met: list[str] = []
        if not code:
            try:
                met = _look_up(sender, row.blinds, content)
            except Rejected as error:
                code = error.code
                _tell_unsound(sender, code, now)
        actions.keep_blind_answer(row, met=met, code=code, now=now)


def _look_up(sender: str, kept: Mapping[str, Any], content: Mapping[str, JsonValue]) -> list[str]:
    """The families under which something met, strongest first. Raises Rejected: ``blind.…`` or ``search.blind_epoch_ended``."""
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
    met = []
    for family in FAMILIES:
        mine = [output for own, output in zip(families, outputs, strict=True) if own == family]
        held = queries.held_filter(epoch, family) if mine else None
        if held is not None and any(held.find(mine)):
            met.append(family)
    return met


def _tell_unsound(sender: str, code: str, now: datetime) -> None:
    if code.startswith("blind."):
        facts = {"partner": sender, "code": code}
        key = f"blind_unsound/{sender}/{now:%Y%m%d}"
        desk.put("blind_unsound", key, title_code="desk.blind_unsound", facts=facts, urgent=True, now=now)


def give_up_late(now: datetime) -> None:
    """Questions without an answer for a day are closed, so that nobody waits for what will not come."""
    with transaction.atomic():
        actions.close_late(now - UNANSWERED_AFTER, now)


__all__ = [
    "Prepared",
    "ask",
    "by_chance",
    "give_up_late",
    "may_ask_blindly",
    "prepare",
    "take_answer",
    "take_epoch",
    "take_piece",
]
