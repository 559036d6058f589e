"""The journey of what arrives: an accepted envelope is opened, and each of its items handed to the one function that knows it.

One bad item never fails the rest: it is noted, its sender is told by code, and the others go on. Everything here may run twice:
an entry that is held already changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any

from django.db import transaction

from tansiq.engine.envelopes.bodies import Item
from tansiq.engine.errors import Refused, Rejected, TansiqError
from tansiq.engine.formats import canonical
from tansiq.engine.formats.ids import is_digest, is_id
from tansiq.engine.formats.strict_json import JsonValue
from tansiq.engine.kinds.registry import kind
from tansiq.node.audit.actions import record
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import queries, waiting_room
from tansiq.node.exchange import accepting, recovery, witness
from tansiq.node.exchange import actions as exchange
from tansiq.node.flows import (
    attaching,
    blind_asking,
    blind_holding,
    blind_screening,
    comparing,
    plan_asking,
    plan_holding,
    projections,
    recovering,
    searching,
    taking,
)
from tansiq.node.flows.act import act_as_owed, act_by_machine
from tansiq.node.flows.pins import own_calendar
from tansiq.node.flows.releasing import NOT_ACCEPTED_JOB
from tansiq.node.flows.taking import NOT_UNDERSTOOD, entry_id_of, take_again
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners import actions as partner_actions
from tansiq.node.partners import queries as partners
from tansiq.node.vault.asking import asking_once

log = logging.getLogger(__name__)
Handler = Callable[[str, dict[str, JsonValue], datetime], None]
MAX_NAMED = 1000
NOTED = 20
ENTRY = "entry"
ENTRIES_TOGETHER = 32
"""How many entries are stored in one transaction: enough to share its cost, few enough that nobody waits long for the store."""


def open_envelope(payload: dict[str, Any], now: datetime) -> None:
    """Job ``exchange.open``: take over everything that an accepted envelope holds."""
    sender, envelope_id = str(payload["sender"]), str(payload["envelope"])
    try:
        opened = accepting.open_envelope(sender, envelope_id)
    except Rejected as error:
        _note_unopenable(sender, envelope_id, error, now)
        return
    if opened is None:
        return
    untaken = [one for run in _runs(opened.body.items) for one in _take_run(sender, run, now)]
    _answer_refused(sender, [(item, error) for item, error in untaken if isinstance(error, Rejected | Refused)], now)
    for _, error in untaken:
        if not isinstance(error, Rejected | Refused):
            raise error  # the job is tried again; what was taken changes nothing the second time
    with transaction.atomic():
        accepting.finish_envelope(sender, envelope_id, now)


def _runs(items: Sequence[Item]) -> Iterator[list[Item]]:
    """The items in their order: entries that follow each other together, some at a time; everything else by itself."""
    for is_entry, run in groupby(items, key=lambda item: item.type == ENTRY):
        together = list(run)
        size = ENTRIES_TOGETHER if is_entry else 1
        yield from (together[at : at + size] for at in range(0, len(together), size))


Untaken = tuple[Item, Exception]


def _take_run(sender: str, run: list[Item], now: datetime) -> list[Untaken]:
    """Take a run in; returns what was not taken, and why. Entries are read and proved first, and then stored in one transaction.

    Each entry has a savepoint: one that cannot be taken takes nothing else with it. Killed before the commit, all of them come
    again, and again they are taken once.
    """
    if run[0].type != ENTRY:
        return [one for item in run for one in _tried(sender, item, partial(take, sender, item, now))]
    came = taking.read(sender, [item.content for item in run])
    untaken = []
    with transaction.atomic(durable=True), asking_once():
        ground = taking.Ground(came)
        for item, one in zip(run, came, strict=True):
            untaken += _tried(sender, item, partial(_take_entry, one, ground, now))
    return untaken


def _take_entry(came: taking.Came, ground: taking.Ground, now: datetime) -> None:
    """Take one entry of a run in. What it breaks is known to its last statement: it may have been kept to wait all the same."""
    refusal: Rejected | Refused | None = None
    try:
        with transaction.atomic():
            try:
                taking.take(came, ground, now)
            except (Rejected, Refused) as error:
                refusal = error
    except Exception:
        ground.forget(came)
        raise
    if refusal is not None:
        ground.forget(came)
        raise refusal


def _tried(sender: str, item: Item, take_it: Callable[[], None]) -> list[Untaken]:
    try:
        take_it()
    except (Rejected, Refused) as error:
        return [(item, error)]
    except Exception as error:  # noqa: BLE001 - the top of a loop: what one item does to us must not hold up the others
        log.warning("item %s of an envelope from %s: %s", item.type, sender, type(error).__name__)
        return [(item, error)]
    return []


def _note_unopenable(sender: str, envelope_id: str, error: Rejected, now: datetime) -> None:
    with transaction.atomic():
        accepting.finish_envelope(sender, envelope_id, now, code=error.code)
        facts = {"partner": sender, "code": error.code}
        desk.put(
            "envelope",
            f"envelope/{envelope_id}",
            title_code="desk.envelope_unopenable",
            facts=facts,
            urgent=True,
            now=now,
        )
        record(
            "envelope.unopenable",
            actor=f"node:{sender}",
            facts={**facts, "envelope": envelope_id},
            log="exchange",
            now=now,
        )


def take(sender: str, item: Item, now: datetime) -> None:
    """Hand one item to whoever knows its type; raises Rejected("item.not_understood") where nobody does."""
    handler = HANDLERS.get(item.type)
    if handler is None:
        raise Rejected("item.not_understood", type=item.type[:40])
    handler(sender, item.content, now)


def _answer_refused(sender: str, refused: list[tuple[Item, TansiqError]], now: datetime) -> None:
    """Tell the sender what was not understood, one word for each code, and note what was refused: the first few singly, the rest by number.

    So an envelope of a thousand items that are nothing costs no more than one of twenty.
    """
    unread: dict[str, list[str]] = {}
    for item, error in refused:
        if error.code == "item.not_understood" or error.code in NOT_UNDERSTOOD:
            unread.setdefault(error.code, []).append(_reference(item))
    for code, references in unread.items():
        tell_status(sender, "not_understood", [*dict.fromkeys(references)], now, code=code)
    for item, error in refused[:NOTED]:
        _note_refused_item(sender, item, error, now)
    if len(refused) > NOTED:
        facts = {"partner": sender, "count": len(refused), "codes": sorted({error.code for _, error in refused})}
        record("items.refused", actor=f"node:{sender}", facts=facts, log="exchange", now=now)


def _reference(item: Item) -> str:
    """The name by which its sender knows the item: the entry's id, the reference it carries, else the digest of its content."""
    if item.type == "entry" and (entry_id := entry_id_of(item.content)):
        return entry_id
    for name in ("reference", "query"):
        told = item.content.get(name)
        if is_digest(told) or is_id(told):
            return str(told)
    return canonical.digest(item.content)


