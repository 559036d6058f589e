"""The holder's side of blind questions: for every partner whose accord allows it, a key for an epoch, filters of what that partner may
hit, changes of them twice a day, and the evaluation of what it asks.

One job a partner (``flows.blind``) brings everything from where the rows say it stands to where it should: no epoch, a worn-out one or
one under other terms begins a new one; a building one takes the next slice of the register; an open one sends what changed. Killed
anywhere, the job goes on from its rows. The evaluation of a large register is spread over the processors.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.accords.decide import Decision, decide
from tansiq.engine.blind import batches, budget, filters, many, oprf
from tansiq.engine.blind.keys import FAMILIES
from tansiq.engine.blind.schemes import SCHEMES, spoken_with
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.ids import b64decode, b64encode, require_id
from tansiq.engine.formats.strict_json import JsonValue
from tansiq.engine.formats.times import format_time
from tansiq.node.desk import actions as desk
from tansiq.node.exchange import actions as exchange
from tansiq.node.flows import exercises
from tansiq.node.flows.search_terms import accord_between, code_of, families_between, query_of
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners import queries as partners
from tansiq.node.register import queries as register
from tansiq.node.search import blind_actions as actions
from tansiq.node.search import blind_queries as queries
from tansiq.node.search import epoch_keys

if TYPE_CHECKING:
    from tansiq.node.search.models import BlindEpoch

log = logging.getLogger(__name__)

JOB = "flows.blind"
SLICE = 4000
"""Subjects a run of the job takes; what was done is kept after each."""
PIECE_BYTES = 1_500_000
STEP = 64
"""Marks a change adds and removes at least, and a multiple of: what really changed is not seen (docs/protocol/blind-queries.md)."""
EVERY = timedelta(hours=12)
LIFE = timedelta(days=30)
ALARM_SHARE = 0.8
ALARM_REFUSALS = 10
"""Refused blind questions of one partner on one day."""
FOUND = frozenset({"find:hit", "find:contact"})
"""What of the register a partner may hit blindly: what it would be told of when it asked openly."""
MAX_OFFICER = 64


def begin(now: datetime) -> None:
    """Owe every enrolled partner a look; in the caller's transaction."""
    for row in partners.partners():
        if row.status == row.ENROLLED and not row.is_self:
            owe(row.node_id, now)


def owe(partner: str, now: datetime, *, at: datetime | None = None) -> None:
    """Owe a look at what is held ready for ``partner``, in the caller's transaction."""
    enqueue(JOB, {"partner": partner}, now=now, run_at=at, key=f"blind/{partner}")


