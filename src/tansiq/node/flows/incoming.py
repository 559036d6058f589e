"""The journey of what arrives: an accepted envelope is opened, and each of its items handed to the one function that knows it.

One bad item never fails the rest: it is noted, its sender is told by code, and the others go on. Everything here may run twice:
an entry that is held already changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction

from tansiq.engine.accords.decide import decide
from tansiq.engine.dossiers import entries, folds
from tansiq.engine.dossiers.entries import SignedEntry
from tansiq.engine.envelopes.bodies import Item
from tansiq.engine.errors import Corrupt, Refused, Rejected, TansiqError
from tansiq.engine.formats.strict_json import JsonValue
from tansiq.engine.kinds.registry import kind
from tansiq.node.accounts.queries import competent_unit
from tansiq.node.audit.actions import record
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import actions as dossiers
from tansiq.node.dossiers import queries
from tansiq.node.dossiers.models import Dossier
from tansiq.node.exchange import actions as exchange
from tansiq.node.exchange import witness
from tansiq.node.flows import projections, questions, searching
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners import actions as partner_actions
from tansiq.node.partners import queries as partners

Handler = Callable[[str, dict[str, JsonValue], datetime], None]
NOT_ACCEPTED_JOB = "flows.not_accepted"


def open_envelope(payload: dict[str, Any], now: datetime) -> None:
    """Job ``exchange.open``: take over everything that an accepted envelope holds."""
    sender, envelope_id = str(payload["sender"]), str(payload["envelope"])
    try:
        opened = exchange.open_envelope(sender, envelope_id)
    except Rejected as error:
        _note_unopenable(sender, envelope_id, error, now)
        return
    if opened is None:
        return
    for item in opened.body.items:
        take(sender, item, now)
    with transaction.atomic():
        exchange.finish_envelope(sender, envelope_id, now)


def _note_unopenable(sender: str, envelope_id: str, error: Rejected, now: datetime) -> None:
    with transaction.atomic():
        exchange.finish_envelope(sender, envelope_id, now, code=error.code)
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
    """Hand one item to whoever knows its type; what nobody knows, or what breaks a rule, is answered and noted."""
    reference = str(item.content.get("reference", "")) if isinstance(item.content, dict) else ""
    try:
        handler = HANDLERS.get(item.type)
        if handler is None:
            raise Rejected("item.not_understood", type=item.type[:40])
        handler(sender, item.content, now)
    except (Rejected, Refused) as error:
        if error.code in {"kind.unknown", "entry.unknown_version", "item.not_understood"}:
            tell_status(sender, "not_understood", _reference(item) or reference, now, code=error.code)
        _note_refused_item(sender, item, error, now)


def _reference(item: Item) -> str:
    try:
        return entries.from_wire(item.content, at="/content").entry_id if item.type == "entry" else ""
    except TansiqError:
        return ""


def _note_refused_item(sender: str, item: Item, error: TansiqError, now: datetime) -> None:
    facts = {"partner": sender, "type": item.type[:40], "code": error.code}
    with transaction.atomic():
        record("item.refused", actor=f"node:{sender}", facts=facts, log="exchange", now=now)
        key = f"item/{sender}/{error.code}/{now:%Y%m%d}"
        desk.put("item_refused", key, title_code="desk.item_refused", facts=facts, urgent=False, now=now)


def tell_status(partner: str, status: str, reference: str, now: datetime, *, code: str = "") -> None:
    """Owe a partner word of what became of something it sent: opened by an officer, or not understood."""
    content = {"v": 1, "status": status, "references": [reference], "code": code}
    with transaction.atomic():
        exchange.queue([partner], "status", content, reference=f"{status}/{reference}"[:80], now=now)


# -- entries -------------------------------------------------------------------------------------------------------------


def take_entry(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """Verify, judge and append one entry; what stands on unknown entries waits, and they are asked for."""
    entry = entries.from_wire(content, at="/content")
    header = entry.header
    if queries.has_entry(entry.entry_id):
        return
    keys = partners.authority_keys(header.author, header.at)
    entries.verify_entry(entry, keys)
    dossier_id = header.dossier or entry.entry_id
    partners.require_not_revoked(header.author, [s.key_id for s in entry.signatures], dossier_id, header.seq)
    dossier = queries.dossier_by_id(dossier_id)
    audience = header.opening.participants if header.opening else tuple(dossier.participants) if dossier else None
    me = partners.myself().node_id
    if audience is None:
        _wait(entry, dossier_id, sender, (dossier_id,), now)
        return
    if me not in audience or sender not in audience:
        raise Rejected("item.not_in_audience", dossier=dossier_id, sender=sender)
    refusal = _unacceptable(entry, dossier)
    arrived = _append(entry, dossier_id, sender, refusal, now)
    if arrived:
        _take_waiting(dossier_id, entry.entry_id, now)


def _unacceptable(entry: SignedEntry, dossier: Dossier | None) -> str | None:
    """The code by which accord or local rules say that this node may not take the entry's content in; None if it may."""
    header, opening = entry.header, entry.header.opening
    if opening is not None:
        rules, accord_id, pinned = kind(opening.kind, opening.kind_version), opening.accord, opening.accord_version
    elif dossier is not None:
        rules, accord_id, pinned = kind(dossier.kind, dossier.kind_version), dossier.accord, dossier.accord_version
    else:
        raise Rejected("dossier.not_opened", at="/opening")
    parts = [salted.part if salted else None for salted in entry.parts]
    state = queries.folded_of(dossier).state if dossier else None
    question = questions.of_header("receive", rules, header, parts, state, version=pinned or None)
    accord = partners.accord_in_force(accord_id) if accord_id else None
    # The instant judged is the header's, so that both sides judge the same (docs/protocol/accords.md).
    decision = decide(question, accord, now=header.at, local=partners.local_rules())
    return None if decision.is_permitted else decision.code


