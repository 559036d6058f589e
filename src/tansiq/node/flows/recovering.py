"""A node that was restored from a copy, or made again from its root key alone, comes back without contradicting itself.

1. ``tansiq restore`` replays the erasure ledger, closes both logs, begins a new incarnation of every link, and asks each partner what it
   holds of this node: item ``restored``. It tells them its heads, so that entries come back. ``tansiq rebuild`` does the same where there is
   no copy; partners are enrolled after it, and asked by ``tansiq recovery ask``.
2. While partners are awaited the node takes in, compares and answers its door, and signs no entry. Its events wait unnumbered.
3. A partner answers with ``held``: the highest checkpoint of this node's exchange log that it keeps, countersigned, and the last envelope it
   had. Its entries travel before that word.
4. When all have answered and what arrived is taken in, the logs open anew: leaf 0 holds the highest of those checkpoints and a declaration of
   what was lost, from the last act in the copy to the restore. Then the node writes again. Whoever administers it may end the waiting for
   a partner that cannot be reached; the declaration names it.

Killed anywhere, the job goes on from the row of the recovery.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.errors import Conflict, Rejected
from tansiq.engine.formats.ids import is_digest
from tansiq.engine.formats.json_values import JsonValue
from tansiq.engine.formats.times import format_time, parse_time
from tansiq.engine.ledger import checkpoints
from tansiq.node.audit import actions as audit
from tansiq.node.audit import queries as audit_log
from tansiq.node.audit import witnessing
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import queries as dossiers
from tansiq.node.dossiers import statistics
from tansiq.node.exchange import actions as exchange
from tansiq.node.exchange import blobs, recovery
from tansiq.node.flows import erasure_ledger
from tansiq.node.flows.comparing import tell_heads
from tansiq.node.jobs import actions as jobs
from tansiq.node.partners import queries as partners
from tansiq.node.vault import keys

if TYPE_CHECKING:
    from tansiq.node.exchange.models import Recovery

JOB = "flows.recovery"
LOOK_EVERY = timedelta(seconds=2)
LOST = ("notes", "drafts", "references", "cases", "internal log", "exchange log")
"""What only this node had: it is gone from the last act in the copy to the restore."""
ALL_LOST = (*LOST, "register", "searches", "officers and units", "local rules", "files that no partner has")
"""What only this node had, where there was no copy."""


def begin(now: datetime, *, erasures: Path | None = None) -> dict[str, Any]:
    """Step 1, after a copy was brought back. Raises Rejected("erasure.ledger_broken") before anything is changed."""
    copy_at = audit_log.last_event_at()
    told = _open(now, erasures=erasures, copy_at=copy_at)
    asked = ask(now)
    if not asked:
        finish(now)
    return {**told, "partners_asked": len(asked), "dossiers": dossiers.count(), "files_awaited": blobs.await_again(now)}


def begin_without_copy(now: datetime, *, erasures: Path | None = None) -> dict[str, Any]:
    """Step 1 of a node that was made again with nothing but its root key: it reads and signs nothing, and has asked nobody yet.

    Its partners are enrolled next, in person as always, and then asked (:func:`ask`). Raises Rejected("erasure.ledger_broken").
    """
    return _open(now, erasures=erasures, copy_at=None)


def _open(now: datetime, *, erasures: Path | None, copy_at: datetime | None) -> dict[str, Any]:
    me = partners.my_id()
    ledger = erasure_ledger.read(erasures) if erasures else []
    again = erasure_ledger.replay(ledger, now)
    with transaction.atomic():
        incarnation = exchange.begin_incarnation(now)
        for log in audit_log.LOGS:
            audit.close(log, node_id=me, now=now)
        recovery.begin(incarnation=incarnation, copy_at=copy_at, now=now)
        facts = {"incarnation": incarnation}
        desk.put("restored", f"restored/{incarnation}", title_code="desk.restored", facts=facts, urgent=True, now=now)
    return {"node": me, "incarnation": incarnation, "erasures_replayed": len(ledger), "erased_again": again}


def ask(now: datetime) -> list[str]:
    """Ask every enrolled partner what it holds of this node, if this recovery has not asked it yet; returns whom.

    Raises Conflict("recovery.none").
    """
    row = recovery.open_now()
    if row is None:
        raise Conflict("recovery.none")
    question = {
        "v": 1,
        "incarnation": row.incarnation,
        "restored_at": format_time(row.begun_at),
        "copy_at": _written(row.copy_at),
    }
    with transaction.atomic():
        asked = recovery.wait_for(row, [partner.node_id for partner in partners.partners()])
        # Before the question: a partner answers in the order in which it is asked, and its entries come first.
        tell_heads(now, only=asked)
        exchange.queue(asked, recovery.ASKED, question, reference=recovery.reference(row.incarnation), now=now)
        if asked:
            jobs.enqueue(JOB, {}, now=now, key=JOB)
    return asked


def take_question(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """Item ``restored``: a partner was restored; an officer hears of it, and the partner hears what we hold of it."""
    incarnation = _number(content, "incarnation")
    restored_at, copy_at = _instant(content, "restored_at"), _instant(content, "copy_at")
    answer = {
        "v": 1,
        "incarnation": incarnation,
        "checkpoint": audit_log.cosigned_for(sender) or "",
        "manifest": recovery.last_manifest_of(sender, before=incarnation),
    }
    facts = {"partner": sender, "since": copy_at or "–", "at": restored_at}
    with transaction.atomic():
        exchange.queue([sender], recovery.ANSWER, answer, reference=f"held/{incarnation}", now=now)
        # One task a partner: one that keeps telling of restores has one line on the desk, and the log has them all.
        desk.put("link", f"restored/{sender}", title_code="desk.partner_lost", facts=facts, now=now)
        audit.record("link.partner_restored", actor=f"node:{sender}", facts=facts, log="exchange", now=now)


def take_answer(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """Item ``held``: what a partner holds of us. A checkpoint that is not ours is refused, and the partner is still awaited."""
    incarnation = _number(content, "incarnation")
    text, manifest = content.get("checkpoint"), content.get("manifest")
    if not isinstance(text, str):
        raise Rejected("item.malformed", at="/checkpoint")
    if manifest is not None:
        _require_manifest(manifest)
    if text:
        witnessing.require_own(text, node_id=partners.my_id(), publics=partners.own_node_keys())
    with transaction.atomic():
        recovery.learn(sender, {"checkpoint": text, "manifest": manifest}, incarnation=incarnation)
        jobs.enqueue(JOB, {}, now=now, key=JOB)


def look(payload: dict[str, Any], now: datetime) -> None:  # noqa: ARG001 - a job handler's shape
    """Job ``flows.recovery``: end the recovery when all is here; else look again."""
    row = recovery.open_now()
    if row is None:
        return
    if recovery.awaited(row) or recovery.is_arriving():
        with transaction.atomic():
            jobs.enqueue(JOB, {}, now=now, run_at=now + LOOK_EVERY, key=JOB)
        return
    _finish(row, now, without=())


def finish(now: datetime, *, without: Collection[str] = ()) -> dict[str, Any]:
    """End the recovery without waiting for ``without``; what they hold of us is not known then, and the declaration says so.

    Raises Conflict("recovery.none"), and Conflict("recovery.awaited") for a partner that is awaited and was not named.
    """
    row = recovery.open_now()
    if row is None:
        raise Conflict("recovery.none")
    awaited = recovery.awaited(row)
    if others := sorted(set(awaited) - set(without)):
        raise Conflict("recovery.awaited", partners=others)
    return _finish(row, now, without=awaited)


def status() -> dict[str, Any]:
    """How the last restore of this node stands; raises Conflict("recovery.none") where there was none."""
    row = recovery.latest()
    if row is None:
        raise Conflict("recovery.none")
    return {
        "incarnation": row.incarnation,
        "restored_at": row.begun_at,
        "copy_at": row.copy_at,
        "awaited": recovery.awaited(row) if row.ended_at is None else [],
        "entries_come_back": statistics.recorded_since(row.begun_at),
        "ended_at": row.ended_at,
        "declaration": row.declaration,
    }


def _finish(row: Recovery, now: datetime, *, without: Collection[str]) -> dict[str, Any]:
    me, signer = partners.my_id(), keys.current().node
    declaration = _declaration(row, without)
    highest = {"exchange": _highest(row), "internal": audit_log.checkpoint_text("internal")}
    with transaction.atomic():
        if not recovery.end(row, declaration, now):
            return declaration
        for log in audit_log.LOGS:
            audit.reopen(
                log,
                old_checkpoint=highest[log],
                declaration=declaration,
                node_id=me,
                signer=signer,
                now=now,
                incarnation=row.incarnation,
            )
    return declaration


def _declaration(row: Recovery, without: Collection[str]) -> dict[str, Any]:
    """What leaf 0 says was lost, and who told what."""
    heard = {partner: answer["manifest"] for partner, answer in row.answers.items() if answer is not None}
    return {
        "restored_at": format_time(row.begun_at),
        "incarnation": row.incarnation,
        "lost": {
            "from": _written(row.copy_at),
            "to": format_time(row.begun_at),
            "what": list(LOST if row.copy_at else ALL_LOST),
        },
        "last_envelopes": heard,
        "without": [*without],
    }


def _highest(row: Recovery) -> str | None:
    """The furthest head of our exchange log that a partner or this copy knows."""
    texts = [answer["checkpoint"] for answer in row.answers.values() if answer and answer["checkpoint"]]
    if own := audit_log.checkpoint_text("exchange"):
        texts.append(own)
    return max(texts, key=_reach, default=None)


def _reach(text: str) -> tuple[int, int]:
    """How far a checkpoint goes. Those of partners were held to our own signature when they came."""
    head = checkpoints.read_checkpoint(text)
    return (int(head.origin.rpartition("/")[2]), head.size)


def _written(at: datetime | None) -> str:
    return format_time(at) if at else ""


def _number(content: Mapping[str, JsonValue], member: str, *, at: str = "") -> int:
    value = content.get(member)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 2**31:
        raise Rejected("item.malformed", at=f"{at}/{member}")
    return value


def _instant(content: Mapping[str, JsonValue], member: str) -> str:
    """An instant as it stands, or an empty text."""
    value = content.get(member, "")
    if not isinstance(value, str):
        raise Rejected("item.malformed", at=f"/{member}")
    if value:
        parse_time(value, at=f"/{member}")
    return value


def _require_manifest(value: JsonValue) -> None:
    if not isinstance(value, dict) or set(value) != {"incarnation", "sequence", "digest"}:
        raise Rejected("item.malformed", at="/manifest")
    _number(value, "incarnation", at="/manifest")
    _number(value, "sequence", at="/manifest")
    if not is_digest(value["digest"]):
        raise Rejected("item.malformed", at="/manifest/digest")
