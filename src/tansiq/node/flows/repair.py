"""Repair: partners compare what they hold, a restored node comes back, and ``doctor`` looks whether everything is sound."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from tansiq.engine.dossiers import entries
from tansiq.engine.dossiers.states import contains
from tansiq.engine.errors import Rejected, TansiqError
from tansiq.engine.formats.ids import is_digest, require_digest
from tansiq.engine.formats.json_values import JsonValue
from tansiq.node.audit import actions as audit
from tansiq.node.audit import queries as audit_log
from tansiq.node.audit import verification
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import owed, queries, waiting_room
from tansiq.node.exchange import actions as exchange
from tansiq.node.exchange import blobs
from tansiq.node.exchange import queries as links
from tansiq.node.flows import erasure_ledger, printing
from tansiq.node.flows.taking import ask_for
from tansiq.node.jobs import queries as jobs
from tansiq.node.partners import queries as partners
from tansiq.node.vault import keys

if TYPE_CHECKING:
    from tansiq.node.dossiers.models import Dossier

TOLD_AT_ONCE = 1000
"""Dossiers in one item of heads: with up to 32 heads each it stays far below the limit of an envelope."""
MAX_TOLD = 2000
MAX_HEADS = 32
LOGS = ("exchange", "internal")


def compare(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """A partner told its heads of shared dossiers: send it what they do not include, and fetch what we lack ourselves.

    ``content`` is ``{"v": 1, "dossiers": {id: [heads]}, "after": id or "", "until": id or ""}``: what it says of the dossiers whose ids lie
    beyond ``after`` up to and with ``until`` (empty: to the end) is all it has of them.
    """
    told = content.get("dossiers")
    after, until = content.get("after", ""), content.get("until", "")
    if not isinstance(told, dict) or len(told) > MAX_TOLD or not all(is_digest(name) for name in told):
        raise Rejected("item.malformed", at="/dossiers")
    for name, bound in (("after", after), ("until", until)):
        if bound != "" and not is_digest(bound):
            raise Rejected("item.malformed", at=f"/{name}")
    heads = {name: _heads(name, listed) for name, listed in told.items()}
    for dossier in queries.shared_with(sender, after=str(after), until=str(until)):
        _send_what_lacks(sender, dossier, heads.get(dossier.dossier_id, []), now)
    for name in heads:
        if queries.dossier_by_id(name) is None:
            _fetch(sender, name, [name], now)


def _heads(dossier_id: str, listed: JsonValue) -> list[str]:
    if not isinstance(listed, list) or len(listed) > MAX_HEADS:
        raise Rejected("item.malformed", at=f"/dossiers/{dossier_id}")
    return [require_digest(head, at=f"/dossiers/{dossier_id}/{place}") for place, head in enumerate(listed)]


def _send_what_lacks(sender: str, dossier: Dossier, heads: list[str], now: datetime) -> None:
    known: dict[str, int] = {}
    missing = []
    for head in heads:
        trace = queries.load_trace(head)
        if trace is None:
            missing.append(head)
            continue
        for strand, number in trace.known.items():
            known[strand] = max(known.get(strand, 0), number)
    if missing:
        _fetch(sender, dossier.dossier_id, missing, now)
    for row in queries.entries_in_order(dossier):
        if not contains(known, row.trace["strand"], row.trace["number"]):
            with transaction.atomic():
                wire = queries.signed_entry(row).to_wire()
                exchange.queue_again(sender, "entry", wire, reference=row.entry_id, dossier=dossier.dossier_id, now=now)


def _fetch(sender: str, dossier_id: str, wanted: list[str], now: datetime) -> None:
    with transaction.atomic():
        ask_for([sender], dossier_id, wanted, now)


def tell_heads(now: datetime) -> int:
    """Tell every partner our heads of the dossiers we share, so that each side learns what it lacks; returns how many partners."""
    told = partners.partners()
    for partner in told:
        shared = (
            (d.dossier_id, sorted(queries.folded_of(d).heads)[:MAX_HEADS]) for d in queries.shared_with(partner.node_id)
        )
        after, number = "", 0
        while True:
            batch = dict(islice(shared, TOLD_AT_ONCE))
            is_last = len(batch) < TOLD_AT_ONCE
            until = "" if is_last else max(batch)
            content = {"v": 1, "dossiers": batch, "after": after, "until": until}
            with transaction.atomic():
                reference = f"heads/{now:%Y%m%d%H%M%S}/{number}"
                exchange.queue([partner.node_id], "heads", content, reference=reference, now=now)
            if is_last:
                break
            after, number = until, number + 1
    return len(told)


def after_restore(now: datetime, *, erasures: Path | None = None) -> dict[str, Any]:
    """Bring a restored store back: what was erased is erased again, links and logs begin a new incarnation, and partners compare.

    Raises Rejected("erasure.ledger_broken") before anything is changed.
    """
    me = partners.my_id()
    ledger = erasure_ledger.read(erasures) if erasures else []
    again = erasure_ledger.replay(ledger, now)
    last = {log: audit_log.checkpoint_text(log) for log in LOGS}
    with transaction.atomic():
        incarnation = exchange.begin_incarnation(now)
        for log in LOGS:
            declaration = {"restored_at": now.isoformat(), "incarnation": incarnation}
            audit.reopen(
                log,
                old_checkpoint=last[log],
                declaration=declaration,
                node_id=me,
                signer=keys.current().node,
                now=now,
                incarnation=incarnation,
            )
        desk.put(
            "restored",
            f"restored/{incarnation}",
            title_code="desk.restored",
            facts={"incarnation": incarnation},
            urgent=True,
            now=now,
        )
    return {
        "node": me,
        "incarnation": incarnation,
        "erasures_replayed": len(ledger),
        "erased_again": again,
        "partners_asked": tell_heads(now),
        "dossiers": queries.count(),
        "files_awaited": blobs.await_again(now),
    }


# -- doctor --------------------------------------------------------------------------------------------------------------


def examine(now: datetime, *, quick: bool) -> list[dict[str, str]]:
    """Every check of the doctor: {level: ok | warn | bad, check, told}."""
    findings = [_store(), _card(now), *_links(), _jobs(), _waiting(), _paper()]
    if not quick:
        findings += [*_logs(), _entries(), _files(), _owed()]
    return findings


def _found(level: str, check: str, told: str) -> dict[str, str]:
    return {"level": level, "check": check, "told": told}


def _store() -> dict[str, str]:
    if connection.vendor != "sqlite":
        return _found("ok", "store", "PostgreSQL answers")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        told = str(cursor.fetchone()[0])
    return _found("ok" if told == "ok" else "bad", "store", f"SQLite integrity: {told}")


def _card(now: datetime) -> dict[str, str]:
    card = partners.opened(partners.myself())
    if card.valid_until <= now:
        return _found("bad", "card", f"expired on {card.valid_until:%Y-%m-%d}; sign a new one with the root key")
    mailboxes = [k for k in card.keys if k.purpose == "mailbox" and k.valid_to > now]
    if not mailboxes:
        return _found("bad", "mailbox", "no mailbox key is valid; publish a new card")
    return _found("ok", "card", f"valid until {card.valid_until:%Y-%m-%d}, {len(mailboxes)} mailbox keys ahead")


def _paper() -> dict[str, str]:
    """Whether this machine can print; without it everything else works."""
    lacking = printing.lacking()
    if lacking:
        return _found("warn", "printing", f"not available until these packages are installed: {' '.join(lacking)}")
    return _found("ok", "printing", "pages can be laid out")


def _links() -> list[dict[str, str]]:
    rows = []
    for partner, link in links.links().items():
        told = f"{link['waiting']} waiting, {link['failures']} failures {link['last_error']}".strip()
        missing = link.get("missing") or []
        level = "warn" if link["failures"] or missing else "ok"
        rows.append(_found(level, f"link {partner}", told + (f", {len(missing)} gaps" if missing else "")))
    return rows


def _jobs() -> dict[str, str]:
    dead = jobs.dead_count()
    return _found("warn" if dead else "ok", "jobs", f"{dead} dead letters")


def _files() -> dict[str, str]:
    lost = len(blobs.lost())
    told = f"{lost} sealed files are not on the disk; restore the folder of files, or let them be fetched again"
    return _found("bad" if lost else "ok", "files", told if lost else "every sealed file is on the disk")


def _waiting() -> dict[str, str]:
    waiting = len(waiting_room.listed())
    return _found("warn" if waiting else "ok", "waiting entries", f"{waiting} entries wait for their ancestors")


def _logs() -> list[dict[str, str]]:
    report = verification.verify([], publics=partners.own_node_keys())
    rows = [_found("bad", "logs", str(finding)) for finding in report.findings]
    for tree in report.trees:
        told = "; ".join(str(f) for f in tree.findings) or f"{tree.size} events verify"
        rows.append(_found("bad" if tree.findings else "ok", f"log {tree.origin}", told))
    return rows


def _owed() -> dict[str, str]:
    """The rows of what is owed say what the dossiers' states say."""
    differ = list(islice(owed.differences(), 6))
    if differ:
        named = ", ".join(one[:12] for one in differ[:5])
        return _found(
            "bad", "owed", f"rows differ from the state of {named}; `tansiq overdue --recount` writes them anew"
        )
    return _found("ok", "owed", "what is owed is what the dossiers say")


def _entries() -> dict[str, str]:
    """Every entry's signature and commitments, as stored."""
    bad = []
    total = 0
    for row in queries.all_entries():
        total += 1
        try:
            signed = queries.signed_entry(row)
            if signed.entry_id != row.entry_id:
                raise Rejected("entry.malformed", at="/", wanted=row.entry_id)
            entries.verify_entry(signed, partners.authority_keys(row.author, row.at))
        except TansiqError as error:
            bad.append(f"{row.entry_id[:12]} {error.code}")
    if bad:
        return _found("bad", "entries", f"{len(bad)} of {total}: {', '.join(bad[:5])}")
    return _found("ok", "entries", f"{total} signatures verify")