def _note_refused_item(sender: str, item: Item, error: TansiqError, now: datetime) -> None:
    facts = {"partner": sender, "type": item.type[:40], "code": error.code}
    with transaction.atomic():
        record("item.refused", actor=f"node:{sender}", facts=facts, log="exchange", now=now)
        key = f"item/{sender}/{error.code}/{now:%Y%m%d}"
        desk.put("item_refused", key, title_code="desk.item_refused", facts=facts, urgent=False, now=now)


def tell_status(partner: str, status: str, references: list[str], now: datetime, *, code: str = "") -> None:
    """Owe a partner word of what became of things it sent: opened by an officer, or not understood."""
    content = {"v": 1, "status": status, "references": references, "code": code}
    reference = references[0] if len(references) == 1 else canonical.digest(references)
    with transaction.atomic():
        exchange.queue([partner], "status", content, reference=f"{status}/{reference}", now=now)


# -- what the machine does of itself --------------------------------------------------------------------------------------


def answer_not_accepted(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.not_accepted``: tell the author, in the dossier, that its entry was not taken in; never why."""
    dossier = queries.dossier_by_id(str(payload["dossier"]))
    if dossier is not None and not queries.has_said(dossier, partners.my_id(), "not_accepted", payload["entry"]):
        act_by_machine(
            dossier.dossier_id, "not_accepted", {"entry": str(payload["entry"])}, "tansiq:quarantine", now=now
        )


def act_for_machine(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.machine``: sign what this node's machine owes in a dossier."""
    dossier = queries.dossier_by_id(str(payload["dossier"]))
    if dossier is None:
        return
    rules = kind(dossier.kind, dossier.kind_version)
    state = queries.folded_of(dossier).state
    for owed in rules.machine_acts(state, partners.my_id(), now, own_calendar()):
        act_as_owed(dossier, owed, now=now)


# -- the rest ------------------------------------------------------------------------------------------------------------


def take_status(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """What the partner says became of our entries."""
    status = content.get("status")
    if status not in ("opened", "not_understood"):
        raise Rejected("item.malformed", at="/status")
    named = _named(content, "references")
    with transaction.atomic():
        exchange.mark(sender, named, str(status), now)
        facts = {"partner": sender, "status": str(status), "references": named[:50]}
        record("item.status", actor=f"node:{sender}", facts=facts, log="exchange", now=now)
        if status == "not_understood":
            key = f"not_understood/{sender}/{named[0] if named else ''}"
            told = {"partner": sender}
            desk.put("not_understood", key, title_code="desk.not_understood", facts=told, urgent=True, now=now)


def take_card(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """A newer card of the partner: its next mailbox key, published ahead, or a new address."""
    with transaction.atomic():
        partner_actions.renew(sender, content, now=now)


def take_revocation(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """A key of the partner that its root has revoked: an event that every officer who relies on it must see."""
    with transaction.atomic():
        if partner_actions.revoke(content, node_id=sender, actor=f"node:{sender}", now=now):
            desk.put(
                "revocation",
                f"revocation/{sender}/{now:%Y%m%d%H%M}",
                title_code="desk.key_revoked",
                facts={"partner": sender},
                urgent=True,
                now=now,
            )
            for key in waiting_room.reasons(f"revocation:{sender}/"):
                enqueue(projections.TAKE_AGAIN_JOB, {"missing": key}, now=now, key=f"take_again/{key}")


def take_fetch(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """Send again the entries a participant lacks; nobody else learns whether we have them."""
    for entry_id in _named(content, "entries"):
        row = queries.entry_by_id(entry_id)
        if row is not None and sender in row.dossier.participants:
            wire = queries.signed_entry(row).to_wire()
            with transaction.atomic():
                exchange.queue_again(sender, "entry", wire, reference=entry_id, dossier=row.dossier_id, now=now)


def _named(content: dict[str, JsonValue], member: str) -> list[str]:
    """The ids that an item lists, a thousand at most; raises Rejected("item.malformed") naming the place."""
    listed = content.get(member)
    if not isinstance(listed, list) or len(listed) > MAX_NAMED:
        raise Rejected("item.malformed", at=f"/{member}")
    for place, one in enumerate(listed):
        if not (is_digest(one) or is_id(one)):
            raise Rejected("item.malformed", at=f"/{member}/{place}")
    return [str(one) for one in listed]


def take_heads(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """Compare heads of shared dossiers with a partner that was restored or asks: send what it lacks, fetch what we lack."""
    comparing.compare(sender, content, now)


HANDLERS: dict[str, Handler] = {
    witness.ITEM: witness.learn,
    "status": take_status,
    "card": take_card,
    "revocation": take_revocation,
    "fetch": take_fetch,
    "heads": take_heads,
    "query": searching.take_query,
    "answer": searching.take_answer,
    attaching.ITEM: attaching.take_word,
    "blind_epoch": blind_asking.take_epoch,
    "blind_piece": blind_asking.take_piece,
    "blind_query": blind_holding.take_question,
    "blind_answer": blind_screening.take_answer,
    "plan_query": plan_holding.take_question,
    "plan_answer": plan_asking.take_answer,
    recovery.ASKED: recovering.take_question,
    recovery.ANSWER: recovering.take_answer,
}

__all__ = [
    "HANDLERS",
    "NOT_ACCEPTED_JOB",
    "act_for_machine",
    "answer_not_accepted",
    "open_envelope",
    "take",
    "take_again",
]
