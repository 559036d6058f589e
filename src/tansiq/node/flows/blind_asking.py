"""The asker's side of blind questions: what partners hold ready arrives here; a question is blinded, answered in one round trip, and
looked up at home.

The partner learns that a budgeted question was asked under a purpose, and its padded size; not what was asked, nor whether it hit. A hit
says under which families of keys it met and opens a request; only then does the partner learn about whom.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.accords.decide import Decision
from tansiq.engine.blind import budget
from tansiq.engine.blind.keys import FAMILIES, count, question_keys
from tansiq.engine.blind.schemes import SCHEMES
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.ids import b64decode, is_digest, require_id
from tansiq.engine.formats.strict_json import JsonValue
from tansiq.engine.formats.times import parse_time
from tansiq.node.flows import blind_questions as questions
from tansiq.node.flows.blind_questions import Grounds
from tansiq.node.flows.search_terms import blind_limits, families_between
from tansiq.node.partners import queries as partners
from tansiq.node.search import blind_actions as actions
from tansiq.node.search import blind_queries as queries

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.flows.searching import Fields
    from tansiq.node.search.models import HeldEpoch, Search

MAX_PIECES = 200
MAX_PIECE = 2 * 1024 * 1024
MAX_SCHEMES = 8
UNANNOUNCED_AFTER = timedelta(days=7)
UNANSWERED_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A blind question that may be asked: under which epoch and keys, what it costs of the budget, and what is left of that today."""

    partner: str
    epoch: HeldEpoch
    keys: Mapping[str, list[str]]
    costs: int
    left_today: int = 0

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
    make_keys = SCHEMES[epoch.scheme].question_keys if epoch else question_keys
    keys = make_keys(fields.names, fields.birth_dates, fields.identifiers, families=families)
    grounds = Grounds(purpose, crime_area, officer.reference)
    costs = max(1, budget.cost_of_keys(count(keys)))
    asked_under = list(keys) or families or list(FAMILIES)
    decision = questions.may_ask(partner, grounds, asked_under, now, costs=costs)
    if not decision.is_permitted:
        return decision
    if epoch is None:
        raise Rejected("search.blind_not_ready", partner=partner)
    if not keys:
        raise Rejected("search.blind_no_key", at="/names", partner=partner)
    return Prepared(partner, epoch, keys, costs)


def reckoned(officer: Officer, prepared: Prepared, now: datetime) -> Prepared:
    """The same with what the officer may still spend today: told beforehand, and not needed to ask."""
    limits = blind_limits(partners.my_id(), prepared.partner, now)
    left = questions.left_today(prepared.partner, officer.reference, limits, now)
    return replace(prepared, left_today=left)


def ask(search: Search, prepared: Prepared, now: datetime) -> None:
    """Send the question, in the caller's transaction; what unblinds the answer is kept sealed until it comes."""
    flat = [(family, key) for family in prepared.families for key in prepared.keys[family]]
    sealed = questions.blind(prepared.epoch, flat)
    query = str(search.search_id)
    actions.ask_blindly(
        search,
        prepared.partner,
        epoch=prepared.epoch.number,
        asked_under={family: len(keys) for family, keys in prepared.keys.items()},
        blinds=sealed.kept,
        cost=sealed.cost,
        now=now,
    )
    grounds = Grounds(search.purpose, search.crime_area, search.officer)
    questions.send(prepared.partner, query, sealed, grounds, is_urgent=True, now=now)


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
    scheme = content.get("scheme")
    if content.get("state") != "open" or scheme not in SCHEMES:
        raise Rejected("item.not_understood", type="blind_epoch")
    public = content.get("public")
    if len(b64decode(public, at="/public")) != 32:
        raise Rejected("item.malformed", at="/public")
    with transaction.atomic():
        actions.hold_epoch(
            sender,
            number,
            scheme=str(scheme),
            public=str(public),
            ends_at=parse_time(content.get("ends_at"), at="/ends_at"),
            announced=_announced(content),
            speaks=_speaks(content),
            now=now,
        )
        actions.fit(sender, number, now)


def _speaks(content: Mapping[str, JsonValue]) -> list[str] | None:
    told = content.get("speaks")
    if told is None:
        return None
    if (
        not isinstance(told, list)
        or len(told) > MAX_SCHEMES
        or not all(isinstance(one, str) and len(one) <= 10 for one in told)
    ):
        raise Rejected("item.malformed", at="/speaks")
    return [str(one) for one in told]


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
    query, code = require_id(content.get("query"), at="/query"), questions.code_of_answer(content)
    with transaction.atomic():
        row = actions.locked_question(sender, query)
        if row is None:
            return
        met: list[str] = []
        is_refused = bool(code)
        if not is_refused:
            try:
                met = _families_met(sender, row.blinds, content)
            except Rejected as error:
                code = error.code
                questions.tell_unsound(sender, code, now)
        actions.keep_blind_answer(row, met=met, code=code, is_free=is_refused, now=now)


def _families_met(sender: str, kept: Mapping[str, Any], content: Mapping[str, JsonValue]) -> list[str]:
    """The families under which something met, strongest first."""
    met = {str(kept["families"][place]) for place in questions.places_met(sender, kept, content)}
    return [family for family in FAMILIES if family in met]


def give_up_late(now: datetime) -> None:
    """Questions without an answer for a day are closed, so that nobody waits for what will not come."""
    with transaction.atomic():
        actions.close_late(now - UNANSWERED_AFTER, now)
        actions.drop_unannounced(now - UNANNOUNCED_AFTER)


__all__ = [
    "Prepared",
    "ask",
    "give_up_late",
    "prepare",
    "take_answer",
    "take_epoch",
    "take_piece",
]