def _append(entry: SignedEntry, dossier_id: str, sender: str, refusal: str | None, now: datetime) -> bool:
    """Judge and store in one transaction; False when the entry waits for its ancestors.

    An entry that may not be used here is folded like any other – its header holds no content, and the chain must go on –
    but its parts go to quarantine and the sender is told ``not_accepted``, without the reason.
    """
    with transaction.atomic(durable=True):
        dossier = dossiers.lock(dossier_id)
        folded = queries.folded_of(dossier) if dossier else None
        opening = entry.header.opening
        rules = kind(opening.kind, opening.kind_version) if opening else kind(dossier.kind, dossier.kind_version)  # type: ignore[union-attr]
        appended = folds.append(
            rules, folded, entry.header, entry.entry_id, queries.load_trace, load_header=queries.load_header
        )
        if isinstance(appended, folds.Waiting):
            missing = appended.missing
        else:
            if not appended.is_new:
                return False
            _store(entry, dossier, dossiers.Placed(appended.folded, appended.trace), sender, refusal, now)
            return True
    _wait(entry, dossier_id, sender, missing, now)
    return False


def _store(
    entry: SignedEntry,
    dossier: Dossier | None,
    placed: dossiers.Placed,
    sender: str,
    refusal: str | None,
    now: datetime,
) -> None:
    kept = entry.without(*(ref.commitment for ref in entry.header.parts)) if refusal else entry
    if dossier is None:
        dossier = dossiers.open_dossier(kept, placed, circle=_entry_circle(entry), case=None, title=None, now=now)
    dossiers.append(dossier, kept, placed, is_own=False, now=now)
    facts = {
        "entry": entry.entry_id,
        "act": entry.header.act,
        "from": entry.header.author,
        "effective": placed.trace.effective,
    }
    record("entry.taken", actor=f"node:{sender}", facts=facts, log="exchange", now=now, dossier=dossier.dossier_id)
    if refusal:
        dossiers.quarantine(entry, dossier.dossier_id, sender=sender, reason=refusal, now=now)
        enqueue(
            NOT_ACCEPTED_JOB,
            {"dossier": dossier.dossier_id, "entry": entry.entry_id},
            now=now,
            key=f"not_accepted/{entry.entry_id}",
        )
        desk.put(
            "quarantine",
            f"quarantine/{entry.entry_id}",
            title_code="desk.quarantine",
            facts={"partner": sender},
            link="/quarantine",
            now=now,
        )
    projections.after_entry(dossier, kept, now=now)