def keep(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.blind``: one step towards what a partner should find here; owes itself the next."""
    partner = str(payload["partner"])
    families = families_between(partner, partners.my_id(), now)
    schemes = spoken_with(queries.told_to_speak(partner)) if families else []
    current = _settle(partner, families, schemes, now)
    is_busy = [_step(partner, scheme, families, current.get(scheme), now) for scheme in schemes]
    if any(is_busy):
        _again(partner, now)
    elif schemes:
        _again(partner, now, at=now + EVERY)


def _step(partner: str, scheme: str, families: Sequence[str], current: BlindEpoch | None, now: datetime) -> bool:
    """One step for one key scheme; whether the next one is to follow at once."""
    if current is None:
        _begin_epoch(partner, scheme, families, now)
        return True
    if current.state == current.BUILDING:
        if _take_slice(current):
            return True
        _open(current, now)
    elif _is_due(current, now):
        return _send_changes(current, now)
    return False


def _again(partner: str, now: datetime, *, at: datetime | None = None) -> None:
    with transaction.atomic():
        owe(partner, now, at=at)


def _settle(partner: str, families: Sequence[str], schemes: Sequence[str], now: datetime) -> dict[str, BlindEpoch]:
    """End what is over; for each key scheme the epoch that is built or open and as it should be."""
    current = {}
    for epoch in queries.epochs_for(partner):
        is_lost = _key_of(epoch) is None
        is_other = epoch.scheme not in schemes or epoch.families != list(families)
        if epoch.state == epoch.CLOSING:
            is_over = epoch.ends_at <= now or epoch.scheme not in SCHEMES
        else:
            is_over = is_other or (epoch.ends_at - actions.GRACE <= now and epoch.state == epoch.BUILDING)
        if is_lost or is_over or not families:
            _end(epoch, now)
        elif epoch.state != epoch.CLOSING and epoch.ends_at - actions.GRACE > now:
            current[epoch.scheme] = epoch
    return current


def _key_of(epoch: BlindEpoch) -> oprf.KeyPair | None:
    return epoch_keys.load(partners.my_id(), epoch.partner, epoch.number, scheme=epoch.scheme)


def _end(epoch: BlindEpoch, now: datetime) -> None:
    was_told = epoch.state != epoch.BUILDING
    with transaction.atomic():
        actions.end_epoch(epoch, now)
        if was_told:
            content: dict[str, JsonValue] = {"v": 1, "epoch": epoch.number, "state": "ended"}
            exchange.queue([epoch.partner], "blind_epoch", content, reference=f"blind/{epoch.number}/ended", now=now)
    epoch_keys.destroy(epoch.partner, epoch.number)


def _begin_epoch(partner: str, scheme: str, families: Sequence[str], now: datetime) -> None:
    number = queries.last_epoch_number(partner) + 1
    key = epoch_keys.make(partners.my_id(), partner, number, scheme=scheme)
    with transaction.atomic():
        actions.begin_epoch(
            partner,
            number,
            scheme=scheme,
            families=families,
            public=b64encode(key.public),
            ends_at=now + LIFE + actions.GRACE,
            now=now,
        )


# -- building ------------------------------------------------------------------------------------------------------------


def _take_slice(epoch: BlindEpoch) -> bool:
    """Evaluate the next subjects of the register under the epoch's key; False when it is up to date."""
    changes, last = [], epoch.change_number
    for change in register.subjects_for_index(epoch.change_number):
        changes.append(change)
        last = change.number
        if len(changes) >= SLICE:
            break
    if not changes:
        return False
    key = _key_of(epoch)
    if key is None:
        return False
    make_keys = SCHEMES[epoch.scheme].record_keys
    found: dict[str, list[tuple[str, list[str]]]] = {}
    gone = []
    for change in changes:
        if change.subject is None or not FOUND & change.labels:
            gone.append(change.subject_id)
            continue
        subject = change.subject
        keys = make_keys(subject.names, subject.birth_dates, subject.identifiers)
        found[change.subject_id] = [(family, keys[family]) for family in epoch.families if family in keys]
    marks = dict(_marks(key, found))
    with transaction.atomic():
        actions.put_records(epoch, marks, [g for g in gone if g not in marks], last)
    return True


def _marks(key: oprf.KeyPair, found: dict[str, list[tuple[str, list[str]]]]) -> Iterator[tuple[str, bytes]]:
    inputs = [value.encode() for listed in found.values() for _, values in listed for value in values]
    outputs = iter(many.compute_all(key, inputs, mode=oprf.Mode.VOPRF))
    for subject, listed in found.items():
        packed = [actions.pack(family, [next(outputs) for _ in values]) for family, values in listed]
        yield subject, b"".join(packed)


# -- telling the partner --------------------------------------------------------------------------------------------------


def _open(epoch: BlindEpoch, now: datetime) -> None:
    """Make the filters, announce the epoch and send them, in one transaction."""
    marks = actions.marks_by_family(epoch)
    made = {family: _padded(found) for family, found in marks.items()}
    with transaction.atomic():
        written = [actions.put_filter(epoch, family, *content, now) for family, content in made.items()]
        actions.open_epoch(epoch, now)
        listed: list[JsonValue] = [
            {"family": w.family, "digest": w.digest, "pieces": len(_pieces(w.content))} for w in written
        ]
        content: dict[str, JsonValue] = {
            "v": 1,
            "epoch": epoch.number,
            "state": "open",
            "scheme": epoch.scheme,
            "speaks": list(SCHEMES),
            "public": epoch.public,
            "ends_at": format_time(epoch.ends_at),
            "filters": listed,
        }
        exchange.queue([epoch.partner], "blind_epoch", content, reference=f"blind/{epoch.number}/open", now=now)
        for one in written:
            for place, piece in enumerate(_pieces(one.content)):
                _send_piece(epoch, one.family, str(place), piece, now)


def _padded(marks: filters.Marks) -> tuple[filters.Filter, filters.Marks]:
    """A filter with room to grow: at least an eighth more marks than there are, in steps that hide how many."""
    size = _stepped(len(marks) + max(len(marks) // 8, 16 * STEP))
    bits = filters.bucket_bits_for(size)
    real = filters.Filter(bits, actions.shortened(marks, bits))
    return filters.fill(real, size - len(real), os.urandom)


def _stepped(count: int) -> int:
    """The next number with two significant binary digits: 1,024, 1,536, 2,048, 3,072 …"""
    power = 1 << max(count - 1, 1).bit_length()
    return power if count > power * 3 // 4 else power * 3 // 4


def _pieces(content: bytes) -> list[bytes]:
    return [content[at : at + PIECE_BYTES] for at in range(0, len(content), PIECE_BYTES)]


def _send_piece(epoch: BlindEpoch, family: str, place: str, piece: bytes, now: datetime) -> None:
    content: dict[str, JsonValue] = {
        "v": 1,
        "epoch": epoch.number,
        "family": family,
        "place": place,
        "content": b64encode(piece),
    }
    name = f"blind/{epoch.number}/{family}/{place[:40]}"
    exchange.queue([epoch.partner], "blind_piece", content, reference=name, now=now)


def _is_due(epoch: BlindEpoch, now: datetime) -> bool:
    changed = queries.changed_at(epoch)
    return changed is None or changed + EVERY <= now + timedelta(minutes=1)


def _send_changes(epoch: BlindEpoch, now: datetime) -> bool:
    """Bring the records up to date and send each family's change; where the filling has run out, a new epoch begins (True)."""
    while _take_slice(epoch):
        pass
    marks = actions.marks_by_family(epoch)
    try:
        planned = {family: _plan(epoch, family, found) for family, found in marks.items()}
    except Rejected as error:
        if error.code not in ("blind.filling_short", "blind.filter_too_full"):
            raise
        _begin_epoch(epoch.partner, epoch.scheme, epoch.families, now)
        return True
    with transaction.atomic():
        for family, plan in planned.items():
            actions.put_filter(epoch, family, plan.filter, plan.filling, now)
            _send_piece(epoch, family, plan.delta.base, plan.delta.to_bytes(), now)
    return False


def _plan(epoch: BlindEpoch, family: str, marks: filters.Marks) -> filters.Plan:
    held = queries.filter_of(epoch, family)
    if held is None:
        raise Rejected("blind.filling_short", needed=len(marks), left=0)
    old, filling = held
    wanted = actions.shortened(marks, old.bucket_bits)
    real = filters.without(old.marks, filling)
    return filters.plan(
        old,
        added=filters.without(wanted, real),
        removed=filters.without(real, wanted),
        filling=filters.without(filling, wanted),
        step=STEP,
        random=os.urandom,
    )


# -- being asked ---------------------------------------------------------------------------------------------------------


def take_question(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """Evaluate a partner's blind question, or say by which rule it is not; the same question again is answered once.

    This node learns that it was asked, for what purpose, by which officer's opaque id, under which families and – padded – how much.
    """
    asked, elements, number = _read(sender, content)
    epoch = queries.answerable(sender, number)
    code = exercises.search_bar(content) or _refusal(asked, epoch, now)
    key = _key_of(epoch) if epoch and not code else None
    if not code and key is None:
        code = "search.blind_epoch_ended"
    answer: dict[str, JsonValue] = {"v": 1, "query": asked.query, "epoch": number, "code": code}
    if key is not None and not code:
        evaluation = oprf.evaluate(key, elements, mode=oprf.Mode.VOPRF, random=os.urandom)
        answer |= {"elements": b64encode(b"".join(evaluation.elements)), "proof": b64encode(evaluation.proof or b"")}
    with transaction.atomic():
        if not actions.note_blind_question(asked, code=code, now=now):
            return
        exchange.queue([sender], "blind_answer", answer, reference=f"blind_answer/{asked.query}", urgent=True, now=now)
        _watch(asked, now)


def _read(sender: str, content: dict[str, JsonValue]) -> tuple[actions.Arrived, list[bytes], int]:
    query = require_id(content.get("query"), at="/query")
    number, families, officer = content.get("epoch"), content.get("families"), content.get("asked_by")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 2**31:
        raise Rejected("item.malformed", at="/epoch")
    if not isinstance(families, list) or not families or not set(map(str, families)) <= set(FAMILIES):
        raise Rejected("item.malformed", at="/families")
    if not isinstance(officer, str) or not 0 < len(officer) <= MAX_OFFICER or not officer.isascii():
        raise Rejected("item.malformed", at="/asked_by")
    raw = b64decode(content.get("elements"), at="/elements")
    count, rest = divmod(len(raw), 32)
    if rest or not 0 < count <= batches.LARGEST_STEP or count != batches.size_for(count):
        raise Rejected("item.malformed", at="/elements")
    area = code_of(content, "crime_area") if content.get("crime_area") else ""
    asked = actions.Arrived(
        partner=sender,
        query=query,
        purpose=code_of(content, "purpose"),
        crime_area=area,
        asked_by=officer,
        families=sorted(map(str, families)),
        elements=count,
        cost=budget.cost_of(count),
    )
    return asked, [raw[at : at + 32] for at in range(0, len(raw), 32)], number


def _refusal(asked: actions.Arrived, epoch: BlindEpoch | None, now: datetime) -> str:
    decision = may_be_asked(asked, now)
    if not decision.is_permitted:
        return "search.not_answered" if decision.local else decision.code
    if epoch is None or not set(asked.families) <= set(epoch.families):
        return "search.blind_epoch_ended"
    return ""


def may_be_asked(asked: actions.Arrived, now: datetime) -> Decision:
    """Whether the accord lets the partner ask this now, counting what its question would cost."""
    me = partners.my_id()
    question = query_of(
        asked.partner,
        me,
        asked.purpose,
        asked.crime_area,
        families=frozenset(asked.families),
        spent_today=queries.spent_blindly_by(asked.partner, now),
        spent_by_officer=queries.spent_blindly_by(asked.partner, now, officer=asked.asked_by),
        costs=asked.cost,
    )
    accord = accord_between(me, asked.partner, is_blind=True)
    return decide(question, accord, now=now, local=partners.local_rules())


def _watch(asked: actions.Arrived, now: datetime) -> None:
    """Put patterns of enumeration before the data-protection officer: a partner, or one of its officers, near its budget, and a partner
    that goes on asking what is refused.
    """
    refused = queries.refused_blindly(asked.partner, now)
    if refused >= ALARM_REFUSALS:
        _alarm("blind_probing", asked.partner, {"count": refused}, now)
    conditions = may_be_asked(asked, now).conditions
    if conditions is None:
        return
    limits = conditions.blind
    spent = queries.spent_blindly_by(asked.partner, now)
    of_one = queries.spent_blindly_by(asked.partner, now, officer=asked.asked_by)
    if spent >= ALARM_SHARE * limits.budget_per_day or of_one >= ALARM_SHARE * limits.budget_per_officer:
        _alarm("blind_alarm", asked.partner, {"count": spent, "limit": limits.budget_per_day}, now)


def _alarm(kind: str, partner: str, told: dict[str, int], now: datetime) -> None:
    """One task a partner and day."""
    facts, key = {"partner": partner, **told}, f"{kind}/{partner}/{now:%Y%m%d}"
    desk.put(kind, key, title_code=f"desk.{kind}", facts=facts, link="/audit/", urgent=True, now=now)