def _entry_circle(entry: SignedEntry) -> str:
    """The circle of the unit competent for what arrives; the entry point where no unit is."""
    area = entry.header.codes.get("crime_area")
    opening = entry.header.opening
    unit = competent_unit(opening.kind if opening else "", [str(area)] if area else [])
    return f"unit:{unit.code}" if unit else ""


def _wait(entry: SignedEntry, dossier_id: str, sender: str, missing: tuple[str, ...], now: datetime) -> None:
    with transaction.atomic():
        dossiers.keep_waiting(entry, dossier_id, sender=sender, missing=missing, now=now)
        content = {"v": 1, "dossier": dossier_id, "entries": list(missing)}
        exchange.queue([sender], "fetch", content, reference=f"{missing[0]}/{now:%d%H%M}", dossier=dossier_id, now=now)


def _take_waiting(dossier_id: str, arrived: str, now: datetime) -> None:
    """Judge again whatever waited for the entry that has just arrived, and whatever waited for that."""
    fresh = [arrived]
    while fresh:
        for waiting in dossiers.take_waiting(dossier_id, fresh.pop()):
            dossiers.drop_waiting(waiting.entry_id)
            entry = entries.from_wire(waiting.wire, at="/wire")
            dossier = queries.dossier_by_id(dossier_id)
            if _append(entry, dossier_id, waiting.sender, _unacceptable(entry, dossier), now):
                fresh.append(entry.entry_id)


def answer_not_accepted(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.not_accepted``: tell the author, in the dossier, that its entry was not taken in."""
    from tansiq.node.flows.act import act_by_machine

    act_by_machine(str(payload["dossier"]), "not_accepted", {"entry": str(payload["entry"])}, "local_rules", now=now)


def act_for_machine(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.machine``: sign what this node's machine owes in a dossier."""
    from tansiq.node.flows.act import act_by_machine
    from tansiq.node.flows.pins import own_calendar

    dossier = queries.dossier_by_id(str(payload["dossier"]))
    if dossier is None:
        return
    rules = kind(dossier.kind, dossier.kind_version)
    state = queries.folded_of(dossier).state
    for owed in rules.machine_acts(state, partners.myself().node_id, now, own_calendar()):
        act_by_machine(dossier.dossier_id, owed.act, owed.codes, owed.clause, now=now)


# -- the rest ------------------------------------------------------------------------------------------------------------


def take_status(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """What the partner says became of our entries."""
    status, references = content.get("status"), content.get("references")
    if status not in {"opened", "not_understood"} or not isinstance(references, list):
        raise Rejected("item.malformed", at="/status")
    named = [str(r) for r in references[:1000]]
    with transaction.atomic():
        exchange.mark(sender, named, str(status), now)
        facts = {"partner": sender, "status": str(status), "references": named[:50]}
        record("item.status", actor=f"node:{sender}", facts=facts, log="exchange", now=now)
        if status == "not_understood":
            key = f"not_understood/{sender}/{named[0] if named else ''}"
            desk.put(
                "not_understood", key, title_code="desk.not_understood", facts={"partner": sender}, urgent=True, now=now
            )


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


def take_fetch(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """Send again the entries a participant lacks; nobody else learns whether we have them."""
    wanted = content.get("entries")
    if not isinstance(wanted, list):
        raise Rejected("item.malformed", at="/entries")
    for entry_id in wanted[:1000]:
        row = queries.entry_by_id(str(entry_id))
        if row is None or sender not in row.dossier.participants:
            continue
        wire = queries.signed_entry(row).to_wire()
        with transaction.atomic():
            exchange.queue_again(sender, "entry", wire, reference=row.entry_id, dossier=row.dossier_id, now=now)


def take_heads(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """Compare heads of shared dossiers with a partner that was restored or asks: send what it lacks, fetch what we lack."""
    from tansiq.node.flows import repair

    repair.compare(sender, content, now)


HANDLERS: dict[str, Handler] = {
    witness.ITEM: witness.learn,
    "entry": take_entry,
    "status": take_status,
    "card": take_card,
    "revocation": take_revocation,
    "fetch": take_fetch,
    "heads": take_heads,
    "query": searching.take_query,
    "answer": searching.take_answer,
}

__all__ = ["HANDLERS", "Corrupt", "act_for_machine", "answer_not_accepted", "open_envelope", "take"]
